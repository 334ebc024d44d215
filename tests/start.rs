//! The program as people start it: files, command lines, signals, what it says and where.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

/// Only a test that fails waits so long.
const PATIENCE: Duration = Duration::from_secs(20);

/// A directory of one test's own, removed at its end.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Scratch {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("forebay-start-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("the temporary directory is writable");
        Scratch(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).expect("the scratch directory is writable");
        path
    }

    fn program(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_forebay"));
        command.current_dir(&self.0).args(arguments).env_remove("NOTIFY_SOCKET");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs a start that is to fail, or that is no start.
    fn run(&self, arguments: &[&str]) -> Output {
        self.program(arguments).output().expect("the program can be run")
    }

    /// What a refused start says on standard error.
    fn refusal(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(!output.status.success(), "{arguments:?} was taken");
        String::from_utf8(output.stderr).expect("text")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).expect("the scratch directory is the test's own");
    }
}

/// A running server, and what it logged until it was ready.
struct Running {
    child: Child,
    log: String,
    rest: BufReader<std::process::ChildStdout>,
}

impl Running {
    fn start(scratch: &Scratch, arguments: &[&str]) -> Running {
        Running::spawn(scratch.program(arguments))
    }

    fn spawn(mut command: Command) -> Running {
        let mut child = command.spawn().expect("the program can be run");
        let mut rest = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut log = String::new();
        while !log.contains("Ready to accept connections") {
            let read = rest.read_line(&mut log).expect("the log is text");
            assert_ne!(read, 0, "it did not start: {log}");
        }
        Running { child, log, rest }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it runs");
    }

    /// Waits for the end; whether it was a success, and what it logged after it was ready.
    fn end(mut self) -> (bool, String) {
        let mut log = String::new();
        self.rest.read_to_string(&mut log).expect("the log is text");
        (self.child.wait().expect("it is our child").success(), log)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.child.kill().expect("it runs");
            self.child.wait().expect("it is our child");
        }
    }
}

/// A port that was free a moment ago.
fn free_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port can be had");
    listener.local_addr().expect("it is bound").port().to_string()
}

fn ask(mut stream: impl Read + Write, request: &str, reply_bytes: usize) -> String {
    stream.write_all(format!("{request}\r\n").as_bytes()).expect("the server reads");
    let mut reply = vec![0; reply_bytes];
    stream.read_exact(&mut reply).expect("the server answers");
    String::from_utf8(reply).expect("text")
}

fn ping(port: &str) -> String {
    let stream = TcpStream::connect(format!("127.0.0.1:{port}")).expect("it listens");
    ask(stream, "PING", 7)
}

fn wait_for(what: &str, condition: impl Fn() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn the_first_line_is_the_promise_and_the_next_say_where() {
    let scratch = Scratch::new();
    let port = free_port();
    let server = Running::start(&scratch, &["--port", &port, "--hz", "5", "--save", "60", "1"]);
    let lines: Vec<&str> = server.log.lines().collect();
    assert!(lines[0].contains("Promise in force: a reply means on disk"), "{}", lines[0]);
    assert!(lines[0].contains("appendfsync always"), "it says by what: {}", lines[0]);
    assert!(lines.iter().any(|line| line.ends_with("Settings without effect here: hz")));
    let place = format!("Listening on 127.0.0.1:{port}");
    let directory = scratch.path("forebay-data");
    assert!(lines.iter().any(|line| line.contains(&place)), "{lines:?}");
    assert!(server.log.contains(&format!("data directory {}", directory.display())));
    assert!(directory.is_dir());
    let pid = server.child.id();
    assert!(lines.iter().all(|line| line.starts_with(&format!("{pid}:M "))), "{lines:?}");
    assert_eq!(ping(&port), "+PONG\r\n");
}

#[test]
fn memory_only_is_said_plainly_when_it_was_asked_for() {
    let scratch = Scratch::new();
    let arguments = ["--port", &free_port(), "--save", "", "--appendonly", "no"];
    let server = Running::start(&scratch, &arguments);
    let first = server.log.lines().next().expect("it logs");
    assert!(first.contains("* Promise in force: a reply means in memory"), "{first}");
}

#[test]
fn a_file_then_standard_input_then_the_command_line() {
    let scratch = Scratch::new();
    let port = free_port();
    let file = scratch.write("r.conf", "port 1\ntimeout 5\nmaxmemory 1mb\ndatabases 3\n");
    let file = file.to_str().expect("text");
    let mut command = scratch.program(&[file, "-", "--port", &port, "--timeout", "7"]);
    let input = scratch.write("stdin", "port 2\nmaxmemory 2mb");
    command.stdin(fs::File::open(input).expect("it was just written"));
    let server = Running::spawn(command);
    assert!(server.log.contains("settings from") && server.log.contains("r.conf"));
    let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).expect("it listens");
    assert_eq!(ask(&mut stream, "CONFIG GET timeout", 24), "*2\r\n$7\r\ntimeout\r\n$1\r\n7\r\n");
    let expected = "*2\r\n$9\r\nmaxmemory\r\n$7\r\n2097152\r\n";
    assert_eq!(ask(&mut stream, "CONFIG GET maxmemory", expected.len()), expected);
    assert!(ask(&mut stream, "SELECT 3", 11).starts_with("-ERR DB"));
}

#[test]
fn refusals_name_line_and_reason_in_redis_words() {
    let scratch = Scratch::new();
    let version = env!("CARGO_PKG_VERSION");
    let head = format!("\n*** FATAL CONFIG FILE ERROR (Forebay {version}) ***\n");
    let at = |line: u32, text: &str, message: &str| {
        format!("{head}Reading the configuration file, at line {line}\n>>> '{text}'\n{message}\n")
    };
    let wrong = "wrong number of arguments";
    let bad = "Bad directive or wrong number of arguments";
    let range = "argument must be between 0 and 65535 inclusive";
    assert_eq!(scratch.refusal(&["--port", "99999"]), at(2, "port \"99999\"", range));
    assert_eq!(scratch.refusal(&["--port", "1", "x"]), at(2, "port \"1\" \"x\"", wrong));
    assert_eq!(scratch.refusal(&["--port=7000"]), at(2, "port=7000", bad));
    assert_eq!(scratch.refusal(&["--hz", "5", "--nosuch", "1"]), at(3, "nosuch \"1\"", bad));
    scratch.write("r.conf", "port 1\n# fine\ntimeout x\n");
    let integer = "argument couldn't be parsed into an integer";
    assert_eq!(scratch.refusal(&["r.conf"]), at(3, "timeout x", integer));
    let tls = scratch.refusal(&["--tls-port", "6380"]);
    assert!(tls.starts_with(&format!("{head}Reading")) && tls.contains("TLS proxy"), "{tls}");
    let missing = format!(
        "Fatal error, can't open config file '{}': No such file or directory\n",
        scratch.path("none.conf").display()
    );
    assert_eq!(scratch.refusal(&["none.conf"]), missing);
    let logfile = scratch.refusal(&["--logfile", "/none/x.log"]);
    assert_eq!(logfile, format!("{head}Can't open the log file: No such file or directory\n"));
}

#[test]
fn version_and_help() {
    let scratch = Scratch::new();
    for flag in ["-v", "--version"] {
        let output = scratch.run(&[flag]);
        let expected = format!("Forebay server v={}\n", env!("CARGO_PKG_VERSION"));
        assert!(output.status.success());
        assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
    }
    for flag in ["-h", "--help"] {
        let output = scratch.run(&[flag]);
        assert!(output.status.success());
        assert!(String::from_utf8_lossy(&output.stdout).contains("Usage: forebay [FILE]"));
    }
}

#[test]
fn a_port_that_is_taken_or_a_directory_that_is_missing_ends_the_start() {
    let scratch = Scratch::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port can be had");
    let port = taken.local_addr().expect("it is bound").port().to_string();
    for (arguments, reason) in [
        (&["--port", port.as_str()][..], "in use"),
        (&["--port", "0"], "Configured to not listen anywhere"),
        (&["--port", "0", "--dir", "/none"], "cannot use the directory /none"),
    ] {
        let output = scratch.run(arguments);
        assert!(!output.status.success());
        let log = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(log.contains(reason), "{reason} in {log}");
    }
}

#[test]
fn shutdown_ends_it_whatever_a_script_does() {
    for script in [
        "while true do end",
        "string.find(string.rep('a',60),string.rep('a?',60)..string.rep('a',60))",
    ] {
        let scratch = Scratch::new();
        let port = free_port();
        let server = Running::start(&scratch, &["--port", &port, "--busy-reply-threshold", "50"]);
        let connect = || TcpStream::connect(format!("127.0.0.1:{port}")).expect("it listens");
        let mut runaway = connect();
        let len = script.len();
        let request = format!("*3\r\n$4\r\nEVAL\r\n${len}\r\n{script}\r\n$1\r\n0\r\n");
        runaway.write_all(request.as_bytes()).expect("it listens");
        wait_for("the script to be busy", || ping(&port).starts_with("-BUSY"));
        let mut asking = connect();
        asking.write_all(b"SHUTDOWN NOSAVE\r\n").expect("it listens");
        let (is_success, log) = server.end();
        assert!(is_success && log.contains("bye bye"), "{log}");
    }
}

#[test]
fn signals_end_it_in_order() {
    let scratch = Scratch::new();
    for (signal, name) in [(Signal::TERM, "SIGTERM"), (Signal::INT, "SIGINT")] {
        let port = free_port();
        let pidfile = scratch.path("forebay.pid");
        let arguments = ["--port", &port, "--pidfile", pidfile.to_str().expect("text")];
        let server = Running::start(&scratch, &arguments);
        let pid = fs::read_to_string(&pidfile).expect("the pid file is there");
        assert_eq!(pid, format!("{}\n", server.child.id()));
        let mut idle = TcpStream::connect(format!("127.0.0.1:{port}")).expect("it listens");
        // Once it is answered it has been accepted.
        idle.write_all(b"PING\r\n").expect("it listens");
        idle.read_exact(&mut [0; 7]).expect("it answers");
        // The terminal that it was started in is closed.
        server.signal(Signal::HUP);
        idle.write_all(b"PING\r\n").expect("it listens");
        idle.read_exact(&mut [0; 7]).expect("it answers");
        server.signal(signal);
        let (success, log) = server.end();
        assert!(success);
        assert!(log.contains(&format!("Received {name} scheduling shutdown...")), "{log}");
        assert!(log.trim_end().ends_with("ready to exit, bye bye..."), "{log}");
        assert!(!pidfile.exists());
        assert_eq!(idle.read(&mut [0]).expect("it was closed in order"), 0);
    }
}

#[test]
fn relative_paths_are_beneath_dir_and_the_socket_has_its_permissions() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.path("run")).expect("the scratch directory is writable");
    let mut command = scratch.program(&[
        "--port",
        "0",
        "--dir",
        "run",
        "--unixsocket",
        "f.sock",
        "--unixsocketperm",
        "700",
        "--logfile",
        "f.log",
    ]);
    let mut child = command.spawn().expect("the program can be run");
    let log = || fs::read_to_string(scratch.path("run/f.log")).unwrap_or_default();
    wait_for("the server", || log().contains("Ready to accept connections"));
    let socket = scratch.path("run/f.sock");
    let mode = fs::metadata(&socket).expect("the socket is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    let stream = UnixStream::connect(&socket).expect("it listens");
    assert_eq!(ask(stream, "PING", 7), "+PONG\r\n");
    // A log that was moved away begins anew.
    fs::rename(scratch.path("run/f.log"), scratch.path("run/old.log")).expect("it is there");
    kill_process(Pid::from_child(&child), Signal::TERM).expect("it runs");
    assert!(child.wait().expect("it is our child").success());
    assert!(log().contains("Received SIGTERM") && !log().contains("Ready"));
}

#[test]
fn loglevel_follows_config_set() {
    let scratch = Scratch::new();
    let port = free_port();
    let server = Running::start(&scratch, &["--port", &port]);
    let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).expect("it listens");
    assert_eq!(ask(&mut stream, "CONFIG SET loglevel nothing", 5), "+OK\r\n");
    server.signal(Signal::TERM);
    let (success, log) = server.end();
    assert!(success);
    assert_eq!(log, "");
}

#[test]
fn config_rewrite_writes_the_file() {
    let scratch = Scratch::new();
    let port = free_port();
    let file = scratch.write("r.conf", &format!("# mine\nport {port}\ntimeout 5\n"));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("it is ours");
    let _server = Running::start(&scratch, &["r.conf", "--databases", "4"]);
    let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).expect("it listens");
    assert_eq!(ask(&mut stream, "CONFIG SET timeout 9 maxmemory 3mb", 5), "+OK\r\n");
    assert_eq!(ask(&mut stream, "CONFIG REWRITE", 5), "+OK\r\n");
    let expected = format!(
        "# mine\nport {port}\ntimeout 9\n# Generated by CONFIG REWRITE\ndatabases 4\nmaxmemory 3mb\n\
         user default on nopass sanitize-payload ~* &* +@all\n"
    );
    assert_eq!(fs::read_to_string(&file).expect("just written"), expected);
    let mode = fs::metadata(&file).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "a file with a password stays as it was");
}

#[test]
fn daemonize_leaves_the_terminal() {
    let scratch = Scratch::new();
    let port = free_port();
    let pidfile = scratch.path("d.pid");
    let output = scratch.run(&[
        "--port",
        &port,
        "--daemonize",
        "yes",
        "--logfile",
        "d.log",
        "--pidfile",
        pidfile.to_str().expect("text"),
    ]);
    assert!(output.status.success(), "the parent leaves at once");
    let log = || fs::read_to_string(scratch.path("d.log")).unwrap_or_default();
    wait_for("the server", || log().contains("Ready to accept connections"));
    let pid = fs::read_to_string(&pidfile).expect("the pid file is there");
    let pid = Pid::from_raw(pid.trim().parse().expect("a number")).expect("not 0");
    assert_eq!(rustix::process::getsid(Some(pid)).expect("it runs"), pid, "a session of its own");
    assert_eq!(ping(&port), "+PONG\r\n");
    kill_process(pid, Signal::TERM).expect("it runs");
    wait_for("the end", || test_kill_process(pid).is_err() || is_zombie(pid));
    assert!(log().contains("bye bye..."));
    let refused = scratch.refusal(&["-", "--daemonize", "yes"]);
    assert!(refused.contains("standard input"), "{refused}");
}

/// Ended, and its new parent has not looked yet.
fn is_zombie(pid: Pid) -> bool {
    let stat = format!("/proc/{}/stat", pid.as_raw_nonzero());
    fs::read_to_string(Path::new(&stat)).is_ok_and(|text| text.contains(") Z "))
}

#[test]
fn systemd_is_told_of_readiness_and_of_the_end() {
    let scratch = Scratch::new();
    let socket = scratch.path("notify");
    let receiver = UnixDatagram::bind(&socket).expect("the scratch directory is writable");
    receiver.set_read_timeout(Some(PATIENCE)).expect("the socket takes it");
    let receive = || {
        let mut buffer = [0; 128];
        let bytes = receiver.recv(&mut buffer).expect("it is told");
        String::from_utf8_lossy(&buffer[..bytes]).into_owned()
    };
    let mut command = scratch.program(&["--port", &free_port(), "--supervised", "systemd"]);
    command.env("NOTIFY_SOCKET", &socket);
    let server = Running::spawn(command);
    assert!(receive().contains("READY=1"));
    server.signal(Signal::TERM);
    assert!(receive().contains("STOPPING=1"));
    assert!(server.end().0);
}

#[test]
fn a_second_interrupt_is_enough() {
    let scratch = Scratch::new();
    let port = free_port();
    let arguments = ["--port", &port, "--enable-debug-command", "yes"];
    let server = Running::start(&scratch, &arguments);
    // Keeps the shutdown from ending within its time.
    let mut busy = TcpStream::connect(format!("127.0.0.1:{port}")).expect("it listens");
    busy.write_all(b"DEBUG SLEEP 30\r\n").expect("the server reads");
    let mut info = TcpStream::connect(format!("127.0.0.1:{port}")).expect("it listens");
    assert_eq!(ask(&mut info, "PING", 7), "+PONG\r\n");
    server.signal(Signal::INT);
    // The first has been seen when nobody is let in any more.
    wait_for("the shutdown", || TcpStream::connect(format!("127.0.0.1:{port}")).is_err());
    server.signal(Signal::INT);
    let (success, log) = server.end();
    assert!(!success);
    assert!(log.contains("You insist... exiting now."), "{log}");
}

#[test]
fn a_file_that_is_no_socket_is_not_replaced_by_one() {
    let scratch = Scratch::new();
    let file = scratch.write("precious", "keep me");
    let path = file.to_str().expect("the path is text");
    let output = scratch.run(&["--port", "0", "--unixsocket", path]);
    assert!(!output.status.success(), "it started over somebody's file");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(said.contains("a file that is not a socket is in the way"), "{said}");
    assert_eq!(fs::read_to_string(&file).expect("it is still there"), "keep me");
}

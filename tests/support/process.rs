//! The program as a process of its own: started on a directory, killed, started again.

// Each test file is a crate of its own and uses a part of this.
#![allow(dead_code)]

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Only a test that fails waits so long.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A directory of one test's own, removed at its end.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new(name: &str) -> Scratch {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("forebay-{name}-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("the temporary directory is writable");
        Scratch(path)
    }

    pub fn root(&self) -> &Path {
        &self.0
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The data directory, which the first start makes.
    pub fn dir(&self) -> PathBuf {
        self.path("forebay-data")
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let tail: Vec<&str> = log.lines().rev().take(40).collect();
            let tail: Vec<&str> = tail.into_iter().rev().collect();
            eprintln!("{} is kept. The end of its log:\n{}", self.0.display(), tail.join("\n"));
            return;
        }
        fs::remove_dir_all(&self.0).expect("the scratch directory is the test's own");
    }
}

/// The program: the one that was built with the tests, or the one that `FOREBAY_BIN` names.
pub fn binary() -> String {
    std::env::var("FOREBAY_BIN").unwrap_or_else(|_| env!("CARGO_BIN_EXE_forebay").into())
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port can be had");
    listener.local_addr().expect("it is bound").port()
}

/// Runs the program to its end.
pub fn run(scratch: &Scratch, arguments: &[&str]) -> Output {
    let mut command = Command::new(binary());
    command.current_dir(scratch.root()).args(arguments).stdin(Stdio::null());
    command.output().expect("the program can be run")
}

/// A server process. Killed when dropped.
pub struct Process {
    pub child: Child,
    pub port: u16,
}

impl Process {
    /// Starts a server in the scratch directory, its log going on in the file `log` there. Does not
    /// wait for it.
    pub fn spawn(scratch: &Scratch, port: u16, arguments: &[&str]) -> Process {
        Process::spawn_by(Command::new(binary()), scratch, port, arguments)
    }

    /// As [`Process::spawn`], by a command that runs the program with what follows.
    pub fn spawn_by(
        mut command: Command,
        scratch: &Scratch,
        port: u16,
        arguments: &[&str],
    ) -> Process {
        let log = File::options().create(true).append(true).open(scratch.path("log"));
        let log = log.expect("the scratch directory is writable");
        let errors = log.try_clone().expect("a file can be shared");
        command.current_dir(scratch.root()).args(["--port", &port.to_string()]).args(arguments);
        command.stdin(Stdio::null()).stdout(log).stderr(errors).env_remove("NOTIFY_SOCKET");
        Process { child: command.spawn().expect("the program can be run"), port }
    }

    /// Starts a server and waits until it serves.
    pub fn start(scratch: &Scratch, port: u16, arguments: &[&str]) -> Process {
        let mut process = Process::spawn(scratch, port, arguments);
        process.wait_ready(scratch);
        process
    }

    /// Waits until what was loaded is served.
    pub fn wait_ready(&mut self, scratch: &Scratch) {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                panic!("it did not start ({status}):\n{}", scratch.log());
            }
            assert!(begun.elapsed() < PATIENCE, "it does not get ready");
            let dbsize = self
                .try_connect()
                .and_then(|mut connection| redis::cmd("DBSIZE").query::<i64>(&mut connection));
            if dbsize.is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(3));
        }
    }

    /// Kills it with -9 and waits until it is gone.
    pub fn kill(&mut self) {
        // It may have ended by itself.
        self.child.kill().expect("it is our child");
        self.child.wait().expect("it is our child");
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it runs");
    }

    /// Waits for its end.
    pub fn wait_end(&mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                return status;
            }
            assert!(begun.elapsed() < PATIENCE, "it does not end");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    pub fn try_connect(&self) -> redis::RedisResult<redis::Connection> {
        let client = redis::Client::open(format!("redis://127.0.0.1:{}/", self.port))?;
        let connection = client.get_connection()?;
        connection.set_read_timeout(Some(PATIENCE))?;
        Ok(connection)
    }

    pub fn connect(&self) -> redis::Connection {
        self.try_connect().expect("the server accepts connections")
    }

    /// One field of INFO; empty without it.
    pub fn info(&self, field: &str) -> String {
        let text: String =
            redis::cmd("INFO").arg("everything").query(&mut self.connect()).expect("INFO");
        let prefix = format!("{field}:");
        let value = text.lines().find_map(|line| line.strip_prefix(&prefix));
        value.unwrap_or_default().to_string()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.kill();
        }
    }
}

/// Waits until a condition holds.
pub fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

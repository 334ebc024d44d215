//! A server inside the test's process, on a port of its own, with a clock the test may turn.

// Each test file is a crate of its own and uses a part of this.
#![allow(dead_code)]

pub mod bare;
pub mod commands;
pub mod queues;
pub mod scripts;
pub mod story;
pub mod targets;
pub mod values;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use forebay::command::Server;
use forebay::command::store::Store;
use forebay::config::Config;
use forebay::journal::MemorySink;
use forebay::journal::disk::Disk;
use forebay::keyspace::{Clock, Keyspace, ManualClock, Options, SystemClock};
use forebay::net::{self, Endpoints, Listeners};

/// The time at which a [`TestServer`] with a manual clock starts, unix ms.
pub const START_MS: i64 = 1_700_000_000_000;

/// A running server; stopped when dropped.
pub struct TestServer {
    pub address: SocketAddr,
    pub server: Arc<Server>,
    /// The server's clock, if it is turned by hand.
    pub clock: Option<Arc<ManualClock>>,
    /// Every frame the server recorded.
    pub sink: Arc<MemorySink>,
    runtime: Option<tokio::runtime::Runtime>,
}

impl TestServer {
    /// With the machine's clock and default settings.
    pub fn start() -> TestServer {
        TestServer::with("", None)
    }

    /// With a clock that stands at [`START_MS`] until it is turned.
    pub fn manual() -> TestServer {
        TestServer::with("", Some(ManualClock::new(START_MS)))
    }

    /// With these lines of a redis.conf.
    pub fn configured(lines: &str) -> TestServer {
        TestServer::with(lines, None)
    }

    pub fn with(lines: &str, clock: Option<Arc<ManualClock>>) -> TestServer {
        TestServer::launch(lines, clock, true)
    }

    /// With these settings, on what a disk holds; what is answered is kept there.
    pub fn on_disk(
        lines: &str,
        clock: Option<Arc<ManualClock>>,
        disk: Arc<dyn Disk>,
    ) -> TestServer {
        let server = TestServer::launch(lines, clock, false);
        server.server.begin_loading();
        server.load(disk).unwrap_or_else(|why| panic!("{why}"));
        server
    }

    /// Loads what a disk holds, after `begin_loading`.
    pub fn load(&self, disk: Arc<dyn Disk>) -> Result<(), String> {
        Store::open(&self.server, disk)?;
        Store::follow_settings(&self.server);
        self.server.end_loading();
        Ok(())
    }

    /// A server that keeps nothing until it is told to [`TestServer::load`]; with a sink it never
    /// will.
    pub fn launch(lines: &str, clock: Option<Arc<ManualClock>>, with_sink: bool) -> TestServer {
        let config = Config::from_lines(lines).unwrap_or_else(|error| panic!("{error}"));
        let sink = Arc::new(MemorySink::default());
        let keyspace = Keyspace::new(Options {
            databases: config.databases.get_usize(),
            clock: match &clock {
                Some(clock) => Arc::clone(clock) as Arc<dyn Clock>,
                None => Arc::new(SystemClock),
            },
            seed: 7,
            sink: with_sink.then(|| Arc::clone(&sink) as Arc<dyn forebay::journal::Sink>),
        });
        let server = Arc::new(Server::new(Arc::new(keyspace), Arc::new(config)));
        server.load_users().unwrap_or_else(|error| panic!("{error}"));
        server.stream_rules.load(&server.config).unwrap_or_else(|error| panic!("{error}"));
        // Not only once it serves: a test may look at its keys before.
        server.look_after_streams();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            // Without optimization frames are several times as large.
            .thread_stack_size(32 << 20)
            .enable_all()
            .build()
            .expect("a runtime can be made");
        let endpoints = Endpoints {
            bind: vec!["127.0.0.1".into()],
            port: 0,
            port_any: true,
            ..Endpoints::of(&server.config)
        };
        let guard = runtime.enter();
        let listeners = Listeners::open(&endpoints).expect("a free port can be had");
        drop(guard);
        let address = listeners.addresses()[0];
        runtime.spawn(net::serve(Arc::clone(&server), listeners));
        TestServer { address, server, clock, sink, runtime: Some(runtime) }
    }

    /// Turns the clock on.
    pub fn advance_ms(&self, ms: i64) {
        self.clock.as_ref().expect("the clock is turned by hand").advance_ms(ms);
    }

    /// A blocking connection of the `redis` crate, RESP2.
    pub fn connect(&self) -> redis::Connection {
        self.open(&format!("redis://{}/", self.address))
    }

    /// The same in RESP3.
    pub fn connect3(&self) -> redis::Connection {
        self.open(&format!("redis://{}/?protocol=resp3", self.address))
    }

    fn open(&self, url: &str) -> redis::Connection {
        let client = redis::Client::open(url).expect("the address is well formed");
        client.get_connection().expect("the server accepts connections")
    }

    /// A plain socket, for exact bytes.
    pub fn raw(&self) -> Raw {
        let stream = TcpStream::connect(self.address).expect("the server accepts connections");
        stream.set_nodelay(true).expect("the socket takes the option");
        // Only a test that fails waits so long.
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("the socket takes it");
        Raw { stream, buffered: Vec::new() }
    }

    /// How many of the server's tasks have not ended.
    pub fn tasks(&self) -> usize {
        let runtime = self.runtime.as_ref().expect("it runs until it is dropped");
        runtime.metrics().num_alive_tasks()
    }

    /// Waits until so many clients are blocked.
    pub fn wait_blocked(&self, count: usize) {
        self.wait_until("clients to block", || {
            self.server.clients.all().iter().filter(|client| client.is_blocked()).count() == count
        });
    }

    /// Waits until a condition holds that another thread brings about.
    pub fn wait_until(&self, what: &str, condition: impl Fn() -> bool) {
        for _ in 0..60_000 {
            if condition() {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        panic!("waited in vain for {what}");
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Asks each request and compares the reply.
pub fn check(client: &mut Raw, story: &[(&str, &str)]) {
    for (at, (request, reply)) in story.iter().enumerate() {
        assert_eq!(client.ask(request), *reply, "step {at}: {request}");
    }
}

/// The effects recorded since the last call, each as its words; SELECTs are left in.
pub fn effects(server: &TestServer) -> Vec<String> {
    let shown = |bytes: Vec<u8>| {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let words = text.split("\r\n").filter(|word| !word.starts_with('$') && !word.is_empty());
        let line = words.map(|word| if word.starts_with('*') { "\n" } else { word });
        line.collect::<Vec<_>>().join(" ").trim().replace(" \n ", "; ")
    };
    server.sink.drain().into_iter().map(|frame| shown(frame.effects)).collect()
}

/// A connection that sends words and gives replies as the bytes that came.
pub struct Raw {
    stream: TcpStream,
    buffered: Vec<u8>,
}

impl Raw {
    /// Sends bytes as they are.
    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the server reads");
    }

    /// As [`Raw::send`], where the server may have closed the connection; whether it has not.
    pub fn try_send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// Sends a command; words are separated by single spaces, `""` is an empty word.
    pub fn command(&mut self, line: &str) {
        let words: Vec<&[u8]> = line
            .split(' ')
            .map(|word| if word == "\"\"" { b"" } else { word.as_bytes() })
            .collect();
        let mut request = Vec::new();
        forebay::resp::text::write_request(&mut request, &words);
        self.send(&request);
    }

    /// Sends a command and gives its whole reply, `\r\n` shown as a space.
    pub fn ask(&mut self, line: &str) -> String {
        self.command(line);
        self.reply()
    }

    /// The next whole reply, `\r\n` shown as a space.
    pub fn reply(&mut self) -> String {
        let mut end = 0;
        let mut missing = 1;
        while missing > 0 {
            let line_end = self.line_end(end);
            let line = self.buffered[end..line_end].to_vec();
            let number = || -> i64 {
                std::str::from_utf8(&line[1..]).expect("text").parse().expect("a length")
            };
            end = line_end + 2;
            missing -= 1;
            match line[0] {
                b'$' | b'=' | b'!' if number() >= 0 => {
                    end += number() as usize + 2;
                    self.fill(end);
                }
                b'*' | b'~' | b'>' if number() > 0 => missing += number(),
                b'%' => missing += 2 * number(),
                b'|' => missing += 2 * number() + 1,
                _ => {}
            }
        }
        let reply: Vec<u8> = self.buffered.drain(..end).collect();
        String::from_utf8_lossy(&reply).replace("\r\n", " ").trim_end().to_string()
    }

    /// Whether anything comes within `wait`, to show that a reply is held back.
    pub fn has_reply_within(&mut self, wait: Duration) -> bool {
        if !self.buffered.is_empty() {
            return true;
        }
        let before = self.stream.read_timeout().expect("the socket tells");
        self.stream.set_read_timeout(Some(wait)).expect("the socket takes it");
        let came = self.stream.peek(&mut [0]).is_ok_and(|bytes| bytes > 0);
        self.stream.set_read_timeout(before).expect("the socket takes it");
        came
    }

    /// Whether the server has closed the connection (waits for it to).
    pub fn closed(&mut self) -> bool {
        let mut rest = [0; 64];
        matches!(self.stream.read(&mut rest), Ok(0)) || {
            // A reset is a close too.
            self.stream.peek(&mut rest).is_err()
        }
    }

    /// All that comes until the server closes the connection, `\r\n` shown as a space.
    pub fn rest(&mut self) -> String {
        let mut rest = std::mem::take(&mut self.buffered);
        // A reset is a close too.
        drop(self.stream.read_to_end(&mut rest));
        String::from_utf8_lossy(&rest).replace("\r\n", " ").trim_end().to_string()
    }

    /// Sends a command to a server that may be about to close the connection; all that comes.
    pub fn ask_to_the_end(&mut self, line: &str) -> String {
        // Where it has closed already, there is nothing to read either.
        drop(self.stream.write_all(format!("{line}\r\n").as_bytes()));
        self.rest()
    }

    fn line_end(&mut self, from: usize) -> usize {
        loop {
            if let Some(at) = self.buffered[from..].windows(2).position(|pair| pair == b"\r\n") {
                return from + at;
            }
            self.fill(self.buffered.len() + 1);
        }
    }

    fn fill(&mut self, bytes: usize) {
        while self.buffered.len() < bytes {
            let mut chunk = [0; 4096];
            match self.stream.read(&mut chunk) {
                Ok(0) => panic!("the server closed the connection"),
                Ok(read) => self.buffered.extend_from_slice(&chunk[..read]),
                // The process was stopped for a while, and goes on.
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => panic!("no reply: {error}"),
            }
        }
    }
}

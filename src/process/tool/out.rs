//! What a tool says on standard output.

use std::fmt::Display;
use std::io::{self, BufWriter, ErrorKind, StdoutLock, Write};
use std::process::ExitCode;

/// Standard output. It remembers the first failure: who reads may have gone, or its disk be full.
pub struct Out {
    to: BufWriter<StdoutLock<'static>>,
    failure: Option<io::Error>,
}

impl Out {
    fn new() -> Out {
        Out { to: BufWriter::new(io::stdout().lock()), failure: None }
    }

    /// Says a line.
    ///
    /// # Errors
    /// It cannot be said; in words. [`tell`] tells of it, and of nothing else then.
    pub fn line(&mut self, line: impl Display) -> Result<(), String> {
        writeln!(self, "{line}").map_err(|error| error.to_string())
    }

    /// Has what was said so far come out, before something is done that must not be done unsaid.
    ///
    /// # Errors
    /// As of [`Out::line`].
    pub fn say(&mut self) -> Result<(), String> {
        self.flush().map_err(|error| error.to_string())
    }

    fn noted<T>(&mut self, outcome: io::Result<T>) -> io::Result<T> {
        outcome.inspect_err(|error| {
            if error.kind() != ErrorKind::Interrupted && self.failure.is_none() {
                self.failure = Some(io::Error::new(error.kind(), error.to_string()));
            }
        })
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes);
        self.noted(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.to.flush();
        self.noted(flushed)
    }
}

/// Runs what speaks on standard output. What it failed at, and that it could not speak, goes to
/// standard error; a reader who has gone, as `head` does, is no news.
pub fn run(tool: impl FnOnce(&mut Out) -> Result<ExitCode, String>) -> ExitCode {
    let mut out = Out::new();
    let done = tool(&mut out);
    // Its failure is remembered.
    drop(out.flush());
    match (&out.failure, done) {
        (None, Ok(code)) => return code,
        (None, Err(why)) => complain(&why),
        (Some(error), _) if error.kind() == ErrorKind::BrokenPipe => {}
        (Some(error), _) => complain(&format!("standard output: {error}")),
    }
    ExitCode::FAILURE
}

/// As [`run`], of what does nothing but speak.
pub fn tell(speech: impl FnOnce(&mut Out) -> Result<(), String>) -> ExitCode {
    run(|out| speech(out).map(|()| ExitCode::SUCCESS))
}

/// Says a line on standard error. Where that is closed or full nobody is left to be told.
pub fn complain(line: &str) {
    drop(writeln!(io::stderr(), "{line}"));
}

//! `daemonize yes`: serving on in the background.
//!
//! A process with threads cannot fork safely, so the program starts itself anew: the parent has
//! checked the settings and leaves, the child takes a session of its own and lets go of the
//! terminal.

use std::env;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

/// Set for the child, so that it does not start another.
const MARK: &str = "FOREBAY_DAEMON";

/// Who this process is, once `daemonize yes` is known.
#[derive(PartialEq, Eq, Debug)]
pub enum Role {
    /// The child has been started; there is nothing left to do.
    Parent,
    /// It is for this process to serve.
    Child,
}

/// Goes to the background.
///
/// # Errors
/// The program cannot be started again, or cannot be taken from its terminal.
pub fn enter() -> io::Result<Role> {
    if env::var_os(MARK).is_some() {
        detach()?;
        return Ok(Role::Child);
    }
    let mut arguments = env::args_os();
    let name = arguments.next().unwrap_or_default();
    let child = Command::new(env::current_exe()?)
        .arg0(name)
        .args(arguments)
        .env(MARK, "1")
        .stdin(Stdio::null())
        .spawn()?;
    // The child outlives this process; init collects it.
    drop(child);
    Ok(Role::Parent)
}

/// A session of its own, and nothing to do with the terminal.
fn detach() -> io::Result<()> {
    rustix::process::setsid()?;
    let null = OpenOptions::new().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    rustix::stdio::dup2_stderr(&null)?;
    Ok(())
}

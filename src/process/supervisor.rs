//! Telling the one who started the server that it is ready (`supervised`).

use std::env;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use crate::config::Config;

/// Says that connections are accepted.
pub fn tell_ready(config: &Config) {
    tell(config, "STATUS=Ready to accept connections\nREADY=1\n");
    if matches!(config.supervised.get().as_slice(), b"upstart" | b"auto")
        && env::var_os("UPSTART_JOB").is_some()
        && let Err(error) = stop_oneself()
    {
        tracing::warn!("cannot tell upstart of being ready: {error}");
    }
}

/// Says that the server is on its way down.
pub fn tell_stopping(config: &Config) {
    tell(config, "STATUS=Shutting down\nSTOPPING=1\n");
}

fn tell(config: &Config, message: &str) {
    if !matches!(config.supervised.get().as_slice(), b"systemd" | b"auto") {
        return;
    }
    let Some(socket) = env::var_os("NOTIFY_SOCKET") else { return };
    if let Err(error) = notify(&socket, message) {
        tracing::warn!("cannot notify systemd through {}: {error}", socket.display());
    }
}

/// A leading `@` stands for the NUL of an abstract socket's name.
fn notify(socket: &OsStr, message: &str) -> io::Result<()> {
    let sender = UnixDatagram::unbound()?;
    match socket.as_bytes().strip_prefix(b"@") {
        #[cfg(target_os = "linux")]
        Some(name) => {
            use std::os::linux::net::SocketAddrExt;
            let address = SocketAddr::from_abstract_name(name)?;
            sender.send_to_addr(message.as_bytes(), &address)?;
        }
        _ => {
            let address = SocketAddr::from_pathname(socket)?;
            sender.send_to_addr(message.as_bytes(), &address)?;
        }
    }
    Ok(())
}

/// Upstart takes a stopped process for a ready one, and continues it.
fn stop_oneself() -> io::Result<()> {
    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::STOP)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_arrives_by_path_and_by_abstract_name() {
        let path = env::temp_dir().join(format!("forebay-notify-{}", std::process::id()));
        let receiver = UnixDatagram::bind(&path).expect("the temporary directory is writable");
        notify(path.as_os_str(), "READY=1\n").expect("the socket is there");
        let mut buffer = [0; 64];
        let length = receiver.recv(&mut buffer).expect("it was sent before");
        assert_eq!(&buffer[..length], b"READY=1\n");
        std::fs::remove_file(&path).expect("bound above");
        assert!(notify(path.as_os_str(), "READY=1\n").is_err(), "nobody listens any more");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn an_abstract_name_begins_with_an_at() {
        use std::os::linux::net::SocketAddrExt;
        let name = format!("forebay-notify-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).expect("a good name");
        let receiver = UnixDatagram::bind_addr(&address).expect("the name is the test's own");
        notify(OsStr::new(&format!("@{name}")), "x").expect("the socket is there");
        assert_eq!(receiver.recv(&mut [0; 8]).expect("it was sent before"), 1);
    }
}

//! The file that tells supervisors the server's process id.

use std::path::{Path, PathBuf};

use crate::config::Config;

/// Where a daemon's pid goes if nobody says otherwise.
const DEFAULT: &str = "/var/run/forebay.pid";

/// A pid file, removed when dropped.
pub struct PidFile(PathBuf);

impl PidFile {
    /// Writes the pid file, if the settings ask for one. That it cannot be written is logged and no
    /// reason not to serve, as in Redis.
    pub fn write(config: &Config) -> Option<Self> {
        let pidfile = config.pidfile.get();
        let path = match (pidfile.is_empty(), config.daemonize.get()) {
            (false, _) => config.resolve(&pidfile),
            (true, true) => PathBuf::from(DEFAULT),
            (true, false) => return None,
        };
        write_pid(&path)
    }
}

fn write_pid(path: &Path) -> Option<PidFile> {
    match std::fs::write(path, format!("{}\n", std::process::id())) {
        Ok(()) => Some(PidFile(path.to_path_buf())),
        Err(error) => {
            tracing::warn!("Failed to write PID file {}: {error}", path.display());
            None
        }
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0) {
            tracing::warn!("Failed to remove PID file {}: {error}", self.0.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_lives_as_long_as_its_owner() {
        let path = std::env::temp_dir().join(format!("forebay-pid-{}", std::process::id()));
        let line = format!("pidfile {}", path.display());
        let config = Config::from_lines(&line).expect("a good line");
        let pid_file = PidFile::write(&config).expect("the temporary directory is writable");
        let text = std::fs::read_to_string(&path).expect("just written");
        assert_eq!(text, format!("{}\n", std::process::id()));
        drop(pid_file);
        assert!(!path.exists());
        assert!(PidFile::write(&Config::defaults()).is_none());
    }
}

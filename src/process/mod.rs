//! The process around the server: its log, its pid file, its parent, its limits.
//!
//! Together with `main` it is the top of the house: nothing else imports it.

pub mod civil;
pub mod daemon;
pub mod export;
pub mod import;
pub mod limits;
pub mod log;
pub mod pidfile;
pub mod supervisor;
pub mod tool;
pub mod workers;

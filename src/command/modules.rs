//! MODULE: there are none, and none can be loaded.

use super::cx::Cx;
use super::error::{Error, Outcome};
use super::help::help;
use super::server::Server;
use super::table::{Entry, keys};

pub(super) static COMMANDS: &[Entry] = &[
    keys("module|help", help),
    keys("module|list", list),
    keys("module|load", refuse),
    keys("module|loadex", refuse),
    keys("module|unload", refuse),
];

fn list(cx: &mut Cx<'_, '_>, _: &[&[u8]]) -> Outcome {
    cx.reply.array(0);
    Ok(())
}

/// Whether `enable-module-command` lets anybody ask for a module; with it the reason is ours
/// ([`refuse`]). Asked where [`super::debug::check_open`] is.
///
/// # Errors
/// It does not.
pub(super) fn check_open(server: &Server) -> Outcome {
    if server.config.get_one("enable-module-command").as_deref() != Some(b"no") {
        return Ok(());
    }
    Err(Error::fixed(
        "ERR MODULE command not allowed. If the enable-module-command option is set to \
         \"local\", you can run it from a local connection, otherwise you need to set this \
         option in the configuration file, and then restart the server.",
    ))
}

fn refuse(_: &mut Cx<'_, '_>, _: &[&[u8]]) -> Outcome {
    Err(Error::fixed("ERR modules cannot be loaded: this server is not Redis inside"))
}

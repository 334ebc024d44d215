//! MODULE: there are none, and none can be loaded.

use super::cx::Cx;
use super::error::{Error, Outcome};
use super::help::help;
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

/// As a server whose `enable-module-command` is `no`; with another value the reason is ours.
fn refuse(cx: &mut Cx<'_, '_>, _: &[&[u8]]) -> Outcome {
    let is_off = cx.server.config.get_one("enable-module-command").as_deref() == Some(b"no");
    Err(Error::fixed(match is_off {
        true => {
            "ERR MODULE command not allowed. If the enable-module-command option is set to \
             \"local\", you can run it from a local connection, otherwise you need to set this \
             option in the configuration file, and then restart the server."
        }
        false => "ERR modules cannot be loaded: this server is not Redis inside",
    }))
}

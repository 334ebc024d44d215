//! SCRIPT: the cache of scripts, and ending one that runs.

use crate::command::args::is;
use crate::command::cx::Cx;
use crate::command::error::{Error, Outcome};
use crate::script::{CompileError, Sort, Unkillable};

/// There is no debugger.
pub(super) fn debug(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    match args[2] {
        mode if is(mode, "NO") => {
            cx.reply.ok();
            Ok(())
        }
        mode if is(mode, "YES") || is(mode, "SYNC") => {
            Err(Error::fixed("ERR there is no debugger for scripts"))
        }
        _ => Err(Error::fixed("ERR Use SCRIPT DEBUG YES/SYNC/NO")),
    }
}

pub(super) fn exists(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    cx.reply.array(args.len() - 2);
    for sha in &args[2..] {
        let exists = cx.server.scripts.cache.exists(sha);
        cx.reply.int(i64::from(exists));
    }
    Ok(())
}

pub(super) fn flush(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    match args[2..] {
        [] => {}
        [mode] if is(mode, "SYNC") || is(mode, "ASYNC") => {}
        _ => return Err(Error::fixed("ERR SCRIPT FLUSH only support SYNC|ASYNC option")),
    }
    cx.server.scripts.cache.flush();
    cx.reply.ok();
    Ok(())
}

pub(super) fn load(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let loaded = cx.server.scripts.cache.load(args[2]);
    let sha = loaded.map_err(|CompileError(text)| Error::new(text))?;
    cx.reply.text(&sha.to_string());
    Ok(())
}

pub(super) fn kill(cx: &mut Cx<'_, '_>, _: &[&[u8]]) -> Outcome {
    end_running(cx, Sort::Script)
}

/// SCRIPT KILL and FUNCTION KILL.
pub(super) fn end_running(cx: &mut Cx<'_, '_>, sort: Sort) -> Outcome {
    match cx.server.scripts.running.kill(sort) {
        Ok(()) => {
            cx.reply.ok();
            Ok(())
        }
        Err(Unkillable::NotRunning) => {
            Err(Error::fixed("NOTBUSY No scripts in execution right now."))
        }
        Err(Unkillable::HasWritten) => Err(Error::fixed(
            "UNKILLABLE Sorry the script already executed write commands against the dataset. \
             You can either wait the script termination or kill the server in a hard way using \
             the SHUTDOWN NOSAVE command.",
        )),
        Err(Unkillable::OtherSort) => Err(Error::fixed(match sort {
            Sort::Script => {
                "BUSY Redis is busy running a script. \
                 You can only call FUNCTION KILL or SHUTDOWN NOSAVE."
            }
            Sort::Function => {
                "BUSY Redis is busy running a script. \
                 You can only call SCRIPT KILL or SHUTDOWN NOSAVE."
            }
        })),
    }
}

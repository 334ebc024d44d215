//! MONITOR, and what is shown to those who called it.

use std::sync::Arc;

use super::cx::{Cx, Mode};
use super::error::{Error, Outcome};
use super::observe;
use super::spec::Flags;
use super::table::{Command, Entry, free};
use crate::keyspace::News;
use crate::pubsub::monitor_line;

pub(super) static COMMANDS: &[Entry] = &[free("monitor", monitor)];

fn monitor(cx: &mut Cx<'_, '_>, _: &[&[u8]]) -> Outcome {
    if cx.mode != Mode::Direct {
        return Err(Error::fixed("ERR MONITOR isn't allowed for DENY BLOCKING client"));
    }
    // Whoever monitors already gets no answer, as in Redis.
    if !cx.session.listening.monitors {
        cx.session.monitor(cx.server);
        cx.reply.ok();
    }
    Ok(())
}

/// Whether a command is shown before what it runs, not after it.
pub(super) fn is_shown_first(command: &Command) -> bool {
    const SCRIPTS: [&str; 6] = ["eval", "eval_ro", "evalsha", "evalsha_ro", "fcall", "fcall_ro"];
    SCRIPTS.contains(&command.spec.name)
}

/// Shows a command to those who monitor, with passwords taken out; not the dangerous ones. They see it
/// when the step that it is part of is settled.
pub(super) fn show(cx: &mut Cx<'_, '_>, command: &Command, args: &[&[u8]]) {
    let is_hidden = command.spec.flags.has_any(Flags::ADMIN.with(Flags::SKIP_MONITOR))
        && !is_shown_first(command)
        && command.spec.name != "exec";
    let was_shown = matches!(cx.mode, Mode::Retry | Mode::Replay);
    if is_hidden || was_shown {
        return;
    }
    let now_us = cx.server.keyspace.clock().now_us();
    let from = match (&cx.session.client, cx.mode == Mode::Script) {
        (Some(client), false) if client.is_unix => format!("unix:{}", client.laddr),
        (Some(client), false) => client.addr.clone(),
        _ => "lua".to_string(),
    };
    let args = observe::redacted(command, args);
    let line = monitor_line(now_us, cx.session.db, &from, &args);
    let pubsub = Arc::clone(&cx.server.pubsub);
    let seen = cx.session.seen.position;
    cx.tx.tell(News::Other(Box::new(move |position, wakers| {
        pubsub.show(&line, position.max(seen), wakers);
    })));
}

//! Replaying effects: the same commands, at the frame's time, with nothing expiring by itself.

use std::sync::Arc;

use super::cx::{Cx, Mode};
use super::server::Server;
use super::session::Session;
use super::table;
use crate::journal::Frame;
use crate::keyspace::{ShardSet, Tx};
use crate::resp::{Decoder, Limits, Proto, Reply, Step};

/// An effect that could not be replayed: it is not what this server writes, or does not fit the
/// state.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReplayError(pub String);

/// Applies a frame to the keyspace, as one step.
pub fn replay(server: &Arc<Server>, frame: &Frame) -> Result<(), ReplayError> {
    server.keyspace.run(ShardSet::ALL, 0, frame.time_ms, |tx| {
        tx.set_replaying();
        let mut decoder = Decoder::new();
        let mut session = Session::stand_in(0, Proto::Resp2);
        loop {
            match decoder.step(&frame.effects, &Limits::default()) {
                Ok(Step::Request) => {}
                Ok(Step::Empty) => continue,
                Ok(Step::Incomplete { .. }) if decoder.position() == frame.effects.len() => {
                    return Ok(());
                }
                Ok(Step::Incomplete { .. }) => {
                    return Err(ReplayError("an effect is cut off".into()));
                }
                Err(error) => return Err(ReplayError(error.0)),
            }
            let ranges = decoder.ranges().iter();
            let args: Vec<&[u8]> = ranges.map(|&(from, to)| &frame.effects[from..to]).collect();
            apply(server, tx, &mut session, &args)?;
        }
    })
}

fn apply(
    server: &Arc<Server>,
    tx: &mut Tx<'_>,
    session: &mut Session,
    args: &[&[u8]],
) -> Result<(), ReplayError> {
    let failed = |text: &[u8]| {
        let shown: Vec<_> = args.iter().map(|arg| arg.escape_ascii().to_string()).collect();
        ReplayError(format!("{}: {}", String::from_utf8_lossy(text), shown.join(" ")))
    };
    let command = table::lookup_effect(args).map_err(|error| failed(error.text()))?;
    let mut out = Vec::new();
    let reply = Reply::new(&mut out, Proto::Resp2);
    let mut cx = Cx::new(tx, reply, session, server, Mode::Replay);
    (command.run)(&mut cx, args).map_err(|error| failed(error.text()))
}

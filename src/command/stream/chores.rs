//! What streams do by themselves when its time has come: deferred entries become ready, leases lapse.

use std::sync::{Arc, Weak};

use super::{come_back, expiry, filter, idle, retention};
use crate::command::cx::{Cx, Mode};
use crate::command::server::Server;
use crate::command::session::Session;
use crate::keyspace::{Chores, NEVER, PutOff, Tx};
use crate::resp::{Proto, Reply};
use crate::types::stream::Stream;

/// What removing some entries, and passing over some, leaves behind at most, bytes.
pub(super) const UPKEEP_BYTES: usize = 64 << 10;

/// Looks after streams for a server, as long as that is there.
struct StreamChores(Weak<Server>);

impl Server {
    /// Has streams do what they have to do as time passes.
    pub fn look_after_streams(self: &Arc<Server>) {
        self.keyspace.set_chores(Arc::new(StreamChores(Arc::downgrade(self))));
    }
}

impl Chores for StreamChores {
    fn run(&self, tx: &mut Tx<'_>, key: &[u8]) -> Result<(), PutOff> {
        // Without its server nothing is to come of the keyspace any more.
        let Some(server) = self.0.upgrade() else { return Err(PutOff::NoRoom) };
        let mut unread = Vec::new();
        let mut session = Session::stand_in(tx.db(), Proto::Resp2);
        tx.set_origin(0);
        let reply = Reply::new(&mut unread, Proto::Resp2);
        look_after(&mut Cx::new(tx, reply, &mut session, &server, Mode::InExec), key)
    }
}

/// Does some of what is due of the stream at `key`, and finds out when there is more to do.
fn look_after(cx: &mut Cx<'_, '_>, key: &[u8]) -> Result<(), PutOff> {
    let now_ms = cx.tx.now_ms();
    let Ok(Some(stream)) = cx.tx.peek_as::<Stream>(key) else {
        // Its key is past its deadline, and nobody sees it any more.
        cx.tx.rearm(key, NEVER);
        return Ok(());
    };
    let due = stream.groups().filter(|(_, group)| group.next_due_ms() <= now_ms);
    let due: Vec<Box<[u8]>> = due.map(|(name, _)| name.into()).collect();
    for name in due {
        come_back::settle(cx, key, &name)?;
        idle::remove_idle(cx, key, &name)?;
    }
    expiry::judge(cx, key)?;
    {
        let _room =
            cx.server.store.reserve_bytes(true, UPKEEP_BYTES).map_err(|_| PutOff::NoRoom)?;
        retention::shed(cx.tx, key);
        filter::pass_unwanted(cx.tx, key);
    }
    let stream = cx.tx.peek_as::<Stream>(key).ok().flatten();
    if let Some(next_ms) = stream.map(Stream::next_due_ms) {
        cx.tx.rearm(key, next_ms);
        // Who waits may be waiting for just that.
        cx.tx.signal(key);
    }
    Ok(())
}

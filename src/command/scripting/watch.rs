//! The thread that sees how long scripts take.
//!
//! Nobody else can. A script is asked between instructions of Lua, and one call into Lua's library may
//! take hours. The runtime's timers and sockets are looked after by whichever of its threads has
//! nothing to do; the thread that runs the script may have been that one, and then nothing comes to
//! wake another until it is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use crate::command::server::Server;
use crate::script::Watched;

/// Time between two looks while scripts are run.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// So many looks at nothing, and it sleeps until a script comes.
const LOOKS_AT_NOTHING: u32 = 20;

/// The thread; it ends with this.
pub struct Watch {
    ended: Arc<AtomicBool>,
    thread: Option<Thread>,
}

impl Watch {
    /// Starts to watch the scripts of a server that this runtime serves.
    pub fn start(server: &Arc<Server>) -> Watch {
        let ended = Arc::<AtomicBool>::default();
        let (server, runtime) = (Arc::clone(server), Handle::current());
        let has_ended = Arc::clone(&ended);
        let work = move || watch(&server, &runtime, &has_ended);
        let thread = match thread::Builder::new().name("scripts".into()).spawn(work) {
            Ok(joined) => Some(joined.thread().clone()),
            Err(error) => {
                tracing::error!(%error, "no thread watches scripts: one that takes long stops the server");
                None
            }
        };
        Watch { ended, thread }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        if let Some(thread) = &self.thread {
            thread.unpark();
        }
    }
}

fn watch(server: &Server, runtime: &Handle, ended: &AtomicBool) {
    let running = &server.scripts.running;
    running.watched_by_this_thread();
    let mut at_nothing = 0;
    while !ended.load(Ordering::SeqCst) {
        let watched = running.watch(Instant::now(), || server.keyspace.hold.begin());
        at_nothing = if watched == Watched::Nothing { at_nothing + 1 } else { 0 };
        if watched == Watched::Long {
            // Has a thread that sleeps look after sockets and timers. One that stands by comes by itself.
            runtime.spawn(async {});
        }
        if at_nothing == LOOKS_AT_NOTHING {
            running.sleep_until_run();
            at_nothing = 0;
        } else {
            thread::park_timeout(LOOK_EVERY);
        }
    }
}

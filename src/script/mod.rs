//! Scripts in Lua 5.1: the interpreter with Redis's sandbox and libraries, the cache of scripts, and
//! what runs now.
//!
//! A script is one atomic step: whoever runs one has locked what its commands may touch, so one state
//! of the interpreter is enough, and what it has compiled is compiled once. What a script reaches out
//! for (commands, the log, rights) goes through a [`Host`]; nothing here knows commands or keys.
//!
//! A state is made when the first script comes: a server without scripts pays nothing.

mod api;
mod arguments;
mod bit;
mod cache;
mod cjson;
mod cmsgpack;
mod failure;
mod held;
mod host;
mod library;
mod memory;
mod number;
mod random;
mod register;
mod reply;
mod result;
mod running;
mod shebang;
mod stack;
mod state;
mod structs;

pub use cache::{Cache, Call, CompileError, Failed, Outcome, Sha};
pub use failure::Failure;
pub use host::{Host, Refusal};
pub use library::{FunctionFacts, Libraries, Library, Policy};
pub use running::{Description, Running, Sort, Unkillable, Watched};
pub use shebang::{Flags, Shebang, flags_of_source};

use std::sync::Arc;

/// All that a server has of scripts.
pub struct Scripts {
    pub running: Arc<Running>,
    pub cache: Cache,
    pub libraries: Libraries,
}

impl Default for Scripts {
    fn default() -> Scripts {
        let running = Arc::<Running>::default();
        let cache = Cache::new(Arc::clone(&running));
        let libraries = Libraries::new(Arc::clone(&running));
        Scripts { running, cache, libraries }
    }
}

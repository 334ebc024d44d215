//! Room in the journal, held before anything is changed.

use crate::command::error::Error;
use crate::command::scripting;
use crate::command::server::Server;
use crate::command::session::Session;
use crate::command::spec::Flags;
use crate::command::table::{Command, Locks};
use crate::journal::Class;
use crate::journal::writer::{Refused, Reservation};

use super::Store;

/// What the form of an effect takes for each argument beside its bytes, at most.
const ARGUMENT_BYTES: usize = 32;
/// Room that a script takes at a time: most take it once.
pub const SCRIPT_BYTES: usize = 64 * 1024;
/// What an effect may hold beyond its command's arguments: ids, deadlines, a SELECT.
const EFFECT_BYTES: usize = 1024;

impl Store {
    /// Holds room for what a command may leave behind; none for one that changes nothing, or where
    /// no journal is kept. What takes no memory (acknowledgements, deletes, deliveries) may use the
    /// reserve, so that a full disk can be drained. A script holds room while it runs, but one that
    /// states that it writes is let in only where there is some.
    ///
    /// # Errors
    /// There is no room, or the journal has failed: nothing may be changed.
    #[inline]
    pub fn reserve<'s>(
        server: &'s Server,
        command: &Command,
        session: &Session,
        args: &[&[u8]],
    ) -> Result<Option<Reservation<'s>>, Error> {
        let Some(journal) = server.store.journal() else { return Ok(None) };
        let flags = command.spec.flags;
        let (class, bytes) = if flags.has(Flags::WRITE) {
            (class_of(command), effect_bytes(args))
        } else if command.locks == Locks::Queued {
            let Some(needs) = of_transaction(session) else { return Ok(None) };
            needs
        } else if command.locks == Locks::All {
            return match journal.reserve(Class::Ordinary, SCRIPT_BYTES as u64) {
                Err(refused) if scripting::flags_of(server, command, args).has(Flags::WRITE) => {
                    Err(misconf(&refused))
                }
                _ => Ok(None),
            };
        } else {
            return Ok(None);
        };
        journal.reserve(class, bytes as u64).map(Some).map_err(|refused| misconf(&refused))
    }

    /// Holds room for effects of `bytes`, for a script that finds out while it runs what it writes;
    /// none where no journal is kept.
    ///
    /// # Errors
    /// As [`Store::reserve`].
    pub fn reserve_bytes(
        &self,
        drains: bool,
        bytes: usize,
    ) -> Result<Option<Reservation<'_>>, Error> {
        let Some(journal) = self.journal() else { return Ok(None) };
        let class = if drains { Class::Drain } else { Class::Ordinary };
        journal.reserve(class, bytes as u64).map(Some).map_err(|refused| misconf(&refused))
    }
}

/// What the effects of one command may take.
pub fn effect_bytes(args: &[&[u8]]) -> usize {
    args.iter().map(|arg| arg.len() + ARGUMENT_BYTES).sum::<usize>() + EFFECT_BYTES
}

/// A script takes something in for all that is known, whatever it states.
fn class_of(command: &Command) -> Class {
    let flags = command.spec.flags;
    let drains = flags.has(Flags::WRITE) && !flags.has(Flags::DENYOOM);
    if drains { Class::Drain } else { Class::Ordinary }
}

/// What the queued writes need, if there are any.
fn of_transaction(session: &Session) -> Option<(Class, usize)> {
    let writes = session.queued().iter().filter(|it| it.flags.has(Flags::WRITE));
    writes.fold(None, |needs, queued| {
        let bytes = queued.bytes() + queued.args_len() * ARGUMENT_BYTES + EFFECT_BYTES;
        let class = class_of(queued.command);
        Some(match needs {
            None => (class, bytes),
            Some((Class::Ordinary, before)) => (Class::Ordinary, before + bytes),
            Some((Class::Drain, before)) => (class, before + bytes),
        })
    })
}

/// Redis's words for a journal that cannot be written.
fn misconf(refused: &Refused) -> Error {
    let reason = match refused {
        Refused::Full(why) => why.clone(),
        Refused::Failed(failure) => failure.error.clone(),
        Refused::Ended => "the server is shutting down".into(),
        Refused::TooLong => {
            return Error::fixed("ERR the change is too long for the journal (4 GiB)");
        }
    };
    // The system's words, without the number that Rust adds.
    let reason = reason.split(" (os error").next().unwrap_or_default();
    Error::new(format!("MISCONF Errors writing to the AOF file: {reason}"))
}

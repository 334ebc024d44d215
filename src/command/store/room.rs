//! Room in the journal, held before anything is changed.

use crate::command::cx::Cx;
use crate::command::error::Error;
use crate::command::scripting;
use crate::command::server::Server;
use crate::command::session::{Queued, Session};
use crate::command::spec::Flags;
use crate::command::table::{Command, Locks};
use crate::journal::Class;
use crate::journal::writer::{Refused, Reservation};
use crate::keyspace::Batch;

use super::Store;

/// What the form of an effect takes for each argument beside its bytes, at most.
const ARGUMENT_BYTES: usize = 32;
/// Room that there has to be for a script that states that it writes.
const SCRIPT_BYTES: usize = 64 * 1024;
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
            let Some(needs) = of_transaction(session.queued()) else { return Ok(None) };
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

    /// As [`Store::reserve`], together with the commands of an open step that this one joins.
    ///
    /// # Errors
    /// As [`Store::reserve`].
    #[inline]
    pub fn reserve_in<'s>(
        batch: &mut Batch<'s>,
        server: &'s Server,
        command: &Command,
        session: &mut Session,
        args: &[&[u8]],
    ) -> Result<Option<Reservation<'s>>, Error> {
        if command.spec.flags.has(Flags::WRITE)
            && batch.hold_room(class_of(command), effect_bytes(args), &mut session.seen)
        {
            return Ok(None);
        }
        Store::reserve(server, command, session, args)
    }

    /// Holds room for effects of `bytes`, for what nobody has asked for; none where no journal is kept.
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

impl Cx<'_, '_> {
    /// Holds room for effects of `bytes` that the command's arguments do not tell of, before anything of
    /// it is changed.
    ///
    /// # Errors
    /// There is no room, or the journal has failed: the command must change nothing.
    pub fn hold_room(&mut self, class: Class, bytes: usize) -> Result<(), Error> {
        // What was held when the command was let in is enough for little.
        if bytes <= EFFECT_BYTES {
            return Ok(());
        }
        // What has begun goes on: half of it would be worse.
        let has_begun = self.tx.has_recorded();
        let class = if has_begun { Class::Drain } else { class };
        self.tx.hold_room(class, bytes).map_err(|refused| misconf(&refused))
    }
}

/// What effects take that name a key and many members, some at a time.
pub fn effects_of_members<'m>(
    key: &[u8],
    members: impl ExactSizeIterator<Item = &'m [u8]>,
    at_a_time: usize,
) -> usize {
    let effects = members.len().div_ceil(at_a_time);
    let members: usize = members.map(|member| member.len() + ARGUMENT_BYTES).sum();
    members + effects * (key.len() + 3 * ARGUMENT_BYTES)
}

/// What the queued writes may take together.
pub fn transaction_bytes(queued: &[Queued]) -> usize {
    of_transaction(queued).map_or(0, |(_, bytes)| bytes)
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
fn of_transaction(queued: &[Queued]) -> Option<(Class, usize)> {
    let writes = queued.iter().filter(|it| it.flags.has(Flags::WRITE));
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
pub fn misconf(refused: &Refused) -> Error {
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

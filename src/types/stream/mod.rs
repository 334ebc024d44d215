//! The stream: entries in blocks, consumer groups with their pending entries in columns.

pub mod group;
mod groups;
pub mod id;
pub mod idmp;
mod image;
pub mod log;
pub mod pending;
pub mod policy;
mod schedule;
#[cfg(test)]
mod tests;
mod upkeep;

use std::sync::Arc;

use self::group::{Extent, Group};
use self::groups::Groups;
pub use self::id::StreamId;
use self::idmp::dedup::Dedup;
use self::idmp::{Idmp, IdmpLimits};
pub use self::image::{StreamImage, StreamImageReader};
use self::log::{EntryTooLarge, Log, NodeLimits, Trim};
use self::policy::{DedupField, GroupPolicy, Retain, StreamPolicy};
use self::schedule::Schedule;
pub use self::schedule::{Fate, TIME_MAX, Times};
use self::upkeep::Upkeep;

/// The time of what is never due.
pub const NEVER: i64 = i64::MAX;

/// Counts of entries and the like, which commands set to 63 bits at most, do not get as far as this.
const COUNT_MAX: u64 = u64::MAX - (1 << 48);

/// A stream: a log of entries, and the groups that read it.
///
/// `last_id` and `max_deleted_id` never fall but by XSETID, so an id is never given twice. A stream
/// may be empty. A clone shares everything, and costs the same however much that is.
#[derive(Clone)]
pub struct Stream {
    log: Log,
    last_id: StreamId,
    max_deleted_id: StreamId,
    entries_added: u64,
    idmp: Idmp,
    groups: Groups,
    policy: Option<Arc<StreamPolicy>>,
    /// When something in it is due by itself, unix ms, or earlier: see `keyspace::timers`. It is no
    /// part of the value: a stream that is loaded finds it out again.
    timer_ms: i64,
    upkeep: Upkeep,
    /// None where no entry is delayed, or expires.
    schedule: Option<Box<Schedule>>,
    /// None where no message is remembered by a field.
    dedup: Option<Box<Dedup>>,
    /// Removing entries has changed what groups may hand out.
    groups_changed: bool,
}

/// What becomes of a removed entry's place in the groups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RefPolicy {
    /// Nothing was said: it stays with a consumer that holds it, and where XNACK has released it. Where
    /// it waits for its next delivery, or is dead, it goes with the entry.
    #[default]
    Unsaid,
    /// It stays pending where it was.
    KeepRef,
    /// It is pending nowhere any more.
    DelRef,
    /// Only an entry that every group is done with is removed.
    Acked,
}

/// What became of an entry that was to be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deletion {
    NoSuchEntry,
    Deleted,
    /// A group is not done with it.
    StillAwaited,
}

impl Stream {
    pub fn new(idmp: IdmpLimits) -> Stream {
        Stream {
            log: Log::new(),
            last_id: StreamId::MIN,
            max_deleted_id: StreamId::MIN,
            entries_added: 0,
            idmp: Idmp::new(idmp),
            groups: Groups::default(),
            policy: None,
            timer_ms: NEVER,
            upkeep: Upkeep::default(),
            schedule: None,
            dedup: None,
            groups_changed: false,
        }
    }

    /// Whether removing entries has changed what groups may hand out, since this was last asked.
    pub fn take_groups_changed(&mut self) -> bool {
        std::mem::take(&mut self.groups_changed)
    }

    /// When the stream is to be looked after, unix ms; it may be too early. [`NEVER`]: it does
    /// nothing by itself.
    #[inline]
    pub fn timer_ms(&self) -> i64 {
        self.timer_ms
    }

    /// For the order of all timers, which has to follow.
    pub fn timer_ms_mut(&mut self) -> &mut i64 {
        &mut self.timer_ms
    }

    /// The entries, to read them.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// The greatest id ever added, or what XSETID has made of it.
    pub fn last_id(&self) -> StreamId {
        self.last_id
    }

    /// The greatest id ever deleted from among others; `0-0` if there is none. Trimming does not count.
    pub fn max_deleted_id(&self) -> StreamId {
        self.max_deleted_id
    }

    /// How many entries were ever added.
    pub fn entries_added(&self) -> u64 {
        self.entries_added
    }

    pub fn idmp(&self) -> &Idmp {
        &self.idmp
    }

    pub fn idmp_mut(&mut self) -> &mut Idmp {
        &mut self.idmp
    }

    /// What the stream does by itself; none where it is as in Redis.
    #[inline]
    pub fn policy(&self) -> Option<&StreamPolicy> {
        self.policy.as_deref()
    }

    /// Changes what the stream does by itself. A policy in which nothing is set is none.
    pub fn set_policy(&mut self, policy: StreamPolicy) {
        let field = |policy: &StreamPolicy| policy.dedup.as_ref().map(|dedup| dedup.field.clone());
        if self.policy().and_then(field) != field(&policy) {
            // What another field said tells nothing of this one.
            self.dedup = None;
        }
        self.policy = (!policy.is_none()).then(|| Arc::new(policy));
    }

    /// The entry that a message with these fields was added as, by the field that the policy names.
    pub fn find_message<F: AsRef<[u8]>>(&self, fields: &[F], now_ms: u64) -> Option<StreamId> {
        let policy = self.policy()?.dedup.as_ref()?;
        let message = message_of(policy, fields)?;
        self.dedup.as_ref()?.find(message, now_ms, policy.window_ms)
    }

    /// The messages that are remembered by that field, over or not, each with its entry, in id order.
    pub fn messages(&self) -> impl Iterator<Item = (&[u8], StreamId)> {
        self.dedup.iter().flat_map(|dedup| dedup.iter())
    }

    /// What tells an entry with these fields apart from others, by the field that the policy names.
    pub fn message<'f, F: AsRef<[u8]>>(&self, fields: &'f [F]) -> Option<&'f [u8]> {
        message_of(self.policy()?.dedup.as_ref()?, fields)
    }

    /// Remembers that a message was added as the entry `id`, if the policy asks for that.
    pub fn remember_message(&mut self, message: &[u8], id: StreamId, now_ms: u64) {
        let Some(policy) = self.policy.as_ref().and_then(|policy| policy.dedup.as_ref()) else {
            return;
        };
        let dedup = self.dedup.get_or_insert_default();
        dedup.remember(message, id, now_ms, policy.window_ms);
    }

    /// Changes what a group does by itself; false if there is no such group. A policy in which nothing
    /// is set is none. What it makes ready that has expired is to be judged again.
    pub fn set_group_policy(&mut self, name: &[u8], policy: GroupPolicy, at_ms: i64) -> bool {
        let Some((group, log)) = self.group_mut(name) else { return false };
        let ready = group.adopt(policy, log, at_ms as u64);
        ready.into_iter().for_each(|id| _ = self.recall(id));
        true
    }

    /// What groups need to know of the stream to count what they have read.
    pub fn extent(&self) -> Extent {
        Extent {
            length: self.log.len(),
            entries_added: self.entries_added,
            first_id: self.log.first_id().unwrap_or(StreamId::MIN),
            last_id: self.last_id,
            max_deleted_id: self.max_deleted_id,
        }
    }

    // Entries.

    /// The id that `*` stands for at this time; none once the last one has been given.
    pub fn next_id(&self, now_ms: u64) -> Option<StreamId> {
        if now_ms > self.last_id.ms {
            return Some(StreamId { ms: now_ms, seq: 0 });
        }
        self.last_id.next()
    }

    /// The id that `ms-*` stands for; none if all of that millisecond are behind `last_id`.
    pub fn next_id_at(&self, ms: u64) -> Option<StreamId> {
        if ms == self.last_id.ms {
            let seq = self.last_id.seq.checked_add(1)?;
            return Some(StreamId { ms, seq });
        }
        (ms > self.last_id.ms).then_some(StreamId { ms, seq: 0 })
    }

    /// Adds an entry. `id` is above `last_id`, and `fields` alternates names and values.
    pub fn append<F: AsRef<[u8]>>(
        &mut self,
        id: StreamId,
        fields: &[F],
        limits: NodeLimits,
    ) -> Result<(), EntryTooLarge> {
        self.log.append(id, fields, limits)?;
        self.last_id = id;
        self.entries_added += 1;
        Ok(())
    }

    /// Removes an entry, if there is one and the policy allows it.
    pub fn delete(&mut self, id: StreamId, policy: RefPolicy) -> Deletion {
        // As in Redis, an entry can be awaited that is not there.
        if policy == RefPolicy::Acked && self.is_awaited(id) {
            return Deletion::StillAwaited;
        }
        if !self.log.remove(id) {
            return Deletion::NoSuchEntry;
        }
        match policy {
            RefPolicy::DelRef => self.groups_changed |= self.groups.forget_references(id),
            RefPolicy::Unsaid => self.groups_changed |= self.groups.forget(id),
            RefPolicy::KeepRef | RefPolicy::Acked => {}
        }
        self.change_schedule(|schedule| schedule.forget(id));
        self.max_deleted_id = self.max_deleted_id.max(id);
        self.note_removed(id);
        Deletion::Deleted
    }

    /// Removes entries from the front, and answers how many, and the last of them.
    pub fn trim(&mut self, trim: Trim, policy: RefPolicy) -> (u64, StreamId) {
        let is_shedding = self.policy().is_some_and(|policy| policy.retain == Retain::Acked);
        let policy = match policy {
            RefPolicy::Unsaid if is_shedding => RefPolicy::Acked,
            policy => policy,
        };
        if is_shedding && policy == RefPolicy::Acked && self.groups.len() == 0 {
            // Its first group is to find all.
            return (0, StreamId::MIN);
        }
        let Stream { log, groups, schedule, .. } = self;
        let mut last = StreamId::MIN;
        let removed = match policy {
            RefPolicy::KeepRef | RefPolicy::Unsaid => {
                let removed = log.trim(trim);
                // All entries up to the new first one are gone.
                last = log.first_id().and_then(StreamId::prev).unwrap_or(self.last_id);
                if removed > 0 && policy == RefPolicy::Unsaid {
                    let end = log.first_id().unwrap_or(StreamId::MAX);
                    self.groups_changed |= groups.forget_below(end);
                }
                removed
            }
            RefPolicy::DelRef => log.trim_if(trim, |id| {
                self.groups_changed |= groups.forget_references(id);
                if let Some(schedule) = schedule {
                    schedule.forget(id);
                }
                last = id;
                true
            }),
            RefPolicy::Acked => log.trim_if(trim, |id| {
                let addressee = schedule.as_ref().and_then(|schedule| schedule.addressee(id));
                let done = !groups.await_entry(id, addressee);
                if done {
                    if let Some(schedule) = schedule {
                        schedule.forget(id);
                    }
                    last = id;
                }
                done
            }),
        };
        if matches!(policy, RefPolicy::KeepRef | RefPolicy::Unsaid)
            && let Some(end) = last.next()
        {
            self.change_schedule(|schedule| schedule.forget_before(end));
        } else {
            self.change_schedule(|_| ());
        }
        if removed > 0 {
            self.note_removed(last);
        }
        (removed, last)
    }

    // When entries may be delivered, and how long they live.

    /// Has an entry not be delivered before `due_ms`, and expire at `expires_ms`, both unix ms.
    pub fn schedule(&mut self, id: StreamId, due_ms: Option<u64>, expires_ms: Option<u64>) {
        if due_ms.is_none() && expires_ms.is_none() {
            return;
        }
        let schedule = self.schedule.get_or_insert_default();
        due_ms.into_iter().for_each(|due_ms| schedule.delay(id, due_ms));
        expires_ms.into_iter().for_each(|expires_ms| schedule.expire(id, expires_ms));
    }

    /// Whether any entry may be delayed or expire, or has expired and is still held. If not, every
    /// entry's [`Fate`] is to be delivered.
    #[inline]
    pub fn has_schedule(&self) -> bool {
        self.schedule.is_some()
    }

    /// What a group whose cursor comes to an entry does with it at this time.
    #[inline]
    pub fn fate(&self, id: StreamId, now_ms: u64) -> Fate {
        self.times(b"").fate(id, now_ms)
    }

    /// When a group's entries may be delivered.
    pub fn times<'a>(&'a self, group: &'a [u8]) -> Times<'a> {
        Times::of(self.schedule.as_deref(), group)
    }

    /// When an entry may first be delivered, unix ms; `None` if it was never delayed, or that is over.
    pub fn due_ms(&self, id: StreamId) -> Option<u64> {
        self.schedule.as_ref()?.due_ms(id)
    }

    /// When an entry expires, unix ms; `None` if it does not, or has.
    pub fn expires_ms(&self, id: StreamId) -> Option<u64> {
        self.schedule.as_ref()?.expires_ms(id)
    }

    /// When an entry expired that the groups have judged, unix ms, whether or not one of them got it
    /// back since.
    pub fn judged_ms(&self, id: StreamId) -> Option<u64> {
        self.schedule.as_ref()?.judged_ms(id)
    }

    /// How many entries may not be delivered yet at this time, how many live for a time only, and how
    /// many are for one group alone.
    pub fn scheduled_counts(&self, now_ms: u64) -> (u64, u64, u64) {
        self.schedule.as_ref().map_or((0, 0, 0), |schedule| {
            let (delayed, expiring) = (schedule.delayed_behind(now_ms), schedule.expiry_count());
            (delayed, expiring, schedule.addressed_count())
        })
    }

    /// Whether an entry has outlived its time.
    pub fn has_expired(&self, id: StreamId, now_ms: u64) -> bool {
        self.times(b"").has_expired(id, now_ms)
    }

    /// When the next entry expires, unix ms.
    pub fn next_expiry_ms(&self) -> Option<u64> {
        self.schedule.as_ref()?.next_expiry_ms()
    }

    /// Entries that expire at `now_ms` or before, and were not noted to have, the earliest first.
    pub fn expiring(&self, now_ms: u64) -> impl Iterator<Item = StreamId> {
        self.schedule.iter().flat_map(move |schedule| schedule.expiring(now_ms))
    }

    /// Notes that the groups have been told that an entry has expired; false if that was noted before,
    /// or it does not expire.
    pub fn note_expired(&mut self, id: StreamId) -> bool {
        self.schedule.as_mut().is_some_and(|schedule| schedule.note_expired(id))
    }

    /// Has the groups judge an entry again that has expired, because one of them got it back; false if
    /// it has not expired.
    pub fn recall(&mut self, id: StreamId) -> bool {
        self.schedule.as_mut().is_some_and(|schedule| schedule.recall(id))
    }

    /// Has an entry be for one group alone: all others are done with it.
    pub fn address(&mut self, id: StreamId, group: &[u8]) {
        self.schedule.get_or_insert_default().address(id, group);
    }

    /// The one group that an entry is for, if it is not for all.
    pub fn addressee(&self, id: StreamId) -> Option<&[u8]> {
        self.schedule.as_ref()?.addressee(id)
    }

    /// Forgets some delays that are over.
    pub fn forget_due(&mut self, now_ms: u64, most: usize) {
        self.change_schedule(|schedule| schedule.forget_due(now_ms, most));
    }

    fn change_schedule(&mut self, change: impl FnOnce(&mut Schedule)) {
        if let Some(schedule) = &mut self.schedule {
            change(schedule);
            if schedule.is_empty() {
                self.schedule = None;
            }
        }
    }

    /// Whether a group has the entry pending or still has to be given it.
    pub fn is_awaited(&self, id: StreamId) -> bool {
        self.groups.await_entry(id, self.addressee(id))
    }

    /// Sets what XSETID sets. No entry is above `last_id`.
    pub fn set_id(
        &mut self,
        last_id: StreamId,
        entries_added: Option<u64>,
        max_deleted_id: Option<StreamId>,
    ) {
        if last_id < self.last_id {
            self.log.forget_above(last_id);
        }
        self.last_id = last_id;
        self.entries_added = entries_added.unwrap_or(self.entries_added);
        self.max_deleted_id = max_deleted_id.unwrap_or(self.max_deleted_id);
    }

    // Groups.

    pub fn group(&self, name: &[u8]) -> Option<&Group> {
        self.groups.get(name)
    }

    /// A group to change, and the log that it reads beside it.
    pub fn group_mut(&mut self, name: &[u8]) -> Option<(&mut Group, &Log)> {
        Some((self.groups.get_mut(name)?, &self.log))
    }

    /// A group to read with, the log, and when its entries may be delivered.
    pub fn reading<'a>(
        &'a mut self,
        name: &'a [u8],
    ) -> Option<(&'a mut Group, &'a Log, Times<'a>)> {
        let times = Times::of(self.schedule.as_deref(), name);
        Some((self.groups.get_mut(name)?, &self.log, times))
    }

    /// All groups, in order of name.
    pub fn groups(&self) -> impl ExactSizeIterator<Item = (&[u8], &Group)> {
        self.groups.iter()
    }

    /// Adds a group; false, and no change, if there is one of this name.
    pub fn add_group(&mut self, name: &[u8], group: Group) -> bool {
        self.groups.insert(name, group)
    }

    /// Takes a group away with all that is pending in it.
    pub fn remove_group(&mut self, name: &[u8]) -> Option<Arc<Group>> {
        self.groups.remove(name)
    }

    /// Makes an entry, which may be gone, no longer pending in any group; whether it was in one.
    pub fn forget_references(&mut self, id: StreamId) -> bool {
        let was_pending = self.groups.forget_references(id);
        self.groups_changed |= was_pending;
        was_pending
    }

    /// The memory that the stream holds, in bytes.
    pub fn memory_bytes(&self) -> usize {
        size_of::<Stream>()
            + self.log.memory_bytes()
            + self.idmp.memory_bytes()
            + self.groups.heap_bytes()
            + self.schedule.as_ref().map_or(0, |schedule| schedule.heap_bytes())
            + self.dedup.as_ref().map_or(0, |dedup| size_of::<Dedup>() + dedup.heap_bytes())
    }
}

/// What tells an entry with these names and values apart from others, if anything does.
fn message_of<'a, F: AsRef<[u8]>>(policy: &DedupField, fields: &'a [F]) -> Option<&'a [u8]> {
    let (pairs, _) = fields.as_chunks();
    let named = pairs.iter().find(|[name, _]| name.as_ref() == &*policy.field);
    named.map(|[_, value]| value.as_ref()).filter(|value| !value.is_empty())
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stream")
            .field("log", &self.log)
            .field("last_id", &self.last_id)
            .field("max_deleted_id", &self.max_deleted_id)
            .field("entries_added", &self.entries_added)
            .finish_non_exhaustive()
    }
}

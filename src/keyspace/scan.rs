//! SCAN, KEYS and RANDOMKEY over all shards of a database.
//!
//! A scan visits the shards in order, each from the end of its table down. The cursor is
//! (shard, how many slots of its table are still to visit), so it needs no memory in the server.

use super::SHARDS;
use super::table::Slot;
use super::tx::Tx;

/// "The whole table": a shard that the scan has not begun.
const WHOLE: u64 = (1 << 40) - 1;

fn encode(shard: usize, rest: u64) -> u64 {
    // Never 0, which means "begin" and "done".
    (rest << 16) | (shard as u64 + 1)
}

fn decode(cursor: u64) -> Option<(usize, u64)> {
    if cursor == 0 {
        return Some((0, WHOLE));
    }
    let shard = (cursor & 0xffff).checked_sub(1)? as usize;
    (shard < SHARDS).then_some((shard, cursor >> 16))
}

impl Tx<'_> {
    /// Visits at least `count` keys of the database from `cursor` on (0: from the start), if there
    /// are so many, and gives the cursor to go on with; 0: all are visited. A key that is there
    /// from the first call to the last is visited at least once. All shards have to be locked. A
    /// cursor that no scan gave is at its end.
    pub fn scan(&self, cursor: u64, count: usize, mut visit: impl FnMut(&Slot)) -> u64 {
        let Some((mut shard, mut rest)) = decode(cursor) else { return 0 };
        let mut visited = 0;
        while shard < SHARDS {
            let slots = self.part(shard).table.slots();
            let mut at = slots.len().min(usize::try_from(rest).unwrap_or(usize::MAX));
            while at > 0 {
                if visited >= count {
                    return encode(shard, at as u64);
                }
                at -= 1;
                visited += 1;
                if self.slot_is_live(&slots[at]) {
                    visit(&slots[at]);
                }
            }
            shard += 1;
            rest = WHOLE;
        }
        0
    }

    /// A key of the database at random, each as likely as another, if there is one.
    pub fn random_key(&self) -> Option<&Slot> {
        // Keys past their deadline stay in the tables until collected: try again a bounded number
        // of times, as Redis does, then take what there is.
        const TRIES: usize = 100;
        let mut last = None;
        for _ in 0..TRIES {
            let mut pick = (self.keyspace().random() % self.db_len().max(1) as u64) as usize;
            for shard in 0..SHARDS {
                let slots = self.part(shard).table.slots();
                if let Some(slot) = slots.get(pick) {
                    if self.slot_is_live(slot) {
                        return Some(slot);
                    }
                    last = Some(slot);
                    break;
                }
                pick -= slots.len();
            }
            last?;
        }
        self.first_live()
    }

    /// Any key that is alive.
    fn first_live(&self) -> Option<&Slot> {
        (0..SHARDS)
            .flat_map(|shard| self.part(shard).table.slots())
            .find(|slot| self.slot_is_live(slot))
    }

    /// Whether a slot's deadline has not passed.
    pub fn slot_is_live(&self, slot: &Slot) -> bool {
        self.is_replaying() || slot.expire_at_ms > self.now_ms()
    }
}

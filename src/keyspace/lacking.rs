//! Shards that a command finds out it needs only when it has looked at its keys: a group's dead-letter
//! stream lies in another one. The command gives up its locks and is run again with all of them.

use super::shard::ShardSet;
use super::tx::Tx;

impl Tx<'_> {
    /// Whether these shards are locked. If not, it is noted that the command needs them as well: it
    /// has to return having changed nothing, and is run again with them.
    pub fn require(&mut self, shards: ShardSet) -> bool {
        let has_all = self.locked().contains(shards);
        if !has_all {
            self.lacking = self.lacking.union(shards);
        }
        has_all
    }

    /// Whether the command is to be run again with more shards.
    pub fn lacks_shards(&self) -> bool {
        self.lacking != ShardSet::NONE
    }

    /// The shards that [`Tx::require`] has found missing since the last call, if any.
    pub fn take_lacking(&mut self) -> Option<ShardSet> {
        let lacking = std::mem::take(&mut self.lacking);
        (lacking != ShardSet::NONE).then_some(lacking)
    }
}

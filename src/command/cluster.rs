//! CLUSTER, READONLY, READWRITE and ASKING, as a server answers them that is in no cluster.

use super::cx::Cx;
use super::error::{Error, Outcome};
use super::table::{Entry, keys};

pub(super) static COMMANDS: &[Entry] = &[
    keys("asking", disabled),
    keys("cluster|addslots", disabled),
    keys("cluster|addslotsrange", disabled),
    keys("cluster|bumpepoch", disabled),
    keys("cluster|count-failure-reports", disabled),
    keys("cluster|countkeysinslot", disabled),
    keys("cluster|delslots", disabled),
    keys("cluster|delslotsrange", disabled),
    keys("cluster|failover", disabled),
    keys("cluster|flushslots", disabled),
    keys("cluster|forget", disabled),
    keys("cluster|getkeysinslot", disabled),
    keys("cluster|help", disabled),
    keys("cluster|info", disabled),
    keys("cluster|keyslot", disabled),
    keys("cluster|links", disabled),
    keys("cluster|meet", disabled),
    keys("cluster|migration", disabled),
    keys("cluster|myid", disabled),
    keys("cluster|myshardid", disabled),
    keys("cluster|nodes", disabled),
    keys("cluster|replicas", disabled),
    keys("cluster|replicate", disabled),
    keys("cluster|reset", disabled),
    keys("cluster|saveconfig", disabled),
    keys("cluster|set-config-epoch", disabled),
    keys("cluster|setslot", disabled),
    keys("cluster|shards", disabled),
    keys("cluster|slaves", disabled),
    keys("cluster|slot-stats", disabled),
    keys("cluster|slots", disabled),
    keys("readonly", disabled),
    keys("readwrite", disabled),
];

/// Clients that look for a cluster know by this text that there is none.
fn disabled(_: &mut Cx<'_, '_>, _: &[&[u8]]) -> Outcome {
    Err(Error::fixed("ERR This instance has cluster support disabled"))
}

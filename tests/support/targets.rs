//! What is fuzzed: bytes from outside, which may be refused, but are never to end the process, and
//! what is taken of them has to be whole values. `tests/fuzz` and `tests/fuzzing.rs` drive these.

use std::path::Path;
use std::sync::Arc;

use forebay::command::Server;
use forebay::config::Config;
use forebay::keyspace::{Clock, Keyspace, ManualClock, Options as KeyspaceOptions};
use forebay::process::export::export;
use forebay::process::import::{Options, import_bytes};
use forebay::rdb::{crc64, payload};
use forebay::types::stream::idmp::IdmpLimits;

/// When all of this happens, Unix ms.
const NOW_MS: i64 = 1_700_000_000_000;

/// A target by its name.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: &[Target] =
    &[("rdb_import", rdb_import), ("aof_import", aof_import), ("restore", restore)];

fn new_server() -> Arc<Server> {
    let clock: Arc<dyn Clock> = ManualClock::new(NOW_MS);
    let keyspace = Keyspace::new(KeyspaceOptions { databases: 2, clock, seed: 1, sink: None });
    let config = Config::from_lines("").expect("no lines are valid lines");
    Arc::new(Server::new(Arc::new(keyspace), Arc::new(config)))
}

/// What can be imported can be exported, and that imported again.
fn import_all(bytes: &[u8]) {
    let path = Path::new("fuzzed");
    let server = new_server();
    if import_bytes(&server, bytes, path, &Options { skip_unknown: true }).is_err() {
        return;
    }
    let mut file = Vec::new();
    let exported = export(&server, &mut file).expect("a vector takes it");
    let copy = new_server();
    let report = import_bytes(&copy, &file, path, &Options::default()).expect("it is whole");
    assert_eq!(report.keys, exported.keys);
}

/// The records of an RDB file without its header and its end.
pub fn rdb_import(records: &[u8]) {
    let mut file = [b"REDIS0011", records, b"\xff"].concat();
    // A checksum of its own would never be met by chance.
    file.extend_from_slice(&[0; 8]);
    import_all(&file);
}

/// An AOF.
pub fn aof_import(log: &[u8]) {
    import_all(log);
}

/// A payload of RESTORE without its footer.
pub fn restore(body: &[u8]) {
    let idmp = IdmpLimits::default();
    for version in [11u16, 14, 80] {
        let mut whole = [body, &version.to_le_bytes()].concat();
        let checksum = crc64::checksum(&whole);
        whole.extend_from_slice(&checksum.to_le_bytes());
        if let Ok(value) = payload::read(&whole, idmp) {
            let written = payload::write(&value, idmp);
            let again = payload::read(&written, idmp).expect("it was written here");
            assert_eq!(payload::write(&again, idmp), written);
        }
    }
}

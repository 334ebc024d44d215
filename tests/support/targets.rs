//! What is fuzzed: bytes from outside, which may be refused, but are never to end the process, and
//! what is taken of them has to be whole values. `tests/fuzz` and `tests/fuzzing.rs` drive these.

use std::path::Path;
use std::sync::Arc;

use forebay::command::Server;
use forebay::command::replay::replay;
use forebay::config::Config;
use forebay::journal::recovery::{Item, Loader};
use forebay::journal::repair::Repair;
use forebay::journal::sim::SimDisk;
use forebay::journal::{Frame, Plan};
use forebay::keyspace::{
    Clock, Keyspace, ManualClock, Options as KeyspaceOptions, Snapshot, SnapshotLoader,
};
use forebay::process::export::export;
use forebay::process::import::{Options, import_bytes};
use forebay::rdb::decode::Limits;
use forebay::rdb::{crc64, payload};

/// When all of this happens, Unix ms.
const NOW_MS: i64 = 1_700_000_000_000;

/// A target by its name.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: &[Target] = &[
    ("rdb_import", rdb_import),
    ("aof_import", aof_import),
    ("restore", restore),
    ("segment", segment),
    ("snapshot", snapshot),
];

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
    let limits = Limits::default();
    for version in [11u16, 14, 80] {
        let mut whole = [body, &version.to_le_bytes()].concat();
        let checksum = crc64::checksum(&whole);
        whole.extend_from_slice(&checksum.to_le_bytes());
        if let Ok(value) = payload::read(&whole, limits) {
            let written = payload::write(&value, limits.idmp);
            let again = payload::read(&written, limits).expect("it was written here");
            assert_eq!(payload::write(&again, limits.idmp), written);
        }
    }
}

/// The first segment of a journal: read, loaded if it may be, repaired if not.
pub fn segment(file: &[u8]) {
    let disk = SimDisk::new();
    disk.put("00000000000000000000.journal", file.to_vec());
    let plan = Plan::survey(&disk).expect("the disk can be read");
    if plan.check().is_ok() {
        let mut loader = Loader::new(&disk, &plan);
        let server = new_server();
        while let Some(item) = loader.next_item().expect("what was surveyed can be read") {
            let Item::Step { time_ms, payload, .. } = item else { panic!("there is no snapshot") };
            // What a checksum vouches for may still be no effect.
            drop(replay(&server, &Frame { time_ms, effects: payload.to_vec() }));
        }
    } else if let Ok(Some(repair)) = Repair::of(&disk, &plan).expect("the disk can be read") {
        repair.apply(&disk, &plan).expect("the disk is well");
        let plan = Plan::survey(&disk).expect("the disk can be read");
        assert_eq!(plan.check(), Ok(()), "one file is mended at once");
    }
}

/// A part of a snapshot: what is loaded of it can be written, and that loaded again.
pub fn snapshot(part: &[u8]) {
    let server = new_server();
    let mut loader = SnapshotLoader::new(&server.keyspace, part.len() as u64);
    if loader.part(part).is_err() || loader.finish().is_err() {
        return;
    }
    let begun = server.keyspace.begin_snapshot(|| ());
    let ((), mut written) = begun.expect("no other one is running");
    let copy = new_server();
    load(&mut written, &copy);
}

fn load(snapshot: &mut Snapshot, server: &Arc<Server>) {
    let mut loader = SnapshotLoader::new(&server.keyspace, u64::MAX);
    let mut part = Vec::new();
    while snapshot.next_part(&mut part) {
        loader.part(&part).expect("it was written here");
    }
    loader.finish().expect("it is whole");
}

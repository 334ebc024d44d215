//! Loading what a directory holds.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::Loading;
use crate::command::replay::Replayer;
use crate::command::server::Server;
use crate::journal::Plan;
use crate::journal::disk::Disk;
use crate::journal::recovery::{Item, Loader};
use crate::keyspace::SnapshotLoader;

/// So many steps are replayed under one taking of the locks: what is allowed while loading (INFO)
/// waits no longer than that.
const STEPS_PER_LOCK: usize = 1000;
/// How often the log says how far loading is.
const TELL_EVERY: Duration = Duration::from_secs(2);

/// What was loaded.
#[derive(Clone, Copy, Default, Debug)]
pub struct Loaded {
    pub parts: u64,
    pub steps: u64,
}

/// How far loading is, in bytes: for INFO at any time, for the log every now and then.
pub struct LoadProgress<'l> {
    loading: &'l Loading,
    bytes_total: u64,
    told: Instant,
}

impl LoadProgress<'_> {
    pub fn new(loading: &Loading, bytes_total: u64) -> LoadProgress<'_> {
        loading.bytes_total.store(bytes_total, Ordering::Relaxed);
        LoadProgress { loading, bytes_total, told: Instant::now() }
    }

    /// `bytes` of all have been read.
    pub fn reached(&mut self, bytes: u64) {
        self.loading.bytes_loaded.store(bytes, Ordering::Relaxed);
        if self.told.elapsed() >= TELL_EVERY {
            self.told = Instant::now();
            let percent = bytes * 100 / self.bytes_total.max(1);
            tracing::info!("Loading: {percent} % of {} MB", self.bytes_total / 1_000_000);
        }
    }
}

/// Loads the newest snapshot and the steps behind it into the server's keyspace, which is empty and
/// which nobody else looks at ([`super::Loading`]).
///
/// # Errors
/// In words for the log: a file cannot be read, or holds what this version cannot apply.
pub fn load(server: &Arc<Server>, disk: &dyn Disk, plan: &Plan) -> Result<Loaded, String> {
    let mut loading = Load {
        server,
        loader: Loader::new(disk, plan),
        loaded: Loaded::default(),
        progress: LoadProgress::new(&server.store.loading, plan.load_bytes()),
    };
    loading.snapshot(plan)?;
    while loading.steps()? {
        loading.tell();
    }
    server.keyspace.set_time_floor(plan.time_ms);
    Ok(loading.loaded)
}

struct Load<'a> {
    server: &'a Arc<Server>,
    loader: Loader<'a>,
    loaded: Loaded,
    progress: LoadProgress<'a>,
}

impl Load<'_> {
    fn snapshot(&mut self, plan: &Plan) -> Result<(), String> {
        let Some(snapshot) = &plan.snapshot else { return Ok(()) };
        let bad = |part: u64, what: &str| format!("{}, part {part}: {what}", snapshot.name);
        let mut into = SnapshotLoader::new(&self.server.keyspace, snapshot.file_bytes);
        while self.loaded.parts < snapshot.parts {
            let number = self.loaded.parts;
            match self.loader.next_item() {
                Ok(Some(Item::Part(part))) => {
                    into.part(part).map_err(|error| bad(number, error.0))?;
                }
                Ok(_) => return Err(bad(number, "it is missing")),
                Err(error) => return Err(format!("cannot read: {error}")),
            }
            self.loaded.parts += 1;
            self.tell();
        }
        let effects = into.take_effects();
        into.finish().map_err(|error| bad(self.loaded.parts, error.0))?;
        if effects.is_empty() {
            return Ok(());
        }
        let mut replayer = Replayer::new(self.server);
        self.server.keyspace.run_replay(0, |tx| {
            let replayed = replayer.replay(tx, plan.time_ms, &effects);
            replayed.map_err(|error| bad(self.loaded.parts, &error.0))
        })
    }

    /// Replays some steps; whether there may be more.
    fn steps(&mut self) -> Result<bool, String> {
        let mut replayer = Replayer::new(self.server);
        self.server.keyspace.run_replay(0, |tx| {
            for _ in 0..STEPS_PER_LOCK {
                match self.loader.next_item() {
                    Ok(Some(Item::Step { position, time_ms, payload })) => {
                        replayer.replay(tx, time_ms, payload).map_err(|error| {
                            format!("the step at position {position} does not fit: {}", error.0)
                        })?;
                    }
                    Ok(Some(Item::Part(_))) => return Err("a part follows the snapshot".into()),
                    Ok(None) => return Ok(false),
                    Err(error) => return Err(format!("cannot read: {error}")),
                }
                self.loaded.steps += 1;
            }
            Ok(true)
        })
    }

    fn tell(&mut self) {
        self.progress.reached(self.loader.read_bytes());
    }
}

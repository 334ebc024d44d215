//! Power cuts under the whole server: random commands of every kind, transactions, snapshots and
//! changes of segments, on a disk that loses power at each of its operations in turn.
//!
//! After each cut: the state that comes back is one that the server was in between two steps, and
//! not an older one than the last that a client was told of, by a reply or by a push: one subscriber
//! listens to all events and messages.
//!
//! Which states those are a twin tells that keeps its frames in memory: each frame on its own makes one. Every
//! fourth workload is of queues, whose leases lapse and whose delays come due as the clock is turned;
//! what they do by themselves is cut as all else is.
//!
//! `FOREBAY_POWER_SEED` (default 1) is the first workload's seed, `FOREBAY_POWER_WORKLOADS` (default
//! 4) how many are cut, `FOREBAY_POWER_SURVIVORS` (default 3) how many of the disks that a cut may
//! leave are tried.

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use forebay::command::clients::Origin;
use forebay::command::replay::replay;
use forebay::command::store::{self, Cause, Store};
use forebay::command::{self, Flow, Server, Session};
use forebay::config::Config;
use forebay::journal::case::Case;
use forebay::journal::frame::HEAD_BYTES;
use forebay::journal::sim::{Dice, SimDisk};
use forebay::journal::{Frame, MemorySink, Plan, Sink};
use forebay::keyspace::{Batch, Clock, EventClass, Keyspace, ManualClock, Options, ShardSet};
use forebay::pubsub::Mailbox;
use forebay::types::stream::{Stream, StreamId};
use support::START_MS;
use support::bare::{DATABASES, digest};
use support::commands::Generator;

const CONNECTIONS: usize = 3;
const TURNS: usize = 60;

fn knob(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number in the knob"))
}

/// What a workload of queues begins with.
const QUEUE: &[&str] = &[
    "XGROUP CREATE s g 0 MKSTREAM",
    "XCFGSET s GROUP g LEASE 20 MAXDELIVERIES 2 BACKOFF 5 20 DLQ dead",
    "XADD s 5-* k x",
    "XADD s 5-* k y",
    "XADD s DELAY 30 5-* k x",
    "XADD s TTL 40 5-* k x",
    "XREADGROUP GROUP g alice COUNT 2 STREAMS s >",
];

fn is_of_queues(seed: u64) -> bool {
    seed.is_multiple_of(4)
}

/// A server on a simulated disk, without threads or sockets.
struct Bare {
    server: Arc<Server>,
    clock: Arc<ManualClock>,
    /// Where it keeps its frames if not on the disk.
    memory: Option<Arc<MemorySink>>,
}

impl Bare {
    fn new(fsync: &str, now_ms: i64) -> Bare {
        let settings = format!(
            "appendonly yes\nappendfsync {fsync}\nstream-node-max-entries 5\n\
             journal-segment-size 4096\njournal-reserve-size 0\nauto-aof-rewrite-percentage 0\n\
             notify-keyspace-events KEA\n"
        );
        let config = Config::from_lines(&settings).expect("the lines are valid");
        let clock = ManualClock::new(now_ms);
        let keyspace = Keyspace::new(Options {
            databases: DATABASES,
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            seed: 3,
            sink: None,
        });
        let server = Arc::new(Server::new(Arc::new(keyspace), Arc::new(config)));
        server.store.stepped.store(true, Ordering::Relaxed);
        Bare { server, clock, memory: None }
    }

    /// None if the disk fails meanwhile.
    fn open(disk: &SimDisk, fsync: &str, now_ms: i64) -> Option<Bare> {
        let bare = Bare::new(fsync, now_ms);
        bare.server.begin_loading();
        let opened = Store::open(&bare.server, Arc::new(disk.clone()));
        bare.server.end_loading();
        match opened {
            Ok(_) => Some(bare),
            // What the disk holds is never the reason; that it has no power is.
            Err(why) => {
                assert!(disk.has_lost_power(), "{why}");
                None
            }
        }
    }

    /// One that begins with what the disk holds and leaves it as it is.
    fn twin(disk: &SimDisk, fsync: &str, now_ms: i64) -> Bare {
        let bare = Bare::new(fsync, now_ms);
        bare.server.begin_loading();
        Store::read(&bare.server, Arc::new(disk.after_kill())).expect("the disk has power");
        bare.server.end_loading();
        let memory = Arc::new(MemorySink::default());
        Bare { memory: Some(memory), ..bare }
    }

    fn step(&self) {
        if let Some(journal) = self.server.store.journal() {
            journal.step();
        }
    }

    fn settled(&self) -> u64 {
        self.server.store.journal().map_or(u64::MAX, |journal| journal.settled())
    }

    fn next(&self) -> u64 {
        self.server.store.journal().map_or(u64::MAX, |journal| journal.next())
    }
}

/// Runs a command, as one step: what would wait gives up at once.
fn run(server: &Arc<Server>, session: &mut Session, args: &[Vec<u8>]) {
    run_together(server, session, &[args.to_vec()], &|| false);
}

/// Runs commands that have come together, until it is over; those that follow each other in one shard may
/// be one step.
fn run_together(
    server: &Arc<Server>,
    session: &mut Session,
    commands: &[Vec<Vec<u8>>],
    is_over: &impl Fn() -> bool,
) {
    let mut batch = Batch::new(&server.keyspace);
    let now_ms = server.keyspace.clock().now_ms();
    for (at, args) in commands.iter().enumerate() {
        let args: Vec<&[u8]> = args.iter().map(Vec::as_slice).collect();
        batch.expect_more(at + 1 < commands.len());
        let flow = command::execute_in(&mut batch, server, session, &args, &mut Vec::new(), now_ms);
        if let Flow::Blocked(blocked) = flow
            && blocked.waiter.cancel()
        {
            batch.close(&mut session.seen);
            server.keyspace.leave(&blocked.waiter);
        }
        // One that is refused, for want of room that there would be with power, has nothing behind it.
        if is_over() {
            break;
        }
    }
    batch.close(&mut session.seen);
}

/// What became of a workload.
#[derive(Default)]
struct Outcome {
    /// The position that the last answer rested on.
    answered: u64,
    /// The position behind the last change that the subscriber was told of, and how often it was told.
    told: u64,
    tellings: usize,
    /// Where the journal ended.
    end: u64,
}

/// The states that a workload goes through, by the journal's position behind them, each with its time.
#[derive(Default)]
struct States {
    all: BTreeMap<u64, (i64, Vec<String>)>,
    /// How many dead letters were written.
    letters: usize,
}

impl Outcome {
    /// Behind all that anybody knows of.
    fn known(&self) -> u64 {
        self.answered.max(self.told)
    }
}

/// A connection that listens to everything, as its task would.
struct Subscriber {
    mailbox: Arc<Mailbox>,
    _session: Session,
    /// Of the mail that waits: how much there is, and the position behind its last cause.
    heard_bytes: u64,
    cause: u64,
    /// What has been fetched and not told: the position it waits for, and the one behind its cause.
    waiting: Vec<(u64, u64)>,
}

impl Subscriber {
    fn new(server: &Arc<Server>) -> Subscriber {
        let origin = Origin { addr: "here".into(), laddr: "there".into(), fd: 0, is_unix: false };
        let client = server.clients.enter(origin, 0);
        let mailbox = Arc::clone(&client.mailbox);
        let mut session = Session::new(Some(client));
        run(server, &mut session, &[b"PSUBSCRIBE".to_vec(), b"*".to_vec()]);
        Subscriber { mailbox, _session: session, heard_bytes: 0, cause: 0, waiting: Vec::new() }
    }

    /// Notes what has come because of something that `cause` is the position behind.
    fn hear(&mut self, cause: u64) {
        let bytes = self.mailbox.waiting_bytes();
        if bytes > self.heard_bytes {
            self.heard_bytes = bytes;
            self.cause = self.cause.max(cause);
        }
    }

    /// Fetches what has come, of several causes together where it has not been fetched at once.
    fn fetch(&mut self) {
        let mut mail = Vec::new();
        let position = self.mailbox.fetch(&mut mail);
        if !mail.is_empty() {
            self.waiting.push((position, std::mem::take(&mut self.cause)));
        }
        self.heard_bytes = 0;
    }

    /// Tells, in order, what may be told.
    fn tell(&mut self, settled: u64, outcome: &mut Outcome) {
        let ready = self.waiting.iter().take_while(|(position, _)| *position <= settled).count();
        for (_, cause) in self.waiting.drain(..ready) {
            outcome.told = outcome.told.max(cause);
            outcome.tellings += 1;
        }
    }
}

/// Runs the workload of a seed on a disk until it ends or the power does.
fn work(disk: &SimDisk, fsync: &str, seed: u64, found: i64) -> Outcome {
    match Bare::open(disk, fsync, found) {
        Some(bare) => live(&bare, seed, || disk.has_lost_power()),
        None => Outcome::default(),
    }
}

/// The commands of a workload's turn, which come together.
fn draw(generator: &mut Generator, seed: u64, turn: usize) -> Vec<Vec<Vec<u8>>> {
    let draw = match QUEUE.get(turn).filter(|_| is_of_queues(seed)) {
        Some(line) => return vec![line.split(' ').map(|word| word.as_bytes().to_vec()).collect()],
        None if is_of_queues(seed) => Generator::queue_command,
        None => Generator::command,
    };
    if generator.one_in(4) { generator.together(draw) } else { vec![draw(generator)] }
}

fn live(bare: &Bare, seed: u64, is_over: impl Fn() -> bool) -> Outcome {
    let mut outcome = Outcome::default();
    bare.server.look_after_streams();
    let mut generator = Generator::new(seed);
    let mut sessions: Vec<Session> = (0..CONNECTIONS).map(|_| Session::new(None)).collect();
    let mut subscriber = Subscriber::new(&bare.server);
    for turn in 0..TURNS {
        if generator.one_in(4) {
            bare.clock.advance_ms(generator.below(40) as i64);
        }
        if generator.one_in(12) && bare.memory.is_none() {
            // If it fails, the disk has.
            drop(store::save(&bare.server, Cause::Save));
        }
        // What is due is done by whoever comes next. Where it is not, for want of room that there would
        // be with power, nothing may come behind it.
        bare.server.keyspace.run(ShardSet::ALL, 0, bare.clock.now_ms(), |_| ());
        if is_over() {
            break;
        }
        let session = &mut sessions[generator.below(CONNECTIONS as u64) as usize];
        let commands = draw(&mut generator, seed, turn);
        if commands.len() > 1 {
            // What is to be told at once ends a step.
            bare.server.keyspace.set_events(EventClass::NONE);
        }
        run_together(&bare.server, session, &commands, &is_over);
        bare.server.keyspace.set_events(bare.server.pubsub.set_events(b"KEA"));
        subscriber.hear(bare.next());
        if turn % 4 == 3 {
            // A message tells of what its sender has seen.
            let publish = ["PUBLISH", "news", "of it"].map(|word| word.as_bytes().to_vec());
            run(&bare.server, session, &publish);
            if session.multi.is_none() {
                subscriber.hear(session.seen.position);
            }
        }
        if !generator.one_in(3) {
            subscriber.fetch();
        }
        if !generator.one_in(3) {
            bare.step();
        }
        for session in &sessions {
            // A reply leaves once this is settled.
            if session.seen.position <= bare.settled() {
                outcome.answered = outcome.answered.max(session.seen.position);
            }
        }
        subscriber.tell(bare.settled(), &mut outcome);
        if is_over() {
            break;
        }
    }
    outcome.end = bare.next();
    outcome
}

/// The states of a workload on what a disk holds: after each frame there is one.
fn states(disk: &SimDisk, fsync: &str, seed: u64, found: i64) -> States {
    let twin = Bare::twin(disk, fsync, found);
    let memory = twin.memory.clone().expect("a twin keeps its frames there");
    twin.server.keyspace.set_sink(Arc::clone(&memory) as Arc<dyn Sink>);
    live(&twin, seed, || false);
    let mut position = Plan::survey(disk).expect("the disk can be read").end;
    let copy = Bare::twin(disk, fsync, found);
    let mut states = States::default();
    states.all.insert(position, (found, digest(&copy.server)));
    for frame in memory.drain() {
        if let Err(error) = replay(&copy.server, &frame) {
            panic!("seed {seed}, position {position}: {}", error.0);
        }
        position += (HEAD_BYTES + frame.effects.len()) as u64;
        let now_ms = copy.server.keyspace.clock().now_ms();
        copy.clock.advance_ms(frame.time_ms - now_ms);
        states.all.insert(position, (frame.time_ms, digest(&copy.server)));
        states.letters += assert_letters_are_whole(&copy.server, &frame);
    }
    states
}

/// Behind a frame that has a dead letter in it the group is done with the entry; how many it has.
fn assert_letters_are_whole(server: &Arc<Server>, frame: &Frame) -> usize {
    let text = frame.effects.escape_ascii().to_string();
    let words = text.split("\\r\\n").filter(|word| !word.starts_with('$'));
    let words: Vec<&str> = words.collect();
    let mut letters = 0;
    for story in words.windows(6).filter(|words| words[0] == "dlq.stream") {
        let [_, key, _, name, _, id] = story else { continue };
        let id = StreamId::parse(id.as_bytes(), 0).expect("an id");
        letters += 1;
        // In a transaction it may have been returned already.
        if words.contains(&"XDEL") {
            continue;
        }
        let is_pending = server.keyspace.run_replay(frame.time_ms, |tx| {
            let stream = tx.peek_as::<Stream>(key.as_bytes()).ok().flatten();
            let group = stream.and_then(|stream| stream.group(name.as_bytes()));
            group.is_some_and(|group| group.pending().get(id).is_some())
        });
        assert!(!is_pending, "{id} is among the dead and pending: {text}");
    }
    letters
}

/// Starts on what a cut has left, and holds the state to those that were. False if it is one that the
/// whole workload does not come by: where the disk had no room for a batch any more, that ended earlier.
fn check(
    disk: &SimDisk,
    fsync: &str,
    whole: &States,
    cut: &Outcome,
    answered: u64,
    told: &str,
) -> bool {
    let plan = Plan::survey(disk).expect("the disk can be read");
    assert_eq!(plan.check(), Ok(()), "{told}: {:?}", disk.names());
    assert!(
        plan.end >= answered,
        "{told}: {answered} was answered, {} came back ({:?})",
        plan.end,
        plan.case
    );
    let Some((at_ms, expected)) = whole.all.get(&plan.end) else {
        if !whole.all.contains_key(&cut.end) {
            return false;
        }
        panic!("{told}: the server was never at {}, only at {:?}", plan.end, whole.all.keys());
    };
    let bare = Bare::open(disk, fsync, *at_ms).expect("the disk has power");
    assert_eq!(digest(&bare.server), *expected, "{told}, at position {}", plan.end);
    true
}

#[test]
fn every_cut_leaves_a_state_that_was_and_nothing_answered_is_lost() {
    let first = knob("FOREBAY_POWER_SEED", 1);
    let workloads = knob("FOREBAY_POWER_WORKLOADS", 4);
    let survivors = knob("FOREBAY_POWER_SURVIVORS", 3);
    println!("FOREBAY_POWER_SEED={first} FOREBAY_POWER_WORKLOADS={workloads}");
    let (mut cuts, mut letters, mut split) = (0_u64, 0, 0_u64);
    for seed in first..first + workloads {
        for fsync in ["always", "everysec", "no"] {
            let states = states(&SimDisk::new(), fsync, seed, START_MS);
            let disk = SimDisk::new();
            let whole = work(&disk, fsync, seed, START_MS);
            assert_eq!(states.all.last_key_value().map(|(end, _)| *end), Some(whole.end));
            assert!(states.all.len() > TURNS / 8, "the workload changes something");
            assert!(whole.tellings > TURNS / 8, "the subscriber is told something");
            letters += states.letters;
            for operation in 0..=disk.operations() {
                let disk = SimDisk::new();
                disk.power_until(operation);
                let cut = work(&disk, fsync, seed, START_MS);
                // Without `always` an answer means that the kernel has it, and it is the power
                // that fails here.
                let answered = if fsync == "always" { cut.known() } else { 0 };
                for survivor in 0..survivors {
                    let cut_seed = seed * 1_000_003 + operation * 101 + survivor;
                    let told = format!("{fsync}, seed {seed}, operation {operation}, {cut_seed}");
                    let after = disk.after_power_cut(cut_seed);
                    split += u64::from(!check(&after, fsync, &states, &cut, answered, &told));
                    cuts += 1;
                }
                let told = format!("{fsync}, seed {seed}, operation {operation}, a kill alone");
                let after = disk.after_kill();
                split += u64::from(!check(&after, fsync, &states, &cut, cut.known(), &told));
            }
        }
    }
    println!("{cuts} cuts, {split} of them in a batch that ended early");
    assert!(split < cuts / 20, "a batch ends early only where the disk fails it");
    assert!(cuts > 1000 || workloads < 4, "the disk was cut");
    assert!(letters > 0 || workloads < 4, "nothing was given up");
}

/// A second life: what one crash has left is worked on, and that is cut as well.
#[test]
fn a_start_after_a_crash_is_cut_as_well() {
    let first = knob("FOREBAY_POWER_SEED", 1);
    let mut dice = Dice::new(first);
    for seed in first..first + 4 * knob("FOREBAY_POWER_WORKLOADS", 4) {
        let disk = SimDisk::new();
        disk.power_until(200 + dice.below(300) as u64);
        work(&disk, "always", seed, START_MS);
        let left = disk.after_power_cut(dice.roll());
        let whole = states(&left, "always", seed + 1, START_MS + 10_000);
        for _ in 0..8 {
            let disk = left.after_kill();
            disk.power_until(dice.below(400) as u64);
            let cut = work(&disk, "always", seed + 1, START_MS + 10_000);
            let after = disk.after_power_cut(dice.roll());
            let told = format!("second life, seed {seed}");
            check(&after, "always", &whole, &cut, cut.known(), &told);
        }
    }
}

#[test]
fn an_orderly_end_is_told_from_a_crash() {
    let disk = SimDisk::new();
    let bare = Bare::open(&disk, "always", START_MS).expect("the disk has power");
    let mut session = Session::new(None);
    run(&bare.server, &mut session, &[b"SET".to_vec(), b"a".to_vec(), b"1".to_vec()]);
    bare.step();
    assert_eq!(Plan::survey(&disk).expect("readable").case, Case::Crashed);
    Store::close(&bare.server, true).expect("the disk is well");
    let plan = Plan::survey(&disk).expect("readable");
    assert_eq!(plan.case, Case::Orderly);
    assert!(plan.snapshot.is_some(), "the end takes a snapshot");
}

//! The scripts of EVAL, by the SHA-1 of their text, and the state that they run in.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use mlua::{Function, Value};
use parking_lot::Mutex;
use sha1::{Digest, Sha1};

use super::failure::{Failure, Raised};
use super::host::{HOST, Host};
use super::memory::Budget;
use super::result::ResultWriter;
use super::running::{Running, Sort};
use super::shebang::{Flags, eval_flags};
use super::state::State;
use crate::resp::{Proto, Reply};

/// How many scripts that came with EVAL are kept: clients that make a text for each call would fill
/// the memory.
const EVAL_SCRIPTS_MAX: usize = 500;
/// What a script takes beside its text, about.
const SCRIPT_OVERHEAD_BYTES: usize = 128;

/// The SHA-1 of a script's text.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sha([u8; 20]);

impl Sha {
    pub fn of(source: &[u8]) -> Sha {
        Sha(Sha1::digest(source).into())
    }

    /// From 40 hexadecimal digits in either case.
    pub fn parse(hex: &[u8]) -> Option<Sha> {
        let mut bytes = [0; 20];
        if hex.len() != 40 {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(hex.chunks_exact(2)) {
            let digit = |at: usize| char::from(pair[at]).to_digit(16);
            *byte = (digit(0)? << 4 | digit(1)?) as u8;
        }
        Some(Sha(bytes))
    }
}

impl fmt::Display for Sha {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Why a text does not become a script: the error's text, with its code.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CompileError(pub Vec<u8>);

/// What became of a call. The reply is written only if it is done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    Done,
    /// There is no such script.
    Unknown,
    Failed(Failed),
}

/// An error reply.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failed {
    /// With its code.
    pub text: Vec<u8>,
    /// A command of the script failed, and has been counted.
    pub is_counted: bool,
}

impl Outcome {
    pub(super) fn refused(text: Vec<u8>) -> Outcome {
        Outcome::Failed(Failed { text, is_counted: false })
    }
}

/// What is called, and how.
pub struct Call<'a> {
    pub keys: &'a [&'a [u8]],
    pub args: &'a [&'a [u8]],
    /// Bytes that scripts may have in all; 0 for any number.
    pub memory_bytes_max: usize,
    /// After so many ms whoever comes gets `-BUSY`; 0 for never.
    pub busy_after_ms: i64,
}

struct Script {
    function: Function,
    /// None for a script without a first line that states them.
    flags: Option<Flags>,
    source_bytes: usize,
    /// When it was used last, for one that may go; none for what SCRIPT LOAD has brought.
    used: Option<u64>,
}

impl Script {
    fn bytes(&self) -> usize {
        self.source_bytes + SCRIPT_OVERHEAD_BYTES
    }
}

#[derive(Default)]
struct Scripts {
    state: Option<State>,
    scripts: HashMap<Sha, Script, foldhash::fast::RandomState>,
    /// Bytes of their texts, and what keeps them.
    source_bytes: usize,
    /// How many of them may go.
    evictable: usize,
    uses: u64,
}

/// See the module's text.
#[derive(Default)]
pub struct Cache {
    running: Arc<Running>,
    scripts: Mutex<Scripts>,
    count: AtomicUsize,
    source_bytes: AtomicUsize,
    state_bytes: AtomicUsize,
    evicted: AtomicU64,
}

impl Cache {
    pub fn new(running: Arc<Running>) -> Cache {
        Cache { running, ..Cache::default() }
    }

    /// How many scripts there are.
    pub fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Bytes of the scripts' texts, and what keeps them.
    pub fn source_bytes(&self) -> usize {
        self.source_bytes.load(Ordering::Relaxed)
    }

    /// Bytes of the interpreter's state.
    pub fn state_bytes(&self) -> usize {
        self.state_bytes.load(Ordering::Relaxed)
    }

    /// Scripts of EVAL that have had to go.
    pub fn evicted(&self) -> u64 {
        self.evicted.load(Ordering::Relaxed)
    }

    /// Compiles a script and keeps it until it is flushed.
    ///
    /// # Errors
    /// It does not compile.
    pub fn load(&self, source: &[u8]) -> Result<Sha, CompileError> {
        let sha = Sha::of(source);
        let mut scripts = self.scripts.lock();
        scripts.add(&self.running, sha, source, false)?;
        self.note(&scripts);
        Ok(sha)
    }

    pub fn exists(&self, sha: &[u8]) -> bool {
        Sha::parse(sha).is_some_and(|sha| self.scripts.lock().scripts.contains_key(&sha))
    }

    /// What a script states of itself; none if it states nothing, is not there, or if one runs now.
    pub fn flags_of(&self, sha: &[u8]) -> Option<Flags> {
        self.scripts.try_lock()?.scripts.get(&Sha::parse(sha)?)?.flags
    }

    /// Forgets all scripts and what they have left in the interpreter.
    pub fn flush(&self) {
        let before = std::mem::take(&mut *self.scripts.lock());
        self.note(&Scripts::default());
        drop(before);
    }

    /// Runs a script by its text, and keeps it for a while.
    pub fn eval(
        &self,
        source: &[u8],
        call: &Call<'_>,
        host: &mut dyn Host,
        reply: &mut Reply<'_>,
    ) -> Outcome {
        let sha = Sha::of(source);
        let mut scripts = self.scripts.lock();
        let known = scripts.scripts.len();
        if let Err(CompileError(text)) = scripts.add(&self.running, sha, source, true) {
            return Outcome::refused(text);
        }
        if scripts.scripts.len() > known {
            self.evict(&mut scripts);
        }
        self.run(&mut scripts, sha, call, host, reply)
    }

    /// Runs a script that is there.
    pub fn eval_sha(
        &self,
        sha: &[u8],
        call: &Call<'_>,
        host: &mut dyn Host,
        reply: &mut Reply<'_>,
    ) -> Outcome {
        match Sha::parse(sha) {
            Some(sha) => self.run(&mut self.scripts.lock(), sha, call, host, reply),
            None => Outcome::Unknown,
        }
    }

    fn run(
        &self,
        scripts: &mut Scripts,
        sha: Sha,
        call: &Call<'_>,
        host: &mut dyn Host,
        reply: &mut Reply<'_>,
    ) -> Outcome {
        scripts.uses += 1;
        let Some(script) = scripts.scripts.get_mut(&sha) else { return Outcome::Unknown };
        if let Some(used) = &mut script.used {
            *used = scripts.uses;
        }
        let Some(state) = &scripts.state else { return Outcome::Unknown };
        if let Err(text) = host.admit(script.flags) {
            return Outcome::refused(text);
        }
        state.shared.limit.set(call.memory_bytes_max);
        self.running.begin(Sort::Script, call.busy_after_ms);
        let outcome = HOST.set(host, || {
            let result = state.run(&script.function, (call.keys, call.args), reply);
            finish(state, result, reply, || sha.to_string())
        });
        self.state_bytes.store(state.used_bytes(), Ordering::Relaxed);
        outcome
    }

    /// Lets scripts of EVAL go that have not been used for longest.
    fn evict(&self, scripts: &mut Scripts) {
        while scripts.evictable > EVAL_SCRIPTS_MAX {
            let evictable = scripts.scripts.iter().filter_map(|(sha, it)| Some((it.used?, *sha)));
            let Some((_, sha)) = evictable.min_by_key(|(used, _)| *used) else { break };
            let script = scripts.scripts.remove(&sha);
            scripts.source_bytes -= script.map_or(0, |script| script.bytes());
            scripts.evictable -= 1;
            self.evicted.fetch_add(1, Ordering::Relaxed);
        }
        self.note(scripts);
    }

    fn note(&self, scripts: &Scripts) {
        self.count.store(scripts.scripts.len(), Ordering::Relaxed);
        self.source_bytes.store(scripts.source_bytes, Ordering::Relaxed);
        let state_bytes = scripts.state.as_ref().map_or(0, State::used_bytes);
        self.state_bytes.store(state_bytes, Ordering::Relaxed);
    }
}

impl Scripts {
    /// Compiles a script unless it is there.
    fn add(
        &mut self,
        running: &Arc<Running>,
        sha: Sha,
        source: &[u8],
        evictable: bool,
    ) -> Result<(), CompileError> {
        if let Some(script) = self.scripts.get_mut(&sha) {
            if !evictable && script.used.take().is_some() {
                self.evictable -= 1;
            }
            return Ok(());
        }
        let flags = eval_flags(source).map_err(CompileError)?;
        let state = match &mut self.state {
            Some(state) => state,
            none => none.insert(make_state(running)?),
        };
        let body = &source[flags.map_or(0, |(_, len)| len)..];
        let function = state.compile(body, "@user_script").map_err(|message| {
            CompileError([b"ERR Error compiling script (new function): ", &*message].concat())
        })?;
        self.uses += 1;
        let used = evictable.then_some(self.uses);
        self.evictable += usize::from(evictable);
        let flags = flags.map(|(flags, _)| flags);
        let script = Script { function, flags, source_bytes: source.len(), used };
        self.source_bytes += script.bytes();
        self.scripts.insert(sha, script);
        Ok(())
    }
}

fn make_state(running: &Arc<Running>) -> Result<State, CompileError> {
    State::new(Arc::clone(running))
        .map_err(|error| CompileError(format!("ERR {error}").into_bytes()))
}

/// Writes what a script has returned, if it is not written yet, or tells what it failed with; `name` is what errors call it.
pub(super) fn finish(
    state: &State,
    result: Result<Option<Value>, Failure>,
    reply: &mut Reply<'_>,
    name: impl FnOnce() -> String,
) -> Outcome {
    let failed = |failure: Failure| {
        let mut text = failure.text;
        text.extend_from_slice(format!(" script: {}", name()).as_bytes());
        if let Some((source, line)) = failure.place {
            text.extend_from_slice(format!(", on {source}:{line}").as_bytes());
        }
        text.push(b'.');
        Outcome::Failed(Failed { text, is_counted: failure.of_command })
    };
    let value = match result {
        Ok(Some(value)) => value,
        Ok(None) => return Outcome::Done,
        Err(failure) => return failed(failure),
    };
    let script_proto = if state.shared.is_resp3() { Proto::Resp3 } else { Proto::Resp2 };
    let mark = reply.mark();
    let budget = Budget::new(&state.lua, &state.shared);
    let fields = &state.fields;
    let mut writer = ResultWriter { fields, script_proto, reply, mark, budget, error: None };
    if let Err(error) = writer.write(&value, 0) {
        let text =
            format!("ERR {}", Raised::of(&error).map_or(error.to_string(), Raised::to_string));
        return failed(Failure { text: text.into_bytes(), place: None, of_command: false });
    }
    let error = writer.error.take();
    match error {
        // The whole reply is an error: then the call has failed.
        Some(failed) if reply.since(mark).first() == Some(&b'-') => Outcome::Failed(failed),
        _ => Outcome::Done,
    }
}

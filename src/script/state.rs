//! A Lua state as scripts run in it.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use mlua::chunk::ChunkMode;
use mlua::state::{GcIncParams, GcMode};
use mlua::{Function, HookTriggers, Lua, LuaOptions, MultiValue, StdLib, Table, Value, VmState};
use parking_lot::Mutex;

use super::failure::{Failure, Raised, SANDBOX, failure, placed};
use super::host::HOST;
use super::memory::Limit;
use super::random::Random;
use super::register::{self, Registered};
use super::result::{FIELD_NAMES, Fields, write_small};
use super::running::{Running, Sort, Tick};
use super::stack::{Reader, Values};
use super::{api, bit, cjson, cmsgpack, stack, structs};
use crate::resp::Reply;

/// Instructions between two looks whether to go on. Each may be a call that takes a millisecond.
const TICK_INSTRUCTIONS: u32 = 2_000;
/// The collector begins anew when the state has grown to so much of what it had left: most of what
/// it walks each time is compiled scripts, which stay.
const COLLECTOR_PAUSE_PERCENT: i32 = 400;
/// How long a library may take to load.
const LOADING_MAX: Duration = Duration::from_millis(500);

/// A library is being loaded.
#[derive(Clone, Copy)]
struct Loading {
    since: Instant,
    /// How long that may take, if there is a limit.
    time_max: Option<Duration>,
}

scoped_tls_hkt::scoped_thread_local!(
    /// What to do when the library that this thread loads takes long; none while one is replayed.
    static mut HOLD_LONG: for<'a> &'a mut (dyn FnMut() + 'a)
);

/// What the functions of a state share with whoever runs it.
#[derive(Default)]
pub(super) struct Shared {
    pub limit: Limit,
    pub random: Random,
    pub running: Arc<Running>,
    /// What the library that is being loaded has registered.
    pub registered: Mutex<Vec<Registered>>,
    loading: Mutex<Option<Loading>>,
    resp3: AtomicBool,
    failure: Mutex<Option<Failure>>,
}

impl Shared {
    pub fn set_resp3(&self, resp3: bool) {
        self.resp3.store(resp3, Ordering::Relaxed);
    }

    pub fn is_resp3(&self) -> bool {
        self.resp3.load(Ordering::Relaxed)
    }
}

/// A Lua state with the sandbox and the libraries.
pub(super) struct State {
    pub lua: Lua,
    pub shared: Arc<Shared>,
    pub fields: Fields,
    run: Function,
    run_function: Function,
    load_library: Function,
}

impl State {
    /// A state for scripts, for which `running` stands.
    ///
    /// # Errors
    /// The interpreter's own.
    pub fn new(running: Arc<Running>) -> mlua::Result<State> {
        State::build(running, Sort::Script)
    }

    /// A state for libraries of functions.
    ///
    /// # Errors
    /// The interpreter's own.
    pub fn for_functions(running: Arc<Running>) -> mlua::Result<State> {
        State::build(running, Sort::Function)
    }

    fn build(running: Arc<Running>, sort: Sort) -> mlua::Result<State> {
        let libraries = StdLib::STRING | StdLib::TABLE | StdLib::MATH | StdLib::OS;
        // Panics abort, so there is nothing to catch.
        let lua = Lua::new_with(libraries, LuaOptions::new().catch_rust_panics(false))?;
        let collecting = GcIncParams::default().pause(COLLECTOR_PAUSE_PERCENT);
        lua.gc_set_mode(GcMode::Incremental(collecting));
        let shared = Arc::new(Shared { running, ..Shared::default() });
        let natives = natives(&lua, &shared, sort)?;
        let libraries = lua.create_table()?;
        libraries.raw_set("redis", api::library(&lua, &shared, sort)?)?;
        libraries.raw_set("cjson", cjson::library(&lua, &shared)?)?;
        libraries.raw_set("cmsgpack", cmsgpack::library(&lua, &shared)?)?;
        libraries.raw_set("struct", structs::library(&lua)?)?;
        libraries.raw_set("bit", bit::library(&lua)?)?;
        let loading = lua.create_table()?;
        if sort == Sort::Function {
            loading.raw_set("redis", register::library(&lua, &shared)?)?;
        }
        let sandbox = lua.load(include_str!("sandbox.lua")).set_name(SANDBOX);
        type Made = (Function, Function, Function, Table);
        let (run, run_function, load_library, globals): Made =
            sandbox.call((natives, libraries, loading))?;
        lua.set_globals(globals)?;
        let fields = Fields::new(&lua)?;
        watch(&lua, &shared)?;
        Ok(State { lua, shared, fields, run, run_function, load_library })
    }

    /// Compiles a script; `chunk` is its name in error messages (`@user_script`).
    ///
    /// # Errors
    /// The compiler's message.
    pub fn compile(&self, source: &[u8], chunk: &str) -> Result<Function, Vec<u8>> {
        let loaded = self.lua.load(source).set_name(chunk).set_mode(ChunkMode::Text);
        loaded.into_function().map_err(|error| match error {
            mlua::Error::SyntaxError { message, .. } => message.into_bytes(),
            other => other.to_string().into_bytes(),
        })
    }

    /// Runs a script with KEYS and ARGV. What it returns is in the reply already, or given: what is large or
    /// not plain.
    ///
    /// # Errors
    /// What it failed with.
    pub fn run(
        &self,
        script: &Function,
        words: (&[&[u8]], &[&[u8]]),
        reply: &mut Reply<'_>,
    ) -> Result<Option<Value>, Failure> {
        self.call(&self.run, script, words, reply)
    }

    /// Runs a function of a library, which gets its keys and arguments as parameters; as [`State::run`].
    ///
    /// # Errors
    /// What it failed with.
    pub fn run_function(
        &self,
        function: &Function,
        words: (&[&[u8]], &[&[u8]]),
        reply: &mut Reply<'_>,
    ) -> Result<Option<Value>, Failure> {
        self.call(&self.run_function, function, words, reply)
    }

    /// Runs the code of a library; the functions that it registers. `hold_long` is called if that
    /// takes long. Without it the library is replayed, as long as that takes: once it was loaded.
    ///
    /// # Errors
    /// What it failed with, in words.
    pub fn load_library(
        &self,
        chunk: &Function,
        hold_long: Option<&mut dyn FnMut()>,
    ) -> Result<Vec<Registered>, Vec<u8>> {
        self.shared.registered.lock().clear();
        let time_max = hold_long.is_some().then_some(LOADING_MAX);
        *self.shared.loading.lock() = Some(Loading { since: Instant::now(), time_max });
        let load = || self.load_library.call::<bool>(chunk);
        let loaded = match hold_long {
            Some(hold_long) => HOLD_LONG.set(hold_long, load),
            None => load(),
        };
        *self.shared.loading.lock() = None;
        let registered = std::mem::take(&mut *self.shared.registered.lock());
        match loaded {
            Ok(true) => Ok(registered),
            Ok(false) => {
                let failure = self.shared.failure.lock().take();
                Err(failure.map_or_else(|| b"ERR not enough memory".to_vec(), |it| it.text))
            }
            Err(error) => Err(format!("ERR {error}").into_bytes()),
        }
    }

    fn call(
        &self,
        run: &Function,
        function: &Function,
        (keys, args): (&[&[u8]], &[&[u8]]),
        reply: &mut Reply<'_>,
    ) -> Result<Option<Value>, Failure> {
        self.shared.set_resp3(false);
        let (mark, mut is_written) = (reply.mark(), false);
        let write = |value: &mut Reader| {
            // With RESP3 a truth value is one.
            is_written = !self.shared.is_resp3() && write_small(value, reply, mark);
            is_written
        };
        let limited = self.lua.set_memory_limit(self.shared.limit.bytes());
        let called = limited
            .and_then(|_| stack::run(&self.lua, (run, function), keys, args, &FIELD_NAMES, write));
        // Whatever became of it, Rust makes its values without the limit.
        let reset = self.lua.set_memory_limit(0);
        let failed = |text: &str| Failure {
            text: format!("ERR {text}").into_bytes(),
            place: None,
            of_command: false,
        };
        match called {
            Ok((true, value)) => match reset {
                Ok(_) => Ok((!is_written).then_some(value)),
                Err(error) => Err(failed(&error.to_string())),
            },
            Ok((false, value)) => {
                let told = self.shared.failure.lock().take();
                Err(told.unwrap_or_else(|| {
                    // Out of memory: the function that tells failures is not called then.
                    let text = value.to_string().unwrap_or_default();
                    self.collect();
                    failed(&text)
                }))
            }
            Err(error) => {
                self.collect();
                Err(failed(&error.to_string()))
            }
        }
    }

    /// Frees what scripts have left behind.
    fn collect(&self) {
        if let Err(error) = self.lua.gc_collect() {
            tracing::warn!(%error, "a script's memory could not be collected");
        }
    }

    /// Bytes that the state takes.
    pub fn used_bytes(&self) -> usize {
        self.lua.used_memory()
    }
}

/// Looks every now and then whether the script that runs is to end.
fn watch(lua: &Lua, shared: &Arc<Shared>) -> mlua::Result<()> {
    let shared = Arc::clone(shared);
    let triggers = HookTriggers::new().every_nth_instruction(TICK_INSTRUCTIONS);
    lua.set_global_hook(triggers, move |_, _| {
        shared.look()?;
        Ok(VmState::Continue)
    })
}

/// The functions that `sandbox.lua` needs.
fn natives(lua: &Lua, shared: &Arc<Shared>, sort: Sort) -> mlua::Result<Table> {
    let natives = lua.create_table()?;
    let own = Arc::clone(shared);
    let random = lua.create_function(move |lua, args: MultiValue| own.random.random(lua, &args))?;
    natives.raw_set("random", random)?;
    let own = Arc::clone(shared);
    let seed =
        lua.create_function(move |lua, args: MultiValue| own.random.randomseed(lua, &args))?;
    natives.raw_set("randomseed", seed)?;
    let own = Arc::clone(shared);
    let failed = lua.create_function(move |lua, error: Value| {
        let failure = failure(lua, &error);
        *own.failure.lock() = Some(failure);
        Ok(())
    })?;
    natives.raw_set("failed", failed)?;
    if sort == Sort::Script {
        natives.raw_set("placed", lua.create_function(placed)?)?;
    }
    let own = Arc::clone(shared);
    natives.raw_set("check", lua.create_function(move |_, _: MultiValue| own.check())?)?;
    for (name, as_table) in [("caught", false), ("shown", true)] {
        let own = Arc::clone(shared);
        let caught = move |lua: &Lua, error: Value| {
            own.check()?;
            show(lua, error, as_table)
        };
        natives.raw_set(name, lua.create_function(caught)?)?;
    }
    Ok(natives)
}

impl Shared {
    /// Looks whether what runs has become long, and whether somebody ends it.
    ///
    /// # Errors
    /// It is to end.
    pub fn look(&self) -> mlua::Result<()> {
        let loading = *self.loading.lock();
        if let Some(Loading { since, time_max }) = loading {
            if time_max.is_some_and(|time_max| since.elapsed() > time_max) {
                return Err(Raised::reply("ERR FUNCTION LOAD timeout"));
            }
            if HOLD_LONG.is_set() && self.running.tick(Default::default) == Tick::BecameLong {
                HOLD_LONG.with(|hold_long| hold_long());
            }
            return Ok(());
        }
        match self.running.tick(|| HOST.with(|host| host.describe())) {
            Tick::Continue => Ok(()),
            Tick::BecameLong => {
                HOST.with(|host| host.hold_long());
                Ok(())
            }
            Tick::Kill(why) => Err(Raised::Killed(why).into()),
        }
    }

    /// The value that has been written.
    ///
    /// # Errors
    /// It takes more memory than a script may have, or the script is to end.
    pub fn made(&self, lua: &Lua, values: &Values<'_>) -> mlua::Result<Value> {
        let ended = Cell::new(Ok(()));
        let goes_on = || {
            let looked = self.look();
            let goes_on = looked.is_ok();
            ended.set(looked);
            goes_on
        };
        let value = stack::value(lua, values, &goes_on)?;
        ended.into_inner().map(|()| value)
    }

    /// Goes on unwinding while the script is being ended.
    fn check(&self) -> mlua::Result<()> {
        if self.running.is_killed() {
            return Err(Raised::Killed("Script killed by user with SCRIPT KILL...").into());
        }
        Ok(())
    }
}

/// An error as scripts know it.
fn show(lua: &Lua, error: Value, as_table: bool) -> mlua::Result<Value> {
    let Value::Error(raised) = &error else { return Ok(error) };
    let text = match Raised::of(raised) {
        Some(killed @ Raised::Killed(_)) => return Err(killed.clone().into()),
        Some(Raised::Reply { text, of_command }) if as_table => {
            let table = lua.create_table_with_capacity(0, 2)?;
            table.raw_set("err", lua.create_string(text)?)?;
            if *of_command {
                table.raw_set("ignore_error_stats_update", true)?;
            }
            return Ok(Value::Table(table));
        }
        Some(Raised::Reply { text, .. } | Raised::Text(text)) => lua.create_string(text)?,
        None => lua.create_string(raised.to_string())?,
    };
    Ok(Value::String(text))
}

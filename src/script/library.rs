//! Libraries of functions: FUNCTION and FCALL. They run in a state of their own, and what one call
//! leaves in a library's local variables the next one finds.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mlua::Function;
use parking_lot::Mutex;
use smallvec::SmallVec;

use super::cache::{Call, Outcome, finish};
use super::host::{HOST, Host};
use super::register::Registered;
use super::running::{Running, Sort};
use super::shebang::{Flags, Shebang};
use super::state::State;

/// What a library takes beside its text, and a function, about.
const OVERHEAD_BYTES: usize = 192;

/// A function, as FUNCTION LIST tells of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FunctionFacts {
    pub name: Vec<u8>,
    pub description: Option<Vec<u8>>,
    pub flags: Flags,
}

/// A library.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Library {
    pub name: Vec<u8>,
    pub code: Arc<[u8]>,
    /// In the order of their names.
    pub functions: Vec<FunctionFacts>,
}

/// What becomes of libraries that are there when others are restored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Policy {
    Flush,
    Append,
    Replace,
}

#[derive(Clone)]
struct Loaded {
    facts: Library,
    callbacks: Vec<(Vec<u8>, Function)>,
}

impl Loaded {
    fn bytes(&self) -> usize {
        self.facts.code.len() + OVERHEAD_BYTES * (1 + self.callbacks.len())
    }
}

#[derive(Clone, Default)]
struct Inner {
    state: Option<Arc<State>>,
    libraries: BTreeMap<Vec<u8>, Loaded>,
    /// By name in small letters, since callers may write it as they like.
    functions: HashMap<SmallName, Callable, foldhash::fast::RandomState>,
    /// Bytes of the libraries' texts, and what keeps them.
    code_bytes: usize,
}

type SmallName = SmallVec<[u8; 32]>;

#[derive(Clone)]
struct Callable {
    name: Vec<u8>,
    function: Function,
    flags: Flags,
}

fn small(name: &[u8]) -> SmallName {
    name.iter().map(u8::to_ascii_lowercase).collect()
}

/// All libraries.
#[derive(Default)]
pub struct Libraries {
    running: Arc<Running>,
    inner: Mutex<Inner>,
    libraries: AtomicUsize,
    functions: AtomicUsize,
    code_bytes: AtomicUsize,
    state_bytes: AtomicUsize,
}

impl Libraries {
    pub fn new(running: Arc<Running>) -> Libraries {
        Libraries { running, ..Libraries::default() }
    }

    pub fn count(&self) -> usize {
        self.libraries.load(Ordering::Relaxed)
    }

    pub fn functions_count(&self) -> usize {
        self.functions.load(Ordering::Relaxed)
    }

    /// Bytes of the libraries' texts, and what keeps them.
    pub fn code_bytes(&self) -> usize {
        self.code_bytes.load(Ordering::Relaxed)
    }

    /// Bytes of the interpreter's state.
    pub fn state_bytes(&self) -> usize {
        self.state_bytes.load(Ordering::Relaxed)
    }

    /// Loads a library; its name. `hold_long` is called if that takes long; it has a limit then.
    /// Without it the library is replayed.
    ///
    /// # Errors
    /// It cannot be loaded, and nothing has changed; the error's text.
    pub fn load(
        &self,
        code: &[u8],
        replace: bool,
        hold_long: Option<&mut dyn FnMut()>,
    ) -> Result<Vec<u8>, Vec<u8>> {
        let mut inner = self.inner.lock();
        let name = inner.load(&self.running, code, replace, hold_long)?;
        self.note(&inner);
        Ok(name)
    }

    /// Removes a library; whether there was one.
    pub fn delete(&self, name: &[u8]) -> bool {
        let mut inner = self.inner.lock();
        let removed = inner.remove(name).is_some();
        self.note(&inner);
        removed
    }

    /// Removes all libraries, and what they have left in the interpreter.
    pub fn flush(&self) {
        let before = std::mem::take(&mut *self.inner.lock());
        self.note(&Inner::default());
        drop(before);
    }

    /// All libraries, by name.
    pub fn list(&self) -> Vec<Library> {
        self.inner.lock().libraries.values().map(|library| library.facts.clone()).collect()
    }

    /// Loads libraries beside those that are there, or instead of them: all, or none. `hold_long` is
    /// as of [`Libraries::load`].
    ///
    /// # Errors
    /// One cannot be loaded, and nothing has changed; the error's text.
    pub fn restore(
        &self,
        codes: &[Vec<u8>],
        policy: Policy,
        mut hold_long: Option<&mut dyn FnMut()>,
    ) -> Result<(), Vec<u8>> {
        let mut inner = self.inner.lock();
        // What stays keeps what calls have left in it: it is not loaded anew.
        let mut after = match policy {
            Policy::Flush => Inner::default(),
            Policy::Append | Policy::Replace => inner.clone(),
        };
        for code in codes {
            let replace = policy == Policy::Replace;
            let (name, _) = library_name(code)?;
            if !replace && after.libraries.contains_key(&name) {
                return Err([b"ERR Library ", &*name, b" already exists"].concat());
            }
            let hold_long =
                hold_long.as_mut().map(|hold_long| &mut **hold_long as &mut dyn FnMut());
            after.load(&self.running, code, replace, hold_long)?;
        }
        *inner = after;
        self.note(&inner);
        Ok(())
    }

    /// Calls a function.
    pub fn call(
        &self,
        name: &[u8],
        call: &Call<'_>,
        host: &mut dyn Host,
        reply: &mut crate::resp::Reply<'_>,
    ) -> Outcome {
        let inner = self.inner.lock();
        let (Some(callable), Some(state)) = (inner.functions.get(&small(name)), &inner.state)
        else {
            return Outcome::Unknown;
        };
        let Callable { name, function, flags } = callable;
        if let Err(text) = host.admit(Some(*flags)) {
            return Outcome::refused(text);
        }
        state.shared.limit.set(call.memory_bytes_max);
        self.running.begin(Sort::Function, call.busy_after_ms);
        let outcome = HOST.set(host, || {
            let result = state.run_function(function, (call.keys, call.args), reply);
            finish(state, result, reply, || String::from_utf8_lossy(name).into_owned())
        });
        self.state_bytes.store(state.used_bytes(), Ordering::Relaxed);
        outcome
    }

    /// What a function states of itself; none if there is no such function, or if one runs now.
    pub fn flags_of(&self, name: &[u8]) -> Option<Flags> {
        Some(self.inner.try_lock()?.functions.get(&small(name))?.flags)
    }

    pub fn contains(&self, name: &[u8]) -> bool {
        self.inner.lock().functions.contains_key(&small(name))
    }

    fn note(&self, inner: &Inner) {
        self.libraries.store(inner.libraries.len(), Ordering::Relaxed);
        self.functions.store(inner.functions.len(), Ordering::Relaxed);
        self.code_bytes.store(inner.code_bytes, Ordering::Relaxed);
        let state_bytes = inner.state.as_ref().map_or(0, |state| state.used_bytes());
        self.state_bytes.store(state_bytes, Ordering::Relaxed);
    }
}

impl Inner {
    fn remove(&mut self, name: &[u8]) -> Option<Loaded> {
        let library = self.libraries.remove(name)?;
        self.code_bytes -= library.bytes();
        for (function, _) in &library.callbacks {
            self.functions.remove(&small(function));
        }
        Some(library)
    }

    fn load(
        &mut self,
        running: &Arc<Running>,
        code: &[u8],
        replace: bool,
        hold_long: Option<&mut dyn FnMut()>,
    ) -> Result<Vec<u8>, Vec<u8>> {
        let (name, len) = library_name(code)?;
        if !replace && self.libraries.contains_key(&name) {
            return Err([b"ERR Library '", &*name, b"' already exists"].concat());
        }
        let state = match &mut self.state {
            Some(state) => state,
            none => none.insert(Arc::new(
                State::for_functions(Arc::clone(running))
                    .map_err(|error| format!("ERR {error}").into_bytes())?,
            )),
        };
        let chunk = state
            .compile(&code[len..], "@user_function")
            .map_err(|message| [b"ERR Error compiling function: ", &*message].concat())?;
        let mut registered = state
            .load_library(&chunk, hold_long)
            .map_err(|why| [b"ERR Error registering functions: ", &*why].concat())?;
        if registered.is_empty() {
            return Err(b"ERR No functions registered".into());
        }
        let of_others = |function: &&Registered| {
            let is_it =
                |(name, _): &(Vec<u8>, Function)| name.eq_ignore_ascii_case(&function.facts.name);
            let is_own = |library: &Loaded| library.callbacks.iter().any(is_it);
            self.functions.contains_key(&small(&function.facts.name))
                && !self.libraries.get(&name).is_some_and(is_own)
        };
        if let Some(function) = registered.iter().find(of_others) {
            return Err([b"ERR Function ", &*function.facts.name, b" already exists"].concat());
        }
        self.remove(&name);
        registered.sort_by(|a, b| a.facts.name.cmp(&b.facts.name));
        let mut functions = Vec::new();
        let mut callbacks = Vec::new();
        for Registered { facts, callback } in registered {
            let name = facts.name.clone();
            let callable = Callable { name, function: callback.clone(), flags: facts.flags };
            self.functions.insert(small(&facts.name), callable);
            callbacks.push((facts.name.clone(), callback));
            functions.push(facts);
        }
        let facts = Library { name: name.clone(), code: code.into(), functions };
        let loaded = Loaded { facts, callbacks };
        self.code_bytes += loaded.bytes();
        self.libraries.insert(name.clone(), loaded);
        Ok(name)
    }
}

/// Whether a library or a function may be called so.
pub(super) fn is_name(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

pub(super) const BAD_NAME: &str = "ERR Library names can only contain letters, numbers, or \
                                   underscores(_) and must be at least one character long";

fn value_of_name(option: &[u8]) -> Option<&[u8]> {
    let (key, value) = option.split_at_checked(b"name=".len())?;
    key.eq_ignore_ascii_case(b"name=").then_some(value)
}

/// The name of a library by its first line, and how long that is.
fn library_name(code: &[u8]) -> Result<(Vec<u8>, usize), Vec<u8>> {
    let shebang = match Shebang::of(code) {
        None => return Err(b"ERR Missing library metadata".into()),
        Some(shebang) => shebang.map_err(|_| b"ERR Invalid library metadata".to_vec())?,
    };
    let mut name: Option<&[u8]> = None;
    for option in &shebang.options {
        match value_of_name(option) {
            Some(_) if name.is_some() => {
                let text = "ERR Invalid metadata value, name argument was given multiple times";
                return Err(text.into());
            }
            Some(given) => name = Some(given),
            None => return Err([b"ERR Invalid metadata value given: ", &**option].concat()),
        }
    }
    let name = name.ok_or_else(|| b"ERR Library name was not given".to_vec())?;
    if !is_name(name) {
        return Err(BAD_NAME.into());
    }
    if !shebang.engine.eq_ignore_ascii_case(b"lua") {
        return Err([b"ERR Engine '", &*shebang.engine, b"' not found"].concat());
    }
    Ok((name.to_vec(), shebang.len))
}

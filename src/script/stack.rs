//! Arguments and answers on Lua's own stack: the one place that goes past the safe interface of the
//! interpreter.
//!
//! Through that interface each value becomes a handle that is registered with the interpreter and let go
//! again. For a job of BullMQ's, which calls 8 commands with 45 arguments, that took more instructions
//! than all of its commands: 75,000 of 185,000 (callgrind). What happens here takes 14,000.
//!
//! What keeps it sound:
//! - Lua raises errors by jumping to whoever catches them, past the frames in between, which must
//!   therefore own nothing. The only calls that may raise stand in functions whose locals are numbers and
//!   pointers ([`enter`], [`push_value`], [`push_strings`], the closures of `exec_raw`), and whose callers up to Lua's
//!   own frames are the same. [`words_of`] and what it calls only read the stack, which allocates nothing.
//! - Rust's panics must not unwind through Lua's frames: [`answer`] is an `extern "C"` function, which ends the
//!   process instead.
//! - A string of Lua's lies still as long as it is on the stack, and the arguments stay there until
//!   the function returns. No Lua runs while a command does, or while its answer is pushed.
//!
//! Miri cannot run C, so no tool proves it: what is unsafe stays in this file, which is to stay small.

use std::cell::Cell;
use std::ffi::{CStr, c_int};
use std::marker::PhantomData;
use std::ops::Range;
use std::slice;

use mlua::ffi::{self, lua_State};
use mlua::{Function, Lua, Value};
use smallvec::SmallVec;

use super::number;

/// What a command called by a script comes to.
pub(super) enum Answer<'r> {
    Number(f64),
    False,
    Text(&'r [u8]),
    /// The one value that has been written to the [`Values`].
    Value,
    /// Whatever the function returns or raises that was given to [`function`], for the same arguments;
    /// it finds the reply by [`take_reply`].
    Other,
}

/// Values on their way to Lua. A table is told by how much is in it, and followed by that.
#[derive(Default)]
pub(super) struct Values<'a> {
    items: Vec<Item>,
    texts: PhantomData<&'a [u8]>,
}

#[derive(Clone, Copy)]
enum Item {
    Nil,
    Boolean(bool),
    Number(f64),
    /// Bytes that live as long as the `'a` of [`Values`].
    Text(*const u8, usize),
    Array(usize),
    /// Of so many pairs.
    Map(usize),
}

impl<'a> Values<'a> {
    pub fn nil(&mut self) {
        self.items.push(Item::Nil);
    }

    pub fn boolean(&mut self, value: bool) {
        self.items.push(Item::Boolean(value));
    }

    pub fn number(&mut self, value: f64) {
        self.items.push(Item::Number(value));
    }

    pub fn text(&mut self, text: &'a [u8]) {
        self.items.push(Item::Text(text.as_ptr(), text.len()));
    }

    /// A table of the `len` values that follow.
    pub fn array(&mut self, len: usize) {
        self.items.push(Item::Array(len));
    }

    /// A table of the `len` pairs that follow, each a key and a value.
    pub fn map(&mut self, len: usize) {
        self.items.push(Item::Map(len));
    }

    pub fn clear(&mut self) {
        self.items.clear();
    }

    /// What has been written takes so much memory, about.
    pub fn bytes(&self) -> usize {
        self.items.len() * size_of::<Item>()
    }
}

/// Why arguments make no command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Unfit {
    None,
    /// One is neither a string nor a number.
    NotText,
}

/// The arguments of a call.
pub(super) type Words<'w, 'r> = Result<&'w [&'r [u8]], Unfit>;

/// What is done when a script calls a function of ours with strings and numbers.
pub(super) trait Called: 'static {
    /// Whether numbers are taken as text as well.
    const TAKES_NUMBERS: bool;

    /// Does it. `out` and `values` are empty, for what the answer is made of.
    fn call<'r>(words: Words<'_, 'r>, out: &'r mut Vec<u8>, values: &mut Values<'r>) -> Answer<'r>;
}

/// An answer without owner. What it points to lies in [`BUFFERS`] or is an argument.
#[derive(Clone, Copy)]
#[repr(C)]
enum Plain {
    Number(f64),
    False,
    Text(*const u8, usize),
    Value(*const Item, usize),
    Other,
}

#[derive(Default)]
struct Buffers {
    reply: Vec<u8>,
    /// Numbers among the arguments, as text.
    digits: Vec<u8>,
    /// What was written is of one call only.
    items: Vec<Item>,
}

thread_local! {
    static BUFFERS: Cell<Buffers> = const {
        Cell::new(Buffers { reply: Vec::new(), digits: Vec::new(), items: Vec::new() })
    };
}

/// A buffer larger than this is not kept from one command to the next.
const BUFFER_BYTES_MAX: usize = 64 * 1024;

/// An empty one that is kept.
fn emptied<T>(mut buffer: Vec<T>) -> Vec<T> {
    buffer.clear();
    buffer.shrink_to(BUFFER_BYTES_MAX / size_of::<T>());
    buffer
}

/// The reply of the call that was answered with [`Answer::Other`].
pub(super) fn take_reply() -> Vec<u8> {
    BUFFERS.with(|buffers| {
        let mut kept = buffers.take();
        let reply = std::mem::take(&mut kept.reply);
        buffers.set(kept);
        reply
    })
}

/// A function of Lua that does what `C` says, and `other` where that gives no plain answer.
///
/// # Errors
/// The interpreter's own.
pub(super) fn function<C: Called>(lua: &Lua, other: Function) -> mlua::Result<Function> {
    // SAFETY: the stack holds `other`, which the closure takes as its upvalue. Creating it may raise:
    // what runs here runs protected and owns nothing.
    unsafe { lua.exec_raw(other, |state| ffi::lua_pushcclosure(state, enter::<C>, 1)) }
}

/// What Lua calls. Owns nothing, since what it calls may raise.
unsafe extern "C-unwind" fn enter<C: Called>(state: *mut lua_State) -> c_int {
    // SAFETY: `state` is the one that runs, with room for 20 values. What an answer points to is in
    // BUFFERS, which nobody touches before the next call, or an argument that is still on the stack.
    unsafe {
        match answer::<C>(state) {
            Plain::Number(number) => ffi::lua_pushnumber(state, number),
            Plain::False => ffi::lua_pushboolean(state, 0),
            Plain::Text(at, len) => push_text(state, at, len),
            Plain::Value(items, len) => {
                let mut items = slice::from_raw_parts(items, len).iter();
                push_value(state, &mut items, &|| true);
            }
            Plain::Other => {
                let count = ffi::lua_gettop(state);
                ffi::lua_pushvalue(state, ffi::lua_upvalueindex(1));
                ffi::lua_insert(state, 1);
                ffi::lua_call(state, count, ffi::LUA_MULTRET);
                return ffi::lua_gettop(state);
            }
        }
    }
    1
}

/// Lua refuses tables of many more places at once; they grow then.
const PLACES_MAX: usize = 1 << 20;
const TOO_DEEP: &CStr = c"nested too deeply";
/// Values pushed between two looks whether to go on.
const STRIDE: usize = 64 * 1024;

/// Pushes the next value of `items`; whether it is whole, or `goes_on` has ended it.
///
/// # Safety
/// There is room for a value on the stack. The texts of the items can be read. No caller up to Lua
/// owns anything.
unsafe fn push_value(
    state: *mut lua_State,
    items: &mut slice::Iter<'_, Item>,
    goes_on: &dyn Fn() -> bool,
) -> bool {
    if items.len().is_multiple_of(STRIDE) && !goes_on() {
        return false;
    }
    // SAFETY: as above; there is room for a key and a value besides once it was made.
    unsafe {
        match items.next().copied() {
            None | Some(Item::Nil) => ffi::lua_pushnil(state),
            Some(Item::Boolean(value)) => ffi::lua_pushboolean(state, value.into()),
            Some(Item::Number(number)) => ffi::lua_pushnumber(state, number),
            Some(Item::Text(at, len)) => push_text(state, at, len),
            Some(Item::Array(len)) => {
                ffi::luaL_checkstack(state, 3, TOO_DEEP.as_ptr());
                ffi::lua_createtable(state, len.min(PLACES_MAX) as c_int, 0);
                for at in 1..=len {
                    if !push_value(state, items, goes_on) {
                        return false;
                    }
                    ffi::lua_rawseti(state, -2, at as ffi::lua_Integer);
                }
            }
            Some(Item::Map(len)) => {
                ffi::luaL_checkstack(state, 3, TOO_DEEP.as_ptr());
                ffi::lua_createtable(state, 0, len.min(PLACES_MAX) as c_int);
                for _ in 0..len {
                    if !push_value(state, items, goes_on) || !push_value(state, items, goes_on) {
                        return false;
                    }
                    ffi::lua_rawset(state, -3);
                }
            }
        }
    }
    true
}

/// The one value that has been written to `values`; nil if `goes_on` says no.
///
/// # Errors
/// Lua's: there is no memory for it.
pub(super) fn value(
    lua: &Lua,
    values: &Values<'_>,
    goes_on: &dyn Fn() -> bool,
) -> mlua::Result<Value> {
    let items = values.items.as_slice();
    match items {
        [Item::Nil] => return Ok(Value::Nil),
        [Item::Boolean(value)] => return Ok(Value::Boolean(*value)),
        [Item::Number(number)] => return Ok(Value::Number(*number)),
        _ => {}
    }
    // SAFETY: the stack is empty with room for 20 values. What raises here is caught by `exec_raw`; the
    // closure owns nothing, and the texts live as long as `values` is borrowed.
    unsafe {
        lua.exec_raw((), |state| {
            if !push_value(state, &mut items.iter(), goes_on) {
                ffi::lua_settop(state, 0);
            }
        })
    }
}

/// # Safety
/// There is room for a value on the stack, and `len` bytes to read. No caller up to Lua owns anything.
#[inline]
unsafe fn push_text(state: *mut lua_State, at: *const u8, len: usize) {
    // SAFETY: as above.
    unsafe { ffi::lua_pushlstring(state, at.cast(), len) };
}

/// Reads the arguments and has the work done. Does nothing that may raise.
extern "C" fn answer<C: Called>(state: *mut lua_State) -> Plain {
    let Buffers { reply, digits, items } = BUFFERS.take();
    let (mut reply, mut digits, items) = (emptied(reply), emptied(digits), emptied(items));
    let mut values = Values { items, texts: PhantomData };
    // SAFETY: `enter` calls this with the state that runs, and returns to Lua only behind it.
    let words = unsafe { words_of(state, C::TAKES_NUMBERS, &mut digits) };
    let slices = words.as_ref().map(SmallVec::as_slice).map_err(|unfit| *unfit);
    let plain = match C::call(slices, &mut reply, &mut values) {
        Answer::Number(number) => Plain::Number(number),
        Answer::False => Plain::False,
        Answer::Text(text) => Plain::Text(text.as_ptr(), text.len()),
        Answer::Value => Plain::Value(values.items.as_ptr(), values.items.len()),
        Answer::Other => Plain::Other,
    };
    let Values { items, .. } = values;
    drop(words);
    BUFFERS.set(Buffers { reply, digits, items });
    plain
}

/// The arguments of the function that runs.
///
/// # Safety
/// `state` is the one that runs, and its function's arguments lie on the stack for as long as the words
/// are used.
unsafe fn words_of(
    state: *mut lua_State,
    takes_numbers: bool,
    digits: &mut Vec<u8>,
) -> Result<SmallVec<[&[u8]; 16]>, Unfit> {
    let mut words = SmallVec::new();
    let mut numbers: SmallVec<[(usize, Range<usize>); 8]> = SmallVec::new();
    // SAFETY: indexes up to the top are valid; of a string, `lua_tolstring` gives where it lies and
    // allocates nothing.
    unsafe {
        for at in 1..=ffi::lua_gettop(state) {
            match ffi::lua_type(state, at) {
                ffi::LUA_TSTRING => {
                    let mut len = 0;
                    let bytes = ffi::lua_tolstring(state, at, &mut len);
                    words.push(slice::from_raw_parts(bytes.cast::<u8>(), len));
                }
                ffi::LUA_TNUMBER if takes_numbers => {
                    let from = digits.len();
                    number::write(ffi::lua_tonumber(state, at), digits);
                    numbers.push((words.len(), from..digits.len()));
                    words.push(b"".as_slice());
                }
                _ => return Err(Unfit::NotText),
            }
        }
    }
    if words.is_empty() {
        return Err(Unfit::None);
    }
    let digits = digits.as_slice();
    for (at, range) in numbers {
        words[at] = &digits[range];
    }
    Ok(words)
}

/// Calls `run` with `function` and two tables of strings. What it returns.
///
/// # Errors
/// Lua's.
pub(super) fn run(
    lua: &Lua,
    run: &Function,
    function: &Function,
    keys: &[&[u8]],
    args: &[&[u8]],
) -> mlua::Result<(bool, Value)> {
    // SAFETY: the stack holds both functions and has room for 20 values more. What raises here is
    // caught by `exec_raw`; the closure owns nothing.
    unsafe {
        lua.exec_raw((run, function), |state| {
            push_strings(state, keys);
            push_strings(state, args);
            ffi::lua_call(state, 3, 2);
        })
    }
}

/// # Safety
/// There is room for two values on the stack. No caller up to Lua owns anything.
unsafe fn push_strings(state: *mut lua_State, strings: &[&[u8]]) {
    // SAFETY: as above; indexes are counted from 1.
    unsafe {
        ffi::lua_createtable(state, strings.len().min(PLACES_MAX) as c_int, 0);
        for (at, string) in (1..).zip(strings) {
            push_text(state, string.as_ptr(), string.len());
            ffi::lua_rawseti(state, -2, at);
        }
    }
}

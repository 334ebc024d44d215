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
//!   pointers ([`enter`], [`enter_writer`], [`push_value`], [`push_strings`], the closures of `exec_raw`), and whose
//!   callers up to Lua's own frames are the same. [`words_of`] and [`Reader`] only read, which allocates
//!   nothing: the room that they need on the stack is made before.
//! - Rust's panics must not unwind through Lua's frames: [`answer`], [`read_value`] and [`write_text`] are
//!   `extern "C"` functions, which end the process instead.
//! - A string of Lua's lies still as long as it is on the stack, or in a table that is: the collector runs only
//!   when something is allocated. The arguments stay there until the function returns. No Lua runs
//!   while a command does, while its answer is pushed, or while a value is read.
//!
//! Miri cannot run C, so no tool proves it: what is unsafe stays in this file, which is to stay small.

use std::cell::Cell;
use std::ffi::{CStr, c_int};
use std::marker::PhantomData;
use std::ops::Range;
use std::slice;
use std::sync::Arc;

use mlua::ffi::{self, lua_State};
use mlua::{Function, Lua, MultiValue, Value};
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

/// Where words are gathered.
type Words16<'r> = SmallVec<[&'r [u8]; 16]>;

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
            Plain::Other => return call_other(state),
        }
    }
    1
}

/// Calls the function that takes all that has no plain answer, with the same arguments.
///
/// # Safety
/// It is the first upvalue of the function that runs. No caller up to Lua owns anything.
unsafe fn call_other(state: *mut lua_State) -> c_int {
    // SAFETY: as above; there is room for it behind the arguments.
    unsafe {
        let count = ffi::lua_gettop(state);
        ffi::lua_pushvalue(state, ffi::lua_upvalueindex(1));
        ffi::lua_insert(state, 1);
        ffi::lua_call(state, count, ffi::LUA_MULTRET);
        ffi::lua_gettop(state)
    }
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
    // SAFETY: as above. Not by `lua_pushlstring`, which asks Lua for the string's place as well.
    unsafe { ffi::lua_pushlstring_(state, at.cast(), len) };
}

/// Reads the arguments and has the work done. Does nothing that may raise.
extern "C" fn answer<C: Called>(state: *mut lua_State) -> Plain {
    let Buffers { reply, digits, items } = BUFFERS.take();
    let (mut reply, mut digits, items) = (emptied(reply), emptied(digits), emptied(items));
    let mut values = Values { items, texts: PhantomData };
    let mut words = SmallVec::new();
    // SAFETY: `enter` calls this with the state that runs, and returns to Lua only behind it.
    let unfit = unsafe { words_of(state, C::TAKES_NUMBERS, &mut words, &mut digits) };
    let plain = match C::call(unfit.map_or(Ok(&words), Err), &mut reply, &mut values) {
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

/// Puts the arguments of the function that runs into `words`, which is empty; why they are no command.
///
/// # Safety
/// `state` is the one that runs, and its function's arguments lie on the stack for as long as the words
/// are used.
unsafe fn words_of<'w>(
    state: *mut lua_State,
    takes_numbers: bool,
    words: &mut Words16<'w>,
    digits: &'w mut Vec<u8>,
) -> Option<Unfit> {
    let mut numbers: SmallVec<[(usize, Range<usize>); 8]> = SmallVec::new();
    // SAFETY: indexes up to the top are valid.
    unsafe {
        for at in 1..=ffi::lua_gettop(state) {
            match ffi::lua_type(state, at) {
                ffi::LUA_TSTRING => words.push(text_at(state, at)),
                ffi::LUA_TNUMBER if takes_numbers => {
                    let from = digits.len();
                    number::write(ffi::lua_tonumber(state, at), digits);
                    numbers.push((words.len(), from..digits.len()));
                    words.push(b"");
                }
                _ => return Some(Unfit::NotText),
            }
        }
    }
    let digits = digits.as_slice();
    for (at, range) in numbers {
        words[at] = &digits[range];
    }
    words.is_empty().then_some(Unfit::None)
}

/// # Safety
/// There is a string at this place of the stack, and it is kept as long as its text is used.
#[inline]
unsafe fn text_at<'w>(state: *mut lua_State, at: c_int) -> &'w [u8] {
    let mut len = 0;
    // SAFETY: as above. A string gives where it lies, and nothing is allocated.
    unsafe {
        let bytes = ffi::lua_tolstring(state, at, &mut len);
        slice::from_raw_parts(bytes.cast::<u8>(), len)
    }
}

/// Calls `run` with `function` and two tables of strings. What it returns: whether it succeeded, and the
/// value. A value of success is first shown to `read`; if that says that it needs no other look, nil
/// comes in its place. `names` are what [`Reader::has_name`] looks for.
///
/// # Errors
/// Lua's.
pub(super) fn run<R: FnMut(&mut Reader) -> bool>(
    lua: &Lua,
    (run, function): (&Function, &Function),
    keys: &[&[u8]],
    args: &[&[u8]],
    names: &[&str],
    mut read: R,
) -> mlua::Result<(bool, Value)> {
    // SAFETY: the stack holds both functions and has room for 20 values more. What raises here is
    // caught by `exec_raw`; the closure owns nothing. The value to be read lies on top, behind the names.
    unsafe {
        lua.exec_raw((run, function), |state| {
            push_strings(state, keys);
            push_strings(state, args);
            ffi::lua_call(state, 3, 2);
            let (success, value) = (ffi::lua_gettop(state) - 1, ffi::lua_gettop(state));
            if ffi::lua_toboolean(state, success) == 0 {
                return;
            }
            if ffi::lua_type(state, value) == ffi::LUA_TTABLE {
                ffi::luaL_checkstack(
                    state,
                    names.len() as c_int + READER_PLACES,
                    TOO_DEEP.as_ptr(),
                );
                for name in names {
                    push_text(state, name.as_ptr(), name.len());
                }
                ffi::lua_pushvalue(state, value);
            }
            let is_done = read_value(state, value + 1, &mut read);
            ffi::lua_settop(state, value);
            if is_done {
                ffi::lua_settop(state, success);
                ffi::lua_pushnil(state);
            }
        })
    }
}

/// Has the value on top read; the names lie between `names_at` and it. Does nothing that may raise.
extern "C" fn read_value<R: FnMut(&mut Reader) -> bool>(
    state: *mut lua_State,
    names_at: c_int,
    read: &mut R,
) -> bool {
    // SAFETY: whoever calls this has made the room that a reader needs, and returns to Lua only behind it.
    let names = unsafe { names_at..ffi::lua_gettop(state) };
    read(&mut Reader { state, names, levels: LEVELS_MAX })
}

/// A value that is being read.
pub(super) enum Seen<'s> {
    Nil,
    Boolean(bool),
    Number(f64),
    Text(&'s [u8]),
    Table,
    /// The pointer to nothing, by which JSON's null is told.
    Null,
    Other,
}

/// Tables are read so many levels deep; what lies deeper takes the safe way.
const LEVELS_MAX: usize = 16;
/// What a level takes on the stack: a key, a value, and a word to look for.
const LEVEL_PLACES: c_int = 3;
/// What a reader takes on the stack.
const READER_PLACES: c_int = (LEVELS_MAX as c_int + 1) * LEVEL_PLACES;

/// Reads the value on top of the stack, and what is in it. Nothing that it does allocates or raises, or
/// changes a table: so what it shows lies still.
///
/// Each of its functions leaves the stack as it was found.
pub(super) struct Reader {
    /// The one that runs, with room for the levels that are left.
    state: *mut lua_State,
    /// Where the names lie.
    names: Range<c_int>,
    /// So many more tables may be gone into.
    levels: usize,
}

impl Reader {
    pub fn value(&self) -> Seen<'_> {
        // SAFETY: there is a value on top, and it stays there while this is borrowed.
        unsafe { seen(self.state, -1) }
    }

    /// Calls `read` for the pairs of the table on top, in Lua's order, until it says no: with the key, and
    /// with the value on top. Whether it went through all of them; not if the table lies too deep.
    pub fn pairs(&mut self, mut read: impl FnMut(&mut Reader, &Seen<'_>) -> bool) -> bool {
        self.go_in(|reader, state| {
            // SAFETY: the table has room for a key and a value behind it. `lua_next` raises for keys only
            // that are not in the table; it gets the one that it gave, and nothing changes the table.
            unsafe {
                ffi::lua_pushnil(state);
                while ffi::lua_next(state, -2) != 0 {
                    let key = seen(state, -2);
                    if !read(reader, &key) {
                        return false;
                    }
                    ffi::lua_settop(state, -2);
                }
            }
            true
        })
    }

    /// Calls `read` with the value at `at` of the table on top. What that says; no, if the table lies too
    /// deep.
    pub fn at(&mut self, at: usize, read: impl FnOnce(&mut Reader) -> bool) -> bool {
        let Ok(at) = c_int::try_from(at) else { return false };
        self.go_in(|reader, state| {
            // SAFETY: the table has room for a value behind it.
            unsafe { ffi::lua_rawgeti_(state, -1, at) };
            read(reader)
        })
    }

    /// A number of values at 1 and on of the table on top, behind which there is none; of tables with
    /// gaps there are several.
    pub fn len(&self) -> usize {
        // SAFETY: there is a value on top. Of a table it counts the values, of all else it reads a number.
        unsafe {
            match ffi::lua_type(self.state, -1) {
                ffi::LUA_TTABLE => ffi::lua_objlen(self.state, -1),
                _ => 0,
            }
        }
    }

    /// Whether the table on top has one of the names as a key.
    pub fn has_name(&mut self) -> bool {
        let names = self.names.clone();
        self.go_in(|_, state| {
            names.into_iter().any(|name| {
                // SAFETY: the names are there, and the table has room for one behind it.
                unsafe {
                    ffi::lua_pushvalue(state, name);
                    ffi::lua_rawget_(state, -2);
                    let is_there = ffi::lua_type(state, -1) != ffi::LUA_TNIL;
                    ffi::lua_settop(state, -2);
                    is_there
                }
            })
        })
    }

    pub fn has_metatable(&self) -> bool {
        // SAFETY: there is room for the metatable.
        unsafe {
            let has_one = ffi::lua_getmetatable(self.state, -1) != 0;
            if has_one {
                ffi::lua_settop(self.state, -2);
            }
            has_one
        }
    }

    /// Does something with the table on top, one level deeper; no, if it is no table or lies too deep.
    fn go_in(&mut self, work: impl FnOnce(&mut Reader, *mut lua_State) -> bool) -> bool {
        let state = self.state;
        // SAFETY: there is a value on top; what `work` leaves above it is taken away.
        unsafe {
            if self.levels == 0 || ffi::lua_type(state, -1) != ffi::LUA_TTABLE {
                return false;
            }
            let top = ffi::lua_gettop(state);
            self.levels -= 1;
            let result = work(self, state);
            self.levels += 1;
            ffi::lua_settop(state, top);
            result
        }
    }
}

/// # Safety
/// There is a value at this place of the stack, and it is kept as long as what is shown of it is used.
unsafe fn seen<'s>(state: *mut lua_State, at: c_int) -> Seen<'s> {
    // SAFETY: as above; what each kind is asked for it gives without making anything.
    unsafe {
        match ffi::lua_type(state, at) {
            ffi::LUA_TNIL => Seen::Nil,
            ffi::LUA_TBOOLEAN => Seen::Boolean(ffi::lua_toboolean(state, at) != 0),
            ffi::LUA_TNUMBER => Seen::Number(ffi::lua_tonumber(state, at)),
            ffi::LUA_TSTRING => Seen::Text(text_at(state, at)),
            ffi::LUA_TTABLE => Seen::Table,
            ffi::LUA_TLIGHTUSERDATA if ffi::lua_touserdata(state, at).is_null() => Seen::Null,
            _ => Seen::Other,
        }
    }
}

/// What makes a text of one value.
pub(super) trait Writes: Send + Sync + 'static {
    /// Writes the text of the value on top to `out`, which is empty; whether it could.
    fn write(&self, value: &mut Reader, out: &mut Vec<u8>) -> bool;

    /// What is done where it could not: any number of arguments.
    ///
    /// # Errors
    /// What the script is told.
    fn write_any(&self, lua: &Lua, args: &MultiValue) -> mlua::Result<Value>;
}

/// A function of Lua that makes a text of its argument.
///
/// # Errors
/// The interpreter's own.
pub(super) fn writer<W: Writes>(lua: &Lua, writer: &Arc<W>) -> mlua::Result<Function> {
    let own = Arc::clone(writer);
    let other = lua.create_function(move |lua, args| own.write_any(lua, &args))?;
    let at = Arc::as_ptr(writer).cast_mut().cast();
    // SAFETY: as in [`function`]. What the pointer points to belongs to `other`, which goes with the closure.
    unsafe {
        lua.exec_raw(other, |state| {
            ffi::lua_pushlightuserdata(state, at);
            ffi::lua_pushcclosure(state, enter_writer::<W>, 2);
        })
    }
}

/// What Lua calls. Owns nothing, since what it calls may raise.
unsafe extern "C-unwind" fn enter_writer<W: Writes>(state: *mut lua_State) -> c_int {
    // SAFETY: as in [`enter`]; the closure's second upvalue is what [`writer`] put there.
    unsafe {
        if ffi::lua_gettop(state) == 1 {
            ffi::luaL_checkstack(state, READER_PLACES, TOO_DEEP.as_ptr());
            let writer = ffi::lua_touserdata(state, ffi::lua_upvalueindex(2));
            if let Plain::Text(at, len) = write_text::<W>(state, &*writer.cast::<W>()) {
                push_text(state, at, len);
                return 1;
            }
        }
        call_other(state)
    }
}

/// Writes the value on top. Does nothing that may raise.
extern "C" fn write_text<W: Writes>(state: *mut lua_State, writer: &W) -> Plain {
    let mut buffers = BUFFERS.take();
    buffers.reply = emptied(buffers.reply);
    let mut reader = Reader { state, names: 0..0, levels: LEVELS_MAX };
    let is_written = writer.write(&mut reader, &mut buffers.reply);
    let plain = Plain::Text(buffers.reply.as_ptr(), buffers.reply.len());
    BUFFERS.set(buffers);
    if is_written { plain } else { Plain::Other }
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

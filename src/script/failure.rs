//! Errors between Rust, Lua and the client.

use std::cell::Cell;
use std::fmt;

use mlua::{Lua, Table, Value};

/// What Rust functions raise in a script.
#[derive(Clone, Debug)]
pub(super) enum Raised {
    /// A text with the place it comes from, as Lua's own functions raise it.
    Text(Vec<u8>),
    /// An error reply, as `redis.call` raises it: a table with the field `err`. Whether it came from
    /// a command, which has counted it already.
    Reply { text: Vec<u8>, of_command: bool },
    /// Somebody ended the script.
    Killed(&'static str),
}

impl fmt::Display for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Raised::Text(text) | Raised::Reply { text, .. } => {
                f.write_str(&String::from_utf8_lossy(text))
            }
            Raised::Killed(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Raised {}

impl From<Raised> for mlua::Error {
    fn from(raised: Raised) -> mlua::Error {
        mlua::Error::external(raised)
    }
}

impl Raised {
    /// An error reply that Redis words without telling the place.
    pub fn reply(text: impl Into<Vec<u8>>) -> mlua::Error {
        Raised::Reply { text: text.into(), of_command: false }.into()
    }

    /// What a Rust function raised, however Lua has wrapped it on its way.
    pub fn of(error: &mlua::Error) -> Option<&Raised> {
        match error {
            mlua::Error::CallbackError { cause, .. } | mlua::Error::WithContext { cause, .. } => {
                Raised::of(cause)
            }
            mlua::Error::ExternalError(error) => error.downcast_ref(),
            _ => None,
        }
    }
}

/// Where a script failed, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// With its code (`ERR …`).
    pub text: Vec<u8>,
    /// Chunk name (`@user_script`) and line.
    pub place: Option<(String, i64)>,
    /// A command failed, which has counted the error.
    pub of_command: bool,
}

/// The chunk of `sandbox.lua`: its frames are none of the script's.
pub(super) const SANDBOX: &str = "=sandbox";

/// The innermost frame of a script, from the function at `level` on: its source and line.
fn script_frame(lua: &Lua, level: usize) -> Option<(String, String, i64)> {
    for level in level.. {
        let frame = lua.inspect_stack(level, |frame| {
            let source = frame.source();
            if source.what == "C" || source.source.as_deref() == Some(SANDBOX) {
                return None;
            }
            let line = frame.current_line().map_or(-1, |line| line as i64);
            let text =
                |text: Option<std::borrow::Cow<'_, str>>| text.unwrap_or_default().to_string();
            Some((text(source.source), text(source.short_src), line))
        })?;
        if frame.is_some() {
            return frame;
        }
    }
    None
}

thread_local! {
    /// Frames between the function that raises and the one that the script has called.
    static FRAMES_BETWEEN: Cell<usize> = const { Cell::new(0) };
}

/// Does the work of a function that another one calls, for the script's call of that.
pub(super) fn one_frame_further<R>(work: impl FnOnce() -> R) -> R {
    FRAMES_BETWEEN.set(1);
    let result = work();
    FRAMES_BETWEEN.set(0);
    result
}

/// Raises `text` the way Lua's own functions do: behind the place where the function was called.
pub(super) fn raise(lua: &Lua, text: impl AsRef<[u8]>) -> mlua::Error {
    let mut placed = Vec::new();
    let frame = lua.inspect_stack(1 + FRAMES_BETWEEN.get(), |frame| {
        let source = frame.source();
        let short = source.short_src.unwrap_or_default().to_string();
        frame.current_line().map(|line| format!("{short}:{line}: "))
    });
    placed.extend_from_slice(frame.flatten().unwrap_or_default().as_bytes());
    placed.extend_from_slice(text.as_ref());
    Raised::Text(placed).into()
}

/// `bad argument #1 to 'name' (…)`.
pub(super) fn bad_argument(lua: &Lua, number: usize, name: &str, why: &str) -> mlua::Error {
    raise(lua, format!("bad argument #{number} to '{name}' ({why})"))
}

/// What Lua calls the type of a value.
pub(super) fn type_name(value: Option<&Value>) -> &'static str {
    match value {
        None => "no value",
        Some(Value::Integer(_) | Value::Number(_)) => "number",
        Some(Value::LightUserData(_) | Value::UserData(_) | Value::Error(_)) => "userdata",
        Some(value) => value.type_name(),
    }
}

/// What `tostring` makes of an error value.
fn text_of(value: &Value) -> Vec<u8> {
    match value {
        Value::String(text) => text.as_bytes().to_vec(),
        Value::Nil => b"nil".to_vec(),
        value => match value.to_string() {
            Ok(text) => text.into_bytes(),
            Err(_) => type_name(Some(value)).as_bytes().to_vec(),
        },
    }
}

/// An error as a table with the place where it was raised: what scripts of old find as
/// `__redis__err__handler`, to give to `xpcall`.
///
/// # Errors
/// The table cannot be written to.
pub(super) fn placed(lua: &Lua, error: Value) -> mlua::Result<Table> {
    let table = match error {
        Value::Table(table) => table,
        error => {
            let text = [b"ERR ", &*text_of(&error)].concat();
            lua.create_table_from([("err", lua.create_string(text)?)])?
        }
    };
    if let Some((source, _, line)) = script_frame(lua, 1) {
        table.set("source", source)?;
        table.set("line", line)?;
    }
    Ok(table)
}

/// What a script failed with, told by the function that Lua calls before it unwinds the stack.
pub(super) fn failure(lua: &Lua, error: &Value) -> Failure {
    let place = script_frame(lua, 1).map(|(source, _, line)| (source, line));
    let with_code = |text: &[u8]| [b"ERR ", text].concat();
    let (text, of_command) = match error {
        Value::Error(error) => match Raised::of(error) {
            Some(Raised::Reply { text, of_command }) => (text.clone(), *of_command),
            Some(Raised::Text(text)) => (with_code(text), false),
            Some(Raised::Killed(why)) => (with_code(why.as_bytes()), false),
            None => (with_code(error.to_string().as_bytes()), false),
        },
        Value::Table(table) => match table.get::<Value>("err") {
            Ok(Value::String(text)) => {
                let counted = table.raw_get::<Value>("ignore_error_stats_update");
                (text.as_bytes().to_vec(), matches!(counted, Ok(Value::Boolean(true))))
            }
            Ok(value @ (Value::Integer(_) | Value::Number(_))) => (text_of(&value), false),
            _ => (b"ERR unknown error".to_vec(), false),
        },
        other => (with_code(&text_of(other)), false),
    };
    Failure { text, place, of_command }
}

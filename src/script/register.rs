//! `redis.register_function`, and the rest of what a library has while it is loaded.

use std::sync::Arc;

use mlua::{Function, Lua, MultiValue, Table, Value};

use super::api;
use super::failure::Raised;
use super::library::{BAD_NAME, FunctionFacts, is_name};
use super::shebang::Flags;
use super::state::Shared;

/// A function that a library has registered.
#[derive(Clone)]
pub(super) struct Registered {
    pub facts: FunctionFacts,
    pub callback: Function,
}

/// Makes the `redis` that libraries have while they are loaded.
pub(super) fn library(lua: &Lua, shared: &Arc<Shared>) -> mlua::Result<Table> {
    let redis = lua.create_table()?;
    let own = Arc::clone(shared);
    let register = move |_: &Lua, args: MultiValue| own.register(&args);
    redis.raw_set("register_function", lua.create_function(register)?)?;
    api::while_loading(lua, &redis)?;
    Ok(redis)
}

impl Shared {
    fn register(&self, args: &MultiValue) -> mlua::Result<()> {
        let function = match (args.len(), args.front(), args.get(1)) {
            (1, Some(Value::Table(named)), _) => named_arguments(named)?,
            (1, ..) => {
                return Err(Raised::reply(
                    "ERR calling redis.register_function with a single argument is only \
                     applicable to Lua table (representing named arguments).",
                ));
            }
            (2, Some(name), Some(callback)) => positional(name, callback)?,
            _ => {
                return Err(Raised::reply(
                    "ERR wrong number of arguments to redis.register_function",
                ));
            }
        };
        if !is_name(&function.facts.name) {
            return Err(Raised::reply(BAD_NAME));
        }
        let mut registered = self.registered.lock();
        if registered.iter().any(|other| other.facts.name == function.facts.name) {
            return Err(Raised::reply("ERR Function already exists in the library"));
        }
        registered.push(function);
        Ok(())
    }
}

fn positional(name: &Value, callback: &Value) -> mlua::Result<Registered> {
    let Some(name) = text(name) else {
        return Err(Raised::reply(
            "ERR first argument to redis.register_function must be a string",
        ));
    };
    let Value::Function(callback) = callback else {
        return Err(Raised::reply(
            "ERR second argument to redis.register_function must be a function",
        ));
    };
    let facts = FunctionFacts { name, description: None, flags: Flags::default() };
    Ok(Registered { facts, callback: callback.clone() })
}

fn text(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::String(text) => Some(text.as_bytes().to_vec()),
        _ => None,
    }
}

fn named_arguments(named: &Table) -> mlua::Result<Registered> {
    let (mut name, mut description, mut callback) = (None, None, None);
    let mut flags = Flags::default();
    let must_be = |what: &str, kind: &str| {
        let text = format!("ERR {what} argument given to redis.register_function must be a {kind}");
        Raised::reply(text)
    };
    named.for_each(|key: Value, value: Value| {
        let Some(key) = text(&key) else {
            return Err(Raised::reply(
                "ERR named argument key given to redis.register_function is not a string",
            ));
        };
        match key.to_ascii_lowercase().as_slice() {
            b"function_name" => {
                name = Some(text(&value).ok_or_else(|| must_be("function_name", "string"))?);
            }
            b"description" => {
                description = Some(text(&value).ok_or_else(|| must_be("description", "string"))?);
            }
            b"callback" => match value {
                Value::Function(function) => callback = Some(function),
                _ => return Err(must_be("callback", "function")),
            },
            b"flags" => match value {
                Value::Table(table) => flags = read_flags(&table)?,
                _ => {
                    return Err(Raised::reply(
                        "ERR flags argument to redis.register_function must be a table \
                         representing function flags",
                    ));
                }
            },
            _ => {
                return Err(Raised::reply("ERR unknown argument given to redis.register_function"));
            }
        }
        Ok(())
    })?;
    let missing = |what: &str| {
        Raised::reply(format!("ERR redis.register_function must get a {what} argument"))
    };
    let name = name.ok_or_else(|| missing("function name"))?;
    let callback = callback.ok_or_else(|| missing("callback"))?;
    Ok(Registered { facts: FunctionFacts { name, description, flags }, callback })
}

fn read_flags(table: &Table) -> mlua::Result<Flags> {
    let mut flags = Flags::default();
    for at in 1_usize.. {
        let flag = match table.raw_get(at)? {
            Value::Nil => break,
            Value::String(name) => Flags::named(&name.as_bytes()),
            _ => None,
        };
        flags = flags.with(flag.ok_or_else(|| Raised::reply("ERR unknown flag given"))?);
    }
    Ok(flags)
}

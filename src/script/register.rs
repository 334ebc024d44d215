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
    let register = move |lua: &Lua, args: MultiValue| own.register(lua, &args);
    redis.raw_set("register_function", lua.create_function(register)?)?;
    api::while_loading(lua, &redis)?;
    Ok(redis)
}

impl Shared {
    fn register(&self, lua: &Lua, args: &MultiValue) -> mlua::Result<()> {
        let function = match (args.len(), args.front(), args.get(1)) {
            (1, Some(Value::Table(named)), _) => named_arguments(lua, named)?,
            (1, ..) => {
                return Err(Raised::reply(
                    "ERR calling redis.register_function with a single argument is only \
                     applicable to Lua table (representing named arguments).",
                ));
            }
            (2, Some(name), Some(callback)) => positional(lua, name, callback)?,
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

fn positional(lua: &Lua, name: &Value, callback: &Value) -> mlua::Result<Registered> {
    let Some(name) = text(lua, name)? else {
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

/// A text; numbers are texts where Lua wants one.
fn text(lua: &Lua, value: &Value) -> mlua::Result<Option<Vec<u8>>> {
    Ok(lua.coerce_string(value.clone())?.map(|text| text.as_bytes().to_vec()))
}

fn named_arguments(lua: &Lua, named: &Table) -> mlua::Result<Registered> {
    let (mut name, mut description, mut callback) = (None, None, None);
    let mut flags = Flags::default();
    let must_be = |what: &str, kind: &str| {
        let text = format!("ERR {what} argument given to redis.register_function must be a {kind}");
        Raised::reply(text)
    };
    named.for_each(|key: Value, value: Value| {
        let Some(key) = text(lua, &key)? else {
            return Err(Raised::reply(
                "ERR named argument key given to redis.register_function is not a string",
            ));
        };
        match key.to_ascii_lowercase().as_slice() {
            b"function_name" => {
                let text = text(lua, &value)?;
                name = Some(text.ok_or_else(|| must_be("function_name", "string"))?);
            }
            b"description" => {
                let text = text(lua, &value)?;
                description = Some(text.ok_or_else(|| must_be("description", "string"))?);
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
            Value::String(name) => Flags::named(&name.as_bytes().to_ascii_lowercase()),
            _ => None,
        };
        flags = flags.with(flag.ok_or_else(|| Raised::reply("ERR unknown flag given"))?);
    }
    Ok(flags)
}

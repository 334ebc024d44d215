//! ACL: users, what they may do, and what they were refused.

use super::args::{self, is};
use super::blocking::take_long;
use super::cx::Cx;
use super::error::{Error, Outcome};
use super::help::help;
use super::permission;
use super::table::{self, Command, Entry, keys};
use crate::acl::{self, Denied, Removed, Rights, Selector};
use crate::resp::Reply;

pub(super) static COMMANDS: &[Entry] = &[
    keys("acl|cat", cat),
    keys("acl|deluser", deluser),
    keys("acl|dryrun", dryrun),
    keys("acl|genpass", genpass),
    keys("acl|getuser", getuser),
    keys("acl|help", help),
    keys("acl|list", list),
    keys("acl|load", load),
    keys("acl|log", log),
    keys("acl|save", save),
    keys("acl|setuser", setuser),
    keys("acl|users", users),
    keys("acl|whoami", whoami),
];

const NO_FILE: Error = Error::fixed(
    "ERR This Redis instance is not configured to use an ACL file. You may want to specify users \
     via the ACL SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis \
     configuration file set) in order to store users in the Redis configuration.",
);

fn wrong_arguments(subcommand: &[u8]) -> Error {
    let head: &[u8] = b"ERR unknown subcommand or wrong number of arguments for '";
    Error::quoting(&[head, subcommand, b"'. Try ACL HELP."])
}

fn whoami(cx: &mut Cx<'_, '_>, _: &[&[u8]]) -> Outcome {
    match &cx.session.user {
        Some(user) => cx.reply.bulk(user.name()),
        None => cx.reply.null(),
    }
    Ok(())
}

fn users(cx: &mut Cx<'_, '_>, _: &[&[u8]]) -> Outcome {
    let users = cx.server.acl.all();
    cx.reply.array(users.len());
    users.iter().for_each(|user| cx.reply.bulk(user.name()));
    Ok(())
}

fn list(cx: &mut Cx<'_, '_>, _: &[&[u8]]) -> Outcome {
    let lines = cx.server.acl.lines();
    cx.reply.array(lines.len());
    lines.iter().for_each(|line| cx.reply.bulk(line));
    Ok(())
}

fn getuser(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    match cx.server.acl.get(args[2]) {
        Some(user) => write_rights(&mut cx.reply, &user.rights()),
        None => cx.reply.null(),
    }
    Ok(())
}

fn write_rights(reply: &mut Reply<'_>, rights: &Rights) {
    reply.map(6);
    reply.text("flags");
    reply.set(rights.flags().count());
    rights.flags().for_each(|flag| reply.text(flag));
    reply.text("passwords");
    reply.array(rights.passwords.len());
    rights.passwords.iter().for_each(|hash| reply.text(hash));
    let (first, others) = rights.selectors.split_first().expect("there is always one");
    write_selector(reply, first);
    reply.text("selectors");
    reply.array(others.len());
    for selector in others {
        reply.map(3);
        write_selector(reply, selector);
    }
}

fn write_selector(reply: &mut Reply<'_>, selector: &Selector) {
    reply.text("commands");
    reply.bulk(&selector.describe_commands());
    reply.text("keys");
    reply.bulk(&selector.describe_keys());
    reply.text("channels");
    reply.bulk(&selector.describe_channels());
}

fn setuser(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let name = args[2];
    if name.iter().any(|byte| byte.is_ascii_whitespace() || matches!(byte, 0 | 0x0b)) {
        return Err(Error::fixed("ERR Usernames can't contain spaces or null characters"));
    }
    let words = &args[3..];
    let rules = acl::join_selectors(words).map_err(|at| {
        let head: &[u8] = b"ERR Unmatched parenthesis in acl selector starting at '";
        Error::quoting(&[head, words[at], b"'."])
    })?;
    let changed = cx.server.acl.change(name, &rules).map_err(|(at, error)| {
        let head: &[u8] = b"ERR Error in ACL SETUSER modifier '";
        Error::quoting(&[head, &rules[at], b"': ", error.text().as_bytes()])
    })?;
    if let Some(changed) = changed {
        permission::close_subscribers(cx, &changed);
    }
    cx.reply.ok();
    Ok(())
}

fn deluser(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    match cx.server.acl.remove(&args[2..]) {
        Removed::Users(removed) => {
            permission::close_removed(cx, &removed);
            cx.reply.count(removed.len());
            Ok(())
        }
        Removed::RefusedDefault => Err(Error::fixed("ERR The 'default' user cannot be removed")),
    }
}

fn cat(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let catalog = cx.server.acl.catalog();
    match args[2..] {
        [] => {
            let names = catalog.categories();
            cx.reply.array(names.len());
            names.for_each(|name| cx.reply.text(name));
        }
        [name] => {
            let unknown = || {
                let shown = &name[..name.len().min(128)];
                Error::quoting(&[b"ERR Unknown category '", shown, b"'"])
            };
            let category = catalog.category(name).ok_or_else(unknown)?;
            let commands: Vec<usize> = catalog.in_category(category).collect();
            cx.reply.array(commands.len());
            commands.iter().for_each(|&command| cx.reply.text(catalog.get(command).name));
        }
        _ => return Err(wrong_arguments(args[1])),
    }
    Ok(())
}

fn genpass(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    const BITS: usize = 256;
    let bits = match args[2..] {
        [] => BITS,
        [bits] => {
            let bits = args::integer(bits)?;
            if !(1..=4096).contains(&bits) {
                return Err(Error::fixed(
                    "ERR ACL GENPASS argument must be the number of bits for the output password, \
                     a positive number up to 4096",
                ));
            }
            bits as usize
        }
        _ => return Err(wrong_arguments(args[1])),
    };
    let password = acl::generate(bits).map_err(|error| {
        tracing::warn!(%error, "the system gives no randomness for a password");
        Error::fixed("ERR the system gives no randomness")
    })?;
    cx.reply.text(&password);
    Ok(())
}

fn log(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    const COUNT: usize = 10;
    let count = match args[2..] {
        [] => COUNT,
        [reset] if is(reset, "RESET") => {
            cx.server.acl.denied.clear();
            cx.reply.ok();
            return Ok(());
        }
        [count] => usize::try_from(args::integer(count)?).unwrap_or(0),
        _ => return Err(wrong_arguments(args[1])),
    };
    let entries = cx.server.acl.denied.latest(count);
    let now_ms = cx.server.keyspace.clock().now_ms();
    cx.reply.array(entries.len());
    entries.iter().for_each(|entry| write_denied(&mut cx.reply, entry, now_ms));
    Ok(())
}

fn write_denied(reply: &mut Reply<'_>, denied: &Denied, now_ms: i64) {
    reply.map(10);
    reply.text("count");
    reply.int(denied.count as i64);
    reply.text("reason");
    reply.text(denied.reason.name());
    reply.text("context");
    reply.text(denied.context.name());
    reply.text("object");
    reply.bulk(&denied.object);
    reply.text("username");
    reply.bulk(&denied.user);
    reply.text("age-seconds");
    reply.double((now_ms - denied.updated_ms) as f64 / 1000.0);
    reply.text("client-info");
    reply.bulk(&denied.client);
    reply.text("entry-id");
    reply.int(denied.id as i64);
    reply.text("timestamp-created");
    reply.int(denied.created_ms);
    reply.text("timestamp-last-updated");
    reply.int(denied.updated_ms);
}

fn save(cx: &mut Cx<'_, '_>, _: &[&[u8]]) -> Outcome {
    let config = &cx.server.config;
    let file = config.aclfile.get();
    if file.is_empty() {
        return Err(NO_FILE);
    }
    let mut text = cx.server.acl.lines().join(&b'\n');
    text.push(b'\n');
    let path = config.resolve(&file);
    if let Err(error) = take_long(|| crate::config::replace_file(&path, &text)) {
        tracing::warn!(%error, path = %path.display(), "ACL SAVE failed");
        return Err(Error::fixed(
            "ERR There was an error trying to save the ACLs. Please check the server logs for \
             more information",
        ));
    }
    cx.reply.ok();
    Ok(())
}

fn load(cx: &mut Cx<'_, '_>, _: &[&[u8]]) -> Outcome {
    if cx.server.config.aclfile.get().is_empty() {
        return Err(NO_FILE);
    }
    let loaded = take_long(|| cx.server.load_users_file());
    let loaded = loaded.map_err(|why| Error::new(format!("ERR {why}")))?;
    permission::close_removed(cx, &loaded.removed);
    loaded.changed.iter().for_each(|changed| permission::close_subscribers(cx, changed));
    cx.reply.ok();
    Ok(())
}

fn dryrun(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let user = cx.server.acl.get(args[2]);
    let user = user.ok_or_else(|| Error::quoting(&[b"ERR User '", args[2], b"' not found"]))?;
    let request = &args[3..];
    let command = find(request)?;
    if !command.spec.arity_fits(request.len()) {
        return Err(Error::wrong_arity(command.spec.name));
    }
    let wanted = permission::demand(command, request);
    match user.rights().check(&wanted, cx.server.acl.catalog()) {
        Ok(()) => cx.reply.ok(),
        Err(denial) => {
            let text = permission::explain(&user, denial, command, request);
            cx.reply.bulk(&text);
        }
    }
    Ok(())
}

fn find(request: &[&[u8]]) -> Result<&'static Command, Error> {
    let found = table::lookup(request);
    let is_container = request.len() == 1 && table::spec_named(request[0]).is_some();
    found.map_err(|error| match is_container {
        true => error,
        false => Error::quoting(&[b"ERR Command '", request[0], b"' not found"]),
    })
}

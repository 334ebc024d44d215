//! What a connection says of itself: AUTH, HELLO, PING, ECHO, QUIT, RESET, SELECT.

use super::args;
use super::client::attributes;
use super::cx::Cx;
use super::error::{Error, Outcome};
use super::permission;
use super::session::ReplyMode;
use super::table::{Entry, Locks, keys};
use crate::acl::DEFAULT_USER;
use crate::resp::Proto;

/// The Redis release whose behaviour is met: clients decide by it what they may use.
pub const REDIS_VERSION: &str = "8.10.0";

pub(super) static COMMANDS: &[Entry] = &[
    keys("auth", auth),
    keys("echo", echo),
    keys("hello", hello),
    keys("ping", ping),
    keys("quit", quit),
    Entry { name: "reset", run: reset, locks: Locks::Watched },
    keys("select", select),
];

const WRONG_PASSWORD: Error =
    Error::fixed("WRONGPASS invalid username-password pair or user is disabled.");

fn auth(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    match args[1..] {
        [password] => {
            if cx.server.acl.default_needs_no_password() {
                return Err(Error::fixed(
                    "ERR AUTH <password> called without any password configured for the default \
                     user. Are you sure your configuration is correct?",
                ));
            }
            authenticate(cx, args, DEFAULT_USER, password)?;
        }
        [user, password] => authenticate(cx, args, user, password)?,
        _ => return Err(Error::SYNTAX),
    }
    cx.reply.ok();
    Ok(())
}

/// `args` are those of the command that logs in.
fn authenticate(
    cx: &mut Cx<'_, '_>,
    args: &[&[u8]],
    name: &[u8],
    password: &[u8],
) -> Result<(), Error> {
    match cx.server.acl.login(name, password) {
        Some(user) => {
            cx.session.log_in(user);
            Ok(())
        }
        None => {
            permission::note_failed_login(cx.server, cx.session, args[0], name);
            Err(WRONG_PASSWORD)
        }
    }
}

/// What HELLO is given.
struct Hello<'a> {
    proto: Option<Proto>,
    login: Option<(&'a [u8], &'a [u8])>,
    name: Option<&'a [u8]>,
}

impl<'a> Hello<'a> {
    fn parse(args: &[&'a [u8]]) -> Result<Hello<'a>, Error> {
        let mut hello = Hello { proto: None, login: None, name: None };
        let Some((version, mut options)) = args[1..].split_first() else { return Ok(hello) };
        let number = args::parse_i64(version)
            .ok_or(Error::fixed("ERR Protocol version is not an integer or out of range"))?;
        hello.proto = Some(match number {
            2 => Proto::Resp2,
            3 => Proto::Resp3,
            _ => return Err(Error::fixed("NOPROTO unsupported protocol version")),
        });
        loop {
            options = match *options {
                [] => return Ok(hello),
                [option, user, password, ref rest @ ..] if args::is(option, "AUTH") => {
                    hello.login = Some((user, password));
                    rest
                }
                [option, name, ref rest @ ..] if args::is(option, "SETNAME") => {
                    attributes::check_name(name)?;
                    hello.name = Some(name);
                    rest
                }
                [option, ..] => {
                    let head: &[u8] = b"ERR Syntax error in HELLO option '";
                    return Err(Error::quoting(&[head, option, b"'"]));
                }
            };
        }
    }
}

fn hello(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let Hello { proto, login, name } = Hello::parse(args)?;
    if let Some((user, password)) = login {
        authenticate(cx, args, user, password)?;
    }
    if cx.session.needs_login(cx.server) {
        return Err(Error::fixed(
            "NOAUTH HELLO must be called with the client already authenticated, otherwise the \
             HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and \
             select the RESP protocol version at the same time",
        ));
    }
    if let Some(name) = name {
        attributes::set_name(cx, name);
    }
    if let Some(proto) = proto {
        cx.session.set_proto(proto);
        cx.reply.set_proto(proto);
    }
    let id = cx.session.id();
    let reply = &mut cx.reply;
    reply.map(7);
    reply.text("server");
    reply.text("redis");
    reply.text("version");
    reply.text(REDIS_VERSION);
    reply.text("proto");
    reply.int(if reply.is_resp3() { 3 } else { 2 });
    reply.text("id");
    reply.int(id as i64);
    reply.text("mode");
    reply.text("standalone");
    reply.text("role");
    reply.text("master");
    reply.text("modules");
    reply.array(0);
    Ok(())
}

fn ping(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    // Where RESP2 has no pushes a reply among messages has to look like one.
    if cx.session.is_confined() && args.len() <= 2 {
        cx.reply.array(2);
        cx.reply.text("pong");
        cx.reply.bulk(args.get(1).unwrap_or(&&b""[..]));
        return Ok(());
    }
    match args[1..] {
        [] => cx.reply.simple("PONG"),
        [word] => cx.reply.bulk(word),
        _ => return Err(Error::wrong_arity("ping")),
    }
    Ok(())
}

fn echo(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    cx.reply.bulk(args[1]);
    Ok(())
}

fn quit(cx: &mut Cx<'_, '_>, _: &[&[u8]]) -> Outcome {
    cx.session.close_after_reply = true;
    cx.reply.ok();
    Ok(())
}

/// Back to how the connection was when it was accepted. What it said of its library stays.
fn reset(cx: &mut Cx<'_, '_>, _: &[&[u8]]) -> Outcome {
    cx.session.multi = None;
    cx.session.unwatch(cx.tx);
    cx.session.stop_listening(cx.server);
    let session = &mut *cx.session;
    session.db = 0;
    session.set_proto(Proto::Resp2);
    session.log_out(cx.server);
    session.reply_mode = ReplyMode::On;
    session.no_touch = false;
    session.no_evict = false;
    session.fieldsets.clear();
    attributes::set_name(cx, b"");
    cx.reply.set_proto(Proto::Resp2);
    cx.reply.simple("RESET");
    Ok(())
}

fn select(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let db = args::database(args[1], cx.tx.keyspace().databases())?;
    cx.session.db = db;
    // In a transaction the commands behind it run in the new database.
    cx.tx.select(db);
    cx.reply.ok();
    Ok(())
}

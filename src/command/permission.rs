//! Whether the user of a connection may run a request: the command table and the users put together.
//!
//! Requests are held to it when they are admitted ([`admit`]), again when a transaction runs them
//! ([`recheck_queued`]) or a wait ends ([`recheck_waiting`]), and one by one in scripts
//! ([`check_in_script`], [`may_run`]).

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use smallvec::SmallVec;

use super::client::line;
use super::clients::Client;
use super::cx::{Cx, Mode};
use super::error::Error;
use super::server::Server;
use super::session::Session;
use super::spec::{Categories, Flags, KeyFlags, Spec};
use super::table::{self, Command};
use crate::acl::{
    Acl, Catalog, Changed, ChannelUse, Context, Demand, Denial, Denied, KeyUse, Listed, Reason,
    User,
};
use crate::config::{Config, StartError, UserLine};
use crate::pubsub::Kind;

/// Every command by its index, then the containers that are no commands by themselves.
static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
    let listed = |spec: &'static Spec| Listed {
        name: spec.name,
        categories: spec.categories.bits(),
        is_open: spec.flags.has(Flags::NO_AUTH),
    };
    let commands = table::commands().iter().map(|command| command.spec);
    let categories = Categories::NAMES.iter().map(|(category, name)| (*name, category.bits()));
    let specs = commands.chain(table::containers());
    Catalog::new(specs.map(listed).collect(), categories.collect())
});

/// The default user alone, as the settings have it; it follows them from now on.
pub(super) fn acl_of(config: &Config) -> Arc<Acl> {
    let acl = Arc::new(Acl::new(&CATALOG));
    let follow = |name: &str, apply: fn(&Acl, &Config)| {
        apply(&acl, config);
        let acl = Arc::clone(&acl);
        config.on_change(
            name,
            Box::new(move |config| {
                apply(&acl, config);
                Ok(())
            }),
        );
    };
    follow("acl-pubsub-default", |acl, config| {
        acl.set_channels_by_default(*config.acl_pubsub_default.get() == b"allchannels");
    });
    follow("requirepass", |acl, config| acl.set_default_password(&config.requirepass.get()));
    acl
}

impl Server {
    /// Takes in the users of the settings, or of the file that they name.
    ///
    /// # Errors
    /// What is wrong with them. The server must not go on: it would let in whom it should not.
    pub fn load_users(&self) -> Result<(), StartError> {
        let users = self.config.users();
        let file = self.config.aclfile.get();
        let whole = |message: String| StartError::Whole { message };
        if file.is_empty() {
            return users.iter().enumerate().try_for_each(|(at, line)| {
                let name = &line.words[0];
                if users[..at].iter().any(|earlier| earlier.words[0] == *name) {
                    let reason = "Duplicate user found. A user can only be defined once in \
                                  config files";
                    return Err(line.refused(name, reason));
                }
                self.load_user(line)
            });
        }
        if !users.is_empty() {
            return Err(whole(
                "Users are defined both in the configuration file and in the aclfile: it has to \
                 be one of the two"
                    .into(),
            ));
        }
        match self.load_users_file() {
            Ok(_) => Ok(()),
            Err(why) => Err(whole(format!("Aborting Redis startup because of ACL errors: {why}"))),
        }
    }

    fn load_user(&self, line: &UserLine) -> Result<(), StartError> {
        let (name, words) = line.words.split_first().expect("a user's line has a name");
        if name.iter().any(|byte| byte.is_ascii_whitespace() || *byte == 0) {
            return Err(line.refused(name, "Spaces not allowed in ACL usernames"));
        }
        let rules = crate::acl::join_selectors(words)
            .map_err(|at| line.refused(&words[at], "Unmatched parenthesis in selector"))?;
        let mut all = vec![b"reset".to_vec()];
        all.extend(rules);
        self.acl.change(name, &all).map_err(|(at, error)| line.refused(&all[at], error.text()))?;
        let user = self.acl.get(name);
        if user.is_some_and(|user| !user.rights().is_on) {
            let name = name.escape_ascii();
            tracing::info!("The user '{name}' is off: it has no 'on' in its description");
        }
        Ok(())
    }

    /// Reads the file of users, in place of all users there are.
    pub(super) fn load_users_file(&self) -> Result<crate::acl::Loaded, String> {
        let name = self.config.aclfile.text();
        let path = self.config.resolve(&self.config.aclfile.get());
        let text = std::fs::read(&path).map_err(|error| {
            let reason = crate::config::io_reason(&error);
            format!("Error loading ACLs, opening file '{name}': {reason}")
        })?;
        self.acl.load(&text, &name).map_err(|error| error.to_string())
    }
}

/// Checks a request of a connection whose user is restricted. False if the user was deleted.
///
/// # Errors
/// The user may not run it, which is noted.
#[cold]
pub(super) fn admit(
    server: &Server,
    session: &mut Session,
    command: &'static Command,
    args: &[&[u8]],
) -> Result<bool, Error> {
    if session.user.as_ref().is_some_and(|user| user.is_removed()) {
        return Ok(false);
    }
    let context = if session.multi.is_some() { Context::Multi } else { Context::TopLevel };
    refuse_denied(server, session, command, args, context).map(|()| true)
}

/// Checks a queued command when its transaction runs it.
///
/// # Errors
/// The rules have changed since it was queued.
#[cold]
pub(super) fn recheck_queued(
    cx: &mut Cx<'_, '_>,
    command: &'static Command,
    args: &[&[u8]],
) -> Result<(), Error> {
    let checked = check(cx.session.user.as_deref(), command, args);
    let Err(denial) = checked else { return Ok(()) };
    note(cx.server, cx.session, denial, Context::Multi, command, args);
    let reason = match denial.reason {
        Reason::Command => "no permission to execute the command or subcommand",
        Reason::Key => "no permission to touch the specified keys",
        Reason::Channel => "no permission to access one of the channels used as arguments",
        Reason::Auth => "no permission",
    };
    Err(Error::new(format!(
        "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC \
         call. This command is no longer allowed for the following reason: {reason}"
    )))
}

/// Checks a command that waited, before it is run again.
///
/// # Errors
/// The rules have changed since it began to wait.
pub(super) fn recheck_waiting(
    server: &Server,
    user: Option<&Arc<User>>,
    client: Option<&Arc<Client>>,
    command: &'static Command,
    args: &[&[u8]],
) -> Result<(), Error> {
    let Some(user) = user.filter(|user| !user.is_unrestricted()) else { return Ok(()) };
    let Err(denial) = check(Some(user), command, args) else { return Ok(()) };
    let object = object(denial, command, args);
    push(server, client, user.name(), denial.reason, Context::TopLevel, object);
    Err(refusal(user, denial, command))
}

/// Checks a command that a script calls.
///
/// # Errors
/// The user of the connection that runs the script may not; it is noted.
pub fn check_in_script(
    server: &Server,
    session: &mut Session,
    command: &'static Command,
    args: &[&[u8]],
) -> Result<(), Error> {
    if !session.is_restricted() {
        return Ok(());
    }
    refuse_denied(server, session, command, args, Context::Script).map_err(|error| {
        let text = error.text();
        let text = text.strip_prefix(b"NOPERM ").unwrap_or(text);
        Error::new([b"ERR ACL failure in script: ", text].concat())
    })
}

/// Checks keys that a command has found out it writes to, beside those that its arguments name.
///
/// # Errors
/// The user of the connection may not; it is noted.
pub(super) fn check_written(
    cx: &mut Cx<'_, '_>,
    args: &[&[u8]],
    keys: &[&[u8]],
) -> Result<(), Error> {
    if !cx.session.is_restricted() || cx.mode == Mode::Replay {
        return Ok(());
    }
    let Some(user) = cx.session.user.clone() else { return Ok(()) };
    let command = table::lookup(args)?;
    let words: Vec<&[u8]> = args.iter().chain(keys).copied().collect();
    let written = |position| KeyUse { position, reads: false, writes: true };
    let demand = Demand {
        command: command.index,
        words: &words,
        keys: (args.len()..words.len()).map(written).collect(),
        channels: SmallVec::new(),
    };
    let Err(denial) = user.rights().check(&demand, &CATALOG) else { return Ok(()) };
    let context = match cx.mode {
        Mode::Script => Context::Script,
        Mode::InExec => Context::Multi,
        _ => Context::TopLevel,
    };
    note(cx.server, cx.session, denial, context, command, &words);
    Err(refusal(&user, denial, command))
}

/// Whether the user of a connection may run a request, without noting anything.
pub fn may_run(session: &Session, command: &'static Command, args: &[&[u8]]) -> bool {
    check(session.user.as_deref(), command, args).is_ok()
}

/// Whether the user of a connection may name a container without one of its commands.
pub fn may_name_container(session: &Session, container: &Spec, args: &[&[u8]]) -> bool {
    let Some(user) = session.user.as_ref().filter(|user| !user.is_unrestricted()) else {
        return true;
    };
    let at = table::containers().position(|known| known.name == container.name);
    // As the catalog has them.
    let Some(command) = at.map(|at| table::commands().len() + at) else { return false };
    let demand = Demand { command, words: args, keys: SmallVec::new(), channels: SmallVec::new() };
    !user.is_removed() && user.rights().check(&demand, &CATALOG).is_ok()
}

/// Whether the user of a connection may run a request that also reads keys it does not name, by
/// patterns (SORT with BY or GET).
pub fn may_read_any_key(session: &Session, args: &[&[u8]]) -> bool {
    let Some(user) = session.user.as_ref().filter(|user| !user.is_unrestricted()) else {
        return true;
    };
    let Ok(command) = table::lookup(args) else { return false };
    !user.is_removed()
        && user.rights().check_reading_any_key(&demand(command, args), &CATALOG).is_ok()
}

fn check(user: Option<&User>, command: &'static Command, args: &[&[u8]]) -> Result<(), Denial> {
    match user {
        Some(user) if user.is_removed() => Err(Denial { reason: Reason::Command, position: 0 }),
        Some(user) if !user.is_unrestricted() => {
            user.rights().check(&demand(command, args), &CATALOG)
        }
        _ => Ok(()),
    }
}

fn refuse_denied(
    server: &Server,
    session: &mut Session,
    command: &'static Command,
    args: &[&[u8]],
    context: Context,
) -> Result<(), Error> {
    let Err(denial) = check(session.user.as_deref(), command, args) else { return Ok(()) };
    if context != Context::Script {
        session.command = command.spec.name;
    }
    note(server, session, denial, context, command, args);
    let user = session.user.as_ref().expect("who is refused is a user");
    Err(refusal(user, denial, command))
}

/// What a request wants.
pub(super) fn demand<'a>(command: &'static Command, args: &'a [&'a [u8]]) -> Demand<'a> {
    let reads = KeyFlags::ACCESS;
    let writes = KeyFlags::all(&[KeyFlags::INSERT, KeyFlags::UPDATE, KeyFlags::DELETE]);
    let keys = command.spec.keys_of(args).into_iter().map(|key| KeyUse {
        position: key.position as usize,
        reads: key.flags.has_any(reads),
        writes: key.flags.has_any(writes),
    });
    Demand {
        command: command.index,
        words: args,
        keys: keys.collect(),
        channels: channels_of(command.spec, args),
    }
}

/// The channels that a request publishes to or subscribes to. Leaving one is allowed to all.
fn channels_of(spec: &Spec, args: &[&[u8]]) -> SmallVec<[ChannelUse; 2]> {
    let (last, is_pattern) = match spec.name {
        _ if !spec.flags.has(Flags::PUBSUB) => return SmallVec::new(),
        "publish" | "spublish" => (2, false),
        "subscribe" | "ssubscribe" => (args.len(), false),
        "psubscribe" => (args.len(), true),
        _ => return SmallVec::new(),
    };
    let positions = 1..last.min(args.len());
    positions.map(|position| ChannelUse { position, is_pattern }).collect()
}

/// The command, key or channel that a refusal is about.
fn object<'a>(denial: Denial, command: &'static Command, args: &[&'a [u8]]) -> &'a [u8] {
    match denial.reason {
        Reason::Command => command.spec.name.as_bytes(),
        Reason::Key | Reason::Channel | Reason::Auth => args[denial.position],
    }
}

/// What a client that is refused is told. The key or channel is left out: it may be another's.
fn refusal(user: &User, denial: Denial, command: &'static Command) -> Error {
    match denial.reason {
        Reason::Key => Error::fixed("NOPERM No permissions to access a key"),
        Reason::Channel => Error::fixed("NOPERM No permissions to access a channel"),
        Reason::Command | Reason::Auth => {
            Error::new([b"NOPERM ".as_slice(), &explain(user, denial, command, &[])].concat())
        }
    }
}

/// A refusal in full, for somebody who may know.
pub(super) fn explain(
    user: &User,
    denial: Denial,
    command: &'static Command,
    args: &[&[u8]],
) -> Vec<u8> {
    let (what, object, end): (&[u8], &[u8], &[u8]) = match denial.reason {
        Reason::Key => (b" has no permissions to access the '", args[denial.position], b"' key"),
        Reason::Channel => {
            (b" has no permissions to access the '", args[denial.position], b"' channel")
        }
        Reason::Command | Reason::Auth => {
            (b" has no permissions to run the '", command.spec.name.as_bytes(), b"' command")
        }
    };
    Error::quoting(&[b"User ", user.name(), what, object, end]).text().to_vec()
}

fn note(
    server: &Server,
    session: &Session,
    denial: Denial,
    context: Context,
    command: &'static Command,
    args: &[&[u8]],
) {
    // A script's session stands in for the caller's.
    if context != Context::Script {
        session.publish();
    }
    let name = session.user.as_ref().map_or(&b""[..], |user| user.name());
    let object = object(denial, command, args);
    push(server, session.client.as_ref(), name, denial.reason, context, object);
}

/// Notes that somebody tried to log in as `name` with the command `object`, and could not.
pub(super) fn note_failed_login(server: &Server, session: &Session, object: &[u8], name: &[u8]) {
    session.publish();
    let in_multi = session.multi.is_some() || session.executing.is_some();
    let context = if in_multi { Context::Multi } else { Context::TopLevel };
    push(server, session.client.as_ref(), name, Reason::Auth, context, object);
}

fn push(
    server: &Server,
    client: Option<&Arc<Client>>,
    user: &[u8],
    reason: Reason,
    context: Context,
    object: &[u8],
) {
    let now_ms = server.keyspace.clock().now_ms();
    let mut shown = Vec::new();
    if let Some(client) = client {
        line::write(client, now_ms, &mut shown);
    }
    let denied = Denied {
        count: 0,
        reason,
        context,
        object: object.to_vec(),
        user: user.to_vec(),
        client: shown,
        id: 0,
        created_ms: now_ms,
        updated_ms: now_ms,
    };
    server.acl.denied.push(denied, server.config.acllog_max_len.get_usize());
}

/// Closes who is logged in as one of these users, which were deleted.
pub(super) fn close_removed(cx: &mut Cx<'_, '_>, removed: &[Arc<User>]) {
    if removed.is_empty() {
        return;
    }
    let own_id = cx.session.id();
    for client in cx.server.clients.all() {
        let user = client.seen.lock().user.clone();
        let is_removed =
            user.is_some_and(|user| removed.iter().any(|removed| Arc::ptr_eq(removed, &user)));
        if is_removed && client.id == own_id {
            // Its own reply still goes out.
            cx.session.close_after_reply = true;
        } else if is_removed {
            client.kill();
        }
    }
}

/// Closes who listens to what the user may not hear any more.
pub(super) fn close_subscribers(cx: &mut Cx<'_, '_>, changed: &Changed) {
    let rights = changed.user.rights();
    if rights.allows_channels_of(&changed.before) {
        return;
    }
    let mut offending = BTreeSet::new();
    cx.server.pubsub.each_subscription(|kind, name, client_id| {
        if !rights.allows_channel(name, kind == Kind::Pattern) {
            offending.insert(client_id);
        }
    });
    let is_user = |client: &Arc<Client>| {
        let user = client.seen.lock().user.clone();
        user.is_some_and(|user| Arc::ptr_eq(&user, &changed.user))
    };
    let clients = offending.into_iter().filter_map(|id| cx.server.clients.get(id));
    for client in clients.filter(is_user) {
        if client.id == cx.session.id() {
            cx.session.close_after_reply = true;
        } else {
            client.kill();
        }
    }
}

//! The `forebay` program.

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use forebay::command::Server;
use forebay::command::store::{self, Cause, Opened, Store};
use forebay::config::{Config, Invocation, Sources};
use forebay::journal::Plan;
use forebay::journal::disk::{DirDisk, make_directory};
use forebay::keyspace::{Keyspace, Options, SystemClock};
use forebay::net::{self, Endpoints, Listeners};
use forebay::process::import::{self, ImportError, Names};
use forebay::process::tool::{self, transfer};
use forebay::process::workers::Workers;
use forebay::process::{daemon, limits, log, pidfile::PidFile, supervisor};
use forebay::types::dict;
use tokio::signal::unix::{Signal, SignalKind, signal};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const HELP: &str = "\
Forebay serves streams, lists and job queues over the Redis protocol.

Usage: forebay [FILE] [-] [--SETTING VALUE ...]...
       forebay check DIR [--repair]
       forebay dump DIR|FILE
       forebay import FILE [--dir DIR] [--skip-unknown]
       forebay export FILE.rdb [--dir DIR]
       forebay -v | --version
       forebay -h | --help

  FILE               settings in the format of redis.conf
  -                  more settings from standard input
  --SETTING VALUE    any setting by its name in redis.conf; overrules the file
  check              what a data directory holds, and whether a server would start on it
  dump               its frames as readable commands
  import, export     data from Redis's files, and to an RDB file; `forebay import --help` tells more

Without any, it listens on 127.0.0.1:6379, keeps its data in ./forebay-data, and a reply means
that what it tells of is on disk. --appendonly no --save '' keeps everything in memory only.

  forebay --port 7000
  forebay /etc/forebay.conf --loglevel verbose
  forebay --port 0 --unixsocket /run/forebay.sock --save '' --appendonly no
";

fn main() -> ExitCode {
    if std::env::args_os().nth(1).is_some_and(|first| tool::is_tool(&first)) {
        return tool::run(std::env::args_os());
    }
    let sources = match Invocation::parse(std::env::args_os().skip(1)) {
        Invocation::Version => {
            let version = env!("CARGO_PKG_VERSION");
            return tool::tell(|out| out.line(format_args!("Forebay server v={version}")));
        }
        Invocation::Help => return tool::tell(|out| out.line(HELP.trim_end())),
        Invocation::Serve(sources) => sources,
    };
    match start(&sources) {
        Ok(Some(config)) => serve(Arc::new(config)),
        Ok(None) => ExitCode::SUCCESS,
        Err(message) => {
            tool::complain(&message);
            ExitCode::FAILURE
        }
    }
}

/// Reads the settings, goes to the background if they say so, and opens the log. Nothing to serve
/// for this process if another one has been started in the background.
fn start(sources: &Sources) -> Result<Option<Config>, String> {
    let config = Config::load(sources).map_err(|error| error.to_string())?;
    log::check(&config).map_err(|error| error.to_string())?;
    if config.daemonize.get() {
        if sources.from_stdin {
            return Err("daemonize needs its settings from a file or the command line: standard \
                        input does not follow a server into the background"
                .into());
        }
        let role = daemon::enter().map_err(|error| format!("cannot daemonize: {error}"))?;
        if role == daemon::Role::Parent {
            return Ok(None);
        }
    }
    log::start(&config)?;
    Ok(Some(config))
}

fn serve(config: Arc<Config>) -> ExitCode {
    log_settings(&config);
    let served = limits::fit_maxclients(&config).and_then(|()| {
        let directory = config.dir_path();
        prepare_directory(&config).map_err(|error| {
            format!("cannot use the directory {}: {error}", directory.display())
        })?;
        let pid_file = PidFile::write(&config);
        let (runtime, workers) =
            Workers::start(&config).map_err(|error| format!("cannot start: {error}"))?;
        let served = runtime.block_on(serve_until_told(Arc::clone(&config), &workers));
        drop(pid_file);
        workers.end();
        match served {
            // What still loads is not waited for: it ends with the process.
            Ok(End::BeforeServing) => runtime.shutdown_background(),
            // A script that nobody has ended may run for ever. All that was answered is on disk.
            _ => runtime.shutdown_timeout(LEAVING_MAX),
        }
        served
    });
    match served {
        Ok(_) => {
            tracing::warn!("Forebay is now ready to exit, bye bye...");
            ExitCode::SUCCESS
        }
        Err(reason) => {
            tracing::error!("{reason}");
            ExitCode::FAILURE
        }
    }
}

/// The log's first lines: what a reply promises, and what was asked for in vain.
fn log_settings(config: &Config) {
    tracing::info!("Promise in force: {}", config.promise());
    tracing::info!(
        "Forebay {} started, pid {}, {}",
        env!("CARGO_PKG_VERSION"),
        std::process::id(),
        match config.file() {
            Some(path) => format!("settings from {}", path.display()),
            None => "without a configuration file".to_string(),
        }
    );
    let ignored = config.given_without_effect();
    if !ignored.is_empty() {
        tracing::info!("Settings without effect here: {}", ignored.join(", "));
    }
}

/// Makes the default directory; one that somebody named has to be there, as in Redis.
fn prepare_directory(config: &Config) -> io::Result<()> {
    let directory = config.dir_path();
    if config.is_given("dir") {
        std::fs::read_dir(&directory).map(drop)
    } else {
        make_directory(&directory)
    }
}

/// How long the threads may take to come to their end.
const LEAVING_MAX: Duration = Duration::from_secs(1);

/// How it ended, if in order.
enum End {
    /// Told to stop while it loaded: that may still be going on.
    BeforeServing,
    Served,
}

async fn serve_until_told(config: Arc<Config>, workers: &Workers) -> Result<End, String> {
    dict::set_seed(RandomState::new().hash_one("dict"));
    let keyspace = Keyspace::new(Options {
        databases: config.databases.get_usize(),
        clock: Arc::new(SystemClock),
        // Nobody may know beforehand which keys fall on one place of a table.
        seed: RandomState::new().hash_one(std::process::id()),
        sink: None,
    });
    let listeners = Listeners::open(&Endpoints::of(&config)).map_err(|error| error.to_string())?;
    let places = listeners.describe();
    if places.is_empty() {
        return Err("Configured to not listen anywhere, exiting.".into());
    }
    let server = Arc::new(Server::new(Arc::new(keyspace), Arc::clone(&config)));
    server.load_users().map_err(|error| error.to_string())?;
    server.stream_rules.load(&config).map_err(|error| error.to_string())?;
    workers.serve(&server);
    let signals = Signals::listen().map_err(|error| format!("cannot watch signals: {error}"))?;
    tokio::spawn(signals.stop_when_told(Arc::clone(&server)));
    tracing::info!("Listening on {places}, data directory {}", config.dir_path().display());
    // Who connects while the data is being loaded is told so.
    server.begin_loading();
    let serving = tokio::spawn(net::serve(Arc::clone(&server), listeners));
    let opened = tokio::select! {
        biased;
        opened = open_store(&server) => Some(opened?),
        // As if it had been killed: a start is safe against that at every moment, and what is
        // imported is kept by the snapshot at the end or not at all.
        () = server.shutdown.begun() => None,
    };
    if opened.is_some() && !server.shutdown.has_begun() {
        // Redis's sentence: containers and test harnesses wait for it.
        tracing::info!("Ready to accept connections tcp");
        supervisor::tell_ready(&config);
    }
    serving.await.map_err(|error| format!("serving ended: {error}"))?;
    supervisor::tell_stopping(&config);
    if opened.is_none() {
        tracing::warn!("Told to stop before the data was loaded: the next start begins again");
        return Ok(End::BeforeServing);
    }
    if let Some(failure) = server.store.failed.failure() {
        return Err(format!("the journal has failed: {failure}"));
    }
    let with_snapshot = !config.save.get().is_empty() && !server.shutdown.is_without_snapshot();
    let closed = tokio::task::spawn_blocking(move || Store::close(&server, with_snapshot)).await;
    let closed = closed.map_err(|error| format!("the journal was not ended: {error}"))?;
    closed.map_err(|failure| format!("the journal was not ended in order: {failure}"))?;
    Ok(End::Served)
}

/// Loads what the data directory holds, and opens the journal.
async fn open_store(server: &Arc<Server>) -> Result<(), String> {
    let opening = Arc::clone(server);
    let opened = tokio::task::spawn_blocking(move || {
        let directory = opening.config.dir_path();
        open_directory(&opening, &directory)
            .map_err(|reason| format!("cannot use the data in {}: {reason}", directory.display()))
    });
    let opened = opened.await.map_err(|error| format!("loading ended: {error}"))??;
    Store::follow_settings(server);
    server.end_loading();
    Store::catch_up_with_settings(server)?;
    if !opened.is_fresh {
        tracing::info!(
            "Data loaded: {} of a snapshot, {} behind it",
            tool::count(opened.loaded.parts, "part"),
            tool::count(opened.loaded.steps, "step")
        );
    }
    Ok(())
}

/// The first start in a directory of Redis reads what that has left there.
fn open_directory(server: &Arc<Server>, directory: &Path) -> Result<Opened, String> {
    let disk = DirDisk::open(directory).map_err(|error| error.to_string())?;
    let names = Names {
        rdb: server.config.dbfilename.text(),
        log_directory: server.config.appenddirname.text(),
        log: server.config.appendfilename.text(),
        log_counts: server.config.appendonly.get(),
    };
    let found = import::find(directory, &names);
    if matches!(found, Ok(None)) {
        let opened = Store::open(server, Arc::new(disk))?;
        if opened.is_fresh {
            warn_of_strays(directory, &names);
        }
        return Ok(opened);
    }
    let plan = Plan::survey(&disk).map_err(|error| error.to_string())?;
    let refused =
        |error: ImportError, path: &Path| format!("{error}; {}", error.advice(path, directory));
    let found = match found {
        Ok(Some(found)) if plan.is_fresh() => found,
        Err(error) if plan.is_fresh() => return Err(refused(error, directory)),
        _ => return Store::open(server, Arc::new(disk)),
    };
    tracing::info!("Import: reading Redis's {}", found.path.display());
    let report = import::import(server, &found.path, &import::Options::default())
        .map_err(|error| refused(error, &found.path))?;
    if let Some(warning) = &found.warning {
        tracing::warn!("Import: {warning}");
    }
    transfer::describe(&report).iter().for_each(|line| tracing::info!("Import: {line}"));
    let opened = Store::open(server, Arc::new(disk))?;
    if server.store.journal().is_some() {
        // From here on Redis's files are not looked at any more.
        store::save(server, Cause::Save).map_err(|error| error.to_string())?;
    }
    Ok(opened)
}

/// Says which files of Redis, as it seems, an empty start has not looked at.
fn warn_of_strays(directory: &Path, names: &Names) {
    for stray in import::strays(directory, names) {
        tracing::warn!(
            "{} is not read: `dbfilename`, `appendfilename` and `appenddirname` name other files of \
             Redis",
            stray.display()
        );
    }
}

/// The signals that end the server.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    /// Watched, these do not end the process. Of a file that has reached its limit (`ulimit -f`): the write
    /// fails, which is what the journal knows to deal with. Of a terminal that was closed: as in Redis.
    #[expect(dead_code, reason = "watched for as long as they are kept")]
    ignored: [Signal; 2],
}

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            ignored: [signal(SignalKind::from_raw(libc::SIGXFSZ))?, signal(SignalKind::hangup())?],
        })
    }

    /// Begins an orderly shutdown at the first signal. A second interrupt, from somebody who does
    /// not want to wait, ends the process at once.
    async fn stop_when_told(mut self, server: Arc<Server>) {
        loop {
            let name = tokio::select! {
                _ = self.terminate.recv() => "SIGTERM",
                _ = self.interrupt.recv() => "SIGINT",
            };
            if server.shutdown.has_begun() && name == "SIGINT" {
                tracing::warn!("You insist... exiting now.");
                std::process::exit(1);
            }
            tracing::warn!("Received {name} scheduling shutdown...");
            server.shutdown.begin();
        }
    }
}

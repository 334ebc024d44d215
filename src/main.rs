//! The `forebay` program.

use std::process::ExitCode;
use std::sync::Arc;

use forebay::command::Server;
use forebay::config::{Config, Invocation};
use forebay::keyspace::{Keyspace, Options, SystemClock};
use forebay::net::{self, Endpoints, Listeners};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let Invocation::Serve(sources) = Invocation::parse(std::env::args_os().skip(1)) else {
        return ExitCode::FAILURE;
    };
    let config = match Config::load(&sources) {
        Ok(config) => Arc::new(config),
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("cannot start the runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    runtime.block_on(async {
        let keyspace = Keyspace::new(Options {
            databases: config.databases.get_usize(),
            clock: Arc::new(SystemClock),
            seed: 0,
            sink: None,
        });
        let listeners = match Listeners::open(&Endpoints::of(&config)) {
            Ok(listeners) => listeners,
            Err(error) => {
                eprintln!("{error}");
                return ExitCode::FAILURE;
            }
        };
        tracing::info!("ready: listening on {}", listeners.describe());
        net::serve(Arc::new(Server::new(Arc::new(keyspace), config)), listeners).await;
        ExitCode::SUCCESS
    })
}

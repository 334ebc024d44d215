//! The network: listeners, connections, and their end.

mod connection;
mod listener;
mod socket;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

pub use listener::{Endpoints, Listeners};

use crate::command::{Server, Watch, store};

/// How long connections get to send what they have when the server stops.
const GRACE: Duration = Duration::from_secs(2);

/// Serves until the shutdown begins, then closes all connections.
pub async fn serve(server: Arc<Server>, listeners: Listeners) {
    server.look_after_streams();
    let _watch = Watch::start(&server);
    let accepting = listeners.accept_all(&server);
    let expiring = tokio::spawn(Arc::clone(&server.keyspace).expire());
    let keeping_time = tokio::spawn(Arc::clone(&server.keyspace).keep_time());
    let reaping = tokio::spawn(close_idle(Arc::clone(&server)));
    let sampling = tokio::spawn(sample(Arc::clone(&server)));
    let saving = tokio::spawn(store::tend(Arc::clone(&server)));
    tokio::select! {
        () = server.shutdown.begun() => {}
        // Those who wait for the journal are told, then the process ends.
        _ = server.store.failed.told() => {}
    }
    for task in accepting {
        task.abort();
    }
    expiring.abort();
    keeping_time.abort();
    reaping.abort();
    sampling.abort();
    saving.abort();
    for client in server.clients.all() {
        client.kill();
    }
    let gone = async {
        while !server.clients.is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    if tokio::time::timeout(GRACE, gone).await.is_err() {
        tracing::warn!(left = server.clients.len(), "connections did not close in time");
    }
}

/// Has the metrics look at their totals ten times a second.
async fn sample(server: Arc<Server>) {
    let mut tick = tokio::time::interval(Duration::from_millis(100));
    loop {
        tick.tick().await;
        server.metrics.sample(server.keyspace.clock().now_ms());
    }
}

/// Closes connections that said nothing for `timeout` seconds, as Redis does: those that wait in a
/// blocking command are not idle.
async fn close_idle(server: Arc<Server>) {
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    loop {
        tick.tick().await;
        let timeout_s = server.config.timeout_s.get();
        if timeout_s <= 0 {
            continue;
        }
        let oldest_ms = server.keyspace.clock().now_ms() - timeout_s * 1000;
        for client in server.clients.all() {
            let idle = client.active_at_ms.load(Ordering::Relaxed) < oldest_ms;
            if idle && !client.is_blocked() {
                client.kill();
            }
        }
    }
}

//! The clients' story through redis-rs, in both protocol versions, and through its tokio side.
//!
//!     client_story PORT

use std::error::Error;
use std::thread;

use redis::streams::{
    StreamAutoClaimOptions, StreamAutoClaimReply, StreamClaimReply, StreamInfoGroupsReply,
    StreamPendingReply, StreamRangeReply, StreamReadOptions, StreamReadReply,
};
use redis::{AsyncCommands, Client, Commands, Connection, Direction};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn ids_of(reply: &StreamReadReply) -> Vec<&str> {
    reply.keys.iter().flat_map(|stream| &stream.ids).map(|entry| entry.id.as_str()).collect()
}

/// Returns once the server says that a client is blocked.
fn until_blocked(observer: &mut Connection) -> Outcome<()> {
    loop {
        let clients: String = redis::cmd("INFO").arg("clients").query(observer)?;
        if clients.contains("blocked_clients:1") {
            return Ok(());
        }
    }
}

/// Runs `wait` on a connection of its own and `release` once that is blocked.
fn blocked<T: Send + 'static>(
    client: &Client,
    connection: &mut Connection,
    wait: impl FnOnce(&mut Connection) -> redis::RedisResult<T> + Send + 'static,
    release: impl FnOnce(&mut Connection) -> redis::RedisResult<()>,
) -> Outcome<T> {
    let mut other = client.get_connection()?;
    let waiting = thread::spawn(move || wait(&mut other));
    until_blocked(connection)?;
    release(connection)?;
    Ok(waiting.join().expect("the waiting thread does not panic")?)
}

fn streams(client: &Client, connection: &mut Connection) -> Outcome<()> {
    for n in 1..=5 {
        let id: String =
            connection.xadd("jobs", format!("{n}-1"), &[("kind", "mail"), ("to", "ann")])?;
        assert_eq!(id, format!("{n}-1"));
    }
    assert_eq!(connection.xlen::<_, usize>("jobs")?, 5);
    let range: StreamRangeReply = connection.xrange("jobs", "2", "2")?;
    assert_eq!(range.ids[0].get::<String>("to").as_deref(), Some("ann"));
    connection.xgroup_create::<_, _, _, ()>("jobs", "mailers", "0")?;
    let again = connection.xgroup_create::<_, _, _, ()>("jobs", "mailers", "0");
    assert_eq!(again.expect_err("the group is there").code(), Some("BUSYGROUP"));
    let options = StreamReadOptions::default().group("mailers", "one").count(3);
    let read: StreamReadReply = connection.xread_options(&["jobs"], &[">"], &options)?;
    assert_eq!(ids_of(&read), ["1-1", "2-1", "3-1"]);
    assert_eq!(connection.xack::<_, _, _, usize>("jobs", "mailers", &["1-1", "9-9"])?, 1);
    let pending: StreamPendingReply = connection.xpending("jobs", "mailers")?;
    assert_eq!(pending.count(), 2);
    let claimed: StreamClaimReply = connection.xclaim("jobs", "mailers", "two", 0, &["2-1"])?;
    assert_eq!(claimed.ids[0].id, "2-1");
    let idle: StreamAutoClaimReply = connection.xautoclaim_options(
        "jobs",
        "mailers",
        "two",
        0,
        "0-0",
        StreamAutoClaimOptions::default().count(10),
    )?;
    assert_eq!(idle.claimed.len(), 2);
    let groups: StreamInfoGroupsReply = connection.xinfo_groups("jobs")?;
    assert_eq!((groups.groups[0].lag, groups.groups[0].entries_read), (Some(2), Some(3)));
    connection.xread_options::<_, _, ()>(&["jobs"], &[">"], &options)?;
    let late: StreamReadReply = blocked(
        client,
        connection,
        |other| {
            let options = StreamReadOptions::default().group("mailers", "one").block(0);
            other.xread_options(&["jobs"], &[">"], &options)
        },
        |connection| connection.xadd("jobs", "9-1", &[("late", "yes")]),
    )?;
    assert_eq!(ids_of(&late), ["9-1"]);
    Ok(())
}

fn lists(client: &Client, connection: &mut Connection) -> Outcome<()> {
    assert_eq!(connection.rpush::<_, _, usize>("queue", &["a", "b", "c"])?, 3);
    let popped: Vec<String> = connection.lpop("queue", std::num::NonZeroUsize::new(2))?;
    assert_eq!(popped, ["a", "b"]);
    let moved: String = connection.lmove("queue", "taken", Direction::Left, Direction::Right)?;
    assert_eq!(moved, "c");
    let moved: String = blocked(
        client,
        connection,
        |other| other.blmove("queue", "taken", Direction::Left, Direction::Right, 0.0),
        |connection| connection.lpush("queue", "d"),
    )?;
    assert_eq!(moved, "d");
    let popped: (String, String) = blocked(
        client,
        connection,
        |other| other.blpop(&["x", "queue"], 0.0),
        |connection| connection.lpush("queue", "e"),
    )?;
    assert_eq!(popped, ("queue".into(), "e".into()));
    let nothing: Option<(String, String)> = connection.blpop("queue", 0.01)?;
    assert_eq!(nothing, None);
    assert_eq!(connection.lrange::<_, Vec<String>>("taken", 0, -1)?, ["c", "d"]);
    Ok(())
}

fn transactions(client: &Client, connection: &mut Connection) -> Outcome<()> {
    let replies: (String, i64, i64) =
        redis::pipe().atomic().set("n", 1).incr("n", 1).lpush("queue", "z").query(connection)?;
    assert_eq!(replies, ("OK".into(), 2, 1));
    redis::cmd("WATCH").arg("n").exec(connection)?;
    client.get_connection()?.incr::<_, _, ()>("n", 1)?;
    let lost: Option<(String,)> = redis::pipe().atomic().set("n", 100).query(connection)?;
    assert_eq!(lost, None);
    assert_eq!(connection.get::<_, i64>("n")?, 3);
    let mut pipe = redis::pipe();
    for n in 0..1000 {
        pipe.rpush("many", n);
    }
    let lengths: Vec<usize> = pipe.query(connection)?;
    assert_eq!(lengths, (1..=1000).collect::<Vec<_>>());
    connection.set::<_, _, ()>("text", "x")?;
    let wrong = connection.lpush::<_, _, ()>("text", "y").expect_err("a string is no list");
    assert_eq!(wrong.code(), Some("WRONGTYPE"));
    Ok(())
}

fn told(client: &Client, connection: &mut Connection) -> Outcome<()> {
    let set = |connection: &mut Connection, letters: &str| {
        redis::cmd("CONFIG").arg("SET").arg("notify-keyspace-events").arg(letters).exec(connection)
    };
    set(connection, "KEA")?;
    let mut listener = client.get_connection()?;
    let mut pubsub = listener.as_pubsub();
    pubsub.subscribe("news")?;
    pubsub.psubscribe("__keyevent@0__:*")?;
    assert_eq!(connection.publish::<_, _, i64>("news", "hello")?, 1);
    connection.set::<_, _, ()>("told", 1)?;
    let message = pubsub.get_message()?;
    assert_eq!(
        (message.get_channel_name(), message.get_payload::<String>()?),
        ("news", "hello".into())
    );
    let message = pubsub.get_message()?;
    let channel = message.get_channel_name();
    assert_eq!((channel, message.get_payload::<String>()?), ("__keyevent@0__:set", "told".into()));
    set(connection, "")?;
    Ok(())
}

async fn asynchronous(client: &Client) -> Outcome<()> {
    let mut connection = client.get_multiplexed_async_connection().await?;
    let pushes = (0..100).map(|n| {
        let mut connection = connection.clone();
        tokio::spawn(async move { connection.rpush::<_, _, usize>("shared", n).await })
    });
    for push in pushes.collect::<Vec<_>>() {
        push.await??;
    }
    let length: usize = connection.llen("shared").await?;
    assert_eq!(length, 100);
    Ok(())
}

fn main() -> Outcome<()> {
    let port = std::env::args().nth(1).ok_or("usage: client_story PORT")?;
    for protocol in ["resp2", "resp3"] {
        let client = Client::open(format!("redis://127.0.0.1:{port}/?protocol={protocol}"))?;
        let mut connection = client.get_connection()?;
        redis::cmd("FLUSHALL").exec(&mut connection)?;
        streams(&client, &mut connection)?;
        lists(&client, &mut connection)?;
        transactions(&client, &mut connection)?;
        told(&client, &mut connection)?;
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?
            .block_on(asynchronous(&client))?;
    }
    println!("redis-rs: RESP2, RESP3 and tokio");
    Ok(())
}

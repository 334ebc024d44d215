//! The Rust worker of the story: redis-rs and the image crate.
//!
//!     story_worker stream|list PORT NAME FOLDER

use std::error::Error;
use std::path::Path;

use redis::streams::{
    StreamAutoClaimOptions, StreamAutoClaimReply, StreamId, StreamReadOptions, StreamReadReply,
};
use redis::{Commands, Connection, Direction};

const STREAM: &str = "jobs";
const GROUP: &str = "thumbnailers";
const QUEUE: &str = "queue";
const WORKERS: &str = "workers";
const REPORTS: &str = "reports";
const SIDE_MAX: u32 = 128;
const BATCH: usize = 4;
const BLOCK_MS: usize = 200;
const IDLE_MIN_MS: u64 = 1500;
const ALIVE_MS: u64 = 1500;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Written beside its final place first: a thumbnail is there whole or not at all.
fn make_thumbnail(picture: &str, folder: &Path, name: &str) -> Outcome<()> {
    let stem = Path::new(picture).file_name().ok_or("a job without a file name")?;
    let stem = stem.to_string_lossy();
    let partial = folder.join("partial").join(format!("{stem}.{name}"));
    let mut image = image::open(picture)?;
    if image.width().max(image.height()) > SIDE_MAX {
        image = image.thumbnail(SIDE_MAX, SIDE_MAX);
    }
    image.save_with_format(&partial, image::ImageFormat::Png)?;
    std::fs::rename(partial, folder.join(format!("{stem}.png")))?;
    Ok(())
}

/// Reads new jobs, and takes over those of workers that were silent for too long.
fn work_on_stream(connection: &mut Connection, name: &str, folder: &Path) -> Outcome<()> {
    loop {
        let options = StreamReadOptions::default().group(GROUP, name).count(BATCH).block(BLOCK_MS);
        let reply: Option<StreamReadReply> =
            connection.xread_options(&[STREAM], &[">"], &options)?;
        let (entries, reclaimed): (Vec<StreamId>, u8) = match reply {
            Some(read) if !read.keys.is_empty() => {
                (read.keys.into_iter().flat_map(|stream| stream.ids).collect(), 0)
            }
            _ => {
                let options = StreamAutoClaimOptions::default().count(BATCH);
                let reply: StreamAutoClaimReply = connection.xautoclaim_options(
                    STREAM,
                    GROUP,
                    name,
                    IDLE_MIN_MS,
                    "0-0",
                    options,
                )?;
                (reply.claimed, 1)
            }
        };
        if entries.is_empty() {
            continue;
        }
        let took = format!("took|{name}|{}|{reclaimed}", entries.len());
        connection.lpush::<_, _, ()>(REPORTS, took)?;
        for entry in entries {
            let picture: String = entry.get("picture").ok_or("a job without a picture")?;
            make_thumbnail(&picture, folder, name)?;
            redis::pipe()
                .atomic()
                .xack(STREAM, GROUP, &[&entry.id])
                .lpush(REPORTS, format!("done|{name}|{picture}|{reclaimed}"))
                .exec(connection)?;
        }
    }
}

/// Moves a job to a list of its own while it works; gives jobs of dead workers back.
fn work_on_list(connection: &mut Connection, name: &str, folder: &Path) -> Outcome<()> {
    let mine = format!("processing:{name}");
    connection.rpush::<_, _, ()>(WORKERS, name)?;
    loop {
        connection.pset_ex::<_, _, ()>(format!("alive:{name}"), 1, ALIVE_MS)?;
        let seconds = BLOCK_MS as f64 / 1000.0;
        let picture: Option<String> =
            connection.blmove(QUEUE, &mine, Direction::Right, Direction::Left, seconds)?;
        let Some(picture) = picture else {
            give_back(connection)?;
            continue;
        };
        connection.lpush::<_, _, ()>(REPORTS, format!("took|{name}|1|0"))?;
        make_thumbnail(&picture, folder, name)?;
        redis::pipe()
            .atomic()
            .lrem(&mine, 1, &picture)
            .lpush(REPORTS, format!("done|{name}|{picture}|0"))
            .exec(connection)?;
    }
}

fn give_back(connection: &mut Connection) -> Outcome<()> {
    let workers: Vec<String> = connection.lrange(WORKERS, 0, -1)?;
    for other in workers {
        if connection.exists(format!("alive:{other}"))? {
            continue;
        }
        let held = format!("processing:{other}");
        loop {
            let job: Option<String> =
                connection.lmove(&held, QUEUE, Direction::Right, Direction::Left)?;
            if job.is_none() {
                break;
            }
            connection.lpush::<_, _, ()>(REPORTS, format!("back|{other}|1|1"))?;
        }
    }
    Ok(())
}

fn main() -> Outcome<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [mode, port, name, folder] = words.as_slice() else {
        return Err("usage: story_worker stream|list PORT NAME FOLDER".into());
    };
    let client = redis::Client::open(format!("redis://127.0.0.1:{port}/"))?;
    let mut connection = client.get_connection()?;
    let id: u64 = redis::cmd("CLIENT").arg("ID").query(&mut connection)?;
    connection.lpush::<_, _, ()>(REPORTS, format!("ready|{name}|{id}|0"))?;
    match mode.as_str() {
        "stream" => work_on_stream(&mut connection, name, Path::new(folder)),
        "list" => work_on_list(&mut connection, name, Path::new(folder)),
        other => Err(format!("no mode {other}").into()),
    }
}

//! apalis-redis: bulk with two workers, times to come, retries, keys that make a job unique, a worker
//! that is killed, and what the library says of all that.

mod stage;
mod work;

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::time::{Duration, Instant};

use apalis::prelude::*;
use apalis_core::backend::Vacuum;
use apalis_redis::{Client, Config, RedisStorage};
use futures::StreamExt;
use redis::aio::ConnectionManagerConfig;
use serde::{Deserialize, Serialize};
use stage::{Failure, Outcome, expect, finished, report, scaled, setting, wait_for, wait_for_jobs};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use work::{Kind, kind_of};

const HEARTBEAT: Duration = Duration::from_secs(1);
const MISSED_MAX: usize = 3;
// The client gives up after half a second by default, which a busy machine may take.
const RESPONSE_MAX: Duration = Duration::from_secs(60);
const CONCURRENCY: usize = 4;
const VICTIM_JOBS: usize = 2;

/// How a job goes wrong on purpose.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
enum Mishap {
    None,
    /// Fails until it is tried for the third time.
    Twice,
    /// Must not be tried again.
    Abort,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Job {
    case: String,
    name: String,
    kind: Kind,
    number: usize,
    mishap: Mishap,
}

impl Job {
    fn new(case: &str, number: usize) -> Self {
        let kind = kind_of(number);
        Self { case: case.into(), name: number.to_string(), kind, number, mishap: Mishap::None }
    }
}

async fn perform(job: Job) -> Result<String, BoxDynError> {
    stage::note_begun(&job.case, &job.name)?;
    match job.mishap {
        Mishap::Twice if stage::count(&job.name)? < 3 => return Err("not yet".into()),
        Mishap::Abort => return Err(AbortError::new("never again").into()),
        Mishap::None | Mishap::Twice => {}
    }
    let Job { case, name, kind, number, .. } = job;
    let answer = tokio::task::spawn_blocking(move || work::perform(kind, number)).await??;
    stage::note_finished(&case, &name)?;
    Ok(answer)
}

async fn storage(case: &str) -> Result<RedisStorage<Job>, Failure> {
    let config = Config::default()
        .queue(case)
        .batch_size(VICTIM_JOBS)
        .heartbeat_interval(HEARTBEAT)
        .missed_heartbeats(MISSED_MAX)
        .idempotency_ttl(Some(Duration::from_secs(600)));
    let patience = ConnectionManagerConfig::new().set_response_timeout(Some(RESPONSE_MAX));
    let client = Client::open(setting("JOBS_URL"))?;
    let connection = client.get_connection_manager_with_config(patience).await?;
    Ok(RedisStorage::new(connection).with_config(config))
}

/// A worker that runs until it is told to stop.
struct Running {
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), WorkerError>>,
}

impl Running {
    async fn start(case: &str, name: &str) -> Result<Self, Failure> {
        let storage = storage(case).await?;
        let (stop, stopped) = oneshot::channel::<()>();
        let worker = WorkerBuilder::new(name)
            .backend(storage)
            .concurrency(CONCURRENCY)
            .parallelize(tokio::spawn)
            .build(perform);
        let task = tokio::spawn(worker.run_until(async {
            // An end without a word means the same.
            let _ = stopped.await;
            Ok::<(), std::io::Error>(())
        }));
        Ok(Self { stop, task })
    }

    async fn stop(self) -> Outcome {
        self.stop.send(()).map_err(|()| "the worker had stopped by itself")?;
        Ok(self.task.await??)
    }
}

/// The name of a job's task in the library.
fn id_of(case: &str, name: &str) -> TaskId {
    TaskId::from_string(format!("{case}-{name}"))
}

/// A task as the library takes it in, under the job's own name.
fn task_of(job: Job) -> TaskBuilder<Job> {
    let id = id_of(&job.case, &job.name);
    TaskBuilder::new(job).task_id(id)
}

async fn add(
    storage: &mut RedisStorage<Job>,
    tasks: impl IntoIterator<Item = TaskBuilder<Job>>,
) -> Outcome {
    let tasks: Vec<_> = tasks.into_iter().map(TaskBuilder::build).collect();
    Ok(storage.push_all(futures::stream::iter(tasks)).await?)
}

/// The library's own results of a case's jobs, by the job's name.
async fn results(
    storage: &mut RedisStorage<Job>,
    case: &str,
    names: &[String],
) -> Result<BTreeMap<String, TaskResult<String>>, Failure> {
    let ids: Vec<_> = names.iter().map(|name| id_of(case, name)).collect();
    let found: Vec<TaskResult<String>> = storage.check_status(ids).await?;
    let name = |result: &TaskResult<String>| {
        result.task_id().to_string().replacen(&format!("{case}-"), "", 1)
    };
    Ok(found.into_iter().map(|result| (name(&result), result)).collect())
}

/// Waits until the library has all of a case's jobs as done, and checks what they gave.
async fn expect_answers(storage: &mut RedisStorage<Job>, jobs: &[Job]) -> Outcome {
    let case = &jobs[0].case;
    let names: Vec<_> = jobs.iter().map(|job| job.name.clone()).collect();
    let ids: Vec<_> = names.iter().map(|name| id_of(case, name)).collect();
    let wanted: BTreeSet<_> = ids.iter().map(ToString::to_string).collect();
    wait_for("all of them done", || {
        let (mut storage, ids) = (storage.clone(), ids.clone());
        let count = names.len();
        async move {
            let found: Vec<TaskResult<String>> = storage.check_status(ids).await?;
            Ok(found.len() == count && found.iter().all(|result| *result.status() == Status::Done))
        }
    })
    .await?;
    let told: Vec<_> = WaitForCompletion::<String>::wait_for(storage, ids).collect().await;
    let told: Result<BTreeSet<_>, _> =
        told.into_iter().map(|one| Ok(one?.task_id().to_string())).collect();
    expect("told as complete", told.map_err(|error: apalis_redis::Error| error)?, wanted)?;
    let found = results(storage, case, &names).await?;
    for job in jobs {
        let answer = found[&job.name].result().clone();
        expect(&job.name, answer, Ok(work::perform(job.kind, job.number)?))?;
    }
    Ok(())
}

/// Every task that the library has in a queue, page after page: how many of which status.
async fn statuses(storage: &RedisStorage<Job>) -> Result<BTreeMap<String, usize>, Failure> {
    let mut found = BTreeMap::new();
    for page in 1.. {
        let filter = Filter { status: None, page, page_size: Some(37) };
        let tasks = storage.list_all_tasks(&filter).await?;
        if tasks.is_empty() {
            break;
        }
        for task in tasks {
            *found.entry(task.status().to_string()).or_default() += 1;
        }
    }
    Ok(found)
}

#[tokio::main]
async fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["victim", case] => victim(case).await,
        _ => story(&words).await,
    };
    if let Err(failure) = outcome {
        eprintln!("{failure}");
        std::process::exit(1);
    }
}

/// The workers that the library has on its list, by name. Its own `list_workers` and its metrics fail
/// in this version, on redis-server too: they read keys that are of another name, or of another type.
async fn workers_of(storage: &mut RedisStorage<Job>) -> Result<Vec<String>, Failure> {
    let list = storage.get_config().workers_set();
    let mut names: Vec<String> =
        redis::cmd("ZRANGE").arg(list).arg(0).arg(-1).query_async(storage.get_connection()).await?;
    names.sort();
    Ok(names)
}

/// A worker in a process of its own, to be killed.
async fn victim(case: &str) -> Outcome {
    let running = Running::start(case, "victim").await?;
    Ok(running.task.await??)
}

async fn story(wanted: &[String]) -> Outcome {
    for case in ["bulk", "scheduled", "retries", "unique", "killed"] {
        if !wanted.is_empty() && !wanted.iter().any(|name| name == case) {
            continue;
        }
        let began = Instant::now();
        let told = match case {
            "bulk" => bulk(case).await,
            "scheduled" => scheduled(case).await,
            "retries" => retries(case).await,
            "unique" => unique(case).await,
            _ => killed(case).await,
        };
        told.map_err(|failure| format!("{case}: {failure}"))?;
        println!("{case:<10} {:.1} s", began.elapsed().as_secs_f64());
    }
    Ok(())
}

/// Completions as the library publishes them; counted until the queue has no more.
async fn count_published(case: &str) -> Result<(oneshot::Sender<()>, JoinHandle<usize>), Failure> {
    let client = Client::open(setting("JOBS_URL"))?;
    let mut listener = client.get_async_pubsub().await?;
    listener.subscribe(format!("tasks:{case}:done")).await?;
    let (stop, mut stopped) = oneshot::channel();
    let task = tokio::spawn(async move {
        let mut messages = listener.into_on_message();
        let mut told = 0;
        loop {
            tokio::select! {
                biased;
                message = messages.next() => match message {
                    Some(_) => told += 1,
                    None => return told,
                },
                _ = &mut stopped => return told,
            }
        }
    });
    Ok((stop, task))
}

async fn bulk(case: &str) -> Outcome {
    let count = scaled(400);
    let mut storage = storage(case).await?;
    let (stop, published) = count_published(case).await?;
    let jobs: Vec<_> = (0..count).map(|number| Job::new(case, number)).collect();
    for some in jobs.chunks(100) {
        add(&mut storage, some.iter().cloned().map(task_of)).await?;
    }
    let pending = BTreeMap::from([("Pending".to_owned(), count)]);
    expect("tasks before", statuses(&storage).await?, pending)?;
    let workers = [Running::start(case, "left").await?, Running::start(case, "right").await?];
    wait_for_jobs(case, count).await?;
    expect_answers(&mut storage, &jobs).await?;
    expect("tasks", statuses(&storage).await?, BTreeMap::from([("Done".to_owned(), count)]))?;
    expect(
        "workers",
        workers_of(&mut storage).await?,
        vec!["left".to_owned(), "right".to_owned()],
    )?;
    for worker in workers {
        worker.stop().await?;
    }
    stop.send(()).map_err(|()| "the listener has lost its connection")?;
    let told = published.await?;
    expect("published", told, count)?;
    expect("vacuumed", storage.vacuum().await?, count)?;
    expect("tasks after", statuses(&storage).await?, BTreeMap::new())?;
    let names: Vec<_> = jobs.iter().map(|job| job.name.clone()).collect();
    report(case, &names, &format!("{count} done by its own list, {told} told by publish/subscribe"))
}

async fn scheduled(case: &str) -> Outcome {
    let mut storage = storage(case).await?;
    let jobs: Vec<_> = (0..8).map(|number| Job::new(case, number)).collect();
    let mut due = BTreeMap::new();
    for job in &jobs {
        let at = stage::now_ms() / 1000 + 2 + job.number as u64 / 3;
        due.insert(job.name.clone(), at * 1000);
        add(&mut storage, [task_of(job.clone()).run_at_timestamp(at)]).await?;
    }
    let worker = Running::start(case, "later").await?;
    wait_for_jobs(case, jobs.len()).await?;
    for (job, at_ms, _) in stage::begun(case)? {
        expect(
            &format!("{job} ran {} ms early", due[&job].saturating_sub(at_ms)),
            at_ms >= due[&job],
            true,
        )?;
    }
    expect_answers(&mut storage, &jobs).await?;
    worker.stop().await?;
    let names: Vec<_> = jobs.iter().map(|job| job.name.clone()).collect();
    report(case, &names, &format!("{} done, none early", names.len()))
}

async fn retries(case: &str) -> Outcome {
    let mut storage = storage(case).await?;
    let bad = |number: usize, name: &str, mishap: Mishap| Job {
        name: name.into(),
        mishap,
        ..Job::new(case, number)
    };
    let patient: Vec<_> =
        (0..3).map(|number| bad(number, &format!("patient-{number}"), Mishap::Twice)).collect();
    let aborted = bad(1, "aborted", Mishap::Abort);
    add(&mut storage, patient.iter().cloned().chain([aborted]).map(task_of)).await?;
    let worker = Running::start(case, "patient").await?;
    wait_for_jobs(case, patient.len()).await?;
    expect_answers(&mut storage, &patient).await?;
    wait_for("the aborted is known as killed", || {
        let mut storage = storage.clone();
        async move {
            let found = results(&mut storage, case, &["aborted".to_owned()]).await?;
            Ok(found.get("aborted").is_some_and(|result| *result.status() == Status::Killed))
        }
    })
    .await?;
    worker.stop().await?;
    let tries = |name: &str| -> Result<usize, Failure> {
        Ok(stage::begun(case)?.iter().filter(|(job, ..)| job == name).count())
    };
    expect("tries", [tries("patient-0")?, tries("patient-1")?, tries("aborted")?], [3, 3, 1])?;
    let wanted = BTreeMap::from([("Done".to_owned(), 3), ("Killed".to_owned(), 1)]);
    expect("tasks", statuses(&storage).await?, wanted)?;
    let names: Vec<_> = patient.iter().map(|job| job.name.clone()).collect();
    report(case, &names, "3 done at the third attempt, 1 killed at its first")
}

async fn unique(case: &str) -> Outcome {
    let mut storage = storage(case).await?;
    for number in 0..6 {
        let job = Job { name: format!("same-{number}"), ..Job::new(case, number) };
        let key = format!("key-{}", number % 2);
        add(&mut storage, [task_of(job).idempotency_key(key)]).await?;
    }
    let wanted = BTreeMap::from([("Pending".to_owned(), 2)]);
    expect("tasks before", statuses(&storage).await?, wanted)?;
    let worker = Running::start(case, "unique").await?;
    wait_for_jobs(case, 2).await?;
    worker.stop().await?;
    let wanted = BTreeMap::from([("Done".to_owned(), 2)]);
    expect("tasks", statuses(&storage).await?, wanted)?;
    report(case, &["same-0".into(), "same-1".into()], "2 of 6 were taken in and done")
}

async fn killed(case: &str) -> Outcome {
    let mut storage = storage(case).await?;
    // The dead must not have finished anything: the library acknowledges a moment after a job's end, and
    // what was finished in between runs again. So all that one worker begins with is long.
    let long = |number| Job { kind: Kind::Pack, ..Job::new(case, number) };
    let short = |number| Job::new(case, number);
    let jobs: Vec<_> =
        (0..CONCURRENCY).map(long).chain((CONCURRENCY..CONCURRENCY + 2).map(short)).collect();
    add(&mut storage, jobs.iter().cloned().map(task_of)).await?;
    let mut victim = Command::new(std::env::current_exe()?).args(["victim", case]).spawn()?;
    let held = stage::kill_amidst(&mut victim, case, VICTIM_JOBS).await?;
    let running = statuses(&storage).await?.get("Running").copied().unwrap_or_default();
    expect("running, as the library has it", running >= held.len(), true)?;
    let worker = Running::start(case, "heir").await?;
    wait_for_jobs(case, jobs.len()).await?;
    expect_answers(&mut storage, &jobs).await?;
    expect("workers", workers_of(&mut storage).await?, vec!["heir".to_owned()])?;
    worker.stop().await?;
    expect("tasks", statuses(&storage).await?, BTreeMap::from([("Done".to_owned(), jobs.len())]))?;
    expect("finished", finished(case)?.len(), jobs.len())?;
    let names: Vec<_> = jobs.iter().map(|job| job.name.clone()).collect();
    report(case, &names, &format!("{} of a dead worker put back, 6 done", held.len()))
}

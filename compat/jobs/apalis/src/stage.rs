//! The ledger, the report, waiting and wanting.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::fs::{File, OpenOptions, read_to_string};
use std::io::Write;
use std::path::PathBuf;
use std::process::Child;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

pub type Failure = Box<dyn std::error::Error + Send + Sync>;
pub type Outcome = Result<(), Failure>;

// Nothing here takes a tenth of this on a quiet machine.
const WAIT_MAX: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(10);

/// A setting that the caller of the story has made.
pub fn setting(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} has to be set"))
}

/// So many jobs in a large case.
pub fn scaled(count: usize) -> usize {
    let scale: f64 = setting("JOBS_SCALE").parse().expect("JOBS_SCALE is a number");
    ((count as f64 * scale).round() as usize).max(1)
}

pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970");
    u64::try_from(since.as_millis()).expect("milliseconds of this age fit")
}

fn begun_path() -> PathBuf {
    PathBuf::from(setting("JOBS_FOLDER")).join("begun")
}

// One write for a line, so that those of several processes do not mix.
fn append(path: PathBuf, line: &str) -> Outcome {
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    Ok(file.write_all(line.as_bytes())?)
}

/// Notes that a job is begun, by this process and now.
pub fn note_begun(case: &str, job: &str) -> Outcome {
    append(begun_path(), &format!("{case}\t{job}\t{}\t{}\n", now_ms(), std::process::id()))
}

/// Notes that a job's work is finished.
pub fn note_finished(case: &str, job: &str) -> Outcome {
    append(setting("JOBS_LEDGER").into(), &format!("{case}\t{job}\n"))
}

/// When and in which process the jobs of a case were begun: job, at_ms, process.
pub fn begun(case: &str) -> Result<Vec<(String, u64, u32)>, Failure> {
    if !begun_path().exists() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for line in read_to_string(begun_path())?.lines() {
        if let [name, job, at, process] = line.split('\t').collect::<Vec<_>>()[..]
            && name == case
        {
            found.push((job.to_owned(), at.parse()?, process.parse()?));
        }
    }
    Ok(found)
}

/// The jobs of a case that were finished, each as often as it was.
pub fn finished(case: &str) -> Result<Vec<String>, Failure> {
    let ledger = read_to_string(setting("JOBS_LEDGER"))?;
    let lines = ledger.lines().filter_map(|line| line.split_once('\t'));
    Ok(lines.filter(|(name, _)| *name == case).map(|(_, job)| job.to_owned()).collect())
}

/// Ends a case: every job that has to have run, and what the library says of them.
pub fn report(case: &str, jobs: &[String], view: &str) -> Outcome {
    let line = serde_json::json!({ "case": case, "jobs": jobs, "view": view });
    append(setting("JOBS_REPORT").into(), &format!("{line}\n"))
}

pub fn expect<T: PartialEq + Debug>(what: &str, found: T, wanted: T) -> Outcome {
    if found == wanted {
        Ok(())
    } else {
        Err(format!("{what}: {found:?}, wanted {wanted:?}").into())
    }
}

/// Asks until the answer is true; says what was waited for if it never is.
pub async fn wait_for<F>(what: &str, mut condition: impl FnMut() -> F) -> Outcome
where
    F: Future<Output = Result<bool, Failure>>,
{
    let deadline = Instant::now() + WAIT_MAX;
    while !condition().await? {
        if Instant::now() > deadline {
            return Err(format!("waited {WAIT_MAX:?} in vain: {what}").into());
        }
        tokio::time::sleep(POLL).await;
    }
    Ok(())
}

/// Waits until so many jobs of a case were finished, however often each.
pub async fn wait_for_jobs(case: &str, count: usize) -> Outcome {
    let done = || async { Ok(finished(case)?.into_iter().collect::<BTreeSet<_>>().len() >= count) };
    wait_for(&format!("{count} jobs of {case}"), done).await
}

/// Kills a process with -9 while it is in the middle of `count` jobs of a case. Gives those jobs.
pub async fn kill_amidst(
    child: &mut Child,
    case: &str,
    count: usize,
) -> Result<Vec<String>, Failure> {
    let process = child.id();
    let open = || -> Result<Vec<String>, Failure> {
        let done: BTreeSet<_> = finished(case)?.into_iter().collect();
        let begun =
            begun(case)?.into_iter().filter(|(job, _, by)| *by == process && !done.contains(job));
        Ok(begun.map(|(job, ..)| job).collect())
    };
    let deadline = Instant::now() + WAIT_MAX;
    while Instant::now() < deadline {
        if open()?.len() >= count {
            // Stopped first, so that none of them ends between the look and the kill.
            signal(process, "STOP")?;
            while !is_stopped(process)? {
                tokio::time::sleep(POLL).await;
            }
            let held = open()?;
            if held.len() >= count {
                child.kill()?;
                child.wait()?;
                return Ok(held);
            }
            signal(process, "CONT")?;
        }
        if let Some(status) = child.try_wait()? {
            return Err(format!("the victim ended by itself: {status}").into());
        }
        tokio::time::sleep(POLL).await;
    }
    Err(format!("the victim was never in the middle of {count} jobs").into())
}

fn signal(process: u32, name: &str) -> Outcome {
    let status = std::process::Command::new("kill")
        .arg(format!("-{name}"))
        .arg(process.to_string())
        .status()?;
    expect("kill", status.success(), true)
}

// The state is the first word after the program's name, which stands in parentheses.
fn is_stopped(process: u32) -> Result<bool, Failure> {
    let stat = read_to_string(format!("/proc/{process}/stat"))?;
    Ok(stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T')))
}

/// Counts something that happens, over all attempts; how often by now.
pub fn count(what: &str) -> Result<u64, Failure> {
    let path = PathBuf::from(setting("JOBS_FOLDER")).join(format!("count-{what}"));
    append(path.clone(), ".")?;
    Ok(File::open(path)?.metadata()?.len())
}

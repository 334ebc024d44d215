//! The log, in the shape of Redis's lines, because supervisors and test harnesses read them:
//! `pid:M day month year time level message`, time in UTC.

use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::{FmtContext, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::reload;
use tracing_subscriber::util::SubscriberInitExt;

use super::civil::Civil;
use crate::config::{Config, StartError};

/// Checks that the log can be written where `logfile` says, while somebody can still be told.
///
/// # Errors
/// The log file cannot be opened, in Redis's words.
pub fn check(config: &Config) -> Result<(), StartError> {
    let Target::File(path) = target_of(config) else { return Ok(()) };
    match OpenOptions::new().create(true).append(true).open(&path) {
        Ok(_) => Ok(()),
        Err(error) => {
            let message = format!("Can't open the log file: {}", reason(&error));
            Err(StartError::Whole { message })
        }
    }
}

/// Starts the log as `loglevel` and `logfile` say, and has it follow CONFIG SET loglevel.
///
/// # Errors
/// The process already has a log.
pub fn start(config: &Config) -> Result<(), String> {
    let (filter, handle) = reload::Layer::new(level_of(&config.loglevel.get()));
    let lines =
        tracing_subscriber::fmt::layer().event_format(RedisLine).with_writer(target_of(config));
    tracing_subscriber::registry()
        .with(filter)
        .with(lines)
        .try_init()
        .map_err(|error| format!("cannot start the log: {error}"))?;
    config.on_change(
        "loglevel",
        Box::new(move |config| {
            handle.reload(level_of(&config.loglevel.get())).map_err(|error| error.to_string())
        }),
    );
    Ok(())
}

fn target_of(config: &Config) -> Target {
    let logfile = config.logfile.get();
    if logfile.is_empty() { Target::Stdout } else { Target::File(config.resolve(&logfile)) }
}

/// The system's words, without Rust's number behind them.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_string()
}

fn level_of(loglevel: &[u8]) -> LevelFilter {
    match loglevel {
        b"debug" => LevelFilter::TRACE,
        b"verbose" => LevelFilter::DEBUG,
        b"warning" => LevelFilter::WARN,
        b"nothing" => LevelFilter::OFF,
        _ => LevelFilter::INFO,
    }
}

/// Where lines go. A file is opened for each line, as Redis does: whoever rotates logs moves it away
/// and need tell nobody, and lines are rare.
enum Target {
    Stdout,
    File(PathBuf),
}

impl<'a> MakeWriter<'a> for Target {
    type Writer = Box<dyn Write>;

    fn make_writer(&'a self) -> Self::Writer {
        match self {
            Self::Stdout => Box::new(io::stdout()),
            Self::File(path) => match OpenOptions::new().create(true).append(true).open(path) {
                Ok(file) => Box::new(file),
                // The disk is full or the directory gone: better a line elsewhere than none.
                Err(_) => Box::new(io::stderr()),
            },
        }
    }
}

/// Redis's shape of a line.
struct RedisLine;

impl<S, N> FormatEvent<S, N> for RedisLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let unix_ms = i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX);
        let mark = match *event.metadata().level() {
            Level::ERROR | Level::WARN => '#',
            Level::INFO => '*',
            Level::DEBUG => '-',
            Level::TRACE => '.',
        };
        write!(writer, "{} {mark} ", prefix(std::process::id(), unix_ms))?;
        context.field_format().format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}

/// `4711:M 22 Nov 2026 01:46:52.186`; the M is for master, which is all a server can be here.
fn prefix(pid: u32, unix_ms: i64) -> String {
    let at = Civil::from_unix_ms(unix_ms);
    format!(
        "{pid}:M {:02} {} {} {:02}:{:02}:{:02}.{:03}",
        at.day,
        at.month_name(),
        at.year,
        at.hour,
        at.minute,
        at.second,
        at.millisecond
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_begins_as_redis_begins_it() {
        assert_eq!(prefix(4711, 1_795_312_012_186), "4711:M 22 Nov 2026 01:46:52.186");
    }

    #[test]
    fn levels_by_redis_names() {
        assert_eq!(level_of(b"debug"), LevelFilter::TRACE);
        assert_eq!(level_of(b"notice"), LevelFilter::INFO);
        assert_eq!(level_of(b"nothing"), LevelFilter::OFF);
    }
}

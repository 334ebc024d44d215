//! LATENCY: what took longer than `latency-monitor-threshold`, and how long each command takes.

use std::fmt::Write;

use super::cx::Cx;
use super::error::{Error, Outcome};
use super::help::help;
use super::table::{self, Command, Entry, keys};
use crate::metrics::Spikes;

pub(super) static COMMANDS: &[Entry] = &[
    keys("latency|doctor", doctor),
    keys("latency|graph", graph),
    keys("latency|help", help),
    keys("latency|histogram", histogram),
    keys("latency|history", history),
    keys("latency|latest", latest),
    keys("latency|reset", reset),
];

fn latest(cx: &mut Cx<'_, '_>, _: &[&[u8]]) -> Outcome {
    let events = cx.server.metrics.latency.events();
    cx.reply.array(events.len());
    for (event, spikes) in events {
        let latest = spikes.latest();
        cx.reply.array(4);
        cx.reply.text(event);
        cx.reply.int(latest.at_s);
        cx.reply.int(latest.ms as i64);
        cx.reply.int(spikes.ms_max as i64);
    }
    Ok(())
}

fn history(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let samples = cx.server.metrics.latency.event(args[2]).unwrap_or_default().samples;
    cx.reply.array(samples.len());
    for sample in samples {
        cx.reply.array(2);
        cx.reply.int(sample.at_s);
        cx.reply.int(sample.ms as i64);
    }
    Ok(())
}

fn reset(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    cx.reply.count(cx.server.metrics.latency.reset(&args[2..]));
    Ok(())
}

/// The commands that an argument names: itself, or all below a container.
fn named(name: &[u8]) -> impl Iterator<Item = &'static Command> {
    table::commands().iter().filter(move |command| {
        let full = command.spec.name.as_bytes();
        let container = full.split(|byte| *byte == b'|').next().unwrap_or(full);
        full.eq_ignore_ascii_case(name) || container.eq_ignore_ascii_case(name)
    })
}

fn histogram(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    cx.session.stopwatch.flush(&cx.server.metrics.calls);
    let asked: Vec<&Command> = match &args[2..] {
        [] => table::commands().iter().collect(),
        names => names.iter().flat_map(|name| named(name)).collect(),
    };
    let calls = &cx.server.metrics.calls;
    let shown: Vec<_> = asked
        .into_iter()
        .filter_map(|command| Some((command, calls.latencies(command.index)?)))
        .collect();
    cx.reply.map(shown.len());
    for (command, latencies) in shown {
        cx.reply.text(command.spec.name);
        cx.reply.map(2);
        cx.reply.text("calls");
        cx.reply.int(latencies.count() as i64);
        cx.reply.text("histogram_usec");
        let powers = latencies.cumulative_powers(1000);
        cx.reply.map(powers.len());
        for (micros, count) in powers {
            cx.reply.int(micros as i64);
            cx.reply.int(count as i64);
        }
    }
    Ok(())
}

fn graph(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let spikes =
        cx.server.metrics.latency.event(args[2]).ok_or_else(|| {
            Error::quoting(&[b"ERR No samples available for event '", args[2], b"'"])
        })?;
    let now_s = cx.tx.now_ms() / 1000;
    let text = draw(&String::from_utf8_lossy(args[2]), &spikes, now_s);
    cx.reply.verbatim("txt", text.as_bytes());
    Ok(())
}

/// Rows of the graph, and the signs of a column's top by how much of its row it fills.
const ROWS: usize = 4;
const FILLS: [char; 3] = ['_', 'o', '#'];

/// A column for each sample, the taller the longer it took, with its age beneath, top to bottom.
fn draw(event: &str, spikes: &Spikes, now_s: i64) -> String {
    let longest = spikes.samples.iter().map(|sample| sample.ms).max().unwrap_or(0);
    let shortest = spikes.samples.iter().map(|sample| sample.ms).min().unwrap_or(0);
    let mut text = format!(
        "{event} - high {longest} ms, low {shortest} ms (all time high {} ms)\n{}\n",
        spikes.ms_max,
        "-".repeat(80)
    );
    // A column's height in fills; the shortest has one, so that nothing is invisible.
    let range = (longest - shortest).max(1);
    let top = (ROWS * FILLS.len() - 1) as u64;
    let heights: Vec<usize> = spikes
        .samples
        .iter()
        .map(|sample| 1 + ((sample.ms - shortest) * top / range) as usize)
        .collect();
    for row in (0..ROWS).rev() {
        let below = row * FILLS.len();
        let sign = |height: usize| match height.saturating_sub(below) {
            0 => ' ',
            filled => FILLS[filled.min(FILLS.len()) - 1],
        };
        text.extend(heights.iter().map(|height| sign(*height)));
        text.push('\n');
    }
    text.push('\n');
    let ages: Vec<Vec<char>> =
        spikes.samples.iter().map(|sample| age(now_s - sample.at_s).chars().collect()).collect();
    let longest_age = ages.iter().map(Vec::len).max().unwrap_or(0);
    for at in 0..longest_age {
        text.extend(ages.iter().map(|age| age.get(at).copied().unwrap_or(' ')));
        text.push('\n');
    }
    text
}

/// `5s`, `3m`, `2h`, `9d`
fn age(seconds: i64) -> String {
    match seconds.max(0) {
        seconds @ 0..60 => format!("{seconds}s"),
        seconds @ 60..3600 => format!("{}m", seconds / 60),
        seconds @ 3600..86_400 => format!("{}h", seconds / 3600),
        seconds => format!("{}d", seconds / 86_400),
    }
}

fn doctor(cx: &mut Cx<'_, '_>, _: &[&[u8]]) -> Outcome {
    let config = &cx.server.config;
    let events = cx.server.metrics.latency.events();
    let threshold_ms = config.latency_monitor_threshold_ms.get();
    let text = if threshold_ms == 0 {
        "The latency monitor is off, so there is nothing to report. Switch it on with CONFIG SET \
         latency-monitor-threshold <milliseconds>.\n"
            .to_string()
    } else if events.is_empty() {
        format!("Nothing has taken {threshold_ms} ms or longer since the last reset.\n")
    } else {
        diagnosis(&events, threshold_ms, config.slowlog_log_slower_than_us.get())
    };
    cx.reply.verbatim("txt", text.as_bytes());
    Ok(())
}

fn diagnosis(events: &[(&'static str, Spikes)], threshold_ms: i64, slow_us: i64) -> String {
    let mut text = format!("These took {threshold_ms} ms or longer:\n\n");
    for (event, spikes) in events {
        let mean_ms = spikes.ms_sum / spikes.count.max(1);
        writeln!(
            text,
            "- {event}: {} times, {mean_ms} ms in the mean, {} ms at worst.",
            spikes.count, spikes.ms_max
        )
        .expect("writing to a string cannot fail");
    }
    text.push_str("\nWhat to look at:\n\n");
    if slow_us < 0 || slow_us > threshold_ms * 1000 {
        writeln!(
            text,
            "- The slow log does not keep commands this fast: CONFIG SET slowlog-log-slower-than \
             {} would have it name them.",
            threshold_ms * 1000
        )
        .expect("writing to a string cannot fail");
    } else {
        text.push_str("- SLOWLOG GET names the commands, with their arguments.\n");
    }
    text.push_str(
        "- Commands that walk whole collections (KEYS, LRANGE 0 -1, XRANGE - +, DEL of a huge key) \
         take as long as the collection is large: ask for parts, trim, or use UNLINK.\n\
         - A time in this list includes waiting for other commands on the same keys.\n",
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Sample;

    #[test]
    fn the_graph_grows_with_the_samples() {
        let samples = [(100, 2), (110, 13), (130, 7)];
        let samples = samples.into_iter().map(|(at_s, ms)| Sample { at_s, ms }).collect();
        let spikes = Spikes { samples, ms_max: 40, ms_sum: 22, count: 3 };
        let drawn = draw("command", &spikes, 160);
        let lines: Vec<&str> = drawn.lines().collect();
        assert_eq!(lines[0], "command - high 13 ms, low 2 ms (all time high 40 ms)");
        assert_eq!(lines[1].len(), 80);
        assert_eq!(&lines[2..6], [" # ", " # ", " ##", "_##"]);
        assert_eq!(&lines[7..], ["153", "m00", " ss"]);
    }
}

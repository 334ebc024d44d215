//! The sections on commands: Commandstats, Errorstats, Latencystats.

use super::Text;
use crate::command::cx::Cx;
use crate::command::table;

pub fn calls(cx: &mut Cx<'_, '_>, text: &mut Text) {
    for command in table::commands() {
        let totals = cx.server.metrics.calls.totals(command.index);
        if totals.calls + totals.rejected == 0 {
            continue;
        }
        let micros = totals.nanos / 1000;
        let each = if totals.calls == 0 { 0.0 } else { micros as f64 / totals.calls as f64 };
        text.line(format_args!(
            "cmdstat_{}:calls={},usec={micros},usec_per_call={each:.2},rejected_calls={},\
             failed_calls={}",
            command.spec.name, totals.calls, totals.rejected, totals.failed
        ));
    }
}

pub fn errors(cx: &mut Cx<'_, '_>, text: &mut Text) {
    for (code, count) in cx.server.metrics.errors.by_code() {
        text.line(format_args!("errorstat_{}:count={count}", String::from_utf8_lossy(&code)));
    }
}

pub fn latencies(cx: &mut Cx<'_, '_>, text: &mut Text) {
    let shares = cx.server.config.latency_tracking_info_percentiles.get();
    for command in table::commands() {
        let Some(latencies) = cx.server.metrics.calls.latencies(command.index) else { continue };
        let shown = shares.iter().map(|share| {
            let micros = latencies.percentile(*share) as f64 / 1000.0;
            format!("p{share}={micros:.3}")
        });
        let shown = shown.collect::<Vec<_>>().join(",");
        text.line(format_args!("latency_percentiles_usec_{}:{shown}", command.spec.name));
    }
}

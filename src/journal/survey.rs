//! Reads a directory without changing it, and gathers the evidence for what is to be done.

use std::io;

use super::case::{Behind, Case, Evidence, Length, Reach, SnapshotFound, Stop};
use super::disk::Disk;
use super::frame::{Bad, Kind};
use super::pool::is_spare;
use super::recovery::{Damage, FoundSegment, Plan, Torn};
use super::segment::{BadHeader, Closing, FileKind, PARTIAL, Reader, Rest};
use super::snapshot;

/// Positions that state that something had been durable, and who states it.
#[derive(Default)]
struct Witness {
    durable: u64,
    says: String,
}

impl Witness {
    fn hear(&mut self, durable: u64, says: impl Fn() -> String) {
        if durable > self.durable {
            self.durable = durable;
            self.says = says();
        }
    }
}

/// The walk along the segments.
struct Walk<'d> {
    disk: &'d dyn Disk,
    /// First positions of the segments from the one in which the walk begins.
    firsts: Vec<u64>,
    /// The position from which frames are needed.
    from: u64,
    segments: Vec<FoundSegment>,
    witness: Witness,
    /// The highest durable position that a frame on the way states.
    stated_durable: u64,
    start: u32,
    time_ms: i64,
    found_from: bool,
}

/// Where the walk ended.
struct Ended {
    stop: Stop,
    /// In `segments`, and the offset in its file.
    at: usize,
    offset: u64,
    position: u64,
    why: String,
    rest: Rest,
    length: Length,
}

/// Reads the directory and decides.
///
/// # Errors
/// A file or the directory cannot be read. Damage is no error: it is in the plan.
pub(super) fn survey(disk: &dyn Disk) -> io::Result<Plan> {
    let names = disk.list()?;
    let mut plan = Plan::empty();
    let mut firsts: Vec<u64> =
        names.iter().filter_map(|name| FileKind::Segment.position(name)).collect();
    firsts.sort_unstable();
    let mut snapshots: Vec<u64> =
        names.iter().filter_map(|name| FileKind::Snapshot.position(name)).collect();
    snapshots.sort_unstable_by(|one, other| other.cmp(one));
    let partial = names.iter().filter(|name| name.ends_with(PARTIAL) && !is_spare(name));
    plan.obsolete.extend(partial.cloned());

    let mut witness = Witness::default();
    for position in snapshots {
        let name = FileKind::Snapshot.name(position);
        if plan.snapshot.is_some() {
            plan.obsolete.push(name);
            continue;
        }
        match snapshot::verify(disk, &name)? {
            Ok(found) => {
                witness.hear(position.max(found.durable), || format!("{name} states"));
                plan.start = plan.start.max(found.start);
                plan.time_ms = plan.time_ms.max(found.time_ms);
                plan.snapshot = Some(found);
            }
            Err(damage) => {
                witness.hear(position, || format!("{name} was written at"));
                plan.damaged_snapshots.push(damage);
            }
        }
    }
    let snapshot = match (&plan.snapshot, plan.damaged_snapshots.is_empty()) {
        (_, false) => SnapshotFound::Damaged,
        (None, true) => SnapshotFound::None,
        (Some(_), true) => SnapshotFound::Whole,
    };
    let from = plan.snapshot.as_ref().map_or(0, |snapshot| snapshot.position);
    plan.end = from;
    leave_what_awaits(disk, &mut plan, &mut firsts, &mut witness)?;
    let Some(begin) = firsts.iter().rposition(|first| *first <= from) else {
        let is_missed = !firsts.is_empty() || plan.snapshot.is_none() && witness.durable > 0;
        let reach = if is_missed { Reach::Missing } else { Reach::NoSegments };
        let (stop, behind) = (Stop::Blank, Behind::Nothing);
        let evidence = Evidence { snapshot, reach, stop, behind, length: Length::Full };
        plan.decide(evidence, first_missing(from, &firsts));
        plan.has_only_spares = plan.case == Case::Fresh && names.iter().any(|name| is_spare(name));
        return Ok(plan);
    };
    plan.obsolete.extend(firsts.drain(..begin).map(|first| FileKind::Segment.name(first)));
    let walk = Walk {
        disk,
        firsts,
        from,
        segments: Vec::new(),
        witness,
        stated_durable: 0,
        start: plan.start,
        time_ms: plan.time_ms,
        found_from: false,
    };
    walk.go(plan, snapshot)
}

/// Leaves out the segments that awaited a snapshot which is not there: a crash came before it was
/// whole, so nothing in them had been promised, and they fit on nothing. If anything in them states
/// otherwise, the snapshot has been taken away.
fn leave_what_awaits(
    disk: &dyn Disk,
    plan: &mut Plan,
    firsts: &mut Vec<u64>,
    witness: &mut Witness,
) -> io::Result<()> {
    let from = plan.snapshot.as_ref().map(|snapshot| snapshot.position);
    let mut left = firsts.len();
    for (nth, first) in firsts.iter().enumerate().filter(|(_, first)| Some(**first) > from) {
        let name = FileKind::Segment.name(*first);
        let opened = Reader::open(disk, FileKind::Segment, &name)?;
        if left == firsts.len() {
            match &opened {
                Ok((_, header, _)) if header.awaits_snapshot => left = nth,
                _ => continue,
            }
        }
        let Ok((mut reader, header, _)) = opened else {
            witness.hear(*first, || format!("{name} begins at"));
            continue;
        };
        plan.start = plan.start.max(header.start);
        let rest = reader.look_behind()?;
        witness.hear(header.durable.max(rest.durable), || format!("{name} states"));
    }
    let awaiting = firsts.drain(left..).map(|first| FileKind::Segment.name(first));
    plan.obsolete.extend(awaiting);
    Ok(())
}

fn first_missing(from: u64, firsts: &[u64]) -> Damage {
    let what = match firsts.first() {
        Some(first) => format!("the first segment there is begins at {first}"),
        None => "there are no segments behind the snapshot".into(),
    };
    Damage { file: FileKind::Segment.name(from), offset: 0, position: from, what }
}

impl Walk<'_> {
    fn go(mut self, mut plan: Plan, snapshot: SnapshotFound) -> io::Result<Plan> {
        let mut index = 0;
        let ended = loop {
            if let Some(ended) = self.read_segment(index)? {
                break ended;
            }
            index += 1;
        };
        let dropped = self.look_at_later(index + 1, &ended)?;
        if !self.found_from {
            // The snapshot's position lies behind what can be read, or inside a frame.
            let beyond = self.from.max(ended.position + 1);
            self.witness.hear(beyond, || "the snapshot begins within it, at".into());
        }
        let position = ended.position;
        let is_durable = self.witness.durable > position;
        let behind = match (is_durable, ended.rest.written) {
            (true, _) => Behind::Durable,
            (false, true) => Behind::Written,
            (false, false) => Behind::Nothing,
        };
        let evidence = Evidence {
            snapshot,
            reach: Reach::Joined,
            stop: ended.stop,
            behind,
            length: ended.length,
        };
        let file = self.segments.get(ended.at).map_or_else(
            || FileKind::Segment.name(self.firsts[ended.at]),
            |segment| segment.name.clone(),
        );
        let mut what = ended.why;
        if is_durable {
            what = format!("{what}; yet {} {}", self.witness.says, self.witness.durable);
        }
        plan.torn = ended.rest.written.then(|| Torn {
            file: file.clone(),
            offset: ended.offset,
            position,
            frames: ended.rest.frames,
        });
        plan.segments = self.segments;
        plan.end = position.max(self.from);
        plan.stated_durable = self.stated_durable;
        plan.start = self.start;
        plan.time_ms = self.time_ms;
        plan.obsolete.extend(dropped);
        plan.decide(evidence, Damage { file, offset: ended.offset, position, what });
        Ok(plan)
    }

    /// Reads one segment; `None` if the next one goes on where it ends.
    fn read_segment(&mut self, index: usize) -> io::Result<Option<Ended>> {
        let first = self.firsts[index];
        let name = FileKind::Segment.name(first);
        let limit = self.firsts.get(index + 1).copied();
        let (mut reader, header, closing) = match Reader::open(self.disk, FileKind::Segment, &name)?
        {
            Ok(opened) => opened,
            Err(bad) => return Ok(Some(self.bad_header(index, bad))),
        };
        self.witness.hear(header.durable, || format!("{name} states"));
        self.stated_durable = self.stated_durable.max(header.durable);
        self.start = self.start.max(header.start);
        let (stop, why, frames) = self.read_frames(&mut reader, limit)?;
        let (position, offset) = (reader.position(), reader.offset());
        self.segments.push(FoundSegment {
            name: name.clone(),
            first,
            end: position,
            start: header.start,
            frames,
            file_bytes: reader.file_bytes(),
            is_orderly: stop == Stop::EndMark,
        });
        if limit == Some(position) {
            return Ok(None);
        }
        self.hear_closing(&name, closing, position, limit);
        let rest = reader.look_behind()?;
        self.witness.hear(rest.durable, || format!("a frame behind it in {name} states"));
        if rest.end_mark || (stop == Stop::EndMark && rest.frames > 0) {
            // Whatever lies before the mark of an end was durable.
            self.witness.hear(position + 1, || format!("{name} was ended in order at"));
        }
        let is_short = limit.is_none() && reader.file_bytes() < header.bytes;
        let length = if is_short { Length::Short } else { Length::Full };
        let why = if is_short {
            format!(
                "the file has {} bytes, and was made with {}",
                reader.file_bytes(),
                header.bytes
            )
        } else {
            why
        };
        Ok(Some(Ended { stop, at: index, offset, position, why, rest, length }))
    }

    /// A named segment's header had been synced, so it is damage.
    fn bad_header(&mut self, index: usize, bad: BadHeader) -> Ended {
        let position = self.firsts[index];
        self.witness
            .hear(position + 1, || "a segment's header is durable before its name is".into());
        Ended {
            stop: Stop::Bad,
            at: index,
            offset: 0,
            position,
            why: bad.to_string(),
            rest: Rest::default(),
            length: Length::Full,
        }
    }

    /// Reads frames until they end or the next segment begins; how they end, why, and how many.
    fn read_frames(
        &mut self,
        reader: &mut Reader,
        limit: Option<u64>,
    ) -> io::Result<(Stop, String, u64)> {
        let mut is_ended = false;
        let mut frames = 0;
        loop {
            let position = reader.position();
            self.found_from |= position == self.from;
            if limit.is_some_and(|limit| position >= limit) {
                if limit != Some(position) {
                    self.witness
                        .hear(position + 1, || "a frame runs past its segment's end, to".into());
                }
                break;
            }
            let bad = match reader.next_frame()? {
                Ok(Some(whole))
                    if is_ended || !matches!(whole.stamp.kind, Kind::Step | Kind::End) =>
                {
                    Bad::AfterEnd
                }
                Ok(Some(whole)) => {
                    is_ended = whole.stamp.kind == Kind::End;
                    self.time_ms = self.time_ms.max(whole.stamp.time_ms);
                    self.stated_durable = self.stated_durable.max(whole.stamp.durable);
                    self.witness.hear(whole.stamp.durable, || "a frame states".into());
                    frames += 1;
                    continue;
                }
                Ok(None) => break,
                Err(bad) => bad,
            };
            if bad == Bad::AfterEnd {
                self.witness
                    .hear(reader.position() + 1, || "a frame follows the end mark at".into());
            }
            let stop = if is_ended { Stop::EndMark } else { Stop::Bad };
            return Ok((stop, bad.to_string(), frames));
        }
        let stop = if is_ended { Stop::EndMark } else { Stop::Blank };
        Ok((stop, "nothing is written there".into(), frames))
    }

    /// The next segment is there before its predecessor is closed, so with a closing and no next
    /// segment one has been taken away. (With one, the closing proves nothing: it may have reached
    /// the disk before the frames that it closes.)
    fn hear_closing(&mut self, name: &str, closing: Closing, position: u64, limit: Option<u64>) {
        if limit.is_some() || closing == Closing::Open {
            return;
        }
        let end = if let Closing::At(end) = closing { end } else { position };
        self.witness.hear(end.max(position + 1), || format!("{name} is closed, and goes on at"));
    }

    /// Looks at the segments behind the one in which the frames end; the names of those that may go.
    ///
    /// One empty segment may be there: the power failed between its making and the first write to
    /// it, before the one before it was synced. Any more, or anything in it, had been preceded by a
    /// sync.
    fn look_at_later(&mut self, from: usize, ended: &Ended) -> io::Result<Vec<String>> {
        let later = self.firsts[from.min(self.firsts.len())..].to_vec();
        for (nth, first) in later.iter().enumerate() {
            let name = FileKind::Segment.name(*first);
            let is_empty = match Reader::open(self.disk, FileKind::Segment, &name)? {
                Err(_) => false,
                Ok((mut reader, header, _)) => {
                    self.witness.hear(header.durable, || format!("{name} states"));
                    self.start = self.start.max(header.start);
                    !reader.look_behind()?.written
                }
            };
            if !is_empty || nth > 0 {
                self.witness.hear((*first).max(ended.position + 1), || format!("{name} begins at"));
            }
        }
        Ok(later.into_iter().map(|first| FileKind::Segment.name(first)).collect())
    }
}

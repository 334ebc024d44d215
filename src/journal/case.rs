//! What a directory is found in, and what is done: recovery's decision table.
//!
//! The evidence is a handful of small facts. Every combination of them is one row's, and only one's
//! (a test walks them all), so no directory is met without a decision having been made for it.

use std::fmt;

/// The newest snapshot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SnapshotFound {
    None,
    Whole,
    /// The newest is damaged. What is loaded begins at an older one that is whole, or at nothing.
    Damaged,
}

/// Whether segments begin where they are needed: at the snapshot, or at position 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reach {
    /// There are no segments.
    NoSegments,
    Joined,
    /// There are segments, but what is needed lies before the first.
    Missing,
}

/// What stands where the frames that can be read in order end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stop {
    /// The last frame is the mark of an orderly end.
    EndMark,
    /// Nothing has been written behind the last frame.
    Blank,
    /// What stands there is not a whole frame.
    Bad,
}

/// What is known of the bytes behind that place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Behind {
    Nothing,
    /// Something was written there, and nothing says that it had been durable.
    Written,
    /// Something states that more had been durable than can be read.
    Durable,
}

/// The length of the last segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Length {
    Full,
    /// Shorter than its header says.
    Short,
}

/// All that is decided on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Evidence {
    pub snapshot: SnapshotFound,
    pub reach: Reach,
    pub stop: Stop,
    pub behind: Behind,
    pub length: Length,
}

/// What a directory is found in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Case {
    /// There is nothing yet.
    Fresh,
    /// The last start ended in order, and all of it is there.
    Orderly,
    /// The last start ended without a mark, and its last frame is whole.
    Crashed,
    /// The last group was not written whole. It is cut: nobody had been told of it.
    TornTail,
    /// Something that had been durable cannot be read.
    DamagedFrame,
    /// The last segment has been made shorter.
    ShortSegment,
    /// What lies behind the snapshot, or at the beginning, is not there.
    MissingSegment,
    /// The newest snapshot is damaged, and what it stands for is not there any more.
    DamagedSnapshot,
}

impl Case {
    /// The server must not start: something that was answered may be missing.
    pub fn stops(self) -> bool {
        match self {
            Self::Fresh | Self::Orderly | Self::Crashed | Self::TornTail => false,
            Self::DamagedFrame
            | Self::ShortSegment
            | Self::MissingSegment
            | Self::DamagedSnapshot => true,
        }
    }

    /// What an operator can do about a case that stops the start.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Fresh | Self::Orderly | Self::Crashed | Self::TornTail => "nothing is to be done",
            Self::DamagedFrame | Self::ShortSegment => {
                "put the file back from a copy, or have 'forebay check --repair' cut the journal \
                 there and tell what is lost"
            }
            Self::MissingSegment | Self::DamagedSnapshot => {
                "put the missing files back from a copy; without them what they held is lost"
            }
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fresh => "the directory holds nothing yet",
            Self::Orderly => "the last start ended in order",
            Self::Crashed => "the last start ended without a mark, all its frames are whole",
            Self::TornTail => "the last group was not written whole and is cut",
            Self::DamagedFrame => "something that had been durable cannot be read",
            Self::ShortSegment => "the last segment is shorter than it was made",
            Self::MissingSegment => "a part of the journal is missing",
            Self::DamagedSnapshot => "the snapshot is damaged and nothing else holds what it held",
        })
    }
}

/// A row: the values that each fact may have in it.
struct Row {
    case: Case,
    snapshot: &'static [SnapshotFound],
    reach: &'static [Reach],
    stop: &'static [Stop],
    behind: &'static [Behind],
    length: &'static [Length],
}

use Behind::{Durable, Nothing, Written};
use Length::{Full, Short};
use Reach::{Joined, Missing, NoSegments};
use SnapshotFound::{Damaged, None as NoSnapshot, Whole};
use Stop::{Bad, Blank, EndMark};

const ANY_SNAPSHOT: &[SnapshotFound] = &[NoSnapshot, Whole, Damaged];
const ANY_STOP: &[Stop] = &[EndMark, Blank, Bad];
const ANY_BEHIND: &[Behind] = &[Nothing, Written, Durable];
const ANY_LENGTH: &[Length] = &[Full, Short];

const fn start(case: Case, snapshot: &'static [SnapshotFound], reach: &'static [Reach]) -> Row {
    Row { case, snapshot, reach, stop: ANY_STOP, behind: ANY_BEHIND, length: ANY_LENGTH }
}

const fn end(
    case: Case,
    stop: &'static [Stop],
    behind: &'static [Behind],
    length: &'static [Length],
) -> Row {
    Row { case, snapshot: ANY_SNAPSHOT, reach: &[Joined], stop, behind, length }
}

/// Without a beginning the end does not matter; with one, it alone does.
const TABLE: &[Row] = &[
    start(Case::Fresh, &[NoSnapshot], &[NoSegments]),
    start(Case::MissingSegment, &[NoSnapshot], &[Missing]),
    start(Case::MissingSegment, &[Whole], &[NoSegments, Missing]),
    start(Case::DamagedSnapshot, &[Damaged], &[NoSegments, Missing]),
    end(Case::DamagedFrame, ANY_STOP, &[Durable], ANY_LENGTH),
    end(Case::ShortSegment, ANY_STOP, &[Nothing, Written], &[Short]),
    end(Case::Orderly, &[EndMark], &[Nothing, Written], &[Full]),
    end(Case::Crashed, &[Blank], &[Nothing], &[Full]),
    end(Case::TornTail, &[Blank], &[Written], &[Full]),
    end(Case::TornTail, &[Bad], &[Nothing, Written], &[Full]),
];

impl Evidence {
    /// The one case that the evidence makes.
    pub fn case(&self) -> Case {
        let row = TABLE.iter().find(|row| row.fits(self));
        row.expect("every combination has a row, as a test shows").case
    }
}

impl Row {
    fn fits(&self, evidence: &Evidence) -> bool {
        self.snapshot.contains(&evidence.snapshot)
            && self.reach.contains(&evidence.reach)
            && self.stop.contains(&evidence.stop)
            && self.behind.contains(&evidence.behind)
            && self.length.contains(&evidence.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_evidence() -> Vec<Evidence> {
        let mut all = Vec::new();
        for &snapshot in ANY_SNAPSHOT {
            for &reach in &[NoSegments, Joined, Missing] {
                for &stop in ANY_STOP {
                    for &behind in ANY_BEHIND {
                        for &length in ANY_LENGTH {
                            all.push(Evidence { snapshot, reach, stop, behind, length });
                        }
                    }
                }
            }
        }
        all
    }

    #[test]
    fn every_evidence_makes_exactly_one_case() {
        let all = every_evidence();
        assert_eq!(all.len(), 3 * 3 * 3 * 3 * 2);
        for evidence in all {
            let rows = TABLE.iter().filter(|row| row.fits(&evidence)).count();
            assert_eq!(rows, 1, "{evidence:?}");
        }
    }

    #[test]
    fn every_row_is_used_and_nothing_durable_is_ever_passed_over() {
        let all = every_evidence();
        for row in TABLE {
            assert!(all.iter().any(|evidence| row.fits(evidence)), "{:?} is never met", row.case);
        }
        for evidence in all {
            let loses = evidence.reach == Missing
                || (evidence.reach == NoSegments && evidence.snapshot != NoSnapshot)
                || (evidence.reach == Joined
                    && (evidence.behind == Durable || evidence.length == Short));
            assert_eq!(evidence.case().stops(), loses, "{evidence:?}");
        }
    }
}

//! A small set of integers: sorted, all as wide as the widest has needed so far.

use crate::types::number;

/// Integers in rising order. They do not become narrower again when the widest is removed.
#[derive(Clone, Debug)]
pub(super) enum Integers {
    Narrow(Vec<i16>),
    Middle(Vec<i32>),
    Wide(Vec<i64>),
}

/// Does the same to whichever width there is.
macro_rules! each_width {
    ($integers:expr, $list:ident => $result:expr) => {
        match $integers {
            Integers::Narrow($list) => $result,
            Integers::Middle($list) => $result,
            Integers::Wide($list) => $result,
        }
    };
}

impl Integers {
    pub fn new() -> Integers {
        Integers::Narrow(Vec::new())
    }

    /// None with room for integers of so many bytes; none if there is no such width.
    pub fn of_width(bytes: usize) -> Option<Integers> {
        match bytes {
            2 => Some(Integers::Narrow(Vec::new())),
            4 => Some(Integers::Middle(Vec::new())),
            8 => Some(Integers::Wide(Vec::new())),
            _ => None,
        }
    }

    /// Adds an integer above all others, of the width there is; false if it is not above them.
    pub fn push(&mut self, value: i64) -> bool {
        if self.len().checked_sub(1).is_some_and(|last| self.get(last) >= value) {
            return false;
        }
        match self {
            Integers::Narrow(list) => list.push(value as i16),
            Integers::Middle(list) => list.push(value as i32),
            Integers::Wide(list) => list.push(value),
        }
        true
    }

    pub fn len(&self) -> usize {
        each_width!(self, list => list.len())
    }

    /// Bytes of one integer: 2, 4 or 8.
    pub fn width(&self) -> usize {
        match self {
            Integers::Narrow(_) => 2,
            Integers::Middle(_) => 4,
            Integers::Wide(_) => 8,
        }
    }

    /// Bytes that the integers there are need, which may be less.
    pub fn width_min(&self) -> usize {
        let ends = self.len().checked_sub(1).map(|last| (self.get(0), self.get(last)));
        let (low, high) = ends.unwrap_or_default();
        match () {
            () if i16::try_from(low).is_ok() && i16::try_from(high).is_ok() => 2,
            () if i32::try_from(low).is_ok() && i32::try_from(high).is_ok() => 4,
            () => 8,
        }
    }

    pub fn heap_bytes(&self) -> usize {
        each_width!(self, list => list.capacity()) * self.width()
    }

    /// The integer at a place, which is below the length.
    pub fn get(&self, place: usize) -> i64 {
        match self {
            Integers::Narrow(list) => list[place].into(),
            Integers::Middle(list) => list[place].into(),
            Integers::Wide(list) => list[place],
        }
    }

    pub fn contains(&self, value: i64) -> bool {
        self.find(value).is_ok()
    }

    /// The place of a value, or where it would go.
    fn find(&self, value: i64) -> Result<usize, usize> {
        match self {
            Integers::Narrow(list) => list.binary_search_by(|known| i64::from(*known).cmp(&value)),
            Integers::Middle(list) => list.binary_search_by(|known| i64::from(*known).cmp(&value)),
            Integers::Wide(list) => list.binary_search(&value),
        }
    }

    /// False if it was there already.
    pub fn insert(&mut self, value: i64) -> bool {
        let Err(place) = self.find(value) else { return false };
        self.widen_for(value);
        match self {
            Integers::Narrow(list) => list.insert(place, value as i16),
            Integers::Middle(list) => list.insert(place, value as i32),
            Integers::Wide(list) => list.insert(place, value),
        }
        true
    }

    fn widen_for(&mut self, value: i64) {
        let fits = match self {
            Integers::Narrow(_) => i16::try_from(value).is_ok(),
            Integers::Middle(_) => i32::try_from(value).is_ok(),
            Integers::Wide(_) => true,
        };
        if fits {
            return;
        }
        let all = (0..self.len()).map(|place| self.get(place));
        *self = match i32::try_from(value) {
            Ok(_) => Integers::Middle(all.map(|value| value as i32).collect()),
            Err(_) => Integers::Wide(all.collect()),
        };
    }

    /// False if it was not there.
    pub fn remove(&mut self, value: i64) -> bool {
        let Ok(place) = self.find(value) else { return false };
        each_width!(self, list => {
            list.remove(place);
            // Room three quarters empty is given back by half.
            if list.len() < list.capacity() / 4 {
                list.shrink_to(list.len() * 2);
            }
        });
        true
    }

    /// The digits of the longest integer, sign included.
    pub fn digits_max(&self) -> usize {
        match self.len() {
            0 => 0,
            len => digits(self.get(0)).max(digits(self.get(len - 1))),
        }
    }
}

fn digits(value: i64) -> usize {
    itoa::Buffer::new().format(value).len()
}

/// A member that is kept as an integer where all are.
pub(super) fn parse(member: &[u8]) -> Option<i64> {
    // Longer than any integer: not worth a look at its bytes.
    if member.len() > number::I64_DIGITS_MAX { None } else { number::parse_i64(member) }
}

//! Finding a command by its name, whatever the case of its letters.

/// The slots of an open-addressed table from command names to positions in a list of commands,
/// built before the program starts.
///
/// The table holds positions only, so that it fits the cache: 2 KiB for 1,024 slots. With a quarter
/// of the slots in use nearly every name is found at the first one looked at.
pub struct NameIndex<const SLOTS: usize> {
    slots: [u16; SLOTS],
}

/// No command stands in this slot.
const FREE: u16 = u16::MAX;

impl<const SLOTS: usize> NameIndex<SLOTS> {
    const EMPTY: NameIndex<SLOTS> = NameIndex { slots: [FREE; SLOTS] };

    pub const fn new() -> NameIndex<SLOTS> {
        assert!(SLOTS.is_power_of_two(), "a slot is picked by masking the hash");
        NameIndex::EMPTY
    }

    /// Adds the command called `name` (in lower case) that stands at `position` in the list.
    ///
    /// # Panics
    ///
    /// If the table is full, which the compiler finds out.
    #[must_use]
    pub const fn with(mut self, name: &str, position: usize) -> NameIndex<SLOTS> {
        assert!(position < FREE as usize);
        let mut slot = hash(name.as_bytes()) as usize & (SLOTS - 1);
        let mut looked_at = 0;
        while self.slots[slot] != FREE {
            slot = (slot + 1) & (SLOTS - 1);
            looked_at += 1;
            assert!(looked_at < SLOTS, "more commands than slots");
        }
        self.slots[slot] = position as u16;
        self
    }

    /// The position of the command called `name`, with `name_at` telling the name at a position.
    #[inline]
    pub fn find(
        &self,
        name: &[u8],
        mut name_at: impl FnMut(usize) -> &'static str,
    ) -> Option<usize> {
        let mut slot = hash(name) as usize & (SLOTS - 1);
        // A table that `with` did not refuse may still be full; look at each slot once at most.
        for _ in 0..SLOTS {
            let position = self.slots[slot];
            if position == FREE {
                return None;
            }
            let position = usize::from(position);
            if name_at(position).as_bytes().eq_ignore_ascii_case(name) {
                return Some(position);
            }
            slot = (slot + 1) & (SLOTS - 1);
        }
        None
    }
}

impl<const SLOTS: usize> Default for NameIndex<SLOTS> {
    fn default() -> Self {
        NameIndex::new()
    }
}

/// Mixes the length with the first and the last eight bytes, letters folded to lower case. Command
/// names are short, so this sees nearly all of them whole; folding may merge other characters
/// (`@` and a backquote), which the comparison that follows tells apart.
const fn hash(name: &[u8]) -> u64 {
    const LOWER_CASE: u64 = 0x2020_2020_2020_2020;
    const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
    let (head, tail) = match name.len() {
        0..8 => (short_word(name), 0),
        length => (whole_word(name, 0), whole_word(name, length - 8)),
    };
    let head = (head | LOWER_CASE) ^ (name.len() as u64);
    let mixed = head.wrapping_mul(SPREAD) ^ (tail | LOWER_CASE).rotate_left(29);
    let mixed = mixed.wrapping_mul(SPREAD);
    mixed ^ (mixed >> 32)
}

#[inline]
const fn whole_word(name: &[u8], at: usize) -> u64 {
    match name.split_at(at).1.first_chunk::<8>() {
        Some(bytes) => u64::from_le_bytes(*bytes),
        None => 0,
    }
}

/// Fewer than eight bytes as one number, from two halves that may overlap.
#[inline]
const fn short_word(name: &[u8]) -> u64 {
    if let (Some(head), Some(tail)) = (name.first_chunk::<4>(), name.last_chunk::<4>()) {
        return u32::from_le_bytes(*head) as u64 | (u32::from_le_bytes(*tail) as u64) << 32;
    }
    match name {
        [] => 0,
        [a] => *a as u64,
        [a, b] => *a as u64 | (*b as u64) << 8,
        [a, b, c, ..] => *a as u64 | (*b as u64) << 8 | (*c as u64) << 16,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::spec;

    const SLOTS: usize = 1024;

    fn names() -> Vec<&'static str> {
        spec::ALL.iter().flat_map(|group| group.iter().map(|spec| spec.name)).collect()
    }

    fn index(names: &[&'static str]) -> NameIndex<SLOTS> {
        let empty = NameIndex::new();
        names.iter().enumerate().fold(empty, |index, (at, name)| index.with(name, at))
    }

    #[test]
    fn finds_every_name_in_any_case_and_nothing_else() {
        let names = names();
        let index = index(&names);
        for (at, name) in names.iter().enumerate() {
            let mixed: String = name
                .char_indices()
                .map(|(i, c)| if i % 2 == 0 { c.to_ascii_uppercase() } else { c })
                .collect();
            for spelled in [name.to_string(), name.to_uppercase(), mixed] {
                assert_eq!(index.find(spelled.as_bytes(), |at| names[at]), Some(at), "{spelled}");
            }
            let longer = format!("{name}~");
            assert_eq!(index.find(longer.as_bytes(), |at| names[at]), None, "{longer}");
            let shorter = &name[..name.len() - 1];
            let known = names.iter().position(|name| *name == shorter);
            assert_eq!(index.find(shorter.as_bytes(), |at| names[at]), known, "{shorter}");
        }
        assert_eq!(index.find(b"", |at| names[at]), None);
        assert_eq!(index.find(&[0xff; 4000], |at| names[at]), None);
    }

    #[test]
    fn looks_at_few_slots() {
        let names = names();
        let index = index(&names);
        let mut looked_at = 0;
        for name in &names {
            index.find(name.as_bytes(), |at| {
                looked_at += 1;
                names[at]
            });
        }
        assert!(looked_at * 10 <= names.len() * 12, "{looked_at} slots for {} names", names.len());
    }

    #[test]
    fn a_full_table_ends_the_search() {
        let names = ["a", "b"];
        let index = NameIndex::<2>::new().with("a", 0).with("b", 1);
        assert_eq!(index.find(b"c", |at| names[at]), None);
    }
}

//! Finding a command by its name, whatever the case of its letters.

/// An open-addressed table from command names to positions in a list of commands.
///
/// A slot holds the name's ends in lower case, which for names of up to sixteen bytes is all of
/// it, so that a lookup compares two numbers and never walks over bytes. With a sixth of the slots
/// in use nearly every name is found at the first one looked at.
pub struct NameIndex<const SLOTS: usize> {
    slots: [Slot; SLOTS],
}

#[derive(Clone, Copy)]
struct Slot {
    folded: Folded,
    /// Position of the command in its list; [`FREE`] if no command stands here.
    position: u16,
}

const FREE: u16 = u16::MAX;

/// The first and the last eight bytes of a name, in lower case, and its length. They overlap in
/// names of less than sixteen bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Folded {
    head: u64,
    tail: u64,
    len: u32,
}

impl<const SLOTS: usize> NameIndex<SLOTS> {
    pub const fn new() -> NameIndex<SLOTS> {
        assert!(SLOTS.is_power_of_two(), "a slot is picked by masking the hash");
        let slot = Slot { folded: Folded { head: 0, tail: 0, len: 0 }, position: FREE };
        NameIndex { slots: [slot; SLOTS] }
    }

    /// Adds the command called `name` that stands at `position` in the list.
    ///
    /// # Panics
    ///
    /// If the table is full.
    #[must_use]
    pub const fn with(mut self, name: &str, position: usize) -> NameIndex<SLOTS> {
        assert!(position < FREE as usize);
        let folded = Folded::new(name.as_bytes());
        let mut slot = folded.hash() & (SLOTS - 1);
        let mut looked_at = 0;
        while self.slots[slot].position != FREE {
            slot = (slot + 1) & (SLOTS - 1);
            looked_at += 1;
            assert!(looked_at < SLOTS, "more commands than slots");
        }
        self.slots[slot] = Slot { folded, position: position as u16 };
        self
    }

    /// The position of the command called `name`. `name_at`, which tells the name at a position, is
    /// asked only about names longer than sixteen bytes.
    #[inline]
    pub fn find(
        &self,
        name: &[u8],
        mut name_at: impl FnMut(usize) -> &'static str,
    ) -> Option<usize> {
        let wanted = Folded::new(name);
        let mut slot = wanted.hash() & (SLOTS - 1);
        // A table that `with` did not refuse may still be full; look at each slot once at most.
        for _ in 0..SLOTS {
            let Slot { folded, position } = self.slots[slot];
            if position == FREE {
                return None;
            }
            let position = usize::from(position);
            let ends_match = folded.head == wanted.head
                && folded.tail == wanted.tail
                && folded.len == wanted.len;
            if ends_match
                && (name.len() <= Folded::NAME_BYTES_MAX
                    || name_at(position).as_bytes().eq_ignore_ascii_case(name))
            {
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

impl Folded {
    /// All of a name of up to so many bytes is in it.
    pub const NAME_BYTES_MAX: usize = 16;

    #[inline]
    pub const fn new(name: &[u8]) -> Folded {
        let (head, tail) = match (name.first_chunk::<8>(), name.last_chunk::<8>()) {
            (Some(head), Some(tail)) => (u64::from_le_bytes(*head), u64::from_le_bytes(*tail)),
            _ => (short_word(name), 0),
        };
        // A name of 4 GiB is refused by its ends and its length modulo 4 GiB as well as any other:
        // it is longer than sixteen bytes, so all of it is compared.
        Folded { head: lower_case(head), tail: lower_case(tail), len: name.len() as u32 }
    }

    #[inline]
    const fn hash(self) -> usize {
        const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
        let mixed = (self.head ^ self.len as u64).wrapping_mul(SPREAD) ^ self.tail.rotate_left(29);
        let mixed = mixed.wrapping_mul(SPREAD);
        (mixed ^ (mixed >> 32)) as usize
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

/// Eight bytes at once: those from `A` to `Z` get the bit that makes them small letters.
#[inline]
const fn lower_case(word: u64) -> u64 {
    const EACH: u64 = 0x0101_0101_0101_0101;
    // Seven bits a byte, so that a sum stays within its byte; the top bit then says "at least".
    let low_bits = word & (0x7f * EACH);
    let from_a = low_bits + (0x80 - b'A' as u64) * EACH;
    let beyond_z = low_bits + (0x7f - b'Z' as u64) * EACH;
    let is_ascii = !word & (0x80 * EACH);
    let is_upper = is_ascii & (from_a ^ beyond_z);
    word | (is_upper >> 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::spec;

    const SLOTS: usize = 2048;

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
    fn most_names_are_at_the_first_slot_looked_at() {
        let names = names();
        let index = index(&names);
        let first = |name: &&&str| {
            let slot = Folded::new(name.as_bytes()).hash() & (SLOTS - 1);
            names[usize::from(index.slots[slot].position)] == **name
        };
        let found_first = names.iter().filter(first).count();
        assert!(found_first * 10 >= names.len() * 9, "{found_first} of {}", names.len());
    }

    #[test]
    fn long_names_are_compared_whole() {
        let names = ["georadiusbymember_ro", "georadiusbymembes_ro"];
        let index = index(&names);
        assert_eq!(index.find(b"GEORADIUSBYMEMBER_RO", |at| names[at]), Some(0));
        assert_eq!(index.find(b"GEORADIUSBYMEMBES_RO", |at| names[at]), Some(1));
        assert_eq!(index.find(b"GEORADIUS_YMEMBER_RO", |at| names[at]), None);
    }

    #[test]
    fn only_letters_are_folded() {
        let bytes: Vec<u8> = (0..=255).collect();
        for chunk in bytes.chunks_exact(8) {
            let chunk: [u8; 8] = chunk.try_into().expect("chunks of eight");
            let folded = lower_case(u64::from_le_bytes(chunk)).to_le_bytes();
            assert_eq!(folded, chunk.map(|byte| byte.to_ascii_lowercase()));
        }
    }

    #[test]
    fn a_full_table_ends_the_search() {
        let names = ["a", "b"];
        let index = NameIndex::<2>::new().with("a", 0).with("b", 1);
        assert_eq!(index.find(b"c", |at| names[at]), None);
    }
}

//! What a piece's first byte says.

use super::BadImage;

/// Writes the tags down once, with their numbers.
macro_rules! tags {
    ($($(#[doc = $doc:literal])* $name:ident = $number:literal,)*) => {
        /// The first byte of a piece: whose it is, what it holds, and in which layout.
        ///
        /// A number is never given another meaning: a layout that changes gets a new one, and readers
        /// keep the old beside it.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub enum Tag {
            $($(#[doc = $doc])* $name = $number,)*
        }

        impl Tag {
            #[cfg(test)]
            pub const ALL: &[Tag] = &[$(Tag::$name,)*];
        }

        impl TryFrom<u8> for Tag {
            type Error = BadImage;

            fn try_from(number: u8) -> Result<Tag, BadImage> {
                match number {
                    $($number => Ok(Tag::$name),)*
                    _ => Err(BadImage("a piece of an unknown kind")),
                }
            }
        }
    };
}

tags! {
    /// A string that is an integer.
    StringInteger = 1,
    /// A short string without room to grow.
    StringEmbedded = 2,
    /// A string, or the first part of one.
    StringRaw = 3,
    /// The next part of a string.
    StringMore = 4,
    /// A short list.
    ListPacked = 16,
    /// A long list, but for its chunks.
    ListLong = 17,
    /// A chunk of a long list.
    ListChunk = 18,
    /// A set of integers, or the first of them.
    SetIntegers = 64,
    /// The next integers of the set.
    SetMore = 65,
    /// A short set.
    SetPacked = 66,
    /// A long set, but for its members.
    SetTable = 67,
    /// Members of a long set.
    SetMembers = 68,
    /// What a stream holds but for all that follows.
    Stream = 32,
    /// Where Redis's nodes end.
    StreamNodes = 33,
    /// A block of entries.
    StreamBlock = 34,
    /// Idempotency ids.
    StreamIdmp = 35,
    /// A group, but for its consumers and what is pending.
    StreamGroup = 36,
    /// Consumers of the group.
    StreamConsumers = 37,
    /// Pending entries of the group.
    StreamPending = 38,
    /// The stream's policy.
    StreamPolicy = 39,
    /// The group's policy.
    GroupPolicy = 40,
    /// When entries of the stream may be delivered and when they expire, but for all that follows.
    StreamSchedule = 41,
    /// Entries that are delayed.
    StreamDelays = 42,
    /// Entries that will expire.
    StreamExpiries = 43,
    /// Entries that have expired and are still held.
    StreamExpired = 44,
    /// Messages that the stream has had, but for all that follows.
    StreamDedup = 45,
    /// Some of them.
    StreamMessages = 46,
    /// Which entries of the group stand in which line.
    GroupOrder = 47,
    /// Deliveries that the group's rate counts.
    GroupPace = 56,
    /// Entries of the stream that are for one group alone.
    StreamAddressed = 57,
    /// A small hash.
    HashPacked = 48,
    /// A large hash, but for its fields.
    HashLarge = 49,
    /// Fields of a large hash.
    HashChunk = 50,
    /// A small sorted set.
    ZsetPacked = 80,
    /// A large sorted set, but for its members.
    ZsetLarge = 81,
    /// Members of a large sorted set.
    ZsetChunk = 82,
}

//! What a field holds, and how it is packed.
//!
//! ```text
//! value length * 2 + (1 with a deadline), LEB128
//! the deadline, unix ms, low end first      8 bytes, if there is one
//! the value
//! ```

use crate::types::dict::Payload;
use crate::types::dict::chunk::{read_varint, varint_len, write_varint};
use crate::types::image::{BadImage, Cut};

/// No deadline.
pub const NEVER: i64 = i64::MAX;
/// The last millisecond that a deadline of a field can be at: Redis keeps 46 bits of them.
pub const DEADLINE_MS_MAX: i64 = (1 << 46) - 1;

/// A field's value, and when the field is gone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Field<'a> {
    pub value: &'a [u8],
    /// Unix ms; [`NEVER`] if it stays.
    pub expire_at_ms: i64,
}

impl<'a> Field<'a> {
    /// A field that stays.
    pub fn new(value: &'a [u8]) -> Field<'a> {
        Field { value, expire_at_ms: NEVER }
    }

    /// Whether it is gone at this time, unix ms.
    #[inline]
    pub fn is_due(&self, now_ms: i64) -> bool {
        self.expire_at_ms <= now_ms
    }
}

/// [`Field`]s in a dict.
#[derive(Clone)]
pub(super) struct Packing;

fn head(field: &Field<'_>) -> usize {
    field.value.len() << 1 | usize::from(field.expire_at_ms != NEVER)
}

impl Payload for Packing {
    type Ref<'a> = Field<'a>;

    #[inline]
    fn packed_len(field: Field<'_>) -> usize {
        let head = head(&field);
        varint_len(head) + (head & 1) * size_of::<i64>() + field.value.len()
    }

    #[inline]
    fn pack(field: Field<'_>, place: &mut [u8]) {
        let mut rest = write_varint(place, head(&field));
        if field.expire_at_ms != NEVER {
            let (deadline, value) = rest.split_at_mut(size_of::<i64>());
            deadline.copy_from_slice(&field.expire_at_ms.to_le_bytes());
            rest = value;
        }
        rest.copy_from_slice(field.value);
    }

    #[inline]
    fn unpack(packed: &[u8]) -> Field<'_> {
        let (head, mut rest) = read_varint(packed);
        let mut expire_at_ms = NEVER;
        if head & 1 == 1
            && let Some((deadline, value)) = rest.split_first_chunk()
        {
            expire_at_ms = i64::from_le_bytes(*deadline);
            rest = value;
        }
        Field { value: &rest[..head >> 1], expire_at_ms }
    }

    fn read<'a>(cut: &mut Cut<'a>) -> Result<Field<'a>, BadImage> {
        let head = cut.varint()?;
        let expire_at_ms = if head & 1 == 1 { i64::from_le_bytes(cut.array()?) } else { NEVER };
        if head & 1 == 1 && expire_at_ms == NEVER {
            return Err(BadImage("a deadline that is none"));
        }
        let len = usize::try_from(head >> 1).map_err(|_| BadImage("a value too long"))?;
        Ok(Field { value: cut.take(len)?, expire_at_ms })
    }
}

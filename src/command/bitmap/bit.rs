//! GETBIT and SETBIT.

use super::{changed, made_raw, offset};
use crate::command::args;
use crate::command::cx::Cx;
use crate::command::error::{Error, Outcome};
use crate::types::bits;
use crate::types::string::StringValue;

const BAD_BIT: Error = Error::fixed("ERR bit is not an integer or out of range");

pub(super) fn getbit(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let place = offset(cx, args[2])?;
    let string = cx.tx.read::<StringValue>(args[1])?;
    let bit = string.is_some_and(|string| bits::get(&string.text(), place));
    cx.reply.int(i64::from(bit));
    Ok(())
}

pub(super) fn setbit(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let place = offset(cx, args[2])?;
    let bit = args::integer_in(args[3], 0, 1, BAD_BIT)? == 1;
    let string = cx.tx.write_or_insert(args[1], || StringValue::raw(Vec::new()))?;
    let (len_before, was_raw) = (string.len(), string.is_raw());
    let bytes = string.bytes_mut((place / 8) as usize + 1);
    let before = bits::get(bytes, place);
    bits::set(bytes, place, bit);
    if before != bit || bytes.len() > len_before {
        changed(cx, args);
    } else if !was_raw {
        made_raw(cx, args);
    }
    cx.reply.int(i64::from(before));
    Ok(())
}

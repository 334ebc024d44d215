//! BITOP: strings combined bit by bit.

use smallvec::SmallVec;

use crate::command::args;
use crate::command::cx::Cx;
use crate::command::error::{Error, Outcome};
use crate::keyspace::{EventClass, Tx, Value};
use crate::types::bits::{self, Operation};
use crate::types::string::StringValue;
use crate::types::text::Text;

const OPERATIONS: &[(&str, Operation)] = &[
    ("AND", Operation::And),
    ("OR", Operation::Or),
    ("XOR", Operation::Xor),
    ("NOT", Operation::Not),
    ("DIFF", Operation::Diff),
    ("DIFF1", Operation::Diff1),
    ("ANDOR", Operation::AndOr),
    ("ONE", Operation::One),
];

fn parse_operation(word: &[u8], sources: usize) -> Result<Operation, Error> {
    let found = OPERATIONS.iter().find(|(name, _)| args::is(word, name));
    let &(name, operation) = found.ok_or(Error::SYNTAX)?;
    match operation {
        Operation::Not if sources != 1 => {
            Err(Error::fixed("ERR BITOP NOT must be called with a single source key."))
        }
        Operation::Diff | Operation::Diff1 | Operation::AndOr if sources < 2 => Err(Error::new(
            format!("ERR BITOP {name} must be called with at least two source keys."),
        )),
        _ => Ok(operation),
    }
}

/// The outcome of an operation on the strings at keys; a missing one is empty.
fn combined(tx: &Tx<'_>, operation: Operation, keys: &[&[u8]]) -> Result<Vec<u8>, Error> {
    let mut texts: SmallVec<[Text<'_>; 4]> = SmallVec::new();
    for key in keys {
        let string = tx.peek_as::<StringValue>(key)?;
        texts.push(string.map_or(Text::Bytes(b""), StringValue::text));
    }
    let rows: SmallVec<[&[u8]; 4]> = texts.iter().map(|text| &**text).collect();
    Ok(bits::combine(operation, &rows))
}

pub(super) fn bitop(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let (to, keys) = (args[2], &args[3..]);
    let operation = parse_operation(args[1], keys.len())?;
    // The effect names them, and in a replay nothing expires by itself.
    keys.iter().for_each(|key| cx.tx.end_if_due(key));
    for key in keys {
        cx.tx.read::<StringValue>(key)?;
    }
    let outcome = combined(cx.tx, operation, keys)?;
    cx.reply.count(outcome.len());
    let outcome = (!outcome.is_empty()).then(|| Value::String(StringValue::raw(outcome)));
    cx.store(to, outcome, EventClass::STRING, "set", args);
    Ok(())
}

//! Commands on keys of any type. An example of a family; more follow.

use super::cx::Cx;
use super::error::Outcome;
use super::table::{Entry, keys};

pub(super) static COMMANDS: &[Entry] =
    &[keys("del", del), keys("unlink", del), keys("exists", exists)];

fn del(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let mut removed = 0;
    for key in &args[1..] {
        if cx.tx.remove(key) {
            cx.tx.changed(key);
            cx.tx.record(&[b"DEL", key]);
            removed += 1;
        }
    }
    cx.reply.int(removed);
    Ok(())
}

fn exists(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let found = args[1..].iter().filter(|key| cx.tx.get(key).is_some()).count();
    cx.reply.count(found);
    Ok(())
}

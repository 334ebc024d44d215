//! One command as COMMAND and COMMAND INFO describe it.

use crate::command::spec::{Begin, Find, KeySpec, Spec};
use crate::command::table;
use crate::resp::Reply;

pub(super) fn write(reply: &mut Reply<'_>, spec: &'static Spec) {
    reply.array(10);
    reply.text(spec.name);
    reply.int(i64::from(spec.arity));
    write_words(reply, spec.flags.told().names(), "");
    let (first, last, step) = spec.key_range();
    reply.int(first);
    reply.int(last);
    reply.int(step);
    write_words(reply, spec.categories.names(), "@");
    reply.set(spec.tips.len());
    for tip in spec.tips {
        reply.text(tip);
    }
    reply.set(spec.keys.len());
    for key_spec in spec.keys {
        write_key_spec(reply, key_spec);
    }
    let below: Vec<&'static Spec> = table::below(spec).collect();
    if below.is_empty() {
        // What Redis sends where there are none: the set is a slip of its that clients have seen
        // ever since.
        reply.set(0);
        return;
    }
    reply.array(below.len());
    for spec in below {
        write(reply, spec);
    }
}

pub(super) fn write_words<'a>(
    reply: &mut Reply<'_>,
    words: impl Iterator<Item = &'a str>,
    prefix: &str,
) {
    let words: Vec<&str> = words.collect();
    reply.set(words.len());
    for word in words {
        reply.simple(&format!("{prefix}{word}"));
    }
}

fn write_key_spec(reply: &mut Reply<'_>, spec: &KeySpec) {
    reply.map(3);
    reply.text("flags");
    write_words(reply, spec.flags.names(), "");
    reply.text("begin_search");
    match spec.begin {
        Begin::Index(index) => write_search(reply, "index", &[("index", index.into())]),
        Begin::Keyword { word, from } => {
            reply.map(2);
            reply.text("type");
            reply.text("keyword");
            reply.text("spec");
            reply.map(2);
            reply.text("keyword");
            reply.text(word);
            reply.text("startfrom");
            reply.int(from.into());
        }
        Begin::Unknown => write_search(reply, "unknown", &[]),
    }
    reply.text("find_keys");
    match spec.find {
        Find::Range { last, step, limit } => {
            let numbers =
                [("lastkey", last.into()), ("keystep", step.into()), ("limit", limit.into())];
            write_search(reply, "range", &numbers);
        }
        Find::Count { count, first, step } => {
            let numbers =
                [("keynumidx", count.into()), ("firstkey", first.into()), ("keystep", step.into())];
            write_search(reply, "keynum", &numbers);
        }
        Find::Unknown => write_search(reply, "unknown", &[]),
    }
}

fn write_search(reply: &mut Reply<'_>, kind: &str, numbers: &[(&str, i64)]) {
    reply.map(2);
    reply.text("type");
    reply.text(kind);
    reply.text("spec");
    reply.map(numbers.len());
    for (name, number) in numbers {
        reply.text(name);
        reply.int(*number);
    }
}

//! COMMAND: the table of commands, told to clients.

mod docs;
mod keys_of;
mod shape;

use super::args;
use super::cx::Cx;
use super::error::{Error, Outcome};
use super::help::help;
use super::spec::{Categories, Spec};
use super::table::{self, Entry, keys};
use crate::glob::{self, Case};
use crate::resp::Reply;

pub(super) static COMMANDS: &[Entry] = &[
    keys("command", all),
    keys("command|count", count),
    keys("command|docs", docs::docs),
    keys("command|getkeys", keys_of::getkeys),
    keys("command|getkeysandflags", keys_of::getkeysandflags),
    keys("command|help", help),
    keys("command|info", info),
    keys("command|list", list),
];

fn all(cx: &mut Cx<'_, '_>, _: &[&[u8]]) -> Outcome {
    cx.reply.array(table::tops().len());
    for spec in table::tops() {
        shape::write(&mut cx.reply, spec);
    }
    Ok(())
}

fn count(cx: &mut Cx<'_, '_>, _: &[&[u8]]) -> Outcome {
    cx.reply.count(table::tops().len());
    Ok(())
}

/// A null stands for a name that is no command's.
fn info(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    if args.len() == 2 {
        return all(cx, args);
    }
    cx.reply.array(args.len() - 2);
    for name in &args[2..] {
        match table::spec_named(name) {
            Some(spec) => shape::write(&mut cx.reply, spec),
            None => cx.reply.null(),
        }
    }
    Ok(())
}

/// Which commands COMMAND LIST names.
enum Filter<'a> {
    /// No command comes from a module.
    Module,
    Category(Option<Categories>),
    Pattern(&'a [u8]),
}

impl Filter<'_> {
    fn allows(&self, spec: &Spec) -> bool {
        match self {
            Filter::Module => false,
            Filter::Category(category) => category.is_some_and(|it| spec.categories.has(it)),
            Filter::Pattern(pattern) => glob::matches(pattern, spec.name.as_bytes(), Case::Ignored),
        }
    }
}

/// Without a filter only whole commands are named; with one, subcommands as well.
fn list(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let filter = match args[2..] {
        [] => {
            write_names(&mut cx.reply, table::tops().iter().copied());
            return Ok(());
        }
        [by, what, value] if args::is(by, "FILTERBY") => {
            if args::is(what, "MODULE") {
                Filter::Module
            } else if args::is(what, "ACLCAT") {
                Filter::Category(Categories::named(value))
            } else if args::is(what, "PATTERN") {
                Filter::Pattern(value)
            } else {
                return Err(Error::SYNTAX);
            }
        }
        _ => return Err(Error::SYNTAX),
    };
    let specs = table::tops().iter().flat_map(|top| std::iter::once(*top).chain(table::below(top)));
    write_names(&mut cx.reply, specs.filter(|spec| filter.allows(spec)));
    Ok(())
}

fn write_names(reply: &mut Reply<'_>, specs: impl Iterator<Item = &'static Spec>) {
    let names: Vec<&str> = specs.map(|spec| spec.name).collect();
    reply.array(names.len());
    for name in names {
        reply.text(name);
    }
}

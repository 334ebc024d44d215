//! COMMAND DOCS: what commands are for, and what arguments they take.

use super::shape;
use crate::command::cx::Cx;
use crate::command::error::Outcome;
use crate::command::spec::{Argument, ArgumentKind, Spec};
use crate::command::table;
use crate::resp::Reply;

/// Names that are no command's are left out.
pub(super) fn docs(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let specs: Vec<&'static Spec> = match &args[2..] {
        [] => table::tops().to_vec(),
        names => names.iter().filter_map(|name| table::spec_named(name)).collect(),
    };
    write_all(&mut cx.reply, &specs);
    Ok(())
}

fn write_all(reply: &mut Reply<'_>, specs: &[&'static Spec]) {
    reply.map(specs.len());
    for spec in specs {
        reply.text(spec.name);
        write(reply, spec);
    }
}

fn write(reply: &mut Reply<'_>, spec: &'static Spec) {
    let below: Vec<&'static Spec> = table::below(spec).collect();
    let flags = [(spec.deprecated.is_some(), "deprecated"), (spec.is_system, "syscmd")];
    let flags: Vec<&str> = flags.iter().filter(|(set, _)| *set).map(|(_, name)| *name).collect();
    let fields = 4
        + usize::from(!flags.is_empty())
        + if spec.deprecated.is_some() { 2 } else { 0 }
        + usize::from(!spec.arguments.is_empty())
        + usize::from(!below.is_empty());
    reply.map(fields);
    write_text(reply, "summary", spec.summary);
    write_text(reply, "since", spec.since);
    write_text(reply, "group", spec.group.name());
    write_text(reply, "complexity", spec.complexity);
    if !flags.is_empty() {
        reply.text("doc_flags");
        shape::write_words(reply, flags.into_iter(), "");
    }
    if let Some(deprecated) = spec.deprecated {
        write_text(reply, "deprecated_since", deprecated.since);
        write_text(reply, "replaced_by", deprecated.replaced_by);
    }
    if !spec.arguments.is_empty() {
        reply.text("arguments");
        write_arguments(reply, spec.arguments);
    }
    if !below.is_empty() {
        reply.text("subcommands");
        write_all(reply, &below);
    }
}

fn write_text(reply: &mut Reply<'_>, name: &str, text: &str) {
    reply.text(name);
    reply.text(text);
}

fn write_arguments(reply: &mut Reply<'_>, arguments: &[Argument]) {
    reply.array(arguments.len());
    for argument in arguments {
        write_argument(reply, argument);
    }
}

fn write_argument(reply: &mut Reply<'_>, argument: &Argument) {
    let is_container = matches!(argument.kind, ArgumentKind::OneOf | ArgumentKind::Block);
    let flags = [
        (argument.optional, "optional"),
        (argument.multiple, "multiple"),
        (argument.multiple_token, "multiple_token"),
    ];
    let flags: Vec<&str> = flags.iter().filter(|(set, _)| *set).map(|(_, name)| *name).collect();
    let fields = 3
        + usize::from(argument.key_spec.is_some())
        + usize::from(argument.token.is_some())
        + usize::from(argument.since.is_some())
        + usize::from(argument.deprecated_since.is_some())
        + usize::from(!flags.is_empty());
    reply.map(fields);
    write_text(reply, "name", argument.name);
    write_text(reply, "type", argument.kind.name());
    if !is_container {
        write_text(reply, "display_text", argument.shown_name());
    }
    if let Some(number) = argument.key_spec {
        reply.text("key_spec_index");
        reply.int(i64::from(number));
    }
    if let Some(token) = argument.token {
        write_text(reply, "token", token);
    }
    if let Some(since) = argument.since {
        write_text(reply, "since", since);
    }
    if let Some(version) = argument.deprecated_since {
        write_text(reply, "deprecated_since", version);
    }
    if !flags.is_empty() {
        reply.text("flags");
        shape::write_words(reply, flags.into_iter(), "");
    }
    if is_container {
        reply.text("arguments");
        write_arguments(reply, argument.arguments);
    }
}

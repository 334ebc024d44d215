//! The HELP subcommand of every container, told from the specs of its subcommands.

use super::cx::Cx;
use super::error::Outcome;
use super::spec::{self, Spec};

/// Lists the subcommands of the container that the request names, each with its syntax and what it
/// is for.
pub(super) fn help(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let container = container(args[0]);
    let name = container.name.to_uppercase();
    cx.reply.array(1 + 2 * container.subcommands.len());
    cx.reply.simple(&format!("{name} takes one of these subcommands:"));
    for spec in container.subcommands {
        cx.reply.simple(&spec.short_syntax());
        cx.reply.simple(&format!("    {}", spec.summary));
    }
    Ok(())
}

fn container(name: &[u8]) -> &'static Spec {
    let mut specs = spec::ALL.iter().flat_map(|group| group.iter().copied());
    specs
        .find(|spec| spec.name.as_bytes().eq_ignore_ascii_case(name))
        .expect("HELP is called through a container that the tables know")
}

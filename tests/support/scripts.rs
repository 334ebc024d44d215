//! Random scripts and functions that run random commands.

use super::commands::Generator;

/// Runs the commands that `args` spells, each behind the number of its words.
const RUN: &str = "local at=1 while args[at] do local n=tonumber(args[at]) local words={} \
                   for i=1,n do words[i]=args[at+i] end at=at+n+1 redis.pcall(unpack(words)) end ";

/// What the commands of [`draw`] are called.
pub const NAMES: &[&str] = &["EVAL", "EVALSHA", "SCRIPT", "FCALL", "FUNCTION"];

fn words(words: &[&str]) -> Vec<Vec<u8>> {
    words.iter().map(|word| word.as_bytes().to_vec()).collect()
}

/// A script that runs what its arguments spell and ends as `end` says.
fn script(end: &str) -> String {
    format!("local args=ARGV {RUN}{end}")
}

/// A library `name` of one function, which is called like it.
fn library(name: &str, end: &str) -> String {
    format!(
        "#!lua name={name}\nredis.register_function('{name}',function(keys,args) {RUN}{end} end)"
    )
}

/// Draws a command that runs others, or that keeps or forgets a script or function.
pub fn draw(generator: &mut Generator) -> Vec<Vec<u8>> {
    let ends = ["return 1", "error('after it has written')", "return redis.call('nosuch')"];
    let end = ends[generator.below(5).saturating_sub(2) as usize];
    let name = ["first", "second"][generator.below(2) as usize];
    match generator.below(12) {
        0..4 => spelled(generator, &["EVAL", &script(end), "0"]),
        // The digest of `script("return 1")`, which SCRIPT LOAD brings.
        4 | 5 => spelled(generator, &["EVALSHA", &sha_of(&script("return 1")), "0"]),
        6 => words(&["SCRIPT", "LOAD", &script("return 1")]),
        7 | 8 => spelled(generator, &["FCALL", name, "0"]),
        9 => words(&["FUNCTION", "LOAD", "REPLACE", &library(name, end)]),
        10 => words(&["FUNCTION", "LOAD", &library(name, "return 2")]),
        _ => match generator.below(4) {
            0 => words(&["FUNCTION", "FLUSH"]),
            1 => words(&["SCRIPT", "FLUSH"]),
            _ => words(&["FUNCTION", "DELETE", name]),
        },
    }
}

fn sha_of(source: &str) -> String {
    forebay::script::Sha::of(source.as_bytes()).to_string()
}

/// `head`, and one to three commands spelled out.
fn spelled(generator: &mut Generator, head: &[&str]) -> Vec<Vec<u8>> {
    let mut args = words(head);
    for _ in 0..=generator.below(3) {
        let command = generator.plain_command();
        args.push(command.len().to_string().into_bytes());
        args.extend(command);
    }
    args
}

//! Holds the command tables to the facts of Redis 8.10 in `tests/facts/commands.json`.
//!
//! The file has, for each command, what Redis's own `COMMAND` tells of it and the release that
//! first had it. `key_range`, the old form of key positions, is there for commands of 8.2 and older;
//! `syntax` is not for INCREX, whose manual page and arguments disagree on the order.

use forebay::command::spec::{self, Begin, Find, KeySpec, Spec};
use serde_json::{Value, json};

/// Commands that Redis does not have.
const OWN: [&str; 1] = ["xredrive"];

fn facts() -> Vec<Value> {
    let text = include_str!("facts/commands.json");
    serde_json::from_str(text).expect("the facts are JSON")
}

/// Commands and subcommands alike.
fn specs() -> Vec<&'static Spec> {
    let commands = spec::ALL.iter().flat_map(|group| group.iter().copied());
    commands
        .flat_map(|spec| std::iter::once(spec).chain(spec.subcommands.iter().copied()))
        .collect()
}

fn spec_named(name: &Value) -> &'static Spec {
    specs()
        .into_iter()
        .find(|spec| spec.name == name)
        .unwrap_or_else(|| panic!("no spec of the name {name}"))
}

fn key_spec_as_fact(spec: &KeySpec) -> Value {
    let begin = match spec.begin {
        Begin::Index(index) => json!({"index": index}),
        Begin::Keyword { word, from } => json!({"keyword": word, "startfrom": from}),
        Begin::Unknown => json!({}),
    };
    let find = match spec.find {
        Find::Range { last, step, limit } => {
            json!({"lastkey": last, "keystep": step, "limit": limit})
        }
        Find::Count { count, first, step } => {
            json!({"keynumidx": count, "firstkey": first, "keystep": step})
        }
        Find::Unknown => json!({}),
    };
    json!({"flags": spec.flags.names().collect::<Vec<_>>(), "begin": begin, "find": find})
}

#[test]
fn every_command_is_as_redis_states_it() {
    for fact in facts() {
        let name = &fact["name"];
        let spec = spec_named(name);
        assert_eq!(json!(spec.group.name()), fact["group"], "{name}");
        assert_eq!(json!(spec.since), fact["since"], "{name}");
        if let Some(syntax) = fact.get("syntax") {
            assert_eq!(json!(spec.syntax_in_redis()), *syntax);
        }
        assert_eq!(json!(spec.arity), fact["arity"], "{name}");
        assert_eq!(json!(spec.flags.told().names().collect::<Vec<_>>()), fact["flags"], "{name}");
        assert_eq!(json!(spec.categories.names().collect::<Vec<_>>()), fact["acl"], "{name}");
        let keys: Vec<Value> =
            spec.keys.iter().filter(|key| !key.is_own).map(key_spec_as_fact).collect();
        assert_eq!(json!(keys), fact["keys"], "{name}");
        let deprecated = spec.deprecated.map(|deprecated| deprecated.since);
        assert_eq!(json!(deprecated), fact["deprecated_since"], "{name}");
        if let Some(range) = fact.get("key_range") {
            let (first, last, step) = spec.key_range();
            assert_eq!(json!([first, last, step]), *range, "{name}");
        }
    }
}

#[test]
fn no_command_stands_outside_the_facts() {
    let facts = facts();
    let of_redis = |spec: &&Spec| !OWN.contains(&spec.name);
    for spec in specs().into_iter().filter(of_redis) {
        assert!(facts.iter().any(|fact| fact["name"] == spec.name), "{}", spec.name);
    }
    assert_eq!(specs().len(), facts.len() + OWN.len());
}

#[test]
fn every_command_is_described() {
    for spec in specs() {
        assert!(spec.summary.ends_with('.') && spec.summary.len() < 100, "{}", spec.name);
        assert!(!spec.complexity.is_empty(), "{}", spec.name);
        let lowercase = spec.name.to_ascii_lowercase();
        assert_eq!(spec.name, lowercase, "the name index folds what it is asked, not this");
    }
}

#[test]
fn every_key_argument_names_the_spec_that_finds_it() {
    fn check(spec: &Spec, arguments: &[spec::Argument]) {
        for argument in arguments {
            if argument.kind == spec::ArgumentKind::Key {
                let number = usize::from(argument.key_spec.expect("a key has a key spec"));
                assert!(number < spec.keys.len(), "{} {}", spec.name, argument.name);
            }
            check(spec, argument.arguments);
        }
    }
    for spec in specs() {
        check(spec, spec.arguments);
    }
}

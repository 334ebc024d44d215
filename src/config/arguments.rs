//! The command line, as redis-server reads it: `forebay [FILE|-] [--setting value …] [-]`.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use super::words;

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Invocation {
    Serve(Sources),
    Version,
    Help,
}

/// Where the settings come from, later ones overruling earlier ones.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Sources {
    pub file: Option<PathBuf>,
    pub from_stdin: bool,
    /// The settings of the command line as lines of a configuration file.
    pub lines: Vec<u8>,
}

impl Invocation {
    /// Reads the arguments, the program's name not among them.
    pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Self {
        let mut arguments: Vec<Vec<u8>> =
            arguments.into_iter().map(OsStringExt::into_vec).collect();
        if let [only] = arguments.as_slice() {
            match only.as_slice() {
                b"-v" | b"--version" => return Self::Version,
                b"-h" | b"--help" => return Self::Help,
                _ => {}
            }
        }
        let mut sources = Sources::default();
        if let Some(first) = arguments.first().filter(|first| !first.starts_with(b"-")) {
            sources.file = Some(PathBuf::from(OsString::from_vec(first.clone())));
            arguments.remove(0);
        }
        // Standard input may be named first or last.
        if arguments.first().is_some_and(|first| first == b"-") {
            sources.from_stdin = true;
            arguments.remove(0);
        } else if arguments.last().is_some_and(|last| last == b"-") {
            sources.from_stdin = true;
            arguments.pop();
        }
        sources.lines = to_lines(&arguments);
        Self::Serve(sources)
    }
}

/// Turns `--name value value --name value` into lines. A name's first value may begin with two
/// dashes itself; only `--save` may stand without a value, and then means no save points.
fn to_lines(arguments: &[Vec<u8>]) -> Vec<u8> {
    let mut lines = Vec::new();
    let mut awaits_value = false;
    for (at, argument) in arguments.iter().enumerate() {
        let name = argument.strip_prefix(b"--").filter(|_| !awaits_value);
        let Some(name) = name else {
            lines.push(b' ');
            lines.extend_from_slice(words::quote(argument).as_bytes());
            awaits_value = false;
            continue;
        };
        if !lines.is_empty() {
            lines.push(b'\n');
        }
        lines.extend_from_slice(name);
        let next_is_name = arguments.get(at + 1).is_none_or(|next| next.starts_with(b"--"));
        if name.eq_ignore_ascii_case(b"save") && next_is_name {
            lines.extend_from_slice(b" \"\"");
        } else {
            // `"--port 7000"` as one argument has its value with it.
            awaits_value = words::split(name).is_none_or(|words| words.len() == 1);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn serve(arguments: &[&str]) -> Sources {
        match Invocation::parse(arguments.iter().map(OsString::from)) {
            Invocation::Serve(sources) => sources,
            other => panic!("{other:?}"),
        }
    }

    fn lines(arguments: &[&str]) -> String {
        String::from_utf8(serve(arguments).lines).expect("the cases are text")
    }

    #[test]
    fn settings_become_lines() {
        assert_eq!(lines(&[]), "");
        assert_eq!(lines(&["--port", "7000"]), "port \"7000\"");
        assert_eq!(lines(&["--bind", "a", "b", "--port", "1"]), "bind \"a\" \"b\"\nport \"1\"");
        assert_eq!(lines(&["--save", "", "--port", "1"]), "save \"\"\nport \"1\"");
        assert_eq!(lines(&["--save", "--port", "1"]), "save \"\"\nport \"1\"");
        assert_eq!(lines(&["--port", "1", "--save"]), "port \"1\"\nsave \"\"");
        assert_eq!(
            lines(&["--requirepass", "--x", "--port", "1"]),
            "requirepass \"--x\"\nport \"1\""
        );
        assert_eq!(lines(&["--port 7000", "--hz 5"]), "port 7000\nhz 5");
        assert_eq!(lines(&["--port=7000"]), "port=7000");
    }

    #[test]
    fn a_file_comes_first_and_standard_input_first_or_last() {
        let sources = serve(&["a.conf", "--port", "1"]);
        assert_eq!(sources.file, Some(PathBuf::from("a.conf")));
        assert!(!sources.from_stdin);
        for arguments in [&["-", "--port", "1"][..], &["--port", "1", "-"], &["a.conf", "-"]] {
            assert!(serve(arguments).from_stdin, "{arguments:?}");
        }
        assert_eq!(serve(&["--port", "1", "-"]).lines, b"port \"1\"");
    }

    #[test]
    fn version_and_help_stand_alone() {
        let parse = |arguments: &[&str]| Invocation::parse(arguments.iter().map(OsString::from));
        assert_eq!(parse(&["-v"]), Invocation::Version);
        assert_eq!(parse(&["--version"]), Invocation::Version);
        assert_eq!(parse(&["--help"]), Invocation::Help);
        assert!(matches!(parse(&["--port", "1", "-v"]), Invocation::Serve(_)));
    }
}

//! The manifest of a multi-part AOF, which names its files.
//!
//! ```text
//! line  # a remark | file NAME seq NUMBER type b|i|h [other words in pairs]
//! ```
//! One base file (`b`) at most, then the increments (`i`) in order; `h` are old and not read.

/// The files to be read, in order.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Manifest {
    pub base: Option<String>,
    pub increments: Vec<String>,
}

impl Manifest {
    /// Reads a manifest's text.
    ///
    /// # Errors
    /// What is wrong, and in which line.
    pub fn parse(text: &str) -> Result<Manifest, String> {
        let mut manifest = Manifest::default();
        let mut last_number = 0;
        for (at, line) in text.lines().enumerate() {
            let line = line.trim_end_matches('\r');
            if line.starts_with('#') || line.is_empty() {
                continue;
            }
            manifest
                .add(line, &mut last_number)
                .map_err(|wrong| format!("line {}: {wrong}", at + 1))?;
        }
        if manifest == Manifest::default() {
            return Err("it names no file".into());
        }
        Ok(manifest)
    }

    fn add(&mut self, line: &str, last_number: &mut u64) -> Result<(), &'static str> {
        let words = words(line).ok_or("the quotes do not match")?;
        let pairs = words.as_chunks::<2>();
        if !pairs.1.is_empty() {
            return Err("the words are not in pairs");
        }
        let value = |name: &str| {
            pairs.0.iter().find(|[word, _]| word == name).map(|[_, value]| value.as_str())
        };
        let (Some(file), Some(number), Some(kind)) = (value("file"), value("seq"), value("type"))
        else {
            return Err("it does not say file, seq and type");
        };
        let number: u64 = number.parse().map_err(|_| "seq is no number")?;
        // A file stands beside the manifest, not somewhere else.
        if file.is_empty() || file.contains('/') {
            return Err("the file's name is a path");
        }
        match kind {
            "b" if self.base.is_some() => Err("there are two base files"),
            "b" => {
                self.base = Some(file.to_owned());
                Ok(())
            }
            "i" if number <= *last_number => Err("seq does not rise"),
            "i" => {
                *last_number = number;
                self.increments.push(file.to_owned());
                Ok(())
            }
            "h" => Ok(()),
            _ => Err("no such type"),
        }
    }
}

/// Words between spaces; one in quotes may hold spaces, and marks behind backslashes.
fn words(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() {
        let mut word = String::new();
        if let Some(quoted) = rest.strip_prefix('"') {
            let mut marks = quoted.char_indices();
            let end = loop {
                match marks.next()? {
                    (at, '"') => break at + 1,
                    (_, '\\') => word.push(marks.next()?.1),
                    (_, mark) => word.push(mark),
                }
            };
            rest = &quoted[end..];
            if !rest.is_empty() && !rest.starts_with(char::is_whitespace) {
                return None;
            }
        } else {
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            word.push_str(&rest[..end]);
            rest = &rest[end..];
        }
        words.push(word);
        rest = rest.trim_start();
    }
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_and_increments_in_order() {
        let text = "file appendonly.aof.1.base.rdb seq 1 type b\n\
                    # a remark\n\
                    file appendonly.aof.0.incr.aof seq 1 type h\n\
                    file \"with space.aof\" seq 2 type i startoffset 7\r\n\
                    file appendonly.aof.3.incr.aof seq 3 type i\n";
        let manifest = Manifest::parse(text).expect("a manifest");
        assert_eq!(manifest.base.as_deref(), Some("appendonly.aof.1.base.rdb"));
        assert_eq!(manifest.increments, ["with space.aof", "appendonly.aof.3.incr.aof"]);
    }

    #[test]
    fn what_is_no_manifest_is_refused() {
        for (text, wrong) in [
            ("", "names no file"),
            ("file a seq 1\n", "file, seq and type"),
            ("file a seq one type b\n", "no number"),
            ("file ../a seq 1 type b\n", "path"),
            ("file a seq 1 type b\nfile b seq 2 type b\n", "line 2: there are two"),
            ("file a seq 2 type i\nfile b seq 2 type i\n", "does not rise"),
            ("file a seq 1 type x\n", "no such type"),
            ("file a seq 1 type\n", "pairs"),
            ("file \"a seq 1 type b\n", "quotes"),
        ] {
            let error = Manifest::parse(text).expect_err(text);
            assert!(error.contains(wrong), "{text}: {error}");
        }
    }
}

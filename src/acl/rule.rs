//! What is wrong with a rule, and the selectors that a client writes in several words.

/// Why a rule cannot be applied.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RuleError {
    UnknownName,
    Syntax,
    KeysAllowedAlready,
    ChannelsAllowedAlready,
    NoSuchPassword,
    BadHash,
    FirstArgOfSubcommand,
}

impl RuleError {
    /// In Redis's words.
    pub const fn text(self) -> &'static str {
        match self {
            RuleError::UnknownName => "Unknown command or category name in ACL",
            RuleError::Syntax => "Syntax error",
            RuleError::KeysAllowedAlready => {
                "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and \
                 does not have any effect. Try 'resetkeys' to start with an empty list of patterns"
            }
            RuleError::ChannelsAllowedAlready => {
                "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and \
                 does not have any effect. Try 'resetchannels' to start with an empty list of \
                 channels"
            }
            RuleError::NoSuchPassword => {
                "The password you are trying to remove from the user does not exist"
            }
            RuleError::BadHash => {
                "The password hash must be exactly 64 characters and contain only lowercase \
                 hexadecimal characters"
            }
            RuleError::FirstArgOfSubcommand => {
                "Allowing first-arg of a subcommand is not supported"
            }
        }
    }
}

/// Puts the words of each selector, `(+get` and `~jobs:*)`, together into one.
///
/// # Errors
/// The place of a word whose parenthesis does not close.
pub fn join_selectors<W: AsRef<[u8]>>(words: &[W]) -> Result<Vec<Vec<u8>>, usize> {
    let mut rules: Vec<Vec<u8>> = Vec::with_capacity(words.len());
    let mut open: Option<(usize, Vec<u8>)> = None;
    for (at, word) in words.iter().map(AsRef::as_ref).enumerate() {
        let (began, mut rule) = match open.take() {
            Some((began, mut rule)) => {
                rule.push(b' ');
                rule.extend_from_slice(word);
                (began, rule)
            }
            None if word.first() == Some(&b'(') => (at, word.to_vec()),
            None => {
                rules.push(word.to_vec());
                continue;
            }
        };
        if rule.last() == Some(&b')') {
            rules.push(std::mem::take(&mut rule));
        } else {
            open = Some((began, rule));
        }
    }
    match open {
        None => Ok(rules),
        Some((began, _)) => Err(began),
    }
}

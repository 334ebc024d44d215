//! The syntax line of a command, told from its arguments.

use super::{Argument, ArgumentKind, Spec};

impl Spec {
    /// The command with its arguments as people write them:
    /// `LPOS key element [RANK rank] [COUNT num-matches] [MAXLEN len]`.
    pub fn syntax(&self) -> String {
        self.syntax_of(|_| true)
    }

    /// As [`Spec::syntax`], without what Redis does not have.
    pub fn syntax_in_redis(&self) -> String {
        self.syntax_of(|argument| !argument.is_own)
    }

    fn syntax_of(&self, is_shown: impl Fn(&Argument) -> bool) -> String {
        let mut line = self.name.to_uppercase().replace('|', " ");
        for argument in self.arguments.iter().filter(|argument| is_shown(argument)) {
            line.push(' ');
            argument.write(&mut line);
        }
        line
    }

    /// As [`Spec::syntax`], without the container's name.
    pub fn short_syntax(&self) -> String {
        let whole = self.syntax();
        match self.name.split_once('|') {
            Some((container, _)) => whole[container.len() + 1..].to_string(),
            None => whole,
        }
    }
}

impl Argument {
    fn write(&self, line: &mut String) {
        // Brackets around a choice do already what angles would do.
        let bare = self.optional && self.token.is_none();
        let angles = self.kind == ArgumentKind::OneOf && !bare;
        if self.optional {
            line.push('[');
        }
        self.write_token(line);
        if angles {
            line.push('<');
        }
        let once = self.once();
        line.push_str(&once);
        if self.multiple {
            line.push_str(" [");
            if self.multiple_token {
                self.write_token(line);
            }
            line.push_str(&once);
            line.push_str(" ...]");
        }
        if angles {
            line.push('>');
        }
        if self.optional {
            line.push(']');
        }
    }

    /// The word before the value, if there is both.
    fn write_token(&self, line: &mut String) {
        if let Some(token) = self.token
            && self.kind != ArgumentKind::Token
        {
            line.push_str(token);
            line.push(' ');
        }
    }

    /// The value, block or choice, once.
    fn once(&self) -> String {
        match self.kind {
            ArgumentKind::Token => self.token.unwrap_or(self.name).to_string(),
            ArgumentKind::Block => self.joined(" "),
            ArgumentKind::OneOf => self.joined(" | "),
            _ => self.shown_name().to_string(),
        }
    }

    /// How the syntax line calls the value.
    pub fn shown_name(&self) -> &'static str {
        self.display.unwrap_or(self.name)
    }

    fn joined(&self, between: &str) -> String {
        let parts = self.arguments.iter().map(|argument| {
            let mut part = String::new();
            argument.write(&mut part);
            part
        });
        parts.collect::<Vec<_>>().join(between)
    }
}

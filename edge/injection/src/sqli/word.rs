//! Words: keywords, names, names in quotes or brackets, variables.

use super::lexer::{Lexer, Step};
use super::table::lookup;
use super::token::{Kind, TEXT};
use memchr::{memchr, memchr2_iter};

impl Lexer<'_> {
    /// A word. What stands before a `.` or a backtick in it is a word of its own when it is a keyword: `SELECT.1`.
    pub fn word(&self, at: usize) -> Step {
        // Its length is measured only once it is known to be one: a row of `or.` would be measured anew at each of them.
        let head = &self.value[at..self.value.len().min(at + TEXT)];
        let kept = &head[..head.iter().take_while(|byte| !ends_word(**byte)).count()];
        for index in memchr2_iter(b'.', b'`', kept) {
            if let Some(kind) = lookup(&kept[..index]).filter(|kind| *kind != Kind::Bareword) {
                return self.span(kind, at, at + index);
            }
        }
        let length = self.run(at, |byte| !ends_word(byte));
        let kind = if length <= TEXT { lookup(kept) } else { None };
        self.span(kind.unwrap_or(Kind::Bareword), at, at + length)
    }

    /// MySQL's `` `name` ``: a name, unless it is a function's.
    pub fn tick(&self, at: usize) -> Step {
        let (mut token, behind) = self.string(at, b'`', 1);
        let is_function = lookup(token.text()) == Some(Kind::Function);
        token.kind = if is_function { Kind::Function } else { Kind::Bareword };
        (token, behind)
    }

    /// SQL Server's `[name]`.
    pub fn bracket(&self, at: usize) -> Step {
        let end = memchr(b']', &self.value[at..]).map_or(self.value.len(), |length| at + length + 1);
        self.span(Kind::Bareword, at, end)
    }

    /// `@name`, `@@name`, `` @`name` ``, `@'name'`.
    pub fn variable(&self, at: usize) -> Step {
        let name = at + 1 + usize::from(self.byte(at + 1) == b'@');
        let quoted = match self.byte(name) {
            b'`' => Some(self.tick(name)),
            quote @ (b'\'' | b'"') => Some(self.string(name, quote, 1)),
            _ => None,
        };
        if let Some((mut token, behind)) = quoted {
            token.kind = Kind::Variable;
            return (token, behind);
        }
        let length = self.run(name, |byte| !ends_variable(byte));
        self.span(Kind::Variable, name, name + length)
    }
}

fn ends_word(byte: u8) -> bool {
    match byte {
        b'[' | b']' | b'{' | b'}' | 0xA0 => true,
        b'`' => false,
        _ => ends_variable(byte),
    }
}

fn ends_variable(byte: u8) -> bool {
    matches!(
        byte,
        0 | b'\t'..=b'\r' | b' '..=b'#' | b'%'..=b'-' | b'/' | b':'..=b'@' | b'\\' | b'^' | b'`' | b'|' | b'~'
    )
}

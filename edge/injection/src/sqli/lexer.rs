//! From bytes to tokens: white space, comments and operators here; literals and words in the files beside.

use super::table::lookup;
use super::token::{Kind, Token};
use super::{Context, Dialect};
use memchr::memchr;
use memchr::memmem;

/// A token and the place behind it.
pub(super) type Step = (Token, usize);

/// Reads a value token by token.
pub(super) struct Lexer<'v> {
    pub value: &'v [u8],
    at: usize,
    context: Context,
    dialect: Dialect,
    /// Tokens read so far, comments counted.
    pub tokens: usize,
    /// `#`, or `--` without white space behind it, was seen: another dialect reads it in another way.
    pub ambiguous: bool,
}

impl<'v> Lexer<'v> {
    pub fn new(value: &'v [u8], context: Context, dialect: Dialect) -> Lexer<'v> {
        Lexer { value, at: 0, context, dialect, tokens: 0, ambiguous: false }
    }

    /// The next token, if there is one.
    pub fn token(&mut self) -> Option<Token> {
        let inside = match self.context {
            Context::Bare => None,
            Context::Single => Some(b'\''),
            Context::Double => Some(b'"'),
        };
        if let (0, Some(quote), false) = (self.at, inside, self.value.is_empty()) {
            let (token, behind) = self.string(0, quote, 0);
            return Some(self.take(token, behind));
        }
        while self.at < self.value.len() {
            let (token, behind) = self.step(self.at);
            self.at = behind;
            if token.kind != Kind::None {
                return Some(self.take(token, behind));
            }
        }
        None
    }

    fn take(&mut self, token: Token, behind: usize) -> Token {
        self.at = behind;
        self.tokens += 1;
        token
    }

    /// The byte there; 0 behind the end.
    pub fn byte(&self, at: usize) -> u8 {
        self.value.get(at).copied().unwrap_or(0)
    }

    fn step(&mut self, at: usize) -> Step {
        match self.value[at] {
            0..=b' ' | 0x7F | 0xA0 => (Token::default(), at + 1),
            quote @ (b'\'' | b'"') => self.string(at, quote, 1),
            b'`' => self.tick(at),
            b'#' => self.hash(at),
            b'$' => self.money(at),
            b'%' | b'^' | b'+' | b'~' => self.one(Kind::Operator, at),
            b'!' | b'&' | b'*' | b':' | b'<' | b'=' | b'>' | b'|' => self.operator(at),
            b'-' => self.dash(at),
            b'/' => self.slash(at),
            b'\\' => self.backslash(at),
            b'(' => self.one(Kind::LeftParen, at),
            b')' => self.one(Kind::RightParen, at),
            b'{' => self.one(Kind::LeftBrace, at),
            b'}' => self.one(Kind::RightBrace, at),
            b',' => self.one(Kind::Comma, at),
            b';' => self.one(Kind::Semicolon, at),
            b'?' | b']' => self.one(Kind::Unknown, at),
            b'.' | b'0'..=b'9' => self.number(at),
            b'@' => self.variable(at),
            b'[' => self.bracket(at),
            b'b' | b'B' => self.digits_string(at, |byte| matches!(byte, b'0' | b'1')),
            b'x' | b'X' => self.digits_string(at, |byte| byte.is_ascii_hexdigit()),
            b'e' | b'E' => self.prefixed_string(at),
            b'n' | b'N' => self.national_string(at),
            b'q' | b'Q' => self.oracle_string(at, at),
            b'u' | b'U' => self.unicode_string(at),
            _ => self.word(at),
        }
    }

    /// A token of one byte.
    pub fn one(&self, kind: Kind, at: usize) -> Step {
        (Token::new(kind, &self.value[at..=at]), at + 1)
    }

    /// A token of the bytes from `at` to before `end`.
    pub fn span(&self, kind: Kind, at: usize, end: usize) -> Step {
        (Token::new(kind, &self.value[at..end]), end)
    }

    fn line_comment(&self, at: usize) -> Step {
        match memchr(b'\n', &self.value[at..]) {
            Some(length) => (Token::new(Kind::Comment, &self.value[at..at + length]), at + length + 1),
            None => self.span(Kind::Comment, at, self.value.len()),
        }
    }

    fn hash(&mut self, at: usize) -> Step {
        self.ambiguous = true;
        if self.dialect == Dialect::MySql { self.line_comment(at) } else { self.one(Kind::Operator, at) }
    }

    fn dash(&mut self, at: usize) -> Step {
        if self.byte(at + 1) != b'-' || at + 1 >= self.value.len() {
            return self.one(Kind::Operator, at);
        }
        if matches!(self.byte(at + 2), b' ' | b'\t' | b'\n' | 0x0B | 0x0C | b'\r' | 0xA0 | 0) {
            return self.line_comment(at);
        }
        if self.dialect == Dialect::Ansi {
            self.ambiguous = true;
            return self.line_comment(at);
        }
        self.one(Kind::Operator, at)
    }

    /// `/* … */`. PostgreSQL nests them and MySQL runs what stands in `/*! … */`: both cannot be read for sure.
    fn slash(&self, at: usize) -> Step {
        if self.byte(at + 1) != b'*' {
            return self.one(Kind::Operator, at);
        }
        let inside = at + 2;
        let close = memmem::find(&self.value[inside..], b"*/").map(|length| inside + length);
        let nested = close.is_some_and(|close| memmem::find(&self.value[inside..=close], b"/*").is_some());
        let kind = if nested || self.byte(inside) == b'!' { Kind::Evil } else { Kind::Comment };
        self.span(kind, at, close.map_or(self.value.len(), |close| close + 2))
    }

    /// `\N` is MySQL's other name of NULL.
    fn backslash(&self, at: usize) -> Step {
        if self.byte(at + 1) == b'N' {
            return self.span(Kind::Number, at, at + 2);
        }
        self.one(Kind::Backslash, at)
    }

    fn operator(&self, at: usize) -> Step {
        let rest = &self.value[at..];
        if rest.starts_with(b"<=>") {
            return self.span(Kind::Operator, at, at + 3);
        }
        if let Some(kind) = rest.get(..2).and_then(lookup) {
            return self.span(kind, at, at + 2);
        }
        let kind = if rest[0] == b':' && rest.len() > 1 { Kind::Colon } else { Kind::Operator };
        self.one(kind, at)
    }
}

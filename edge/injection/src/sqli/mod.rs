//! SQL injection: the value's tokens, folded to a fingerprint that is looked up.

mod census;
mod fold;
mod judge;
mod lexer;
mod literal;
mod table;
#[cfg(test)]
pub(crate) mod tests;
mod token;
mod word;

pub use census::{Census, KINDS, census};

use lexer::Lexer;
use memchr::memchr;
use std::fmt;

/// Most tokens of a fingerprint.
const MOST: usize = 5;

/// Where in a statement the application is taken to put the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Context {
    /// As it stands: a number, a name.
    Bare,
    /// Inside single quotes.
    Single,
    /// Inside double quotes.
    Double,
}

/// Whose comments and brackets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `--` begins a comment whatever follows; `#` is an operator.
    Ansi,
    /// `--` wants white space behind it; `#` begins a comment.
    MySql,
}

/// The folded kinds of a value's first tokens, as letters: `s&1c`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Fingerprint {
    letters: [u8; MOST],
    length: u8,
}

impl Fingerprint {
    /// Its letters.
    pub fn as_bytes(&self) -> &[u8] {
        &self.letters[..usize::from(self.length)]
    }

    fn new(letters: impl Iterator<Item = u8>) -> Fingerprint {
        let mut made = Fingerprint::default();
        for letter in letters.take(MOST) {
            made.letters[usize::from(made.length)] = letter;
            made.length += 1;
        }
        made
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_bytes().iter().try_for_each(|letter| write!(f, "{}", char::from(*letter)))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// One reading of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// What its tokens fold to.
    pub fingerprint: Fingerprint,
    /// Whether the fingerprint is one of the list, exceptions aside.
    pub listed: bool,
    /// Whether it is an injection: listed, and no exception holds.
    pub injection: bool,
    /// Tokens read before folding was done, comments counted.
    pub tokens: usize,
    /// Whether something was seen that MySQL reads in another way.
    pub ambiguous: bool,
}

/// Reads a value in one place and dialect.
pub fn read(value: &[u8], context: Context, dialect: Dialect) -> Reading {
    let mut lexer = Lexer::new(value, context, dialect);
    let folded = fold::fold(&mut lexer);
    let fingerprint = folded.fingerprint();
    let listed = table::is_listed(fingerprint.as_bytes());
    let injection = listed && judge::stands(&fingerprint, &folded, &lexer);
    Reading { fingerprint, listed, injection, tokens: lexer.tokens, ambiguous: lexer.ambiguous }
}

/// The fingerprint under which the value is an SQL injection, if it is one.
pub fn detect(value: &[u8]) -> Option<Fingerprint> {
    if is_plain(value) {
        return None;
    }
    let single = memchr(b'\'', value).map(|_| Context::Single);
    for context in [Some(Context::Bare), single].into_iter().flatten() {
        let reading = read(value, context, Dialect::Ansi);
        if reading.injection {
            return Some(reading.fingerprint);
        }
        if reading.ambiguous {
            let reading = read(value, context, Dialect::MySql);
            if reading.injection {
                return Some(reading.fingerprint);
            }
        }
    }
    memchr(b'"', value)?;
    let reading = read(value, Context::Double, Dialect::MySql);
    reading.injection.then_some(reading.fingerprint)
}

/// One word, or a number with a word behind it: no fingerprint of these is listed but the unreadable, and `1U`, which
/// takes a `u` (`union`). A number that begins with `0b` may have another behind it.
fn is_plain(value: &[u8]) -> bool {
    let one_word = |but: fn(u8) -> bool| value.iter().all(|b| (b.is_ascii_alphanumeric() || *b == b'_') && !but(*b));
    match value {
        [] => true,
        [first, ..] if first.is_ascii_alphabetic() => one_word(|_| false),
        [b'0', b'b' | b'B', ..] => false,
        [first, ..] if first.is_ascii_digit() => one_word(|byte| matches!(byte, b'u' | b'U')),
        _ => false,
    }
}

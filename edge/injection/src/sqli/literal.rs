//! Strings and numbers, in the many forms that dialects know.

use super::lexer::{Lexer, Step};
use super::token::{Kind, Token};
use memchr::{memchr, memmem};

impl Lexer<'_> {
    /// A string from `at`, whose text begins `skip` bytes later; with none skipped the opening quote is only imagined.
    /// A quote is escaped by a backslash or by being doubled.
    pub fn string(&self, at: usize, quote: u8, skip: usize) -> Step {
        let start = at + skip;
        let open = if skip > 0 { quote } else { 0 };
        let mut from = start;
        while let Some(length) = self.value.get(from..).and_then(|rest| memchr(quote, rest)) {
            let end = from + length;
            let backslashes = self.value[start..end].iter().rev().take_while(|byte| **byte == b'\\').count();
            if backslashes % 2 == 1 {
                from = end + 1;
            } else if self.value.get(end + 1) == Some(&quote) {
                from = end + 2;
            } else {
                return (Token::new(Kind::String, &self.value[start..end]).quoted(open, quote), end + 1);
            }
        }
        (Token::new(Kind::String, &self.value[start..]).quoted(open, 0), self.value.len())
    }

    /// `E'…'` of PostgreSQL, `N'…'` of MySQL.
    pub fn prefixed_string(&self, at: usize) -> Step {
        if at + 2 >= self.value.len() || self.byte(at + 1) != b'\'' {
            return self.word(at);
        }
        self.string(at, b'\'', 2)
    }

    /// `N'…'`, or `nq'[…]'` of Oracle.
    pub fn national_string(&self, at: usize) -> Step {
        if at + 2 < self.value.len() && self.byte(at + 1) == b'\'' {
            return self.string(at, b'\'', 2);
        }
        self.oracle_string(at, at + 1)
    }

    /// `U&'…'`.
    pub fn unicode_string(&self, at: usize) -> Step {
        if !self.value[at + 1..].starts_with(b"&'") {
            return self.word(at);
        }
        let (mut token, behind) = self.string(at + 2, b'\'', 1);
        token.open = b'u';
        if token.close == b'\'' {
            token.close = b'u';
        }
        (token, behind)
    }

    /// `q'[…]'` of Oracle, whose `q` stands at `mark`; the word at `at` when it is none.
    pub fn oracle_string(&self, at: usize, mark: usize) -> Step {
        let opener = self.byte(mark + 2);
        // Bytes above 127 are signed in the original and so below the first printable one.
        let fits = mark + 2 < self.value.len() && (33..128).contains(&opener);
        if !fits || !matches!(self.byte(mark), b'q' | b'Q') || self.byte(mark + 1) != b'\'' {
            return self.word(at);
        }
        let closer = match opener {
            b'(' => b')',
            b'[' => b']',
            b'{' => b'}',
            b'<' => b'>',
            same => same,
        };
        self.bounded(mark + 3, &[closer, b'\''], b'q')
    }

    /// A string up to the given end mark, or to the end of the value.
    fn bounded(&self, start: usize, end: &[u8], quote: u8) -> Step {
        match memmem::find(&self.value[start..], end) {
            Some(length) => {
                let token = Token::new(Kind::String, &self.value[start..start + length]);
                (token.quoted(quote, quote), start + length + end.len())
            }
            None => (Token::new(Kind::String, &self.value[start..]).quoted(quote, 0), self.value.len()),
        }
    }

    /// `b'01'` and `x'0f'`: a number when only its digits stand between the quotes.
    pub fn digits_string(&self, at: usize, is_digit: impl Fn(u8) -> bool) -> Step {
        if at + 2 >= self.value.len() || self.byte(at + 1) != b'\'' {
            return self.word(at);
        }
        let end = at + 2 + self.run_or_nul(at + 2, is_digit);
        if self.value.get(end) != Some(&b'\'') {
            return self.word(at);
        }
        self.span(Kind::Number, at, end + 1)
    }

    /// Bytes from `at` on that are of a set or NUL, which the original takes to be of every set.
    fn run_or_nul(&self, at: usize, is_one: impl Fn(u8) -> bool) -> usize {
        self.run(at, |byte| byte == 0 || is_one(byte))
    }

    /// Bytes from `at` on that are of a set.
    pub fn run(&self, at: usize, is_one: impl Fn(u8) -> bool) -> usize {
        self.value.get(at..).map_or(0, |rest| rest.iter().take_while(|byte| is_one(**byte)).count())
    }

    /// `$1,000.00`, `$$text$$`, `$tag$text$tag$` of PostgreSQL, or a dollar sign alone.
    pub fn money(&self, at: usize) -> Step {
        let digits = self.run_or_nul(at + 1, |byte| matches!(byte, b'0'..=b'9' | b'.' | b','));
        match digits {
            0 => {}
            1 if self.byte(at + 1) == b'.' => return self.word(at),
            _ => return self.span(Kind::Number, at, at + 1 + digits),
        }
        if self.byte(at + 1) == b'$' {
            return self.bounded(at + 2, b"$$", b'$');
        }
        let letters = self.run_or_nul(at + 1, |byte| byte.is_ascii_alphabetic());
        let behind = at + letters + 2;
        if letters == 0 || self.value.get(behind - 1) != Some(&b'$') {
            return self.one(Kind::Bareword, at);
        }
        self.bounded(behind, &self.value[at..behind], b'$')
    }

    /// Whole numbers, fractions, exponents, `0x…`, `0b…`, and Oracle's endings `d` and `f`.
    pub fn number(&self, start: usize) -> Step {
        let base: Option<fn(u8) -> bool> = match (self.value[start], self.byte(start + 1)) {
            (b'0', b'x' | b'X') => Some(|byte| byte.is_ascii_hexdigit()),
            (b'0', b'b' | b'B') => Some(|byte| matches!(byte, b'0' | b'1')),
            _ => None,
        };
        if let Some(is_digit) = base {
            let digits = self.run_or_nul(start + 2, is_digit);
            let kind = if digits == 0 { Kind::Bareword } else { Kind::Number };
            return self.span(kind, start, start + 2 + digits);
        }
        let is_digit = |byte: u8| byte.is_ascii_digit();
        let mut at = start + self.run(start, is_digit);
        if self.byte(at) == b'.' {
            at += 1;
            at += self.run(at, is_digit);
            if at - start == 1 {
                return self.one(Kind::Dot, start);
            }
        }
        let mut empty_exponent = false;
        if matches!(self.byte(at), b'e' | b'E') {
            at += 1;
            if matches!(self.byte(at), b'+' | b'-') {
                at += 1;
            }
            let digits = self.run(at, is_digit);
            empty_exponent = digits == 0;
            at += digits;
        }
        at += self.oracle_ending(at);
        // MySQL reads `1.e` as nothing at all (found in 2021), and so do we.
        if empty_exponent { (Token::default(), at) } else { self.span(Kind::Number, start, at) }
    }

    /// 1 when an ending `d` or `f` belongs to the number before it: at the end, before white space or `;`, or before `u`
    /// as in `1fUNION`.
    fn oracle_ending(&self, at: usize) -> usize {
        let follows = match self.value.get(at + 1) {
            None => true,
            Some(byte) => matches!(byte, b' ' | b'\t' | b'\n' | 0x0B | 0x0C | b'\r' | 0xA0 | 0 | b';' | b'u' | b'U'),
        };
        usize::from(matches!(self.byte(at), b'd' | b'D' | b'f' | b'F') && follows)
    }
}

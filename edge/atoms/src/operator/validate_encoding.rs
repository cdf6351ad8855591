//! `validateUrlEncoding`, `validateUtf8Encoding`: a value that is broken in its encoding.

use super::{Captures, Guard, Matcher, Operator};
use base::Result;

/// `@validateUrlEncoding`: holds when a `%` is not followed by two hexadecimal digits.
pub struct ValidateUrlEncoding;

impl Operator for ValidateUrlEncoding {
    fn name(&self) -> &'static str {
        "validateurlencoding"
    }

    fn build(&self, _: &[u8], _: &[Vec<u8>]) -> Result<Box<dyn Matcher>> {
        Ok(Box::new(Test { broken: url_broken, needs: |byte| byte == b'%' }))
    }
}

/// `@validateUtf8Encoding`: holds when the value is not UTF-8 (RFC 3629). As in libmodsecurity, four bytes up to F4 BF BF
/// BF are taken for a character.
pub struct ValidateUtf8Encoding;

impl Operator for ValidateUtf8Encoding {
    fn name(&self) -> &'static str {
        "validateutf8encoding"
    }

    fn build(&self, _: &[u8], _: &[Vec<u8>]) -> Result<Box<dyn Matcher>> {
        Ok(Box::new(Test { broken: utf8_broken, needs: |byte| byte >= 0x80 }))
    }
}

struct Test {
    broken: fn(&[u8]) -> bool,
    needs: fn(u8) -> bool,
}

impl Matcher for Test {
    fn holds(&self, value: &[u8], _: Option<&mut Captures>) -> bool {
        (self.broken)(value)
    }

    fn guard(&self) -> Guard {
        let mut bytes = Box::new([false; 256]);
        (0..=255).for_each(|byte| bytes[usize::from(byte)] = (self.needs)(byte));
        Guard { bytes: Some(bytes), length: 1, ..Guard::default() }
    }
}

fn url_broken(value: &[u8]) -> bool {
    memchr::memchr_iter(b'%', value).any(|at| {
        let digits = value.get(at + 1..at + 3);
        !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
}

fn utf8_broken(mut value: &[u8]) -> bool {
    while let Err(error) = std::str::from_utf8(value) {
        match &value[error.valid_up_to()..] {
            [0xf4, 0x90..=0xbf, 0x80..=0xbf, 0x80..=0xbf, rest @ ..] => value = rest,
            _ => return true,
        }
    }
    false
}

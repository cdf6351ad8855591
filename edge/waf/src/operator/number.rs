//! `eq`, `ge`, `gt`, `le`, `lt`: whole numbers compared.

use super::{Captures, Matcher, Operator};
use base::Result;
use std::cmp::Ordering;

/// One of the five.
pub struct Number {
    name: &'static str,
    holds: fn(Ordering) -> bool,
}

impl Number {
    /// `@eq`.
    pub const EQ: Number = Number { name: "eq", holds: Ordering::is_eq };
    /// `@ge`.
    pub const GE: Number = Number { name: "ge", holds: Ordering::is_ge };
    /// `@gt`.
    pub const GT: Number = Number { name: "gt", holds: Ordering::is_gt };
    /// `@le`.
    pub const LE: Number = Number { name: "le", holds: Ordering::is_le };
    /// `@lt`.
    pub const LT: Number = Number { name: "lt", holds: Ordering::is_lt };
}

impl Operator for Number {
    fn name(&self) -> &'static str {
        self.name
    }

    fn build(&self, argument: &[u8], _: &[Vec<u8>]) -> Result<Box<dyn Matcher>> {
        Ok(Box::new(Test { argument: integer(argument), holds: self.holds }))
    }
}

struct Test {
    argument: i32,
    holds: fn(Ordering) -> bool,
}

impl Matcher for Test {
    fn holds(&self, value: &[u8], _: Option<&mut Captures>) -> bool {
        (self.holds)(integer(value).cmp(&self.argument))
    }
}

/// The number a text begins with, as C++'s `stoi` reads it: blanks, a sign, digits. 0 when there is none or it does not
/// fit in 32 bits.
pub fn integer(text: &[u8]) -> i32 {
    let blanks = text.iter().take_while(|byte| matches!(byte, b' ' | 9..=13)).count();
    let (sign, digits) = match &text[blanks..] {
        [b'-', digits @ ..] => (-1, digits),
        [b'+', digits @ ..] | digits => (1, digits),
    };
    let digits = digits.iter().take_while(|byte| byte.is_ascii_digit());
    let number = digits.fold(0_i64, |number, byte| number.saturating_mul(10).saturating_add(i64::from(byte - b'0')));
    i32::try_from(sign * number).unwrap_or(0)
}

//! `eq`, `ge`, `gt`, `le`, `lt`: whole numbers compared. libmodsecurity reads 32 bits for `eq`, 64 for the others.

use super::{Captures, Matcher, Operator};
use crate::number::{integer, long};
use base::Result;
use std::cmp::Ordering;

/// One of the five.
pub struct Number {
    name: &'static str,
    read: fn(&[u8]) -> i64,
    holds: fn(Ordering) -> bool,
}

impl Number {
    /// `@eq`.
    pub const EQ: Number = Number { name: "eq", read: integer, holds: Ordering::is_eq };
    /// `@ge`.
    pub const GE: Number = Number { name: "ge", read: long, holds: Ordering::is_ge };
    /// `@gt`.
    pub const GT: Number = Number { name: "gt", read: long, holds: Ordering::is_gt };
    /// `@le`.
    pub const LE: Number = Number { name: "le", read: long, holds: Ordering::is_le };
    /// `@lt`.
    pub const LT: Number = Number { name: "lt", read: long, holds: Ordering::is_lt };
}

impl Operator for Number {
    fn name(&self) -> &'static str {
        self.name
    }

    fn build(&self, argument: &[u8], _: &[Vec<u8>]) -> Result<Box<dyn Matcher>> {
        Ok(Box::new(Test { argument: (self.read)(argument), read: self.read, holds: self.holds }))
    }
}

struct Test {
    argument: i64,
    read: fn(&[u8]) -> i64,
    holds: fn(Ordering) -> bool,
}

impl Matcher for Test {
    fn holds(&self, value: &[u8], _: Option<&mut Captures>) -> bool {
        (self.holds)((self.read)(value).cmp(&self.argument))
    }
}

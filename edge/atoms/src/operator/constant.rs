//! `unconditionalMatch`, `noMatch`: always, never.

use super::{Captures, Matcher, Operator};
use base::Result;

/// One of the two.
pub struct Constant {
    name: &'static str,
    holds: bool,
}

impl Constant {
    /// `@unconditionalMatch`.
    pub const ALWAYS: Constant = Constant { name: "unconditionalmatch", holds: true };
    /// `@noMatch`.
    pub const NEVER: Constant = Constant { name: "nomatch", holds: false };
}

impl Operator for Constant {
    fn name(&self) -> &'static str {
        self.name
    }

    fn build(&self, _: &[u8], _: &[Vec<u8>]) -> Result<Box<dyn Matcher>> {
        Ok(Box::new(Test(self.holds)))
    }
}

struct Test(bool);

impl Matcher for Test {
    fn holds(&self, _: &[u8], _: Option<&mut Captures>) -> bool {
        self.0
    }
}

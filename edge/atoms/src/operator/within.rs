//! `within`: the value stands in the argument.

use super::{Captures, Matcher, Operator};
use base::Result;

/// `@within`. An empty value does.
pub struct Within;

impl Operator for Within {
    fn name(&self) -> &'static str {
        "within"
    }

    fn build(&self, argument: &[u8], _: &[Vec<u8>]) -> Result<Box<dyn Matcher>> {
        Ok(Box::new(Test(argument.to_vec())))
    }
}

struct Test(Vec<u8>);

impl Matcher for Test {
    fn holds(&self, value: &[u8], _: Option<&mut Captures>) -> bool {
        value.len() <= self.0.len() && memchr::memmem::find(&self.0, value).is_some()
    }
}

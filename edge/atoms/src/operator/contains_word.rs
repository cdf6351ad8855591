//! `containsWord`: a text that stands between other bytes than ASCII letters.

use super::{Captures, Guard, Matcher, Operator};
use base::Result;
use memchr::memmem::Finder;

/// `@containsWord`.
pub struct ContainsWord;

impl Operator for ContainsWord {
    fn name(&self) -> &'static str {
        "containsword"
    }

    fn build(&self, argument: &[u8], _: &[Vec<u8>]) -> Result<Box<dyn Matcher>> {
        Ok(Box::new(Test(Finder::new(argument).into_owned())))
    }
}

struct Test(Finder<'static>);

impl Matcher for Test {
    fn holds(&self, value: &[u8], _: Option<&mut Captures>) -> bool {
        let word = self.0.needle();
        if word.is_empty() {
            return true;
        }
        let edge = |byte: Option<&u8>| byte.is_none_or(|byte| !byte.is_ascii_alphabetic());
        let mut from = 0;
        while let Some(at) = value.get(from..).and_then(|rest| self.0.find(rest)).map(|at| from + at) {
            if edge(at.checked_sub(1).map(|before| &value[before])) && edge(value.get(at + word.len())) {
                return true;
            }
            from = at + 1;
        }
        false
    }

    fn guard(&self) -> Guard {
        let word = self.0.needle();
        let literals = (!word.is_empty()).then(|| vec![word.to_vec()]);
        Guard { literals, length: word.len(), ..Guard::default() }
    }
}

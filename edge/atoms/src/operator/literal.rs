//! `beginsWith`, `contains`, `endsWith`, `streq`, `strmatch`: a text at a place of the value. Letters count as they are.

use super::{Captures, Guard, Matcher, Operator};
use base::Result;
use memchr::memmem::Finder;

/// One of the five.
pub struct Literal {
    name: &'static str,
    place: Place,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Begin,
    Anywhere,
    End,
    Whole,
}

impl Literal {
    /// `@beginsWith`.
    pub const BEGINS: Literal = Literal { name: "beginswith", place: Place::Begin };
    /// `@contains`.
    pub const CONTAINS: Literal = Literal { name: "contains", place: Place::Anywhere };
    /// `@endsWith`.
    pub const ENDS: Literal = Literal { name: "endswith", place: Place::End };
    /// `@streq`.
    pub const EQUAL: Literal = Literal { name: "streq", place: Place::Whole };
    /// `@strmatch`.
    pub const MATCH: Literal = Literal { name: "strmatch", place: Place::Anywhere };
}

impl Operator for Literal {
    fn name(&self) -> &'static str {
        self.name
    }

    fn build(&self, argument: &[u8], _: &[Vec<u8>]) -> Result<Box<dyn Matcher>> {
        Ok(Box::new(Test { finder: Finder::new(argument).into_owned(), place: self.place }))
    }
}

struct Test {
    finder: Finder<'static>,
    place: Place,
}

impl Matcher for Test {
    fn holds(&self, value: &[u8], _: Option<&mut Captures>) -> bool {
        let text = self.finder.needle();
        match self.place {
            Place::Begin => value.starts_with(text),
            Place::Anywhere => self.finder.find(value).is_some(),
            Place::End => value.ends_with(text),
            Place::Whole => value == text,
        }
    }

    fn guard(&self) -> Guard {
        let text = self.finder.needle();
        if text.is_empty() {
            return Guard::default();
        }
        // The automaton knows no case: its finding is proof only where there is none.
        let exact = self.place == Place::Anywhere && !text.iter().any(u8::is_ascii_alphabetic);
        Guard { literals: Some(vec![text.to_vec()]), exact, bytes: None, length: text.len() }
    }
}

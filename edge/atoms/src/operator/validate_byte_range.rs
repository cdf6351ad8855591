//! `validateByteRange`: a byte that is in none of some ranges.

use super::{Captures, Guard, Matcher, Operator};
use crate::fault;
use base::{Fault, Result};

/// `@validateByteRange 9,10,13,32-126`: holds when a byte of the value is in none of the ranges.
pub struct ValidateByteRange;

impl Operator for ValidateByteRange {
    fn name(&self) -> &'static str {
        "validatebyterange"
    }

    fn build(&self, argument: &[u8], _: &[Vec<u8>]) -> Result<Box<dyn Matcher>> {
        let mut outside = Box::new([true; 256]);
        for part in argument.split(|byte| *byte == b',') {
            let range = String::from_utf8_lossy(part);
            let (first, last) = range.split_once('-').unwrap_or((&range, &range));
            let (Ok(first), Ok(last)) = (first.trim().parse::<u8>(), last.trim().parse::<u8>()) else {
                return Err(wrong(&range));
            };
            if first > last {
                return Err(wrong(&range));
            }
            outside[usize::from(first)..=usize::from(last)].fill(false);
        }
        Ok(Box::new(Test(outside)))
    }
}

fn wrong(range: &str) -> Fault {
    Fault::new(&fault::ARGUMENT).object("@validateByteRange").expected("numbers from 0 to 255 and ranges").found(range)
}

struct Test(Box<[bool; 256]>);

impl Matcher for Test {
    fn holds(&self, value: &[u8], _: Option<&mut Captures>) -> bool {
        value.iter().any(|byte| self.0[usize::from(*byte)])
    }

    fn guard(&self) -> Guard {
        Guard { bytes: Some(self.0.clone()), length: 1, ..Guard::default() }
    }
}

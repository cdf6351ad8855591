//! `ipMatch`, `ipMatchFromFile`: an address in one of many ranges.

use super::{Captures, Matcher, Operator};
use crate::fault;
use base::{Fault, Prefix, Result};
use pattern::{Bits, PrefixSet};
use std::net::IpAddr;

/// One of the two. An IPv4-mapped IPv6 address is in the range of its IPv4 self.
pub struct IpMatch {
    name: &'static str,
    /// Ranges come from a file.
    file: bool,
}

impl IpMatch {
    /// `@ipMatch`: ranges between commas.
    pub const LIST: IpMatch = IpMatch { name: "ipmatch", file: false };
    /// `@ipMatchFromFile`: a range a line.
    pub const FILE: IpMatch = IpMatch { name: "ipmatchfromfile", file: true };
}

impl Operator for IpMatch {
    fn name(&self) -> &'static str {
        self.name
    }

    fn build(&self, argument: &[u8], data: &[Vec<u8>]) -> Result<Box<dyn Matcher>> {
        let read = |text: &[u8]| range(text, self.name);
        let ranges: Vec<Prefix> = if self.file {
            data.iter().map(|line| read(line)).collect::<Result<_>>()?
        } else {
            argument.split(|byte| *byte == b',').map(read).collect::<Result<_>>()?
        };
        Ok(Box::new(Test(PrefixSet::new(ranges.into_iter().map(|range| (range, 0))))))
    }
}

fn range(text: &[u8], operator: &str) -> Result<Prefix> {
    let text = String::from_utf8_lossy(text.trim_ascii());
    let wrong = |cause: Fault| {
        Fault::new(&fault::ARGUMENT)
            .object(format!("@{operator}"))
            .expected("an address range")
            .found(&text)
            .because(cause)
    };
    text.parse().map_err(wrong)
}

struct Test(PrefixSet);

impl Matcher for Test {
    fn holds(&self, value: &[u8], _: Option<&mut Captures>) -> bool {
        let Some(address) = std::str::from_utf8(value).ok().and_then(|text| text.parse::<IpAddr>().ok()) else {
            return false;
        };
        let mut found = Bits::new(1);
        self.0.scan(address, &mut found);
        found.has(0)
    }
}

//! Numbers in either byte order, and bytes from anything that reads.

use crate::fault;
use base::{Fault, Result};
use std::io::{ErrorKind, Read, copy, sink};

/// A byte order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// Most significant byte first.
    Big,
    /// Least significant byte first.
    Little,
}

impl Order {
    /// The 16-bit number at a place; 0 beyond the end.
    pub(crate) fn u16(self, bytes: &[u8], at: usize) -> u16 {
        let two = bytes.get(at..at + 2).and_then(|two| two.try_into().ok()).unwrap_or([0; 2]);
        if self == Order::Big { u16::from_be_bytes(two) } else { u16::from_le_bytes(two) }
    }

    /// The 32-bit number at a place; 0 beyond the end.
    pub(crate) fn u32(self, bytes: &[u8], at: usize) -> u32 {
        let four = bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).unwrap_or([0; 4]);
        if self == Order::Big { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) }
    }
}

/// How much of what was asked for is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Filled {
    /// All of it.
    Whole,
    /// Nothing: the file ends here.
    End,
    /// A part of it: the file is torn.
    Torn,
}

/// What a recording is read from.
#[derive(Debug)]
pub(crate) struct Source<R>(pub(crate) R);

impl<R: Read> Source<R> {
    /// Fills the bytes.
    pub(crate) fn fill(&mut self, bytes: &mut [u8]) -> Result<Filled> {
        let mut filled = 0;
        while filled < bytes.len() {
            match self.0.read(&mut bytes[filled..]) {
                Ok(0) => return Ok(if filled == 0 { Filled::End } else { Filled::Torn }),
                Ok(count) => filled += count,
                Err(cause) if cause.kind() == ErrorKind::Interrupted => {}
                Err(cause) => return Err(unreadable(&cause)),
            }
        }
        Ok(Filled::Whole)
    }

    /// Passes over bytes; whether all of them were there.
    pub(crate) fn skip(&mut self, count: u64) -> Result<bool> {
        let passed = copy(&mut self.0.by_ref().take(count), &mut sink()).map_err(|cause| unreadable(&cause))?;
        Ok(passed == count)
    }
}

fn unreadable(cause: &std::io::Error) -> Fault {
    Fault::new(&fault::READ).object("recording").found(cause)
}

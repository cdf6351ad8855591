//! Reading fields out of a message: every read is bounded and a short one is a named fault.

use crate::fault;
use base::{Fault, Result};

/// What is left of a message, and what it is called in faults.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    what: &'static str,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8], what: &'static str) -> Reader<'a> {
        Reader { rest: bytes, what }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.rest.len()
    }

    /// The next bytes.
    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let Some((taken, rest)) = self.rest.split_at_checked(count) else {
            return Err(Fault::new(&fault::TRUNCATED)
                .object(self.what)
                .expected(format!("{count} bytes"))
                .found(format!("{} bytes", self.rest.len())));
        };
        self.rest = rest;
        Ok(taken)
    }

    /// The next bytes as a part with a name of its own.
    pub(crate) fn part(&mut self, count: usize, what: &'static str) -> Result<Reader<'a>> {
        Ok(Reader::new(self.take(count)?, what))
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        bytes.copy_from_slice(self.take(N)?);
        Ok(bytes)
    }

    pub(crate) fn u8(&mut self) -> Result<u8> {
        Ok(self.array::<1>()?[0])
    }

    pub(crate) fn u16(&mut self) -> Result<u16> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    pub(crate) fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    /// Everything that is left.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }
}

/// Writes bytes behind their length in two bytes. The length is right because every caller bounds what it writes by
/// [`crate::message::LONGEST`].
pub(crate) fn counted16(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    out.extend([0, 0]);
    write(out);
    let length = (out.len() - at - 2) as u16;
    out[at..at + 2].copy_from_slice(&length.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_read_names_the_part() {
        let mut reader = Reader::new(&[1, 2, 3], "capability");
        assert_eq!(reader.u16().unwrap(), 0x0102);
        let fault = reader.u32().unwrap_err();
        assert!(fault.is(&fault::TRUNCATED) && fault.named() == "capability", "{fault}");
        assert_eq!(reader.rest(), [3], "a refused read takes nothing");
    }
}

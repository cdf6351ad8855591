//! The classic format: a head, then records (draft-ietf-opsawg-pcap).

use crate::bytes::{Filled, Order, Source};
use crate::reader::{Frame, KEPT, Step};
use base::Result;
use std::io::Read;

/// A record that claims more is torn; no snapshot length is near it.
const MOST: u32 = 1 << 26;

/// What the head of a file says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pcap {
    order: Order,
    /// Nanoseconds of a unit of the lower part of a time.
    unit_ns: u64,
    /// The link type of every packet.
    pub(crate) kind: u32,
}

/// Byte order and unit of a magic number; `None` for others.
fn magic(bytes: [u8; 4]) -> Option<(Order, u64)> {
    match bytes {
        [0xd4, 0xc3, 0xb2, 0xa1] => Some((Order::Little, 1_000)),
        [0x4d, 0x3c, 0xb2, 0xa1] => Some((Order::Little, 1)),
        [0xa1, 0xb2, 0xc3, 0xd4] => Some((Order::Big, 1_000)),
        [0xa1, 0xb2, 0x3c, 0x4d] => Some((Order::Big, 1)),
        _ => None,
    }
}

impl Pcap {
    /// Reads the rest of the head behind these first bytes; `None` when it is none.
    pub(crate) fn open<R: Read>(first: [u8; 4], source: &mut Source<R>) -> Result<Option<Pcap>> {
        let Some((order, unit_ns)) = magic(first) else { return Ok(None) };
        let mut rest = [0; 20];
        if source.fill(&mut rest)? != Filled::Whole {
            return Ok(None);
        }
        // The upper bits say whether frames end with a check sum.
        Ok(Some(Pcap { order, unit_ns, kind: order.u32(&rest, 16) & 0x0fff_ffff }))
    }

    /// The next record.
    pub(crate) fn next<R: Read>(&self, source: &mut Source<R>) -> Result<Step> {
        let mut head = [0; 16];
        match source.fill(&mut head)? {
            Filled::Whole => {}
            Filled::End => return Ok(Step::End),
            Filled::Torn => return Ok(Step::Torn),
        }
        let number = |at| self.order.u32(&head, at);
        let (seconds, part, kept, whole) = (number(0), number(4), number(8), number(12));
        if kept > MOST {
            return Ok(Step::Torn);
        }
        let mut bytes = vec![0; (kept as usize).min(KEPT)];
        if !bytes.is_empty() && source.fill(&mut bytes)? != Filled::Whole {
            return Ok(Step::Torn);
        }
        let torn = !source.skip(u64::from(kept) - bytes.len() as u64)?;
        let at_ns = u64::from(seconds) * 1_000_000_000 + u64::from(part) * self.unit_ns;
        let frame = Frame { at_ns, kind: self.kind, bytes, length: whole.max(kept) };
        Ok(if torn { Step::Torn } else { Step::Frame(frame) })
    }
}

//! The newer format: sections of blocks (draft-ietf-opsawg-pcapng). Read are section heads, interfaces, and packets in their
//! three forms; what else there is is passed over.

use crate::bytes::{Filled, Order, Source};
use crate::reader::{Frame, KEPT, Step};
use base::Result;
use std::io::Read;

/// First bytes of a section's head, the same in both byte orders.
pub(crate) const SECTION: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];
/// A block that claims more is torn.
const MOST: u32 = 1 << 28;
/// Most interfaces of a section; packets of further ones are passed over.
const INTERFACES: usize = 1_024;
/// Bytes of an interface's description that are looked at.
const DESCRIPTION: usize = 4_096;

/// One interface of a section.
#[derive(Debug, Clone, Copy)]
struct Interface {
    kind: u32,
    /// Units of its times a second.
    units: u128,
    /// Seconds that are added to its times.
    offset_s: i64,
}

/// The section that is being read.
#[derive(Debug)]
pub(crate) struct Pcapng {
    order: Order,
    interfaces: Vec<Interface>,
    last_ns: u64,
}

impl Pcapng {
    /// Reads the section head behind its first four bytes; `None` when it is none.
    pub(crate) fn open<R: Read>(source: &mut Source<R>) -> Result<Option<Pcapng>> {
        let mut section = Pcapng { order: Order::Little, interfaces: Vec::new(), last_ns: 0 };
        Ok(section.begin(source)?.then_some(section))
    }

    /// Begins a section; whether its head is one.
    fn begin<R: Read>(&mut self, source: &mut Source<R>) -> Result<bool> {
        let mut head = [0; 8];
        if source.fill(&mut head)? != Filled::Whole {
            return Ok(false);
        }
        self.order = match head[4..] {
            [0x1a, 0x2b, 0x3c, 0x4d] => Order::Big,
            [0x4d, 0x3c, 0x2b, 0x1a] => Order::Little,
            _ => return Ok(false),
        };
        self.interfaces.clear();
        let length = self.order.u32(&head, 0);
        Ok((28..=MOST).contains(&length) && source.skip(u64::from(length) - 12)?)
    }

    /// The next block.
    pub(crate) fn next<R: Read>(&mut self, source: &mut Source<R>) -> Result<Step> {
        let mut kind = [0; 4];
        match source.fill(&mut kind)? {
            Filled::Whole => {}
            Filled::End => return Ok(Step::End),
            Filled::Torn => return Ok(Step::Torn),
        }
        if kind == SECTION {
            return Ok(if self.begin(source)? { Step::Other } else { Step::Torn });
        }
        let mut length = [0; 4];
        if source.fill(&mut length)? != Filled::Whole {
            return Ok(Step::Torn);
        }
        let (kind, length) = (self.order.u32(&kind, 0), self.order.u32(&length, 0));
        if !(12..=MOST).contains(&length) {
            return Ok(Step::Torn);
        }
        let body = u64::from(length) - 12;
        let most = if kind == 1 { DESCRIPTION } else { KEPT + 20 };
        let mut bytes = vec![0; if matches!(kind, 1 | 2 | 3 | 6) { (body as usize).min(most) } else { 0 }];
        let whole = bytes.is_empty() || source.fill(&mut bytes)? == Filled::Whole;
        // The length stands at the end of a block once more.
        if !whole || !source.skip(body - bytes.len() as u64 + 4)? {
            return Ok(Step::Torn);
        }
        Ok(self.block(kind, &bytes))
    }

    fn block(&mut self, kind: u32, bytes: &[u8]) -> Step {
        match kind {
            1 => self.interface(bytes),
            6 => self.packet(self.order.u32(bytes, 0), bytes),
            // The obsolete form differs in the width of the interface's number alone.
            2 => self.packet(u32::from(self.order.u16(bytes, 0)), bytes),
            3 => {
                let length = self.order.u32(bytes, 0);
                self.frame(0, self.last_ns, bytes.get(4..).unwrap_or_default(), length, length)
            }
            _ => Step::Other,
        }
    }

    fn interface(&mut self, bytes: &[u8]) -> Step {
        let (order, mut at) = (self.order, 8);
        let mut interface = Interface { kind: u32::from(order.u16(bytes, 0)), units: 1_000_000, offset_s: 0 };
        // Options: code, length, value padded to four bytes; 0 ends them.
        while let (Some(_), code @ 1..) = (bytes.get(at + 3), order.u16(bytes, at)) {
            let length = usize::from(order.u16(bytes, at + 2));
            let value = bytes.get(at + 4..at + 4 + length).unwrap_or_default();
            match (code, value) {
                (9, [unit, ..]) => interface.units = units(*unit),
                (14, [_, _, _, _, _, _, _, _]) => {
                    let (one, two) = (u64::from(order.u32(value, 0)), u64::from(order.u32(value, 4)));
                    let whole = if order == Order::Big { one << 32 | two } else { two << 32 | one };
                    interface.offset_s = whole as i64;
                }
                _ => {}
            }
            at += 4 + length.next_multiple_of(4);
        }
        if self.interfaces.len() < INTERFACES {
            self.interfaces.push(interface);
        }
        Step::Other
    }

    fn packet(&mut self, interface: u32, bytes: &[u8]) -> Step {
        let number = |at| self.order.u32(bytes, at);
        let time = u64::from(number(4)) << 32 | u64::from(number(8));
        let (kept, whole) = (number(12), number(16));
        let Some(found) = self.interfaces.get(interface as usize) else { return Step::Other };
        self.last_ns = ns(time, found);
        self.frame(interface as usize, self.last_ns, bytes.get(20..).unwrap_or_default(), kept, whole)
    }

    /// A packet of which at most `kept` bytes of these are its own.
    fn frame(&self, interface: usize, at_ns: u64, bytes: &[u8], kept: u32, whole: u32) -> Step {
        let Some(found) = self.interfaces.get(interface) else { return Step::Other };
        let bytes = bytes[..bytes.len().min(kept as usize).min(KEPT)].to_vec();
        Step::Frame(Frame { at_ns, kind: found.kind, length: whole.max(bytes.len() as u32), bytes })
    }
}

/// Units a second of an `if_tsresol`: a power of ten, or of two when its highest bit is set.
fn units(unit: u8) -> u128 {
    let power = u32::from(unit & 0x7f);
    let base: u128 = if unit & 0x80 == 0 { 10 } else { 2 };
    base.checked_pow(power).unwrap_or(u128::MAX)
}

fn ns(time: u64, interface: &Interface) -> u64 {
    let since = u128::from(time) * 1_000_000_000 / interface.units;
    let offset = i128::from(interface.offset_s) * 1_000_000_000;
    let at = i128::try_from(since).unwrap_or(i128::MAX).saturating_add(offset);
    u64::try_from(at.max(0)).unwrap_or(u64::MAX)
}

//! Path attributes (RFC 4271, 4.3 and 5; communities: RFC 1997, 4360; four-byte AS numbers: RFC 6793).

use crate::community::{Community, Extended};
use crate::fault;
use crate::message::open::AS_TRANS;
use crate::wire::{Reader, counted16};
use base::{Fault, Result};
use std::net::Ipv4Addr;

pub(super) const ORIGIN: u8 = 1;
pub(super) const AS_PATH: u8 = 2;
pub(super) const NEXT_HOP: u8 = 3;
pub(super) const MED: u8 = 4;
pub(super) const LOCAL_PREF: u8 = 5;
pub(super) const COMMUNITIES: u8 = 8;
pub(super) const MP_REACH: u8 = 14;
pub(super) const MP_UNREACH: u8 = 15;
pub(super) const EXTENDED: u8 = 16;
pub(super) const AS4_PATH: u8 = 17;

/// Flag: understood by every speaker or not.
const OPTIONAL: u8 = 0x80;
/// Flag: passed on.
const TRANSITIVE: u8 = 0x40;
/// Flag: the length has two bytes.
const LONG: u8 = 0x10;

/// A part of an AS path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// In order (a sequence) or not (a set, or a kind of confederations).
    pub kind: u8,
    /// AS numbers.
    pub path: Vec<u32>,
}

impl Segment {
    /// AS numbers in order.
    pub fn sequence(path: Vec<u32>) -> Segment {
        Segment { kind: 2, path }
    }
}

/// Attributes of what an UPDATE announces, without the prefixes that stand among them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attributes {
    /// 0 IGP, 1 EGP, 2 incomplete.
    pub origin: Option<u8>,
    /// AS path; with a peer of two-byte numbers the one of four bytes where it was sent.
    pub as_path: Option<Vec<Segment>>,
    /// Next hop of IPv4 unicast.
    pub next_hop: Option<Ipv4Addr>,
    /// Multi-exit discriminator.
    pub med: Option<u32>,
    /// Local preference (inside an AS).
    pub local_pref: Option<u32>,
    /// Communities.
    pub communities: Vec<Community>,
    /// Extended communities.
    pub extended: Vec<Extended>,
    /// Types of other attributes.
    pub other: Vec<u8>,
}

/// One attribute of a message: type and value.
pub(super) struct Raw<'a> {
    pub kind: u8,
    pub value: Reader<'a>,
}

/// Reads type and value of the next attribute.
pub(super) fn next<'a>(attributes: &mut Reader<'a>) -> Result<Raw<'a>> {
    let (flags, kind) = (attributes.u8()?, attributes.u8()?);
    let length = if flags & LONG != 0 { usize::from(attributes.u16()?) } else { usize::from(attributes.u8()?) };
    Ok(Raw { kind, value: attributes.part(length, "path attribute")? })
}

fn malformed(kind: u8, found: impl std::fmt::Display) -> Fault {
    Fault::new(&fault::UPDATE).object(format!("path attribute {kind}")).found(found)
}

fn segments(mut value: Reader<'_>, wide: bool) -> Result<Vec<Segment>> {
    let mut segments = Vec::new();
    while !value.is_empty() {
        let (kind, count) = (value.u8()?, value.u8()?);
        if !(1..=4).contains(&kind) || count == 0 {
            return Err(malformed(AS_PATH, format!("segment of type {kind} and {count} numbers")));
        }
        let mut path = Vec::with_capacity(usize::from(count));
        for _ in 0..count {
            path.push(if wide { value.u32()? } else { u32::from(value.u16()?) });
        }
        segments.push(Segment { kind, path });
    }
    Ok(segments)
}

fn write_segments(segments: &[Segment], wide: bool, out: &mut Vec<u8>) {
    for segment in segments {
        let path = &segment.path[..segment.path.len().min(255)];
        out.extend([segment.kind, path.len() as u8]);
        for asn in path {
            match wide {
                true => out.extend(asn.to_be_bytes()),
                false => out.extend(u16::try_from(*asn).unwrap_or(AS_TRANS).to_be_bytes()),
            }
        }
    }
}

/// Writes one attribute.
pub(super) fn write(flags: u8, kind: u8, out: &mut Vec<u8>, value: impl FnOnce(&mut Vec<u8>)) {
    out.extend([flags | LONG, kind]);
    counted16(out, value);
}

/// Flags of attributes that every speaker understands.
pub(super) const WELL_KNOWN: u8 = TRANSITIVE;
/// Flags of optional attributes that end here.
pub(super) const LOCAL: u8 = OPTIONAL;
const PASSED: u8 = OPTIONAL | TRANSITIVE;

impl Attributes {
    /// Takes one attribute in. A wrong length or value is [`fault::UPDATE`].
    pub(super) fn read(&mut self, raw: Raw<'_>, wide: bool) -> Result<()> {
        let Raw { kind, mut value } = raw;
        let length = value.len();
        match (kind, length) {
            (ORIGIN, 1) => {
                let origin = value.u8()?;
                if origin > 2 {
                    return Err(malformed(kind, origin));
                }
                self.origin = Some(origin);
            }
            (AS_PATH, _) if self.as_path.is_none() || wide => self.as_path = Some(segments(value, wide)?),
            // Where both stand the wide one is the true one; the tail that RFC 6793 joins from the other is of no use here.
            (AS4_PATH, _) if !wide => self.as_path = Some(segments(value, true)?),
            (NEXT_HOP, 4) => self.next_hop = Some(Ipv4Addr::from(value.array::<4>()?)),
            (MED, 4) => self.med = Some(value.u32()?),
            (LOCAL_PREF, 4) => self.local_pref = Some(value.u32()?),
            (COMMUNITIES, _) if length.is_multiple_of(4) => {
                while !value.is_empty() {
                    self.communities.push(Community(value.u32()?));
                }
            }
            (EXTENDED, _) if length.is_multiple_of(8) => {
                while !value.is_empty() {
                    self.extended.push(value.array()?);
                }
            }
            (ORIGIN | NEXT_HOP | MED | LOCAL_PREF | COMMUNITIES | EXTENDED, length) => {
                return Err(malformed(kind, format!("{length} bytes")));
            }
            (kind, _) => self.other.push(kind),
        }
        Ok(())
    }

    /// Writes those that stand before MP_REACH.
    pub(super) fn write_before(&self, wide: bool, out: &mut Vec<u8>) {
        if let Some(origin) = self.origin {
            write(WELL_KNOWN, ORIGIN, out, |out| out.push(origin));
        }
        if let Some(path) = &self.as_path {
            write(WELL_KNOWN, AS_PATH, out, |out| write_segments(path, wide, out));
        }
        if let Some(next_hop) = self.next_hop {
            write(WELL_KNOWN, NEXT_HOP, out, |out| out.extend(next_hop.octets()));
        }
        if let Some(med) = self.med {
            write(LOCAL, MED, out, |out| out.extend(med.to_be_bytes()));
        }
        if let Some(preference) = self.local_pref {
            write(WELL_KNOWN, LOCAL_PREF, out, |out| out.extend(preference.to_be_bytes()));
        }
        if !self.communities.is_empty() {
            write(PASSED, COMMUNITIES, out, |out| {
                out.extend(self.communities.iter().flat_map(|community| community.0.to_be_bytes()));
            });
        }
    }

    /// Writes those that stand behind it.
    pub(super) fn write_behind(&self, wide: bool, out: &mut Vec<u8>) {
        if !self.extended.is_empty() {
            write(PASSED, EXTENDED, out, |out| out.extend(self.extended.iter().flatten()));
        }
        let narrow = |segment: &Segment| segment.path.iter().any(|asn| u16::try_from(*asn).is_err());
        if let Some(path) = self.as_path.as_ref().filter(|path| !wide && path.iter().any(narrow)) {
            write(PASSED, AS4_PATH, out, |out| write_segments(path, true, out));
        }
    }
}

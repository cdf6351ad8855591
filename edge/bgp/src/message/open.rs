//! OPEN and its capabilities (RFC 4271, 4.2; RFC 5492; RFC 4760; RFC 6793; long parameters: RFC 9072).

use crate::wire::Reader;
use crate::{Family, fault};
use base::{Fault, Result};
use std::net::Ipv4Addr;

/// Stands in two bytes for an AS number that needs four (RFC 6793).
pub const AS_TRANS: u16 = 23_456;

const MULTIPROTOCOL: u8 = 1;
const ROUTE_REFRESH: u8 = 2;
const WIDE_AS: u8 = 65;

/// Who an end is and what it can.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// AS number.
    pub asn: u32,
    /// Hold time offered, seconds.
    pub hold_s: u16,
    /// Router id.
    pub router_id: Ipv4Addr,
    /// Families of ours that it takes. One that lists none takes IPv4 unicast only.
    pub families: Vec<Family>,
    /// It listed families at all, ours or not.
    pub multiprotocol: bool,
    /// It can tell routes again.
    pub route_refresh: bool,
    /// It uses AS numbers of four bytes.
    pub wide_as: bool,
    /// Codes of other capabilities, at most 32 kept.
    pub other: Vec<u8>,
}

impl Open {
    /// Whether it takes a family.
    pub fn takes(&self, family: Family) -> bool {
        self.families.contains(&family) || (!self.multiprotocol && family == Family::Ipv4)
    }

    pub(super) fn read(mut body: Reader<'_>) -> Result<Open> {
        let version = body.u8()?;
        if version != 4 {
            return Err(wrong("version", "4", version));
        }
        let short_as = body.u16()?;
        let hold_s = body.u16()?;
        let router_id = Ipv4Addr::from(body.array::<4>()?);
        let mut open = Open {
            asn: u32::from(short_as),
            hold_s,
            router_id,
            families: Vec::new(),
            multiprotocol: false,
            route_refresh: false,
            wide_as: false,
            other: Vec::new(),
        };
        open.read_parameters(body)?;
        if open.asn == 0 || open.asn == u32::from(AS_TRANS) {
            return Err(wrong("AS", "a number of a network", open.asn));
        }
        if hold_s == 1 || hold_s == 2 {
            return Err(wrong("hold time", "0 or at least 3 s", hold_s));
        }
        if router_id.is_unspecified() || router_id.is_multicast() || router_id.is_broadcast() {
            return Err(wrong("router id", "an address of a host", router_id));
        }
        Ok(open)
    }

    fn read_parameters(&mut self, mut body: Reader<'_>) -> Result<()> {
        let mut length = usize::from(body.u8()?);
        // RFC 9072: a first parameter of type 255 means that lengths have two bytes.
        let long = length > 0 && body.clone().u8()? == 255;
        if long {
            body.u8()?;
            length = usize::from(body.u16()?);
        }
        let mut parameters = body.part(length, "optional parameters")?;
        if !body.is_empty() {
            return Err(wrong("length", "nothing behind the parameters", format!("{} bytes", body.len())));
        }
        while !parameters.is_empty() {
            let kind = parameters.u8()?;
            let length = if long { usize::from(parameters.u16()?) } else { usize::from(parameters.u8()?) };
            let mut capabilities = parameters.part(length, "capabilities")?;
            if kind != 2 {
                return Err(wrong("optional parameter", "2", kind));
            }
            while !capabilities.is_empty() {
                let code = capabilities.u8()?;
                let length = usize::from(capabilities.u8()?);
                self.read_capability(code, capabilities.part(length, "capability")?)?;
            }
        }
        Ok(())
    }

    fn read_capability(&mut self, code: u8, mut value: Reader<'_>) -> Result<()> {
        match (code, value.len()) {
            (MULTIPROTOCOL, 4) => {
                self.multiprotocol = true;
                let (afi, _, safi) = (value.u16()?, value.u8()?, value.u8()?);
                let family = Family::of(afi, safi).filter(|family| !self.families.contains(family));
                self.families.extend(family);
            }
            (ROUTE_REFRESH, 0) => self.route_refresh = true,
            (WIDE_AS, 4) => {
                self.wide_as = true;
                self.asn = value.u32()?;
            }
            (MULTIPROTOCOL | ROUTE_REFRESH | WIDE_AS, length) => {
                return Err(wrong("capability", "its length", format!("capability {code} of {length} bytes")));
            }
            _ if self.other.len() < 32 => self.other.push(code),
            _ => {}
        }
        Ok(())
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.push(4);
        out.extend(u16::try_from(self.asn).unwrap_or(AS_TRANS).to_be_bytes());
        out.extend(self.hold_s.to_be_bytes());
        out.extend(self.router_id.octets());
        let mut capabilities = Vec::new();
        for (afi, safi) in self.families.iter().map(|family| family.numbers()) {
            capabilities.extend([MULTIPROTOCOL, 4]);
            capabilities.extend(afi.to_be_bytes());
            capabilities.extend([0, safi]);
        }
        if self.route_refresh {
            capabilities.extend([ROUTE_REFRESH, 0]);
        }
        if self.wide_as {
            capabilities.extend([WIDE_AS, 4]);
            capabilities.extend(self.asn.to_be_bytes());
        }
        // At most four families, so far below the 253 bytes that one parameter may have.
        let length = capabilities.len() as u8;
        if capabilities.is_empty() {
            out.push(0);
        } else {
            out.extend([length + 2, 2, length]);
            out.extend(capabilities);
        }
    }
}

/// A fault whose object says which subcode of NOTIFICATION answers it.
fn wrong(object: &str, expected: &str, found: impl std::fmt::Display) -> Fault {
    Fault::new(&fault::OPEN).object(object).expected(expected).found(found)
}

#[cfg(test)]
mod tests {
    use super::super::{Frame, Message, Notification};
    use super::*;
    use proptest::prelude::*;

    fn open() -> Open {
        Open {
            asn: 4_200_000_001,
            hold_s: 9,
            router_id: Ipv4Addr::new(192, 0, 2, 1),
            families: Family::ALL.to_vec(),
            multiprotocol: true,
            route_refresh: true,
            wide_as: true,
            other: Vec::new(),
        }
    }

    fn decode(wire: &[u8]) -> Result<Message> {
        Frame::first(wire).unwrap().unwrap().decode(true)
    }

    fn wire(open: &Open) -> Vec<u8> {
        let mut out = Vec::new();
        assert!(Message::Open(open.clone()).write(true, &mut out));
        out
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(decode(&wire(&open())).unwrap(), Message::Open(open()));
        let old = Open {
            asn: 65_001,
            families: vec![],
            multiprotocol: false,
            route_refresh: false,
            wide_as: false,
            ..open()
        };
        assert_eq!(decode(&wire(&old)).unwrap(), Message::Open(old.clone()));
        assert!(old.takes(Family::Ipv4) && !old.takes(Family::Ipv6));
    }

    #[test]
    fn each_fault_is_answered_by_its_subcode() {
        let cases: [(usize, &[u8], u8); 5] =
            [(19, &[3], 1), (20, &[0, 0, 0, 9], 2), (22, &[0, 2], 6), (24, &[0, 0, 0, 0], 3), (29, &[1], 4)];
        let short = Open { asn: 65_001, wide_as: false, ..open() };
        for (at, bytes, subcode) in cases {
            let mut wire = wire(&short);
            wire[at..at + bytes.len()].copy_from_slice(bytes);
            let fault = decode(&wire).unwrap_err();
            let answer = Notification::answering(super::super::Kind::Open, &fault);
            assert_eq!((answer.code, answer.subcode), (2, subcode), "{fault}");
        }
    }

    #[test]
    fn long_parameters_and_strange_capabilities_are_read() {
        // RFC 9072, then capability 73 (FQDN) and a family that is not ours.
        let capabilities = [73, 2, 0, 0, 1, 4, 0, 25, 0, 65, 65, 4, 0, 0, 0xfd, 0xea];
        let mut body = vec![4, 0x5b, 0xa0, 0, 90, 192, 0, 2, 7, 255, 255, 0, 19, 2, 0, 16];
        body.extend(capabilities);
        let mut message = vec![0xff; 16];
        message.extend([0, (19 + body.len()) as u8, 1]);
        message.extend(body);
        let Message::Open(open) = decode(&message).unwrap() else { panic!("no OPEN") };
        assert_eq!((open.asn, open.other, open.multiprotocol), (65_002, vec![73], true));
        assert_eq!(open.families, []);
    }

    proptest! {
        #[test]
        fn every_prefix_of_an_open_is_refused_or_waited_for(cut in 0..60_usize) {
            let wire = wire(&open());
            let cut = cut.min(wire.len() - 1);
            prop_assert_eq!(Frame::first(&wire[..cut]).unwrap(), None);
            let mut body = wire[19..].to_vec();
            body.truncate(cut);
            prop_assert!(cut >= body.len() && Open::read(Reader::new(&body, "open")).is_err() || cut > wire.len() - 20);
        }
    }
}

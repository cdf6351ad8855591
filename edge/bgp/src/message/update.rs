//! UPDATE: what is announced and withdrawn (RFC 4271, 4.3; other families than IPv4 unicast: RFC 4760).

use super::attribute::{self, Attributes, LOCAL, MP_REACH, MP_UNREACH};
use crate::flow::FlowRule;
use crate::wire::{Reader, counted16};
use crate::{Family, fault, prefix};
use base::{Fault, Prefix, Result};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an announcement is about: the key by which it is withdrawn.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Nlri {
    /// A range of addresses.
    Unicast(Prefix),
    /// A FlowSpec rule.
    Flow(FlowRule),
}

impl Nlri {
    /// Its family.
    pub fn family(&self) -> Family {
        match self {
            Nlri::Unicast(prefix) if prefix.is_ipv6() => Family::Ipv6,
            Nlri::Unicast(_) => Family::Ipv4,
            Nlri::Flow(rule) => rule.family(),
        }
    }

    /// Its form in a message.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Nlri::Unicast(prefix) => prefix::write(*prefix, out),
            Nlri::Flow(rule) => rule.write(out),
        }
    }

    fn read(reader: &mut Reader<'_>, family: Family) -> Result<Nlri> {
        Ok(match family.is_flow() {
            true => Nlri::Flow(FlowRule::read(reader, family.is_ipv6())?),
            false => Nlri::Unicast(prefix::read(reader, family.is_ipv6())?),
        })
    }

    fn read_all(mut reader: Reader<'_>, family: Family) -> Result<Vec<Nlri>> {
        let mut all = Vec::new();
        while !reader.is_empty() {
            all.push(Nlri::read(&mut reader, family)?);
        }
        Ok(all)
    }
}

impl std::fmt::Display for Nlri {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Nlri::Unicast(prefix) => write!(f, "{prefix}"),
            Nlri::Flow(rule) => write!(f, "{rule}"),
        }
    }
}

/// What a message announces or withdraws of one family outside the old fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// The family.
    pub family: Family,
    /// Where packets shall go; FlowSpec and withdrawals have none.
    pub next_hop: Option<IpAddr>,
    /// What.
    pub nlri: Vec<Nlri>,
}

/// An UPDATE.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Update {
    /// IPv4 prefixes withdrawn.
    pub withdrawn: Vec<Prefix>,
    /// IPv4 prefixes announced.
    pub announced: Vec<Prefix>,
    /// Announced of one other family.
    pub reach: Option<Reach>,
    /// Withdrawn of one other family.
    pub unreach: Option<Reach>,
    /// Attributes of what is announced.
    pub attributes: Attributes,
}

impl Update {
    /// Announces one thing. IPv4 unicast takes its next hop from `next_hop` when it is an IPv4 address; FlowSpec has none.
    pub fn announce(nlri: Nlri, next_hop: Option<IpAddr>, attributes: Attributes) -> Update {
        let mut update = Update { attributes, ..Update::default() };
        match (nlri, next_hop) {
            (Nlri::Unicast(prefix), Some(IpAddr::V4(next_hop))) if !prefix.is_ipv6() => {
                update.attributes.next_hop = Some(next_hop);
                update.announced = vec![prefix];
            }
            (nlri, next_hop) => {
                let family = nlri.family();
                let next_hop = next_hop.filter(|_| !family.is_flow());
                update.reach = Some(Reach { family, next_hop, nlri: vec![nlri] });
            }
        }
        update
    }

    /// Withdraws things of one family; those of others are left out.
    pub fn withdraw(family: Family, nlri: Vec<Nlri>) -> Update {
        let nlri: Vec<Nlri> = nlri.into_iter().filter(|nlri| nlri.family() == family).collect();
        match family {
            Family::Ipv4 => {
                let prefix = |nlri: &Nlri| if let Nlri::Unicast(prefix) = nlri { Some(*prefix) } else { None };
                Update { withdrawn: nlri.iter().filter_map(prefix).collect(), ..Update::default() }
            }
            _ => Update { unreach: Some(Reach { family, next_hop: None, nlri }), ..Update::default() },
        }
    }

    /// How many things it announces.
    pub fn announces(&self) -> usize {
        self.announced.len() + self.reach.as_ref().map_or(0, |reach| reach.nlri.len())
    }

    /// How many things it announces or withdraws.
    pub fn routes(&self) -> usize {
        let gone = self.withdrawn.len() + self.unreach.as_ref().map_or(0, |reach| reach.nlri.len());
        self.announces() + gone
    }

    pub(super) fn read(mut body: Reader<'_>, wide: bool) -> Result<Update> {
        let mut update = Update::default();
        let length = usize::from(body.u16()?);
        update.withdrawn = prefixes(body.part(length, "withdrawn routes")?)?;
        let length = usize::from(body.u16()?);
        let mut attributes = body.part(length, "path attributes")?;
        let mut seen = [false; 256];
        while !attributes.is_empty() {
            let raw = attribute::next(&mut attributes)?;
            // RFC 7606, 3.g: of an attribute that stands again only the first counts; of these two it is an error.
            if std::mem::replace(&mut seen[usize::from(raw.kind)], true) {
                if raw.kind == MP_REACH || raw.kind == MP_UNREACH {
                    return Err(Fault::new(&fault::UPDATE)
                        .object("path attributes")
                        .found("two of MP_REACH or MP_UNREACH"));
                }
                continue;
            }
            match raw.kind {
                MP_REACH => update.reach = read_reach(raw.value)?,
                MP_UNREACH => update.unreach = read_unreach(raw.value)?,
                _ => update.attributes.read(raw, wide)?,
            }
        }
        update.announced = prefixes(body)?;
        Ok(update)
    }

    pub(super) fn write(&self, wide: bool, out: &mut Vec<u8>) {
        counted16(out, |out| self.withdrawn.iter().for_each(|prefix| prefix::write(*prefix, out)));
        counted16(out, |out| {
            self.attributes.write_before(wide, out);
            if let Some(reach) = &self.reach {
                attribute::write(LOCAL, MP_REACH, out, |out| write_reach(reach, out));
            }
            if let Some(unreach) = &self.unreach {
                attribute::write(LOCAL, MP_UNREACH, out, |out| {
                    write_family(unreach.family, out);
                    unreach.nlri.iter().for_each(|nlri| nlri.write(out));
                });
            }
            self.attributes.write_behind(wide, out);
        });
        self.announced.iter().for_each(|prefix| prefix::write(*prefix, out));
    }
}

fn prefixes(mut reader: Reader<'_>) -> Result<Vec<Prefix>> {
    let mut all = Vec::new();
    while !reader.is_empty() {
        all.push(prefix::read(&mut reader, false)?);
    }
    Ok(all)
}

fn read_family(value: &mut Reader<'_>) -> Result<Option<Family>> {
    let (afi, safi) = (value.u16()?, value.u8()?);
    Ok(Family::of(afi, safi))
}

fn write_family(family: Family, out: &mut Vec<u8>) {
    let (afi, safi) = family.numbers();
    out.extend(afi.to_be_bytes());
    out.push(safi);
}

/// A family that is not ours is left out: it was not negotiated.
fn read_reach(mut value: Reader<'_>) -> Result<Option<Reach>> {
    let family = read_family(&mut value)?;
    let length = usize::from(value.u8()?);
    let mut hop = value.part(length, "next hop")?;
    value.u8()?;
    let next_hop = match length {
        0 => None,
        4 => Some(IpAddr::V4(Ipv4Addr::from(hop.array::<4>()?))),
        // A link-local address may stand behind the global one (RFC 2545).
        16 | 32 => Some(IpAddr::V6(Ipv6Addr::from(hop.array::<16>()?))),
        _ if family.is_none() => None,
        other => return Err(Fault::new(&fault::UPDATE).object("next hop").found(format!("{other} bytes"))),
    };
    let Some(family) = family else { return Ok(None) };
    Ok(Some(Reach { family, next_hop, nlri: Nlri::read_all(value, family)? }))
}

fn read_unreach(mut value: Reader<'_>) -> Result<Option<Reach>> {
    let Some(family) = read_family(&mut value)? else { return Ok(None) };
    Ok(Some(Reach { family, next_hop: None, nlri: Nlri::read_all(value, family)? }))
}

fn write_reach(reach: &Reach, out: &mut Vec<u8>) {
    write_family(reach.family, out);
    match reach.next_hop {
        None => out.push(0),
        Some(IpAddr::V4(address)) => {
            out.push(4);
            out.extend(address.octets());
        }
        Some(IpAddr::V6(address)) => {
            out.push(16);
            out.extend(address.octets());
        }
    }
    // Reserved (RFC 4760, 3).
    out.push(0);
    reach.nlri.iter().for_each(|nlri| nlri.write(out));
}

#[cfg(test)]
mod tests {
    use super::super::{Frame, Message, Segment};
    use super::*;
    use crate::community::{Action, Community};
    use crate::flow::{Field, Test};
    use proptest::prelude::*;

    fn attributes(asn: u32) -> Attributes {
        Attributes {
            origin: Some(0),
            as_path: Some(vec![Segment::sequence(vec![asn])]),
            communities: vec![Community::BLACKHOLE],
            ..Attributes::default()
        }
    }

    fn there_and_back(update: &Update, wide: bool) -> Update {
        let mut wire = Vec::new();
        assert!(Message::Update(update.clone()).write(wide, &mut wire));
        match Frame::first(&wire).unwrap().unwrap().decode(wide).unwrap() {
            Message::Update(update) => update,
            other => panic!("{other:?}"),
        }
    }

    fn examples() -> Vec<Update> {
        let rule = FlowRule::to("192.0.2.1/32".parse().unwrap()).when(Field::Protocol, &[Test::equal(17)]).unwrap();
        let rule6 = FlowRule::to("2001:db8::1/128".parse().unwrap());
        let hop4 = Some("198.51.100.1".parse().unwrap());
        let hop6 = Some("2001:db8::ffff".parse().unwrap());
        let flow =
            Attributes { communities: vec![], extended: vec![Action::Discard.extended(65_001)], ..attributes(65_001) };
        let (v4, v6) = ("192.0.2.1/32".parse().unwrap(), "2001:db8::1/128".parse().unwrap());
        vec![
            Update::announce(Nlri::Unicast(v4), hop4, attributes(65_001)),
            Update::announce(Nlri::Unicast(v6), hop6, attributes(4_200_000_000)),
            Update::announce(Nlri::Flow(rule.clone()), hop4, flow.clone()),
            Update::announce(Nlri::Flow(rule6.clone()), None, flow),
            Update::withdraw(Family::Ipv4, vec![Nlri::Unicast(v4)]),
            Update::withdraw(Family::Ipv6, vec![Nlri::Unicast(v6)]),
            Update::withdraw(Family::Ipv4Flow, vec![Nlri::Flow(rule)]),
            Update::withdraw(Family::Ipv6Flow, vec![Nlri::Flow(rule6)]),
        ]
    }

    #[test]
    fn what_is_written_is_read_with_wide_and_narrow_numbers() {
        for update in examples() {
            for wide in [true, false] {
                assert_eq!(there_and_back(&update, wide), update, "wide {wide}");
            }
        }
    }

    #[test]
    fn a_blackhole_has_the_bytes_of_the_standards() {
        let mut wire = Vec::new();
        assert!(Message::Update(examples()[0].clone()).write(true, &mut wire));
        let mut body = vec![0, 0, 0, 0x27];
        body.extend([0x50, 1, 0, 1, 0]);
        body.extend([0x50, 2, 0, 6, 2, 1, 0, 0, 0xfd, 0xe9]);
        body.extend([0x50, 3, 0, 4, 198, 51, 100, 1]);
        body.extend([0xd0, 8, 0, 4, 0xff, 0xff, 0x02, 0x9a]);
        let length = body.len() as u8 - 4;
        body[3] = length;
        body.extend([32, 192, 0, 2, 1]);
        assert_eq!(wire[19..], body);
    }

    #[test]
    fn a_family_that_is_not_ours_is_left_out() {
        // L2VPN EVPN with a next hop of 4 bytes and three bytes of something.
        let value = [0, 25, 70, 4, 192, 0, 2, 1, 0, 9, 9, 9];
        let mut body = vec![0, 0, 0, 15, 0x80, MP_REACH, 12];
        body.extend(value);
        let update = Update::read(Reader::new(&body, "update"), true).unwrap();
        assert_eq!(update, Update::default());
    }

    #[test]
    fn malformed_updates_are_named() {
        for body in [
            &[0, 9, 0, 0][..],
            &[0, 0, 0, 9],
            &[0, 0, 0, 4, 0x40, 1, 1, 7],
            &[0, 0, 0, 3, 0x40, 3, 0],
            &[0, 0, 0, 5, 0x40, 2, 2, 9, 1],
            &[0, 0, 0, 0, 33, 1, 2, 3, 4, 5],
            &[0, 0, 0, 12, 0x80, 15, 3, 0, 1, 1, 0x80, 15, 3, 0, 1, 1],
        ] {
            let fault = Update::read(Reader::new(body, "update"), true).unwrap_err();
            assert!(fault.is(&fault::UPDATE) || fault.is(&fault::TRUNCATED), "{body:?}: {fault}");
        }
    }

    proptest! {
        #[test]
        fn what_was_read_can_be_said_again(body in prop::collection::vec(any::<u8>(), 4..200), wide: bool) {
            if let Ok(update) = Update::read(Reader::new(&body, "update"), wide) {
                let mut wire = Vec::new();
                let _ = Message::Update(update).write(wide, &mut wire);
            }
        }

        #[test]
        fn a_damaged_update_is_read_or_named(which in 0..8_usize, at in 0..80_usize, byte: u8, wide: bool) {
            let mut wire = Vec::new();
            prop_assert!(Message::Update(examples()[which].clone()).write(wide, &mut wire));
            let at = 19 + at % (wire.len() - 19);
            wire[at] = byte;
            if let Ok(Some(frame)) = Frame::first(&wire) {
                let _ = frame.decode(wide);
            }
        }
    }
}

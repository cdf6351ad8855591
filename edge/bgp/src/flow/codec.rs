//! Rules in messages (RFC 8955, 4; RFC 8956, 3).

use super::{Component, Field, FlowRule, Range, Test};
use crate::wire::Reader;
use crate::{fault, prefix};
use base::{Fault, Result};
use std::net::IpAddr;

/// Longest rule that twelve bits can count.
const LONGEST: usize = 4095;

/// In the operator byte: the last test of a component.
const END: u8 = 0x80;
/// In the operator byte: joined with the test before by *and*.
const AND: u8 = 0x40;

impl FlowRule {
    /// Its form in a message: length, then components.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let mut body = Vec::new();
        for component in self.components() {
            body.push(component.number());
            match component {
                Component::Destination(range) | Component::Source(range) => write_range(*range, &mut body),
                Component::Field { tests, .. } => write_tests(tests, &mut body),
            }
        }
        // One byte below 240, else two with four bits set before them (RFC 8955, 4.1).
        match body.len() {
            short @ 0..0xf0 => out.push(short as u8),
            long => out.extend(((long.min(LONGEST) as u16) | 0xf000).to_be_bytes()),
        }
        out.extend(body);
    }

    /// Reads one.
    pub(crate) fn read(reader: &mut Reader<'_>, ipv6: bool) -> Result<FlowRule> {
        let first = reader.u8()?;
        let length =
            if first < 0xf0 { usize::from(first) } else { usize::from(first & 0xf) << 8 | usize::from(reader.u8()?) };
        let mut body = reader.part(length, "FlowSpec rule")?;
        let mut components: Vec<Component> = Vec::new();
        while !body.is_empty() {
            let number = body.u8()?;
            // RFC 8955, 4.2: strictly ascending; anything else is malformed.
            if components.last().is_some_and(|last| last.number() >= number) {
                return Err(wrong("component", format!("{number}, out of order or twice")));
            }
            components.push(match (number, Field::of(number)) {
                (1, _) => Component::Destination(read_range(&mut body, ipv6)?),
                (2, _) => Component::Source(read_range(&mut body, ipv6)?),
                (_, Some(field)) => Component::Field { field, tests: read_tests(&mut body)? },
                (_, None) => return Err(wrong("component", number.to_string())),
            });
        }
        FlowRule::new(ipv6, components).map_err(|fault| wrong("rule", fault.got().to_string()))
    }
}

fn wrong(object: &str, found: String) -> Fault {
    Fault::new(&fault::UPDATE).object(format!("FlowSpec {object}")).found(found)
}

fn bits_of(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// Bits of an address behind the offset.
fn behind(offset: u8) -> u128 {
    u128::MAX.checked_shr(u32::from(offset)).unwrap_or(0)
}

/// Whether a range is of this family and has one form only.
pub(super) fn is_canonical(range: Range, ipv6: bool) -> bool {
    let Range { prefix, offset } = range;
    let offset_fits = offset == 0 || (ipv6 && offset < prefix.length());
    prefix.is_ipv6() == ipv6 && offset_fits && bits_of(prefix.address()) & !behind(offset) == 0
}

fn write_range(range: Range, out: &mut Vec<u8>) {
    let Range { prefix, offset } = range;
    if !prefix.is_ipv6() {
        return prefix::write(prefix, out);
    }
    out.extend([prefix.length(), offset]);
    let pattern = bits_of(prefix.address()) << (offset & 127);
    let count = usize::from((prefix.length() - offset).div_ceil(8));
    out.extend(&pattern.to_be_bytes()[..count]);
}

fn read_range(body: &mut Reader<'_>, ipv6: bool) -> Result<Range> {
    if !ipv6 {
        return Ok(prefix::read(body, false)?.into());
    }
    let (bits, offset) = (body.u8()?, body.u8()?);
    if bits > 128 || (offset >= bits && (bits, offset) != (0, 0)) {
        return Err(wrong("range", format!("length {bits}, offset {offset}")));
    }
    let taken = body.take(usize::from((bits - offset).div_ceil(8)))?;
    let mut pattern = [0; 16];
    pattern[..taken.len()].copy_from_slice(taken);
    let address = u128::from_be_bytes(pattern) >> (offset & 127);
    Ok(Range { prefix: prefix::of_bytes(address.to_be_bytes(), bits, true)?, offset })
}

fn write_tests(tests: &[Test], out: &mut Vec<u8>) {
    for (index, test) in tests.iter().enumerate() {
        let end = if index + 1 == tests.len() { END } else { 0 };
        let and = if test.and { AND } else { 0 };
        // Two bits say the width of the value as a power of two.
        let (width, bytes) = match test.value {
            0..=0xff => (0, 1),
            0x100..=0xffff => (1, 2),
            0x1_0000..=0xffff_ffff => (2, 4),
            _ => (3, 8),
        };
        out.push(end | and | width << 4 | test.compare & 7);
        out.extend(&test.value.to_be_bytes()[8 - bytes..]);
    }
}

fn read_tests(body: &mut Reader<'_>) -> Result<Vec<Test>> {
    let mut tests = Vec::new();
    loop {
        let operator = body.u8()?;
        let bytes = body.take(1 << (operator >> 4 & 3))?;
        let value = bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
        // RFC 8955, 4.2.1.1: the first test has no test before it; the bit is ignored there.
        tests.push(Test { and: operator & AND != 0 && !tests.is_empty(), compare: operator & 7, value });
        if operator & END != 0 {
            return Ok(tests);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::Prefix;
    use proptest::prelude::*;

    fn prefix(text: &str) -> Prefix {
        text.parse().unwrap()
    }

    fn bytes(rule: &FlowRule) -> Vec<u8> {
        let mut out = Vec::new();
        rule.write(&mut out);
        out
    }

    /// The first example of RFC 8955, 4.3: all packets to 192.0.2.0/24 and TCP port 25.
    #[test]
    fn the_examples_of_the_standards() {
        let rule = FlowRule::to(prefix("192.0.2.0/24"))
            .when(Field::Protocol, &[Test::equal(6)])
            .and_then(|rule| rule.when(Field::Port, &[Test::equal(25)]))
            .unwrap();
        assert_eq!(bytes(&rule), [0x0b, 1, 0x18, 0xc0, 0, 2, 3, 0x81, 6, 4, 0x81, 0x19]);
        // The second: from 203.0.113.0/24, ports 137–139 or 8080.
        let mut ports = Test::range(137, 139).to_vec();
        ports.push(Test::equal(8080));
        let rule = FlowRule::to(prefix("192.0.2.0/24"))
            .from(prefix("203.0.113.0/24"))
            .and_then(|rule| rule.when(Field::Port, &ports))
            .unwrap();
        let wire = [0x12, 1, 0x18, 0xc0, 0, 2, 2, 0x18, 0xcb, 0, 0x71, 4, 3, 0x89, 0x45, 0x8b, 0x91, 0x1f, 0x90];
        assert_eq!(bytes(&rule), wire);
        // The range of RFC 8956, 3.8.1: an offset of 64 bits and a length of 104, 1234:5678:9a behind it.
        let pattern = Range { prefix: prefix("0:0:0:0:1234:5678:9a00:0/104"), offset: 64 };
        let rule = FlowRule::new(true, vec![Component::Destination(pattern)]).unwrap();
        assert_eq!(bytes(&rule), [8, 1, 0x68, 0x40, 0x12, 0x34, 0x56, 0x78, 0x9a]);
    }

    #[test]
    fn a_long_rule_has_a_long_length() {
        let tests: Vec<Test> = (0..500).map(|port| Test::equal(1000 + port)).collect();
        let rule = FlowRule::to(prefix("192.0.2.1/32")).when(Field::SourcePort, &tests).unwrap();
        let wire = bytes(&rule);
        assert_eq!(wire[0] & 0xf0, 0xf0);
        assert_eq!(FlowRule::read(&mut Reader::new(&wire, "rule"), false).unwrap(), rule);
    }

    #[test]
    fn malformed_rules_are_named() {
        for (ipv6, wire) in [
            (false, &[0_u8][..]),
            (false, &[5, 1, 0x18, 0xc0]),
            (false, &[4, 3, 0x81, 6, 3]),
            (false, &[6, 3, 0x81, 6, 3, 0x81, 6]),
            (false, &[3, 14, 0x81, 6]),
            (false, &[3, 3, 0x01, 6]),
            (true, &[3, 1, 64, 64]),
            (true, &[3, 1, 129, 0]),
        ] {
            let fault = FlowRule::read(&mut Reader::new(wire, "rule"), ipv6).unwrap_err();
            assert!(fault.is(&fault::UPDATE) || fault.is(&fault::TRUNCATED), "{wire:?}: {fault}");
        }
    }

    /// Any rule that can be said.
    pub(crate) fn rule() -> impl Strategy<Value = FlowRule> {
        let range = |ipv6: bool| {
            (any::<u128>(), 0..=128_u8, any::<u8>()).prop_filter_map("of its family", move |(address, bits, offset)| {
                let bits = if ipv6 { bits } else { bits.min(32) };
                let offset = if ipv6 && bits > 0 { offset % bits } else { 0 };
                let address = if ipv6 { address & behind(offset) } else { address };
                prefix::of_bytes(address.to_be_bytes(), bits, ipv6).ok().map(|prefix| Range { prefix, offset })
            })
        };
        let tests = prop::collection::vec((any::<bool>(), 0..8_u8, any::<u64>()), 1..5);
        (any::<bool>(), prop::collection::btree_map(0..Field::ALL.len(), tests, 0..4)).prop_flat_map(
            move |(ipv6, fields)| {
                (range(ipv6), prop::option::of(range(ipv6))).prop_filter_map("sayable", move |(to, from)| {
                    let mut components = vec![Component::Destination(to)];
                    components.extend(from.map(Component::Source));
                    for (index, tests) in fields.clone() {
                        let field = Field::ALL[index];
                        if field == Field::FlowLabel && !ipv6 {
                            continue;
                        }
                        let mask = match field {
                            Field::Fragment => 0xe,
                            Field::Dscp => 0x3f,
                            Field::Protocol | Field::IcmpType | Field::IcmpCode => 0xff,
                            Field::TcpFlags => 0xfff,
                            Field::FlowLabel => 0xf_ffff,
                            _ => 0xffff,
                        };
                        let tests = tests.iter().enumerate().map(|(at, (and, compare, value))| Test {
                            and: *and && at > 0,
                            compare: if field.is_bits() { compare & 3 } else { *compare },
                            value: value & mask,
                        });
                        components.push(Component::Field { field, tests: tests.collect() });
                    }
                    FlowRule::new(ipv6, components).ok()
                })
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(rule in rule()) {
            let wire = bytes(&rule);
            let mut reader = Reader::new(&wire, "rule");
            let read = FlowRule::read(&mut reader, rule.family().is_ipv6()).unwrap();
            prop_assert!(reader.is_empty());
            prop_assert_eq!(read, rule);
        }

        #[test]
        fn any_bytes_read_without_harm(wire in prop::collection::vec(any::<u8>(), 0..300), ipv6: bool) {
            if let Ok(rule) = FlowRule::read(&mut Reader::new(&wire, "rule"), ipv6) {
                let again = bytes(&rule);
                prop_assert_eq!(FlowRule::read(&mut Reader::new(&again, "rule"), ipv6).unwrap(), rule);
            }
        }
    }
}

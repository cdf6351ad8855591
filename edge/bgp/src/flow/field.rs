//! Fields of a header that a rule may test, and the tests (RFC 8955, 4.2.1).

use serde::{Deserialize, Serialize};

/// A field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Field {
    /// Protocol, or the last next header of IPv6.
    Protocol,
    /// Source or destination port.
    Port,
    /// Destination port.
    DestinationPort,
    /// Source port.
    SourcePort,
    /// Type of ICMP or ICMPv6.
    IcmpType,
    /// Code of ICMP or ICMPv6.
    IcmpCode,
    /// Flags of TCP: the low twelve bits of bytes 13 and 14 of the header.
    TcpFlags,
    /// Length of the IP packet, bytes.
    Length,
    /// DSCP.
    Dscp,
    /// Bits: 1 don't fragment (IPv4 only), 2 is a fragment, 4 first, 8 last.
    Fragment,
    /// Flow label (IPv6 only).
    FlowLabel,
}

/// Number in messages, name, largest value, whether tests are on bits.
type Row = (u8, &'static str, u64, bool);

impl Field {
    /// Every field, in the order of messages.
    pub const ALL: [Field; 11] = [
        Field::Protocol,
        Field::Port,
        Field::DestinationPort,
        Field::SourcePort,
        Field::IcmpType,
        Field::IcmpCode,
        Field::TcpFlags,
        Field::Length,
        Field::Dscp,
        Field::Fragment,
        Field::FlowLabel,
    ];

    const fn row(self) -> Row {
        match self {
            Field::Protocol => (3, "protocol", 0xff, false),
            Field::Port => (4, "port", 0xffff, false),
            Field::DestinationPort => (5, "destination-port", 0xffff, false),
            Field::SourcePort => (6, "source-port", 0xffff, false),
            Field::IcmpType => (7, "icmp-type", 0xff, false),
            Field::IcmpCode => (8, "icmp-code", 0xff, false),
            Field::TcpFlags => (9, "tcp-flags", 0xfff, true),
            Field::Length => (10, "length", 0xffff, false),
            Field::Dscp => (11, "dscp", 0x3f, false),
            Field::Fragment => (12, "fragment", 0xf, true),
            Field::FlowLabel => (13, "flow-label", 0xf_ffff, false),
        }
    }

    /// Its number in messages (IANA registry of flow specification component types).
    pub fn number(self) -> u8 {
        self.row().0
    }

    /// The field of a number.
    pub fn of(number: u8) -> Option<Field> {
        Field::ALL.into_iter().find(|field| field.number() == number)
    }

    /// Its name in settings and records.
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// Whether tests look at bits rather than at a number.
    pub fn is_bits(self) -> bool {
        self.row().3
    }

    /// Whether these tests can be said of it in this family.
    pub(super) fn takes(self, tests: &[Test], ipv6: bool) -> bool {
        let (_, _, largest, bits) = self.row();
        let test_fits = |(index, test): (usize, &Test)| {
            let known = if bits { test.compare & 4 == 0 } else { true };
            // RFC 8956, 3.5: there is no don't-fragment bit in IPv6.
            let sayable = !(ipv6 && self == Field::Fragment && test.value & 1 != 0);
            test.value <= largest && test.compare < 8 && known && sayable && !(index == 0 && test.and)
        };
        let family = ipv6 || self != Field::FlowLabel;
        family && !tests.is_empty() && tests.iter().enumerate().all(test_fits)
    }

    /// The tests as text behind the name.
    pub(super) fn write(self, tests: &[Test], f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, test) in tests.iter().enumerate() {
            f.write_str(match (index, test.and) {
                (0, _) => " ",
                (_, true) => "&",
                (_, false) => ",",
            })?;
            let numeric = ["never", "=", ">", ">=", "<", "<=", "!=", "always"];
            let bits = ["any ", "all ", "none ", "not all "];
            let operator = if self.is_bits() {
                bits[usize::from(test.compare & 3)]
            } else {
                numeric[usize::from(test.compare & 7)]
            };
            match self.is_bits() {
                true => write!(f, "{operator}{:#x}", test.value)?,
                false => write!(f, "{operator}{}", test.value)?,
            }
        }
        Ok(())
    }
}

/// One test of a field: the low three bits of the operator byte of the standard, and a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Test {
    /// Joined with the test before it by *and*; otherwise by *or*. False for the first.
    #[serde(default)]
    pub and: bool,
    /// For numbers: 4 less, 2 greater, 1 equal, added. For bits: 2 negates, 1 wants all bits rather than any.
    pub compare: u8,
    /// What is compared with.
    pub value: u64,
}

impl Test {
    const fn new(compare: u8, value: u64) -> Test {
        Test { and: false, compare, value }
    }

    /// The number is this.
    pub const fn equal(value: u64) -> Test {
        Test::new(1, value)
    }

    /// The number is this or more.
    pub const fn at_least(value: u64) -> Test {
        Test::new(3, value)
    }

    /// The number is this or less.
    pub const fn at_most(value: u64) -> Test {
        Test::new(5, value)
    }

    /// The number is in this range, ends included.
    pub const fn range(first: u64, last: u64) -> [Test; 2] {
        [Test::at_least(first), Test { and: true, ..Test::at_most(last) }]
    }

    /// At least one of these bits is set.
    pub const fn any_of(bits: u64) -> Test {
        Test::new(0, bits)
    }

    /// All of these bits are set.
    pub const fn all_of(bits: u64) -> Test {
        Test::new(1, bits)
    }

    /// None of these bits is set, and the test before holds as well.
    pub const fn and_none_of(bits: u64) -> Test {
        Test { and: true, ..Test::new(2, bits) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_ascend_and_go_both_ways() {
        assert!(Field::ALL.windows(2).all(|pair| pair[0].number() < pair[1].number()));
        assert!(Field::ALL.iter().all(|field| Field::of(field.number()) == Some(*field)));
        assert_eq!(Field::of(1), None, "ranges are no fields");
    }
}

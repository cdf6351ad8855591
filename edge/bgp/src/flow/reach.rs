//! How much of the traffic to its destination a rule takes. A rule with tests that nearly every packet passes is a blackhole in
//! other words, and must be guarded as one.
//!
//! Values are weighed as they occur, not as they can be written: a length below 1501 is every length, the protocols TCP and UDP
//! are every protocol, and a source of half the net is everybody.

use super::{Component, Field, FlowRule, Range, Test};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// Tests that leave out less than one in so many of the usual values say nothing.
const PART: u64 = 16;
/// A source of IPv4 with fewer bits than this is nearly everybody: the largest networks of one owner.
const SOURCE_BITS_V4: u8 = 8;
/// The same of IPv6, where all that is assigned lies in 2000::/3 and registries hold ranges of 12 bits.
const SOURCE_BITS_V6: u8 = 16;
/// Flags of TCP in the life of a connection, as a client sends them: SYN, ACK, PSH and ACK, FIN and ACK.
const FLAGS: &[u64] = &[0x02, 0x10, 0x18, 0x11];

/// The values of a field that ordinary packets have.
enum Usual {
    /// These; tests that pass all of them say nothing.
    Each(&'static [u64]),
    /// Any of a range alike.
    Range(RangeInclusive<u64>),
}

fn usual(field: Field) -> Usual {
    match field {
        Field::Protocol => Usual::Each(&[6, 17]),
        Field::TcpFlags => Usual::Each(FLAGS),
        // Whole packets, with or without leave to be cut.
        Field::Fragment => Usual::Each(&[0, 1]),
        Field::Dscp => Usual::Each(&[0]),
        // From a bare TCP header to what an Ethernet carries.
        Field::Length => Usual::Range(40..=1500),
        Field::Port | Field::DestinationPort | Field::SourcePort => Usual::Range(0..=0xffff),
        Field::IcmpType | Field::IcmpCode => Usual::Range(0..=0xff),
        Field::FlowLabel => Usual::Range(0..=0xf_ffff),
    }
}

impl FlowRule {
    /// Whether it matches every packet to its destination, or nearly, as a blackhole does.
    pub fn takes_everything(&self) -> bool {
        self.components().iter().all(says_nothing)
    }
}

/// Whether nearly every packet passes.
fn says_nothing(component: &Component) -> bool {
    match component {
        Component::Destination(_) => true,
        Component::Source(Range { prefix, offset }) => {
            let least = if prefix.is_ipv6() { SOURCE_BITS_V6 } else { SOURCE_BITS_V4 };
            prefix.length().saturating_sub(*offset) < least
        }
        Component::Field { field, tests } => match usual(*field) {
            Usual::Each(values) => values.iter().all(|value| passes(*field, tests, *value)),
            Usual::Range(range) => {
                let all = range.end() - range.start() + 1;
                all - passing(tests, &range) < all.div_ceil(PART)
            }
        },
    }
}

/// Tests joined by *and*; one group of them must hold.
fn groups(tests: &[Test]) -> impl Iterator<Item = &[Test]> {
    tests.chunk_by(|_, next| next.and)
}

fn passes(field: Field, tests: &[Test], value: u64) -> bool {
    let one = |test: &Test| match field.is_bits() {
        true => {
            let all = test.compare & 1 != 0;
            let set = if all { value & test.value == test.value } else { value & test.value != 0 };
            set != (test.compare & 2 != 0)
        }
        false => match value.cmp(&test.value) {
            std::cmp::Ordering::Less => test.compare & 4 != 0,
            std::cmp::Ordering::Greater => test.compare & 2 != 0,
            std::cmp::Ordering::Equal => test.compare & 1 != 0,
        },
    };
    groups(tests).any(|group| group.iter().all(one))
}

/// How many values of a range pass tests of numbers: a sweep over where groups begin and end, so that rules of many tests cost
/// little.
fn passing(tests: &[Test], range: &RangeInclusive<u64>) -> u64 {
    let mut edges: BTreeMap<u64, i64> = BTreeMap::from([(*range.start(), 0), (range.end() + 1, 0)]);
    let mut edge = |first: u64, last: u64, step: i64| {
        *edges.entry(first).or_default() += step;
        *edges.entry(last + 1).or_default() -= step;
    };
    for group in groups(tests) {
        let (mut first, mut last) = (*range.start(), *range.end());
        let mut holes: Vec<u64> = Vec::new();
        let mut empty = false;
        for test in group {
            match test.compare & 7 {
                0 => empty = true,
                1 => (first, last) = (first.max(test.value), last.min(test.value)),
                2 => first = first.max(test.value.saturating_add(1)),
                3 => first = first.max(test.value),
                4 => last = last.min(test.value.saturating_sub(1)),
                5 => last = last.min(test.value),
                6 => holes.push(test.value),
                _ => {}
            }
            empty |= test.compare & 7 == 4 && test.value == 0;
        }
        if empty || first > last {
            continue;
        }
        edge(first, last, 1);
        holes.sort_unstable();
        holes.dedup();
        holes.iter().filter(|hole| (first..=last).contains(*hole)).for_each(|hole| edge(*hole, *hole, -1));
    }
    let (mut count, mut cover, mut from) = (0, 0, *range.start());
    for (at, step) in edges {
        count += if cover > 0 { at - from } else { 0 };
        (cover, from) = (cover + step, at);
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::Prefix;
    use proptest::prelude::*;

    fn prefix(text: &str) -> Prefix {
        text.parse().unwrap()
    }

    fn host() -> FlowRule {
        FlowRule::to(prefix("192.0.2.1/32"))
    }

    fn not(value: u64) -> Test {
        Test { and: false, compare: 6, value }
    }

    #[test]
    fn tests_that_nearly_every_packet_passes_say_nothing() {
        let none_of = |bits| Test { and: false, ..Test::and_none_of(bits) };
        let everything: [(Field, Vec<Test>); 16] = [
            (Field::Length, vec![Test::at_least(0)]),
            (Field::Length, vec![Test::at_most(1500)]),
            (Field::Length, vec![Test::at_least(100)]),
            (Field::Length, vec![Test::at_most(700), Test::at_least(600)]),
            (Field::DestinationPort, Test::range(0, 0xffff).to_vec()),
            (Field::SourcePort, vec![Test::at_least(1024)]),
            (Field::Port, vec![not(22)]),
            (Field::Port, vec![Test { and: false, compare: 7, value: 0 }]),
            (Field::Port, vec![not(22), not(80)]),
            (Field::Protocol, vec![Test::equal(6), Test::equal(17)]),
            (Field::Protocol, vec![not(1)]),
            (Field::TcpFlags, vec![Test::any_of(0xfff)]),
            (Field::TcpFlags, vec![none_of(0x04)]),
            (Field::Fragment, vec![none_of(2)]),
            (Field::Dscp, vec![Test::equal(0)]),
            (Field::IcmpType, vec![Test::at_least(0)]),
        ];
        let mut all = host().from(prefix("0.0.0.0/1")).unwrap();
        for (field, tests) in everything {
            let rule = host().when(field, &tests).unwrap();
            assert!(rule.takes_everything(), "{rule}");
            all = all.clone().when(field, &tests).unwrap_or(all);
        }
        assert!(all.takes_everything() && all.components().len() > 8, "also together: {all}");
    }

    #[test]
    fn tests_that_spare_something_say_something() {
        let something: [(Field, Vec<Test>); 11] = [
            (Field::Length, vec![Test::at_least(400)]),
            (Field::Length, Test::range(1501, 65_535).to_vec()),
            (Field::DestinationPort, vec![Test::equal(443)]),
            (Field::Port, vec![Test { and: false, compare: 0, value: 0 }]),
            (Field::Port, vec![Test { and: false, compare: 4, value: 0 }]),
            (Field::Protocol, vec![Test::equal(17)]),
            (Field::Protocol, vec![not(17)]),
            (Field::TcpFlags, vec![Test::all_of(0x02), Test::and_none_of(0xfd)]),
            (Field::TcpFlags, vec![Test::all_of(0x10)]),
            (Field::Fragment, vec![Test::any_of(2)]),
            (Field::IcmpType, vec![Test::equal(8)]),
        ];
        for (field, tests) in something {
            let rule = host().when(field, &tests).unwrap();
            assert!(!rule.takes_everything(), "{rule}");
        }
        assert!(!host().from(prefix("198.51.100.0/24")).unwrap().takes_everything());
        assert!(host().takes_everything());
    }

    #[test]
    fn the_net_of_ipv6_is_everybody() {
        let host = || FlowRule::to(prefix("2001:db8::1/128"));
        assert!(host().from(prefix("2000::/3")).unwrap().takes_everything());
        assert!(!host().from(prefix("2001:db8:1::/48")).unwrap().takes_everything());
        let host_bits = Range { prefix: prefix("::1/128"), offset: 120 };
        let rule = host().with(Component::Source(host_bits)).unwrap();
        assert!(rule.takes_everything(), "few bits are compared: {rule}");
    }

    #[test]
    fn very_many_tests_cost_little() {
        let tests: Vec<Test> = (0..20_000).map(|at| Test { and: at % 2 == 1, ..not(at) }).collect();
        assert_eq!(passing(&tests, &(0..=0xffff)), 65_536, "what one group leaves out another passes");
        let tests: Vec<Test> = (0..20_000).map(|at| Test { and: at > 0, ..not(at) }).collect();
        assert_eq!(passing(&tests, &(0..=0xffff)), 65_536 - 20_000);
    }

    proptest! {
        #[test]
        fn the_sweep_counts_what_passes_one_by_one(
            tests in prop::collection::vec((any::<bool>(), 0..8_u8, 0..70_u64), 1..9), first in 0..30_u64, span in 0..40_u64,
        ) {
            let test = |(at, (and, compare, value)): (usize, (bool, u8, u64))| Test { and: and && at > 0, compare, value };
            let tests: Vec<Test> = tests.into_iter().enumerate().map(test).collect();
            let range = first..=first + span;
            let counted = range.clone().filter(|value| passes(Field::Port, &tests, *value)).count() as u64;
            prop_assert_eq!(passing(&tests, &range), counted);
        }
    }
}

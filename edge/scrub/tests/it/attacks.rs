//! What an attacker does who has read the program: each way that he may think of, and that it is none.

use crate::scene::{
    CLIENT, PASSED, SERVICE, SERVICE6, address, counters, dropped, fate, filter, filter_with, path, path6, plan, prefix,
};
use ddos::{Field, Level, Packet, Prefix, Reason, Signature};
use proptest::prelude::*;
use scrub::{Action, Cookies, Filter, Limits, Rate, Verdict};
use scrub_lab::frame::{LINUX_OPTIONS, Path, Segment, flags};
use std::net::Ipv4Addr;
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

const NOW: i64 = 1_700_000_000_000_000;
const MINUTE: i64 = 60_000_000;

/// The outer header says that it is a part of a packet, the inner one that it is a whole one.
#[test]
fn a_fragment_in_a_fragment_is_malformed() {
    let Some(filter) = filter(Level::Prove) else { return };
    let udp = &path6().udp(4000, 443, b"12345678")[54..];
    let whole = |inner: &[u8]| [&[17, 0, 0, 0, 0, 0, 0, 9], inner].concat();
    assert_eq!(fate(&filter, &path6().fragment6(44, 0, true, &whole(udp))), dropped(Reason::Malformed));
    assert_eq!(fate(&filter, &path6().fragment6(17, 0, true, udp)), dropped(Reason::Fragment));
    assert_eq!(fate(&filter, &path6().fragment6(17, 0, false, udp)), PASSED, "an atomic fragment is a whole packet");
}

#[test]
fn a_fragment_that_ends_beyond_64_kib_is_malformed() {
    let Some(filter) = filter(Level::Clean) else { return };
    assert_eq!(fate(&filter, &path6().fragment6(17, 0x1fff, false, &[0; 64])), dropped(Reason::Malformed));
    assert_eq!(fate(&filter, &path6().fragment6(17, 0x1ff0, false, &[0; 64])), PASSED);
}

/// Messages of path sizes are let through to everyone's address, so nobody may send a flood of them.
#[test]
fn path_sizes_quote_a_packet_of_ours_and_are_few() {
    let Some(filter) = filter(Level::Verified) else { return };
    for (path, kind, protocol) in [(path(), [3, 4], 1), (path6(), [2, 0], 58)] {
        let quoting = |source| {
            let quoted = Path { source, destination: path.source, ..path }.udp(443, 4000, b"x");
            let mut body = vec![kind[0], kind[1], 0, 0, 0, 0, 5, 0];
            body.extend(&quoted[14..]);
            path.ip(protocol, &body)
        };
        let other = if protocol == 1 { "203.0.113.1" } else { "2001:db8:7::1" };
        assert_eq!(fate(&filter, &quoting(address(other))), dropped(Reason::NotVerified), "of somebody else");
        let bare = path.ip(protocol, &[kind[0], kind[1], 0, 0, 0, 0, 5, 0, 1, 2, 3, 4]);
        assert_eq!(fate(&filter, &bare), dropped(Reason::NotVerified), "of nobody");
        let ours = quoting(path.destination);
        assert_eq!(fate(&filter, &ours), PASSED);
        assert_eq!(filter.trial(&ours, 20_000).unwrap().action, Action::Drop);
        let place = if protocol == 1 { SERVICE } else { SERVICE6 };
        let over = counters(&filter, place).dropped[Reason::DestinationRate.index()];
        assert!((15_000..=19_001).contains(&over), "{over} of 20,001 were too many");
    }
}

/// The answer to a SYN goes to whoever is named as its source.
#[test]
fn answers_to_one_source_are_no_flood() {
    let slow = Rate { packets: 1, burst: 40 };
    let limits = Limits { source: Some(slow), net: None, confirmed: Duration::from_secs(60) };
    let plan = scrub::Plan { limits, ..plan(Cookies::Router) };
    let Some(filter) = filter_with(&plan, Level::Prove) else { return };
    let syn = |path: Path| path.tcp(&Segment { options: &LINUX_OPTIONS, ..Segment::default() });
    let fates: Vec<_> = (0..100).map(|_| fate(&filter, &syn(path()))).collect();
    let answered = fates.iter().filter(|fate| fate.0 == Action::Answer).count();
    assert!((40..=45).contains(&answered), "{answered}");
    assert_eq!(fates[99], dropped(Reason::SourceRate));
    let other = Path::new(address("203.0.113.7"), address(SERVICE));
    assert_eq!(fate(&filter, &syn(other)).0, Action::Answer, "somebody else is answered");
}

/// A bucket that was filled at a slow rate says nothing at another one.
#[test]
fn a_new_rate_begins_anew() {
    let Some(mut filter) = filter_with(&plan(Cookies::None), Level::Limit) else { return };
    let frame = path().udp(4000, 443, b"x");
    let rate = |packets, burst| Some(Rate { packets, burst });
    filter.set_rate(prefix(SERVICE), rate(1, 1000)).unwrap();
    filter.trial(&frame, 1500).unwrap();
    assert_eq!(fate(&filter, &frame), dropped(Reason::DestinationRate));
    filter.set_rate(prefix(SERVICE), rate(100, 10)).unwrap();
    assert_eq!(fate(&filter, &frame), PASSED);
    filter.set_rate(prefix(SERVICE), None).unwrap();
    let limits = |source| Limits { source, net: None, confirmed: Duration::from_secs(60) };
    filter.set_limits(limits(rate(1, 1000))).unwrap();
    filter.trial(&frame, 1500).unwrap();
    assert_eq!(fate(&filter, &frame), dropped(Reason::SourceRate));
    filter.set_limits(limits(rate(100, 10))).unwrap();
    assert_eq!(fate(&filter, &frame), PASSED);
}

/// A destination that takes over a slot takes over nothing that was spent there.
#[test]
fn a_new_destination_begins_anew() {
    let Some(mut filter) = filter_with(&plan(Cookies::None), Level::Limit) else { return };
    let frame = path().udp(4000, 443, b"x");
    let rate = Some(Rate { packets: 1, burst: 10 });
    filter.set_rate(prefix(SERVICE), rate).unwrap();
    filter.trial(&frame, 30).unwrap();
    filter.protect(&[]).unwrap();
    filter.protect(&[(prefix(SERVICE), Level::Limit)]).unwrap();
    filter.set_rate(prefix(SERVICE), rate).unwrap();
    assert_eq!(fate(&filter, &frame), PASSED);
    assert_eq!(counters(&filter, SERVICE).packets, 1);
}

/// Prefixes of every length lie in each other; the table and the trie speak with one voice.
#[test]
fn the_longest_of_many_prefixes_decides() {
    let Some(mut filter) = filter(Level::Observe) else { return };
    let from = |source: &str| Path::new(address(source), address(SERVICE)).udp(4000, 443, b"x");
    let inside = [
        ("192.0.0.0/8", Verdict::Deny, "192.1.1.1"),
        ("192.0.0.0/15", Verdict::Allow, "192.0.1.1"),
        ("192.0.0.0/16", Verdict::Deny, "192.0.64.1"),
        ("192.0.0.0/18", Verdict::Allow, "192.0.3.1"),
        ("192.0.2.0/24", Verdict::Deny, "192.0.2.200"),
        ("192.0.2.0/28", Verdict::Allow, "192.0.2.9"),
        ("192.0.2.10/32", Verdict::Deny, CLIENT),
    ];
    for (n, (text, verdict, _)) in inside.iter().enumerate() {
        filter.list(prefix(text), *verdict).unwrap();
        for (_, _, source) in inside {
            let holding = inside[..=n].iter().filter(|(text, ..)| prefix(text).has(address(source)));
            let denied =
                holding.max_by_key(|(text, ..)| prefix(text).length()).is_some_and(|held| held.1 == Verdict::Deny);
            assert_eq!(fate(&filter, &from(source)).0 == Action::Drop, denied, "{source} after {text}");
        }
    }
    for (text, _, _) in inside.iter().rev() {
        assert!(filter.unlist(prefix(text)).unwrap());
    }
    assert!(inside.iter().all(|(_, _, source)| fate(&filter, &from(source)) == PASSED));
}

/// Frames of all shapes.
fn shapes() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for path in [path(), path6()] {
        let segment = |flags, options, data| {
            path.tcp(&Segment { flags, options, data, sequence: 7, acknowledgement: 9, ..Segment::default() })
        };
        all.push(path.udp(4000, 443, b"sixteen bytes ok"));
        all.push(path.udp(4000, 443, b""));
        all.push(segment(flags::SYN, &LINUX_OPTIONS, b""));
        all.push(segment(flags::ACK, &[], b"0123456789abcdef"));
        all.push(segment(flags::ACK, &[], b""));
        all.push(path.ping(b"0123456789abcdef"));
        all.push(path.ip(47, &[1, 2, 3, 4, 5, 6, 7, 8]));
        all.push(path.ip(132, &[]));
    }
    all.push(path().fragment(17, 0x0010, &[1; 40]));
    all.push(path6().fragment6(17, 4, true, &[1; 40]));
    all
}

/// Fields of the packet before are not this one's.
#[test]
fn what_the_last_packet_left_is_not_read() {
    let Some(mut filter) = filter(Level::Prove) else { return };
    for source in [CLIENT, crate::scene::CLIENT6] {
        filter.confirm(address(source), Duration::from_secs(60)).unwrap();
    }
    let parse = |frame: &[u8]| Packet::parse(&frame[14..], (frame.len() - 14) as u16);
    for before in shapes() {
        for after in shapes() {
            let (Some(first), Some(second)) = (parse(&before), parse(&after)) else { continue };
            for field in Field::ALL {
                let (Some(value), None) = (first.get(field), second.get(field)) else { continue };
                let signature = Signature::new(Prefix::single(second.destination), vec![(field, value)], NOW + MINUTE);
                filter.put_signature(&signature, NOW).unwrap();
                filter.trial(&before, 1).unwrap();
                assert_ne!(fate(&filter, &after).1, Some(Reason::Signature), "{} of {before:02x?}", field.word());
                filter.drop_signature(signature.id).unwrap();
            }
        }
    }
}

/// Two filters that are alike.
fn two() -> &'static Option<Mutex<(Filter, Filter)>> {
    static FILTERS: OnceLock<Option<Mutex<(Filter, Filter)>>> = OnceLock::new();
    FILTERS.get_or_init(|| {
        let one = || filter_with(&plan(Cookies::None), Level::Verified);
        Some(Mutex::new((one()?, one()?)))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    /// Whatever came before, a packet is judged and counted as it would be alone.
    #[test]
    fn packets_do_not_know_of_each_other(
        before in prop::collection::vec(any::<u8>(), 14..120),
        which in 0..18_usize,
        changes in prop::collection::vec((14..70_usize, any::<u8>()), 0..3),
        kind in 0..3_usize,
    ) {
        if let Some(filters) = two() {
            let (used, alone) = &*filters.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            let mut before = before;
            before[12..14].copy_from_slice(&[[8, 0], [0x86, 0xdd], [0x81, 0]][kind]);
            let mut frame = shapes()[which].clone();
            for (at, value) in changes {
                if let Some(byte) = frame.get_mut(at) {
                    *byte = value;
                }
            }
            used.trial(&before, 1).unwrap();
            let all = |filter: &Filter| {
                let mut all = filter.rest().unwrap();
                filter.counters().unwrap().into_iter().for_each(|(_, counters)| all += counters);
                all.new_sources = 0;
                all
            };
            let counted = |filter: &Filter| {
                let before = all(filter);
                let action = filter.trial(&frame, 1).unwrap().action;
                (action, all(filter) - before)
            };
            prop_assert_eq!(counted(used), counted(alone), "{:02x?}", frame);
        }
    }

    /// Any list, any source: the program finds the longest prefix.
    #[test]
    fn any_list_is_read_right(
        prefixes in prop::collection::vec((0..3_u8, any::<u8>(), any::<u8>(), any::<u8>(), 4..=32_u8, any::<bool>()), 1..12),
    ) {
        static FILTER: OnceLock<Option<Mutex<Filter>>> = OnceLock::new();
        if let Some(filter) = FILTER.get_or_init(|| filter(Level::Observe).map(Mutex::new)) {
            let filter = &mut *filter.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            let mut list = std::collections::BTreeMap::new();
            for (a, b, c, d, length, deny) in prefixes {
                let prefix = Prefix::new(Ipv4Addr::new(20 + a, b, c, d).into(), length).unwrap();
                list.insert(prefix, if deny { Verdict::Deny } else { Verdict::Allow });
            }
            filter.list_only(&list).unwrap();
            for prefix in list.keys() {
                let source = prefix.address();
                let longest = list.iter().filter(|(other, _)| other.has(source)).max_by_key(|(other, _)| other.length());
                let denied = longest.is_some_and(|(_, verdict)| *verdict == Verdict::Deny);
                let action = filter.trial(&Path::new(source, address(SERVICE)).udp(4000, 443, b"x"), 1).unwrap().action;
                prop_assert_eq!(action == Action::Drop, denied, "{}", source);
            }
        }
    }
}

//! Signatures: the program and `ddos` read the same fields out of the same packet.

use crate::scene::{PASSED, SERVICE, SERVICE6, address, dropped, fate, filter, path, path6, prefix};
use ddos::{Field, Level, Packet, Prefix, Reason, Signature};
use proptest::prelude::*;
use scrub::{Filter, fault};
use scrub_lab::frame::{LINUX_OPTIONS, Segment, flags};

const NOW: i64 = 1_700_000_000_000_000;
const MINUTE: i64 = 60_000_000;

fn to(text: &str, terms: &[(Field, u32)]) -> Signature {
    Signature::new(prefix(text), terms.to_vec(), NOW + MINUTE)
}

#[test]
fn a_signature_matches_counts_and_ends() {
    let Some(mut filter) = filter(Level::Prove) else { return };
    let frame = path().udp(123, 4000, &[0x24; 48]);
    let signature = to(SERVICE, &[(Field::SourcePort, 123), (Field::Length, 76), (Field::Payload0, 0x2424_2424)]);
    filter.put_signature(&signature, NOW).unwrap();
    assert_eq!(fate(&filter, &frame), dropped(Reason::Signature));
    assert_eq!(fate(&filter, &path().udp(123, 4000, &[0x24; 68])), PASSED, "another length");
    let held = filter.signatures(NOW).unwrap();
    assert_eq!((held.len(), held[0].hits, held[0].signature.id), (1, 1, signature.id));
    assert_eq!(held[0].signature.terms, signature.terms);
    // Renewed: it keeps its hits.
    filter.put_signature(&signature, NOW + MINUTE / 2).unwrap();
    assert_eq!(filter.signatures(NOW).unwrap()[0].hits, 1);
    assert!(filter.drop_signature(signature.id).unwrap());
    assert!(!filter.drop_signature(signature.id).unwrap());
    assert_eq!((fate(&filter, &frame), filter.signatures(NOW).unwrap().len()), (PASSED, 0));
}

#[test]
fn a_signature_is_for_its_destination_only() {
    let Some(mut filter) = filter(Level::Prove) else { return };
    let terms = [(Field::Protocol, 17), (Field::DestinationPort, 443)];
    filter.put_signature(&to("198.51.100.0/30", &terms), NOW).unwrap();
    assert_eq!(fate(&filter, &path().udp(4000, 443, b"x")), PASSED, "a neighbouring prefix");
    filter.put_signature(&to("198.51.100.0/28", &terms), NOW).unwrap();
    assert_eq!(fate(&filter, &path().udp(4000, 443, b"x")), dropped(Reason::Signature));
    assert_eq!(fate(&filter, &path6().udp(4000, 443, b"x")), PASSED, "the other family");
    filter.put_signature(&to("2001:db8:1::/64", &terms), NOW).unwrap();
    assert_eq!(fate(&filter, &path6().udp(4000, 443, b"x")), dropped(Reason::Signature));
    filter.set_level(prefix(SERVICE), Level::Limit).unwrap();
    assert_eq!(fate(&filter, &path().udp(4000, 443, b"x")), PASSED, "below the level of signatures");
}

#[test]
fn what_cannot_be_held_is_refused() {
    let Some(mut filter) = filter(Level::Prove) else { return };
    let nothing = Signature { id: 1, destination: prefix(SERVICE), terms: Vec::new(), expires_us: NOW + MINUTE };
    assert!(filter.put_signature(&nothing, NOW).unwrap_err().is(&fault::SIGNATURE));
    let over = to(SERVICE, &[(Field::Ttl, 1)]);
    assert!(filter.put_signature(&over, NOW + MINUTE).unwrap_err().is(&fault::SIGNATURE));
    for n in 0..32 {
        filter.put_signature(&to(SERVICE, &[(Field::IpId, n)]), NOW).unwrap();
    }
    let more = to(SERVICE, &[(Field::IpId, 32)]);
    assert!(filter.put_signature(&more, NOW).unwrap_err().is(&fault::FULL));
    assert!(filter.drop_signature(to(SERVICE, &[(Field::IpId, 5)]).id).unwrap());
    filter.put_signature(&more, NOW).unwrap();
    let mut last = path();
    last.id = 32;
    assert_eq!(fate(&filter, &last.udp(4000, 443, b"x")), dropped(Reason::Signature));
    last.id = 5;
    assert_eq!(fate(&filter, &last.udp(4000, 443, b"x")), PASSED);
}

/// For each field: with the value that `ddos` reads the program drops the packet, with another one it does not.
fn agree(filter: &mut Filter, frame: &[u8]) {
    let ip = &frame[14..];
    let Some(packet) = Packet::parse(ip, ip.len() as u16) else { return };
    if packet.get(Field::Protocol).is_none() {
        return;
    }
    for field in Field::ALL {
        let value = packet.get(field).unwrap_or(0);
        let destination = Prefix::single(packet.destination);
        for (value, wanted) in [(value, packet.get(field).is_some()), (value ^ 1, false)] {
            let signature = Signature::new(destination, vec![(field, value)], NOW + MINUTE);
            filter.put_signature(&signature, NOW).unwrap();
            let (_, reason) = fate(filter, frame);
            assert_eq!(reason == Some(Reason::Signature), wanted, "{} = {value:#x} of {frame:02x?}", field.word());
            filter.drop_signature(signature.id).unwrap();
        }
    }
}

#[test]
fn fields_are_those_of_ddos() {
    let Some(mut filter) = filter(Level::Prove) else { return };
    filter.confirm(address(crate::scene::CLIENT), std::time::Duration::from_secs(60)).unwrap();
    for path in [path(), path6()] {
        let syn = Segment { options: &LINUX_OPTIONS, sequence: 0x0102_0304, ..Segment::default() };
        let data = Segment {
            flags: flags::ACK | flags::PSH,
            acknowledgement: 9,
            data: b"GET / HTTP/1.1\r\n",
            ..Segment::default()
        };
        agree(&mut filter, &path.tcp(&syn));
        agree(&mut filter, &path.tcp(&data));
        agree(&mut filter, &path.tcp(&Segment { flags: flags::ACK, data: b"abcde", ..Segment::default() }));
        agree(&mut filter, &path.udp(4000, 443, b"eleven byte"));
        agree(&mut filter, &path.ping(b"0123456789abcdef"));
        agree(&mut filter, &path.ip(47, &[1, 2, 3, 4, 5, 6, 7, 8]));
        agree(&mut filter, &path.ip(132, &[]));
    }
    agree(&mut filter, &path().fragment(17, 0x2000, &[1; 40]));
    agree(&mut filter, &path().fragment(17, 0x0010, &[1; 40]));
    agree(&mut filter, &path6().fragment6(17, 0, true, &[1; 40]));
    agree(&mut filter, &path6().fragment6(17, 4, true, &[1; 40]));
    agree(&mut filter, &path6().ip(60, &[[17, 0, 1, 4, 0, 0, 0, 0], [1, 2, 3, 4, 0, 8, 0, 0]].concat()));
    let _ = (SERVICE6, fate(&filter, &path6().udp(1, 2, b"")));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn fields_are_those_of_ddos_for_any_udp(payload in prop::collection::vec(any::<u8>(), 0..40), ports in any::<[u8; 4]>(), ttl in 1..=255_u8) {
        if let Some(mut filter) = filter(Level::Prove) {
            let mut path = path();
            path.ttl = ttl;
            // No port of reflectors: those are dropped before signatures are looked at.
            let from = 40_000 | u16::from(ports[0]) << 4;
            let to = u16::from_be_bytes([ports[2], ports[3]]).max(1);
            agree(&mut filter, &path.udp(from, to, &payload));
        }
    }
}

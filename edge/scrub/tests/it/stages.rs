//! Each stage on its golden packets.

use crate::scene::{CLIENT, CLIENT6, PASSED, SERVICE, SERVICE6, address, counters, dropped, fate, filter, path, path6};
use ddos::{Level, Reason, service};
use scrub_lab::frame::{Path, Segment, flags};

/// A payload that looks like the answer of a reflector at this port.
fn answer(port: u16) -> Vec<u8> {
    let mut payload: Vec<u8> = match port {
        53 => vec![0, 1, 0x81, 0x80, 0, 1, 0, 9],
        123 => vec![0xd7, 0, 3, 0x2a, 0, 6, 0, 0x48],
        1434 => vec![5, 0, 1, 0],
        1900 => b"HTTP/1.1 200 OK\r\n".to_vec(),
        3283 => vec![0, 1, 3, 0xea, 0, 0, 0, 1],
        3389 => vec![0; 8],
        3702 | 33848 => b"<?xml version".to_vec(),
        5093 => vec![0x7a, 0, 0, 0],
        5351 => vec![0, 0x80, 0, 0],
        5353 => vec![0, 0, 0x84, 0, 0, 0, 0, 1],
        5683 => vec![0x50, 0x45, 0, 1],
        10001 => vec![1, 0, 0, 0x9c],
        11211 => vec![0, 1, 0, 0, 0, 1, 0, 0],
        27015 => vec![0xff, 0xff, 0xff, 0xff, 0x49],
        32414 => b"HTTP/1.0 200 OK\r\n".to_vec(),
        37810 => b"\x20\0\0\0DHIP".to_vec(),
        _ => vec![0x30, 0x82, 1, 2],
    };
    payload.resize(600, 0);
    payload
}

#[test]
fn answers_of_every_reflector_are_dropped_and_counted() {
    let Some(filter) = filter(Level::Clean) else { return };
    for service in service::ALL {
        let frame = path().udp(service.port, 4444, &answer(service.port));
        assert_eq!(fate(&filter, &frame), dropped(Reason::Amplification), "{}", service.word);
        let frame = path6().udp(service.port, 4444, &answer(service.port));
        assert_eq!(fate(&filter, &frame), dropped(Reason::Amplification), "{} over IPv6", service.word);
    }
    let seen = counters(&filter, SERVICE);
    let count = service::ALL.len() as u64;
    assert_eq!((seen.amp_packets, seen.udp, seen.dropped[Reason::Amplification.index()]), (count, count, count));
    assert_eq!(seen.amp_bytes, count * 628);
}

/// Clients behind address translation get any port above 1023; what they send is no answer of a reflector.
#[test]
fn clients_at_ports_of_reflectors_are_let_through() {
    let Some(filter) = filter(Level::Clean) else { return };
    // A QUIC initial packet, as sent to port 443.
    let mut quic = vec![0xc3, 0, 0, 0, 1, 8, 0x12, 0x9a];
    quic.resize(1200, 0x55);
    for service in service::ALL.iter().filter(|service| service.port > 1023) {
        assert_eq!(fate(&filter, &path().udp(service.port, 443, &quic)), PASSED, "{}", service.word);
    }
    assert_eq!(fate(&filter, &path().udp(500, 500, &[1; 200])), PASSED, "key exchange of peers");
    // A query to a name server of ours, and a question to a time server of ours.
    assert_eq!(fate(&filter, &path().udp(53, 53, &[0, 1, 1, 0, 0, 1, 0, 0])), PASSED);
    let mut time = [0; 48];
    time[0] = 0x23;
    assert_eq!(fate(&filter, &path().udp(123, 123, &time)), PASSED);
}

#[test]
fn answers_of_our_own_servers_are_let_through() {
    let Some(mut filter) = filter(Level::Clean) else { return };
    let (small, mut big) = (vec![0, 1, 0x81, 0x80, 0, 1, 0, 1], answer(53));
    big.truncate(500);
    assert_eq!(fate(&filter, &path().udp(53, 4444, &small)), PASSED, "small, and no resolver is named");
    filter.trust(address(CLIENT), 53).unwrap();
    filter.trust(address(CLIENT6), 53).unwrap();
    assert_eq!(fate(&filter, &path().udp(53, 4444, &answer(53))), PASSED);
    assert_eq!(fate(&filter, &path6().udp(53, 4444, &answer(53))), PASSED);
    let other = Path::new(address("192.0.2.11"), address(SERVICE));
    assert_eq!(fate(&filter, &other.udp(53, 4444, &small)), dropped(Reason::Amplification));
    assert!(filter.distrust(address(CLIENT), 53).unwrap());
    assert_eq!(fate(&filter, &path().udp(53, 4444, &small)), dropped(Reason::Amplification));
}

/// Frames that no stack sends, each with what is wrong.
fn malformed() -> Vec<(&'static str, Vec<u8>)> {
    let tcp = |flags| path().tcp(&Segment { flags, ..Segment::default() });
    let with = |at: usize, value: u8| {
        let mut frame = tcp(flags::SYN);
        frame[at] = value;
        frame
    };
    let from = |source: &str| Path::new(address(source), address(SERVICE)).udp(1, 2, b"x");
    let from6 = |source: &str| Path::new(address(source), address(SERVICE6)).udp(1, 2, b"x");
    let mut routing = vec![17, 0, 0, 0, 0, 0, 0, 0];
    routing.extend([0, 1, 0, 2, 0, 8, 0, 0]);
    let options: Vec<u8> = std::iter::repeat_n([60, 0, 1, 4, 0, 0, 0, 0], 6).flatten().collect();
    vec![
        ("no flags", tcp(0)),
        ("FIN alone", tcp(flags::FIN)),
        ("SYN and FIN", tcp(flags::SYN | flags::FIN)),
        ("SYN and RST", tcp(flags::SYN | flags::RST)),
        ("FIN, PSH and URG", tcp(flags::FIN | flags::PSH | 32)),
        ("header length below 20", with(14, 0x44)),
        ("total length beyond the frame", with(17, 0xff)),
        ("time to live 0", with(22, 0)),
        ("data offset below 5", with(46, 0x40)),
        ("data offset beyond the packet", with(46, 0xf0)),
        ("from loopback", from("127.0.0.1")),
        ("from multicast", from("224.0.0.1")),
        ("from broadcast", from("255.255.255.255")),
        ("from itself", from(SERVICE)),
        ("to port 0", path().udp(1, 0, b"x")),
        ("beyond 64 KiB", path().fragment(17, 0x1fff, &[0; 64])),
        ("IPv6 from loopback", from6("::1")),
        ("IPv6 from multicast", from6("ff02::1")),
        ("IPv6 from nowhere", from6("::")),
        ("routing header 0", path6().ip(43, &routing)),
        ("seven extension headers", path6().ip(60, &[options, vec![60, 0, 1, 4, 0, 0, 0, 0]].concat())),
        ("UDP length below 8", {
            let mut frame = path().udp(1, 2, b"x");
            frame[39] = 7;
            frame
        }),
    ]
}

#[test]
fn malformed_packets_are_dropped_from_clean_on() {
    let Some(mut filter) = filter(Level::Observe) else { return };
    for (what, frame) in malformed() {
        assert_eq!(fate(&filter, &frame), PASSED, "{what}");
    }
    for place in [SERVICE, SERVICE6] {
        filter.set_level(crate::scene::prefix(place), Level::Clean).unwrap();
    }
    for (what, frame) in malformed() {
        assert_eq!(fate(&filter, &frame), dropped(Reason::Malformed), "{what}");
    }
    assert_eq!(counters(&filter, SERVICE).tcp_other, 10, "flags that mean nothing, twice");
}

#[test]
fn sane_packets_of_every_kind_pass_and_count() {
    let Some(filter) = filter(Level::Clean) else { return };
    let kinds = [flags::SYN, flags::SYN | flags::ACK, flags::ACK, flags::RST, flags::FIN | flags::ACK];
    for (path, of) in [(path(), SERVICE), (path6(), SERVICE6)] {
        let mut tagged = path;
        tagged.vlans = &[5, 6];
        for path in [path, tagged] {
            for flags in kinds {
                assert_eq!(fate(&filter, &path.tcp(&Segment { flags, ..Segment::default() })), PASSED);
            }
            assert_eq!(fate(&filter, &path.udp(4000, 443, b"hello")), PASSED);
            assert_eq!(fate(&filter, &path.ping(b"hello")), PASSED);
            assert_eq!(fate(&filter, &path.ip(47, &[0; 8])), PASSED);
        }
        let seen = counters(&filter, of);
        assert_eq!((seen.tcp_syn, seen.tcp_synack, seen.tcp_ack, seen.tcp_rst, seen.tcp_fin), (2, 2, 2, 2, 2));
        assert_eq!((seen.udp, seen.icmp, seen.other, seen.packets, seen.tcp_other), (2, 2, 2, 16, 0));
        let header = if of == SERVICE { 20 } else { 40 };
        assert_eq!((seen.tcp_bytes, seen.udp_bytes), (10 * (header + 20), 2 * (header + 13)));
        assert_eq!((seen.new_sources >= 1, seen.lost()), (true, 0));
    }
}

#[test]
fn fragments_that_hide_their_headers_are_dropped() {
    let Some(mut filter) = filter(Level::Clean) else { return };
    let whole = path().tcp(&Segment { flags: flags::ACK, data: &[0; 64], ..Segment::default() });
    let tcp = &whole[34..];
    let cases = [
        ("first fragment without a whole header", path().fragment(6, 0x2000, &tcp[..16])),
        ("second fragment that overwrites the flags", path().fragment(6, 0x2001, &tcp[..24])),
        ("the same of IPv6", path6().fragment6(6, 0, true, &tcp[..16])),
    ];
    for (what, frame) in &cases {
        assert_eq!(fate(&filter, frame), dropped(Reason::Fragment), "{what}");
    }
    let sane = [
        path().fragment(17, 0x2000, &[1; 64]),
        path().fragment(17, 8, &[1; 64]),
        path6().fragment6(17, 8, false, &[1; 64]),
    ];
    for frame in &sane {
        assert_eq!(fate(&filter, frame), PASSED);
    }
    for place in [SERVICE, SERVICE6] {
        filter.set_level(crate::scene::prefix(place), Level::Prove).unwrap();
    }
    for frame in &sane {
        assert_eq!(fate(&filter, frame), dropped(Reason::Fragment), "nobody can say whose it is");
    }
    assert_eq!(counters(&filter, SERVICE).fragments, 6);
}

#[test]
fn verified_lets_only_the_known_through() {
    let Some(mut filter) = filter(Level::Verified) else { return };
    let (udp, tcp) = (path().udp(4000, 443, b"x"), path().tcp(&Segment { flags: flags::ACK, ..Segment::default() }));
    assert_eq!(fate(&filter, &udp), dropped(Reason::NotVerified));
    assert_eq!(fate(&filter, &tcp), dropped(Reason::NotVerified));
    filter.confirm(address(CLIENT), std::time::Duration::from_secs(60)).unwrap();
    assert_eq!((fate(&filter, &udp), fate(&filter, &tcp)), (PASSED, PASSED));
    assert!(filter.confirmed(address(CLIENT)).unwrap().is_some());
    assert!(filter.confirmed(address(CLIENT6)).unwrap().is_none());
    assert_eq!(fate(&filter, &path6().udp(4000, 443, b"x")), dropped(Reason::NotVerified));
}

/// Without neighbours and path sizes no verified client is reached either.
#[test]
fn neighbours_and_path_sizes_pass_at_every_level() {
    let Some(filter) = filter(Level::Verified) else { return };
    let message = |kind: u8, code: u8| [kind, code, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4];
    let mut near = path6();
    for kind in 133..=137 {
        near.ttl = 255;
        assert_eq!(fate(&filter, &near.ip(58, &message(kind, 0))), PASSED, "type {kind}");
        near.ttl = 254;
        assert_eq!(fate(&filter, &near.ip(58, &message(kind, 0))), dropped(Reason::NotVerified), "from afar");
    }
    // With a packet of ours quoted in them.
    let quoting = |kind: u8, code: u8, path: Path| {
        let ours = Path { source: path.destination, destination: path.source, ..path }.udp(443, 4000, b"x");
        let mut body = message(kind, code)[..8].to_vec();
        body.extend(&ours[14..]);
        body
    };
    assert_eq!(fate(&filter, &path6().ip(58, &quoting(2, 0, path6()))), PASSED, "packet too big");
    assert_eq!(fate(&filter, &path().ip(1, &quoting(3, 4, path()))), PASSED, "fragmentation needed");
    assert_eq!(fate(&filter, &path().ip(1, &message(3, 3))), dropped(Reason::NotVerified));
    assert_eq!(fate(&filter, &path().ping(b"x")), dropped(Reason::NotVerified));
}

#[test]
fn what_is_not_protected_passes_and_is_counted_as_the_rest() {
    let Some(filter) = filter(Level::Verified) else { return };
    let elsewhere = Path::new(address(CLIENT), address("198.51.100.8"));
    assert_eq!(fate(&filter, &elsewhere.udp(53, 4444, &answer(53))), PASSED);
    let mut arp = path().udp(1, 2, b"x");
    arp[12..14].copy_from_slice(&[8, 6]);
    assert_eq!(fate(&filter, &arp), PASSED);
    let rest = filter.rest().unwrap();
    assert_eq!((rest.packets, rest.udp, rest.amp_packets), (1, 1, 1), "ARP is none of ours");
}

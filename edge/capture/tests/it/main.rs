//! Recordings made here, byte by byte: every form gives the same packet, every tear what stood before it.

use capture::{Reader, Recorded, fault};
use proptest::prelude::*;

/// A UDP packet of 28 bytes.
const IP: [u8; 28] =
    [0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 198, 51, 100, 7, 0, 123, 0, 80, 0, 8, 0, 0];

fn word(big: bool, number: u32) -> [u8; 4] {
    if big { number.to_be_bytes() } else { number.to_le_bytes() }
}

fn half(big: bool, number: u16) -> [u8; 2] {
    if big { number.to_be_bytes() } else { number.to_le_bytes() }
}

/// A pcap file of one frame at second 5 and 7 units.
fn pcap(big: bool, nano: bool, kind: u32, frame: &[u8]) -> Vec<u8> {
    let magic = if nano { 0xa1b2_3c4d } else { 0xa1b2_c3d4 };
    let length = frame.len() as u32;
    let mut file = word(big, magic).to_vec();
    file.extend([half(big, 2), half(big, 4)].concat());
    for number in [0, 0, 65_535, kind, 5, 7, length, length] {
        file.extend(word(big, number));
    }
    file.extend(frame);
    file
}

fn block(big: bool, kind: u32, mut body: Vec<u8>) -> Vec<u8> {
    body.resize(body.len().next_multiple_of(4), 0);
    let length = word(big, body.len() as u32 + 12);
    [&word(big, kind)[..], &length, &body, &length].concat()
}

/// A pcapng file of one frame, its interface counting in a unit, the time so many of them.
fn pcapng(big: bool, kind: u16, unit: u8, time: u64, frame: &[u8]) -> Vec<u8> {
    let mut section = word(big, 0x1a2b_3c4d).to_vec();
    section.extend([half(big, 1), half(big, 0)].concat());
    section.extend([0xff; 8]);
    let mut interface = [half(big, kind), half(big, 0)].concat();
    interface.extend(word(big, 65_535));
    interface.extend([half(big, 9), half(big, 1)].concat());
    interface.extend([unit, 0, 0, 0]);
    interface.extend([0; 4]);
    let mut packet = word(big, 0).to_vec();
    packet.extend(word(big, (time >> 32) as u32));
    packet.extend(word(big, time as u32));
    packet.extend(word(big, frame.len() as u32));
    packet.extend(word(big, frame.len() as u32));
    packet.extend(frame);
    let names = block(big, 4, vec![1; 40]);
    [block(big, 0x0a0d_0d0a, section), block(big, 1, interface), names, block(big, 6, packet)].concat()
}

#[expect(clippy::unwrap_used, reason = "a test reads what it wrote")]
fn read(file: &[u8]) -> (Vec<Recorded>, bool) {
    let mut reader = Reader::new(file).unwrap();
    let packets = std::iter::from_fn(|| reader.packet().unwrap()).collect();
    (packets, reader.counts().torn)
}

#[test]
fn both_byte_orders_and_units_give_the_same_time() {
    for big in [false, true] {
        assert_eq!(read(&pcap(big, false, 101, &IP)).0[0].at_ns, 5_000_007_000);
        assert_eq!(read(&pcap(big, true, 101, &IP)).0[0].at_ns, 5_000_000_007);
        assert_eq!(read(&pcapng(big, 101, 6, 5_000_007, &IP)).0[0].at_ns, 5_000_007_000);
        assert_eq!(read(&pcapng(big, 101, 9, 5_000_000_007, &IP)).0[0].at_ns, 5_000_000_007);
        // Binary fractions: 2⁻¹⁰ s.
        assert_eq!(read(&pcapng(big, 101, 0x8a, 5 << 10, &IP)).0[0].at_ns, 5_000_000_000);
        assert_eq!(read(&pcapng(big, 101, 0xff, u64::MAX, &IP)).0[0].header, IP);
    }
}

#[test]
fn every_link_type_gives_the_same_packet() {
    let ethernet = |tags: &[u8]| [&[2; 12][..], tags, &IP].concat();
    let session = [0x88, 0x64, 0x11, 0, 0, 1, 0, 30, 0, 0x21];
    for (kind, frame) in [
        (1, ethernet(&[8, 0])),
        (1, ethernet(&[0x81, 0, 0, 5, 8, 0])),
        (1, ethernet(&[0x88, 0xa8, 0, 5, 0x81, 0, 0, 6, 8, 0])),
        (1, ethernet(&session)),
        (0, [&[2, 0, 0, 0][..], &IP].concat()),
        (12, IP.to_vec()),
        (101, IP.to_vec()),
        (108, [&[0, 0, 0, 2][..], &IP].concat()),
        (113, [&[0; 14][..], &[8, 0], &IP].concat()),
        (228, IP.to_vec()),
        (276, [&[8, 0][..], &[0; 18], &IP].concat()),
    ] {
        // Padding of the link is no part of the packet.
        let padded = [&frame[..], &[0; 18]].concat();
        for file in [pcap(false, false, kind, &padded), pcapng(true, kind as u16, 6, 5_000_007, &padded)] {
            let (packets, torn) = read(&file);
            assert_eq!(packets.len(), 1, "link type {kind}");
            assert_eq!((packets[0].length, &packets[0].header[..28], torn), (28, &IP[..], false), "link type {kind}");
        }
    }
}

#[test]
fn what_carries_no_ip_is_counted() {
    let arp = [&[2; 12][..], &[8, 6], &[0; 28]].concat();
    let file = pcap(false, false, 1, &arp);
    let mut reader = Reader::new(file.as_slice()).unwrap();
    assert_eq!(reader.packet().unwrap(), None);
    assert_eq!((reader.counts().packets, reader.counts().other), (0, 1));
}

#[test]
fn what_is_no_recording_is_a_fault_and_a_tear_is_told() {
    for file in
        [&b""[..], b"\xd4\xc3", b"PK\x03\x04 not a capture at all", &[0x0a, 0x0d, 0x0d, 0x0a, 0, 0, 0, 28, 1, 2, 3, 4]]
    {
        assert!(Reader::new(file).unwrap_err().is(&fault::FORMAT));
    }
    assert!(Reader::new(pcap(false, false, 147, &IP).as_slice()).unwrap_err().is(&fault::LINK));
    for file in [pcap(true, false, 101, &IP), pcapng(false, 101, 6, 1, &IP)] {
        assert_eq!(read(&file).0.len(), 1);
        for end in file.len() - 30..file.len() {
            assert_eq!(read(&file[..end]), (Vec::new(), true), "torn at {end}");
        }
    }
    let mut claims = pcap(false, false, 101, &IP);
    claims[32..36].copy_from_slice(&[0xff; 4]);
    assert_eq!(read(&claims), (Vec::new(), true));
}

proptest! {
    #[test]
    fn any_bytes_are_read_to_an_end(bytes in prop::collection::vec(any::<u8>(), 0..600), which in 0..3_usize) {
        let head = match which {
            0 => Vec::new(),
            1 => pcap(false, false, 1, &[]),
            _ => pcapng(true, 1, 6, 1, &[]),
        };
        let file = [head, bytes].concat();
        if let Ok(mut reader) = Reader::new(file.as_slice()) {
            let mut packets = 0;
            while let Some(packet) = reader.packet().unwrap() {
                prop_assert!(packet.header.len() <= capture::HEADER_BYTES);
                packets += 1;
            }
            prop_assert_eq!(packets, reader.counts().packets);
            prop_assert!(packets <= file.len() as u64 / 12);
        }
    }

    #[test]
    fn any_prefix_and_flipped_byte_is_read(at in 0..140_usize, value in any::<u8>(), end in 0..200_usize) {
        for mut file in [pcap(false, true, 1, &[&[2; 12][..], &[8, 0], &IP].concat()), pcapng(false, 1, 6, 1, &[&[2; 12][..], &[8, 0], &IP].concat())] {
            if let Some(byte) = file.get_mut(at) {
                *byte = value;
            }
            file.truncate(end);
            if let Ok(mut reader) = Reader::new(file.as_slice()) {
                while reader.packet().unwrap().is_some() {}
            }
        }
    }
}

//! Bytes that are no packet: never a crash, always a verdict, always counted.

use crate::scene::{filter, path, path6, plan};
use ddos::Level;
use proptest::prelude::*;
use scrub::{Action, Cookies, Filter};
use scrub_lab::frame::{LINUX_OPTIONS, Segment, flags};
use std::sync::{Mutex, OnceLock};

/// Packets that were counted anywhere.
fn counted(filter: &Filter) -> u64 {
    filter.rest().unwrap().packets
        + filter.counters().unwrap().iter().map(|(_, counters)| counters.packets).sum::<u64>()
}

fn is_ip(frame: &[u8]) -> bool {
    // Behind at most two tags; a third one is no IP to us.
    let mut at = 12;
    for _ in 0..2 {
        if matches!(frame.get(at..at + 2), Some([0x81, 0] | [0x88, 0xa8])) {
            at += 4;
        }
    }
    match frame.get(at..at + 2) {
        Some([8, 0] | [0x86, 0xdd]) => true,
        Some(_) => false,
        // Cut off in the middle of a tag: unreadable, and counted.
        None => true,
    }
}

fn try_all(filter: &Filter, frame: &[u8]) {
    for end in 14..=frame.len() {
        let before = counted(filter);
        let trial = filter.trial(&frame[..end], 1).unwrap();
        assert!(!matches!(trial.action, Action::Other(_)), "{:?} for {end} bytes", trial.action);
        assert_eq!(counted(filter) - before, u64::from(is_ip(&frame[..end])), "{end} bytes of {frame:02x?}");
    }
}

#[test]
fn every_prefix_of_valid_frames_is_judged_and_counted() {
    for level in [Level::Observe, Level::Clean, Level::Verified] {
        let Some(filter) = filter(level) else { return };
        for (mut path, vlans) in [(path(), &[][..]), (path6(), &[][..]), (path(), &[1, 2][..]), (path6(), &[3][..])] {
            path.vlans = vlans;
            try_all(
                &filter,
                &path.tcp(&Segment { options: &LINUX_OPTIONS, data: b"0123456789", ..Segment::default() }),
            );
            try_all(&filter, &path.udp(53, 53, &[0x80; 24]));
            try_all(&filter, &path.ping(b"0123456789"));
            try_all(&filter, &path.fragment6(6, 0, true, &[0x10; 40]));
        }
    }
}

#[test]
fn with_cookies_too() {
    for cookies in [Cookies::Local, Cookies::Router] {
        let Some(filter) = crate::scene::filter_with(&plan(cookies), Level::Verified) else { return };
        for path in [path(), path6()] {
            for flags in [flags::SYN, flags::ACK, flags::RST, flags::SYN | flags::ACK] {
                try_all(&filter, &path.tcp(&Segment { flags, options: &LINUX_OPTIONS, ..Segment::default() }));
            }
        }
    }
}

/// One filter for all cases: loading one takes longer than a hundred frames.
fn shared() -> &'static Option<Mutex<Filter>> {
    static FILTER: OnceLock<Option<Mutex<Filter>>> = OnceLock::new();
    FILTER.get_or_init(|| crate::scene::filter_with(&plan(Cookies::Local), Level::Verified).map(Mutex::new))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_bytes_are_judged_and_counted(bytes in prop::collection::vec(any::<u8>(), 14..200), kind in 0..4) {
        if let Some(filter) = shared() {
            let filter = filter.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            let mut frame = bytes;
            match kind {
                0 => frame[12..14].copy_from_slice(&[8, 0]),
                1 => frame[12..14].copy_from_slice(&[0x86, 0xdd]),
                2 => frame[12..14].copy_from_slice(&[0x81, 0]),
                _ => {}
            }
            let before = counted(&filter);
            let trial = filter.trial(&frame, 1).unwrap();
            prop_assert!(!matches!(trial.action, Action::Other(_)));
            prop_assert_eq!(counted(&filter) - before, u64::from(is_ip(&frame)));
        }
    }

    #[test]
    fn a_valid_frame_with_changed_bytes_is_judged(changes in prop::collection::vec((14..90_usize, any::<u8>()), 1..6), six: bool) {
        if let Some(filter) = shared() {
            let filter = filter.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            let path = if six { path6() } else { path() };
            let mut frame = path.tcp(&Segment { flags: flags::ACK, data: &[0; 40], ..Segment::default() });
            for (at, value) in changes {
                if let Some(byte) = frame.get_mut(at) {
                    *byte = value;
                }
            }
            let trial = filter.trial(&frame, 1).unwrap();
            prop_assert!(!matches!(trial.action, Action::Other(_)));
        }
    }
}

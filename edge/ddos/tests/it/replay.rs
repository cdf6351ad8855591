//! Recordings of scenes, replayed: the same that the watch says of the seconds.

use crate::scene::*;
use base::Lang;
use ddos::replay::{Manner, recording};
use ddos::{Class, Prefix, Replayed, Settings};
use ddos_eval::frame::Frame;
use proptest::prelude::*;

/// Frames as a pcap file of raw IP that began at second 1,000.
fn pcap(mut frames: Vec<Frame>) -> Vec<u8> {
    frames.sort_by_key(|frame| frame.at_us);
    let mut file = Vec::new();
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 96, 101] {
        file.extend(word.to_le_bytes());
    }
    for frame in frames {
        let at = 1_000_000_000 + frame.at_us as u64;
        for word in [at / 1_000_000, at % 1_000_000, frame.header.len() as u64, u64::from(frame.length)] {
            file.extend((word as u32).to_le_bytes());
        }
        file.extend(&frame.header);
    }
    file
}

#[expect(clippy::unwrap_used, reason = "a test reads what it wrote")]
fn replay(file: &[u8], protect: Vec<Prefix>) -> Replayed {
    let manner = Manner { protect, window_s: 1.0, settings: Settings::default(), model: None };
    recording(|| Ok(file), manner).unwrap()
}

fn scene() -> Vec<u8> {
    let mut frames = users(1, "web", 800.0, 12);
    frames.extend(flooding(4, flood("script", "reflection-ntp"), 6_000.0, 8, 4 * SECOND));
    pcap(frames)
}

#[test]
fn a_recording_is_judged_and_its_destination_is_found() {
    let file = scene();
    let found = replay(&file, Vec::new());
    assert_eq!(found, replay(&file, vec![destination()]));
    let seen = &found.destinations[0];
    assert_eq!((seen.destination, seen.class), (destination(), Class::from_word("reflection-ntp")));
    assert!(seen.alarm_s.is_some_and(|at| (5.0..=6.0).contains(&at)), "{:?}", seen.alarm_s);
    assert!(seen.windows[..4].iter().all(|moment| !moment.alarm));
    let first = seen.signatures.iter().map(|made| made.matched).max();
    assert!(first.is_some_and(|matched| matched > 10_000), "{first:?}");
    assert!(seen.windows.iter().any(|moment| moment.held > 3_000));
    assert_eq!((seen.attacks.len(), found.torn, found.unread), (1, false, 0));
    for (lang, word) in [(Lang::En, "alarm after"), (Lang::Zh, "秒后告警")] {
        assert!(found.text(lang).contains(word), "{}", found.text(lang));
    }
    assert_eq!(serde_json::to_value(&found).unwrap()["schema"], ddos::replay::SCHEMA);
}

#[test]
fn a_torn_recording_says_so_and_one_to_others_has_nothing() {
    let file = scene();
    let torn = replay(&file[..file.len() / 2], Vec::new());
    assert!(torn.torn && torn.text(Lang::En).contains("torn"));
    let other = replay(&file, vec!["203.0.113.0/24".parse().unwrap()]);
    assert_eq!((other.packets, other.windows), (0, 1));
    assert!(other.others > 1_000);
}

proptest! {
    #[test]
    fn any_times_and_packets_are_played(
        packets in prop::collection::vec((any::<u64>(), prop::collection::vec(any::<u8>(), 0..60)), 0..40),
    ) {
        let all = [Prefix::new([0, 0, 0, 0].into(), 0), Prefix::new([0; 16].into(), 0)];
        let places: Vec<Prefix> = all.into_iter().flatten().collect();
        let mut replay = ddos::Replay::new(&places, 1_000_000, Settings::default(), None);
        for (at, mut header) in packets.clone() {
            if let Some(first) = header.first_mut() {
                *first = 0x45;
            }
            replay.packet(at, &header, header.len() as u16);
        }
        let replayed = replay.finish();
        prop_assert_eq!(replayed.packets + replayed.others, packets.len() as u64);
    }
}

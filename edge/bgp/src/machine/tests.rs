//! The machine against a scripted neighbour, with a clock that the test moves.

use super::*;
use crate::announcement::{Announcement, Approval};
use crate::message::{Attributes, Frame, Nlri};
use crate::table::Id;
use base::SeededRandom;
use proptest::prelude::*;
use std::net::Ipv4Addr;

const OWN: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 2));

fn settings() -> Neighbour {
    Neighbour::new("198.51.100.1".parse().unwrap(), 65_001, 65_002, Ipv4Addr::new(192, 0, 2, 2))
}

/// The neighbour's OPEN.
fn open() -> Open {
    Open {
        asn: 65_002,
        hold_s: 30,
        router_id: Ipv4Addr::new(192, 0, 2, 1),
        families: Family::ALL.to_vec(),
        multiprotocol: true,
        route_refresh: true,
        wide_as: true,
        other: Vec::new(),
    }
}

fn bytes(message: &Message) -> Vec<u8> {
    let mut out = Vec::new();
    assert!(message.write(true, &mut out));
    out
}

/// Takes what the machine has to say.
fn said(machine: &mut Machine) -> Vec<Message> {
    let (mut messages, mut rest) = (Vec::new(), machine.output().to_vec());
    machine.wrote(0, rest.len());
    while let Some(frame) = Frame::first(&rest).unwrap() {
        messages.push(frame.decode(true).unwrap());
        rest.drain(..frame.length());
    }
    assert!(rest.is_empty());
    messages
}

fn established_with(neighbour: Neighbour, open: Open) -> Machine {
    let mut machine = Machine::new(neighbour, Arc::new(SeededRandom::new(7)));
    machine.connected(0, OWN);
    machine.received(0, &bytes(&Message::Open(open)));
    machine.received(0, &bytes(&Message::KeepAlive));
    machine
}

fn established() -> Machine {
    let mut machine = established_with(settings(), open());
    assert_eq!(machine.phase(), Phase::Established);
    said(&mut machine);
    machine
}

fn blackhole(last: u8) -> Announcement {
    Announcement::blackhole(base::Prefix::single(IpAddr::V4(Ipv4Addr::new(192, 0, 2, last))))
}

fn announce(machine: &mut Machine, last: u8, until: Micros) -> Id {
    machine.table.announce(blackhole(last), Approval::Missing, until).unwrap()
}

fn routes(messages: &[Message]) -> (usize, usize) {
    let updates = messages.iter().filter_map(|message| match message {
        Message::Update(update) => Some((update.announces(), update.withdrawn.len())),
        _ => None,
    });
    updates.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
}

#[test]
fn a_session_is_established_and_told_everything() {
    let mut machine = Machine::new(settings(), Arc::new(SeededRandom::new(7)));
    announce(&mut machine, 1, Micros::MAX - 1);
    machine.connected(0, OWN);
    assert!(matches!(said(&mut machine)[..], [Message::Open(_)]));
    machine.received(0, &bytes(&Message::Open(open())));
    assert!(matches!(said(&mut machine)[..], [Message::KeepAlive]));
    machine.received(0, &bytes(&Message::KeepAlive));
    assert_eq!(routes(&said(&mut machine)), (1, 0));
    let state = machine.state(5 * SECOND);
    assert_eq!((state.phase, state.established_s, state.counts.told), (Phase::Established, Some(5.0), 1));
    assert_eq!(state.peer.unwrap().hold_s, 9, "the shorter hold time holds");
    assert!(state.announced[0].told && state.error.is_none());
}

#[test]
fn bytes_may_come_one_at_a_time() {
    let mut machine = Machine::new(settings(), Arc::new(SeededRandom::new(7)));
    machine.connected(0, OWN);
    for byte in [bytes(&Message::Open(open())), bytes(&Message::KeepAlive)].concat() {
        machine.received(0, &[byte]);
    }
    assert_eq!(machine.phase(), Phase::Established);
}

#[test]
fn an_unacceptable_open_is_answered_and_named() {
    let internal = Neighbour { peer_as: 65_001, ..settings() };
    let ipv6 = Neighbour { families: vec![Family::Ipv6], ..settings() };
    let cases: [(Neighbour, Open, (u8, u8), &str); 4] = [
        (settings(), Open { asn: 65_003, ..open() }, (2, 2), "AS"),
        (internal, Open { asn: 65_001, router_id: Ipv4Addr::new(192, 0, 2, 2), ..open() }, (2, 3), "router id"),
        (settings(), Open { hold_s: 0, ..open() }, (2, 6), "hold time"),
        (ipv6, Open { families: vec![Family::Ipv4], ..open() }, (2, 7), "families"),
    ];
    for (neighbour, open, answer, object) in cases {
        let mut machine = established_with(neighbour, open);
        assert_eq!(machine.phase(), Phase::Closing, "{object}");
        let Some(Message::Notification(last)) = said(&mut machine).pop() else { panic!("{object}: no NOTIFICATION") };
        assert_eq!((last.code, last.subcode), answer, "{object}");
        assert_eq!(machine.state(0).error.unwrap().named(), object);
    }
}

#[test]
fn a_message_out_of_order_ends_the_session() {
    let mut machine = established();
    machine.received(1, &bytes(&Message::Open(open())));
    let Some(Message::Notification(last)) = said(&mut machine).pop() else { panic!("no NOTIFICATION") };
    assert_eq!((last.code, last.subcode), (5, 3));
    assert!(machine.state(1).error.unwrap().is(&fault::ORDER));
}

#[test]
fn keepalives_go_out_and_silence_ends_the_session() {
    let mut machine = established();
    let (mut now, mut keepalives) = (0, 0);
    while machine.phase() == Phase::Established {
        now = machine.deadline();
        machine.tick(now);
        keepalives += said(&mut machine).iter().filter(|message| **message == Message::KeepAlive).count();
    }
    assert_eq!(now, 9 * SECOND, "the hold time is exact");
    assert!((3..=4).contains(&keepalives), "{keepalives} in 9 s, one each 2.25–3 s");
    assert!(machine.state(now).error.unwrap().is(&fault::SILENT));
}

#[test]
fn a_lease_ends_on_time_and_is_taken_back() {
    let mut machine = established();
    announce(&mut machine, 1, 2 * SECOND);
    let kept = announce(&mut machine, 2, 5 * SECOND);
    machine.tick(1);
    assert_eq!(routes(&said(&mut machine)), (2, 0));
    assert_eq!(machine.deadline(), 2 * SECOND);
    machine.tick(2 * SECOND);
    assert_eq!(routes(&said(&mut machine)), (0, 1));
    machine.table.renew(kept, 8 * SECOND).unwrap();
    machine.tick(5 * SECOND);
    assert_eq!(routes(&said(&mut machine)), (0, 0), "a renewed lease goes on");
    assert_eq!(machine.state(5 * SECOND).announced.len(), 1);
}

#[test]
fn a_stop_takes_everything_back_before_the_last_word() {
    let mut machine = established();
    for last in 0..200 {
        announce(&mut machine, last, Micros::MAX - 1);
    }
    machine.tick(1);
    said(&mut machine);
    machine.stop(2, "维护");
    let messages = said(&mut machine);
    assert_eq!(routes(&messages), (0, 200));
    let Some(Message::Notification(last)) = messages.last() else { panic!("no NOTIFICATION") };
    assert_eq!(last.to_string(), "6/2 Cease, Administrative Shutdown: 维护");
    assert_eq!((machine.phase(), machine.table.len()), (Phase::Closing, 0));
}

#[test]
fn a_new_session_hears_what_stands_and_waits_grow_with_jitter() {
    let mut machine = established();
    announce(&mut machine, 1, Micros::MAX - 1);
    machine.tick(1);
    said(&mut machine);
    let mut now = 60 * SECOND;
    machine.lost(now, Fault::new(&fault::ENDED));
    assert!(!machine.state(now).announced[0].told, "without a session nobody is told");
    let mut waits = Vec::new();
    for _ in 0..8 {
        waits.push(machine.retry_at() - now);
        now = machine.retry_at();
        machine.lost(now, Fault::new(&fault::CONNECT));
    }
    assert!((SECOND * 3 / 4..=SECOND).contains(&waits[0]), "a session that lasted is tried again soon: {waits:?}");
    assert!(waits[1] <= waits[2] * 3 / 2 && waits[7] >= 22 * SECOND && waits[7] <= 30 * SECOND, "{waits:?}");
    machine.connected(now, OWN);
    machine.received(now, &bytes(&Message::Open(open())));
    machine.received(now, &bytes(&Message::KeepAlive));
    assert_eq!(routes(&said(&mut machine)), (1, 0));
}

#[test]
fn a_refresh_tells_a_family_again() {
    let mut machine = established();
    announce(&mut machine, 1, Micros::MAX - 1);
    machine.tick(1);
    said(&mut machine);
    machine.received(2, &bytes(&Message::RouteRefresh(Some(Family::Ipv4Flow))));
    assert_eq!(routes(&said(&mut machine)), (0, 0));
    machine.received(2 * SECOND, &bytes(&Message::RouteRefresh(Some(Family::Ipv4))));
    assert_eq!(routes(&said(&mut machine)), (1, 0));
    for _ in 0..1000 {
        machine.received(2 * SECOND + 1, &bytes(&Message::RouteRefresh(Some(Family::Ipv4))));
    }
    assert_eq!((routes(&said(&mut machine)), machine.refresh.1), ((0, 0), 3 * SECOND), "once a second");
    assert!(machine.deadline() <= 3 * SECOND);
    machine.tick(3 * SECOND);
    assert_eq!(routes(&said(&mut machine)), (1, 0), "none is lost");
}

#[test]
fn a_neighbour_that_reads_nothing_costs_no_memory() {
    let mut machine = established();
    for last in 0..=255 {
        announce(&mut machine, last, Micros::MAX - 1);
    }
    for now in 0..1000 {
        machine.received(now * 10_000, &bytes(&Message::RouteRefresh(Some(Family::Ipv4))));
    }
    assert!(machine.output().len() < QUEUE + crate::message::LONGEST, "{}", machine.output().len());
}

#[test]
fn a_neighbour_that_speaks_and_reads_nothing_is_left() {
    let mut machine = established();
    announce(&mut machine, 1, Micros::MAX - 1);
    let mut now = 0;
    machine.tick(now);
    while machine.phase() == Phase::Established {
        machine.received(now, &bytes(&Message::KeepAlive));
        now = machine.deadline().min(now + SECOND);
        machine.tick(now);
    }
    let error = machine.state(now).error.unwrap();
    assert!(error.is(&fault::STUCK) && now == 18 * SECOND, "{now} {error}");
    assert_eq!(machine.deadline(), now + CLOSE_WAIT, "the last word may not be taken either");
    // One byte now and then is enough.
    let mut machine = established();
    announce(&mut machine, 1, Micros::MAX - 1);
    for now in (0..60).map(|second| second * SECOND) {
        machine.tick(now);
        machine.wrote(now, usize::from(now % (10 * SECOND) == 0));
        machine.received(now, &bytes(&Message::KeepAlive));
    }
    assert_eq!(machine.phase(), Phase::Established);
}

#[test]
fn a_last_word_ends_the_session_in_each_state_and_is_not_answered() {
    for steps in 0..3 {
        let mut machine = Machine::new(settings(), Arc::new(SeededRandom::new(7)));
        machine.connected(0, OWN);
        for message in [Message::Open(open()), Message::KeepAlive].iter().take(steps) {
            machine.received(0, &bytes(message));
        }
        said(&mut machine);
        let mut last = bytes(&Message::Notification(Notification::new(6, 7)));
        last.extend(bytes(&Message::KeepAlive));
        machine.received(1, &last);
        assert_eq!((machine.phase(), said(&mut machine)), (Phase::Closing, vec![]), "step {steps}");
        assert_eq!(machine.state(1).error.unwrap().got(), "6/7 Cease, Connection Collision Resolution");
    }
}

#[test]
fn hold_times_at_the_edge() {
    for hold_s in [0, 1, 2] {
        let machine = established_with(settings(), Open { hold_s, ..open() });
        assert_eq!(machine.phase(), Phase::Closing, "{hold_s}");
        assert_eq!(machine.state(0).error.unwrap().named(), "hold time");
    }
    let mut machine = established_with(settings(), Open { hold_s: 3, ..open() });
    assert_eq!(machine.phase(), Phase::Established);
    said(&mut machine);
    let first = machine.deadline();
    assert!((SECOND * 3 / 4..=SECOND).contains(&first), "three in the hold time: {first}");
}

#[test]
fn a_bad_update_is_counted_and_a_flood_of_routes_is_not_taken() {
    let mut machine = established();
    machine.received(1, &[&[0xff; 16][..], &[0, 23, 2, 0, 9, 0, 0]].concat());
    assert_eq!((machine.phase(), machine.state(1).counts.refused), (Phase::Established, 1));
    let prefix = |number: u32| base::Prefix::new(IpAddr::V4(number.to_be_bytes().into()), 32).unwrap();
    for chunk in 0..20 {
        let mut update = Update::announce(
            Nlri::Unicast(prefix(0)),
            Some(OWN),
            Attributes { origin: Some(0), ..Attributes::default() },
        );
        update.announced = (chunk * 600..(chunk + 1) * 600).map(prefix).collect();
        machine.received(2, &bytes(&Message::Update(update)));
    }
    assert_eq!(machine.phase(), Phase::Closing);
    assert!(machine.state(2).error.unwrap().is(&fault::FLOODED));
    let Some(Message::Notification(last)) = said(&mut machine).pop() else { panic!("no NOTIFICATION") };
    assert_eq!((last.code, last.subcode), (6, 1));
}

#[test]
fn messages_without_routes_count_as_much() {
    let withdrawals = Update { withdrawn: vec![base::Prefix::new(OWN, 0).unwrap(); 2000], ..Update::default() };
    let refused = [&[0xff; 16][..], &[0, 23, 2, 0, 9, 0, 0]].concat();
    for (message, enough) in [
        (bytes(&Message::Update(withdrawals)), 6),
        (bytes(&Message::Update(Update::default())), 10_001),
        (refused, 10_001),
    ] {
        let mut machine = established();
        for number in 1..enough {
            machine.received(number, &message);
        }
        assert_eq!(machine.phase(), Phase::Established);
        machine.received(enough, &message);
        assert!(machine.state(enough).error.unwrap().is(&fault::FLOODED));
    }
}

#[test]
fn attributes_of_any_kind_and_length_keep_the_session() {
    let mut machine = established();
    let mut sent = 0;
    for (kind, length) in (0..=40_u8).flat_map(|kind| (0..=40_u8).map(move |length| (kind, length))) {
        // Well formed, and with a length that says more than there is, or less.
        for said in [length, length.wrapping_add(1), length.saturating_sub(1)] {
            let body = [&[0, 0, 0, length + 3, 0xc0, kind, said][..], &vec![1; length.into()]].concat();
            let message = [&[0xff; 16][..], &(body.len() as u16 + 19).to_be_bytes(), &[2], &body].concat();
            machine.received(sent, &message);
            sent += 1;
        }
    }
    let state = machine.state(sent);
    assert_eq!(state.phase, Phase::Established, "{:?}", state.error);
    assert_eq!((state.counts.updates + state.counts.refused) as Micros, sent);
    assert!(state.counts.refused > 1000 && state.counts.updates > 100, "{:?}", state.counts);
}

#[test]
fn what_a_neighbour_sends_makes_no_long_texts() {
    let mut machine = established();
    // A rule with very many tests of a field of another family.
    let mut rule = vec![13];
    (0..900).for_each(|_| rule.extend([0x01, 1]));
    rule.extend([0x81, 1]);
    let mut value = vec![0, 1, 133, 0, 0];
    value.extend((0xf000 | rule.len() as u16).to_be_bytes());
    value.extend(rule);
    let mut body = vec![0, 0];
    body.extend((value.len() as u16 + 4).to_be_bytes());
    body.extend([0x90, 14]);
    body.extend((value.len() as u16).to_be_bytes());
    body.extend(value);
    let mut message = vec![0xff; 16];
    message.extend((body.len() as u16 + 19).to_be_bytes());
    message.push(2);
    message.extend(body);
    machine.received(1, &message);
    let error = machine.state(1).error.unwrap();
    assert!(error.is(&fault::UPDATE) && error.to_string().len() < 500, "{error}");
}

#[test]
fn the_reason_of_the_neighbour_is_kept() {
    let mut machine = established();
    machine.received(1, &bytes(&Message::Notification(Notification::shutdown("upgrade"))));
    assert_eq!(machine.phase(), Phase::Closing);
    machine.lost(2, Fault::new(&fault::ENDED));
    assert_eq!(machine.state(2).error.unwrap().got(), "6/2 Cease, Administrative Shutdown: upgrade");
}

#[test]
fn an_old_neighbour_is_spoken_to_in_two_bytes() {
    let neighbour = Neighbour { local_as: 4_200_000_001, ..settings() };
    let old = Open { families: vec![], multiprotocol: false, wide_as: false, ..open() };
    let mut machine = established_with(neighbour, old);
    machine.wrote(0, machine.output().len());
    announce(&mut machine, 1, Micros::MAX - 1);
    machine.tick(1);
    let wire = machine.output().to_vec();
    let Message::Update(update) = Frame::first(&wire).unwrap().unwrap().decode(false).unwrap() else {
        panic!("no UPDATE")
    };
    assert_eq!(update.attributes.as_path.unwrap()[0].path, [4_200_000_001], "by AS4_PATH");
}

proptest! {
    #[test]
    fn no_bytes_of_a_neighbour_do_harm(parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..12), begun: bool) {
        let mut machine = if begun { established() } else { Machine::new(settings(), Arc::new(SeededRandom::new(7))) };
        if !begun {
            machine.connected(0, OWN);
        }
        for (now, part) in parts.iter().enumerate() {
            machine.received(now as Micros, part);
            machine.tick(now as Micros);
            prop_assert!(machine.input.len() < crate::message::LONGEST && machine.deadline() > 0);
        }
    }

    #[test]
    fn what_is_told_is_what_stands(steps in prop::collection::vec((0..20_u8, 0..4_u8), 0..60)) {
        // The neighbour's table, made of what it hears, is ours after every step.
        let mut machine = established();
        let (mut heard, mut ids) = (std::collections::BTreeSet::new(), std::collections::BTreeMap::new());
        for (now, (last, what)) in steps.into_iter().enumerate() {
            let now = now as Micros * (SECOND / 8) + 1;
            match what {
                0 | 1 => { machine.table.announce(blackhole(last), Approval::Missing, now + SECOND).map(|id| ids.insert(last, id)).ok(); }
                2 => { ids.get(&last).map(|id| machine.table.withdraw(*id)); }
                _ => { machine.received(now, &bytes(&Message::RouteRefresh(Some(Family::Ipv4)))); }
            }
            machine.tick(now);
            machine.heard = now;
            for message in said(&mut machine) {
                if let Message::Update(update) = message {
                    update.withdrawn.iter().for_each(|prefix| { heard.remove(prefix); });
                    heard.extend(update.announced);
                }
            }
            let state = machine.state(now);
            let stands = state.announced.iter().map(|row| match &row.announcement {
                Announcement::Blackhole { prefix, .. } => *prefix,
                other => panic!("{other}"),
            });
            prop_assert_eq!(&heard, &stands.collect());
        }
    }
}

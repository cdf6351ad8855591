//! Names switched at real servers: compare and swap, both families, keys, clocks, races.

use crate::servers::{Kind, Server};
use base::Clock;
use divert::{Addresses, Found, Protected, Swap, fault};
use std::net::IpAddr;
use std::sync::Arc;

const KINDS: [Kind; 2] = [Kind::Knot, Kind::Bind];

fn set(texts: &[&str]) -> Addresses {
    Addresses::new(texts.iter().map(|text| text.parse::<IpAddr>().unwrap())).unwrap()
}

fn name(label: &str) -> Protected {
    Protected::new("example.test", &format!("{label}.example.test"), 3).unwrap()
}

fn home(at: usize) -> Addresses {
    set(&[&format!("192.0.2.{at}"), &format!("192.0.2.1{at}"), &format!("2001:db8::{at}")])
}

#[tokio::test]
async fn both_families_are_swapped_at_once_and_everybody_is_told() {
    for server in KINDS.into_iter().filter_map(Server::start) {
        for (at, key) in [server.right_key(), server.long_key()].into_iter().enumerate() {
            let records = server.open(key);
            let (name, home, away) = (name(&format!("www{at}")), home(at), set(&["198.51.100.9"]));
            assert_eq!(records.read(&name).await.unwrap(), Found { addresses: home.clone(), ttl_s: 5 });
            assert_eq!(records.compare_and_swap(&name, &home, &away).await.unwrap(), Swap::Done, "{:?}", server.kind);
            assert_eq!(records.read(&name).await.unwrap(), Found { addresses: away.clone(), ttl_s: 3 });
            for seen in records.verify(&name).await {
                assert!(seen.says(&away) && !seen.says(&home), "{:?}: {seen:?}", server.kind);
            }
            assert_eq!(records.compare_and_swap(&name, &home, &away).await.unwrap(), Swap::Already);
            let else_where = set(&["203.0.113.1"]);
            let found = Found { addresses: away.clone(), ttl_s: 3 };
            assert_eq!(records.compare_and_swap(&name, &home, &else_where).await.unwrap(), Swap::Changed(found));
            assert_eq!(records.compare_and_swap(&name, &away, &home).await.unwrap(), Swap::Done);
            assert_eq!(records.read(&name).await.unwrap().addresses, home);
        }
    }
}

#[tokio::test]
async fn a_name_that_was_not_there_is_made_and_a_long_life_made_short() {
    for server in KINDS.into_iter().filter_map(Server::start) {
        let records = server.open(server.right_key());
        let fresh = name("fresh");
        assert!(records.read(&fresh).await.unwrap().addresses.is_empty());
        let there = set(&["198.51.100.9", "2001:db8::9"]);
        let none = Addresses::default();
        assert_eq!(records.compare_and_swap(&fresh, &none, &there).await.unwrap(), Swap::Done);
        let other = set(&["198.51.100.10"]);
        let found = records.compare_and_swap(&fresh, &none, &other).await.unwrap();
        assert_eq!(found, Swap::Changed(Found { addresses: there, ttl_s: 3 }));
        let long = name("long");
        let before = records.read(&long).await.unwrap();
        assert_eq!(before.ttl_s, 3600);
        assert_eq!(records.compare_and_swap(&long, &before.addresses, &before.addresses).await.unwrap(), Swap::Done);
        assert_eq!(records.read(&long).await.unwrap(), Found { addresses: before.addresses, ttl_s: 3 });
    }
}

#[tokio::test]
async fn a_set_too_big_for_a_datagram_goes_by_tcp() {
    for server in KINDS.into_iter().filter_map(Server::start) {
        let records = server.open(server.right_key());
        let (name, home) = (name("www0"), home(0));
        let many = Addresses::new((0..32_u32).flat_map(|at| {
            let v6 = u128::from(at) | 0x2001_0db8 << 96;
            [IpAddr::V4((0xc633_6401 + at).into()), IpAddr::V6(v6.into())]
        }));
        let many = many.unwrap();
        assert_eq!(records.compare_and_swap(&name, &home, &many).await.unwrap(), Swap::Done);
        assert_eq!(records.read(&name).await.unwrap().addresses, many);
        assert_eq!(records.compare_and_swap(&name, &many, &home).await.unwrap(), Swap::Done);
    }
}

#[tokio::test]
async fn every_refusal_has_its_name() {
    for server in KINDS.into_iter().filter_map(Server::start) {
        let kind = server.kind;
        let (www, home, away) = (name("www0"), home(0), set(&["198.51.100.9"]));
        let swap = async |key| server.open(key).compare_and_swap(&www, &home, &away).await.unwrap_err();
        let wrong = swap(server.wrong_key()).await;
        assert!(wrong.is(&fault::KEY_WRONG), "{kind:?}: {wrong:?}");
        let unknown = swap(server.unknown_key()).await;
        assert!(unknown.is(&fault::KEY_UNKNOWN), "{kind:?}: {unknown:?}");
        let idle = swap(server.idle_key()).await;
        // Knot does not tell a key that it knows and allows nothing from a stranger.
        let wanted = if kind == Kind::Knot { &fault::KEY_UNKNOWN } else { &fault::REFUSED };
        assert!(idle.is(wanted), "{kind:?}: {idle:?}");
        let late = base::SystemClock::default().wall() - 3_600_000_000;
        let late = server.open_at(server.right_key(), Arc::new(base::ManualClock::at(late)));
        let late = late.compare_and_swap(&www, &home, &away).await.unwrap_err();
        assert!(late.is(&fault::CLOCK), "{kind:?}: {late:?}");
        let records = server.open(server.right_key());
        let foreign = Protected::new("example.net", "www.example.net", 5).unwrap();
        let foreign = records.compare_and_swap(&foreign, &home, &away).await.unwrap_err();
        assert!(foreign.is(&fault::NOT_AUTHORITATIVE) || foreign.is(&fault::REFUSED), "{kind:?}: {foreign:?}");
        let alias = records.read(&name("alias")).await.unwrap_err();
        assert!(alias.is(&fault::ALIAS), "{kind:?}: {alias:?}");
        assert_eq!(records.read(&www).await.unwrap().addresses, home, "{kind:?}: something was changed");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_controllers_exactly_one_wins() {
    for server in KINDS.into_iter().filter_map(Server::start) {
        let (name, home) = (name("www2"), home(2));
        let mut before = home;
        for round in 0..5 {
            let racers: Vec<_> = (0..6)
                .map(|at| {
                    let records = server.open(server.right_key());
                    let (name, before) = (name.clone(), before.clone());
                    let mine = set(&[&format!("198.51.100.{}", 10 * round + at + 1)]);
                    tokio::spawn(async move { (records.compare_and_swap(&name, &before, &mine).await.unwrap(), mine) })
                })
                .collect();
            let mut winners = Vec::new();
            let mut told = Vec::new();
            for racer in racers {
                match racer.await.unwrap() {
                    (Swap::Done, mine) => winners.push(mine),
                    (Swap::Changed(found), _) => told.push(found.addresses),
                    (Swap::Already, mine) => panic!("{:?}: nobody else wanted {mine}", server.kind),
                }
            }
            assert_eq!(winners.len(), 1, "{:?} round {round}: {winners:?}", server.kind);
            assert!(told.iter().all(|found| *found == winners[0]), "{:?}: {told:?}", server.kind);
            before = winners.remove(0);
            assert_eq!(server.open(server.right_key()).read(&name).await.unwrap().addresses, before);
        }
    }
}

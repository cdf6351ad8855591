//! The index against a plain map.

use super::*;
use crate::{Claim, Indicator, Tlp};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn facts(kind: Kind, score: u8, tag: &str) -> Facts {
    Facts {
        kind,
        tlp: Tlp::Amber,
        score,
        last_us: 0,
        valid_until_us: 0,
        sources: vec!["feed".into(), "partner".into()],
        tags: vec![tag.into()],
        actors: vec!["APT 漢".into()],
        malware: Vec::new(),
    }
}

fn built(rows: &[(&str, Facts)]) -> Vec<u8> {
    let mut builder = Builder::default();
    for (value, facts) in rows {
        builder.put(value, facts).unwrap();
    }
    let mut image = Vec::new();
    builder.finish(7, &mut image).unwrap();
    image
}

fn put(value: &str, facts: Facts) -> Change {
    Change::Put { value: value.into(), facts }
}

fn remove(kind: Kind, value: &str) -> Change {
    Change::Remove { kind, value: value.into() }
}

#[test]
fn an_image_answers_all_it_was_given() {
    let rows = [
        ("evil.example", facts(Kind::Domain, 90, "c2")),
        ("198.51.100.7", facts(Kind::Ip, 50, "scan")),
        ("198.51.100.0/24", facts(Kind::Cidr, 20, "net")),
        ("2001:db8::/32", facts(Kind::Cidr, 21, "net")),
        ("evil.example", facts(Kind::Domain, 91, "c2")),
    ];
    let index = Index::new(Base::open(built(&rows)).unwrap());
    assert_eq!((index.rows(), index.epoch()), (4, 7));
    let found = index.lookup(Kind::Domain, "a.b.evil.example").unwrap();
    assert_eq!(
        (found.score, found.tlp, found.kind),
        (91, Tlp::Amber, Kind::Domain),
        "the last one of equal values counts"
    );
    assert_eq!((found.sources, found.tags, found.actors), (vec!["feed", "partner"], vec!["c2"], vec!["APT 漢"]));
    assert_eq!(index.lookup(Kind::Ip, "198.51.100.7").unwrap().score, 50);
    assert_eq!(index.lookup(Kind::Ip, "198.51.100.8").unwrap().kind, Kind::Cidr);
    assert_eq!(index.lookup(Kind::Ip, "2001:db8::8").unwrap().score, 21);
    for (kind, value) in [
        (Kind::Ip, "198.51.101.7"),
        (Kind::Domain, "example"),
        (Kind::Domain, "vil.example"),
        (Kind::Url, "evil.example"),
    ] {
        assert!(index.lookup(kind, value).is_none(), "{value}");
    }
}

#[test]
fn an_empty_index_holds_nothing() {
    let index = Index::empty().unwrap();
    assert!(index.lookup(Kind::Ip, "192.0.2.1").is_none() && index.rows() == 0 && !index.drifted());
    assert!(!index.filter(0).unwrap().contains(Key::of(Kind::Ip, "192.0.2.1")));
}

#[test]
fn changes_come_and_go_over_the_base() {
    let rows = [("evil.example", facts(Kind::Domain, 90, "c2")), ("198.51.100.0/24", facts(Kind::Cidr, 20, "net"))];
    let mut index = Index::new(Base::open(built(&rows)).unwrap());
    let old = index.clone();
    let step = index
        .apply(&[
            put("new.example", facts(Kind::Domain, 10, "new")),
            put("evil.example", facts(Kind::Domain, 11, "less")),
            remove(Kind::Cidr, "198.51.100.0/24"),
            put("203.0.113.0/24", facts(Kind::Cidr, 30, "net")),
        ])
        .unwrap();
    assert_eq!((step.from, step.to, step.added.len(), step.removed.len()), (7, 8, 1, 0));
    assert_eq!((step.ranges_added.len(), step.ranges_removed.len()), (1, 1));
    assert_eq!(index.lookup(Kind::Domain, "evil.example").unwrap().tags, ["less"]);
    assert_eq!(index.lookup(Kind::Domain, "new.example").unwrap().score, 10);
    assert!(index.lookup(Kind::Ip, "198.51.100.9").is_none());
    assert_eq!(index.lookup(Kind::Ip, "203.0.113.9").unwrap().score, 30);
    assert_eq!(old.lookup(Kind::Domain, "evil.example").unwrap().tags, ["c2"], "a copy keeps its state");
    let step = index
        .apply(&[put("198.51.100.0/24", facts(Kind::Cidr, 22, "net")), remove(Kind::Domain, "none.example")])
        .unwrap();
    assert_eq!((step.len(), index.lookup(Kind::Ip, "198.51.100.9").unwrap().score), (1, 22));
    index.apply(&[remove(Kind::Domain, "evil.example"), remove(Kind::Domain, "new.example")]).unwrap();
    assert!(
        index.lookup(Kind::Domain, "evil.example").is_none() && index.lookup(Kind::Domain, "new.example").is_none()
    );
    let fault = index.apply(&[put("x.example", facts(Kind::Domain, 1, "")), put("nonsense", facts(Kind::Cidr, 1, ""))]);
    assert!(fault.is_err() && index.epoch() == 10 && index.lookup(Kind::Domain, "x.example").is_none());
}

#[test]
fn a_rebuilt_image_says_the_same_without_what_has_ended() {
    let day = 86_400 * 1_000_000;
    let now = 1_700_000_000 * 1_000_000;
    let ends = Facts { valid_until_us: now + day, last_us: now, ..facts(Kind::Domain, 5, "short") };
    let rows = [
        ("evil.example", facts(Kind::Domain, 90, "c2")),
        ("short.example", ends),
        ("198.51.100.0/24", facts(Kind::Cidr, 20, "net")),
    ];
    let mut index = Index::new(Base::open(built(&rows)).unwrap());
    index
        .apply(&[put("new.example", facts(Kind::Domain, 10, "new")), put("203.0.113.0/24", facts(Kind::Cidr, 30, "n"))])
        .unwrap();
    for (at, alive) in [(now, true), (now + 2 * day, false)] {
        let mut image = Vec::new();
        index.rebuild(at, &mut image).unwrap();
        let again = Index::new(Base::open(image).unwrap());
        assert_eq!((again.epoch(), again.rows()), (8, if alive { 5 } else { 4 }));
        for (kind, value) in [
            (Kind::Domain, "evil.example"),
            (Kind::Domain, "new.example"),
            (Kind::Ip, "198.51.100.1"),
            (Kind::Ip, "203.0.113.1"),
        ] {
            assert_eq!(again.lookup(kind, value), index.lookup(kind, value));
        }
        assert_eq!(again.lookup(Kind::Domain, "short.example").is_some(), alive);
        let filter = index.filter(at).unwrap();
        assert_eq!((filter.epoch(), filter.contains(Key::of(Kind::Domain, "new.example"))), (8, true));
        assert!(filter.contains_address("203.0.113.1".parse().unwrap()));
    }
}

#[test]
fn a_feed_of_indicators_is_taken_as_it_is() {
    let mut builder = Builder::with_capacity(2);
    let claim = Claim { source: "a".into(), confidence: 60, ..Claim::default() };
    assert!(builder.indicator(&Indicator::guess("192.0.2.1").unwrap().with(claim), 0).unwrap());
    assert!(!builder.indicator(&Indicator::guess("192.0.2.2").unwrap(), 0).unwrap(), "nobody says so");
    assert_eq!((builder.len(), builder.is_empty()), (1, false));
}

#[test]
fn drift_is_one_part_in_a_hundred_and_never_little() {
    let mut index = Index::empty().unwrap();
    let changes = |from: u32, to: u32| {
        (from..to).map(|n| put(&format!("d{n}.example"), facts(Kind::Domain, 1, "x"))).collect::<Vec<_>>()
    };
    index.apply(&changes(0, 999)).unwrap();
    assert!(!index.drifted());
    index.apply(&changes(999, 1000)).unwrap();
    assert!(index.drifted() && index.bytes() > 1000);
}

#[test]
fn keys_that_share_a_bucket_are_found_by_halves() {
    let mut image = Vec::new();
    let mut dictionary = Dictionary::default();
    let profile = dictionary.intern(&facts(Kind::Domain, 1, "x")).unwrap();
    let mut writer = base::Writer::new(&mut image, 0);
    let keys: Vec<Key> = (0..500).map(|n| Key((7 << 48) + n * 3)).chain([Key(u64::MAX)]).collect();
    keys.iter().for_each(|key| writer.push(*key, Row::new(profile, 0, 0)).unwrap());
    writer.finish(0, &dictionary, Vec::new()).unwrap();
    let base = Base::open(image).unwrap();
    assert!(keys.iter().all(|key| base.has(*key)) && !base.has(Key((7 << 48) + 1)) && !base.has(Key(0)));
    assert_eq!(base.iter().map(|(key, _)| key).collect::<Vec<_>>(), keys);
}

#[test]
fn every_changed_byte_is_a_fault_or_the_same() {
    let rows = [("evil.example", facts(Kind::Domain, 90, "c2")), ("198.51.100.0/24", facts(Kind::Cidr, 20, "net"))];
    let image = built(&rows);
    assert!(Base::open(&image).is_ok());
    // Rows, the first buckets, names and the foot: every byte; the zeros of empty buckets in between: some.
    let places = (0..200).chain((200..image.len() - 400).step_by(4099)).chain(image.len() - 400..image.len());
    for place in places {
        let mut torn = image.clone();
        torn[place] ^= 0x41;
        assert!(Base::open(&torn).is_err(), "the checksum finds byte {place}");
        base::reseal(&mut torn);
        if let Ok(base) = Base::open(&torn) {
            let index = Index::new(base);
            index.lookup(Kind::Domain, "evil.example");
            index.lookup(Kind::Ip, "198.51.100.9");
            index.rebuild(0, &mut Vec::new()).ok();
            index.filter(0).ok();
        }
    }
    for cut in (0..image.len()).step_by(977) {
        assert!(Base::open(&image[..cut]).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_history_answers_as_a_map_does(
        first in prop::collection::btree_map(0..40u32, 1..=100u8, 0..30),
        steps in prop::collection::vec(prop::collection::vec((0..60u32, prop::option::of(1..=100u8)), 1..8), 0..6),
    ) {
        let name = |number: u32| format!("d{number}.example");
        let rows: Vec<(String, Facts)> = first.iter().map(|(number, score)| (name(*number), facts(Kind::Domain, *score, "t"))).collect();
        let rows: Vec<(&str, Facts)> = rows.iter().map(|(name, facts)| (name.as_str(), facts.clone())).collect();
        let mut index = Index::new(Base::open(built(&rows)).unwrap());
        let mut filter = index.filter(0).unwrap();
        let mut map: BTreeMap<u32, u8> = first;
        let mut all = crate::Changes::new(1000);
        let begin = filter.clone();
        for step in steps {
            let changes: Vec<Change> = step.iter().map(|(number, score)| match score {
                Some(score) => put(&name(*number), facts(Kind::Domain, *score, "u")),
                None => remove(Kind::Domain, &name(*number)),
            }).collect();
            for (number, score) in step {
                match score { Some(score) => drop(map.insert(number, score)), None => drop(map.remove(&number)) }
            }
            let step = index.apply(&changes).unwrap();
            prop_assert_eq!(&crate::FilterDelta::decode(&step.encode()).unwrap(), &step);
            filter.apply(&step).unwrap();
            all.push(step).unwrap();
        }
        let mut image = Vec::new();
        prop_assert_eq!(index.rebuild(0, &mut image).unwrap(), map.len());
        let rebuilt = Index::new(Base::open(image).unwrap());
        let keys: Vec<Key> = (0..60).map(|number| Key::of(Kind::Domain, &name(number))).collect();
        let mut listed = vec![99];
        index.which(&keys, &mut listed);
        let expected: Vec<usize> = [99].into_iter().chain(map.keys().map(|number| *number as usize)).collect();
        prop_assert_eq!(listed, expected);
        let mut late = begin;
        if let Some(step) = all.since(late.epoch()) { late.apply(&step).unwrap(); }
        prop_assert_eq!(late.epoch(), filter.epoch());
        for number in 0..60 {
            let name = name(number);
            let expected = map.get(&number).copied();
            prop_assert_eq!(index.lookup(Kind::Domain, &name).map(|found| found.score), expected);
            prop_assert_eq!(rebuilt.lookup(Kind::Domain, &name).map(|found| found.score), expected);
            let key = Key::of(Kind::Domain, &name);
            prop_assert_eq!(filter.contains(key), late.contains(key));
            prop_assert!(expected.is_none() || filter.contains(key), "a filter never misses");
        }
    }

    #[test]
    fn hostile_images_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Base::open(&bytes).is_err());
        let mut image = b"GIDX\x01\0\0\0".to_vec();
        image.extend_from_slice(&bytes);
        if image.len() > 8 { base::reseal(&mut image); }
        let _ = Base::open(&image);
    }
}

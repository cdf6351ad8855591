//! The filter and its changes.

use super::*;
use crate::Kind;
use proptest::prelude::*;

fn key(number: u64) -> Key {
    Key::of(Kind::Domain, &format!("d{number}.example"))
}

fn filter(numbers: std::ops::Range<u64>, expected: usize) -> Filter {
    let mut keys: Vec<Key> = numbers.map(key).collect();
    keys.sort_unstable();
    let mut builder = FilterBuilder::new(5, expected);
    keys.into_iter().for_each(|key| builder.push(key).unwrap());
    builder.finish(vec![Range::from_canonical("198.51.100.0/24").unwrap()]).unwrap()
}

#[test]
fn it_misses_nothing_and_seldom_errs() {
    // The expected number makes eight shards of it.
    for expected in [20_000, 10_000_000] {
        let filter = filter(0..20_000, expected);
        assert!((0..20_000).all(|number| filter.contains(key(number))));
        let wrong = (20_000..220_000).filter(|number| filter.contains(key(*number))).count();
        assert!(wrong < 30, "{wrong} of 200,000; 3 are usual");
        assert!(filter.contains_address("198.51.100.9".parse().unwrap()));
        assert!(!filter.contains_address("198.51.101.9".parse().unwrap()));
    }
}

#[test]
fn it_reads_back_as_written_with_its_changes() {
    let mut filter = filter(0..3000, 3000);
    let step =
        FilterDelta { from: 5, to: 6, added: [key(9000)].into(), removed: [key(1)].into(), ..FilterDelta::default() };
    filter.apply(&step).unwrap();
    let again = Filter::decode(&filter.encode()).unwrap();
    assert_eq!(again.epoch(), 6);
    assert!(again.contains(key(9000)) && !again.contains(key(1)) && again.contains(key(2)));
    assert_eq!(again.encode(), filter.encode());
    assert!(filter.bytes() < 3000 * 5 + 600_000, "{}", filter.bytes());
}

#[test]
fn a_change_follows_once_and_in_order() {
    let mut filter = filter(0..100, 100);
    let step = |from, to, number| FilterDelta { from, to, added: [key(number)].into(), ..FilterDelta::default() };
    assert!(filter.apply(&step(6, 7, 200)).unwrap_err().is(&fault::EPOCH));
    filter.apply(&step(5, 6, 200)).unwrap();
    filter.apply(&step(5, 6, 200)).unwrap();
    filter.apply(&step(6, 7, 201)).unwrap();
    assert!(filter.contains(key(200)) && filter.contains(key(201)) && filter.epoch() == 7);
    let gone = FilterDelta { from: 7, to: 8, removed: [key(200), key(3)].into(), ..FilterDelta::default() };
    filter.apply(&gone).unwrap();
    assert!(!filter.contains(key(200)) && !filter.contains(key(3)));
    let back = FilterDelta {
        from: 8,
        to: 9,
        added: [key(3)].into(),
        ranges_removed: [Range::from_canonical("198.51.100.0/24").unwrap()].into(),
        ..FilterDelta::default()
    };
    filter.apply(&back).unwrap();
    assert!(filter.contains(key(3)) && !filter.contains_address("198.51.100.9".parse().unwrap()));
}

#[test]
fn a_changed_copy_shares_the_shards() {
    let before = filter(0..20_000, 10_000_000);
    let mut after = before.clone();
    after.apply(&FilterDelta { from: 5, to: 6, added: [key(30_000)].into(), ..FilterDelta::default() }).unwrap();
    assert!(before.shards.iter().zip(&after.shards).all(|(one, other)| Arc::ptr_eq(one, other)));
    assert!(after.contains(key(30_000)) && !before.contains(key(30_000)));
}

#[test]
fn the_log_of_changes_answers_or_says_that_it_cannot() {
    let step =
        |from: u64, number| FilterDelta { from, to: from + 1, added: [key(number)].into(), ..FilterDelta::default() };
    let mut log = Changes::new(20);
    for from in 0..30 {
        log.push(step(from, from)).unwrap();
    }
    assert_eq!(log.since(3), None, "too long ago");
    let step_25 = log.since(25).unwrap();
    assert_eq!((step_25.from, step_25.to, step_25.added.len()), (25, 30, 5));
    assert_eq!(log.since(30), None);
    assert!(log.push(step(99, 1)).unwrap_err().is(&fault::EPOCH));
    assert_eq!(log.since(25), None, "a gap empties it");
    let went = FilterDelta { from: 1, to: 2, removed: [key(0)].into(), ..FilterDelta::default() };
    let both = step(0, 0).then(&went).unwrap();
    assert!(both.is_empty() && (both.from, both.to) == (0, 2), "what came and went is no change");
    assert!(step(0, 0).then(&step(5, 1)).is_err());
}

#[test]
fn keys_out_of_order_are_refused() {
    let mut builder = FilterBuilder::new(0, 10);
    builder.push(Key(5)).unwrap();
    assert!(builder.push(Key(5)).is_err() && builder.push(Key(4)).is_err());
}

#[test]
fn every_changed_byte_is_a_fault_or_harmless() {
    let mut filter = filter(0..50, 50);
    filter.apply(&FilterDelta { from: 5, to: 6, added: [key(777)].into(), ..FilterDelta::default() }).unwrap();
    let message = filter.encode();
    for place in 0..message.len() {
        let mut torn = message.clone();
        torn[place] ^= 0x81;
        assert!(Filter::decode(&torn).is_err());
        crate::frame::close(&mut torn);
        if let Ok(filter) = Filter::decode(&torn) {
            assert!((0..50).filter(|number| filter.contains(key(*number))).count() <= 50);
        }
    }
    assert!((0..message.len()).all(|cut| Filter::decode(&message[..cut]).is_err()));
}

proptest! {
    #[test]
    fn hostile_messages_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        prop_assert!(Filter::decode(&bytes).is_err() && FilterDelta::decode(&bytes).is_err());
        for magic in [b"GFLT\x01\0\0\0", b"GFDL\x01\0\0\0"] {
            let mut message = crate::frame::begin(magic);
            message.extend_from_slice(&bytes);
            crate::frame::close(&mut message);
            if let Ok(filter) = Filter::decode(&message) {
                filter.contains(key(1));
            }
            let _ = FilterDelta::decode(&message);
        }
    }

    #[test]
    fn a_set_of_keys_holds_what_it_was_given(numbers in prop::collection::vec(any::<u64>(), 0..60), other in any::<u64>()) {
        let set = KeySet::new(numbers.iter().copied().map(Key).collect());
        prop_assert!(numbers.iter().all(|number| set.has(Key(*number))));
        prop_assert_eq!(set.has(Key(other)), numbers.contains(&other));
    }
}

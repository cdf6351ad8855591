//! The pool against a table with one line an address.

use pool::{Change, Held, Kind, Limits, Pool, Range, Row};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const ADDRESSES: u8 = 24;
const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// Addresses of both families at the ends of their spaces, where numbers overflow.
fn address(at: u8, ipv6: bool) -> IpAddr {
    let low = at < ADDRESSES / 2;
    match (ipv6, low) {
        (false, true) => IpAddr::V4(Ipv4Addr::from_bits(u32::from(at))),
        (false, false) => IpAddr::V4(Ipv4Addr::from_bits(u32::MAX - u32::from(ADDRESSES - 1 - at))),
        (true, true) => IpAddr::V6(Ipv6Addr::from_bits(u128::from(at))),
        (true, false) => IpAddr::V6(Ipv6Addr::from_bits(u128::MAX - u128::from(ADDRESSES - 1 - at))),
    }
}

/// Ranges stay within one half, so that they hold only addresses of the model.
fn range() -> impl Strategy<Value = (Range, Vec<IpAddr>)> {
    (any::<bool>(), any::<bool>(), 0..ADDRESSES / 2, 0..ADDRESSES / 2).prop_map(|(ipv6, high, one, two)| {
        let base = if high { ADDRESSES / 2 } else { 0 };
        let (first, last) = (base + one.min(two), base + one.max(two));
        let range = Range::new(address(first, ipv6), address(last, ipv6)).unwrap();
        (range, (first..=last).map(|at| address(at, ipv6)).collect())
    })
}

fn change() -> impl Strategy<Value = (Change, Vec<IpAddr>)> {
    let name = || (0..NAMES.len()).prop_map(|at| NAMES[at].to_string());
    (range(), name(), name(), 0..12_u8).prop_map(|((range, addresses), from, to, what)| {
        let change = match what {
            0 | 1 => Change::Add { range },
            2 => Change::Remove { range },
            3 | 4 => Change::AddHolder { name: to, kind: Kind::Customer },
            5 => Change::RemoveHolder { name: from },
            6 | 7 => Change::Assign { range, to },
            8 | 9 => Change::Move { range, from, to },
            10 => Change::MoveAll { from, to },
            _ => Change::Release { range, from },
        };
        (change, addresses)
    })
}

/// Who holds each address that is in the pool, and the holders.
#[derive(Default, Clone, PartialEq, Debug)]
struct Model {
    addresses: BTreeMap<IpAddr, Option<String>>,
    holders: BTreeMap<String, Kind>,
}

impl Model {
    /// Makes a change; says whether it could be made.
    fn apply(&mut self, change: &Change, range: &[IpAddr]) -> bool {
        let known = |name: &String| self.holders.contains_key(name);
        let held = |name: Option<&String>| {
            range.iter().all(|address| self.addresses.get(address).is_some_and(|holder| holder.as_ref() == name))
        };
        let good = match change {
            Change::Add { .. } => range.iter().all(|address| !self.addresses.contains_key(address)),
            Change::Remove { .. } => held(None),
            Change::AddHolder { name, .. } => !known(name),
            Change::RemoveHolder { name } => {
                known(name) && !self.addresses.values().any(|holder| holder.as_ref() == Some(name))
            }
            Change::Assign { to, .. } => known(to) && held(None),
            Change::Move { from, to, .. } => known(from) && known(to) && held(Some(from)),
            Change::MoveAll { from, to } => known(from) && known(to),
            Change::Release { from, .. } => known(from) && held(Some(from)),
        };
        if !good {
            return false;
        }
        match change {
            Change::Add { .. } | Change::Release { .. } => {
                self.addresses.extend(range.iter().map(|address| (*address, None)));
            }
            Change::Remove { .. } => self.addresses.retain(|address, _| !range.contains(address)),
            Change::AddHolder { name, kind } => drop(self.holders.insert(name.clone(), *kind)),
            Change::RemoveHolder { name } => drop(self.holders.remove(name)),
            Change::Assign { to, .. } | Change::Move { to, .. } => {
                self.addresses.extend(range.iter().map(|address| (*address, Some(to.clone()))));
            }
            Change::MoveAll { from, to } => {
                let theirs = self.addresses.values_mut().filter(|holder| holder.as_ref() == Some(from));
                theirs.for_each(|holder| *holder = Some(to.clone()));
            }
        }
        true
    }
}

/// Every address of a range that the model may know.
fn inside(range: &Range) -> usize {
    let known = [false, true].into_iter().flat_map(|ipv6| (0..ADDRESSES).map(move |at| address(at, ipv6)));
    known.filter(|address| (range.first()..=range.last()).contains(address)).count()
}

fn same(pool: &Pool, model: &Model) {
    for address in [false, true].into_iter().flat_map(|ipv6| (0..ADDRESSES).map(move |at| address(at, ipv6))) {
        let wanted = match model.addresses.get(&address) {
            None => Held::Absent,
            Some(None) => Held::Free,
            Some(Some(name)) => Held::By(name),
        };
        assert_eq!(pool.look(address), wanted, "{address}");
    }
    let rows: Vec<Row> = pool.rows().collect();
    for pair in rows.windows(2) {
        let touch = Range::new(pair[0].range.first(), pair[1].range.last())
            .is_ok_and(|whole| whole.count() == pair[0].range.count() + pair[1].range.count());
        assert!(!(touch && pair[0].holder == pair[1].holder), "two runs that are one: {pair:?}");
    }
    let start = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    for name in model.holders.keys() {
        let theirs = model.addresses.iter().filter(|(_, holder)| holder.as_ref() == Some(name));
        let (v4, v6): (Vec<_>, Vec<_>) = theirs.partition(|(address, _)| address.is_ipv4());
        let holder = pool.holder(name).unwrap();
        assert_eq!((holder.ipv4, holder.ipv6), (v4.len() as u128, v6.len() as u128));
        let ranges: Vec<Range> = pool.held(Some(name), start).unwrap().collect();
        assert_eq!(ranges.iter().map(inside).sum::<usize>(), v4.len() + v6.len());
    }
    let summary = pool.summary();
    let free = model.addresses.values().filter(|holder| holder.is_none()).count() as u128;
    assert_eq!(summary.ipv4_free + summary.ipv6_free, free);
    let held = summary.ipv4_held + summary.ipv6_held;
    assert_eq!((held + free, summary.runs), (model.addresses.len() as u128, rows.len()));
    assert_eq!(
        pool.holders_after("").map(|holder| holder.name).collect::<Vec<_>>(),
        model.holders.keys().cloned().collect::<Vec<_>>()
    );
}

proptest! {
    #[test]
    fn the_pool_is_a_table_of_addresses(changes in prop::collection::vec(change(), 0..80)) {
        let (mut pool, mut model, mut log) = (Pool::new(Limits::default()), Model::default(), Vec::new());
        for (change, addresses) in changes {
            let possible = pool.check(&change).is_ok();
            // At its limit a pool takes exactly the changes that make it no bigger.
            let full = Limits { runs: pool.summary().runs, ..Limits::default() };
            let rows = pool.rows();
            let mut at_limit = Pool::restore(full, model.holders.clone(), rows).unwrap();
            let taken = at_limit.apply(&change).is_ok();
            let before = pool.rows().collect::<Vec<_>>();
            let made = pool.apply(&change);
            prop_assert_eq!(made.is_ok(), possible);
            prop_assert_eq!(taken, possible && pool.summary().runs <= full.runs, "{:?}", change);
            prop_assert_eq!(model.apply(&change, &addresses), possible, "{:?}: {:?}", change, made);
            if possible {
                log.push(serde_json::to_string(&change).unwrap());
            } else {
                prop_assert_eq!(before, pool.rows().collect::<Vec<_>>(), "a refused change changes nothing");
            }
            same(&pool, &model);
        }
        // Made again of its log, and of its rows.
        let mut again = Pool::new(Limits::default());
        for change in &log {
            again.apply(&serde_json::from_str(change).unwrap()).unwrap();
        }
        same(&again, &model);
        let rows: Vec<String> = pool.rows().map(|row| serde_json::to_string(&row).unwrap()).collect();
        let rows = rows.iter().map(|row| serde_json::from_str(row).unwrap());
        let restored = Pool::restore(Limits::default(), model.holders.clone(), rows).unwrap();
        same(&restored, &model);
    }

    #[test]
    fn what_is_offered_as_free_is_free(changes in prop::collection::vec(change(), 0..40), count in 0..40_u128, bits in 24..=32_u8, ipv6: bool) {
        let mut pool = Pool::new(Limits::default());
        changes.iter().for_each(|(change, _)| drop(pool.apply(change)));
        let free = if ipv6 { pool.summary().ipv6_free } else { pool.summary().ipv4_free };
        match pool.free(ipv6, count) {
            Ok(ranges) => {
                prop_assert_eq!(ranges.iter().map(|range| range.count()).sum::<u128>(), count);
                pool.apply(&Change::AddHolder { name: "new".into(), kind: Kind::Site }).unwrap();
                for range in ranges {
                    pool.apply(&Change::Assign { range, to: "new".into() }).unwrap();
                }
            }
            Err(_) => prop_assert!(free < count),
        }
        let bits = if ipv6 { bits + 96 } else { bits };
        if let Ok(range) = pool.free_prefix(ipv6, bits) {
            prop_assert_eq!(range.bits(), Some(bits));
            pool.apply(&Change::Remove { range }).unwrap();
        }
    }
}

//! A link: all that an interface carries, and who must be turned away upstream when it is full.
//!
//! A link is full for everyone on it, whoever fills it: it is judged over all destinations together and over what is not
//! protected. Help is asked for those of the attacked that bring most, and for no more of them than make room.

use ddos::{Counters, Prefix};
use std::collections::BTreeSet;

/// Part of what a link takes from which on it counts as full.
const FULL: f64 = 0.9;
/// A destination that brings less than one in so many of the link's bytes would make no room.
const SMALL: u64 = 16;
/// Who was chosen a second ago is chosen again before one that brings up to so much more, per cent: else two that bring about
/// the same would take turns.
const STAYS: u64 = 150;

/// See the module. Of one second.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Link {
    /// Packets.
    pub packets: u64,
    /// Bytes.
    pub bytes: u64,
    /// Bytes of each protected destination.
    destinations: Vec<(Prefix, u64)>,
}

impl Link {
    /// It carries this too, to a protected destination or to others.
    pub fn carries(&mut self, destination: Option<Prefix>, came: &Counters) {
        self.packets += came.packets;
        self.bytes += came.bytes;
        self.destinations.extend(destination.map(|destination| (destination, came.bytes)));
    }

    /// Whether it is full, when it takes so many bytes a second.
    pub fn full(&self, takes: f64) -> bool {
        self.bytes as f64 > takes * FULL
    }

    /// Destinations that must be turned away upstream so that the others have room; `can` says which may be, `before` which
    /// were a second ago. None when there is room, or when nobody who may be turned away brings much.
    pub fn crowd(&self, takes: f64, can: impl Fn(Prefix) -> bool, before: &BTreeSet<Prefix>) -> BTreeSet<Prefix> {
        let mut crowd = BTreeSet::new();
        if !self.full(takes) {
            return crowd;
        }
        let large = |(prefix, bytes): &&(Prefix, u64)| *bytes > self.bytes / SMALL && can(*prefix);
        let mut largest: Vec<(Prefix, u64)> = self.destinations.iter().filter(large).copied().collect();
        let weight = |(prefix, bytes): &(Prefix, u64)| bytes * if before.contains(prefix) { STAYS } else { 100 };
        largest.sort_by_key(|one| std::cmp::Reverse(weight(one)));
        let mut left = self.bytes;
        for (prefix, bytes) in largest {
            if left as f64 <= takes * FULL {
                break;
            }
            left = left.saturating_sub(bytes);
            crowd.insert(prefix);
        }
        crowd
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(last: u8) -> Prefix {
        Prefix::single([192, 0, 2, last].into())
    }

    fn link(rest: u64, destinations: &[u64]) -> Link {
        let mut link = Link::default();
        let came = |bytes| Counters { packets: 1, bytes, ..Counters::default() };
        link.carries(None, &came(rest));
        for (number, bytes) in destinations.iter().enumerate() {
            link.carries(Some(prefix(number as u8)), &came(*bytes));
        }
        link
    }

    fn crowd(link: &Link, can: &[u8], before: &[u8]) -> Vec<u8> {
        let before = before.iter().map(|last| prefix(*last)).collect();
        let can: Vec<Prefix> = can.iter().map(|last| prefix(*last)).collect();
        let crowd = link.crowd(1000.0, |prefix| can.contains(&prefix), &before);
        (0..=255).filter(|last| crowd.contains(&prefix(*last))).collect()
    }

    #[test]
    fn a_link_is_full_of_all_that_it_carries() {
        assert!(!link(300, &[300, 300]).full(1000.0));
        assert!(link(310, &[300, 300]).full(1000.0));
        assert!(crowd(&link(0, &[400, 400]), &[0, 1], &[]).is_empty());
    }

    #[test]
    fn those_that_bring_most_go_and_no_more_than_make_room() {
        let all = [0, 1, 2, 3];
        assert_eq!(crowd(&link(100, &[300, 500, 50, 200]), &all, &[]), [1]);
        assert_eq!(crowd(&link(1_000, &[300, 500, 50, 200]), &all, &[]), [0, 1, 3], "the small one would make no room");
        assert_eq!(crowd(&link(100, &[300, 500, 50, 200]), &[0, 2, 3], &[]), [0], "only who is attacked");
        assert_eq!(crowd(&link(2_000, &[0, 0]), &all, &[]), [0; 0], "others fill it");
    }

    #[test]
    fn two_that_bring_about_the_same_do_not_take_turns() {
        assert_eq!(crowd(&link(0, &[500, 510]), &[0, 1], &[0]), [0]);
        assert_eq!(crowd(&link(0, &[300, 710]), &[0, 1], &[0]), [1]);
    }
}

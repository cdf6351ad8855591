//! Where two engines differ: which rule, in which direction, how often, and a first example.

use crate::answer::Answer;
use std::collections::BTreeMap;

/// How a rule differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Held with us alone.
    OnlyOurs,
    /// Held with the other alone.
    OnlyTheirs,
    /// The same rules in another order, or one more often.
    Order,
    /// The same rules, but stopped otherwise.
    Stop,
}

impl Kind {
    /// In words.
    pub fn text(self) -> &'static str {
        match self {
            Kind::OnlyOurs => "only ours",
            Kind::OnlyTheirs => "only theirs",
            Kind::Order => "order",
            Kind::Stop => "stopped otherwise",
        }
    }
}

/// One kind of difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Rule; 0 where it is not one rule's.
    pub rule: u64,
    /// Direction.
    pub kind: Kind,
    /// Requests that show it.
    pub count: usize,
    /// Number of the first of them.
    pub first: usize,
}

/// Requests that differ at all, and the differences, most frequent first.
pub fn between(ours: &[Answer], theirs: &[Answer]) -> (usize, Vec<Difference>) {
    let mut found: BTreeMap<(u64, Kind), (usize, usize)> = BTreeMap::new();
    let mut differing = 0;
    for (number, (our, their)) in ours.iter().zip(theirs).enumerate() {
        if our.agrees(their) {
            continue;
        }
        differing += 1;
        for key in kinds(our, their) {
            found.entry(key).or_insert((0, number)).0 += 1;
        }
    }
    let mut list: Vec<Difference> =
        found.into_iter().map(|((rule, kind), (count, first))| Difference { rule, kind, count, first }).collect();
    list.sort_by_key(|difference| (std::cmp::Reverse(difference.count), difference.rule));
    (differing, list)
}

fn kinds(our: &Answer, their: &Answer) -> Vec<(u64, Kind)> {
    let only = |of: &Answer, other: &Answer, kind: Kind| {
        let mut rules: Vec<u64> = of.rules.iter().filter(|rule| !other.rules.contains(rule)).copied().collect();
        rules.sort_unstable();
        rules.dedup();
        rules.into_iter().map(move |rule| (rule, kind)).collect::<Vec<_>>()
    };
    let mut kinds = only(our, their, Kind::OnlyOurs);
    kinds.extend(only(their, our, Kind::OnlyTheirs));
    if kinds.is_empty() {
        let same = our.rules == their.rules;
        kinds.push((0, if same { Kind::Stop } else { Kind::Order }));
    }
    kinds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_difference_is_counted_once_a_request() {
        let answer = |rules: &[u64]| Answer { rules: rules.to_vec(), intervention: None, us: 0.0, log: None };
        let ours = [answer(&[1, 2]), answer(&[2]), answer(&[1, 3, 3]), answer(&[4])];
        let theirs = [answer(&[2, 1]), answer(&[2, 5]), answer(&[1]), answer(&[4])];
        let (differing, list) = between(&ours, &theirs);
        assert_eq!(differing, 3);
        let short: Vec<_> = list.iter().map(|item| (item.rule, item.kind, item.count, item.first)).collect();
        assert_eq!(short, [(0, Kind::Order, 1, 0), (3, Kind::OnlyOurs, 1, 2), (5, Kind::OnlyTheirs, 1, 1)]);
    }
}

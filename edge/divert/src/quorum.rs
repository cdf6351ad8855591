//! What several probers agree on about one place. Pure.
//!
//! A prober that is silent has no vote: its last one ages. One prober that lost its own network says "down" of
//! everything, so nothing is believed that fewer than `need` say, or that as many deny.

use crate::fault;
use crate::health::Condition;
use base::{Fault, Micros, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most probers that are listened to.
pub const PROBERS_MAX: usize = 16;

/// When probers agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QuorumRules {
    /// Fresh votes that it takes; more than those against.
    pub need: u8,
    /// How long a vote counts, seconds.
    pub age_s: u32,
}

impl Default for QuorumRules {
    /// Two probers (this one and the server), each heard within 5 s.
    fn default() -> Self {
        QuorumRules { need: 2, age_s: 5 }
    }
}

impl QuorumRules {
    /// Whether they make sense.
    ///
    /// # Errors
    /// `divert.rules`.
    pub fn check(&self) -> Result<()> {
        let fine = (1..=PROBERS_MAX).contains(&usize::from(self.need)) && self.age_s > 0;
        let wanted = || Fault::new(&fault::RULES).expected(format!("1 <= need <= {PROBERS_MAX}, age_s >= 1"));
        if fine { Ok(()) } else { Err(wanted().found(format!("{self:?}"))) }
    }
}

/// The votes on one place.
#[derive(Debug, Clone)]
pub struct Quorum {
    rules: QuorumRules,
    votes: BTreeMap<String, (Condition, Micros)>,
}

impl Quorum {
    /// No vote yet.
    pub fn new(rules: QuorumRules) -> Quorum {
        Quorum { rules, votes: BTreeMap::new() }
    }

    /// Takes the vote of a prober, which replaces its last one. `now_us`: this machine's monotonic clock at its arrival.
    /// False when too many probers vote already and this one is not among them.
    pub fn vote(&mut self, prober: &str, condition: Condition, now_us: Micros) -> bool {
        if !self.votes.contains_key(prober) {
            self.forget(now_us);
            if self.votes.len() >= PROBERS_MAX {
                return false;
            }
        }
        self.votes.insert(prober.to_string(), (condition, now_us));
        true
    }

    /// What they agree on.
    pub fn verdict(&self, now_us: Micros) -> Condition {
        let fresh = || self.votes.values().filter(|(_, at)| self.fresh(*at, now_us));
        let count = |wanted| fresh().filter(|(condition, _)| *condition == wanted).count();
        let (up, down) = (count(Condition::Up), count(Condition::Down));
        let need = usize::from(self.rules.need);
        match (up, down) {
            _ if down >= need && down > up => Condition::Down,
            _ if up >= need && up > down => Condition::Up,
            _ => Condition::Unknown,
        }
    }

    /// Probers with a fresh vote, and it.
    pub fn votes(&self, now_us: Micros) -> impl Iterator<Item = (&str, Condition)> {
        let fresh = self.votes.iter().filter(move |(_, (_, at))| self.fresh(*at, now_us));
        fresh.map(|(prober, (condition, _))| (prober.as_str(), *condition))
    }

    fn fresh(&self, at: Micros, now_us: Micros) -> bool {
        now_us.saturating_sub(at) <= Micros::from(self.rules.age_s) * 1_000_000
    }

    fn forget(&mut self, now_us: Micros) {
        let age_us = Micros::from(self.rules.age_s) * 1_000_000;
        self.votes.retain(|_, (_, at)| now_us.saturating_sub(*at) <= age_us);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Condition::{Down, Unknown, Up};
    use proptest::prelude::*;

    const SECOND: Micros = 1_000_000;

    #[test]
    fn one_prober_alone_or_two_that_differ_decide_nothing() {
        let mut quorum = Quorum::new(QuorumRules::default());
        assert_eq!(quorum.verdict(0), Unknown);
        quorum.vote("scrubber", Down, 0);
        assert_eq!(quorum.verdict(0), Unknown);
        quorum.vote("server", Up, 0);
        assert_eq!(quorum.verdict(0), Unknown);
        quorum.vote("server", Down, SECOND);
        assert_eq!(quorum.verdict(SECOND), Down);
        quorum.vote("third", Up, SECOND);
        assert_eq!(quorum.verdict(SECOND), Down);
        quorum.vote("fourth", Up, SECOND);
        assert_eq!(quorum.verdict(SECOND), Unknown);
    }

    #[test]
    fn a_vote_ages_out() {
        let mut quorum = Quorum::new(QuorumRules::default());
        quorum.vote("scrubber", Down, 0);
        quorum.vote("server", Down, 3 * SECOND);
        assert_eq!(quorum.verdict(5 * SECOND), Down);
        assert_eq!(quorum.verdict(5 * SECOND + 1), Unknown);
        assert_eq!(quorum.votes(5 * SECOND + 1).collect::<Vec<_>>(), [("server", Down)]);
    }

    #[test]
    fn a_crowd_of_names_fills_nothing() {
        let mut quorum = Quorum::new(QuorumRules::default());
        assert_eq!((0..100).filter(|at| quorum.vote(&format!("p{at}"), Up, 0)).count(), PROBERS_MAX);
        assert!(quorum.vote("p3", Down, SECOND));
        assert!(quorum.vote("late", Up, 6 * SECOND), "aged votes make room");
    }

    #[test]
    fn rules_that_need_nobody_are_refused() {
        for (need, age_s) in [(0, 5), (17, 5), (2, 0)] {
            assert!(QuorumRules { need, age_s }.check().unwrap_err().is(&fault::RULES));
        }
        assert!(QuorumRules::default().check().is_ok());
    }

    proptest! {
        #[test]
        fn up_and_down_never_hold_together_and_order_does_not_matter(
            mut votes in prop::collection::btree_map("[a-f]", (0..3_u8, 0..8_i64), 0..6), need in 1..4_u8,
        ) {
            let conditions = [Unknown, Up, Down];
            let rules = QuorumRules { need, age_s: 5 };
            let (mut one, mut other) = (Quorum::new(rules), Quorum::new(rules));
            for (prober, (condition, at)) in &votes {
                one.vote(prober, conditions[usize::from(*condition)], at * SECOND);
            }
            while let Some((prober, (condition, at))) = votes.pop_last() {
                other.vote(&prober, conditions[usize::from(condition)], at * SECOND);
            }
            prop_assert_eq!(one.verdict(8 * SECOND), other.verdict(8 * SECOND));
        }
    }
}

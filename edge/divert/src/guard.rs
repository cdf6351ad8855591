//! All that is known of one protected name: its places, the votes on each, and when it moves. Pure.

use crate::fault;
use crate::health::Condition;
use crate::name::{Addresses, Protected};
use crate::provider::Swap;
use crate::quorum::{Quorum, QuorumRules};
use crate::switching::{Outcome, Step, Switching, SwitchingRules};
use base::{Fault, Micros, Result};
use serde::{Deserialize, Serialize};

/// Addresses that a name may be given together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// What people call it.
    pub label: String,
    /// Its addresses.
    pub addresses: Addresses,
}

/// One protected name.
#[derive(Debug, Clone)]
pub struct Guard {
    name: Protected,
    places: Vec<Place>,
    quorums: Vec<Quorum>,
    /// When it moves, and what it is waiting for.
    pub switching: Switching,
}

impl Guard {
    /// A name at the first of its places.
    ///
    /// # Errors
    /// `divert.rules` when the rules make no sense or two places are the same.
    pub fn new(
        name: Protected,
        places: Vec<Place>,
        quorum: QuorumRules,
        switching: SwitchingRules,
        now_us: Micros,
    ) -> Result<Guard> {
        quorum.check()?;
        let switching = Switching::new(switching, places.len(), now_us)?;
        for (at, place) in places.iter().enumerate() {
            if let Some(same) = places[..at].iter().find(|other| other.addresses == place.addresses) {
                let fault = Fault::new(&fault::RULES).object(name.name()).expected("places that differ");
                return Err(fault.found(format!("{} and {} have the same addresses", same.label, place.label)));
            }
        }
        let quorums = places.iter().map(|_| Quorum::new(quorum)).collect();
        Ok(Guard { name, places, quorums, switching })
    }

    /// The name.
    pub fn name(&self) -> &Protected {
        &self.name
    }

    /// Its places, home first.
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// Which place these addresses are.
    pub fn place_of(&self, addresses: &Addresses) -> Option<usize> {
        self.places.iter().position(|place| place.addresses == *addresses)
    }

    /// Takes a prober's vote on a place.
    pub fn vote(&mut self, place: usize, prober: &str, condition: Condition, now_us: Micros) {
        if let Some(quorum) = self.quorums.get_mut(place) {
            quorum.vote(prober, condition, now_us);
        }
    }

    /// Takes the vote of a prober elsewhere, which names the place by its addresses. False when it is of no place here.
    pub fn vote_on(&mut self, place: &Addresses, prober: &str, condition: Condition, now_us: Micros) -> bool {
        let number = self.place_of(place);
        if let Some(number) = number {
            self.vote(number, prober, condition, now_us);
        }
        number.is_some()
    }

    /// The votes on a place.
    pub fn votes(&self, place: usize, now_us: Micros) -> impl Iterator<Item = (&str, Condition)> {
        self.quorums.get(place).into_iter().flat_map(move |quorum| quorum.votes(now_us))
    }

    /// What is agreed on each place, home first.
    pub fn verdicts(&self, now_us: Micros) -> Vec<Condition> {
        self.quorums.iter().map(|quorum| quorum.verdict(now_us)).collect()
    }

    /// Where it could go: the first place that is up, but for the one it is at.
    pub fn refuge(&self, now_us: Micros) -> Option<usize> {
        let verdicts = self.verdicts(now_us);
        (0..self.places.len()).find(|place| *place != self.switching.at() && verdicts[*place] == Condition::Up)
    }

    /// One second passed; what is to be done.
    pub fn second(&mut self, now_us: Micros) -> Option<Step> {
        let verdicts = self.verdicts(now_us);
        self.switching.second(now_us, &verdicts)
    }

    /// What a provider's word means for the swap that was under way.
    pub fn done(&mut self, now_us: Micros, swap: &Result<Swap>) {
        let outcome = match swap {
            Ok(Swap::Done | Swap::Already) => Outcome::There,
            Ok(Swap::Changed(found)) => Outcome::Elsewhere(self.place_of(&found.addresses)),
            Err(_) => Outcome::Failed,
        };
        self.switching.done(now_us, outcome);
    }

    /// The name was read, and has these addresses; `epoch` is that of [`Guard::switching`] when the reading began.
    pub fn observed(&mut self, now_us: Micros, epoch: u64, addresses: &Addresses) {
        let place = self.place_of(addresses);
        self.switching.observed(now_us, epoch, place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::Found;
    use crate::switching::{Move, Phase, Reason};

    const SECOND: Micros = 1_000_000;

    fn set(text: &str) -> Addresses {
        Addresses::new([text.parse().unwrap()]).unwrap()
    }

    fn guard(places: &[&str]) -> Result<Guard> {
        let name = Protected::new("example.org", "www.example.org", 5).unwrap();
        let place = |text: &&str| Place { label: text.to_string(), addresses: set(text) };
        let places = places.iter().map(place).collect();
        Guard::new(name, places, QuorumRules::default(), SwitchingRules::default(), 0)
    }

    #[test]
    fn two_probers_move_a_name_and_one_does_not() {
        let mut guard = guard(&["192.0.2.1", "198.51.100.1"]).unwrap();
        for second in 1..=10 {
            for place in 0..2 {
                guard.vote(place, "server", Condition::Up, second * SECOND);
                let alone = if place == 0 { Condition::Down } else { Condition::Up };
                guard.vote(place, "scrubber", alone, second * SECOND);
            }
            assert_eq!(guard.second(second * SECOND), None);
        }
        guard.vote(0, "server", Condition::Down, 11 * SECOND);
        let step = Move { from: 0, to: 1, reason: Reason::Dead };
        assert_eq!(guard.second(11 * SECOND), Some(Step::Swap(step)));
        assert_eq!(guard.votes(0, 11 * SECOND).count(), 2);
        guard.done(11 * SECOND, &Ok(Swap::Done));
        assert_eq!((guard.switching.at(), guard.switching.phase()), (1, Phase::Switched));
    }

    #[test]
    fn what_was_found_decides_whether_it_is_taken_over() {
        let mut guard = guard(&["192.0.2.1", "198.51.100.1"]).unwrap();
        for (found, phase) in [("198.51.100.1", Phase::Switched), ("203.0.113.9", Phase::Foreign)] {
            for place in 0..2 {
                let condition = if place == guard.switching.at() { Condition::Down } else { Condition::Up };
                guard.vote(place, "server", condition, SECOND);
                guard.vote(place, "scrubber", condition, SECOND);
            }
            assert!(matches!(guard.second(SECOND), Some(Step::Swap(_))));
            guard.done(SECOND, &Ok(Swap::Changed(Found { addresses: set(found), ttl_s: 5 })));
            assert_eq!(guard.switching.phase(), phase);
        }
        guard.observed(2 * SECOND, guard.switching.epoch(), &set("192.0.2.1"));
        assert_eq!((guard.switching.at(), guard.switching.phase()), (0, Phase::Healthy));
    }

    #[test]
    fn two_places_that_are_the_same_are_refused() {
        assert!(guard(&["192.0.2.1", "192.0.2.1"]).unwrap_err().is(&fault::RULES));
        assert!(guard(&["192.0.2.1"]).unwrap_err().is(&fault::RULES));
    }
}

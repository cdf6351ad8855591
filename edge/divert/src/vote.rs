//! Votes of probers elsewhere, on their way: signed datagrams, once a second.
//!
//! A prober has a key of its own, and the key's name is its name, so that whoever holds one key has one vote. A datagram
//! is: version (1), length and letters of the key's name, length and bytes of the HMAC over all the rest, and the ballot
//! as JSON. One that is older than the last of its prober or than the urn, or far from the time here, is refused and counted:
//! replayed votes would keep a dead place alive, also after a restart, when the last ones are not known any more.

use crate::fault;
use crate::health::Condition;
use crate::key::Key;
use crate::name::Addresses;
use crate::quorum::PROBERS_MAX;
use base::{Fault, Micros, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const VERSION: u8 = 1;
/// How far the clocks may be apart, µs.
const SKEW_US: Micros = 30_000_000;
/// Largest datagram that is read, bytes.
pub const BALLOT_BYTES: usize = 1400;
/// Votes that fit into one datagram whatever they say about one address each.
const VOTES: usize = 8;

/// What a prober thinks of one place of a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vote {
    /// The name, as [`crate::Protected::name`] gives it.
    pub name: String,
    /// The addresses of the place.
    pub place: Addresses,
    /// What it thinks.
    pub condition: Condition,
}

/// The votes of one prober at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ballot {
    /// Wall clock, µs; grows from one datagram to the next.
    at_us: Micros,
    votes: Vec<Vote>,
}

/// Signs the votes of one prober.
#[derive(Debug)]
pub struct Voter {
    key: Key,
    last_us: Micros,
}

impl Voter {
    /// The prober that this key names.
    pub fn new(key: Key) -> Voter {
        Voter { key, last_us: 0 }
    }

    /// Datagrams with these votes. `now_us`: wall clock.
    pub fn seal(&mut self, votes: &[Vote], now_us: Micros) -> Vec<Vec<u8>> {
        votes.chunks(VOTES).flat_map(|part| self.fit(part, now_us)).collect()
    }

    /// In as few datagrams as it takes: places with many addresses are long. A vote that fits into none is left out.
    fn fit(&mut self, votes: &[Vote], now_us: Micros) -> Vec<Vec<u8>> {
        self.last_us = now_us.max(self.last_us + 1);
        let ballot = Ballot { at_us: self.last_us, votes: votes.to_vec() };
        let name = self.key.name();
        let text = serde_json::to_vec(&ballot).unwrap_or_default();
        let mac = self.key.mac(&covered(&name, &text)).unwrap_or_default();
        let datagram = [&[VERSION, name.len() as u8], name.as_bytes(), &[mac.len() as u8], &mac, &text].concat();
        if datagram.len() <= BALLOT_BYTES {
            return vec![datagram];
        }
        let (left, right) = votes.split_at(votes.len() / 2);
        if left.is_empty() { Vec::new() } else { [self.fit(left, now_us), self.fit(right, now_us)].concat() }
    }
}

/// What the HMAC covers.
fn covered(name: &str, text: &[u8]) -> Vec<u8> {
    [b"garrison votes\0", &[VERSION, name.len() as u8][..], name.as_bytes(), text].concat()
}

/// Takes votes of known probers.
#[derive(Debug)]
pub struct Urn {
    keys: BTreeMap<String, Key>,
    last_us: BTreeMap<String, Micros>,
    /// When it began to listen, monotonic.
    began_us: Micros,
    refused: u64,
}

impl Urn {
    /// For the probers with these keys. `now_us`: monotonic clock.
    ///
    /// # Errors
    /// `divert.rules` for too many of them or two of the same name.
    pub fn new(keys: Vec<Key>, now_us: Micros) -> Result<Urn> {
        let count = keys.len();
        let keys: BTreeMap<String, Key> = keys.into_iter().map(|key| (key.name(), key)).collect();
        if keys.len() != count || count >= PROBERS_MAX {
            let fault = Fault::new(&fault::RULES).object("votes");
            return Err(fault
                .expected(format!("fewer than {PROBERS_MAX} keys, each with a name of its own"))
                .found(count));
        }
        Ok(Urn { keys, last_us: BTreeMap::new(), began_us: now_us, refused: 0 })
    }

    /// The prober and its votes. `wall_us` and `now_us`: wall and monotonic clock.
    ///
    /// # Errors
    /// `divert.vote`, also counted.
    pub fn open(&mut self, datagram: &[u8], wall_us: Micros, now_us: Micros) -> Result<(String, Vec<Vote>)> {
        let opened = self.read(datagram, wall_us, now_us.saturating_sub(self.began_us));
        self.refused += u64::from(opened.is_err());
        opened.map_err(|what| Fault::new(&fault::VOTE).expected(what))
    }

    /// Datagrams that were refused.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// `age_us`: how long this urn has listened.
    fn read(
        &mut self,
        datagram: &[u8],
        wall_us: Micros,
        age_us: Micros,
    ) -> std::result::Result<(String, Vec<Vote>), &'static str> {
        let short = "a whole datagram of at most 1400 bytes";
        let [VERSION, length, rest @ ..] = datagram else { return Err("a datagram of version 1") };
        let (name, rest) = rest.split_at_checked(usize::from(*length)).ok_or(short)?;
        let (&length, rest) = rest.split_first().ok_or(short)?;
        let (mac, text) = rest.split_at_checked(usize::from(length)).ok_or(short)?;
        if datagram.len() > BALLOT_BYTES {
            return Err(short);
        }
        let name = std::str::from_utf8(name).map_err(|_| "the name of a known key")?;
        let key = self.keys.get(name).ok_or("the name of a known key")?;
        if !key.proves(&covered(name, text), mac) {
            return Err("the signature of its key");
        }
        let ballot: Ballot = serde_json::from_slice(text).map_err(|_| "votes as JSON")?;
        let since_us = wall_us.saturating_sub(ballot.at_us);
        if since_us.saturating_abs() > SKEW_US {
            return Err("clocks at most 30 s apart");
        }
        // By the time that passed, not by the wall clock of then: that may have been set meanwhile.
        if since_us >= age_us {
            return Err("a datagram made after this end began to listen");
        }
        let last_us = self.last_us.entry(name.to_string()).or_default();
        if ballot.at_us <= *last_us {
            return Err("a later datagram than the last one");
        }
        *last_us = ballot.at_us;
        Ok((name.to_string(), ballot.votes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Micros = 1_790_000_000_000_000;

    fn votes(count: usize) -> Vec<Vote> {
        let vote = |at: usize| Vote {
            name: format!("www{at}.example.org."),
            place: format!("192.0.2.{}, 2001:db8::{at}", at % 250 + 1).parse().unwrap(),
            condition: if at.is_multiple_of(2) { Condition::Up } else { Condition::Down },
        };
        (0..count).map(vote).collect()
    }

    #[test]
    fn votes_arrive_as_they_were_sent_in_as_many_datagrams_as_it_takes() {
        let (mut voter, mut urn) = (Voter::new(Key::example(1)), Urn::new(vec![Key::example(1)], 0).unwrap());
        let datagrams = voter.seal(&votes(50), NOW);
        assert!(datagrams.len() >= 7 && datagrams.iter().all(|datagram| datagram.len() <= BALLOT_BYTES));
        let arrived: Vec<Vote> = datagrams.iter().flat_map(|datagram| urn.open(datagram, NOW, 1).unwrap().1).collect();
        assert_eq!(arrived, votes(50));
        let many: Addresses =
            (1..=64).map(|at| format!("2001:db8:1234:5678:9abc::{at}")).collect::<Vec<_>>().join(",").parse().unwrap();
        let long = vec![Vote { place: many, ..votes(1).remove(0) }, votes(1).remove(0)];
        let arrived: Vec<Vote> =
            voter.seal(&long, NOW + 9).iter().flat_map(|datagram| urn.open(datagram, NOW, 1).unwrap().1).collect();
        assert_eq!(arrived, votes(1), "one that fits into no datagram takes no other with it");
    }

    #[test]
    fn a_foreign_an_old_and_a_repeated_vote_are_refused_and_counted() {
        let mut urn = Urn::new(vec![Key::example(1)], 0).unwrap();
        let stranger = Voter::new(Key::example(2)).seal(&votes(1), NOW).remove(0);
        let mut voter = Voter::new(Key::example(1));
        let first = voter.seal(&votes(1), NOW).remove(0);
        let second = voter.seal(&votes(1), NOW).remove(0);
        assert!(urn.open(&stranger, NOW, 1).unwrap_err().is(&fault::VOTE));
        assert!(urn.open(&first, NOW + SKEW_US + 1, 2 * SKEW_US).is_err());
        assert_eq!(urn.open(&second, NOW, 1).unwrap().0, "switch.");
        assert!(urn.open(&second, NOW, 1).is_err() && urn.open(&first, NOW, 1).is_err());
        assert_eq!(urn.refused(), 4);
        assert!(Urn::new(vec![Key::example(1), Key::example(2)], 0).unwrap_err().is(&fault::RULES));
    }

    #[test]
    fn a_vote_of_before_a_restart_is_not_taken_again() {
        let mut voter = Voter::new(Key::example(1));
        let before = voter.seal(&votes(1), NOW).remove(0);
        let after = voter.seal(&votes(1), NOW + 11_000_000).remove(0);
        // Ten seconds later it begins anew, and knows of no vote.
        let (wall, began) = (NOW + 10_000_000, 500_000_000);
        let mut urn = Urn::new(vec![Key::example(1)], began).unwrap();
        for passed in [0, 1_000_000, 19_000_000] {
            let said = urn.open(&before, wall + passed, began + passed).unwrap_err();
            assert!(said.wanted().contains("began to listen"), "{said}");
        }
        urn.open(&after, wall + 2_000_000, began + 2_000_000).unwrap();
        // A clock that was set back meanwhile does not make old votes new, nor new ones old.
        let mut urn = Urn::new(vec![Key::example(1)], began).unwrap();
        let set = wall - 5_000_000;
        assert!(urn.open(&before, set + 1_000_000, began + 1_000_000).is_err());
        let fresh = Voter::new(Key::example(1)).seal(&votes(1), set + 1_500_000).remove(0);
        urn.open(&fresh, set + 2_000_000, began + 2_000_000).unwrap();
    }

    proptest! {
        #[test]
        fn any_bytes_and_any_changed_byte_are_refused(
            bytes in prop::collection::vec(any::<u8>(), 0..300), at in any::<prop::sample::Index>(), bit in 0..8_u8,
        ) {
            let mut urn = Urn::new(vec![Key::example(1)], 0).unwrap();
            prop_assert!(urn.open(&bytes, NOW, 1).is_err());
            let mut datagram = Voter::new(Key::example(1)).seal(&votes(2), NOW).remove(0);
            let at = at.index(datagram.len());
            datagram[at] ^= 1 << bit;
            prop_assert!(urn.open(&datagram, NOW, 1).is_err());
        }
    }
}

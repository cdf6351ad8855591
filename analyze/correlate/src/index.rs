//! Which incidents have seen a process, account, address or executable.

use std::collections::HashMap;
use std::net::IpAddr;

/// Most incidents remembered for one key: more would not make a better guess, only a slower one.
const PLACES: usize = 8;

/// Something that alerts can have in common. The drill is part of every key, so a rehearsal never meets an attack.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Key {
    /// A process of one boot of one host: drill, agent, boot id, process key.
    Process(String, String, String, u64),
    /// An account of one host: drill, agent, account.
    Account(String, String, String),
    /// A remote address: drill, address.
    Address(String, IpAddr),
    /// An executable: drill, SHA-256 in hexadecimal digits.
    Hash(String, String),
    /// A confirmed indicator: drill, `kind value`.
    Indicator(String, String),
    /// A TLS fingerprint: drill, `ja4:…`.
    Fingerprint(String, String),
    /// An account name on any host: drill, name.
    User(String, String),
}

impl Key {
    pub fn process(drill: &str, agent: &str, boot: &str, key: u64) -> Key {
        Key::Process(drill.to_owned(), agent.to_owned(), boot.to_owned(), key)
    }

    pub fn account(drill: &str, agent: &str, account: &str) -> Key {
        Key::Account(drill.to_owned(), agent.to_owned(), account.to_owned())
    }

    pub fn address(drill: &str, ip: IpAddr) -> Key {
        Key::Address(drill.to_owned(), ip)
    }

    pub fn hash(drill: &str, sha256: &[u8]) -> Key {
        Key::Hash(drill.to_owned(), hex::encode(sha256))
    }
}

/// Where and when an incident last saw a key.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Place {
    /// The incident.
    pub incident: String,
    /// The alert that showed it last.
    pub alert: String,
    /// The host it was on.
    pub agent: String,
    /// Event time of that alert, µs.
    pub time_us: i64,
    /// When it was noted, in alerts observed: the order of places after a restart.
    pub noted: u64,
}

/// All keys of all incidents that can still grow.
#[derive(Debug, Default)]
pub(crate) struct Index(HashMap<Key, Vec<Place>>);

impl Index {
    pub fn places(&self, key: &Key) -> &[Place] {
        self.0.get(key).map_or(&[], Vec::as_slice)
    }

    /// Notes a key; true when the incident did not have it yet. One place an incident and host: the newest.
    pub fn note(&mut self, key: &Key, place: Place) -> bool {
        let places = self.0.entry(key.clone()).or_default();
        let fresh = places.iter().all(|other| other.incident != place.incident);
        places.retain(|other| other.incident != place.incident || other.agent != place.agent);
        places.push(place);
        if places.len() > PLACES {
            places.remove(0);
        }
        fresh
    }

    /// Forgets a key of an incident.
    pub fn forget(&mut self, key: &Key, incident: &str) {
        if let Some(places) = self.0.get_mut(key) {
            places.retain(|place| place.incident != incident);
            if places.is_empty() {
                self.0.remove(key);
            }
        }
    }

    /// Moves a key from one incident to another; of two places of one incident and host the newer stays.
    pub fn rename(&mut self, key: &Key, from: &str, to: &str) {
        let Some(places) = self.0.get_mut(key) else { return };
        for place in places.iter_mut().filter(|place| place.incident == from) {
            to.clone_into(&mut place.incident);
        }
        let newest: Vec<(String, u64)> = places
            .iter()
            .filter(|place| place.incident == to)
            .map(|place| (place.agent.clone(), place.noted))
            .collect();
        places.retain(|place| {
            place.incident != to || newest.iter().all(|(agent, noted)| *agent != place.agent || *noted <= place.noted)
        });
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

//! How common a value is: on how many hosts it was seen where nothing is wrong, and by how many people.
//!
//! A shared place (an office behind one address, a jump host), a popular file or a content network has many hosts that
//! raise no alert. What is common ties nothing together. Two generations of a table bound memory: the older one is
//! dropped when the younger is full or a window has passed.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;

/// Most hosts and people remembered for one value: beyond it a value is common anyway.
const EACH: usize = 24;

/// A value whose spread is counted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Value {
    Address(IpAddr),
    Hash(Vec<u8>),
    Fingerprint(String),
    Indicator(String),
}

#[derive(Debug, Clone, Default)]
struct Seen {
    /// Hosts it was seen on.
    hosts: Vec<u64>,
    /// Hosts with an alert about it.
    alerted: Vec<u64>,
    /// Accounts that logged in from it.
    people: Vec<u64>,
}

/// When a value is common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// Hosts without an alert about it.
    pub innocent: usize,
    /// Hosts with an alert about it: a mistake of a feed or a rule, rather than an attack.
    pub alerted: usize,
    /// Accounts that logged in from it.
    pub people: usize,
}

#[derive(Debug)]
pub(crate) struct Crowd {
    now: HashMap<Value, Seen>,
    before: HashMap<Value, Seen>,
    most: usize,
    window_us: i64,
    since_us: i64,
}

impl Crowd {
    pub fn new(most: usize, window_us: i64) -> Crowd {
        Crowd { now: HashMap::new(), before: HashMap::new(), most, window_us, since_us: i64::MIN }
    }

    /// A host showed it.
    pub fn host(&mut self, value: Value, agent: u64, time_us: i64) {
        self.note(value, time_us, |seen| add(&mut seen.hosts, agent));
    }

    /// A host raised an alert about it.
    pub fn alert(&mut self, value: Value, agent: u64, time_us: i64) {
        self.note(value, time_us, |seen| add(&mut seen.alerted, agent));
    }

    /// Somebody logged in from it.
    pub fn person(&mut self, value: Value, person: u64, time_us: i64) {
        self.note(value, time_us, |seen| add(&mut seen.people, person));
    }

    /// Whether it is too common to tie anything.
    pub fn common(&self, value: &Value, bounds: Bounds) -> bool {
        let all = || [self.now.get(value), self.before.get(value)].into_iter().flatten();
        let count = |pick: fn(&Seen) -> &Vec<u64>| {
            let mut list: Vec<u64> = all().flat_map(|seen| pick(seen).iter().copied()).collect();
            list.sort_unstable();
            list.dedup();
            list
        };
        let alerted = count(|seen| &seen.alerted);
        let innocent = count(|seen| &seen.hosts).iter().filter(|host| alerted.binary_search(host).is_err()).count();
        innocent >= bounds.innocent
            || alerted.len() >= bounds.alerted
            || count(|seen| &seen.people).len() >= bounds.people
    }

    fn note(&mut self, value: Value, time_us: i64, change: impl FnOnce(&mut Seen)) {
        let over = time_us.saturating_sub(self.since_us) > self.window_us && !self.now.is_empty();
        if self.since_us == i64::MIN {
            self.since_us = time_us;
        }
        if over || (self.now.len() >= self.most && !self.now.contains_key(&value)) {
            self.before = std::mem::take(&mut self.now);
            self.since_us = time_us;
        }
        change(self.now.entry(value).or_default());
    }

    /// Values in memory.
    pub fn len(&self) -> usize {
        self.now.len() + self.before.len()
    }
}

fn add(list: &mut Vec<u64>, one: u64) {
    if list.len() < EACH && !list.contains(&one) {
        list.push(one);
    }
}

/// A name as a number, the same in every run: FNV-1a (RFC 9923).
pub(crate) fn number(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { innocent: 3, alerted: 8, people: 2 };

    fn value(number: u8) -> Value {
        Value::Address(IpAddr::from([198, 51, 100, number]))
    }

    #[test]
    fn hosts_with_an_alert_do_not_make_a_value_common() {
        let mut crowd = Crowd::new(100, 60);
        for host in 0..6 {
            crowd.host(value(1), host, 0);
            crowd.alert(value(1), host, 0);
        }
        assert!(!crowd.common(&value(1), BOUNDS), "a worm is no crowd");
        (10..13).for_each(|host| crowd.host(value(1), host, 1));
        assert!(crowd.common(&value(1), BOUNDS));
        crowd.person(value(2), 1, 1);
        crowd.person(value(2), 1, 1);
        assert!(!crowd.common(&value(2), BOUNDS), "one person");
        crowd.person(value(2), 2, 1);
        assert!(crowd.common(&value(2), BOUNDS), "an office");
        (0..8).for_each(|host| crowd.alert(value(3), host, 1));
        assert!(crowd.common(&value(3), BOUNDS), "a mistake of a feed");
    }

    #[test]
    fn memory_is_bounded_and_the_old_is_forgotten() {
        let mut crowd = Crowd::new(10, 60);
        for number in 0..255 {
            (0..1000).for_each(|host| crowd.host(value(number), host, 0));
        }
        assert!(crowd.len() <= 20);
        assert!(crowd.now.values().all(|seen| seen.hosts.len() <= EACH));
        crowd.host(value(1), 1, 100);
        crowd.host(value(1), 1, 200);
        assert_eq!(crowd.len(), 2);
    }
}

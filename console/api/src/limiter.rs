//! Slows guessing of passwords, in bounded memory. Failed logins are counted by account and network together, so that a
//! stranger cannot lock an account for its owner; by network alone, against one who tries many accounts; and by account
//! alone, where many failures from many networks let strangers try only now and then.

use base::Micros;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

/// Failed logins of one account from one network allowed within [`WINDOW_US`].
const FAILURES: u32 = 5;
/// Of all accounts from one network; higher, as many people may share one.
const FAILURES_OF_NETWORK: u32 = 20;
/// Of one account from everywhere; from then on strangers may try once in [`PAUSE_US`].
const FAILURES_OF_ACCOUNT: u32 = 50;
/// The window, µs (15 minutes).
const WINDOW_US: Micros = 15 * 60 * 1_000_000;
/// Pause between strangers' tries at an account under attack, µs (10 s: at most 360 guesses an hour).
const PAUSE_US: Micros = 10 * 1_000_000;
/// How long a network stays known for an account after a good login, µs (30 days).
const KNOWN_US: Micros = 30 * 24 * 3600 * 1_000_000;
/// Most names remembered. A flood of made-up names pushes out the oldest, never grows the map.
const NAMES: usize = 10_000;

/// Counts of failed logins. Times are those of the monotonic clock.
#[derive(Debug, Default)]
pub struct Limiter {
    counts: Mutex<HashMap<String, Count>>,
    /// When an account last had a good login from a network.
    known: Mutex<HashMap<String, Micros>>,
}

#[derive(Debug, Clone, Copy)]
struct Count {
    since: Micros,
    last: Micros,
    failures: u32,
}

impl Limiter {
    /// Counts an attempt at this account from this network, before the password is looked at, so that attempts at once
    /// are all counted. The error is the wait in seconds when it may not be made now.
    pub(crate) fn admit(&self, account: &str, network: &str, now: Micros) -> Result<(), u64> {
        let names = Names::of(account, network);
        let known = self.knows(&names.pair, now);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = names.limits().into_iter().filter_map(|(name, most)| {
            let count = counts.get(name).filter(|count| now - count.since < WINDOW_US && count.failures >= most)?;
            let until = if *name == names.account { count.last + PAUSE_US } else { count.since + WINDOW_US };
            (until > now && !(known && *name == names.account)).then(|| ((until - now) / 1_000_000 + 1) as u64)
        });
        if let Some(seconds) = waits.max() {
            return Err(seconds);
        }
        for (name, _) in names.limits() {
            if counts.len() >= NAMES && !counts.contains_key(name) {
                make_room(&mut counts, now);
            }
            let fresh = Count { since: now, last: now, failures: 0 };
            let count = counts.entry(name.clone()).or_insert(fresh);
            if now - count.since >= WINDOW_US {
                *count = fresh;
            }
            (count.failures, count.last) = (count.failures.saturating_add(1), now);
        }
        Ok(())
    }

    /// The attempt was good: the account is free again from here, network and account keep their other failures.
    pub(crate) fn success(&self, account: &str, network: &str, now: Micros) {
        let names = Names::of(account, network);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.remove(&names.pair);
        for name in [&names.network, &names.account] {
            if let Some(count) = counts.get_mut(name) {
                count.failures = count.failures.saturating_sub(1);
            }
        }
        drop(counts);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= NAMES {
            // Only good logins come here: accounts are few, so this is a safeguard.
            known.clear();
        }
        known.insert(names.pair, now);
    }

    fn knows(&self, pair: &str, now: Micros) -> bool {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(pair).is_some_and(|since| now - since < KNOWN_US)
    }
}

/// The counted names. Separate prefixes: an account called like an address stays apart.
struct Names {
    pair: String,
    network: String,
    account: String,
}

impl Names {
    fn of(account: &str, network: &str) -> Names {
        let account: String = account.chars().take(64).collect();
        let pair = format!("pair {account} {network}");
        Names { pair, network: format!("network {network}"), account: format!("account {account}") }
    }

    fn limits(&self) -> [(&String, u32); 3] {
        [(&self.pair, FAILURES), (&self.network, FAILURES_OF_NETWORK), (&self.account, FAILURES_OF_ACCOUNT)]
    }
}

/// The network that an address stands for: an IPv4 address itself, of IPv6 the first 64 bits, as one host usually has
/// all addresses of such a prefix (RFC 6177).
pub(crate) fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

/// Forgets the ended windows, or the oldest tenth when none has ended.
fn make_room(counts: &mut HashMap<String, Count>, now: Micros) {
    counts.retain(|_, count| now - count.since < WINDOW_US);
    if counts.len() < NAMES {
        return;
    }
    let mut times: Vec<Micros> = counts.values().map(|count| count.since).collect();
    times.sort_unstable();
    let border = times[times.len() / 10];
    counts.retain(|_, count| count.since > border);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guessing_is_slowed_where_it_comes_from_and_the_owner_is_not_locked_out() {
        let limiter = Limiter::default();
        for _ in 0..5 {
            assert_eq!(limiter.admit("alice", "192.0.2.1", 0), Ok(()));
        }
        assert_eq!(limiter.admit("alice", "192.0.2.1", 0), Err(901));
        assert_eq!(limiter.admit("alice", "192.0.2.9", 0), Ok(()));
        for n in 0..15 {
            assert_eq!(limiter.admit(&format!("name{n}"), "192.0.2.1", 0), Ok(()));
        }
        assert_eq!(limiter.admit("bob", "192.0.2.1", 0), Err(901));
        assert_eq!(limiter.admit("alice", "192.0.2.1", WINDOW_US), Ok(()));
        limiter.success("alice", "192.0.2.1", WINDOW_US);
        assert_eq!(limiter.admit("alice", "192.0.2.1", WINDOW_US), Ok(()));
    }

    #[test]
    fn an_attack_from_everywhere_is_slowed_but_known_networks_go_on() {
        let limiter = Limiter::default();
        assert_eq!(limiter.admit("alice", "home", 0), Ok(()));
        limiter.success("alice", "home", 0);
        for n in 0..50 {
            assert_eq!(limiter.admit("alice", &format!("bot{n}"), 1), Ok(()));
        }
        assert_eq!(limiter.admit("alice", "bot99", 1), Err(11));
        assert_eq!(limiter.admit("alice", "bot99", 1 + PAUSE_US), Ok(()));
        assert_eq!(limiter.admit("alice", "bot98", 2 + PAUSE_US), Err(10));
        assert_eq!(limiter.admit("alice", "home", 2 + PAUSE_US), Ok(()));
    }

    #[test]
    fn an_ipv6_host_cannot_hide_among_its_own_addresses() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), of("2001:db8:1:2::1"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), "192.0.2.1");
    }

    #[test]
    fn a_flood_of_names_does_not_grow_the_map() {
        let limiter = Limiter::default();
        for n in 0..30_000 {
            let _ = limiter.admit(&format!("name{n}"), &format!("address{n}"), n);
        }
        assert!(limiter.counts.lock().unwrap().len() <= NAMES);
    }
}

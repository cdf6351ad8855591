//! Slows guessing of passwords: failed logins are counted by account and by address, in bounded memory.

use base::Micros;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Failed logins allowed within [`WINDOW_US`].
const FAILURES: u32 = 5;
/// From one address; higher, as many people may share one.
const FAILURES_OF_ADDRESS: u32 = 20;
/// The window, µs (15 minutes).
const WINDOW_US: Micros = 15 * 60 * 1_000_000;
/// Most names remembered. A flood of made-up names pushes out the oldest, never grows the map.
const NAMES: usize = 10_000;

/// Counts of failed logins. Times are those of the monotonic clock.
#[derive(Debug, Default)]
pub struct Limiter {
    counts: Mutex<HashMap<String, Count>>,
}

#[derive(Debug, Clone, Copy)]
struct Count {
    since: Micros,
    failures: u32,
}

impl Limiter {
    /// Seconds to wait before this account may be tried from this address; `None` when it may be now.
    pub(crate) fn wait_s(&self, account: &str, address: &str, now: Micros) -> Option<u64> {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = names(account, address).into_iter().filter_map(|(name, most)| {
            let count = counts.get(&name).filter(|count| now - count.since < WINDOW_US)?;
            (count.failures >= most).then(|| ((count.since + WINDOW_US - now) / 1_000_000 + 1) as u64)
        });
        waits.max()
    }

    /// Counts an attempt; called before the password is looked at, so that attempts at once are all counted.
    pub(crate) fn attempt(&self, account: &str, address: &str, now: Micros) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, _) in names(account, address) {
            if counts.len() >= NAMES && !counts.contains_key(&name) {
                make_room(&mut counts, now);
            }
            let count = counts.entry(name).or_insert(Count { since: now, failures: 0 });
            if now - count.since >= WINDOW_US {
                *count = Count { since: now, failures: 0 };
            }
            count.failures = count.failures.saturating_add(1);
        }
    }

    /// The attempt was good: the account is free again, the address keeps its other failures.
    pub(crate) fn success(&self, account: &str, address: &str) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let [(account, _), (address, _)] = names(account, address);
        counts.remove(&account);
        if let Some(count) = counts.get_mut(&address) {
            count.failures = count.failures.saturating_sub(1);
        }
    }
}

/// The counted names with their limits. Separate prefixes: an account called like an address stays apart.
fn names(account: &str, address: &str) -> [(String, u32); 2] {
    let account: String = account.chars().take(64).collect();
    [(format!("account {account}"), FAILURES), (format!("address {address}"), FAILURES_OF_ADDRESS)]
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
    fn guessing_is_slowed_by_account_and_by_address() {
        let limiter = Limiter::default();
        for _ in 0..5 {
            assert_eq!(limiter.wait_s("alice", "192.0.2.1", 0), None);
            limiter.attempt("alice", "192.0.2.1", 0);
        }
        assert_eq!(limiter.wait_s("alice", "192.0.2.9", 0), Some(901));
        assert_eq!(limiter.wait_s("bob", "192.0.2.1", 0), None);
        for n in 0..15 {
            limiter.attempt(&format!("name{n}"), "192.0.2.1", 0);
        }
        assert_eq!(limiter.wait_s("bob", "192.0.2.1", 0), Some(901));
        assert_eq!(limiter.wait_s("alice", "192.0.2.1", WINDOW_US), None);
        limiter.success("alice", "192.0.2.1");
        assert_eq!(limiter.wait_s("alice", "192.0.2.9", 0), None);
    }

    #[test]
    fn a_flood_of_names_does_not_grow_the_map() {
        let limiter = Limiter::default();
        for n in 0..30_000 {
            limiter.attempt(&format!("name{n}"), &format!("address{n}"), n);
        }
        assert!(limiter.counts.lock().unwrap().len() <= NAMES);
    }
}

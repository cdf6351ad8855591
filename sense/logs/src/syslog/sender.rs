//! Who sends, how much, and whether it is too much.

use crate::limits::SENDERS;
use crate::stats::SenderStats;
use base::Micros;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard};

const SECOND: i64 = 1_000_000;

/// One sender. Its bucket is in millionths of a message, so that a clock in µs fills it exactly.
#[derive(Debug, Default)]
struct Sender {
    messages: u64,
    bytes: u64,
    dropped: u64,
    bucket: i64,
    filled_at: Micros,
}

/// Every sender of an input. Those past [`SENDERS`] share one count and one rate, so that forged source addresses
/// neither fill the memory nor get past the rate.
#[derive(Debug, Default)]
pub struct Senders {
    rate: i64,
    all: Mutex<HashMap<Option<IpAddr>, Sender>>,
}

impl Senders {
    /// At most `rate` messages a second of each; 0 for no limit.
    pub fn new(rate: u32) -> Senders {
        Senders { rate: i64::from(rate), all: Mutex::default() }
    }

    /// A poisoned lock means that another thread panicked between two whole counts; they are sound.
    fn lock(&self) -> MutexGuard<'_, HashMap<Option<IpAddr>, Sender>> {
        self.all.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Does something with a sender whose bucket is filled up to now.
    fn with<T>(&self, address: IpAddr, now: Micros, then: impl FnOnce(&mut Sender) -> T) -> T {
        let mut all = self.lock();
        let key = Some(address).filter(|_| all.len() < SENDERS || all.contains_key(&Some(address)));
        let full = self.rate * SECOND;
        let sender = all.entry(key).or_insert_with(|| Sender { bucket: full, filled_at: now, ..Sender::default() });
        let passed = (now - sender.filled_at).clamp(0, SECOND);
        sender.bucket = (sender.bucket + passed * self.rate).min(full);
        sender.filled_at = now;
        then(sender)
    }

    /// Counts a message; `false` where it is over the rate and must be dropped.
    pub fn admit(&self, address: IpAddr, bytes: usize, now: Micros) -> bool {
        self.with(address, now, |sender| {
            if self.rate > 0 && sender.bucket < SECOND {
                sender.dropped += 1;
                return false;
            }
            sender.bucket -= SECOND;
            sender.messages += 1;
            sender.bytes += bytes as u64;
            true
        })
    }

    /// Counts a message that was read already: the bucket may go below nothing, and reading then waits.
    pub fn charge(&self, address: IpAddr, bytes: usize, now: Micros) {
        self.with(address, now, |sender| {
            sender.bucket -= SECOND;
            sender.messages += 1;
            sender.bytes += bytes as u64;
        });
    }

    /// Whether a sender may be read now.
    pub fn is_within(&self, address: IpAddr, now: Micros) -> bool {
        self.rate == 0 || self.with(address, now, |sender| sender.bucket >= SECOND.min(self.rate * SECOND))
    }

    /// The counts, most messages first.
    pub fn stats(&self) -> Vec<SenderStats> {
        let all = self.lock();
        let one = |(address, sender): (&Option<IpAddr>, &Sender)| SenderStats {
            address: address.map_or_else(|| "other".to_owned(), |address| address.to_string()),
            messages: sender.messages,
            bytes: sender.bytes,
            dropped: sender.dropped,
        };
        let mut stats: Vec<SenderStats> = all.iter().map(one).collect();
        stats.sort_by(|a, b| b.messages.cmp(&a.messages).then_with(|| a.address.cmp(&b.address)));
        stats
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_over_its_rate_is_dropped_and_recovers() {
        let senders = Senders::new(10);
        let address = IpAddr::from([192, 0, 2, 1]);
        let admitted = |now: Micros| (0..30).filter(|_| senders.admit(address, 5, now)).count();
        assert_eq!((admitted(0), admitted(0), admitted(SECOND / 2), admitted(9 * SECOND)), (10, 0, 5, 10));
        let stats = senders.stats();
        assert_eq!((stats[0].messages, stats[0].bytes, stats[0].dropped), (25, 125, 95));
        assert!(!senders.is_within(address, 9 * SECOND) && senders.is_within(address, 10 * SECOND));
    }

    #[test]
    fn forged_addresses_share_what_is_left() {
        let senders = Senders::new(1);
        for number in 0..2 * SENDERS as u32 {
            senders.admit(IpAddr::from(number.to_be_bytes()), 1, 0);
        }
        let stats = senders.stats();
        assert_eq!(stats.len(), SENDERS + 1);
        let other = stats.iter().find(|sender| sender.address == "other").unwrap();
        assert_eq!((other.messages, other.dropped), (1, SENDERS as u64 - 1));
    }
}

//! Which destinations of a recording are worth watching: those that get most of it.

use crate::Prefix;
use std::collections::HashMap;
use std::net::IpAddr;

/// Destinations that are counted at a time.
const COUNTED: usize = 4_096;
/// Share of all packets that makes a destination worth it.
const SHARE: u64 = 20;
/// Most destinations that are found.
const FOUND: usize = 16;

/// Frequent values in fixed memory (Misra and Gries 1982): a value of more than one in [`COUNTED`] of all is never lost.
#[derive(Debug, Clone, Default)]
struct Frequent(HashMap<Prefix, u64>);

impl Frequent {
    fn add(&mut self, value: Prefix) {
        if let Some(count) = self.0.get_mut(&value) {
            *count += 1;
        } else if self.0.len() < COUNTED {
            self.0.insert(value, 1);
        } else {
            self.0.retain(|_, count| {
                *count -= 1;
                *count > 0
            });
        }
    }

    /// The most frequent first; equals by their address.
    fn sorted(&self) -> Vec<(Prefix, u64)> {
        let mut sorted: Vec<(Prefix, u64)> = self.0.iter().map(|(value, count)| (*value, *count)).collect();
        sorted.sort_by_key(|(value, count)| (std::cmp::Reverse(*count), *value));
        sorted
    }
}

/// Counts destinations, and the networks they stand in.
#[derive(Debug, Clone, Default)]
pub struct Busiest {
    addresses: Frequent,
    networks: Frequent,
    packets: u64,
}

impl Busiest {
    /// A packet went there.
    pub fn add(&mut self, destination: IpAddr) {
        self.packets += 1;
        self.addresses.add(Prefix::single(destination));
        self.networks.add(crate::network(destination));
    }

    /// Addresses with at least a twentieth of the packets, then networks with as many beside those, at most 16; when there
    /// are none, the busiest address.
    pub fn found(&self) -> Vec<Prefix> {
        let least = self.packets.div_ceil(SHARE);
        let addresses = self.addresses.sorted();
        let mut found: Vec<Prefix> =
            addresses.iter().filter(|(_, count)| *count >= least).map(|(address, _)| *address).collect();
        for (network, count) in self.networks.sorted() {
            let own = |found: &&(Prefix, u64)| found.1 >= least && network.covers(found.0);
            let rest = count.saturating_sub(addresses.iter().filter(own).map(|(_, count)| count).sum());
            if rest >= least {
                found.push(network);
            }
        }
        if found.is_empty() {
            found.extend(addresses.first().map(|(address, _)| *address));
        }
        found.truncate(FOUND);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_a_range_and_a_crowd_of_others_are_told_apart() {
        let mut busiest = Busiest::default();
        for step in 0..100_000_u32 {
            let other = step.wrapping_mul(2_654_435_761);
            busiest.add(match step % 4 {
                0 => IpAddr::from([198, 51, 100, 7]),
                1 => IpAddr::from([203, 0, 113, (step / 4) as u8]),
                _ => IpAddr::from((other | 0x4000_0000).to_be_bytes()),
            });
        }
        assert_eq!(busiest.found(), ["198.51.100.7".parse().unwrap(), "203.0.113.0/24".parse().unwrap()]);
        assert!(busiest.addresses.0.len() <= COUNTED);
        let mut one = Busiest::default();
        (0..200).for_each(|step| one.add(IpAddr::from([10, step, 0, 1])));
        assert_eq!(one.found().len(), 1);
        assert_eq!(Busiest::default().found(), []);
    }
}

//! Whole networks and countries, summed over the heaviest of those who are known to have sent.

use super::{Origin, Role, sure};
use crate::sources::Sender;
use serde::Serialize;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Most systems and most countries that a report names.
const NAMED: usize = 10;

/// What an autonomous system sent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Network {
    /// Its number.
    pub asn: u32,
    /// Its name.
    pub name: String,
    /// Packets, estimated from samples.
    pub packets: u64,
    /// Senders that are known by their address.
    pub sources: u64,
    /// Share of the packets of all known senders, forged ones left out, 0 to 1.
    pub share: f64,
}

/// What came out of a country.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Country {
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// Packets, estimated from samples.
    pub packets: u64,
    /// Senders that are known by their address.
    pub sources: u64,
    /// Share of the packets of all known senders, forged ones left out, 0 to 1.
    pub share: f64,
}

#[derive(Default)]
struct Sum {
    name: String,
    packets: u64,
    sources: u64,
}

/// The systems and countries that sent most. A forged address says nothing of either.
pub(super) fn totals(
    all: &[(Sender, Role)],
    origin: &dyn Fn(IpAddr) -> Option<Origin>,
) -> (Vec<Network>, Vec<Country>) {
    let (mut systems, mut countries) = (BTreeMap::<u32, Sum>::new(), BTreeMap::<String, Sum>::new());
    let mut total = 0u64;
    for (sender, _) in all.iter().filter(|(_, role)| *role != Role::Forged) {
        let packets = sure(sender);
        total = total.saturating_add(packets);
        let Some(origin) = origin(sender.address) else { continue };
        let add = |sum: &mut Sum| {
            sum.packets = sum.packets.saturating_add(packets);
            sum.sources += 1;
        };
        if origin.asn != 0 {
            let sum = systems.entry(origin.asn).or_default();
            sum.name = origin.name;
            add(sum);
        }
        if !origin.country.is_empty() {
            add(countries.entry(origin.country).or_default());
        }
    }
    let share = |packets: u64| if total > 0 { packets as f64 / total as f64 } else { 0.0 };
    let network =
        |(asn, Sum { name, packets, sources })| Network { asn, name, packets, sources, share: share(packets) };
    let country =
        |(country, Sum { packets, sources, .. })| Country { country, packets, sources, share: share(packets) };
    (heaviest(systems).map(network).collect(), heaviest(countries).map(country).collect())
}

fn heaviest<K: Ord>(sums: BTreeMap<K, Sum>) -> impl Iterator<Item = (K, Sum)> {
    let mut sums: Vec<(K, Sum)> = sums.into_iter().collect();
    // Stable: of equals the smaller number comes first.
    sums.sort_by_key(|(_, sum)| std::cmp::Reverse(sum.packets));
    sums.into_iter().take(NAMED)
}

/// Share of the packets whose address is most likely forged.
pub(super) fn forged(all: &[(Sender, Role)]) -> f64 {
    let packets = |forged: bool| -> f64 {
        let of = all.iter().filter(|(_, role)| !forged || *role == Role::Forged);
        of.map(|(sender, _)| sender.packets).sum()
    };
    let total = packets(false);
    if total > 0.0 { packets(true) / total } else { 0.0 }
}

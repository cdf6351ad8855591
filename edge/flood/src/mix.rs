//! The shape of an attack: which fingerprints, routes, pairs of them and networks ask for more than they do in quiet times.
//!
//! A CC attack ("challenge collapsar") sends sound requests for real pages. What gives it away is the mix: some programs, some
//! pages, some networks grow far beyond what they ask for on a quiet day, the rest does not. Those are limited first.

use crate::key::{self, Keys};
use crate::sketch::{Hitters, Rates};
use serde::Serialize;
use std::net::IpAddr;

/// Part of all requests below which a facet does not matter.
const LEAST_SHARE: f32 = 0.03;
/// How many times its quiet rate a facet must have to be suspect.
const GROWTH: f32 = 3.0;
/// Requests a second below which nothing is suspect.
const LEAST_RATE: f32 = 3.0;
/// Requests a second in quiet times below which a kind counts as never seen.
const UNSEEN: f32 = 0.02;
/// Most suspects kept of a facet.
const SUSPECTS: usize = 16;
/// A label in reports, bytes.
const LABEL_BYTES: usize = 128;

/// What a suspect is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Facet {
    /// A fingerprint of client programs.
    Fingerprint,
    /// A route.
    Route,
    /// A fingerprint on a route.
    Pair,
    /// A /24 or /56.
    Network,
}

/// Something that asks for much more than in quiet times.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Suspect {
    /// What it is.
    pub facet: Facet,
    /// Its name.
    pub label: String,
    /// Requests a second now.
    pub now: f32,
    /// Requests a second in quiet times.
    pub quiet: f32,
    #[serde(skip)]
    key: u64,
}

#[derive(Debug)]
struct Dimension {
    facet: Facet,
    now: Rates,
    quiet: Rates,
    hitters: Hitters,
}

impl Dimension {
    fn new(facet: Facet) -> Dimension {
        Dimension { facet, now: Rates::new(), quiet: Rates::new(), hitters: Hitters::default() }
    }

    fn add(&mut self, key: u64, label: impl FnOnce() -> String) {
        self.now.add(key);
        self.quiet.add(key);
        self.hitters.add(key, || {
            let mut label = label();
            if label.len() > LABEL_BYTES {
                let end = (0..=LABEL_BYTES).rev().find(|end| label.is_char_boundary(*end)).unwrap_or(0);
                label.truncate(end);
            }
            label
        });
    }

    /// A second ended; `learn` is the weight of a quiet second.
    fn tick(&mut self, learn: f32, total: f32) -> Vec<Suspect> {
        self.now.tick(0.5);
        self.quiet.tick(learn);
        let mut suspects: Vec<Suspect> = self
            .hitters
            .iter()
            .filter_map(|hitter| {
                let (now, quiet) = (self.now.rate(hitter.key), self.quiet.rate(hitter.key));
                let grown = now >= GROWTH * quiet + LEAST_RATE && now >= LEAST_SHARE * total;
                grown.then(|| Suspect { facet: self.facet, label: hitter.label.clone(), now, quiet, key: hitter.key })
            })
            .collect();
        self.hitters.tick();
        suspects.sort_by(|one, other| (other.now - other.quiet).total_cmp(&(one.now - one.quiet)));
        suspects.truncate(SUSPECTS);
        suspects
    }
}

/// The mix of one site.
#[derive(Debug)]
pub struct Mix {
    fingerprints: Dimension,
    routes: Dimension,
    pairs: Dimension,
    networks: Dimension,
    suspects: Vec<Suspect>,
    learned: u32,
    arrived: u32,
}

/// Quiet seconds before growth means anything.
const LEARN_S: u32 = 10;

impl Mix {
    /// A mix of which nothing is known.
    pub fn new() -> Mix {
        Mix {
            fingerprints: Dimension::new(Facet::Fingerprint),
            routes: Dimension::new(Facet::Route),
            pairs: Dimension::new(Facet::Pair),
            networks: Dimension::new(Facet::Network),
            suspects: Vec::new(),
            learned: 0,
            arrived: 0,
        }
    }

    /// A request came, with the texts of its facets.
    pub fn arrived(&mut self, keys: &Keys, client: IpAddr, fingerprint: &str, route: &str) {
        self.arrived = self.arrived.saturating_add(1);
        self.fingerprints.add(keys.fingerprint, || fingerprint.to_owned());
        self.routes.add(keys.route, || route.to_owned());
        self.pairs.add(keys.pair, || format!("{fingerprint} {route}"));
        self.networks.add(keys.network, || key::network(client));
    }

    /// A second ended. `quiet` says whether it is one to learn from; `total` is the smoothed rate of all requests and
    /// `quiet_total` that of quiet times. Gives the share of the growth that falls to pairs and networks that grew.
    pub fn tick(&mut self, quiet: bool, total: f32, quiet_total: f32) -> f32 {
        let learn = if quiet && self.arrived > 0 {
            self.learned = self.learned.saturating_add(1);
            (1.0 / self.learned as f32).max(0.01)
        } else {
            0.0
        };
        self.arrived = 0;
        self.suspects.clear();
        let pairs = self.pairs.tick(learn, total);
        let others = [&mut self.fingerprints, &mut self.routes, &mut self.networks];
        let others: Vec<Suspect> = others.into_iter().flat_map(|dimension| dimension.tick(learn, total)).collect();
        if self.learned < LEARN_S || total < 1.5 * quiet_total + LEAST_RATE {
            return 0.0;
        }
        let grown: f32 = pairs.iter().map(|suspect| suspect.now - suspect.quiet).sum();
        self.suspects.extend(pairs);
        self.suspects.extend(others);
        (grown / (total - quiet_total).max(1.0)).clamp(0.0, 1.0)
    }

    /// What asks for much more than in quiet times, pairs first, the most grown first.
    pub fn suspects(&self) -> &[Suspect] {
        &self.suspects
    }

    /// Whether the request is of a kind that grew, and the key and rate of what that kind may have: its pair; its network; a
    /// route that grew, asked for by a program never seen in quiet times; or a program that grew, on a route never seen then
    /// (who changes fingerprint or path with every request has no pair that grows).
    pub fn suspicion(&self, keys: &Keys) -> Option<(u64, f64)> {
        let unseen = |dimension: &Dimension, key: u64| dimension.quiet.rate(key) < UNSEEN;
        let found = self.suspects.iter().find(|suspect| match suspect.facet {
            Facet::Pair => suspect.key == keys.pair,
            Facet::Network => suspect.key == keys.network,
            Facet::Route => suspect.key == keys.route && unseen(&self.fingerprints, keys.fingerprint),
            Facet::Fingerprint => suspect.key == keys.fingerprint && unseen(&self.routes, keys.route),
        })?;
        let usual = match found.facet {
            Facet::Pair | Facet::Network => f64::from(found.quiet) * 1.5,
            // What the kind had in quiet times came from others.
            Facet::Route | Facet::Fingerprint => 0.0,
        };
        Some((found.key, usual + 1.0))
    }
}

impl Default for Mix {
    fn default() -> Self {
        Mix::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Hasher;

    fn add(mix: &mut Mix, hasher: &Hasher, address: &str, fingerprint: &str, route: &str, count: usize) {
        let client: IpAddr = address.parse().unwrap();
        let keys = hasher.keys(client, fingerprint, route);
        (0..count).for_each(|_| mix.arrived(&keys, client, fingerprint, route));
    }

    fn quiet(mix: &mut Mix, hasher: &Hasher) {
        for _ in 0..40 {
            add(mix, hasher, "192.0.2.1", "chrome", "GET /", 6);
            add(mix, hasher, "192.0.2.1", "chrome", "GET /item/*", 4);
            add(mix, hasher, "198.51.100.1", "firefox", "GET /", 3);
            assert_eq!(mix.tick(true, 13.0, 13.0), 0.0);
        }
    }

    #[test]
    fn what_grew_is_found_and_what_did_not_is_not() {
        let (mut mix, hasher) = (Mix::new(), Hasher::new(1));
        quiet(&mut mix, &hasher);
        let mut share = 0.0;
        for _ in 0..5 {
            add(&mut mix, &hasher, "192.0.2.1", "chrome", "GET /", 6);
            add(&mut mix, &hasher, "198.51.100.1", "firefox", "GET /", 3);
            add(&mut mix, &hasher, "203.0.113.1", "python", "GET /search", 100);
            add(&mut mix, &hasher, "203.0.114.1", "python", "GET /item/*", 60);
            share = mix.tick(false, 170.0, 13.0);
        }
        assert!(share > 0.9, "{share}");
        let labels: Vec<&str> = mix.suspects().iter().map(|suspect| suspect.label.as_str()).collect();
        assert_eq!(labels[..2], ["python GET /search", "python GET /item/*"], "{labels:?}");
        assert!(labels.contains(&"python") && labels.contains(&"203.0.113.0/24") && labels.contains(&"GET /search"));
        assert!(!labels.iter().any(|label| label.contains("chrome") || label.contains("192.0.2")), "{labels:?}");
        let client: IpAddr = "192.0.2.1".parse().unwrap();
        assert!(mix.suspicion(&hasher.keys(client, "python", "GET /search")).is_some());
        assert!(mix.suspicion(&hasher.keys(client, "chrome", "GET /search")).is_none());
        assert!(mix.suspicion(&hasher.keys(client, "never seen", "GET /search")).is_some());
        assert!(mix.suspicion(&hasher.keys(client, "python", "GET /never-seen")).is_some());
        let attacker: IpAddr = "203.0.113.9".parse().unwrap();
        assert!(mix.suspicion(&hasher.keys(attacker, "chrome", "GET /")).is_some(), "its network grew");
    }

    #[test]
    fn a_quiet_day_has_no_suspects_and_neither_has_an_unknown_one() {
        let (mut mix, hasher) = (Mix::new(), Hasher::new(1));
        add(&mut mix, &hasher, "203.0.113.1", "python", "GET /", 100);
        assert_eq!(mix.tick(false, 100.0, 0.0), 0.0, "nothing is known of quiet times");
        quiet(&mut mix, &hasher);
        assert!(mix.suspects().is_empty());
        let long = "字".repeat(200);
        add(&mut mix, &hasher, "203.0.113.1", &long, "GET /", 500);
        mix.tick(false, 500.0, 13.0);
        assert!(mix.suspects().iter().all(|suspect| suspect.label.len() <= LABEL_BYTES));
    }
}

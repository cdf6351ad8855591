//! Settings of flood defence of one site. Every one has a default that fits a web application on one machine.

use crate::bucket::Rate;
use crate::fault;
use crate::level::Level;
use base::{Fault, Result};
use serde::{Deserialize, Serialize};

/// What becomes of a request that is to be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// It is counted and served: levels and counters show what would happen.
    Observe,
    /// It is held.
    #[default]
    Enforce,
}

/// The settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether requests are held, or only counted.
    pub mode: Mode,
    /// Median latency of the origin until its own is known, milliseconds.
    pub expected_latency_ms: u32,
    /// Requests at the origin at once: to begin with, at least, at most. In between the limit follows the latency.
    pub concurrency: Concurrency,
    /// Requests that may wait for the origin.
    pub queue_length: u32,
    /// Longest wait, milliseconds.
    pub queue_wait_ms: u32,
    /// The rate of any client on any level; none: no such limit.
    pub always: Option<Rate>,
    /// The rate of a client that is not known, from level *limit* on.
    pub stranger: Rate,
    /// The rate of a client with history or a cookie, from level *limit* on.
    pub known: Rate,
    /// The rate of a /24 or /56 of clients that are not known, from level *limit* on.
    pub network: Rate,
    /// Leading zero bits of the proof of work on the levels *limit*, *challenge* and *essential*.
    pub difficulty: [u8; 3],
    /// Seconds that a client without script waits in place of the work.
    pub wait_s: u32,
    /// How long a cookie holds, seconds.
    pub pass_s: u32,
    /// Prefixes of paths that stay open for everyone on level *essential*.
    pub essential: Vec<String>,
    /// The lowest level: an operator's order.
    pub floor: Level,
    /// The highest level.
    pub ceiling: Level,
    /// Seconds of calm before a level is left.
    pub dwell_s: u32,
    /// Holds in a row after which a source is an attacker.
    pub confirm_after: u32,
    /// Clients remembered (56 bytes each).
    pub clients: u32,
}

/// Bounds of the requests at the origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Concurrency {
    /// To begin with.
    pub first: u32,
    /// At least.
    pub least: u32,
    /// At most.
    pub most: u32,
}

impl Default for Concurrency {
    fn default() -> Self {
        Concurrency { first: 64, least: 4, most: 4096 }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            mode: Mode::Enforce,
            expected_latency_ms: 250,
            concurrency: Concurrency::default(),
            queue_length: 512,
            queue_wait_ms: 5000,
            always: None,
            stranger: Rate { per_second: 5.0, burst: 40 },
            known: Rate { per_second: 20.0, burst: 120 },
            network: Rate { per_second: 30.0, burst: 150 },
            difficulty: [14, 16, 18],
            wait_s: 8,
            pass_s: 8 * 3600,
            essential: Vec::new(),
            floor: Level::Normal,
            ceiling: Level::Essential,
            dwell_s: 15,
            confirm_after: 30,
            clients: 65_536,
        }
    }
}

impl Settings {
    /// Checks what the types do not say; faults with [`fault::SETTINGS`] and names the key.
    pub fn check(&self) -> Result<()> {
        let wrong = |key: &str, expected: &str, found: String| {
            Err(Fault::new(&fault::SETTINGS).object(key).expected(expected).found(found))
        };
        let Concurrency { first, least, most } = self.concurrency;
        if least == 0 || first < least || most < first || most > 1_000_000 {
            return wrong("concurrency", "1 <= least <= first <= most <= 1000000", format!("{least}, {first}, {most}"));
        }
        let rates = [
            ("always", self.always),
            ("stranger", Some(self.stranger)),
            ("known", Some(self.known)),
            ("network", Some(self.network)),
        ];
        for (key, rate) in rates {
            if let Some(rate) = rate
                && !(rate.per_second > 0.0 && rate.per_second <= 1e6 && (1..=1_000_000).contains(&rate.burst))
            {
                return wrong(key, "per_second in (0, 1000000], burst from 1", format!("{rate:?}"));
            }
        }
        if let Some(bits) = self.difficulty.iter().find(|bits| !(1..=28).contains(*bits)) {
            return wrong("difficulty", "1 to 28 bits", bits.to_string());
        }
        if self.ceiling < self.floor {
            return wrong("ceiling", "not below floor", format!("{:?} below {:?}", self.ceiling, self.floor));
        }
        let bounds = [
            ("expected_latency_ms", self.expected_latency_ms, 1, 60_000),
            ("queue_length", self.queue_length, 0, 65_536),
            ("queue_wait_ms", self.queue_wait_ms, 1, 60_000),
            ("wait_s", self.wait_s, 1, 120),
            ("pass_s", self.pass_s, 60, 30 * 24 * 3600),
            ("dwell_s", self.dwell_s, 1, 3600),
            ("confirm_after", self.confirm_after, 1, 1_000_000),
            ("clients", self.clients, 8, 1 << 24),
        ];
        for (key, value, least, most) in bounds {
            if value < least || value > most {
                return wrong(key, &format!("{least} to {most}"), value.to_string());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_hold_and_each_wrong_value_is_named() {
        assert!(Settings::default().check().is_ok());
        let wrong = |change: fn(&mut Settings)| {
            let mut settings = Settings::default();
            change(&mut settings);
            settings.check().unwrap_err().named().to_owned()
        };
        assert_eq!(wrong(|settings| settings.concurrency.least = 0), "concurrency");
        assert_eq!(wrong(|settings| settings.stranger.per_second = f64::NAN), "stranger");
        assert_eq!(wrong(|settings| settings.always = Some(Rate { per_second: 1.0, burst: 0 })), "always");
        assert_eq!(wrong(|settings| settings.difficulty[1] = 60), "difficulty");
        assert_eq!(wrong(|settings| (settings.floor, settings.ceiling) = (Level::Limit, Level::Watch)), "ceiling");
        assert_eq!(wrong(|settings| settings.pass_s = 0), "pass_s");
    }
}

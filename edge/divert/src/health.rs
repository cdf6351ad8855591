//! What one prober thinks of one place: results become a condition, with hysteresis both ways. Pure.
//!
//! A place falls when `fall` of its last `window` probes failed, and rises after `rise` that succeeded in a row. Each
//! fall within `settle_s` of the one before doubles what a rise needs, up to 64 times: a place that flaps stays down,
//! and nothing ever delays the news that a place is down.

use crate::fault;
use base::{Fault, Micros, Result};
use serde::{Deserialize, Serialize};

/// Largest window of probes.
const WINDOW_MAX: u8 = 64;
/// Most doublings of what a rise needs.
const FLAPS_MAX: u32 = 6;

/// Whether a place answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// Not enough is known.
    #[default]
    Unknown,
    /// It answers.
    Up,
    /// It does not.
    Down,
}

/// When a place counts as up or down. With one probe a second these are seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HealthRules {
    /// Probes that are looked back at, at most 64.
    pub window: u8,
    /// Failures among them that make it down.
    pub fall: u8,
    /// Successes in a row that make it up.
    pub rise: u8,
    /// How long it has to stay up to be forgiven one fall, seconds.
    pub settle_s: u32,
}

impl Default for HealthRules {
    /// Down by 2 failures among 3 probes, up by 5 in a row, a fall forgotten after 5 minutes.
    fn default() -> Self {
        HealthRules { window: 3, fall: 2, rise: 5, settle_s: 300 }
    }
}

impl HealthRules {
    /// Whether they make sense.
    ///
    /// # Errors
    /// `divert.rules`.
    pub fn check(&self) -> Result<()> {
        let fine = (1..=WINDOW_MAX).contains(&self.window) && (1..=self.window).contains(&self.fall) && self.rise > 0;
        let wanted = || Fault::new(&fault::RULES).expected("1 <= fall <= window <= 64, rise >= 1");
        if fine { Ok(()) } else { Err(wanted().found(format!("{self:?}"))) }
    }
}

/// The condition of one place, from one prober's results.
#[derive(Debug, Clone)]
pub struct Health {
    rules: HealthRules,
    /// The last results, newest lowest; 1 is a failure.
    results: u64,
    /// How many of them there are.
    heard: u8,
    in_a_row: u32,
    condition: Condition,
    flaps: u32,
    /// When a fall is forgiven next, or counted from.
    settled_at: Micros,
}

impl Health {
    /// Nothing is known yet.
    pub fn new(rules: HealthRules) -> Health {
        Health { rules, results: 0, heard: 0, in_a_row: 0, condition: Condition::Unknown, flaps: 0, settled_at: 0 }
    }

    /// Takes one result. `now_us`: monotonic clock.
    pub fn hear(&mut self, now_us: Micros, success: bool) -> Condition {
        self.results = self.results << 1 | u64::from(!success);
        self.heard = self.heard.saturating_add(1).min(self.rules.window);
        self.in_a_row = if success { self.in_a_row.saturating_add(1) } else { 0 };
        let settle_us = Micros::from(self.rules.settle_s) * 1_000_000;
        let window = u64::MAX >> (64 - u32::from(self.rules.window.clamp(1, WINDOW_MAX)));
        let failures = (self.results & window).count_ones();
        if self.condition != Condition::Down && failures >= u32::from(self.rules.fall) {
            let again = self.condition == Condition::Up && now_us < self.settled_at;
            self.flaps = if again { (self.flaps + 1).min(FLAPS_MAX) } else { self.flaps };
            self.condition = Condition::Down;
        } else if self.condition != Condition::Up && self.in_a_row >= self.needed() {
            self.condition = Condition::Up;
            // Old failures of a long window must not throw it down at the next single one.
            self.results = 0;
            self.settled_at = now_us + settle_us;
        } else if self.condition == Condition::Up && now_us >= self.settled_at {
            self.flaps = self.flaps.saturating_sub(1);
            self.settled_at = if self.flaps > 0 { now_us + settle_us } else { now_us };
        }
        self.condition
    }

    /// The condition after the last result.
    pub fn condition(&self) -> Condition {
        self.condition
    }

    /// Successes in a row that it needs to rise now, flapping counted in.
    pub fn needed(&self) -> u32 {
        u32::from(self.rules.rise.max(1)) << self.flaps
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: Micros = 1_000_000;

    /// Hears a text of results, one a second: `.` for a success, `x` for a failure; gives the conditions as letters.
    fn run(health: &mut Health, now: &mut Micros, text: &str) -> String {
        let letter = |condition| match condition {
            Condition::Unknown => '?',
            Condition::Up => 'u',
            Condition::Down => 'd',
        };
        let hear = |result| {
            *now += SECOND;
            letter(health.hear(*now, result == '.'))
        };
        text.chars().map(hear).collect()
    }

    #[test]
    fn two_of_three_fall_and_five_in_a_row_rise() {
        let (mut health, mut now) = (Health::new(HealthRules::default()), 0);
        assert_eq!(run(&mut health, &mut now, "....."), "????u");
        assert_eq!(run(&mut health, &mut now, "x..x..x"), "uuuuuuu");
        assert_eq!(run(&mut health, &mut now, "..x.x"), "uuuud");
        assert_eq!(run(&mut health, &mut now, "....x"), "ddddd");
    }

    #[test]
    fn a_place_never_heard_of_is_neither_until_enough_is_known() {
        let (mut health, mut now) = (Health::new(HealthRules::default()), 0);
        assert_eq!(run(&mut health, &mut now, "x"), "?");
        assert_eq!(run(&mut health, &mut now, "x"), "d");
    }

    #[test]
    fn each_fall_soon_after_a_rise_doubles_the_wait_and_calm_forgives() {
        let (mut health, mut now) = (Health::new(HealthRules::default()), 0);
        run(&mut health, &mut now, ".....");
        let mut needed = Vec::new();
        for _ in 0..8 {
            run(&mut health, &mut now, "xx");
            needed.push(health.needed());
            let wait = ".".repeat(health.needed() as usize);
            assert!(run(&mut health, &mut now, &wait).ends_with("du"));
        }
        assert_eq!(needed, [10, 20, 40, 80, 160, 320, 320, 320]);
        run(&mut health, &mut now, &".".repeat(6 * 300 + 1));
        assert_eq!(health.needed(), 5);
        run(&mut health, &mut now, "xx");
        assert_eq!(health.needed(), 5, "a single fall after long calm costs nothing more");
    }

    #[test]
    fn rules_that_contradict_themselves_are_refused() {
        let fine = HealthRules::default();
        assert!(fine.check().is_ok());
        for bad in [
            HealthRules { window: 0, ..fine },
            HealthRules { window: 65, ..fine },
            HealthRules { fall: 0, ..fine },
            HealthRules { fall: 4, ..fine },
            HealthRules { rise: 0, ..fine },
        ] {
            assert!(bad.check().unwrap_err().is(&fault::RULES), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn steady_results_always_win(
            past in "[.x]{0,200}", window in 1..=64_u8, fall in 1..=64_u8, rise in 1..=20_u8,
        ) {
            let rules = HealthRules { window, fall: fall.min(window), rise, settle_s: 30 };
            let (mut health, mut now) = (Health::new(rules), 0);
            run(&mut health, &mut now, &past);
            let mut other = health.clone();
            let mut later = now;
            let all_bad = run(&mut health, &mut now, &"x".repeat(usize::from(fall)));
            prop_assert!(all_bad.ends_with('d'), "{}", all_bad);
            let all_good = run(&mut other, &mut later, &".".repeat(64 * usize::from(rise)));
            prop_assert!(all_good.ends_with('u'), "{}", all_good);
        }
    }
}

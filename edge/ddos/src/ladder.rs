//! Which level a destination has: up when an attack gets through, down step by step when it has been quiet.

use crate::{Level, Settings};
use serde::{Deserialize, Serialize};

const SECOND_US: i64 = 1_000_000;
/// Seconds that a level gets to show its effect before a higher one is entered.
const SETTLE_S: i64 = 3;
/// The same before all unverified sources are shut out, which costs users.
const SETTLE_HARD_S: i64 = 6;
/// Longest dwell, as a multiple of the first.
const DWELLS: u32 = 8;

/// What a second asks of the ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demand {
    /// An attack is under way.
    pub attack: bool,
    /// The gentlest level with a means against every vector seen.
    pub least: Level,
    /// More gets through than users send.
    pub leaking: bool,
    /// The link itself is full: what is dropped here has already done its harm.
    pub full: bool,
}

/// Why a level changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Move {
    /// An attack began that the level has no means against.
    Attack,
    /// The attack gets through the present level.
    Leaking,
    /// The link is full.
    Full,
    /// It has been quiet for the dwell.
    Quiet,
    /// A person or another system set it.
    Ordered,
}

/// A change of level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// When, µs since 1970.
    pub at_us: i64,
    /// The level before.
    pub from: Level,
    /// The level now.
    pub to: Level,
    /// Why.
    pub why: Move,
}

/// The level of a destination and what decides of the next.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ladder {
    level: Level,
    /// When the level was entered.
    entered_us: i64,
    /// When there was last an attack.
    attacked_us: i64,
    /// How many seconds in a row the attack got through.
    leaks: u8,
    /// Multiple of the quiet time that is waited before a step down.
    dwell: u32,
    /// When the last step down was.
    left_us: Option<i64>,
    /// A level below which it does not fall, set by a person.
    least: Level,
}

impl Default for Ladder {
    fn default() -> Ladder {
        Ladder {
            level: Level::Observe,
            entered_us: i64::MIN / 2,
            attacked_us: i64::MIN / 2,
            leaks: 0,
            dwell: 1,
            left_us: None,
            least: Level::Observe,
        }
    }
}

impl Ladder {
    /// The level.
    pub fn level(&self) -> Level {
        self.level
    }

    /// Sets the level that a person wants: it is entered at once and not left downwards.
    pub fn order(&mut self, now_us: i64, level: Level) -> Option<Change> {
        self.least = level;
        self.enter(now_us, level, Move::Ordered)
    }

    /// The level below which it does not fall.
    pub fn least(&self) -> Level {
        self.least
    }

    /// Does not fall below one level from now on nor rise above another; entered at once when it is outside.
    pub fn hold(&mut self, now_us: i64, least: Level, highest: Level) -> Option<Change> {
        self.least = least;
        self.enter(now_us, self.level.clamp(least, highest.max(least)), Move::Ordered)
    }

    /// The level after this second.
    pub fn second(&mut self, now_us: i64, demand: Demand, settings: &Settings) -> Option<Change> {
        if !demand.attack {
            self.leaks = 0;
            return self.fall(now_us, settings);
        }
        self.attacked_us = now_us;
        let highest = settings.highest.max(self.least);
        let least = demand.least.min(highest);
        if least > self.level {
            // Left too early: the next dwell is longer.
            if self.left_us.is_some_and(|left_us| now_us - left_us < 2 * i64::from(settings.quiet_s) * SECOND_US) {
                self.dwell = (self.dwell * 2).min(DWELLS);
            }
            return self.enter(now_us, least, Move::Attack);
        }
        if demand.full && highest == Level::Upstream {
            return self.enter(now_us, Level::Upstream, Move::Full);
        }
        self.leaks = if demand.leaking { self.leaks.saturating_add(1) } else { 0 };
        let next = self.level.up().min(highest);
        let settle = if next >= Level::Verified { SETTLE_HARD_S } else { SETTLE_S };
        let settled = now_us - self.entered_us >= settle * SECOND_US;
        if settled && i64::from(self.leaks) >= settle { self.enter(now_us, next, Move::Leaking) } else { None }
    }

    fn fall(&mut self, now_us: i64, settings: &Settings) -> Option<Change> {
        let quiet_us = i64::from(settings.quiet_s) * i64::from(self.dwell) * SECOND_US;
        let since_us = self.attacked_us.max(self.entered_us);
        if self.level <= self.least || now_us - since_us < quiet_us {
            if self.level == self.least && now_us - since_us > 4 * quiet_us {
                self.dwell = 1;
            }
            return None;
        }
        self.left_us = Some(now_us);
        self.enter(now_us, self.level.down(), Move::Quiet)
    }

    fn enter(&mut self, now_us: i64, level: Level, why: Move) -> Option<Change> {
        if level == self.level {
            return None;
        }
        let change = Change { at_us: now_us, from: self.level, to: level, why };
        (self.level, self.entered_us, self.leaks) = (level, now_us, 0);
        Some(change)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: Demand = Demand { attack: false, least: Level::Observe, leaking: false, full: false };

    fn levels(ladder: &mut Ladder, from_s: i64, seconds: i64, demand: Demand) -> Vec<(i64, Level)> {
        let settings = Settings { highest: Level::Upstream, ..Settings::default() };
        let changes = (from_s..from_s + seconds).filter_map(|s| ladder.second(s * SECOND_US, demand, &settings));
        changes.map(|change| (change.at_us / SECOND_US, change.to)).collect()
    }

    #[test]
    fn it_rises_to_the_means_then_by_evidence_and_falls_by_steps() {
        let mut ladder = Ladder::default();
        let attack = Demand { attack: true, least: Level::Clean, leaking: true, full: false };
        let risen = levels(&mut ladder, 0, 30, attack);
        let expected =
            [(0, Level::Clean), (3, Level::Limit), (6, Level::Prove), (12, Level::Verified), (18, Level::Upstream)];
        assert_eq!(risen, expected);
        let fallen = levels(&mut ladder, 30, 2_000, QUIET);
        let expected = [
            (329, Level::Verified),
            (629, Level::Prove),
            (929, Level::Limit),
            (1_229, Level::Clean),
            (1_529, Level::Observe),
        ];
        assert_eq!(fallen, expected);
    }

    #[test]
    fn an_attack_that_is_stopped_does_not_raise_it_and_one_that_returns_makes_it_dwell() {
        let mut ladder = Ladder::default();
        let attack = Demand { attack: true, least: Level::Prove, leaking: false, full: false };
        assert_eq!(levels(&mut ladder, 0, 60, attack), [(0, Level::Prove)]);
        assert_eq!(levels(&mut ladder, 60, 320, QUIET), [(359, Level::Limit)]);
        assert_eq!(levels(&mut ladder, 380, 10, attack), [(380, Level::Prove)]);
        assert_eq!(levels(&mut ladder, 390, 620, QUIET), [(989, Level::Limit)], "twice as long");
    }

    #[test]
    fn a_person_s_level_is_kept() {
        let mut ladder = Ladder::default();
        assert_eq!(ladder.order(0, Level::Prove).map(|change| change.why), Some(Move::Ordered));
        assert_eq!(levels(&mut ladder, 1, 2_000, QUIET), []);
        ladder.order(2_001 * SECOND_US, Level::Observe);
        assert_eq!(ladder.level(), Level::Observe);
    }
}

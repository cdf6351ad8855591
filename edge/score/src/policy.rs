//! What a score does to a request's anomaly score: nothing, told only, or added and taken off within bounds.

use crate::fault::POLICY;
use crate::scorer::{Bands, Score};
use base::{Fault, Result};
use serde::{Deserialize, Serialize};

/// Whether the learned score acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Not computed.
    Off,
    /// Computed and told; the anomaly score stays.
    #[default]
    Observe,
    /// Added to the anomaly score, or taken off.
    Block,
}

/// Most points of either bound.
const POINTS: u32 = 100;

/// A site's choice.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// Whether it acts.
    pub mode: Mode,
    /// Points added at most. CRS blocks at 5, the weight of one critical rule.
    pub raise: u32,
    /// Points taken off at most; 0 until the site was tuned in observe mode.
    pub lower: u32,
    /// Probability from which points are added; the model's own when left out.
    pub raise_at: Option<f32>,
    /// Probability up to which points are taken off; the model's own when left out.
    pub lower_at: Option<f32>,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy { mode: Mode::Observe, raise: 5, lower: 0, raise_at: None, lower_at: None }
    }
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Adjustment {
    /// Points added (or, below 0, taken off) by what the model says.
    pub points: i64,
    /// Whether they were applied.
    pub applied: bool,
    /// Anomaly score afterwards.
    pub inbound: i64,
}

impl Policy {
    /// Checks a policy as it was read.
    ///
    /// # Errors
    /// [`POLICY`] with the key.
    pub fn check(&self) -> Result<()> {
        let wrong = |key: &str, found: String| Err(Fault::new(&POLICY).object(key).found(found));
        for (key, points) in [("raise", self.raise), ("lower", self.lower)] {
            if points > POINTS {
                return wrong(key, points.to_string());
            }
        }
        for (key, at) in [("raise_at", self.raise_at), ("lower_at", self.lower_at)] {
            if let Some(at) = at.filter(|at| !(0.0..=1.0).contains(at)) {
                return wrong(key, at.to_string());
            }
        }
        match (self.lower_at, self.raise_at) {
            (Some(lower), Some(raise)) if lower >= raise => wrong("lower_at", lower.to_string()),
            _ => Ok(()),
        }
    }

    /// The anomaly score of a request after the model has spoken. Points are taken off only where the value that scored
    /// highest is no injection to the tokenizers, and never below 0.
    pub fn adjust(&self, inbound: i64, score: &Score, bands: Bands) -> Adjustment {
        let raise_at = self.raise_at.unwrap_or(bands.raise_at);
        let lower_at = self.lower_at.unwrap_or(bands.lower_at).min(raise_at);
        let points = if self.mode == Mode::Off {
            0
        } else if score.probability >= raise_at {
            i64::from(self.raise)
        } else if score.probability <= lower_at && !score.injection && !score.exceeded {
            -i64::from(self.lower).min(inbound.max(0))
        } else {
            0
        };
        let applied = self.mode == Mode::Block && points != 0;
        Adjustment { points, applied, inbound: if applied { inbound + points } else { inbound } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BANDS: Bands = Bands { lower_at: 0.01, raise_at: 0.9 };

    fn score(probability: f32) -> Score {
        Score { probability, ..Score::default() }
    }

    #[test]
    fn modes_differ_in_what_is_applied() {
        let policy = |mode| Policy { mode, lower: 5, ..Policy::default() };
        let adjust = |mode, inbound, probability| {
            let made = policy(mode).adjust(inbound, &score(probability), BANDS);
            (made.points, made.applied, made.inbound)
        };
        assert_eq!(adjust(Mode::Off, 3, 0.99), (0, false, 3));
        assert_eq!(adjust(Mode::Observe, 3, 0.99), (5, false, 3));
        assert_eq!(adjust(Mode::Block, 3, 0.99), (5, true, 8));
        assert_eq!(adjust(Mode::Block, 3, 0.5), (0, false, 3));
        assert_eq!(adjust(Mode::Block, 3, 0.001), (-3, true, 0));
        let injection = Score { injection: true, ..score(0.001) };
        assert_eq!(policy(Mode::Block).adjust(5, &injection, BANDS).points, 0);
        assert_eq!(Policy { mode: Mode::Block, ..Policy::default() }.adjust(5, &score(0.001), BANDS).points, 0);
    }

    #[test]
    fn bad_policies_are_named() {
        assert!(Policy::default().check().is_ok());
        for policy in [
            Policy { raise: 101, ..Policy::default() },
            Policy { raise_at: Some(1.5), ..Policy::default() },
            Policy { lower_at: Some(f32::NAN), ..Policy::default() },
            Policy { lower_at: Some(0.9), raise_at: Some(0.5), ..Policy::default() },
        ] {
            assert!(policy.check().unwrap_err().is(&POLICY));
        }
    }

    proptest! {
        #[test]
        fn influence_is_bounded(inbound in 0i64..1000, probability in 0f32..=1.0, raise in 0u32..=100, lower in 0u32..=100) {
            let policy = Policy { mode: Mode::Block, raise, lower, raise_at: None, lower_at: None };
            let made = policy.adjust(inbound, &score(probability), BANDS);
            prop_assert!(made.inbound >= 0 && made.inbound <= inbound + i64::from(raise));
            prop_assert!(made.inbound >= inbound - i64::from(lower));
        }
    }
}

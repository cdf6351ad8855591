//! How a claim loses worth with time: the polynomial model of MISP (arXiv 1803.11052, 1902.03914).
//!
//! ```text
//! score(t) = base_score × (1 − (t / τ)^(1/δ))      0 ≤ t < τ, then 0
//! ```
//! `t` is the time since the value was last published or met, `τ` the lifetime, `δ` the speed: below 1 it holds long and
//! falls late, above 1 it falls at once. A sighting sets `t` back to 0. Under the threshold an indicator is *decayed*: it
//! is still found and shown, and nothing is done because of it.

use crate::{Claim, Kind};

/// Parameters of the decay of one kind.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Model {
    /// τ, days until the score is 0.
    pub lifetime_days: f64,
    /// δ.
    pub speed: f64,
    /// Score under which an indicator is decayed.
    pub threshold: u8,
}

/// One day, µs.
const DAY_US: f64 = 86_400.0 * 1e6;

impl Model {
    /// What is used without configuration. Addresses, domains and URLs follow MISP's own *NIDS simple* model, addresses
    /// with a quarter of its life, for they change hands; hashes and fingerprints of programs stay true.
    pub const fn of(kind: Kind) -> Model {
        let (lifetime_days, speed) = match kind {
            Kind::Ip | Kind::Cidr => (30.0, 2.0),
            Kind::Domain | Kind::Email => (120.0, 2.0),
            Kind::Url => (60.0, 2.0),
            Kind::Ja3 | Kind::Ja4 => (365.0, 1.0),
            Kind::Path => (365.0, 1.0),
            Kind::Md5 | Kind::Sha1 | Kind::Sha256 => (3650.0, 0.3),
        };
        Model { lifetime_days, speed, threshold: 30 }
    }

    /// Whether it can be computed with; a configuration is checked with this.
    pub fn is_sound(&self) -> bool {
        let positive = |number: f64| number.is_finite() && number > 0.0;
        positive(self.lifetime_days) && positive(self.speed) && self.speed <= 100.0 && self.threshold <= 100
    }

    /// The score of a base score after an age in µs; a negative age (a clock that is behind) is none.
    pub fn score(&self, base_score: u8, age_us: i64) -> f64 {
        let base = f64::from(base_score.min(100));
        let part = age_us.max(0) as f64 / (self.lifetime_days * DAY_US);
        if !self.is_sound() || part >= 1.0 {
            return 0.0;
        }
        base * (1.0 - part.powf(1.0 / self.speed))
    }

    /// When the score of a base score reaches a value, µs after the beginning; `None` when it begins below.
    pub fn reaches(&self, base_score: u8, score: u8) -> Option<i64> {
        let base = f64::from(base_score.min(100));
        if f64::from(score) > base || base == 0.0 || !self.is_sound() {
            return None;
        }
        // The formula solved for t.
        let part = (1.0 - f64::from(score) / base).powf(self.speed);
        Some((part * self.lifetime_days * DAY_US) as i64)
    }
}

/// Score of a claim of which the source says nothing of its confidence and no tag does: MISP's default.
const DEFAULT: u8 = 80;

/// What tags say of how far a claim is to be trusted, 0–100. Machine tags of MISP's taxonomies; the numbers are ours:
/// equal steps for the ordered words, the middle of the printed range for ICD 203.
const TAGS: &[(&str, u8)] = &[
    ("admiralty-scale:source-reliability=\"a\"", 100),
    ("admiralty-scale:source-reliability=\"b\"", 75),
    ("admiralty-scale:source-reliability=\"c\"", 50),
    ("admiralty-scale:source-reliability=\"d\"", 25),
    ("admiralty-scale:source-reliability=\"e\"", 0),
    ("admiralty-scale:source-reliability=\"f\"", 50),
    ("admiralty-scale:information-credibility=\"1\"", 100),
    ("admiralty-scale:information-credibility=\"2\"", 75),
    ("admiralty-scale:information-credibility=\"3\"", 50),
    ("admiralty-scale:information-credibility=\"4\"", 25),
    ("admiralty-scale:information-credibility=\"5\"", 0),
    ("admiralty-scale:information-credibility=\"6\"", 50),
    ("estimative-language:likelihood-probability=\"almost-no-chance\"", 3),
    ("estimative-language:likelihood-probability=\"very-unlikely\"", 12),
    ("estimative-language:likelihood-probability=\"unlikely\"", 32),
    ("estimative-language:likelihood-probability=\"roughly-even-chance\"", 50),
    ("estimative-language:likelihood-probability=\"likely\"", 67),
    ("estimative-language:likelihood-probability=\"very-likely\"", 87),
    ("estimative-language:likelihood-probability=\"almost-certain\"", 97),
    ("estimative-language:confidence-in-analytic-judgment=\"low\"", 15),
    ("estimative-language:confidence-in-analytic-judgment=\"moderate\"", 55),
    ("estimative-language:confidence-in-analytic-judgment=\"high\"", 90),
    ("false-positive:risk=\"low\"", 75),
    ("false-positive:risk=\"medium\"", 50),
    ("false-positive:risk=\"high\"", 25),
    ("misp:confidence-level=\"completely-confident\"", 100),
    ("misp:confidence-level=\"usually-confident\"", 75),
    ("misp:confidence-level=\"fairly-confident\"", 50),
    ("misp:confidence-level=\"rarely-confident\"", 25),
    ("misp:confidence-level=\"unconfident\"", 0),
];

/// The score of a claim at its beginning: the mean of its confidence (when it states one) and of what its tags say;
/// [`DEFAULT`] when neither says anything.
pub fn base_score(claim: &Claim) -> u8 {
    let said = |tag: &String| TAGS.iter().find(|(name, _)| name.eq_ignore_ascii_case(tag)).map(|(_, score)| *score);
    let stated = (claim.confidence > 0).then_some(claim.confidence.min(100));
    let (mut sum, mut count) = (0u32, 0u32);
    for score in stated.into_iter().chain(claim.tags.iter().filter_map(said)) {
        (sum, count) = (sum + u32::from(score), count + 1);
    }
    sum.checked_div(count).map_or(DEFAULT, |mean| mean as u8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DAY: i64 = 86_400 * 1_000_000;

    /// By hand from the formula: 80 × (1 − (t/120)^(1/2)) and its like.
    #[test]
    fn the_formula_gives_what_it_gives_by_hand() {
        let nids = Model { lifetime_days: 120.0, speed: 2.0, threshold: 30 };
        for (days, expected) in [(0, 80.0), (30, 40.0), (120, 0.0), (121, 0.0), (-5, 80.0)] {
            assert!((nids.score(80, days * DAY) - expected).abs() < 1e-9, "{days}");
        }
        // 3-day lifetime, δ 2.3 (MISP's phishing model): 80 × (1 − (1/3)^(1/2.3)) = 80 × (1 − 0.620213…)
        let phishing = Model { lifetime_days: 3.0, speed: 2.3, threshold: 30 };
        assert!((phishing.score(80, DAY) - 80.0 * (1.0 - (-(3f64.ln()) / 2.3).exp())).abs() < 1e-9);
        // δ 1 is a straight line; δ below 1 holds.
        let line = Model { lifetime_days: 10.0, speed: 1.0, threshold: 30 };
        assert!((line.score(100, 3 * DAY) - 70.0).abs() < 1e-9);
        let late = Model { lifetime_days: 10.0, speed: 0.5, threshold: 30 };
        assert!((late.score(100, 5 * DAY) - 75.0).abs() < 1e-9);
    }

    #[test]
    fn a_score_is_reached_when_it_says() {
        let nids = Model { lifetime_days: 120.0, speed: 2.0, threshold: 30 };
        // 80 × (1 − √(t/120)) = 30  ⇒  t = 120 × (5/8)² = 46.875 days
        assert_eq!(nids.reaches(80, 30), Some((46.875 * 86_400e6) as i64));
        assert_eq!((nids.reaches(20, 30), nids.reaches(0, 0)), (None, None));
        assert!(!Model { speed: 0.0, ..nids }.is_sound() && !Model { lifetime_days: f64::NAN, ..nids }.is_sound());
    }

    #[test]
    fn the_base_score_is_the_mean_of_what_is_said() {
        let claim = |confidence, tags: &[&str]| Claim {
            confidence,
            tags: tags.iter().map(ToString::to_string).collect(),
            ..Claim::default()
        };
        assert_eq!(base_score(&claim(0, &["c2"])), 80);
        assert_eq!(base_score(&claim(60, &[])), 60);
        assert_eq!(base_score(&claim(0, &["Admiralty-Scale:source-reliability=\"b\""])), 75);
        assert_eq!(base_score(&claim(100, &["admiralty-scale:information-credibility=\"5\""])), 50);
    }

    proptest! {
        #[test]
        fn it_never_rises_and_stays_within(base in 0..=100u8, speed in 0.05..20.0f64, age in 0..400i64, more in 0..400i64) {
            let model = Model { lifetime_days: 365.0, speed, threshold: 30 };
            let (now, then) = (model.score(base, age * DAY), model.score(base, (age + more) * DAY));
            prop_assert!((0.0..=100.0).contains(&now) && then <= now + 1e-9);
        }
    }
}

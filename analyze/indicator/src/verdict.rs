//! What a hit is worth now, and what may be done because of it.

use crate::decay::Model;
use crate::warning::Warning;
use crate::{Facts, Found, Kind, Tlp};

/// How hits are judged.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Judge {
    /// Decay of kinds that differ from [`Model::of`].
    pub models: Vec<(Kind, Model)>,
    /// Least score at which something may be blocked without a person's decision.
    pub block_score: u8,
    /// Least number of sources for that.
    pub block_sources: usize,
}

impl Default for Judge {
    fn default() -> Judge {
        Judge { models: Vec::new(), block_score: 70, block_sources: 1 }
    }
}

/// Why nothing is blocked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hold {
    /// A warning list forbids it.
    WarningList,
    /// The score is too low.
    Score,
    /// All claims have ended.
    Ended,
    /// Too few sources.
    Sources,
    /// A bare file name is no reason to block.
    BareName,
}

/// A warning list that the value stands on, for people.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Note {
    /// Short name of the list.
    pub list: String,
    /// Whether the value itself stands there.
    pub itself: bool,
    /// What follows.
    pub policy: crate::Policy,
}

/// The verdict on a hit, as alerts show it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Verdict {
    /// Sort of the indicator that was hit.
    pub kind: Kind,
    /// The value that was seen.
    pub value: String,
    /// What it is worth now, 0–100: base score, decayed, less what warning lists take off.
    pub score: u8,
    /// Whether the score is below the threshold of its kind, or all claims have ended: shown, nothing else.
    pub decayed: bool,
    /// Whether something may be blocked without a person's decision.
    pub block_allowed: bool,
    /// Why not, when not.
    pub holds: Vec<Hold>,
    /// The strictest marking of a claim: whoever may not see it may not see this verdict.
    pub tlp: Tlp,
    /// Last time that a source published it or our own detections met it, µs, 0 unknown.
    pub last_us: i64,
    /// Who says so.
    pub sources: Vec<String>,
    /// Tags of the claims.
    pub tags: Vec<String>,
    /// Actors and campaigns.
    pub actors: Vec<String>,
    /// Malware and tools.
    pub malware: Vec<String>,
    /// Warning lists.
    pub warnings: Vec<Note>,
}

impl Facts {
    /// The same as a hit of an index is.
    pub fn found(&self) -> Found<'_> {
        fn texts(list: &[String]) -> Vec<&str> {
            list.iter().map(String::as_str).collect()
        }
        Found {
            kind: self.kind,
            tlp: self.tlp,
            score: self.score,
            last_us: self.last_us,
            valid_until_us: self.valid_until_us,
            sources: texts(&self.sources),
            tags: texts(&self.tags),
            actors: texts(&self.actors),
            malware: texts(&self.malware),
        }
    }
}

impl Judge {
    /// The decay of a kind.
    pub fn model(&self, kind: Kind) -> Model {
        let own = self.models.iter().find(|(named, model)| *named == kind && model.is_sound());
        own.map_or_else(|| Model::of(kind), |(_, model)| *model)
    }

    /// Judges a hit on a value that was seen, with the warnings of that value, at a time.
    pub fn verdict(&self, value: &str, found: &Found<'_>, warnings: &[Warning<'_>], now_us: i64) -> Verdict {
        let model = self.model(found.kind);
        // Nobody knows how old a claim without a date is: it counts as new.
        let age_us = if found.last_us == 0 { 0 } else { now_us.saturating_sub(found.last_us) };
        let decayed_score = model.score(found.score, age_us);
        let lowers = warnings.iter().map(Warning::lowers).max().unwrap_or(0);
        // Rounded down, as the threshold is compared with what is shown; the small part undoes the error of the powers.
        let score = (decayed_score - f64::from(lowers) + 1e-9).clamp(0.0, 100.0) as u8;
        let ended = found.valid_until_us != 0 && found.valid_until_us <= now_us;
        let decayed = ended || score < model.threshold;
        let bare = found.kind == Kind::Path && !value.contains(['/', '\\']);
        let mut holds = Vec::new();
        let reasons = [
            (warnings.iter().any(Warning::forbids), Hold::WarningList),
            (decayed && !ended || score < self.block_score, Hold::Score),
            (ended, Hold::Ended),
            (found.sources.len() < self.block_sources, Hold::Sources),
            (bare, Hold::BareName),
        ];
        holds.extend(reasons.iter().filter(|(holds, _)| *holds).map(|(_, hold)| *hold));
        let note = |warning: &Warning<'_>| Note {
            list: warning.list.id.clone(),
            itself: warning.itself,
            policy: warning.list.policy,
        };
        let texts = |list: &[&str]| list.iter().map(ToString::to_string).collect();
        Verdict {
            kind: found.kind,
            value: value.to_string(),
            score,
            decayed,
            block_allowed: holds.is_empty(),
            holds,
            tlp: found.tlp,
            last_us: found.last_us,
            sources: texts(&found.sources),
            tags: texts(&found.tags),
            actors: texts(&found.actors),
            malware: texts(&found.malware),
            warnings: warnings.iter().map(note).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Warnings;
    use std::collections::BTreeMap;

    const DAY: i64 = 86_400 * 1_000_000;

    fn facts(score: u8) -> Facts {
        Facts {
            kind: Kind::Domain,
            tlp: Tlp::Green,
            score,
            last_us: 1000 * DAY,
            valid_until_us: 0,
            sources: vec!["feed".into()],
            tags: vec!["c2".into()],
            actors: vec!["Lazarus".into()],
            malware: Vec::new(),
        }
    }

    #[test]
    fn a_hit_ages_until_it_is_only_shown() {
        let judge = Judge::default();
        let at = |days: i64| judge.verdict("evil.example", &facts(80).found(), &[], (1000 + days) * DAY);
        assert_eq!((at(0).score, at(0).block_allowed, at(0).decayed), (80, true, false));
        assert_eq!((at(30).score, at(30).holds.as_slice(), at(30).decayed), (40, &[Hold::Score][..], false));
        assert!(at(47).decayed && at(400).score == 0, "80 × (1 − √(47/120)) = 29.9");
        let ended = Facts { valid_until_us: 1001 * DAY, ..facts(80) };
        let verdict = judge.verdict("evil.example", &ended.found(), &[], 1001 * DAY);
        assert!(verdict.decayed && verdict.holds.contains(&Hold::Ended) && !verdict.block_allowed);
        let undated = Facts { last_us: 0, ..facts(80) };
        assert_eq!(judge.verdict("evil.example", &undated.found(), &[], i64::MAX).score, 80);
    }

    #[test]
    fn warning_lists_hold_lower_or_only_show() {
        let lists = br#"{"tranco10k": {"name": "t", "type": "hostname", "list": ["big.example"]},
            "vpn-x": {"name": "v", "type": "hostname", "list": ["vpn.example"]},
            "sinkholes": {"name": "s", "type": "hostname", "list": ["sink.example"]}}"#;
        let lists = Warnings::compile(&[lists], &BTreeMap::new()).unwrap();
        let judge = |value: &str| {
            let warnings = lists.of(Kind::Domain, value);
            Judge::default().verdict(value, &facts(80).found(), &warnings, 1000 * DAY)
        };
        let big = judge("big.example");
        assert_eq!((big.score, big.block_allowed, big.holds.as_slice()), (80, false, &[Hold::WarningList][..]));
        assert_eq!((judge("vpn.example").score, judge("vpn.example").block_allowed), (60, false));
        assert!(judge("sink.example").block_allowed && judge("sink.example").warnings[0].list == "sinkholes");
    }

    #[test]
    fn a_bare_name_or_too_few_sources_block_nothing() {
        let path = Facts { kind: Kind::Path, ..facts(100) };
        let judge = Judge { block_sources: 2, ..Judge::default() };
        let verdict = judge.verdict("kinsing", &path.found(), &[], 1000 * DAY);
        assert_eq!(verdict.holds, [Hold::Sources, Hold::BareName]);
        let text = serde_json::to_string(&verdict).unwrap();
        assert_eq!(serde_json::from_str::<Verdict>(&text).unwrap(), verdict);
        let own = Judge { models: vec![(Kind::Path, Model { lifetime_days: 0.0, speed: 1.0, threshold: 1 })], ..judge };
        assert_eq!(own.model(Kind::Path), Model::of(Kind::Path), "a model that is not sound is not used");
    }
}

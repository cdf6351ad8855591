//! Traffic Light Protocol 2.0: who may see what.

use crate::{Indicator, Sightings, fault};
use base::{Fault, Result};

/// A marking of the Traffic Light Protocol (FIRST, version 2.0), the more secret the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, serde::Serialize, serde::Deserialize)]
pub enum Tlp {
    /// No limit on disclosure.
    #[default]
    #[serde(rename = "clear")]
    Clear,
    /// Within the community.
    #[serde(rename = "green")]
    Green,
    /// Within the organisation and its clients, on a need-to-know basis.
    #[serde(rename = "amber")]
    Amber,
    /// Within the organisation only.
    #[serde(rename = "amber+strict")]
    AmberStrict,
    /// The named persons only.
    #[serde(rename = "red")]
    Red,
}

impl Tlp {
    /// Every marking, from the most open one.
    pub const ALL: &'static [Tlp] = &[Tlp::Clear, Tlp::Green, Tlp::Amber, Tlp::AmberStrict, Tlp::Red];

    /// Its word, without `TLP:`.
    pub const fn word(self) -> &'static str {
        match self {
            Tlp::Clear => "clear",
            Tlp::Green => "green",
            Tlp::Amber => "amber",
            Tlp::AmberStrict => "amber+strict",
            Tlp::Red => "red",
        }
    }

    /// The marking of a word: any case, with or without `tlp:` in front; `white` is version 1.0 for clear.
    pub fn from_word(word: &str) -> Result<Tlp> {
        let lower = word.trim().to_ascii_lowercase();
        let bare = lower.strip_prefix("tlp:").unwrap_or(&lower);
        let found = match bare {
            "white" => Some(Tlp::Clear),
            "amber-strict" | "amber_strict" | "amberstrict" => Some(Tlp::AmberStrict),
            bare => Tlp::ALL.iter().copied().find(|tlp| tlp.word() == bare),
        };
        found.ok_or_else(|| Fault::new(&fault::WORD).object("TLP marking").found(word))
    }
}

/// What may leave of an indicator towards a receiver who may see up to `ceiling`: a copy without the claims above it
/// and without our own sightings, which are nobody's claim. `None` when no claim may leave: then the value itself says
/// too much.
pub fn may_leave(indicator: &Indicator, ceiling: Tlp) -> Option<Indicator> {
    let claims: Vec<_> = indicator.claims.iter().filter(|claim| claim.tlp <= ceiling).cloned().collect();
    (!claims.is_empty()).then(|| Indicator {
        kind: indicator.kind,
        value: indicator.value.clone(),
        claims,
        sightings: Sightings::default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Claim;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn nothing_leaves_above_the_ceiling(marks in prop::collection::vec(0..5usize, 0..8), ceiling in 0..5usize) {
            let ceiling = Tlp::ALL[ceiling];
            let mut indicator = Indicator::guess("evil.example").unwrap();
            for (number, mark) in marks.iter().enumerate() {
                let text = format!("{}-{number}", Tlp::ALL[*mark].word());
                let (tags, description) = (vec![text.clone()], text.clone());
                indicator.take(Claim { source: text, tlp: Tlp::ALL[*mark], tags, description, ..Claim::default() });
            }
            indicator.sighted(7);
            let left = may_leave(&indicator, ceiling);
            let allowed = marks.iter().filter(|mark| Tlp::ALL[**mark] <= ceiling).count();
            prop_assert_eq!(left.as_ref().map_or(0, |left| left.claims.len()), allowed);
            if let Some(left) = left {
                let text = serde_json::to_string(&left).unwrap();
                for secret in Tlp::ALL.iter().filter(|tlp| **tlp > ceiling) {
                    let mark = format!("\"{}-", secret.word());
                    prop_assert!(!text.contains(&mark), "{}", text);
                }
                prop_assert_eq!(left.sightings, Sightings::default());
            }
        }
    }

    #[test]
    fn words_read_back_in_every_spelling() {
        for tlp in Tlp::ALL {
            assert_eq!(Tlp::from_word(tlp.word()).unwrap(), *tlp);
            assert_eq!(Tlp::from_word(&format!("TLP:{}", tlp.word().to_uppercase())).unwrap(), *tlp);
        }
        assert_eq!(Tlp::from_word("tlp:white").unwrap(), Tlp::Clear);
        assert!(Tlp::from_word("pink").unwrap_err().is(&fault::WORD));
        assert!(Tlp::Amber < Tlp::AmberStrict && Tlp::Clear < Tlp::Green);
    }
}

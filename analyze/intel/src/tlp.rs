//! Traffic Light Protocol 2.0: who may see what.

use crate::fault;
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

#[cfg(test)]
mod tests {
    use super::*;

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

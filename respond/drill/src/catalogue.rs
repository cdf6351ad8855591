//! The drills that are built in.

use crate::fault;
use base::{Fault, Result};
use serde::Deserialize;
use std::sync::OnceLock;

include!(concat!(env!("OUT_DIR"), "/drills.rs"));

/// One drill.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drill {
    /// Name on the command line; the file's name.
    #[serde(skip)]
    pub name: String,
    /// ATT&CK technique.
    pub technique: String,
    /// ATT&CK tactic, short name.
    pub tactic: String,
    /// One line.
    pub title: String,
    /// The same in Chinese.
    pub title_zh: String,
    /// Id of the rule that must see it.
    pub rule: String,
    /// Word of the action that must answer, empty when an alert is all.
    #[serde(default)]
    pub answer: String,
    /// Whether it works only as root.
    #[serde(default)]
    pub root: bool,
    /// What bash runs, in the drill's own directory. `$GARRISON misbehave NAME` runs one of [`crate::programs`].
    pub script: String,
}

/// Every drill, by name. The files are checked by a test, so that none is left out here.
pub fn all() -> &'static [Drill] {
    static ALL: OnceLock<Vec<Drill>> = OnceLock::new();
    ALL.get_or_init(|| DRILLS.iter().filter_map(|(file, text)| parse(file, text).ok()).collect())
}

/// The drill of this name.
pub fn find(name: &str) -> Result<&'static Drill> {
    all().iter().find(|drill| drill.name == name).ok_or_else(|| Fault::new(&fault::UNKNOWN).object(name))
}

fn parse(file: &str, text: &str) -> Result<Drill> {
    let mut drill: Drill = base::config::parse(text, file)?;
    drill.name = file.trim_end_matches(".yml").to_string();
    Ok(drill)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_a_drill_with_a_plausible_technique() {
        for (file, text) in DRILLS {
            let drill = parse(file, text).unwrap();
            let digits = drill.technique.strip_prefix('T').unwrap_or("").replace('.', "");
            assert!(
                digits.len() >= 4 && digits.chars().all(|digit| digit.is_ascii_digit()),
                "{file}: {}",
                drill.technique
            );
            assert!(!drill.title_zh.is_empty() && !drill.rule.is_empty(), "{file}");
        }
        assert_eq!(all().len(), DRILLS.len());
    }
}

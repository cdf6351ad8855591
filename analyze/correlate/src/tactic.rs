//! The order of an attack: ATT&CK Enterprise tactics from left to right.

pub use record::TACTICS;

/// Place of a tactic in the attack; unknown ones come last.
pub fn rank(tactic: &str) -> usize {
    TACTICS.iter().position(|known| *known == tactic).unwrap_or(TACTICS.len())
}

/// Whether it is one of the matrix.
pub(crate) fn known(tactic: &str) -> bool {
    TACTICS.contains(&tactic)
}

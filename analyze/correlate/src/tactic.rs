//! The order of an attack: ATT&CK Enterprise tactics from left to right.

/// Short names of the tactics in the order of the matrix.
pub const TACTICS: &[&str] = &[
    "reconnaissance",
    "resource-development",
    "initial-access",
    "execution",
    "persistence",
    "privilege-escalation",
    "defense-evasion",
    "credential-access",
    "discovery",
    "lateral-movement",
    "collection",
    "command-and-control",
    "exfiltration",
    "impact",
];

/// Place of a tactic in the attack; unknown ones come last.
pub fn rank(tactic: &str) -> usize {
    TACTICS.iter().position(|known| *known == tactic).unwrap_or(TACTICS.len())
}

/// Whether it is one of the matrix.
pub(crate) fn known(tactic: &str) -> bool {
    TACTICS.contains(&tactic)
}

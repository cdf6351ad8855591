//! ATT&CK tactics: the one list that rules are checked against and incidents are ordered by.

/// Short names of the Enterprise tactics in the order of the matrix. ATT&CK 19 split `defense-evasion` into `stealth`
/// and `defense-impairment`; rules use either, and all three stand at its place.
pub const TACTICS: &[&str] = &[
    "reconnaissance",
    "resource-development",
    "initial-access",
    "execution",
    "persistence",
    "privilege-escalation",
    "defense-evasion",
    "stealth",
    "defense-impairment",
    "credential-access",
    "discovery",
    "lateral-movement",
    "collection",
    "command-and-control",
    "exfiltration",
    "impact",
];

//! Families of what is announced (RFC 4760: AFI and SAFI).

use serde::{Deserialize, Serialize};

/// A family. Others that a neighbour may offer are skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// IPv4 unicast (1, 1).
    Ipv4,
    /// IPv6 unicast (2, 1).
    Ipv6,
    /// FlowSpec for IPv4 (1, 133; RFC 8955).
    Ipv4Flow,
    /// FlowSpec for IPv6 (2, 133; RFC 8956).
    Ipv6Flow,
}

impl Family {
    /// Every family.
    pub const ALL: [Family; 4] = [Family::Ipv4, Family::Ipv6, Family::Ipv4Flow, Family::Ipv6Flow];

    /// Address family and subsequent address family (IANA registries of those names).
    pub fn numbers(self) -> (u16, u8) {
        match self {
            Family::Ipv4 => (1, 1),
            Family::Ipv6 => (2, 1),
            Family::Ipv4Flow => (1, 133),
            Family::Ipv6Flow => (2, 133),
        }
    }

    /// The family of two numbers, if it is one of ours.
    pub fn of(afi: u16, safi: u8) -> Option<Family> {
        Family::ALL.into_iter().find(|family| family.numbers() == (afi, safi))
    }

    /// Whether it is one of IPv6.
    pub fn is_ipv6(self) -> bool {
        matches!(self, Family::Ipv6 | Family::Ipv6Flow)
    }

    /// Whether it is one of FlowSpec.
    pub fn is_flow(self) -> bool {
        matches!(self, Family::Ipv4Flow | Family::Ipv6Flow)
    }

    /// The name in settings and records.
    pub fn name(self) -> &'static str {
        ["ipv4", "ipv6", "ipv4-flow", "ipv6-flow"][self as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_go_both_ways() {
        for family in Family::ALL {
            let (afi, safi) = family.numbers();
            assert_eq!(Family::of(afi, safi), Some(family));
            assert_eq!(serde_json::to_value(family).unwrap(), family.name());
        }
        assert_eq!(Family::of(25, 65), None);
    }
}

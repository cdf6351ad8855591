//! What may be announced. A blackhole finishes its victim's address, so a mistake or a stolen account must not reach further
//! than the addresses that we protect, nor stand for ever.

use crate::announcement::{Announcement, Approval};
use crate::flow::FlowRule;
use crate::{Action, fault};
use base::{Fault, Prefix, Result};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

/// Longest FlowSpec rule that we announce, bytes; routers spend memory of their line cards on each.
const RULE_BYTES: usize = 1024;
/// Most communities of one announcement.
const COMMUNITIES: usize = 64;

/// Limits as they are configured.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Ranges that we protect: only addresses in them are announced.
    pub protected: Vec<Prefix>,
    /// Ranges that may be drawn here whole or in part (anycast, diversion), to their own length at least.
    pub routes: Vec<Prefix>,
    /// Shortest blackhole of IPv4, bits.
    pub blackhole_bits_v4: u8,
    /// Shortest blackhole of IPv6, bits.
    pub blackhole_bits_v6: u8,
    /// Shortest destination of a FlowSpec rule of IPv4, bits.
    pub flow_bits_v4: u8,
    /// Shortest destination of a FlowSpec rule of IPv6, bits.
    pub flow_bits_v6: u8,
    /// Most announcements at a time.
    pub max_announcements: usize,
    /// Longest lease, seconds.
    pub lease_s: u64,
    /// A blackhole, and a rule that discards all packets to its destination or nearly, needs an approval.
    pub blackhole_needs_approval: bool,
    /// So does any FlowSpec rule.
    pub flow_needs_approval: bool,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            protected: Vec::new(),
            routes: Vec::new(),
            blackhole_bits_v4: 32,
            blackhole_bits_v6: 128,
            flow_bits_v4: 24,
            flow_bits_v6: 48,
            max_announcements: 1000,
            lease_s: 24 * 3600,
            blackhole_needs_approval: true,
            flow_needs_approval: false,
        }
    }
}

/// Ranges by length, so that a look-up is at most one a length.
#[derive(Debug, Default)]
struct Ranges {
    lengths: BTreeSet<u8>,
    ranges: HashSet<Prefix>,
}

impl Ranges {
    fn new(ranges: &[Prefix]) -> Ranges {
        Ranges {
            lengths: ranges.iter().map(|prefix| prefix.length()).collect(),
            ranges: ranges.iter().copied().collect(),
        }
    }

    fn cover(&self, prefix: Prefix) -> bool {
        self.lengths.range(..=prefix.length()).any(|bits| self.ranges.contains(&prefix.widened(*bits)))
    }
}

/// The limits, ready for look-ups.
#[derive(Debug)]
pub struct Guard {
    limits: Limits,
    protected: Ranges,
    routes: Ranges,
}

impl Guard {
    /// From settings. Without protected ranges nothing may be announced.
    pub fn new(limits: Limits) -> Guard {
        let (protected, routes) = (Ranges::new(&limits.protected), Ranges::new(&limits.routes));
        Guard { limits, protected, routes }
    }

    /// The settings.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The lease alone, for a renewal.
    pub fn check_lease(&self, lease: Duration) -> Result<()> {
        let most = Duration::from_secs(self.limits.lease_s.min(base::limits::LEASE_SECONDS_MAX));
        match lease {
            Duration::ZERO => Err(refused("lease", "a time in the future", "none")),
            lease if lease > most => {
                Err(refused("lease", format!("at most {} s", most.as_secs()), format!("{} s", lease.as_secs())))
            }
            _ => Ok(()),
        }
    }

    /// Whether an announcement may be made for this time with this approval: [`fault::GUARDED`] naming what is missing.
    pub fn check(&self, announcement: &Announcement, lease: Duration, approval: &Approval) -> Result<()> {
        self.check_lease(lease)?;
        if announcement.communities().len() > COMMUNITIES {
            return Err(refused("communities", format!("at most {COMMUNITIES}"), announcement.communities().len()));
        }
        let next_hop = announcement.next_hop();
        if next_hop.is_some_and(|hop| hop.is_ipv6() != announcement.family().is_ipv6()) {
            return Err(refused("next hop", "the family of the prefix", "the other"));
        }
        match announcement {
            Announcement::Blackhole { .. } => {}
            Announcement::FlowSpec { rule, action } => self.check_flow(rule, action)?,
            Announcement::Route { prefix, .. } if self.routes.cover(*prefix) => {}
            Announcement::Route { prefix, .. } => {
                return Err(refused(prefix, "a range within `routes`", "none around it"));
            }
        }
        let gone = announcement.takes_off_the_net();
        if let Some(prefix) = gone {
            self.check_blackhole(prefix)?;
        }
        let flow = matches!(announcement, Announcement::FlowSpec { .. });
        let needed =
            (gone.is_some() && self.limits.blackhole_needs_approval) || (flow && self.limits.flow_needs_approval);
        if needed && *approval == Approval::Missing {
            return Err(refused(announcement, "an approval", "none"));
        }
        Ok(())
    }

    fn check_blackhole(&self, prefix: Prefix) -> Result<()> {
        let shortest = if prefix.is_ipv6() { self.limits.blackhole_bits_v6 } else { self.limits.blackhole_bits_v4 };
        self.check_protected(prefix, shortest)
    }

    fn check_flow(&self, rule: &FlowRule, action: &Action) -> Result<()> {
        action.check()?;
        let Some(destination) = rule.destination() else {
            return Err(refused(rule, "a rule with a destination", "none, or one with an offset"));
        };
        let mut bytes = Vec::new();
        rule.write(&mut bytes);
        if bytes.len() > RULE_BYTES {
            return Err(refused("rule", format!("at most {RULE_BYTES} bytes"), bytes.len()));
        }
        let shortest = if destination.is_ipv6() { self.limits.flow_bits_v6 } else { self.limits.flow_bits_v4 };
        self.check_protected(destination, shortest)
    }

    fn check_protected(&self, prefix: Prefix, shortest: u8) -> Result<()> {
        if prefix.length() < shortest {
            return Err(refused(prefix, format!("at least {shortest} bits"), prefix.length()));
        }
        if !self.protected.cover(prefix) {
            return Err(refused(prefix, "a range within `protected`", "none around it"));
        }
        Ok(())
    }
}

fn refused(object: impl std::fmt::Display, expected: impl std::fmt::Display, found: impl std::fmt::Display) -> Fault {
    Fault::new(&fault::GUARDED).object(object).expected(expected).found(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{Field, Test};

    const MINUTE: Duration = Duration::from_secs(60);

    fn prefix(text: &str) -> Prefix {
        text.parse().unwrap()
    }

    fn guard() -> Guard {
        Guard::new(Limits {
            protected: vec![prefix("192.0.2.0/24"), prefix("2001:db8:1::/48")],
            routes: vec![prefix("198.51.100.0/24")],
            ..Limits::default()
        })
    }

    fn approved() -> Approval {
        Approval::Policy("rtbh-auto".into())
    }

    fn check(announcement: &Announcement) -> Result<()> {
        guard().check(announcement, MINUTE, &approved())
    }

    #[test]
    fn a_blackhole_is_one_protected_address_with_an_end_and_an_approval() {
        let good = Announcement::blackhole(prefix("192.0.2.9/32"));
        check(&good).unwrap();
        check(&Announcement::blackhole(prefix("2001:db8:1::9/128"))).unwrap();
        for wrong in ["192.0.2.0/24", "203.0.113.1/32", "0.0.0.0/0", "::/0", "2001:db8:1::/64", "2001:db8:2::1/128"] {
            assert!(check(&Announcement::blackhole(prefix(wrong))).unwrap_err().is(&fault::GUARDED), "{wrong}");
        }
        let guard = guard();
        assert!(guard.check(&good, MINUTE, &Approval::Missing).unwrap_err().wanted().contains("approval"));
        assert!(guard.check(&good, Duration::ZERO, &approved()).is_err());
        assert!(guard.check(&good, Duration::from_secs(48 * 3600), &approved()).is_err());
        assert!(
            Guard::new(Limits::default()).check(&good, MINUTE, &approved()).is_err(),
            "nothing is protected by default"
        );
    }

    #[test]
    fn a_rule_that_discards_all_is_a_blackhole() {
        let flow = |rule: FlowRule, action| Announcement::FlowSpec { rule, action };
        let net = FlowRule::to(prefix("192.0.2.0/24"));
        assert!(check(&flow(net.clone(), Action::Discard)).is_err());
        check(&flow(net.clone(), Action::RateLimit { bytes_s: 1e6 })).unwrap();
        let udp = net.when(Field::Protocol, &[Test::equal(17)]).unwrap();
        guard().check(&flow(udp, Action::Discard), MINUTE, &Approval::Missing).unwrap();
        let host = flow(FlowRule::to(prefix("192.0.2.1/32")), Action::Discard);
        check(&host).unwrap();
        assert!(guard().check(&host, MINUTE, &Approval::Missing).is_err());
    }

    #[test]
    fn a_blackhole_in_other_words_is_a_blackhole() {
        let words: [(Field, Vec<Test>); 4] = [
            (Field::Length, vec![Test::at_least(0)]),
            (Field::DestinationPort, Test::range(0, 65_535).to_vec()),
            (Field::TcpFlags, vec![Test::any_of(0xfff)]),
            (Field::Protocol, vec![Test::equal(6), Test::equal(17)]),
        ];
        let starving = [
            Action::Discard,
            Action::RateLimit { bytes_s: 1e-30 },
            Action::RateLimit { bytes_s: 1000.0 },
            Action::PacketLimit { packets_s: 0.5 },
        ];
        for ((field, tests), action) in words.iter().zip(starving) {
            let flow = |to: &str, action| {
                let rule = FlowRule::to(prefix(to)).when(*field, tests).unwrap();
                Announcement::FlowSpec { rule, action }
            };
            let (net, host) = (flow("192.0.2.0/24", action), flow("192.0.2.1/32", action));
            assert!(check(&net).unwrap_err().is(&fault::GUARDED), "{net}");
            check(&host).unwrap();
            assert!(
                guard().check(&host, MINUTE, &Approval::Missing).unwrap_err().wanted().contains("approval"),
                "{host}"
            );
            assert!(host.to_string().starts_with("blackhole by rule: "), "{host}");
            check(&flow("192.0.2.0/24", Action::RateLimit { bytes_s: 1e6 })).unwrap();
        }
    }

    #[test]
    fn a_rule_for_everyone_is_refused() {
        let anyone = FlowRule::new(false, vec![crate::flow::Component::Source(prefix("192.0.2.0/24").into())]).unwrap();
        assert!(check(&Announcement::FlowSpec { rule: anyone, action: Action::Discard }).is_err());
        let ports: Vec<Test> = (0..600).map(|port| Test::equal(300 + port)).collect();
        let long = FlowRule::to(prefix("192.0.2.1/32")).when(Field::Port, &ports).unwrap();
        assert!(check(&Announcement::FlowSpec { rule: long, action: Action::Discard }).is_err());
    }

    #[test]
    fn routes_have_a_list_of_their_own() {
        let route = |text| Announcement::Route { prefix: prefix(text), communities: vec![], next_hop: None, med: None };
        check(&route("198.51.100.0/24")).unwrap();
        assert!(check(&route("192.0.2.0/24")).is_err(), "protected is not enough to draw traffic here");
        assert!(check(&route("198.51.0.0/16")).is_err());
    }
}

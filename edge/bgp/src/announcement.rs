//! What can be announced, who approved it, and the message that says it.

use crate::Family;
use crate::community::{Action, Community};
use crate::flow::FlowRule;
use crate::message::{Attributes, Nlri, Segment, Update};
use crate::neighbour::Neighbour;
use base::Prefix;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// Something told to a neighbour.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Announcement {
    /// Drop everything to these addresses (RTBH, RFC 7999): they are gone from the net while it stands.
    Blackhole {
        /// The addresses.
        prefix: Prefix,
        /// Communities beside BLACKHOLE, as the provider wants them; RFC 7999 asks for NO_EXPORT or NO_ADVERTISE.
        #[serde(default)]
        communities: Vec<Community>,
        /// Next hop instead of the neighbour's setting.
        #[serde(default)]
        next_hop: Option<IpAddr>,
    },
    /// Drop or limit the packets of a rule.
    FlowSpec {
        /// Which packets.
        rule: FlowRule,
        /// What happens to them.
        action: Action,
    },
    /// Send packets to these addresses here: anycast, or diversion to a scrubber.
    Route {
        /// The addresses.
        prefix: Prefix,
        /// Communities.
        #[serde(default)]
        communities: Vec<Community>,
        /// Next hop instead of the neighbour's setting.
        #[serde(default)]
        next_hop: Option<IpAddr>,
        /// Multi-exit discriminator; a lower one is preferred.
        #[serde(default)]
        med: Option<u32>,
    },
}

impl Announcement {
    /// A blackhole that the neighbour keeps to itself.
    pub fn blackhole(prefix: Prefix) -> Announcement {
        Announcement::Blackhole { prefix, communities: vec![Community::NO_EXPORT], next_hop: None }
    }

    /// Its key.
    pub(crate) fn nlri(&self) -> Nlri {
        match self {
            Announcement::Blackhole { prefix, .. } | Announcement::Route { prefix, .. } => Nlri::Unicast(*prefix),
            Announcement::FlowSpec { rule, .. } => Nlri::Flow(rule.clone()),
        }
    }

    /// Its family.
    pub fn family(&self) -> Family {
        self.nlri().family()
    }

    /// Its own next hop, if it has one.
    pub(crate) fn next_hop(&self) -> Option<IpAddr> {
        match self {
            Announcement::Blackhole { next_hop, .. } | Announcement::Route { next_hop, .. } => *next_hop,
            Announcement::FlowSpec { .. } => None,
        }
    }

    /// The addresses that nothing reaches while it stands: those of a blackhole, and of a rule that is one in other words.
    pub fn takes_off_the_net(&self) -> Option<Prefix> {
        match self {
            Announcement::Blackhole { prefix, .. } => Some(*prefix),
            Announcement::FlowSpec { rule, action } if rule.takes_everything() && action.starves() => {
                rule.destination()
            }
            Announcement::FlowSpec { .. } | Announcement::Route { .. } => None,
        }
    }

    pub(crate) fn communities(&self) -> &[Community] {
        match self {
            Announcement::Blackhole { communities, .. } | Announcement::Route { communities, .. } => communities,
            Announcement::FlowSpec { .. } => &[],
        }
    }

    /// The message that says it to this neighbour over a session from `own`.
    pub(crate) fn update(&self, neighbour: &Neighbour, own: IpAddr) -> Update {
        let internal = neighbour.is_internal();
        // RFC 4271, 5.1.2 and 5.1.5: inside an AS the path is empty and a preference is told; outside the path begins with us.
        let as_path = if internal { vec![] } else { vec![Segment::sequence(vec![neighbour.local_as])] };
        let mut attributes = Attributes {
            origin: Some(0),
            as_path: Some(as_path),
            local_pref: internal.then_some(100),
            communities: self.communities().to_vec(),
            ..Attributes::default()
        };
        match self {
            Announcement::Blackhole { .. } => attributes.communities.push(Community::BLACKHOLE),
            Announcement::FlowSpec { action, .. } => attributes.extended = vec![action.extended(neighbour.local_as)],
            Announcement::Route { med, .. } => attributes.med = *med,
        }
        attributes.communities.sort_unstable();
        attributes.communities.dedup();
        let nlri = self.nlri();
        let next_hop = self.next_hop().or_else(|| neighbour.next_hop(nlri.family().is_ipv6(), own));
        Update::announce(nlri, next_hop, attributes)
    }
}

impl std::fmt::Display for Announcement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if matches!(self, Announcement::FlowSpec { .. }) && self.takes_off_the_net().is_some() {
            f.write_str("blackhole by rule: ")?;
        }
        match self {
            Announcement::Blackhole { prefix, .. } => write!(f, "blackhole {prefix}"),
            Announcement::Route { prefix, .. } => write!(f, "route {prefix}"),
            Announcement::FlowSpec { rule, action } => match action {
                Action::Discard => write!(f, "discard {rule}"),
                Action::RateLimit { bytes_s } => write!(f, "{bytes_s} bytes/s for {rule}"),
                Action::PacketLimit { packets_s } => write!(f, "{packets_s} packets/s for {rule}"),
                Action::Redirect { asn, value } => write!(f, "redirect to {asn}:{value} {rule}"),
                Action::Mark { dscp } => write!(f, "DSCP {dscp} for {rule}"),
            },
        }
    }
}

/// Who approved an announcement. Who decides is not this crate's matter; that somebody did is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "by", content = "name", rename_all = "kebab-case")]
pub enum Approval {
    /// Nobody.
    #[default]
    Missing,
    /// A standing policy, by its name.
    Policy(String),
    /// A person.
    Person(String),
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn neighbour(peer_as: u32) -> Neighbour {
        Neighbour::new("198.51.100.1".parse().unwrap(), 65_001, peer_as, Ipv4Addr::new(192, 0, 2, 2))
    }

    #[test]
    fn the_path_is_ours_outside_and_empty_inside() {
        let announcement = Announcement::blackhole("192.0.2.9/32".parse().unwrap());
        let own = "198.51.100.2".parse().unwrap();
        let outside = announcement.update(&neighbour(65_002), own).attributes;
        assert_eq!(outside.as_path, Some(vec![Segment::sequence(vec![65_001])]));
        assert_eq!(outside.communities, [Community::BLACKHOLE, Community::NO_EXPORT]);
        assert_eq!((outside.local_pref, outside.next_hop.map(IpAddr::V4)), (None, Some(own)));
        let inside = announcement.update(&neighbour(65_001), own).attributes;
        assert_eq!((inside.as_path, inside.local_pref), (Some(vec![]), Some(100)));
    }

    #[test]
    fn a_next_hop_of_its_own_comes_first() {
        let own = "198.51.100.2".parse().unwrap();
        let prefix = "2001:db8::1/128".parse().unwrap();
        let mut neighbour = neighbour(65_002);
        assert!(!neighbour.has_next_hop(true), "an IPv4 session has no IPv6 address");
        neighbour.next_hop_v6 = "100::1".parse().ok();
        let reach = Announcement::blackhole(prefix).update(&neighbour, own).reach.unwrap();
        assert_eq!(reach.next_hop, "100::1".parse().ok());
        let next_hop = "100::2".parse().ok();
        let announcement = Announcement::Blackhole { prefix, communities: vec![], next_hop };
        assert_eq!(announcement.update(&neighbour, own).reach.unwrap().next_hop, next_hop);
    }

    #[test]
    fn it_is_stored_and_read_again() {
        let rule = FlowRule::to("192.0.2.9/32".parse().unwrap());
        for announcement in [
            Announcement::blackhole("192.0.2.9/32".parse().unwrap()),
            Announcement::FlowSpec { rule, action: Action::RateLimit { bytes_s: 1e6 } },
        ] {
            let text = serde_json::to_string(&announcement).unwrap();
            assert_eq!(serde_json::from_str::<Announcement>(&text).unwrap(), announcement, "{text}");
        }
    }
}

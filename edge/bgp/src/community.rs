//! Communities (RFC 1997) and what a FlowSpec rule does, said as an extended community (RFC 8955, 7).

use crate::fault;
use base::{Fault, Result};
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// A community: two numbers of 16 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Community(pub u32);

impl Community {
    /// Discard all traffic to the prefix (RFC 7999).
    pub const BLACKHOLE: Community = Community(0xffff_029a);
    /// Not to be told to other ASes (RFC 1997).
    pub const NO_EXPORT: Community = Community(0xffff_ff01);
    /// Not to be told to any other router (RFC 1997).
    pub const NO_ADVERTISE: Community = Community(0xffff_ff02);
}

impl FromStr for Community {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Community> {
        let wrong = || Fault::new(&fault::COMMUNITY).object("community").found(text);
        let (high, low) = text.split_once(':').ok_or_else(wrong)?;
        let high: u16 = high.parse().map_err(|_| wrong())?;
        let low: u16 = low.parse().map_err(|_| wrong())?;
        Ok(Community(u32::from(high) << 16 | u32::from(low)))
    }
}

impl TryFrom<String> for Community {
    type Error = Fault;

    fn try_from(text: String) -> Result<Community> {
        text.parse()
    }
}

impl From<Community> for String {
    fn from(community: Community) -> String {
        community.to_string()
    }
}

impl std::fmt::Display for Community {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.0 >> 16, self.0 & 0xffff)
    }
}

/// Below this rate nothing can be served, bytes a second.
const STARVING_BYTES_S: f32 = 12_500.0;
/// The same in packets a second.
const STARVING_PACKETS_S: f32 = 10.0;

/// What a router does with packets that a FlowSpec rule matches.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Action {
    /// Drops them: a rate of zero.
    Discard,
    /// Lets this many bytes a second through.
    RateLimit {
        /// Bytes a second, above zero.
        bytes_s: f32,
    },
    /// Lets this many packets a second through.
    PacketLimit {
        /// Packets a second, above zero.
        packets_s: f32,
    },
    /// Sends them to the VRF that imports this route target: a scrubbing centre.
    Redirect {
        /// AS of the route target.
        asn: u16,
        /// Number of the route target.
        value: u32,
    },
    /// Sets the DSCP.
    Mark {
        /// 0–63.
        dscp: u8,
    },
}

/// An extended community (RFC 4360): eight bytes, the first two of which are its type.
pub type Extended = [u8; 8];

impl Action {
    /// Whether values are in their width; rates that are zero or no number would mean something else.
    pub fn check(&self) -> Result<()> {
        let rate = |rate: f32| rate.is_finite() && rate > 0.0;
        let good = match *self {
            Action::Discard | Action::Redirect { .. } => true,
            Action::RateLimit { bytes_s } => rate(bytes_s),
            Action::PacketLimit { packets_s } => rate(packets_s),
            Action::Mark { dscp } => dscp < 64,
        };
        if good { Ok(()) } else { Err(Fault::new(&fault::RULE).object("action").found(format!("{self:?}"))) }
    }

    /// Whether it lets nothing through that a service could live on.
    pub fn starves(&self) -> bool {
        match *self {
            Action::Discard => true,
            Action::RateLimit { bytes_s } => bytes_s < STARVING_BYTES_S,
            Action::PacketLimit { packets_s } => packets_s < STARVING_PACKETS_S,
            Action::Redirect { .. } | Action::Mark { .. } => false,
        }
    }

    /// Its extended community. The AS in a rate is informative and zero where it needs four bytes.
    pub fn extended(&self, asn: u32) -> Extended {
        let asn = u16::try_from(asn).unwrap_or(0).to_be_bytes();
        let rate = |kind: u8, rate: f32| {
            let rate = rate.to_be_bytes();
            [0x80, kind, asn[0], asn[1], rate[0], rate[1], rate[2], rate[3]]
        };
        match *self {
            Action::Discard => rate(0x06, 0.0),
            Action::RateLimit { bytes_s } => rate(0x06, bytes_s),
            Action::PacketLimit { packets_s } => rate(0x0c, packets_s),
            Action::Redirect { asn, value } => {
                let (asn, value) = (asn.to_be_bytes(), value.to_be_bytes());
                [0x80, 0x08, asn[0], asn[1], value[0], value[1], value[2], value[3]]
            }
            Action::Mark { dscp } => [0x80, 0x09, 0, 0, 0, 0, 0, dscp],
        }
    }

    /// The action that an extended community says, if it says one of ours. Negative rates count as zero (RFC 8955, 7.1).
    pub fn of(extended: Extended) -> Option<Action> {
        let [0x80, kind, asn0, asn1, value @ ..] = extended else { return None };
        let rate = f32::from_be_bytes(value);
        match kind {
            0x06 | 0x0c if rate.is_nan() => None,
            0x06 | 0x0c if rate <= 0.0 => Some(Action::Discard),
            0x06 => Some(Action::RateLimit { bytes_s: rate }),
            0x0c => Some(Action::PacketLimit { packets_s: rate }),
            0x08 => {
                let asn = u16::from_be_bytes([asn0, asn1]);
                Some(Action::Redirect { asn, value: u32::from_be_bytes(value) })
            }
            0x09 => Some(Action::Mark { dscp: value[3] & 0x3f }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_registered_numbers() {
        assert_eq!("65535:666".parse::<Community>().unwrap(), Community::BLACKHOLE);
        assert_eq!(Community::NO_EXPORT.to_string(), "65535:65281");
        for wrong in ["666", "65536:1", "1:65536", ":", "1:2:3", "-1:2"] {
            assert!(wrong.parse::<Community>().unwrap_err().is(&fault::COMMUNITY), "{wrong}");
        }
    }

    #[test]
    fn actions_have_the_bytes_of_the_standard() {
        assert_eq!(Action::Discard.extended(65_001), [0x80, 6, 0xfd, 0xe9, 0, 0, 0, 0]);
        let limit = Action::RateLimit { bytes_s: 125_000.0 };
        assert_eq!(limit.extended(4_200_000_000), [0x80, 6, 0, 0, 0x47, 0xf4, 0x24, 0]);
        for action in [
            Action::Discard,
            limit,
            Action::PacketLimit { packets_s: 9.5 },
            Action::Redirect { asn: 64_512, value: 77 },
            Action::Mark { dscp: 46 },
        ] {
            assert_eq!(Action::of(action.extended(65_001)), Some(action));
            action.check().unwrap();
        }
    }

    #[test]
    fn a_rate_that_is_none_is_refused() {
        for bytes_s in [0.0, -1.0, f32::NAN, f32::INFINITY] {
            assert!(Action::RateLimit { bytes_s }.check().unwrap_err().is(&fault::RULE));
        }
        assert!(Action::Mark { dscp: 64 }.check().is_err());
    }

    proptest! {
        #[test]
        fn any_eight_bytes_read_without_harm(bytes: [u8; 8]) {
            let _ = Action::of(bytes);
        }
    }
}

//! Why the packet filter did not let a packet through.

use base::Lang;
use serde::{Deserialize, Serialize};

/// Why a packet was dropped (or answered in the destination's stead). The numbers are those of `enum reason` in the C program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Reason {
    /// A header that contradicts itself: lengths, versions, flags that no stack sends.
    Malformed = 0,
    /// The source's range is denied by the operator.
    Denied = 1,
    /// The source is banned for a time.
    Banned = 2,
    /// UDP from a port of a service that reflects, in a shape that its users do not need.
    Amplification = 3,
    /// A signature made of samples matches.
    Signature = 4,
    /// A SYN that was answered with a cookie in the destination's stead; no client is lost by it.
    SynCookie = 5,
    /// An ACK that belongs to no connection and carries no valid cookie.
    BadAck = 6,
    /// The source sends more than its share.
    SourceRate = 7,
    /// The source's network (/24, or /64 of IPv6) sends more than its share.
    NetRate = 8,
    /// The destination gets more than it is meant to.
    DestinationRate = 9,
    /// Only verified sources are let through, and this one is not.
    NotVerified = 10,
    /// A fragment where fragments are not let through.
    Fragment = 11,
}

impl Reason {
    /// Number of reasons.
    pub const COUNT: usize = 12;
    /// All, in the order of their numbers.
    pub const ALL: [Reason; Reason::COUNT] = [
        Reason::Malformed,
        Reason::Denied,
        Reason::Banned,
        Reason::Amplification,
        Reason::Signature,
        Reason::SynCookie,
        Reason::BadAck,
        Reason::SourceRate,
        Reason::NetRate,
        Reason::DestinationRate,
        Reason::NotVerified,
        Reason::Fragment,
    ];

    /// The reason of a number.
    pub fn from_number(number: u8) -> Option<Reason> {
        Reason::ALL.get(usize::from(number)).copied()
    }

    /// Its number, as an index of [`crate::Counters::dropped`].
    pub fn index(self) -> usize {
        self as usize
    }

    /// Its name in records and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Reason::Malformed => "malformed",
            Reason::Denied => "denied",
            Reason::Banned => "banned",
            Reason::Amplification => "amplification",
            Reason::Signature => "signature",
            Reason::SynCookie => "syn-cookie",
            Reason::BadAck => "bad-ack",
            Reason::SourceRate => "source-rate",
            Reason::NetRate => "net-rate",
            Reason::DestinationRate => "destination-rate",
            Reason::NotVerified => "not-verified",
            Reason::Fragment => "fragment",
        }
    }

    /// What it means, for people.
    pub fn text(self, lang: Lang) -> &'static str {
        match self {
            Reason::Malformed => lang.pick("malformed header", "报文头畸形"),
            Reason::Denied => lang.pick("source range denied", "来源网段被拒绝"),
            Reason::Banned => lang.pick("source banned", "来源已封禁"),
            Reason::Amplification => lang.pick("UDP amplification", "UDP 反射放大"),
            Reason::Signature => lang.pick("attack signature", "命中攻击特征"),
            Reason::SynCookie => lang.pick("SYN answered with a cookie", "SYN 由 Cookie 代答"),
            Reason::BadAck => lang.pick("ACK of no connection", "无连接的 ACK"),
            Reason::SourceRate => lang.pick("source above its rate", "来源超速"),
            Reason::NetRate => lang.pick("source network above its rate", "来源网段超速"),
            Reason::DestinationRate => lang.pick("destination above its rate", "目的地址超速"),
            Reason::NotVerified => lang.pick("source not verified", "来源未验证"),
            Reason::Fragment => lang.pick("fragment", "分片报文"),
        }
    }

    /// Whether a client that is refused for this reason was not served: a SYN answered with a cookie is not lost.
    pub fn loses(self) -> bool {
        self != Reason::SynCookie
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_order_agree() {
        for (number, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(reason.index(), number);
            assert_eq!(Reason::from_number(number as u8), Some(reason));
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.word());
        }
        assert_eq!(Reason::from_number(Reason::COUNT as u8), None);
    }
}

//! Levels of defence of a destination.

use base::Lang;
use serde::{Deserialize, Serialize};

/// What is done for a destination; each level does all that those below it do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Level {
    /// Count and sample, drop nothing but what the operator denied or banned.
    #[default]
    Observe = 0,
    /// Drop malformed packets and UDP amplification.
    Clean = 1,
    /// Token buckets for each source and each source network.
    Limit = 2,
    /// Signatures and SYN cookies; HTTP clients prove themselves at the gateway.
    Prove = 3,
    /// Let through verified and allowed sources only.
    Verified = 4,
    /// Ask upstream: FlowSpec, then a blackhole with the service moved to another address by DNS.
    Upstream = 5,
}

impl Level {
    /// Number of levels.
    pub const COUNT: usize = 6;
    /// All, from the gentlest on.
    pub const ALL: [Level; Level::COUNT] =
        [Level::Observe, Level::Clean, Level::Limit, Level::Prove, Level::Verified, Level::Upstream];

    /// The level of a number.
    pub fn from_number(number: u8) -> Option<Level> {
        Level::ALL.get(usize::from(number)).copied()
    }

    /// Its number, 0 to 5.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The next one up; the highest stays.
    pub fn up(self) -> Level {
        Level::from_number(self.number() + 1).unwrap_or(self)
    }

    /// The next one down; the lowest stays.
    pub fn down(self) -> Level {
        self.number().checked_sub(1).and_then(Level::from_number).unwrap_or(self)
    }

    /// Its name in records and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Level::Observe => "observe",
            Level::Clean => "clean",
            Level::Limit => "limit",
            Level::Prove => "prove",
            Level::Verified => "verified",
            Level::Upstream => "upstream",
        }
    }

    /// The level of a name.
    pub fn from_word(word: &str) -> Option<Level> {
        Level::ALL.into_iter().find(|level| level.word() == word)
    }

    /// What it does, for people.
    pub fn text(self, lang: Lang) -> &'static str {
        match self {
            Level::Observe => lang.pick("observe", "仅观察"),
            Level::Clean => lang.pick("drop malformed packets and amplification", "丢弃畸形报文与反射放大"),
            Level::Limit => lang.pick("limit each source and network", "按来源与网段限速"),
            Level::Prove => lang.pick("signatures and SYN cookies", "特征过滤与 SYN Cookie"),
            Level::Verified => lang.pick("verified sources only", "仅放行已验证来源"),
            Level::Upstream => lang.pick("filter upstream", "上游过滤"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_step_within_their_ends() {
        assert_eq!(Level::Observe.down(), Level::Observe);
        assert_eq!(Level::Upstream.up(), Level::Upstream);
        for pair in Level::ALL.windows(2) {
            assert!(pair[0] < pair[1] && pair[0].up() == pair[1] && pair[1].down() == pair[0]);
        }
        for level in Level::ALL {
            assert_eq!(Level::from_word(level.word()), Some(level));
            assert_eq!(serde_json::to_value(level).unwrap(), level.word());
        }
    }
}

//! Content on its way from the server to the agents: rules, indicators, inputs, each under a [`Name`] and a version.
//!
//! [`Shelf`] what the server offers, one copy for all agents · [`Contents`] what an agent holds, on its disk ·
//! [`Taker`] who puts it to use · [`Files`] the form of content that is a set of texts.
//!
//! Content is whole or a *change* from one version to the next. An agent gets the changes from where it is, or the
//! whole when it is too far behind. Versions are the publisher's numbers; a number is never used for other bytes.
//!
//! Invariants
//! - An order or an acknowledgement is never behind more than [`WINDOW`] bytes of content.
//! - A server sends a name only to an agent that said it takes it, and never again a version that it refused.
//! - What an agent holds was checked against its SHA-256, put to use, and then stored, in this order; a crash between
//!   leaves the version before.

mod chain;
mod contents;
mod courier;
mod files;
mod line;
mod piece;
mod shelf;
mod status;
pub(crate) mod wire;

pub use contents::{Contents, Taken, Taker};
pub(crate) use contents::{Step, Whole};
pub(crate) use courier::Courier;
pub use files::{File, Files};
pub use line::Published;
pub use shelf::{Audience, Shelf};
pub use status::{Refusal, Standing, Tally};

use crate::fault;
use base::{Fault, Result};

/// What can be published. The order is the order of sending: a rule never waits for a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Name {
    /// Detection rules with their filters and correlations: [`Files`].
    Rules,
    /// Tuning of web sites for gateways: [`Files`], one a site.
    WafTuning,
    /// Inputs of logs: [`Files`] of the agent's configuration form.
    LogInputs,
    /// Rules of the file scanner: [`Files`].
    Yara,
    /// The filter of indicators, in the form of crate `intel`; its changes too.
    IntelFilter,
}

impl Name {
    /// Every name, the most urgent first.
    pub const ALL: &'static [Name] = &[Name::Rules, Name::WafTuning, Name::LogInputs, Name::Yara, Name::IntelFilter];

    /// What the agent of a host takes.
    pub const OF_AGENTS: &'static [Name] = &[Name::Rules, Name::LogInputs, Name::Yara, Name::IntelFilter];

    /// What a gateway takes.
    pub const OF_GATEWAYS: &'static [Name] = &[Name::WafTuning];

    /// Its word on the wire and in paths.
    pub const fn word(self) -> &'static str {
        match self {
            Name::Rules => "rules",
            Name::LogInputs => "log-inputs",
            Name::WafTuning => "waf-tuning",
            Name::Yara => "yara",
            Name::IntelFilter => "intel-filter",
        }
    }

    /// The name of a word.
    ///
    /// # Errors
    /// [`fault::CONTENT_NAME`].
    pub fn from_word(word: &str) -> Result<Name> {
        let known = || Name::ALL.iter().map(|name| name.word()).collect::<Vec<_>>().join(", ");
        let unknown = || Fault::new(&fault::CONTENT_NAME).object(format!("{word:?}")).expected(known());
        Name::ALL.iter().copied().find(|name| name.word() == word).ok_or_else(unknown)
    }
}

/// Largest content, bytes, packed or not: what a hostile server may make an agent hold.
pub const CONTENT_BYTES: usize = 64 * 1024 * 1024;
/// Largest part of content in one message, bytes. Small, so that an order on a slow line waits little.
pub(crate) const CHUNK: usize = 64 * 1024;
/// Bytes of content that may be under way to one agent.
pub const WINDOW: u64 = 256 * 1024;
/// Most changes kept of one name, and with them the longest way of an agent that was away.
pub(crate) const CHANGES: usize = 512;
/// Most bytes of changes, packed, before the whole is the shorter way.
pub(crate) const CHANGES_BYTES: usize = 1024 * 1024;

/// Which content: the version and the SHA-256 of the piece that led to it. Version 0 is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Mark {
    pub(crate) version: u64,
    pub(crate) sha256: [u8; 32],
}

/// What an agent holds under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Holding {
    pub(crate) mark: Mark,
    /// Version of the whole below the changes.
    pub(crate) base: u64,
    /// Bytes of changes on top of it.
    pub(crate) chain_bytes: u64,
}

#[cfg(test)]
mod chance;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_and_others_are_a_fault() {
        for name in Name::ALL {
            assert_eq!(Name::from_word(name.word()).unwrap(), *name);
        }
        assert!(Name::from_word("firmware").unwrap_err().is(&fault::CONTENT_NAME));
    }
}

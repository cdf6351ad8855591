//! Names moved away from an address that is attacked or dead, and back again: probes, quorum, RFC 2136 updates.
//!
//! What it is not: a name server or a resolver.
//!
//! Invariants
//! - A name is changed only from what it is believed to be, both families at once: of two controllers one wins, and the
//!   other is told what it found ([`Swap::Changed`]).
//! - No answer of a name server is believed that its key did not sign; the secret never shows.
//! - A name never moves to a place that its probers do not agree is up, and a single prober moves nothing
//!   ([`Quorum`]); how often it moves is bounded ([`SwitchingRules`]).
//! - A protected name lives at most 5 s in a cache ([`TTL_MAX_S`]).
//!
//! ```no_run
//! use divert::{Addresses, Protected, Settings, Swap, open};
//! use std::sync::Arc;
//! # async fn switch() -> base::Result<()> {
//! let settings = Settings {
//!     provider: "rfc2136".into(),
//!     server: "192.0.2.53:53".parse().expect("an address"),
//!     key_file: "switch.key".into(),
//!     witnesses: Vec::new(),
//! };
//! let records = open(&settings, Arc::new(base::SystemClock::default()), Arc::new(base::SystemRandom::new()))?;
//! let name = Protected::new("example.org", "www.example.org", 5)?;
//! let now = records.read(&name).await?.addresses;
//! let clean = Addresses::new(["198.51.100.7".parse().expect("an address")])?;
//! assert_eq!(records.compare_and_swap(&name, &now, &clean).await?, Swap::Done);
//! # Ok(()) }
//! ```

pub mod fault;

mod health;
mod name;
mod quorum;
mod switching;

mod guard;

mod exchange;
mod keeper;
mod key;
mod message;
mod probe;
mod prober;
mod provider;
mod vote;

pub use exchange::Patience;
pub use guard::{Guard, Place};
pub use health::{Condition, Health, HealthRules};
pub use keeper::{Hands, Keeper, Note};
pub use key::Key;
pub use name::{ADDRESSES_MAX, Addresses, Found, Protected, TTL_MAX_S};
pub use probe::{Failure, PROBES, Probe, ProbeSettings, Target};
pub use prober::{Prober, Sighting, Watch};
pub use provider::{ALL, Provider, Records, Seen, Settings, Swap, open};
pub use quorum::{PROBERS_MAX, Quorum, QuorumRules};
pub use switching::{Move, Outcome, Phase, Policy, Reason, Step, Switching, SwitchingRules};
pub use vote::{BALLOT_BYTES, Urn, Vote, Voter};

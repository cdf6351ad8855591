//! An announce-only BGP speaker: blackholes (RTBH) and FlowSpec rules told to routers upstream, and taken back.
//!
//! What it is not: a router. It learns no route and forwards nothing; what a neighbour tells is decoded, counted and left
//! out. It never listens, so there is no collision of connections. Graceful restart is not offered on purpose: when this
//! program dies, its neighbours shall forget what it told.
//!
//! Reading order: [`Announcement`] and [`Guard`] say what may be told; the table holds it with its lease; the machine is the
//! session without sockets; [`Speaker`] joins the machine with a connection. [`message`], [`flow`] and [`community`] are the
//! wire (RFC 4271, 4760, 5492, 6793, 8955, 8956, 7999, 9003).
//!
//! Invariants
//! - What a neighbour was told is what stands in the table (`machine::tests::what_is_told_is_what_stands`): an announcement
//!   is withdrawn when its lease ends, when it is taken back, and when the speaker stops; a lost session withdraws all.
//! - Nothing is announced outside the configured ranges, shorter than the configured length, without an end, or, where the
//!   limits want one, without an approval.
//! - A hold time of zero is refused: a neighbour that never times out would outlive every lease.
//! - No bytes of a neighbour panic, grow memory beyond one message and one queue, or take more than linear time.
//!
//! ```no_run
//! use bgp::{Announcement, Approval, Guard, Limits, Neighbour, Speaker};
//! use std::{sync::Arc, time::Duration};
//! # async fn example() -> base::Result<()> {
//! let router = Neighbour::new([192, 0, 2, 1].into(), 64_512, 64_513, [192, 0, 2, 2].into());
//! let limits = Limits { protected: vec!["203.0.113.0/24".parse()?], ..Limits::default() };
//! let (clock, chance) = (Arc::new(base::SystemClock::default()), Arc::new(base::SystemRandom::new()));
//! let runtime = tokio::runtime::Handle::current();
//! let speaker = Speaker::start(&runtime, router, Guard::new(limits), clock, chance)?;
//! let victim = Announcement::blackhole("203.0.113.9/32".parse()?);
//! let id = speaker.announce(victim, Duration::from_secs(600), Approval::Person("on call".into()))?;
//! speaker.withdraw(id)?;
//! speaker.stop("maintenance").await;
//! # Ok(())
//! # }
//! ```

mod announcement;
mod guard;
mod neighbour;

mod machine;
mod socket;
mod speaker;
mod table;

pub mod community;
mod family;
pub mod fault;
pub mod flow;
pub mod message;
mod prefix;
mod wire;

pub use announcement::{Announcement, Approval};
pub use community::{Action, Community};
pub use family::Family;
pub use flow::FlowRule;
pub use guard::{Guard, Limits};
pub use machine::{Counts, Peer, Phase, Row, State};
pub use neighbour::{Neighbour, PASSWORD_BYTES, Password, Secret};
pub use speaker::Speaker;
pub use table::Id;

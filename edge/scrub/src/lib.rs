//! The packet filter: one XDP program, its maps, counters and samples, and the lease that ends it.
//!
//! What it is not: a judgement. What is to be dropped comes from outside (`ddos`, an operator) and ends by itself.
//!
//! The program (`bpf/scrub.bpf.c`) walks a packet cheap and decisive first: denied prefix, ban, malformed, reflection,
//! signature, proof of address, rates; it counts exactly for each protected destination and samples headers. Levels,
//! lists and rules change through maps while it runs. It wants Linux 5.18 or newer, cookies of a router 6.0; without BTF of
//! connection tracking a router knows connections by their cookie and by [`Filter::confirm`] only. Drivers whose packets
//! are larger than a page get it in generic mode.
//!
//! Invariants
//! - Without [`Filter::renew`] everything passes when the lease is over, and [`watch()`] removes what is attached: a dead
//!   controller protects nobody and harms nobody.
//! - Dropping a [`Filter`] leaves an attached program to its lease; [`Filter::adopt`] finds it with all its state;
//!   [`Filter::detach`] leaves nothing.
//! - One process controls a filter: the pins' folder is held by a lock that ends with its process, however that ends.
//! - What the kernel holds can be read back: levels, lists, bans, signatures with their hits.
//! - A spoofed source makes no entry anywhere but in arrays of fixed size.
//! - Bytes that are no packet are counted and never crash.
//!
//! ```no_run
//! let plan = scrub::Plan::new(2, "/sys/fs/bpf/garrison".into());
//! let mut filter = scrub::Filter::attach(&plan, &base::SystemRandom::new())?;
//! filter.protect(&[("192.0.2.0/24".parse()?, ddos::Level::Clean)])?;
//! filter.renew()?;
//! for (prefix, counters) in filter.counters()? {
//!     eprintln!("{prefix}: {} packets, {} lost", counters.packets, counters.lost());
//! }
//! filter.detach()?;
//! # Ok::<(), base::Fault>(())
//! ```

mod address;
mod attach;
mod bans;
mod counts;
pub mod fault;
mod filter;
mod layout;
mod lists;
mod marks;
mod object;
mod pins;
mod places;
mod plan;
mod prefixes;
mod rules;
mod samples;
mod servers;
pub mod synproxy;
mod system;
mod trial;
mod watch;

pub use attach::{Attachment, Pins};
pub use filter::Filter;
pub use layout::RULES;
pub use lists::{Ban, Verdict};
pub use places::{Defence, Dropped};
pub use plan::{Cookies, Limits, Mode, Plan, Rate, Sizes};
pub use rules::InForce;
pub use trial::{Action, Trial};
pub use watch::{Ended, watch};

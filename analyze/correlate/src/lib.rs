//! Joins alerts into incidents: what belongs to one attack, in the order of the attack.
//!
//! What it is not: a detector (alerts come from `analyze/detect`) and not a store. It does no I/O, reads no clock
//! and draws no random number.
//!
//! Why an alert joins an incident, the strongest first; the reason is kept in words beside it:
//! 1. *Process tree*: its process, or an ancestor below the first hub, is one that a member has too ([`hub`]).
//!    An ancestor that leads its session (a daemon, a login shell) counts only within [`Limits::leader_us`].
//! 2. *Reach*: it reached into a process of a member (ptrace, process_vm_writev), or a member into its own.
//! 3. *Over hosts*, weighed and added up as chances are, enough from 50 of 100 on; each is kept as a [`record::Join`]:
//!    a *connection* or *login* that went from a process of one alert to the process or session of the other; the same
//!    *indicator*, dropped *file*, outside *address*, *fingerprint* (JA4, JA3) or, far too weak alone, account name,
//!    within [`Limits::spread_us`]. What is common (a jump host, an office address, a rolled-out file) weighs next to
//!    nothing.
//! 4. *Follow-up*: it names an alert of its own host, or the server does of any host, that it tells more of (the report of an attack,
//!    a host that took part in one).
//! 5. *Account*: the same account on the same host within [`Limits::account_us`]. Too weak to merge incidents, so it
//!    is asked only when nothing above answered.
//!
//! Ways between hosts come from telemetry ([`Correlator::event`]), kept in a bounded window. Alert and event may come in
//! any order. [`chain`] builds the attack chain of one incident: entry, spread, control, impact.
//!
//! Invariants
//! - The same alerts in the same order give the same incidents: ids are `INC-` and the id of the first alert.
//! - Alerts of a drill join only alerts of the same drill.
//! - When an alert links two incidents the younger goes into the older ([`Change::Merged`]); ids never move.
//! - Memory is bounded by [`Limits`]: the incident that grew longest ago leaves the index (it is not deleted: the
//!   caller has it), a full one is continued in a new one.
//! - Severity is the worst of the members, critical when three rules or more show three ATT&CK tactics
//!   or more in one tree.
//!
//! ```
//! # fn main() {
//! use correlate::{Change, Correlator, Limits};
//! let mut correlator = Correlator::new(Limits::default());
//! let alert = record::Alert { id: "a1".into(), ..record::Alert::default() };
//! let host = record::Host::default();
//! assert!(matches!(correlator.observe(&alert, &host), Change::Made(incident) if incident.id == "INC-a1"));
//! assert!(matches!(correlator.observe(&alert, &host), Change::Known(_)));
//! # }
//! ```

mod bridge;
pub mod chain;
mod correlator;
mod crowd;
pub mod hub;
mod index;
mod limits;
mod passage;
mod print;
mod reasons;
mod sight;
mod tactic;
mod track;

pub use bridge::tells_of_ways;
pub use correlator::{Change, Correlator};
pub use limits::Limits;
pub use reasons::OF_SERVER;
pub use tactic::{TACTICS, rank};
pub use track::Saved;

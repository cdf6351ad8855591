//! Joins alerts into incidents: what belongs to one attack, in the order of the attack.
//!
//! What it is not: a detector (alerts come from `analyze/detect`) and not a store. It does no I/O, reads no clock
//! and draws no random number.
//!
//! Why an alert joins an incident, the strongest first; the reason is kept in words beside it:
//! 1. *Process tree*: its process, or an ancestor below the first hub, is one that a member has too ([`hub`]).
//!    An ancestor that leads its session (a daemon, a login shell) counts only within [`Limits::leader_us`].
//! 2. *Reach*: it reached into a process of a member (ptrace, process_vm_writev), or a member into its own.
//! 3. *Executable*: the same SHA-256, outside the system's own directories, on another host within
//!    [`Limits::spread_us`].
//! 4. *Address*: the same remote address from another host, or this host's address contacted by a member, within
//!    [`Limits::spread_us`].
//! 5. *Account*: the same account on the same host within [`Limits::account_us`]. Too weak to merge incidents, so it
//!    is asked only when nothing above answered.
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

mod correlator;
pub mod hub;
mod index;
mod limits;
mod sight;
mod tactic;
mod track;

pub use correlator::{Change, Correlator};
pub use limits::Limits;
pub use tactic::{TACTICS, rank};
pub use track::Saved;

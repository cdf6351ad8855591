//! The hands on a host: actions with plan, apply, verify (read back from the kernel), undo and a mandatory lease.
//!
//! What can be done is a table ([`Hands`]): that of a host is in this crate, a program that acts on other things brings its
//! own [`Action`]s and gets the same journal, leases, dry runs, read-back, undo and never-block list.
//!
//! What it is not: the head. Rules, playbooks and people decide; this crate carries out an [`record::Order`] and answers with receipts.
//!
//! Invariants
//! - An order id is carried out or refused once; asked again, the receipts of then are given. An undo that overtakes
//!   its order closes the door to it.
//! - The intent is durable before anything changes; an order cut off by a crash is taken back at the next start, but
//!   for killing, which is carried out to its end.
//! - A receipt is told until it is safe with the server's outbox ([`Executor::untold`], [`Executor::told`]).
//! - Every action that can be undone has a lease of at most 30 days. Blocks and isolation end in the kernel even
//!   when the agent is dead; denied executions end with the agent; freezes end when the agent is started again.
//! - What is on the never-block list is refused at the place of enforcement, by name ([`NeverList`]).
//! - A reused pid never gets a signal: pidfd first, start time compared after. No path is followed through a symbolic link.
//!
//! ```no_run
//! use action::{Executor, ExecutorConfig, NoGate};
//! use std::sync::Arc;
//! # fn main() -> base::Result<()> {
//! let config = ExecutorConfig::new("state", "evidence");
//! let mut executor = Executor::new(config, Arc::new(NoGate), Arc::new(base::SystemClock::default()))?;
//! let order = record::Order { id: "ord-1".into(), mode: record::OrderMode::DryRun as i32, ..Default::default() };
//! println!("{:?}", executor.execute(&order).into_iter().chain(executor.tick()).collect::<Vec<_>>());
//! # Ok(()) }
//! ```

mod action;
mod attributes;
mod block;
mod cgroup;
#[cfg(test)]
mod crash;
mod deny_exec;
mod digest;
mod evidence;
mod executor;
mod export;
mod fanotify;
pub mod fault;
mod file_key;
mod firewall;
mod freeze;
mod fuse;
mod gate;
mod hands;
mod hasher;
mod host;
mod isolate;
mod journal;
mod kill_tree;
mod lease;
mod never;
mod process;
mod program;
mod quarantine;
mod redact;
mod reflex;
mod serve;
mod sessions;
mod tree;
mod vault;
mod walk;

pub use action::{ALL, Action, Adopted, Applied, Plan, Progress, network_of, pack, parameter, unpack};
pub use cgroup::Freezer;
pub use executor::Executor;
pub use fanotify::Listener;
pub use file_key::{FileKey, kernel_device};
pub use gate::{Denied, Gate, Gates, NoGate};
pub use hands::{Hand, Hands};
pub use host::{Boot, BootSource, ExecutorConfig, HostView};
pub use never::{Direction, Management, NeverList, Sessions};
pub use reflex::{BUDGET, LEASE_DEFAULT_S, Reflex};
pub use serve::{Job, serve};
pub use tree::widen;

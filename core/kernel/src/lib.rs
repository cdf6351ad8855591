//! The door to the kernel: BPF headers, loader, ring reader, and the planner that finds out which hooks really work.
//!
//! What it is not: a sensor. It knows objects, programs and hooks; which events they carry is the sensor's business.
//!
//! Invariants
//! - What the verifier or libbpf said about a refusal travels whole in the fault's inside text; nothing is printed.
//! - A program that the kernel refuses is left out by name and the rest of its object still loads.
//! - A hook counts only after a deed of our own made it fire ([`Attempt::fired`]): an attached hook that never fires
//!   is worse than none.
//! - Dropping a [`Loaded`] detaches and unloads everything of it.
//!
//! ```no_run
//! let mut shared = kernel::SharedMaps::default();
//! let object = kernel::load(&kernel::Plan { name: "process", bytes: &[], wanted: &|_| true, sizes: &[] }, &mut shared)?;
//! for refusal in &object.refused {
//!     eprintln!("{} is missing: {}", refusal.program, refusal.reason);
//! }
//! # Ok::<(), base::Fault>(())
//! ```

mod bell;
pub mod canary;
pub mod fault;
mod hook;
mod layout;
mod log;
mod object;
mod program;
mod ring;

pub use hook::{Attempt, Candidate, Hook, ProbeRow, ProbeTable, choose};
pub use layout::{Field, structure};
pub use object::{Loaded, Plan, Refusal, SharedMaps, load};
pub use program::{Program, programs};
pub use ring::Ring;

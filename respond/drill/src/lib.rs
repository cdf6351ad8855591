//! Rehearsals: safe techniques that an attacker uses, run for real so that detection and response can be seen to work.
//!
//! A drill is a file in `content/drills`: its ATT&CK technique, the rule that must see it, the action that must answer,
//! and a short shell script. Behaviour that a shell has no words for (memfd, ptrace, io_uring …) is in [`programs`].
//!
//! Invariants
//! - A drill touches only its own temporary directory and its own processes; its only traffic goes to loopback.
//! - It always ends: after [`TIME_LIMIT`] its whole session is killed; the directory is removed; what could not be taken
//!   back is said ([`Outcome::reverted`]). What a killed runner leaves is taken back by the next drill or by [`revert`].
//! - Its script lies in a directory whose name begins with [`FOLDER_PREFIX`], that belongs to the runner alone and names
//!   it ([`Mark`]): that is how the agent tells a rehearsal from an attack. It stays until the rehearsal is finished.
//! - Nothing in a drill is there for the rule's sake: what the rule looks for is done.
//!
//! ```no_run
//! let drill = drill::find("reverse-shell").unwrap();
//! let rehearsal = drill::Rehearsal::start(drill, &std::env::temp_dir()).unwrap();
//! rehearsal.wait();
//! assert!(rehearsal.finish().reverted);
//! ```

mod catalogue;
pub mod fault;
mod mark;
pub mod programs;
mod rehearsal;

pub use catalogue::{Drill, all, find};
pub use mark::{Mark, Runner};
pub use rehearsal::{FOLDER_PREFIX, Outcome, Rehearsal, TIME_LIMIT, revert};

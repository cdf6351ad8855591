//! Rehearsals: safe techniques that an attacker uses, run for real so that detection and response can be seen to work.
//!
//! A drill is a file in `content/drills`: its ATT&CK technique, the rule that must see it, the action that must answer,
//! and a short shell script. Behaviour that a shell has no words for (memfd, ptrace, io_uring …) is in [`programs`].
//!
//! Invariants
//! - A drill touches only its own temporary directory and its own processes; its only traffic goes to loopback.
//! - It always ends: after [`TIME_LIMIT`] its whole process group is killed; the directory is removed; what could not be
//!   taken back is said ([`Outcome::reverted`]).
//! - Its script lies in a directory whose name begins with [`FOLDER_PREFIX`] and is started by this program: that is how
//!   the agent tells a rehearsal from an attack.
//!
//! ```no_run
//! let drill = drill::find("reverse-shell").unwrap();
//! let outcome = drill::Rehearsal::start(drill, &std::env::temp_dir()).unwrap().finish();
//! assert!(outcome.reverted);
//! ```

mod catalogue;
pub mod fault;
pub mod programs;
mod rehearsal;

pub use catalogue::{Drill, all, find};
pub use rehearsal::{FOLDER_PREFIX, Outcome, Rehearsal, TIME_LIMIT, drill_of, revert};

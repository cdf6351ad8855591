//! The closed loop, simulated: the executable specification of the delivery contract.
//!
//! One host and one server, both with their real code (spool, rules, reflex, hands; door, log, pipeline, lake, correlator,
//! ledger), on disks and tables in memory, joined by a simulated network. A script of [`world::Step`]s is run by one thread,
//! one step after the other; time is moved by the script and chance comes from a seed, so a run can be repeated.
//!
//! What it is not: a test of TLS, gRPC or the kernel (`platform/fleet`, `tests/stories`, `tests/kernels` are).
//!
//! What holds after every run, whatever failed on the way ([`check`]):
//! 1. Every number of every start and lane up to the greatest that arrived is held exactly once or lies in a reported gap,
//!    and nothing that was acknowledged is beyond it.
//! 2. An event that is held is the one that was given this number.
//! 3. An alert that the spool took while the disk worked arrives, whatever is lost after it.
//! 4. An alert is in exactly one incident; alerts of one process tree are in the same.
//! 5. An order's intent is sealed before its result; nothing is carried out twice; the ledger verifies.
//! 6. When telemetry leaves the host no alert waits there.

pub mod check;
pub mod guard;
pub mod script;
pub mod station;
pub mod world;

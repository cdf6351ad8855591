//! Which installed packages are known to be vulnerable: versions compared as their packagers compare them, advisories in
//! the forms they are published in, and the match of the two.
//!
//! [`format`] reads OSV and Debian's tracker as streams into [`Advisory`] and counts what does not read; a list of known
//! exploited ones is read there too. [`ecosystem`] says of a host's package where advisories about it would stand and
//! under which name (its source's, or its own). [`matching`] compares; [`cvss`] computes scores.
//!
//! What it is not: a store or a client. The server keeps advisories by package, so that a host costs one look-up a
//! package however many advisories there are.
//!
//! Invariants
//! - Comparison of versions is a total order, and the packager's own: Debian's is tested against `dpkg`.
//! - A bad entry is a fault that names it; the rest of the file is read.
//! - What is read is never held as a whole: memory is that of the largest entry.
//!
//! ```ignore
//! let target = ecosystem::target(&system, &package)?;
//! for row in rows_of(&target) { if let Some(hit) = matching::check(&target, &row) { … } }
//! ```

pub mod advisory;
pub mod cvss;
pub mod fault;
pub mod limits;

pub mod version;

pub mod ecosystem;
pub mod format;
pub mod matching;

pub use advisory::{Advisory, Affected, Row, Severity};
pub use ecosystem::{System, Target};
pub use matching::{Finding, Hit};
pub use version::Scheme;

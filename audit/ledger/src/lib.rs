//! The ledger: an append-only chain of hashes over who did what to which object.
//!
//! What it is not: a store (that is `platform/store`) and not a secret. It shows that lines were changed, and
//! which first; it cannot bring them back.
//!
//! Invariants
//! - The hash covers every field in an encoding with lengths in front, so no two different entries encode to the
//!   same bytes ([`hash`]).
//! - Entries are numbered from 1 without holes, each names the hash of the one before ([`seal`]).
//! - A reader finds the first line that was edited, removed, inserted or moved ([`Verifier`]). What a chain alone
//!   cannot show, a tail cut off or all lines rewritten from some place on, is found with a [`Head`] that was kept
//!   elsewhere: agents keep the newest one that the server told them.
//!
//! ```
//! use ledger::{Draft, Head, Verifier, seal};
//! let details = serde_json::json!({"action": "isolate", "host": "web-7"});
//! let first = seal(None, Draft::new(1, "user:alice", "order.intent", "ord-1", &details));
//! let second = seal(Some(&first), Draft::new(2, "agent:a5", "order.result", "ord-1", &details));
//! let known = Head::of(&second);
//! let mut verifier = Verifier::new().expect_head(known);
//! verifier.feed(&first).unwrap();
//! assert!(verifier.finish().is_err(), "the second line is missing");
//! ```

mod canonical;
mod chain;
pub mod fault;
mod verify;

pub use canonical::{canonical, canonical_text};
pub use chain::{Draft, GENESIS, Head, hash, seal, seal_after};
pub use verify::{Summary, Verifier};

//! The matchers that rules, indicators and the web firewall share: many needles in one pass.
//!
//! - [`LiteralSet`]: any number of texts (contains, starts with, ends with, equals; either case rule) in one
//!   Aho-Corasick automaton.
//! - [`Expression`], [`ExpressionSet`]: regular expressions with the literals that any match must hold, so that an
//!   expression runs only where one of its literals was seen.
//! - [`Glob`]: text with `*` and `?`.
//! - [`PrefixSet`]: address ranges ([`base::Prefix`]), IPv4 and IPv6.
//! - [`Bits`]: the caller's set of answers, reused from text to text.
//!
//! What it is not: it knows neither rules nor fields nor events; answers are numbers that the caller gave out.
//!
//! Invariants
//! - Looking at a text allocates nothing once the answer set has its size.
//! - Time is linear in the text for literals and expressions (no backtracking), and at most text × pattern for globs.
//! - An expression from outside is bounded in memory, nesting and length before it is built ([`Expression::new`]).
//! - A guard never hides a match: every match of an expression holds one of its guards, ASCII case aside.
//!
//! ```
//! use pattern::{Bits, Literal, LiteralSet, Place};
//! let set = LiteralSet::new(&[
//!     Literal { text: b"/nc", place: Place::End, cased: false, answer: 0 },
//!     Literal { text: b"tmp", place: Place::Anywhere, cased: true, answer: 1 },
//! ]).unwrap();
//! let mut answers = Bits::new(2);
//! set.scan(b"/tmp/NC", &mut answers);
//! assert!(answers.has(0) && answers.has(1));
//! ```

mod bits;
mod expression;
pub mod fault;
mod glob;
mod literal;
mod prefix;
mod required;

pub use bits::Bits;
pub use expression::{Expression, ExpressionSet, Flags, escape};
pub use glob::{Glob, Piece};
pub use literal::{Literal, LiteralSet, Place};
pub use prefix::PrefixSet;

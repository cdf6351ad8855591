//! The gateway measured against the world: corpora, libmodsecurity as the second opinion, figures.
//!
//! What it is not: a judge of its own. What a request is comes from the corpora, what the rules say from OWASP CRS and
//! libmodsecurity; this crate feeds both engines with the same bytes and counts.
//!
//! - [`corpus`]: labelled requests and the regression tests of CRS.
//! - [`oracle`]: libmodsecurity's answers.

pub mod answer;
pub mod bench;
pub mod corpus;
pub mod detection;
pub mod difference;
pub mod door;
pub mod encode;
pub mod evaluate;
pub mod explain;
pub mod mutate;
pub mod oracle;
pub mod ours;
pub mod profile;
pub mod regression;
pub mod request;
pub mod rules;

//! A learned score beside the rules: how likely a request is an attack, from the look of its values and the rules that
//! held of them.
//!
//! - [`Scorer`]: a model that `make train-waf` made (trees over the features of [`names`]), read once;
//!   [`Scorer::judge`] gives one [`Score`] a request, the highest of its values'.
//! - [`Policy`]: what the score does to the anomaly score: off, observed, or added and taken off within bounds.
//!
//! What it is not: a rule engine (that is `waf`), nor a trainer. It keeps no state but a memory of short values
//! judged before; what a site's own traffic looks like is the positive model's matter (`profile`).
//!
//! Invariants
//! - Time is linear in the values, with limits on values, bytes and pieces; what is plain never reaches the trees.
//! - Influence is bounded by configuration; points are taken off only where the tokenizers are silent, never below 0.
//! - A model trained on other features is refused when it is read.
//! - Hits of rules count by category and only at paranoia level 1: the score means the same under any release of CRS and
//!   at any level.

mod category;
mod decode;
pub mod fault;
mod feature;
mod memory;
mod policy;
mod scorer;
mod text;

pub use feature::names;
pub use policy::{Adjustment, Mode, Policy};
pub use scorer::{Bands, Score, Scorer, Value, rows};

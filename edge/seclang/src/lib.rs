//! The ModSecurity rule language: files of directives become a [`Ruleset`] that an engine can compile.
//!
//! - [`load`]: reads configuration through a [`Reader`], follows `Include`, joins lines, merges default actions into
//!   rules, applies `SecRuleRemove*` and `SecRuleUpdate*`.
//! - [`Ruleset`], [`Rule`], [`Target`], [`Operator`], [`Actions`]: what was read, in reading order, nothing left to guess.
//! - [`Vocabulary`]: the names of operators, transformations and variables that the engine has; any other is a named
//!   fault with file and line.
//!
//! What it is not: it knows no request and evaluates nothing; it opens no file (the caller's [`Reader`] does).
//!
//! Invariants
//! - Reading hostile text gives a fault, never a panic; depth of includes, sizes and counts are bounded ([`limits`]).
//! - Every rule knows its [`Place`].
//!
//! Source: ModSecurity reference manual v2.x and v3.x, OWASP CRS 3.3 and 4.x.

mod model;

pub use model::{
    Actions, Collection, Ctl, CtlKind, Disruptive, EngineMode, Item, Marker, Operator, Phase, Piece, Place, Rule, Ruleset, SetOp,
    SetVar, Settings, Selector, Target, Text, TtlVar, Vocabulary,
};

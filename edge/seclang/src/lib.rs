//! The ModSecurity rule language: files of directives become a [`Ruleset`] that an engine can compile.
//!
//! - [`load`]: reads configuration through a [`Reader`], follows `Include`, joins lines, merges default actions into
//!   rules, applies `SecRuleRemove*` and `SecRuleUpdate*`.
//! - [`Ruleset`], [`Rule`], [`Target`], [`Operator`], [`Actions`]: what was read, in reading order, nothing left to guess.
//! - [`Vocabulary`]: the names of operators, transformations and variables that the engine has; any other is a named
//!   fault with file and line.
//! - [`tuning`]: exclusions, policy variables and virtual patches of a site as data, compiled to rules.
//!
//! What it is not: it knows no request and evaluates nothing; it opens no file (the caller's [`Reader`] does).
//!
//! Invariants
//! - Reading hostile text gives a fault, never a panic; depth of includes, sizes and counts are bounded ([`limits`]).
//! - Every rule knows its [`Place`]; every fault names file and line, and all faults of a load are told together.
//! - Where versions of the language differ, the reading is that of libmodsecurity 3.0.15; what is read otherwise says so.
//!
//! ```
//! use seclang::{MemoryReader, Vocabulary, load};
//! let mut reader = MemoryReader::default();
//! reader.put("site.conf", "SecRule ARGS:name \"@rx ^a\" \"id:1,phase:2,deny,t:none,t:lowercase\"");
//! let vocabulary = Vocabulary { operators: &["rx"], transformations: &["none", "lowercase"], variables: &["ARGS"], aliases: &[] };
//! assert_eq!(load(&mut reader, &["site.conf"], &vocabulary)?.items.len(), 1);
//! ```
//!
//! Source: ModSecurity reference manual v2.x and v3.x, OWASP CRS 3.3 and 4.x.

mod action;
mod directive;
pub mod fault;
pub mod limits;
mod load;
mod model;
mod names;
mod operator;
mod reader;
mod rule;
mod setting;
mod target;
mod text;
pub mod tuning;
mod unicode;
mod update;

pub use load::load;
pub use model::{
    Actions, Collection, Ctl, CtlKind, Disruptive, EngineMode, Item, Marker, Operator, Phase, Piece, Place, Rule,
    Ruleset, Selector, SetOp, SetVar, Settings, Target, Text, TtlVar, Vocabulary,
};
pub use reader::{MemoryReader, Overlay, Reader, matches};

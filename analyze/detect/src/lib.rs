//! Sigma rules, compiled together and run on typed events and on records of logs.
//!
//! [`Engine::compile`] reads rules (Sigma rules specification 2.1, the whole rule part) and [`Engine::evaluate`] says
//! which of them an event fits. What happens with a hit is decided elsewhere: this crate does no I/O (but for
//! [`cases`], which reads the cases beside rules) and asks for neither time nor chance.
//!
//! What it is not: a log parser, an indicator store. What several events say together is in [`correlation`].
//!
//! How it is fast: rules are routed by log source ([`route`]); all literals, numbers and address ranges that the rules
//! of a bucket look for in a field are found in one pass, as bits; each rule names its rarest bits as witnesses and is
//! run only when one of them is set; regular expressions and globs run last, behind the literals they need; fields
//! that hold no witness are looked at only on demand.
//!
//! Invariants
//! - A bad rule is listed with `file:line`, what was expected and a hint, and takes no other rule with it.
//! - Every name of a field is resolved when the rule is compiled ([`field_map`]); a name that means nothing is a fault.
//!   Names in rules about logs are those of the log: numbered when compiled, found in one pass over a record.
//! - An event gives at most one hit of a rule, however many ways lead to it (log source, program, audit record).
//! - A witness or guard never hides a match: the same rules one by one give the same hits.
//! - Judging an event allocates nothing once the caller's [`Scratch`] has grown.
//!
//! ```
//! use detect::{Engine, Scratch, Source, cases};
//! let text = "title: nc\nlogsource: {product: linux, category: process_creation}\n\
//!     detection:\n  sel:\n    Image|endswith: /nc\n  condition: sel\n";
//! let (engine, faults) = Engine::compile(&[Source { name: "nc.yml".into(), text: text.into() }]);
//! assert!(faults.is_empty());
//! let event = cases::event(record::Kind::Exec, &[("process.exe", "/usr/bin/nc")]).unwrap();
//! let mut hits = Vec::new();
//! engine.evaluate(&event, &mut Scratch::new(), &mut hits);
//! assert_eq!(hits.len(), 1);
//! ```

// The parts of the language that several modules here name, by one path.
use sigma::{condition, reader, rule, selection, yaml};

pub use sigma::fault;
mod limits;

mod bucket;
mod code;
mod compile;
mod engine;
mod explain;
pub mod field_map;
mod log_source;
mod lower;
mod names;
mod program;
mod reference;
pub mod route;
mod scan;
mod view;

pub mod cases;
pub mod correlation;
pub mod workload;

pub use bucket::Scratch;
pub use engine::{Engine, RuleIndex, Source, Unrouted};
pub use sigma::modifier::Placeholders;
pub use sigma::rule::{LogSource, Rule, Status};

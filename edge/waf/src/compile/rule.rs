//! Rules, ready to run.

use super::scan::Bits;
use super::target::Pick;
use super::text::Template;
use crate::operator::Operator;
use crate::variable::Variable;
use atoms::number::{integer, long};
use seclang::{Collection, EngineMode, Phase, Place, SetOp};

/// A rule or a link of a chain.
pub(crate) struct Rule {
    /// Number; 0 for links.
    pub id: u64,
    /// When.
    pub phase: Phase,
    /// Where it was written.
    pub place: Place,
    /// Number of its target set; `None` for `SecAction`.
    pub set: Option<u32>,
    /// Node of its pipeline.
    pub node: u32,
    /// The test.
    pub test: Test,
    /// `!`.
    pub negated: bool,
    /// What is done.
    pub actions: Actions,
    /// The next link of the chain.
    pub next: Option<u32>,
    /// Its test in short, if it is of the commonest kind.
    pub quick: Option<Quick>,
}

/// The test of a number in `TX`: gates of paranoia levels and defaults, a third of all rules that run.
#[derive(Clone, Copy)]
pub(crate) struct Quick {
    /// `TX`.
    pub variable: &'static Variable,
    /// Which.
    pub slot: u32,
    /// `&`: whether it is there.
    pub count: bool,
    /// How it is compared.
    pub compare: Compare,
    /// With what.
    pub number: i64,
}

/// The test of a rule.
pub(crate) enum Test {
    /// Always holds (`SecAction`).
    Always,
    /// A number is compared.
    Number(Compare, Number),
    /// A test made at load, by its number.
    Fixed(u32),
    /// A test made when its argument is known; its number among those.
    Made(&'static dyn Operator, Template, u32),
}

/// What a number is compared with.
pub(crate) enum Number {
    /// Known at load.
    Fixed(i64),
    /// Known when its macros are.
    Made(Template),
}

/// How numbers are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Compare {
    /// `@eq`.
    Eq,
    /// `@ge`.
    Ge,
    /// `@gt`.
    Gt,
    /// `@le`.
    Le,
    /// `@lt`.
    Lt,
}

impl Compare {
    /// By the operator's name.
    pub fn named(name: &str) -> Option<Compare> {
        Some(match name {
            "eq" => Compare::Eq,
            "ge" => Compare::Ge,
            "gt" => Compare::Gt,
            "le" => Compare::Le,
            "lt" => Compare::Lt,
            _ => return None,
        })
    }

    /// The number that a text is for this operator: libmodsecurity reads 32 bits for `@eq`, 64 for the others.
    pub fn read(self, text: &[u8]) -> i64 {
        match self {
            Compare::Eq => integer(text),
            _ => long(text),
        }
    }

    /// Whether `value` stands so to `argument`.
    pub fn holds(self, value: i64, argument: i64) -> bool {
        match self {
            Compare::Eq => value == argument,
            Compare::Ge => value >= argument,
            Compare::Gt => value > argument,
            Compare::Le => value <= argument,
            Compare::Lt => value < argument,
        }
    }
}

/// What a rule does.
pub(crate) struct Actions {
    /// Each time a value matches.
    pub set_vars: Vec<SetVar>,
    /// Once, when the whole chain held.
    pub after: Vec<After>,
    /// What happens to the request.
    pub disruptive: Disruptive,
    /// Its status.
    pub status: u16,
    /// `msg`.
    pub message: Option<Template>,
    /// `logdata`.
    pub log_data: Option<Template>,
    /// `severity`.
    pub severity: Option<u8>,
    /// `tag`.
    pub tags: Vec<Template>,
    /// `log`.
    pub log: bool,
    /// `auditlog`.
    pub audit: bool,
    /// `capture`.
    pub capture: bool,
    /// `multiMatch`.
    pub multi: bool,
    /// `skipAfter`: number of the marker.
    pub skip_after: Option<u32>,
    /// `rev`.
    pub revision: String,
}

/// See [`seclang::Disruptive`].
pub(crate) enum Disruptive {
    Pass,
    Deny,
    Drop,
    Allow(Allow),
    Redirect(Template),
}

/// How far an `allow` goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Allow {
    /// This phase.
    Phase,
    /// All phases of the request.
    Request,
    /// All phases but the last.
    All,
}

/// A name within a collection.
pub(crate) enum Key {
    /// `TX`, by its number.
    Slot(u32),
    /// Written out, or with macros.
    Text(Template),
}

/// `setvar`.
pub(crate) struct SetVar {
    pub collection: Collection,
    pub key: Key,
    pub op: SetOp,
    pub value: Template,
    /// Number of the value among `Program::constants`, when no macro is in it.
    pub constant: Option<u32>,
}

/// An action after the whole chain held.
pub(crate) enum After {
    /// `expirevar`.
    Expire(Collection, Key, Template),
    /// `initcol`.
    Init(Collection, Template),
    /// `ctl:ruleEngine`.
    Engine(EngineMode),
    /// `ctl:ruleRemoveById` and its kin: these rules.
    Remove(Bits),
    /// `ctl:ruleRemoveTargetById` and its kin, by number in `Program::removals`.
    RemoveTarget(u32),
    /// `ctl:requestBodyProcessor`.
    Processor(String),
    /// `ctl:requestBodyAccess`.
    BodyAccess(bool),
    /// `ctl:responseBodyAccess`.
    ResponseBodyAccess(bool),
    /// `ctl:requestBodyLimit`.
    BodyLimit(u64),
    /// `ctl:forceRequestBodyVariable`.
    BodyVariable(bool),
}

/// A target taken away from some rules.
pub(crate) struct Removal {
    /// The rules.
    pub rules: Bits,
    /// The variable.
    pub variable: &'static Variable,
    /// Of it; names by their exact spelling, as libmodsecurity has it.
    pub pick: Pick,
}

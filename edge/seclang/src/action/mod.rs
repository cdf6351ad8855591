//! Actions: the last word of a rule, read into steps that defaults, rules and updates put one after the other.

mod ctl;
mod split;
mod variable;

use crate::fault::{ACTION, MACRO, TRANSFORMATION, UNSUPPORTED, VALUE};
use crate::model::{Collection, Ctl, Disruptive, Phase, Place, SetVar, Text, TtlVar, Vocabulary};
use crate::names::{canonical, fault, nearest, shown};
use crate::text;
use base::{Fault, Result};
use split::Part;
use std::sync::Arc;

pub(crate) use ctl::{engine_mode, id_ranges, on_off};

/// One action, as written.
#[derive(Debug, Clone)]
pub(crate) enum Action {
    Id(u64),
    Phase(Phase),
    Chain,
    /// What happens; `None` is `block`: what the phase's default says.
    Disruptive(Option<Disruptive>),
    Status(u16),
    Message(Text),
    LogData(Text),
    Severity(u8),
    Tag(Text),
    Version(String),
    Revision(String),
    Maturity(u8),
    Accuracy(u8),
    Log(bool),
    AuditLog(bool),
    Capture,
    MultiMatch,
    Skip(u32),
    SkipAfter(Arc<str>),
    SetVar(SetVar),
    Expire(TtlVar),
    Init(Collection, Text),
    Ctl(Ctl),
    Sanitise(String),
    /// `None` is `t:none`: what stood before is forgotten.
    Transformation(Option<&'static str>),
}

/// Names of the actions, for telling the nearest.
const NAMES: &[&str] = &[
    "accuracy",
    "allow",
    "auditlog",
    "block",
    "capture",
    "chain",
    "ctl",
    "deny",
    "drop",
    "expirevar",
    "id",
    "initcol",
    "log",
    "logdata",
    "maturity",
    "msg",
    "multiMatch",
    "noauditlog",
    "nolog",
    "pass",
    "phase",
    "redirect",
    "rev",
    "sanitiseArg",
    "sanitiseMatched",
    "sanitiseMatchedBytes",
    "sanitiseRequestHeader",
    "sanitiseResponseHeader",
    "setenv",
    "setrsc",
    "setsid",
    "setuid",
    "setvar",
    "severity",
    "skip",
    "skipAfter",
    "status",
    "t",
    "tag",
    "ver",
    "xmlns",
];

/// Actions of the language that are not done: programs and content of others within an answer.
const REFUSED: &[&str] = &["append", "deprecatevar", "exec", "pause", "prepend", "proxy"];

/// Severities by name, 0 first (syslog's).
const SEVERITIES: &[&str] = &["emergency", "alert", "critical", "error", "warning", "notice", "info", "debug"];

/// What reading one action needs to know.
pub(crate) struct Context<'c> {
    pub(crate) vocabulary: &'c Vocabulary<'c>,
    pub(crate) place: &'c Place,
}

impl Context<'_> {
    fn text(&self, text: &str) -> Result<Text> {
        text::parse(text, self.vocabulary, self.place)
    }

    fn wrong(&self, name: &str, value: &str, expected: &str) -> Fault {
        fault(&VALUE, self.place).expected(expected).found(shown(&format!("{name}:{value}")))
    }

    fn number<N>(&self, name: &str, value: &str, least: N, most: N) -> Result<N>
    where
        N: std::str::FromStr + PartialOrd + std::fmt::Display,
    {
        let number = value.trim().parse().ok().filter(|number| (&least..=&most).contains(&number));
        number.ok_or_else(|| self.wrong(name, value, &format!("a number from {least} to {most}")))
    }
}

/// Reads a list of actions. Every action that cannot be read is told.
pub(crate) fn parse(list: &str, context: &Context<'_>, faults: &mut Vec<Fault>) -> Vec<Action> {
    let mut actions = Vec::new();
    for part in split::split(list) {
        match part.and_then(|part| action(&part, context).map(|read| actions.extend(read))) {
            Ok(()) => {}
            Err(cause) => faults.push(if cause.named().is_empty() {
                cause.object(format!("{}:{}", context.place.file, context.place.line))
            } else {
                cause
            }),
        }
    }
    actions
}

fn action(part: &Part, context: &Context<'_>) -> Result<Vec<Action>> {
    let name = part.name.to_ascii_lowercase();
    let value = part.value.as_deref().unwrap_or("");
    if name == "ctl" {
        return Ok(ctl::parse(value, context)?.into_iter().map(Action::Ctl).collect());
    }
    if REFUSED.contains(&name.as_str()) {
        return Err(fault(&UNSUPPORTED, context.place).found(shown(&part.name)));
    }
    if name == "xmlns" {
        // Names of namespaces; elements and attributes are found without them.
        return Ok(Vec::new());
    }
    if let Some(action) = flag(&name) {
        return match &part.value {
            None => Ok(vec![action]),
            Some(value) => Err(context.wrong(&part.name, value, "no value")),
        };
    }
    let read = match metadata(&name, value, context)? {
        Some(action) => Some(action),
        None => flow(&name, value, context)?,
    };
    let read = match read {
        Some(action) => Some(action),
        None => variable::parse(&name, value, context)?,
    };
    match read {
        Some(action) => Ok(vec![action]),
        None => {
            let near = nearest(NAMES.iter().copied(), &name);
            Err(fault(&ACTION, context.place).expected(near).found(shown(&part.name)))
        }
    }
}

/// Actions without a value.
fn flag(name: &str) -> Option<Action> {
    Some(match name {
        "chain" => Action::Chain,
        "block" => Action::Disruptive(None),
        "pass" => Action::Disruptive(Some(Disruptive::Pass)),
        "deny" => Action::Disruptive(Some(Disruptive::Deny)),
        "drop" => Action::Disruptive(Some(Disruptive::Drop)),
        "log" => Action::Log(true),
        "nolog" => Action::Log(false),
        "auditlog" => Action::AuditLog(true),
        "noauditlog" => Action::AuditLog(false),
        "capture" => Action::Capture,
        "multimatch" => Action::MultiMatch,
        _ => return None,
    })
}

/// Actions that say what a rule is.
fn metadata(name: &str, value: &str, context: &Context<'_>) -> Result<Option<Action>> {
    Ok(Some(match name {
        "id" => Action::Id(context.number(name, value, 1, u64::MAX)?),
        "phase" => Action::Phase(
            phase(value).ok_or_else(|| context.wrong(name, value, "1 to 5, request, response or logging"))?,
        ),
        "msg" => Action::Message(context.text(value)?),
        "logdata" => Action::LogData(context.text(value)?),
        "tag" => Action::Tag(context.text(value)?),
        "ver" => Action::Version(value.to_string()),
        "rev" => Action::Revision(value.to_string()),
        "maturity" => Action::Maturity(context.number(name, value, 0, 9)?),
        "accuracy" => Action::Accuracy(context.number(name, value, 0, 9)?),
        "severity" => {
            Action::Severity(match SEVERITIES.iter().position(|word| word.eq_ignore_ascii_case(value.trim())) {
                Some(number) => number as u8,
                None => context
                    .number(name, value, 0, 7)
                    .map_err(|fault| fault.expected(format!("0 to 7 or one of {}", SEVERITIES.join(", "))))?,
            })
        }
        _ => return Ok(None),
    }))
}

/// `request` and `response` stand for the phases that know the body.
fn phase(value: &str) -> Option<Phase> {
    match value.trim().to_ascii_lowercase().as_str() {
        "1" => Some(Phase::RequestHeaders),
        "2" | "request" => Some(Phase::RequestBody),
        "3" => Some(Phase::ResponseHeaders),
        "4" | "response" => Some(Phase::ResponseBody),
        "5" | "logging" => Some(Phase::Logging),
        _ => None,
    }
}

/// Actions that say what happens.
fn flow(name: &str, value: &str, context: &Context<'_>) -> Result<Option<Action>> {
    Ok(Some(match name {
        "allow" => Action::Disruptive(Some(match value.trim().to_ascii_lowercase().as_str() {
            "" => Disruptive::Allow,
            "phase" => Disruptive::AllowPhase,
            "request" => Disruptive::AllowRequest,
            _ => return Err(context.wrong(name, value, "allow, allow:phase or allow:request")),
        })),
        "redirect" if value.is_empty() => return Err(context.wrong(name, value, "an address")),
        "redirect" => Action::Disruptive(Some(Disruptive::Redirect(context.text(value)?))),
        "status" => Action::Status(context.number(name, value, 100, 599)?),
        "skip" => Action::Skip(context.number(name, value, 1, 100_000)?),
        "skipafter" if value.is_empty() => return Err(context.wrong(name, value, "the name of a SecMarker or an id")),
        "skipafter" => Action::SkipAfter(value.into()),
        "t" => Action::Transformation(transformation(value.trim(), context)?),
        _ => return Ok(None),
    }))
}

fn transformation(name: &str, context: &Context<'_>) -> Result<Option<&'static str>> {
    if name.eq_ignore_ascii_case("none") {
        return Ok(None);
    }
    match canonical(context.vocabulary, context.vocabulary.transformations, name) {
        Some(name) => Ok(Some(name)),
        None => {
            let near = nearest(context.vocabulary.transformations.iter().copied(), name);
            Err(fault(&TRANSFORMATION, context.place).expected(near).found(shown(&format!("t:{name}"))))
        }
    }
}

/// A text that must not be empty.
fn filled(text: &Text, found: &str, context: &Context<'_>) -> Result<()> {
    if text.0.is_empty() {
        return Err(fault(&MACRO, context.place).expected("a key").found(shown(found)));
    }
    Ok(())
}

#[cfg(test)]
mod tests;

//! `ctl:name=value`: what is changed for this transaction only.

use super::Context;
use crate::fault::{ACTION, VALUE};
use crate::model::{Ctl, CtlKind, EngineMode, Target};
use crate::names::{fault, nearest, shown};
use crate::target;
use base::{Fault, Result};

/// Names of what `ctl` changes, for telling the nearest.
const NAMES: &[&str] = &[
    "auditEngine",
    "auditLogParts",
    "debugLogLevel",
    "forceRequestBodyVariable",
    "requestBodyAccess",
    "requestBodyLimit",
    "requestBodyProcessor",
    "responseBodyAccess",
    "ruleEngine",
    "ruleRemoveById",
    "ruleRemoveByMsg",
    "ruleRemoveByTag",
    "ruleRemoveTargetById",
    "ruleRemoveTargetByMsg",
    "ruleRemoveTargetByTag",
];

/// Reads one `ctl`. One that names several targets becomes several.
pub(super) fn parse(value: &str, context: &Context<'_>) -> Result<Vec<Ctl>> {
    let Some((name, value)) = value.split_once('=') else {
        return Err(context.wrong("ctl", value, "name=value"));
    };
    let (name, value) = (name.trim(), value.trim());
    let lower = name.to_ascii_lowercase();
    if let Some(removal) = lower.strip_prefix("ruleremovetarget") {
        return targets(removal, name, value, context);
    }
    let kind = match lower.as_str() {
        "ruleengine" => CtlKind::RuleEngine(
            engine_mode(value).ok_or_else(|| context.wrong(name, value, "On, Off or DetectionOnly"))?,
        ),
        "ruleremovebyid" => CtlKind::RemoveById(ranges(value, context)?),
        "ruleremovebytag" => CtlKind::RemoveByTag(value.to_string()),
        "ruleremovebymsg" => CtlKind::RemoveByMsg(value.to_string()),
        "requestbodyprocessor" => CtlKind::BodyProcessor(value.to_ascii_uppercase()),
        "requestbodyaccess" => CtlKind::BodyAccess(switch(name, value, context)?),
        "responsebodyaccess" => CtlKind::ResponseBodyAccess(switch(name, value, context)?),
        "forcerequestbodyvariable" => CtlKind::ForceBodyVariable(switch(name, value, context)?),
        "requestbodylimit" => CtlKind::BodyLimit(context.number(name, value, 0, u64::MAX)?),
        "auditengine" | "auditlogparts" | "debugloglevel" => CtlKind::Log(name.to_string(), value.to_string()),
        _ => {
            let near = nearest(NAMES.iter().copied(), name);
            return Err(fault(&ACTION, context.place).expected(near).found(shown(&format!("ctl:{name}"))));
        }
    };
    Ok(vec![Ctl { kind }])
}

/// `ruleRemoveTargetById=942100;ARGS:name`, `…ByTag=tag;TARGET`, `…ByMsg=text;TARGET`.
fn targets(removal: &str, name: &str, value: &str, context: &Context<'_>) -> Result<Vec<Ctl>> {
    let Some((which, list)) = value.split_once(';') else {
        return Err(context.wrong(name, value, "rules;target"));
    };
    let which = which.trim();
    let kind: Box<dyn Fn(Target) -> CtlKind> = match removal {
        "byid" => {
            let ids = ranges(which, context)?;
            Box::new(move |target| CtlKind::RemoveTargetById(ids.clone(), target))
        }
        "bytag" => Box::new(|target| CtlKind::RemoveTargetByTag(which.to_string(), target)),
        "bymsg" => Box::new(|target| CtlKind::RemoveTargetByMsg(which.to_string(), target)),
        _ => {
            return Err(fault(&ACTION, context.place)
                .expected(nearest(NAMES.iter().copied(), name))
                .found(shown(name)));
        }
    };
    let targets = target::parse(list, context.vocabulary, context.place)?;
    if let Some(odd) = targets.iter().find(|target| target.count || target.exclude) {
        return Err(context.wrong(name, &odd.to_string(), "a target without ! and &"));
    }
    Ok(targets.into_iter().map(|target| Ctl { kind: kind(target) }).collect())
}

fn switch(name: &str, value: &str, context: &Context<'_>) -> Result<bool> {
    on_off(value).ok_or_else(|| context.wrong(name, value, "On or Off"))
}

/// `On` or `Off`.
pub(crate) fn on_off(value: &str) -> Option<bool> {
    let on = value.eq_ignore_ascii_case("on");
    (on || value.eq_ignore_ascii_case("off")).then_some(on)
}

/// `On`, `Off` or `DetectionOnly`.
pub(crate) fn engine_mode(value: &str) -> Option<EngineMode> {
    match value.to_ascii_lowercase().as_str() {
        "on" => Some(EngineMode::On),
        "off" => Some(EngineMode::Off),
        "detectiononly" => Some(EngineMode::DetectionOnly),
        _ => None,
    }
}

fn ranges(text: &str, context: &Context<'_>) -> Result<Vec<(u64, u64)>> {
    id_ranges(text).map_err(|found| -> Fault {
        fault(&VALUE, context.place).expected("numbers and ranges like 1-9").found(shown(&found))
    })
}

/// Numbers and ranges, joined by spaces or commas. The error is the part that is none.
pub(crate) fn id_ranges(text: &str) -> std::result::Result<Vec<(u64, u64)>, String> {
    let parts = text.split([' ', '\t', ',']).filter(|part| !part.is_empty());
    let ranges: Vec<(u64, u64)> =
        parts.map(|part| range(part).ok_or_else(|| part.to_string())).collect::<std::result::Result<_, _>>()?;
    if ranges.is_empty() { Err("nothing".to_string()) } else { Ok(ranges) }
}

fn range(part: &str) -> Option<(u64, u64)> {
    let (from, to) = part.split_once('-').unwrap_or((part, part));
    let (from, to) = (from.trim().parse().ok()?, to.trim().parse().ok()?);
    (from <= to).then_some((from, to))
}

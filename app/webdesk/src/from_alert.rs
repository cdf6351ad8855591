//! Exclusions from an alert of a gateway.

use api::fault::INVALID;
use base::{Fault, Result};
use record::Alert;
use seclang::tuning::{Exclusion, Origin, Seen, Tuning};

/// The site that an alert of a gateway is about, and the exclusions that would have let the request pass: one rule, one
/// target, one path, one method each. `only`: of these rules; of all that the alert names when empty.
///
/// # Errors
/// When the alert is not one of a gateway, names no such rule, or what it names cannot be written into a rule safely.
pub fn from_alert(alert: &Alert, only: &[u64], tuning: &mut Tuning, origin: &Origin) -> Result<(String, Vec<u64>)> {
    let wrong = |expected: &str| Fault::new(&INVALID).object(&alert.id).expected(expected);
    // What is kept of an alert are its matches; the evidence lies in the lake.
    let (site, request) = of_match(alert, "site").zip(of_match(alert, "request")).unwrap_or_default();
    let (method, path) = request.split_once(' ').ok_or_else(|| wrong("an alert of a gateway"))?;
    let mut made = Vec::new();
    for (rule, target) in named(alert).filter(|(rule, _)| only.is_empty() || only.contains(rule)) {
        let (variable, key) = target.split_once(':').unwrap_or((target, ""));
        let id = tuning.free_id().ok_or_else(|| wrong("fewer exclusions of this site"))?;
        let seen = Seen { rule, variable, key: key.as_bytes(), method, path: path.as_bytes() };
        let exclusion = Exclusion::narrowest(id, seen, whole(alert, rule, variable), origin.clone())?;
        // The same rule on the same target twice is one exclusion.
        let same = |known: &Exclusion| Exclusion { id, origin: exclusion.origin.clone(), ..known.clone() } == exclusion;
        if !tuning.exclusions.iter().any(same) {
            made.push(id);
            tuning.exclusions.push(exclusion);
        }
    }
    if made.is_empty() {
        return Err(wrong("a rule that the alert names and that is not excluded yet"));
    }
    Ok((site.into(), made))
}

/// The value of a match.
fn of_match<'a>(alert: &'a Alert, field: &str) -> Option<&'a str> {
    alert.matches.iter().find(|found| found.field == field).map(|found| found.value.as_str())
}

/// Whether the gateway says that leaving out the target would not keep the rule from holding: `whole.942100` with `ARGS`.
fn whole(alert: &Alert, rule: u64, variable: &str) -> bool {
    let field = format!("whole.{rule}");
    alert.matches.iter().any(|found| found.field == field && found.value == variable)
}

/// Rules and targets that an alert names: `rule.942100` with `ARGS:q = value`.
fn named(alert: &Alert) -> impl Iterator<Item = (u64, &str)> {
    alert.matches.iter().filter_map(|found| {
        let rule = found.field.strip_prefix("rule.")?.parse().ok()?;
        Some((rule, found.value.split_once(" = ")?.0))
    })
}

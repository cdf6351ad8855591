//! The shipped profile `content/waf/profile/policy.yml` and its cases.

use crate::request::Request;
use seclang::tuning::{SHIPPED, Tuning};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Requests that the profile is for, and attacks it must not let by.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cases {
    /// Harmless: stopped without the profile, not with it.
    pub passes: Vec<Case>,
    /// Attacks: stopped without and with it.
    pub stopped: Vec<Case>,
}

/// One request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What it is.
    pub name: String,
    /// Paranoia level.
    #[serde(default = "first")]
    pub level: u8,
    /// The rule that speaks; of an attack also with the profile.
    pub rule: u64,
    /// The rule that speaks without the profile instead, where the profile is what lets `rule` see the attack.
    #[serde(default)]
    pub without: Option<u64>,
    /// Method.
    pub method: String,
    /// Target.
    pub target: String,
    /// Beside those of a browser; null takes one away.
    #[serde(default)]
    pub headers: BTreeMap<String, Option<String>>,
    /// Body.
    #[serde(default)]
    pub body: Option<String>,
}

fn first() -> u8 {
    1
}

/// Folder of the profile.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content/waf/profile")
}

/// The profile as directives.
///
/// # Errors
/// When it cannot be read or compiled.
pub fn directives() -> Result<String, String> {
    let tuning = Tuning::read(SHIPPED, "policy.yml").map_err(|fault| format!("{fault:?}"))?;
    match tuning.compile("policy.yml", "2026-11-27", &waf::vocabulary()) {
        Ok(compiled) => Ok(compiled.text),
        Err(faults) => Err(faults.iter().map(|fault| format!("{fault:?}\n")).collect()),
    }
}

/// Its cases.
///
/// # Errors
/// When they cannot be read.
pub fn cases() -> Result<Cases, String> {
    let path = folder().join("policy.cases.yml");
    let text = std::fs::read_to_string(&path).map_err(|cause| format!("{}: {cause}", path.display()))?;
    serde_saphyr::from_str(&text).map_err(|cause| format!("{}: {cause}", path.display()))
}

impl Case {
    /// The request, with what a browser sends beside it.
    pub fn request(&self) -> Request {
        let mut request = Request::browser(&self.method, self.target.as_bytes());
        if let Some(body) = &self.body {
            request = request.with_body("", body.as_bytes());
        }
        for (name, value) in &self.headers {
            request = match value {
                Some(value) => request.header(name, value.as_bytes()),
                None => {
                    request.headers.retain(|(old, _)| !old.eq_ignore_ascii_case(name.as_bytes()));
                    request
                }
            };
        }
        request
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ours::Ours;
    use crate::rules::{Mode, Rules};

    /// Engines without and with the profile, by paranoia level.
    fn engines() -> Option<BTreeMap<u8, (Ours, Ours)>> {
        let mut engines = BTreeMap::new();
        for level in [1, 2] {
            let plain = Rules::new(Mode::Level(level));
            if !plain.present() {
                println!("skipped: OWASP CRS not present");
                return None;
            }
            let tuned = Rules { tuned: directives().unwrap(), ..plain.clone() };
            engines.insert(level, (Ours::load(&plain).unwrap(), Ours::load(&tuned).unwrap()));
        }
        Some(engines)
    }

    #[test]
    fn harmless_requests_pass_and_attacks_do_not() {
        let Some(engines) = engines() else { return };
        let cases = cases().unwrap();
        assert!(cases.passes.len() > 20 && cases.stopped.len() > 12);
        let mut wrong = Vec::new();
        let sets = [(&cases.passes, false), (&cases.stopped, true)];
        for (case, attack) in sets.iter().flat_map(|(cases, attack)| cases.iter().map(move |case| (case, *attack))) {
            let (plain, tuned) = &engines[&case.level];
            let (before, after) = (plain.answer(&case.request()), tuned.answer(&case.request()));
            let spoke = before.rules.contains(&case.without.unwrap_or(case.rule));
            if before.intervention.is_none() || !spoke {
                wrong.push(format!("{}: without the profile {:?} {:?}", case.name, before.rules, before.intervention));
            }
            let inside = tuned.looking_inside().answer(&case.request());
            for (how, answer) in [("with the profile", after), ("looking inside", inside)] {
                let spoke = answer.rules.contains(&case.rule);
                if answer.intervention.is_some() != attack || (attack && !spoke) {
                    wrong.push(format!("{}: {how} {:?} {:?}", case.name, answer.rules, answer.intervention));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

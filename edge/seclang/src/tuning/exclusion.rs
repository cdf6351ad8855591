//! Exclusions: a rule, or one target of it, left out everywhere or in one place of the site.

use super::Origin;
use super::check::Item as Checked;
use super::scope::{PathMatch, Scope, quote};
use crate::fault::TUNING;
use crate::model::{Item, Rule};
use crate::names::shown;
use base::{Fault, Result};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::fmt::Write;

/// One exclusion.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exclusion {
    /// Number within [`super::IDS`].
    pub id: u64,
    /// Numbers and ranges of rules.
    #[serde(default)]
    pub rules: Vec<RuleRange>,
    /// Tags of rules, whole.
    #[serde(default)]
    pub tags: Vec<String>,
    /// What these rules no longer look at; when empty, they do not run at all.
    #[serde(default)]
    pub targets: Vec<String>,
    /// Where.
    #[serde(default, rename = "where")]
    pub scope: Scope,
    /// Who, when, why.
    #[serde(default)]
    pub origin: Origin,
}

/// A number or a range, `942130-942140`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub struct RuleRange {
    /// First number.
    pub from: u64,
    /// Last number, the same for a single rule.
    pub to: u64,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Number(u64),
    Text(String),
}

impl TryFrom<Written> for RuleRange {
    type Error = String;

    fn try_from(written: Written) -> std::result::Result<RuleRange, String> {
        let text = match written {
            Written::Number(id) => return Ok(RuleRange { from: id, to: id }),
            Written::Text(text) => text,
        };
        let wrong = || format!("`{text}` is neither the number of a rule nor a range like 942130-942140");
        let (from, to) = text.split_once('-').unwrap_or((&text, &text));
        let number = |text: &str| text.trim().parse::<u64>().map_err(|_| wrong());
        let range = RuleRange { from: number(from)?, to: number(to)? };
        if range.from <= range.to { Ok(range) } else { Err(wrong()) }
    }
}

impl std::fmt::Display for RuleRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.from == self.to { write!(f, "{}", self.from) } else { write!(f, "{}-{}", self.from, self.to) }
    }
}

/// Where a rule held, as an alert tells it.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'s> {
    /// Number of the rule.
    pub rule: u64,
    /// `ARGS`.
    pub variable: &'s str,
    /// Name within the variable; empty when it has none.
    pub key: &'s [u8],
    /// Method of the request.
    pub method: &'s str,
    /// Path or target of the request as it came; a query is left out.
    pub path: &'s [u8],
}

/// Variables whose values are made by rules or are not of the request; leaving them out means nothing, the rule is left out.
const MADE: &[&str] =
    &["TX", "MATCHED_VAR", "MATCHED_VARS", "MATCHED_VAR_NAME", "MATCHED_VARS_NAMES", "RULE", "DURATION"];

impl Exclusion {
    /// The narrowest exclusion that would have kept a rule from holding: one rule, one target, one path, one method.
    /// Positions within arrays of JSON are left open (`json.items.0.name` is any item's name).
    ///
    /// `whole` says that leaving out the target would not keep the rule from holding ([`undecided`]); then the rule is left out
    /// in that place.
    ///
    /// # Errors
    /// When the path or the name cannot be written into a rule safely.
    pub fn narrowest(id: u64, seen: Seen<'_>, whole: bool, origin: Origin) -> Result<Exclusion> {
        let wrong = |key: &str, found: &[u8]| {
            let object = format!("exclusion {id}: {key}");
            let expected = "printable text without quotes and backslashes";
            Fault::new(&TUNING).object(object).expected(expected).found(shown(&String::from_utf8_lossy(found)))
        };
        let path = application_path(seen.path).ok_or_else(|| wrong("path", seen.path))?;
        let targets = match seen.key {
            _ if whole || MADE.contains(&seen.variable) => Vec::new(),
            [] => vec![seen.variable.to_string()],
            key => vec![target(seen.variable, key).ok_or_else(|| wrong("target", key))?],
        };
        let methods = vec![seen.method.to_string()];
        let scope = Scope { path: Some(path), matching: PathMatch::Exact, methods, content_types: Vec::new() };
        let rules = vec![RuleRange { from: seen.rule, to: seen.rule }];
        Ok(Exclusion { id, rules, tags: Vec::new(), targets, scope, origin })
    }

    /// Its rules.
    pub(super) fn directives(&self, item: &Checked<'_>) -> Result<String> {
        if self.rules.is_empty() && self.tags.is_empty() {
            return Err(item.wrong("rules", "at least one rule or tag", "none"));
        }
        let targets = item.targets("targets", &self.targets)?;
        let tags: Vec<&str> = self.tags.iter().map(|tag| item.harmless("tags", tag)).collect::<Result<_>>()?;
        if let Some(tag) = tags.iter().find(|tag| tag.is_empty() || tag.contains([';', ','])) {
            return Err(item.wrong("tags", "a tag without ; and ,", tag));
        }
        let targets: Vec<String> = targets.iter().map(ToString::to_string).collect();
        if self.scope.everywhere() {
            return Ok(self.at_load(&tags, &targets));
        }
        let conditions = self.scope.conditions(item, false)?;
        let changes = self.at_run(&tags, &targets).join(",");
        let mut text = String::new();
        let last = conditions.len() - 1;
        for (at, (target, test, transformations)) in conditions.iter().enumerate() {
            let _ = write!(text, "{:indent$}SecRule {target} \"{test}\" \"", "", indent = at * 4);
            if at == 0 {
                let _ = write!(text, "id:{},phase:1,pass,nolog,", self.id);
            }
            let end = if at == last { changes.as_str() } else { "chain" };
            let _ = writeln!(text, "{transformations},{end}\"");
        }
        Ok(text)
    }

    /// Everywhere: done once, when rules are loaded.
    fn at_load(&self, tags: &[&str], targets: &[String]) -> String {
        let mut text = String::new();
        let left_out = targets.iter().map(|target| format!("!{target}")).collect::<Vec<_>>().join("|");
        for range in &self.rules {
            let _ = match targets.is_empty() {
                true => writeln!(text, "SecRuleRemoveById {range}"),
                false => writeln!(text, "SecRuleUpdateTargetById {range} \"{left_out}\""),
            };
        }
        for tag in tags {
            let _ = match targets.is_empty() {
                true => writeln!(text, "SecRuleRemoveByTag \"{tag}\""),
                false => writeln!(text, "SecRuleUpdateTargetByTag \"{tag}\" \"{left_out}\""),
            };
        }
        text
    }

    /// In one place: done for the requests that fit.
    fn at_run(&self, tags: &[&str], targets: &[String]) -> Vec<String> {
        let ranges = self.rules.iter().map(|range| ("ById", range.to_string()));
        let which = ranges.chain(tags.iter().map(|tag| ("ByTag", (*tag).to_string())));
        let mut changes = Vec::new();
        for (by, rules) in which {
            if targets.is_empty() {
                changes.push(format!("ctl:'ruleRemove{by}={rules}'"));
            }
            for target in targets {
                changes.push(format!("ctl:'ruleRemoveTarget{by}={rules};{}'", target.replace('\'', "\\'")));
            }
        }
        changes
    }
}

/// Rules and those of their variables that do not decide: with the variable left out the rule can still hold, for it was a
/// link's of its chain, or only counted.
pub fn undecided(items: &[Item]) -> BTreeSet<(u64, &'static str)> {
    let mut found = BTreeSet::new();
    for item in items {
        let Item::Rule(rule) = item else { continue };
        let links = std::iter::successors(Some(rule.as_ref()), |rule| rule.next.as_deref());
        let variables = links.flat_map(|link| &link.targets).map(|target| target.variable);
        found.extend(variables.filter(|variable| !decides(rule, variable)).map(|variable| (rule.id, variable)));
    }
    found
}

/// Whether a rule cannot hold of a value of this variable once it is left out.
fn decides(rule: &Rule, variable: &str) -> bool {
    let of = |rule: &Rule| rule.targets.iter().any(|target| target.variable == variable && !target.exclude);
    let counted = |rule: &Rule| rule.targets.iter().any(|target| target.variable == variable && target.count);
    let mut link = rule.next.as_deref();
    while let Some(next) = link {
        if of(next) {
            return false;
        }
        link = next.next.as_deref();
    }
    of(rule) && !counted(rule)
}

/// `ARGS:name`, or an expression when positions of arrays are in the name.
fn target(variable: &str, key: &[u8]) -> Option<String> {
    let name = std::str::from_utf8(key).ok().filter(|name| harmless(name))?;
    if variable == "XML" {
        return Some(format!("{variable}:{name}"));
    }
    let position = |part: &str| part.strip_prefix("array_").unwrap_or(part).bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = name.split('.').collect();
    if name.starts_with("json.") && parts.iter().any(|part| !part.is_empty() && position(part)) {
        let parts = parts.iter().map(|part| match part.strip_prefix("array_") {
            _ if part.is_empty() || !position(part) => quote(part),
            Some(_) => "array_[0-9]+".to_string(),
            None => "[0-9]+".to_string(),
        });
        return Some(format!("{variable}:'/^{}$/'", parts.collect::<Vec<_>>().join("\\.")));
    }
    // What looks like an expression, or holds a separator, is said as an expression, which is never misread.
    let odd = name.contains(['|', ',', '/', ' ', ';']);
    Some(if odd { format!("{variable}:'/^{}$/'", quote(name)) } else { format!("{variable}:{name}") })
}

fn harmless(text: &str) -> bool {
    !text.contains(|c: char| c.is_control() || matches!(c, '"' | '\'' | '\\'))
        && !text.contains("%{")
        && text.trim() == text
}

/// The path as the application sees it: without query, decoded once, `.` and `..` resolved.
fn application_path(raw: &[u8]) -> Option<String> {
    let end = raw.iter().position(|byte| matches!(byte, b'?' | b'#')).unwrap_or(raw.len());
    let raw = raw.get(..end)?;
    let mut decoded = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((first, behind)) = rest.split_first() {
        let hex = behind.get(..2).filter(|_| *first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        let byte = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        rest = if byte.is_some() { &behind[2..] } else { behind };
        decoded.push(byte.unwrap_or(*first));
    }
    let text = String::from_utf8(decoded).ok().filter(|text| text.starts_with('/') && harmless(text))?;
    let mut parts: Vec<&str> = Vec::new();
    for part in text.split('/').skip(1) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            // The transformation normalizePath takes what ends so for a reference to the folder above, too.
            part if part.ends_with("..") => return None,
            part => parts.push(part),
        }
    }
    let slash = if text.ends_with('/') && !parts.is_empty() { "/" } else { "" };
    Some(format!("/{}{slash}", parts.join("/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_the_one_the_application_sees() {
        for (raw, seen) in [
            (&b"/a/b?c=d"[..], Some("/a/b")),
            (b"/a%2Fb/../c/./d/", Some("/a/c/d/")),
            (b"/%E6%88%8D", Some("/戍")),
            (b"/../..", Some("/")),
            (b"//a", Some("/a")),
            (b"/a\"b", None),
            (b"/a%0ab", None),
            (b"*", None),
            (b"/%ff", None),
            (b"/a%", Some("/a%")),
            (b"/a+b", Some("/a+b")),
            (b"/a../b", None),
        ] {
            assert_eq!(application_path(raw).as_deref(), seen, "{}", String::from_utf8_lossy(raw));
        }
    }

    #[test]
    fn names_become_targets() {
        for (variable, key, expected) in [
            ("ARGS", "q", Some("ARGS:q")),
            ("ARGS", "json.items.0.name", Some("ARGS:'/^json\\.items\\.[0-9]+\\.name$/'")),
            ("ARGS", "json.array_12.a", Some("ARGS:'/^json\\.array_[0-9]+\\.a$/'")),
            ("ARGS", "a|b", Some("ARGS:'/^a\\|b$/'")),
            ("XML", "/*", Some("XML:/*")),
            ("ARGS", "a'b", None),
            ("ARGS", "a%{TX.1}", None),
        ] {
            assert_eq!(target(variable, key.as_bytes()).as_deref(), expected, "{key}");
        }
    }
}

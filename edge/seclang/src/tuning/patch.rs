//! Virtual patches: rules of our own that close one hole until the application is mended.

use super::Origin;
use super::check::Item;
use super::scope::Scope;
use base::Result;
use serde::Deserialize;
use std::fmt::Write;

/// One patch. With neither `allow` nor `forbid`, everything in its scope is refused.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Patch {
    /// Number within [`super::PATCH_IDS`].
    pub id: u64,
    /// Short name for alerts.
    pub name: String,
    /// CVE ids, `CVE-2021-44228`.
    #[serde(default)]
    pub cve: Vec<String>,
    /// Where.
    #[serde(default, rename = "where")]
    pub scope: Scope,
    /// What is looked at: `ARGS:id`.
    #[serde(default)]
    pub targets: Vec<String>,
    /// What a value must be.
    #[serde(default)]
    pub allow: Option<Allow>,
    /// What a value must not be.
    #[serde(default)]
    pub forbid: Option<Forbid>,
    /// Status of the refusal.
    #[serde(default = "refused")]
    pub status: u16,
    /// Who, when, why.
    #[serde(default)]
    pub origin: Origin,
}

/// What a value must be; everything that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Allow {
    /// A regular expression over the whole value.
    pub pattern: Option<String>,
    /// A kind of value.
    #[serde(rename = "type")]
    pub kind: Option<ValueType>,
    /// Least bytes.
    pub min_length: Option<u32>,
    /// Most bytes.
    pub max_length: Option<u32>,
    /// The parameter is given at most once.
    pub once: bool,
}

/// What a value must not be.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Forbid {
    /// A regular expression found anywhere in the value, as it is and after one more decoding.
    pub pattern: String,
}

/// Kinds of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ValueType {
    /// Digits with a sign.
    Integer,
    /// Digits with a sign and a decimal point.
    Number,
    /// `true`, `false`, `0`, `1`, `on`, `off`, `yes`, `no`.
    Boolean,
    /// RFC 9562.
    Uuid,
    /// `YYYY-MM-DD`.
    Date,
    /// Hexadecimal digits.
    Hex,
    /// Letters, digits, `_` and `-`.
    Word,
}

impl ValueType {
    fn expression(self) -> &'static str {
        match self {
            ValueType::Integer => "[+-]?[0-9]{1,19}",
            ValueType::Number => "[+-]?[0-9]{1,19}(?:\\.[0-9]{1,19})?",
            ValueType::Boolean => "(?i:true|false|0|1|on|off|yes|no)",
            ValueType::Uuid => "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
            ValueType::Date => "[0-9]{4}-[0-9]{2}-[0-9]{2}",
            ValueType::Hex => "[0-9a-fA-F]+",
            ValueType::Word => "[0-9A-Za-z_-]+",
        }
    }
}

fn refused() -> u16 {
    403
}

/// One test of a patch: targets, operator, transformations.
type Test = (String, String, &'static str);

impl Patch {
    /// Its rules, at most [`super::PATCH_STEP`].
    pub(super) fn directives(&self, item: &Item<'_>) -> Result<String> {
        let name = item.harmless("name", &self.name)?;
        if name.is_empty() {
            return Err(item.wrong("name", "a short name", "nothing"));
        }
        if let Some(cve) = self.cve.iter().find(|cve| !is_cve(cve)) {
            return Err(item.wrong("cve", "an id like CVE-2021-44228", cve));
        }
        if !(400..=599).contains(&self.status) {
            return Err(item.wrong("status", "400 to 599", &self.status.to_string()));
        }
        let scope = self.scope.conditions(item, true)?;
        let tests = self.tests(item)?;
        if tests.is_empty() && scope.is_empty() {
            return Err(item.wrong("where", "a scope, allow or forbid", "none of them"));
        }
        let mut text = String::new();
        let alone = [None];
        let tests: Vec<Option<&Test>> =
            if tests.is_empty() { alone.to_vec() } else { tests.iter().map(Some).collect() };
        for (at, test) in tests.into_iter().enumerate() {
            let conditions: Vec<_> = scope.iter().chain(test).collect();
            self.chain(self.id + at as u64, &conditions, &mut text);
        }
        Ok(text)
    }

    /// What is tested, one rule each: all of `allow` that is given, then `forbid`.
    fn tests(&self, item: &Item<'_>) -> Result<Vec<Test>> {
        let targets: Vec<String> = item.targets("targets", &self.targets)?.iter().map(ToString::to_string).collect();
        let tested = self.allow.is_some() || self.forbid.is_some();
        if tested == targets.is_empty() {
            return Err(item.wrong("targets", "targets together with allow or forbid", &self.targets.join("|")));
        }
        let all = targets.join("|");
        let mut tests = Vec::new();
        if let Some(allow) = &self.allow {
            if let Some(pattern) = &allow.pattern {
                // Not ^ and $: lines of a value would each be taken for the whole.
                let pattern = item.expression("allow.pattern", pattern)?;
                tests.push((all.clone(), format!("!@rx \\A(?:{pattern})\\z"), "t:none"));
            }
            if let Some(kind) = allow.kind {
                tests.push((all.clone(), format!("!@rx \\A(?:{})\\z", kind.expression()), "t:none"));
            }
            if let Some(least) = allow.min_length {
                tests.push((all.clone(), format!("@lt {least}"), "t:none,t:length"));
            }
            if let Some(most) = allow.max_length {
                tests.push((all.clone(), format!("@gt {most}"), "t:none,t:length"));
            }
            if allow.once {
                let counted: Vec<String> = targets.iter().map(|target| format!("&{target}")).collect();
                tests.push((counted.join("|"), "@gt 1".to_string(), "t:none"));
            }
            if tests.is_empty() {
                return Err(item.wrong("allow", "pattern, type, min_length, max_length or once", "none of them"));
            }
        }
        if let Some(forbid) = &self.forbid {
            let pattern = item.expression("forbid.pattern", &forbid.pattern)?;
            tests.push((all, format!("@rx {pattern}"), "t:none,t:urlDecodeUni,multiMatch"));
        }
        Ok(tests)
    }

    fn chain(&self, id: u64, conditions: &[&Test], text: &mut String) {
        let last = conditions.len().saturating_sub(1);
        for (at, (targets, test, actions)) in conditions.iter().enumerate() {
            let _ = write!(text, "{:indent$}SecRule {targets} \"{test}\" \"", "", indent = at * 4);
            if at == 0 {
                let _ = write!(text, "id:{id},phase:2,deny,status:{},log,auditlog,severity:CRITICAL,", self.status);
                let _ = write!(
                    text,
                    "msg:'Virtual patch: {}',logdata:'%{{MATCHED_VAR_NAME}}',tag:'virtual-patch',",
                    self.name
                );
                for cve in &self.cve {
                    let _ = write!(text, "tag:'{cve}',");
                }
            }
            let chain = if at == last { "" } else { ",chain" };
            let _ = writeln!(text, "{actions}{chain}\"");
        }
    }
}

fn is_cve(text: &str) -> bool {
    let digits = |part: &str, least: usize, most: usize| {
        (least..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    let parts: Vec<&str> = text.split('-').collect();
    matches!(parts.as_slice(), ["CVE", year, number] if digits(year, 4, 4) && digits(number, 4, 10))
}

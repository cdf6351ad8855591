//! Tuning of one site as data: exclusions, variables of the rules, reading of bodies, virtual patches.
//!
//! A [`Tuning`] is a YAML file that people write and that a command adds to from an alert ([`Exclusion::narrowest`]). It is
//! compiled to rules ([`Tuning::compile`]) that are loaded between the settings of OWASP CRS and its rules. Every item says
//! who made it, when and why, and may end on a day; every item has a number of the reserved range ([`IDS`]), so that a hit
//! leads back to it.
//!
//! Text that came from a request (a path, the name of an argument) is put into rules only when it is harmless there:
//! printable, without quotes and backslashes.

mod check;
mod exclusion;
mod patch;
mod scope;
mod yaml;

use crate::fault::TUNING;
use crate::model::Vocabulary;
use base::{Fault, Result};
use check::Item;
use serde::Deserialize;
use std::collections::HashSet;
use std::ops::RangeInclusive;

pub use exclusion::{Exclusion, RuleRange, Seen, undecided};
pub use patch::{Allow, Forbid, Patch, ValueType};
pub use scope::{PathMatch, Scope};

/// Numbers of exclusions and variables. The range is none that ModSecurity's list of reserved ids gives to others.
pub const IDS: RangeInclusive<u64> = 8_000_000..=8_049_999;
/// The part of [`IDS`] that the shipped profile takes; [`Tuning::free_id`] leaves it out.
pub const SHIPPED_IDS: RangeInclusive<u64> = 8_040_000..=8_049_999;
/// The shipped profile, to be read with [`Tuning::read`]: what OWASP CRS refuses by policy and not for an attack.
pub const SHIPPED: &str = include_str!("../../../../content/waf/profile/policy.yml");
/// Numbers of virtual patches, multiples of [`PATCH_STEP`].
pub const PATCH_IDS: RangeInclusive<u64> = 8_050_000..=8_099_990;
/// A patch may become this many rules.
pub const PATCH_STEP: u64 = 10;
/// Most items of one file; a person has to be able to read it.
pub const ITEMS: usize = 2000;

/// Everything that one site has tuned.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tuning {
    /// Rules, or targets of rules, left out.
    pub exclusions: Vec<Exclusion>,
    /// Variables that OWASP CRS reads its policy from.
    pub variables: Vec<Variable>,
    /// How bodies of other media types are taken apart.
    pub bodies: Vec<Body>,
    /// Rules of our own against one hole.
    pub patches: Vec<Patch>,
}

/// Who made an item, when, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Origin {
    /// Name of the person or program.
    pub by: String,
    /// Day, `YYYY-MM-DD`.
    pub at: String,
    /// Reason, for people.
    pub why: String,
    /// The same in Chinese, for what is shipped.
    pub why_zh: Option<String>,
    /// Last day on which it holds, `YYYY-MM-DD`.
    pub until: Option<String>,
}

/// A variable of the collection `TX`, set before the rules run.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    /// Number within [`IDS`].
    pub id: u64,
    /// Name without `tx.`.
    pub name: String,
    /// Value.
    pub value: String,
    /// Only with this major version of OWASP CRS, where versions read a variable differently.
    #[serde(default)]
    pub crs: Option<u8>,
    /// Who, when, why.
    #[serde(default)]
    pub origin: Origin,
}

/// Media types whose bodies are read like another's.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Body {
    /// Number within [`IDS`].
    pub id: u64,
    /// `application/*+json`, `text/plain`.
    #[serde(default)]
    pub content_types: Vec<String>,
    /// Name of a body processor: `JSON`, `XML`, `URLENCODED`.
    pub processor: String,
    /// Who, when, why.
    #[serde(default)]
    pub origin: Origin,
}

/// Rules made of a tuning.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compiled {
    /// Directives, to be loaded behind the settings of CRS and before its rules.
    pub text: String,
    /// Numbers of items whose last day is over; they are not in the text.
    pub expired: Vec<u64>,
}

impl Tuning {
    /// Reads YAML; `name` stands for the file in faults.
    ///
    /// # Errors
    /// When it is not YAML of this form.
    pub fn read(text: &str, name: &str) -> Result<Tuning> {
        base::config::parse(text, name)
    }

    /// Checks every item and writes its rules. `name` stands for the file in faults; `today` is `YYYY-MM-DD`.
    ///
    /// # Errors
    /// Everything that is wrong; never an empty list.
    pub fn compile(
        &self,
        name: &str,
        today: &str,
        vocabulary: &Vocabulary<'_>,
    ) -> std::result::Result<Compiled, Vec<Fault>> {
        let mut faults = self.check(name);
        let mut compiled = Compiled::default();
        for exclusion in &self.exclusions {
            let item = Item::new(name, "exclusion", exclusion.id, &exclusion.origin, vocabulary);
            compiled.take(&item, today, exclusion.directives(&item), &mut faults);
        }
        for variable in &self.variables {
            let item = Item::new(name, "variable", variable.id, &variable.origin, vocabulary);
            compiled.take(&item, today, variable.directives(&item), &mut faults);
        }
        for body in &self.bodies {
            let item = Item::new(name, "body", body.id, &body.origin, vocabulary);
            compiled.take(&item, today, body.directives(&item), &mut faults);
        }
        for patch in &self.patches {
            let item = Item::new(name, "patch", patch.id, &patch.origin, vocabulary);
            compiled.take(&item, today, patch.directives(&item), &mut faults);
        }
        if faults.is_empty() { Ok(compiled) } else { Err(faults) }
    }

    /// The lowest number of [`IDS`] that no item has and that is not for the shipped profile; `None` when all are taken.
    pub fn free_id(&self) -> Option<u64> {
        let taken: HashSet<u64> = self.ids().collect();
        IDS.into_iter().find(|id| !taken.contains(id) && !SHIPPED_IDS.contains(id))
    }

    /// The lowest number of [`PATCH_IDS`] that no patch has; `None` when all are taken.
    pub fn free_patch_id(&self) -> Option<u64> {
        let taken: HashSet<u64> = self.ids().collect();
        PATCH_IDS.step_by(PATCH_STEP as usize).find(|id| !taken.contains(id))
    }

    /// Numbers of all items but patches, then those of patches.
    fn ids(&self) -> impl Iterator<Item = u64> {
        let exclusions = self.exclusions.iter().map(|item| item.id);
        let variables = self.variables.iter().map(|item| item.id);
        let bodies = self.bodies.iter().map(|item| item.id);
        exclusions.chain(variables).chain(bodies).chain(self.patches.iter().map(|item| item.id))
    }

    /// Numbers and counts.
    fn check(&self, name: &str) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut seen = HashSet::new();
        let wrong = |id: u64| Fault::new(&TUNING).object(format!("{name}: id {id}"));
        let plain = self.exclusions.len() + self.variables.len() + self.bodies.len();
        for (at, id) in self.ids().enumerate() {
            let patch = at >= plain;
            let fits = if patch { PATCH_IDS.contains(&id) && id % PATCH_STEP == 0 } else { IDS.contains(&id) };
            if !fits {
                let (range, step) = if patch { (PATCH_IDS, PATCH_STEP) } else { (IDS, 1) };
                faults.push(wrong(id).expected(format!("{} to {}, a multiple of {step}", range.start(), range.end())));
            }
            if !seen.insert(id) {
                faults.push(wrong(id).expected("a number of its own").found("another item has it"));
            }
        }
        if seen.len() > ITEMS {
            faults.push(Fault::new(&TUNING).object(name).expected(format!("at most {ITEMS} items")).found(seen.len()));
        }
        faults
    }
}

impl Variable {
    fn directives(&self, item: &Item<'_>) -> Result<String> {
        let name = self.name.strip_prefix("tx.").unwrap_or(&self.name);
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte)) {
            return Err(item.wrong("name", "letters, digits and _", &self.name));
        }
        let value = item.harmless("value", &self.value)?;
        let set = format!("\"id:{},phase:1,pass,nolog,t:none,setvar:'tx.{name}={value}'\"\n", self.id);
        match self.crs {
            None => Ok(format!("SecAction {set}")),
            // 334 is 3.3.4, 4280 is 4.28.0.
            Some(major @ 3..=9) => Ok(format!("SecRule TX:crs_setup_version \"@rx \\A{major}[0-9]{{2,3}}\\z\" {set}")),
            Some(other) => Err(item.wrong("crs", "a major version of OWASP CRS from 3 on", &other.to_string())),
        }
    }
}

impl Body {
    fn directives(&self, item: &Item<'_>) -> Result<String> {
        let processor = self.processor.as_str();
        if processor.is_empty() || !processor.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err(item.wrong("processor", "JSON, XML, URLENCODED or MULTIPART", processor));
        }
        let scope = Scope { content_types: self.content_types.clone(), ..Scope::default() };
        let conditions = scope.conditions(item, false)?;
        let [(target, test, transformations)] = conditions.as_slice() else {
            return Err(item.wrong("content_types", "at least one media type", "none"));
        };
        let actions = format!("id:{},phase:1,pass,nolog,{transformations}", self.id);
        Ok(format!("SecRule {target} \"{test}\" \"{actions},ctl:requestBodyProcessor={processor}\"\n"))
    }
}

impl Compiled {
    fn take(&mut self, item: &Item<'_>, today: &str, directives: Result<String>, faults: &mut Vec<Fault>) {
        match (item.origin(today), directives) {
            (Ok(false), Ok(_)) => self.expired.push(item.id),
            (Ok(true), Ok(text)) => {
                self.text.push_str(&item.comment());
                self.text.push_str(&text);
            }
            (origin, directives) => faults.extend(origin.err().into_iter().chain(directives.err())),
        }
    }
}

//! Actions, compiled: names of `TX` numbered, `ctl` resolved to the rules it means.

use super::names::Names;
use super::rule::{Actions, After, Allow, Disruptive, Key, Removal, SetVar};
use super::scan::{self, Bits};
use super::target;
use super::text::Template;
use super::{Builder, Constant};
use crate::fault;
use atoms::number::integer;
use base::{Fault, Result};
use regex::bytes::Regex;
use seclang::{Collection, CtlKind, Item, Place, Rule, Ruleset, Text};
use std::sync::Arc;

/// Heads of all rules with the numbers they will have: `ctl` may name rules that come later.
pub(crate) struct Flat {
    heads: Vec<(u32, Arc<Rule>)>,
    rules: usize,
}

impl Flat {
    pub fn new(ruleset: &Ruleset) -> Flat {
        let mut flat = Flat { heads: Vec::new(), rules: 0 };
        for item in &ruleset.items {
            if let Item::Rule(rule) = item {
                flat.heads.push((flat.rules as u32, Arc::clone(rule)));
                let mut link = Some(rule);
                while let Some(rule) = link {
                    flat.rules += 1;
                    link = rule.next.as_ref();
                }
            }
        }
        flat
    }

    fn chosen(&self, chosen: impl Fn(&Rule) -> bool) -> Bits {
        let mut bits = vec![0; self.rules.div_ceil(64).max(1)];
        self.heads.iter().filter(|(_, rule)| chosen(rule)).for_each(|(number, _)| scan::set(&mut bits, *number));
        bits
    }

    fn by_id(&self, ranges: &[(u64, u64)]) -> Bits {
        self.chosen(|rule| ranges.iter().any(|(from, to)| (*from..=*to).contains(&rule.id)))
    }

    /// libmodsecurity compares tags and messages as a whole; a pattern that is more than a text is tried as one too.
    fn by_tag(&self, tag: &str) -> Bits {
        let pattern = pattern(tag);
        self.chosen(|rule| rule.actions.tags.iter().any(|text| same(text, tag, pattern.as_ref())))
    }

    fn by_message(&self, message: &str) -> Bits {
        let pattern = pattern(message);
        self.chosen(|rule| rule.actions.message.iter().any(|text| same(text, message, pattern.as_ref())))
    }
}

/// The regular expression that a text is, when it is more than a text.
fn pattern(text: &str) -> Option<Regex> {
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" _-/.:,".contains(&byte));
    if plain { None } else { Regex::new(text).ok() }
}

fn same(text: &Text, wanted: &str, pattern: Option<&Regex>) -> bool {
    let Some(text) = text.fixed() else { return false };
    text == wanted.as_bytes() || pattern.is_some_and(|pattern| pattern.is_match(text))
}

impl Builder {
    pub(super) fn actions(&mut self, rule: &Rule) -> Result<Actions> {
        let actions = &rule.actions;
        let place = &rule.place;
        let skip_after = actions.skip_after.as_ref().map(|name| self.marker_id(name));
        let template = |text: &Text, names: &mut Names| Template::compile(text, names, place);
        let (disruptive, status) = match &actions.disruptive {
            seclang::Disruptive::Pass => (Disruptive::Pass, 200),
            seclang::Disruptive::Deny => (Disruptive::Deny, 403),
            seclang::Disruptive::Drop => (Disruptive::Drop, 403),
            seclang::Disruptive::Allow => (Disruptive::Allow(Allow::All), 200),
            seclang::Disruptive::AllowPhase => (Disruptive::Allow(Allow::Phase), 200),
            seclang::Disruptive::AllowRequest => (Disruptive::Allow(Allow::Request), 200),
            seclang::Disruptive::Redirect(to) => (Disruptive::Redirect(template(to, &mut self.names)?), 302),
        };
        Ok(Actions {
            set_vars: self.set_vars(rule)?,
            after: self.after(rule)?,
            disruptive,
            status: actions.status.unwrap_or(status),
            message: actions.message.as_ref().map(|text| template(text, &mut self.names)).transpose()?,
            log_data: actions.log_data.as_ref().map(|text| template(text, &mut self.names)).transpose()?,
            severity: actions.severity,
            tags: actions.tags.iter().map(|tag| template(tag, &mut self.names)).collect::<Result<_>>()?,
            // As in libmodsecurity, `auditlog` behind `nolog` has the rule told all the same.
            log: actions.log.unwrap_or(true) || actions.audit_log == Some(true),
            audit: actions.audit_log.unwrap_or(true),
            capture: actions.capture,
            multi: actions.multi_match,
            skip_after,
            revision: actions.revision.clone().unwrap_or_default(),
        })
    }

    fn set_vars(&mut self, rule: &Rule) -> Result<Vec<SetVar>> {
        let mut set_vars = Vec::new();
        for set in &rule.actions.set_vars {
            let value = Template::compile(&set.value, &mut self.names, &rule.place)?;
            set_vars.push(SetVar {
                collection: set.collection,
                key: key(set.collection, &set.key, &mut self.names, &rule.place)?,
                op: set.op,
                constant: value.fixed().map(|text| self.constant(text)),
                value,
            });
        }
        Ok(set_vars)
    }

    fn constant(&mut self, text: &[u8]) -> u32 {
        let known = self.constants.iter().position(|known| *known.text == *text);
        known.unwrap_or_else(|| {
            self.constants.push(Constant { text: text.into(), number: integer(text) });
            self.constants.len() - 1
        }) as u32
    }

    fn after(&mut self, rule: &Rule) -> Result<Vec<After>> {
        let place = &rule.place;
        let mut after = Vec::new();
        for (collection, name) in &rule.actions.init_collections {
            after.push(After::Init(*collection, Template::compile(name, &mut self.names, place)?));
        }
        for ctl in &rule.actions.ctls {
            after.extend(self.ctl(&ctl.kind, place)?);
        }
        for expire in &rule.actions.expire_vars {
            let key = key(expire.collection, &expire.key, &mut self.names, place)?;
            let seconds = Template::compile(&expire.seconds, &mut self.names, place)?;
            after.push(After::Expire(expire.collection, key, seconds));
        }
        Ok(after)
    }

    fn ctl(&mut self, kind: &CtlKind, place: &Place) -> Result<Option<After>> {
        Ok(Some(match kind {
            CtlKind::RuleEngine(mode) => After::Engine(*mode),
            CtlKind::RemoveById(ranges) => After::Remove(self.flat.by_id(ranges)),
            CtlKind::RemoveByTag(tag) => After::Remove(self.flat.by_tag(tag)),
            CtlKind::RemoveByMsg(message) => After::Remove(self.flat.by_message(message)),
            CtlKind::RemoveTargetById(ranges, target) => self.removal(self.flat.by_id(ranges), target, place)?,
            CtlKind::RemoveTargetByTag(tag, target) => self.removal(self.flat.by_tag(tag), target, place)?,
            CtlKind::RemoveTargetByMsg(text, target) => self.removal(self.flat.by_message(text), target, place)?,
            CtlKind::BodyProcessor(name) => After::Processor(name.clone()),
            CtlKind::BodyAccess(on) => After::BodyAccess(*on),
            CtlKind::ResponseBodyAccess(on) => After::ResponseBodyAccess(*on),
            CtlKind::BodyLimit(bytes) => After::BodyLimit(*bytes),
            CtlKind::ForceBodyVariable(kept) => After::BodyVariable(*kept),
            // What concerns its log alone has no effect here.
            CtlKind::Log(..) => return Ok(None),
        }))
    }

    fn removal(&mut self, rules: Bits, target: &seclang::Target, place: &Place) -> Result<After> {
        let compiled = target::one(target, &mut self.names, place).map_err(|cause| {
            Fault::new(&fault::SELECTOR).object(format_args!("{}:{}", place.file, place.line)).because(cause)
        })?;
        self.removals.push(Removal { rules, variable: compiled.variable, pick: compiled.pick });
        Ok(After::RemoveTarget(self.removals.len() as u32 - 1))
    }
}

fn key(collection: Collection, text: &Text, names: &mut Names, place: &Place) -> Result<Key> {
    match (collection, text.fixed()) {
        (Collection::Tx, Some(name)) => Ok(Key::Slot(names.slot(name))),
        _ => Ok(Key::Text(Template::compile(text, names, place)?)),
    }
}

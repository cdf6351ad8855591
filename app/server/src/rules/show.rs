//! Rules as people see them.

use super::change::every;
use super::{Present, Rules};
use api::rules::{ExceptionField, RuleException, RuleFull, RuleRow};
use base::{Fault, Result};
use detect::Rule;
use ruleset::{Exception, Own, PUBLISHED, RULES};

/// The form of an exception.
pub(super) fn form(exception: &Exception) -> RuleException {
    let field = |field: &ruleset::Field| ExceptionField { name: field.name.clone(), values: field.values.clone() };
    RuleException {
        id: exception.id.clone(),
        rules: exception.rules.clone(),
        fields: exception.fields.iter().map(field).collect(),
        hosts: exception.hosts.clone(),
        groups: exception.groups.clone(),
        until_us: exception.until_us,
        author: exception.author.clone(),
        reason: exception.reason.clone(),
        created_us: exception.created_us,
        alert: exception.alert.clone(),
    }
}

impl Present {
    fn own(&self, id: &str) -> Option<&Own> {
        self.set.rules.iter().find(|own| own.ids.iter().any(|known| known == id))
    }

    fn row(&self, rule: &Rule, now_us: i64) -> RuleRow {
        let own = rule.place.starts_with(PUBLISHED);
        let idle = self.compiled.engine.unrouted().iter().chain(self.compiled.correlations.unrouted());
        let why = idle.into_iter().find(|one| one.rule.id == rule.id).map(|one| one.reason.clone()).unwrap_or_default();
        let state = match (self.set.off.contains(&rule.id), why.is_empty()) {
            (true, _) => "off",
            (false, true) => "on",
            (false, false) => "unrouted",
        };
        let place = rule.place.strip_prefix(PUBLISHED).map(|path| path.rsplit('/').next().unwrap_or(path));
        let source = [&rule.source.product, &rule.source.category, &rule.source.service];
        let source: Vec<&str> = source.into_iter().flatten().map(String::as_str).collect();
        let excepts = |one: &&Exception| one.rules.contains(&rule.id) && !one.over(now_us);
        RuleRow {
            id: rule.id.clone(),
            title: rule.title.clone(),
            title_zh: rule.title_zh.clone(),
            level: rule.severity.word().into(),
            source: if own { "own" } else { "built-in" }.into(),
            state: state.into(),
            why,
            place: place.unwrap_or(&rule.place).to_owned(),
            version: rule.version.clone(),
            log_source: source.join("/"),
            techniques: rule.techniques.iter().map(|technique| technique.id.clone()).collect(),
            exceptions: self.set.exceptions.iter().filter(excepts).count(),
        }
    }

    /// The file that a rule stands in: its name in the set or among the built-in ones, and its text.
    pub(super) fn file(&self, rule: &Rule) -> Option<(String, String)> {
        if let Some(own) = self.own(&rule.id).filter(|_| rule.place.starts_with(PUBLISHED)) {
            return Some((own.path(), own.text.clone()));
        }
        let name = rule.place.rsplit_once(':').map_or(rule.place.as_str(), |(name, _)| name);
        RULES.iter().find(|(known, _)| *known == name).map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
    }

    /// A rule by its id.
    pub(super) fn rule(&self, id: &str) -> Result<&Rule> {
        let missing = || Fault::new(&api::fault::MISSING).object(format!("rule {id}"));
        every(&self.compiled).find(|rule| rule.id == id).ok_or_else(missing)
    }
}

impl Rules {
    /// Every rule, own ones first.
    pub(super) fn rows(&self) -> Vec<RuleRow> {
        let (present, now) = (self.present(), self.base.clock.wall());
        let mut rows: Vec<RuleRow> = every(&present.compiled).map(|rule| present.row(rule, now)).collect();
        rows.sort_by(|one, other| (one.source != "own", &one.place).cmp(&(other.source != "own", &other.place)));
        rows
    }

    /// A rule whole.
    pub(super) fn whole(&self, id: &str) -> Result<RuleFull> {
        let (present, now) = (self.present(), self.base.clock.wall());
        let rule = present.rule(id)?;
        let exceptions = present.set.exceptions.iter().filter(|one| one.rules.contains(&rule.id)).map(form).collect();
        let responses = rule.responses.iter().map(|wanted| format!("{} {} s", wanted.action, wanted.lease_s)).collect();
        Ok(RuleFull {
            row: present.row(rule, now),
            description: rule.description.clone(),
            description_zh: rule.description_zh.clone(),
            falsepositives: rule.falsepositives.clone(),
            references: rule.references.clone(),
            author: rule.author.clone(),
            by: present.own(id).map(|own| own.by.clone()).unwrap_or_default(),
            responses,
            exceptions,
            text: present.file(rule).map(|(_, text)| text).unwrap_or_default(),
        })
    }
}

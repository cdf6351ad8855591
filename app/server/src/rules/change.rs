//! What a change of the rules comes to, before anything is stored.

use super::store::{self, Facts, Stored};
use super::{Planned, Rules, blocking, compiled};
use crate::fault;
use api::rules::{RuleChange, RuleChangeRequest, RuleException, RuleFile, Told};
use base::{Fault, Lang, Result};
use detect::{Rule, Source};
use ruleset::{Compiled, Exception, Field, Ground, Own, PUBLISHED, Published, Set};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Most files of own rules.
const FILES_MOST: usize = 2000;
/// Largest file, bytes.
const FILE_BYTES: usize = 1 << 20;
/// Largest set, bytes: agents hold it in memory and on disk.
const SET_BYTES: usize = 16 << 20;
/// Most exceptions.
const EXCEPTIONS_MOST: usize = 2000;
/// Most fields of an exception, and most values of a field.
const FIELDS_MOST: usize = 16;
const VALUES_MOST: usize = 64;
/// Longest value, bytes.
const VALUE_BYTES: usize = 8192;
/// How long an exception that is over is still listed, µs (30 days).
const OVER_US: i64 = 30 * 86_400_000_000;

fn invalid(object: impl std::fmt::Display) -> Fault {
    Fault::new(&api::fault::INVALID).object(object)
}

fn missing(id: &str) -> Fault {
    Fault::new(&api::fault::MISSING).object(format!("rule {id}"))
}

fn state(object: &str, expected: &str) -> Fault {
    Fault::new(&api::fault::WRONG_STATE).object(object).expected(expected)
}

/// A fault with the name that people gave the file, not that of its place in the set.
pub(super) fn by_name(fault: &Fault) -> Fault {
    let name = fault.named().strip_prefix(PUBLISHED).map(|path| path.rsplit('/').next().unwrap_or(path).to_owned());
    name.map_or_else(|| fault.clone(), |name| fault.clone().object(name))
}

pub(super) fn told(fault: &Fault) -> Told {
    let fault = by_name(fault);
    Told { text: fault.outside(Lang::En), text_zh: fault.outside(Lang::Zh) }
}

/// Every rule and correlation of a set, running or not.
pub(super) fn every(compiled: &Compiled) -> impl Iterator<Item = &Rule> {
    let running = compiled.engine.rules().iter().chain(compiled.correlations.rules().map(|(_, rule)| rule));
    let idle = compiled.engine.unrouted().iter().chain(compiled.correlations.unrouted()).map(|one| &one.rule);
    running.chain(idle)
}

impl From<RuleException> for ExceptionOf {
    fn from(form: RuleException) -> ExceptionOf {
        let fields = form.fields.into_iter().map(|field| Field { name: field.name, values: field.values }).collect();
        ExceptionOf(Exception {
            id: form.id,
            rules: form.rules,
            fields,
            hosts: form.hosts,
            groups: form.groups,
            until_us: form.until_us,
            author: form.author,
            reason: form.reason,
            created_us: form.created_us,
            alert: form.alert,
        })
    }
}

/// The exception of a form.
pub(super) struct ExceptionOf(pub(super) Exception);

/// A step of the plan: the set as it becomes, and what was done.
struct Step {
    set: Set,
    what: &'static str,
    ids: Vec<String>,
    before: u64,
}

impl Rules {
    /// Plans a change on top of what agents are to have.
    pub(super) async fn plan(&self, asked: &RuleChangeRequest, who: &str, facts: &Facts) -> Result<Planned> {
        let tables = &*self.base.tables;
        let live = store::read(tables, facts.live).await?;
        let trial = match &facts.trial {
            Some((version, _)) => Some(store::read(tables, *version).await?),
            None => None,
        };
        let ends_trial = matches!(asked.change, RuleChange::Promote | RuleChange::Rollback);
        match (&trial, &asked.change) {
            (Some(trial), RuleChange::Promote) => return self.ended("promote", true, trial.set.clone()).await,
            (Some(_), RuleChange::Rollback) => return self.ended("rollback", false, live.set).await,
            (None, RuleChange::Promote) => return Err(state("rules", "a set that is on trial")),
            (Some(_), _) if asked.to.is_none() => {
                return Err(state("rules", "no set on trial: promote it or roll it back first"));
            }
            _ => {}
        }
        if ends_trial && asked.to.is_some() {
            return Err(invalid("to").expected("nothing: going back is for everyone"));
        }
        let start = trial.map_or_else(|| live.set.clone(), |trial| trial.set);
        let mut step = self.step(asked, who, facts, &live, start).await?;
        let now = self.base.clock.wall();
        step.set.exceptions.retain(|one| !one.over(now.saturating_sub(OVER_US)));
        within(&step.set)?;
        let set = Arc::new(step.set);
        let compiled = Arc::new(compiled(set.clone()).await?);
        if let Some(fault) = compiled.refusal() {
            return Err(by_name(fault));
        }
        let warnings = warnings(&compiled, &step.ids);
        let stored = Stored {
            version: facts.last + 1,
            before: step.before,
            time_us: now,
            who: who.to_owned(),
            what: step.what.to_owned(),
            ids: step.ids.clone(),
            reason: asked.reason.trim().to_owned(),
            set: Set::clone(&set),
        };
        let (to, what, ids) = (asked.to.clone(), step.what, step.ids);
        Ok(Planned { what, stored: Some(stored), promotes: false, to, set, compiled, ids, warnings })
    }

    /// A trial ends.
    async fn ended(&self, what: &'static str, promotes: bool, set: Set) -> Result<Planned> {
        let set = Arc::new(set);
        let compiled = Arc::new(compiled(set.clone()).await?);
        let (ids, warnings) = Default::default();
        Ok(Planned { what, stored: None, promotes, to: None, set, compiled, ids, warnings })
    }

    async fn step(
        &self,
        asked: &RuleChangeRequest,
        who: &str,
        facts: &Facts,
        live: &Stored,
        mut set: Set,
    ) -> Result<Step> {
        let (what, ids) = match &asked.change {
            RuleChange::Enable { files } => ("enable", self.enable(files, who, &mut set).await?),
            RuleChange::On { id } if set.off.remove(id) => ("on", vec![id.clone()]),
            RuleChange::On { id } => return Err(state(id, "a rule that is switched off")),
            RuleChange::Off { id } => {
                self.known(id, &set)?;
                if !set.off.insert(id.clone()) {
                    return Err(state(id, "a rule that is on"));
                }
                ("off", vec![id.clone()])
            }
            RuleChange::Remove { id } => ("remove", remove(id, &mut set)?),
            RuleChange::Except { exception } => ("except", self.except(exception, asked, who, &mut set)?),
            RuleChange::Unexcept { id } => {
                let before = set.exceptions.len();
                set.exceptions.retain(|one| one.id != *id);
                if set.exceptions.len() == before {
                    return Err(Fault::new(&api::fault::MISSING).object(format!("exception {id}")));
                }
                ("unexcept", vec![id.clone()])
            }
            RuleChange::Rollback | RuleChange::Promote if facts.live == 0 => {
                return Err(state("rules", "a version before the present one"));
            }
            RuleChange::Rollback | RuleChange::Promote => {
                let before = store::read(&*self.base.tables, live.before).await?;
                return Ok(Step { set: before.set, what: "rollback", ids: Vec::new(), before: before.before });
            }
        };
        Ok(Step { set, what, ids, before: facts.live })
    }

    /// A fault when no rule of the set or built in has this id.
    fn known(&self, id: &str, set: &Set) -> Result<()> {
        let own = set.rules.iter().any(|own| own.ids.iter().any(|known| known == id));
        match own || every(&self.present().compiled).any(|rule| rule.id == id) {
            true => Ok(()),
            false => Err(missing(id)),
        }
    }

    async fn enable(&self, files: &[RuleFile], who: &str, set: &mut Set) -> Result<Vec<String>> {
        let mut names = BTreeSet::new();
        for file in files {
            let name = file.name.as_str();
            if name.is_empty() || name.len() > 255 || name.contains(['/', '\\', '\0']) || !names.insert(name) {
                return Err(invalid("file").expected("file names without folders, each once").found(name));
            }
            if file.text.len() > FILE_BYTES {
                return Err(invalid(name).expected(format!("at most {FILE_BYTES} bytes")).found(file.text.len()));
            }
        }
        if files.is_empty() {
            return Err(invalid("files").expected("one file or more"));
        }
        let now = self.base.clock.wall();
        let found = identify(files, set).await?;
        let mut all = Vec::new();
        for (file, ids) in files.iter().zip(found) {
            if ids.is_empty() {
                return Err(invalid(&file.name).expected("a rule or correlation; exceptions are made by `rules tune`"));
            }
            let taken = |own: &&Own| own.ids.iter().any(|id| ids.contains(id));
            if let Some(other) = set.rules.iter().filter(taken).find(|own| !own.ids.iter().all(|id| ids.contains(id))) {
                let fault = Fault::new(&api::fault::EXISTS).object(&file.name);
                return Err(fault.expected(format!("every rule of {} or none of them", other.name)));
            }
            set.rules.retain(|own| !own.ids.iter().any(|id| ids.contains(id)));
            set.off.retain(|id| !ids.contains(id));
            all.extend(ids.iter().cloned());
            let (name, text, by) = (file.name.clone(), file.text.clone(), who.to_owned());
            set.rules.push(Own { name, text, ids, by, time_us: now });
        }
        Ok(all)
    }

    fn except(&self, form: &RuleException, asked: &RuleChangeRequest, who: &str, set: &mut Set) -> Result<Vec<String>> {
        let ExceptionOf(exception) = form.clone().into();
        checked(&exception, self.base.clock.wall())?;
        let present = self.present();
        for id in &exception.rules {
            self.known(id, set)?;
            if !exception.fields.is_empty() && present.compiled.correlations.rules().any(|(_, rule)| rule.id == *id) {
                let fault = invalid(id).expected("a rule about single events: except those that the correlation names");
                return Err(fault);
            }
        }
        let made = Exception {
            id: self.uuid(),
            author: who.to_owned(),
            reason: asked.reason.trim().to_owned(),
            created_us: self.base.clock.wall(),
            ..exception
        };
        let mut ids = vec![made.id.clone()];
        ids.extend(made.rules.iter().cloned());
        set.exceptions.push(made);
        Ok(ids)
    }
}

/// Ids of the rules in each file, compiled beside what is there already, so that correlations find what they name.
async fn identify(files: &[RuleFile], set: &Set) -> Result<Vec<Vec<String>>> {
    let texts: Vec<_> = files.iter().map(|file| (file.name.clone(), file.text.clone())).collect();
    let local = set.rules.iter().map(|own| Source { name: own.path(), text: own.text.clone() }).collect();
    let published = Published { texts, ..Published::default() };
    let names: Vec<String> = files.iter().map(|file| format!("{PUBLISHED}{}:", file.name)).collect();
    let ground = Ground { builtin: true, local, placeholders: None };
    let compiled = blocking(move || ruleset::compile(&published, ground)).await?;
    if let Some(fault) = compiled.refusal() {
        return Err(by_name(fault));
    }
    let of = |name: &String| -> Vec<String> {
        every(&compiled).filter(|rule| rule.place.starts_with(name)).map(|rule| rule.id.clone()).collect()
    };
    Ok(names.iter().map(of).collect())
}

fn remove(id: &str, set: &mut Set) -> Result<Vec<String>> {
    let at = set.rules.iter().position(|own| own.ids.iter().any(|known| known == id)).ok_or_else(|| missing(id))?;
    let own = set.rules.remove(at);
    set.off.retain(|id| !own.ids.contains(id));
    // An exception for nothing else would look as if it did something.
    set.exceptions.retain(|one| !one.rules.iter().all(|rule| own.ids.contains(rule)));
    Ok(own.ids)
}

/// Checks the form of an exception.
fn checked(exception: &Exception, now_us: i64) -> Result<()> {
    if exception.rules.is_empty() || exception.rules.len() > FIELDS_MOST {
        return Err(invalid("rules").expected(format!("1 to {FIELDS_MOST} ids")));
    }
    if exception.fields.is_empty() && exception.hosts.is_empty() && exception.groups.is_empty() {
        return Err(invalid("fields").expected("a field, a host or a group: else switch the rule off"));
    }
    if exception.fields.len() > FIELDS_MOST {
        return Err(invalid("fields").expected(format!("at most {FIELDS_MOST}")));
    }
    for field in &exception.fields {
        let name = |letter: char| letter.is_ascii_alphanumeric() || "._-@".contains(letter);
        if field.name.is_empty() || field.name.len() > 200 || !field.name.chars().all(name) {
            return Err(invalid("field").expected("a name without modifiers").found(&field.name));
        }
        let long = field.values.iter().any(|value| value.is_empty() || value.len() > VALUE_BYTES);
        if field.values.is_empty() || field.values.len() > VALUES_MOST || long {
            let expected = format!("1 to {VALUES_MOST} values of 1 to {VALUE_BYTES} bytes");
            return Err(invalid(&field.name).expected(expected));
        }
    }
    if exception.until_us != 0 && exception.over(now_us) {
        return Err(invalid("until_us").expected("a time to come"));
    }
    Ok(())
}

fn within(set: &Set) -> Result<()> {
    let bytes: usize = set.texts().iter().map(|(_, text)| text.len()).sum();
    let counts = [
        ("files of rules", set.rules.len(), FILES_MOST),
        ("exceptions", set.exceptions.len(), EXCEPTIONS_MOST),
        ("bytes of rules", bytes, SET_BYTES),
    ];
    match counts.iter().find(|(_, count, most)| count > most) {
        Some((what, count, most)) => {
            Err(Fault::new(&fault::RULES_LIMIT).object(what).expected(format!("at most {most}")).found(count))
        }
        None => Ok(()),
    }
}

/// What is missing or looks wrong about the rules of a change; none of it is a reason to refuse.
fn warnings(compiled: &Compiled, ids: &[String]) -> Vec<Told> {
    let mut warnings: Vec<Told> = compiled.engine.doubts().iter().map(told).collect();
    // A built-in correlation whose rule was switched off, say.
    warnings.extend(compiled.faults.iter().map(told));
    for one in compiled.engine.unrouted().iter().chain(compiled.correlations.unrouted()) {
        if ids.contains(&one.rule.id) && one.rule.place.starts_with(PUBLISHED) {
            let (title, why) = (&one.rule.title, &one.reason);
            warnings.push(Told {
                text: format!("{title}: it does not run: {why}"),
                text_zh: format!("{title}：不会运行：{why}"),
            });
        }
    }
    let changed = every(compiled).filter(|rule| ids.contains(&rule.id) && rule.place.starts_with(PUBLISHED));
    warnings.extend(changed.filter_map(lacks));
    warnings
}

/// What a rule lacks that content has.
fn lacks(rule: &Rule) -> Option<Told> {
    let parts = [
        (
            rule.id.starts_with("sigma-"),
            "id (a change of its text makes it another rule)",
            "id（文本一改即成为另一条规则）",
        ),
        (rule.severity == record::Severity::Unknown, "level", "level（级别）"),
        (rule.description.is_empty(), "description", "description（说明）"),
        (rule.falsepositives.is_empty(), "falsepositives", "falsepositives（误报说明）"),
        (rule.techniques.is_empty(), "ATT&CK tags", "ATT&CK 标签"),
        (rule.title_zh.is_empty(), "title_zh", "title_zh（中文标题）"),
    ];
    let lacking: Vec<_> = parts.iter().filter(|(lacks, ..)| *lacks).collect();
    if lacking.is_empty() {
        return None;
    }
    let join = |of: fn(&(bool, &'static str, &'static str)) -> &'static str, by: &str| {
        lacking.iter().map(|part| of(part)).collect::<Vec<_>>().join(by)
    };
    Some(Told {
        text: format!("{}: it has no {}", rule.title, join(|part| part.1, ", ")),
        text_zh: format!("{}：缺少 {}", rule.title, join(|part| part.2, "、")),
    })
}

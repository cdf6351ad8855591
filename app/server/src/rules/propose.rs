//! An exception from an alert: the narrowest that a person would write.

use super::Rules;
use api::rules::{Candidate, ExceptionField, RuleException, RuleProposal, RuleProposalRequest};
use base::{Fault, Result};
use detect::{Rule, field_map};
use record::{Activity, Alert, Event};

/// Fields that differ each time: an exception on them holds once.
const FLEETING: &[&str] = &[
    "ProcessId",
    "ParentProcessId",
    "SourceProcessId",
    "TargetProcessId",
    "SourcePort",
    "UtcTime",
    "timestamp",
    "@timestamp",
    "LogonId",
    "Hashes",
];
/// Programs that do what their arguments say: without these an exception would be for anything.
const INTERPRETERS: &[&str] = &[
    "sh",
    "bash",
    "dash",
    "zsh",
    "ksh",
    "ash",
    "busybox",
    "env",
    "sudo",
    "su",
    "perl",
    "ruby",
    "node",
    "php",
    "lua",
    "awk",
    "gawk",
    "mawk",
    "find",
    "xargs",
    "ssh",
    "systemd-run",
    "nsenter",
];
/// Most candidates shown.
const CANDIDATES: usize = 40;

fn invalid(object: impl std::fmt::Display) -> Fault {
    Fault::new(&api::fault::INVALID).object(object)
}

/// Whether a program runs what it is told.
fn interprets(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    INTERPRETERS.contains(&name) || name.starts_with("python")
}

/// What an exception could test, with the event's values.
fn candidates(rule: &Rule, event: &Event, alert: &Alert) -> Vec<Candidate> {
    let category = rule.source.category.as_deref();
    let mut names: Vec<String> = field_map::known(category).iter().map(|name| (*name).to_owned()).collect();
    if let Activity::Log(log) = &event.activity {
        names = log.fields.iter().map(|pair| pair.name.clone()).collect();
    }
    names.extend(alert.matches.iter().map(|one| one.field.clone()));
    let mut all: Vec<Candidate> = Vec::new();
    for name in names {
        if FLEETING.contains(&name.as_str()) || all.iter().any(|one| one.name == name) {
            continue;
        }
        let values = ruleset::texts(category, event, &name);
        if !values.is_empty() && all.len() < CANDIDATES {
            all.push(Candidate { name, values, chosen: false });
        }
    }
    all
}

/// Marks the narrowest sensible ones: the program, who started it, and what the rule saw besides.
fn choose(all: &mut [Candidate], alert: &Alert) {
    let value = |all: &[Candidate], name: &str| {
        all.iter().find(|one| one.name == name).and_then(|one| one.values.first().cloned()).unwrap_or_default()
    };
    let told = interprets(&value(all, "Image"));
    let seen: Vec<&str> = alert.matches.iter().map(|one| one.field.as_str()).collect();
    for one in all.iter_mut() {
        one.chosen = match one.name.as_str() {
            "Image" | "ParentImage" => true,
            "CommandLine" => told,
            // Of the process itself the program is enough.
            "ParentCommandLine" | "CurrentDirectory" | "User" | "SourceImage" => false,
            name if name.starts_with("process.") || name.starts_with("parent.") || name.starts_with("ancestors.") => {
                false
            }
            name => seen.contains(&name),
        };
    }
}

impl Rules {
    /// An exception from an alert.
    pub(super) async fn proposal(&self, asked: &RuleProposalRequest) -> Result<RuleProposal> {
        let missing = || Fault::new(&api::fault::MISSING).object(format!("alert {}", asked.alert));
        let condition = format!("id = '{}'", asked.alert.replace('\'', "''"));
        let alert = self.base.lake.findings(&condition, 1).await?.into_iter().next().ok_or_else(missing)?;
        let event = alert.evidence.clone().unpack(0).ok().and_then(|events| events.into_iter().next());
        let event = event.ok_or_else(missing)?;
        let present = self.present();
        let rule = present.rule(&alert.rule)?;
        // A correlation is excepted at the rules that it counts.
        let correlation = present.compiled.correlations.rules().find(|(_, one)| one.id == rule.id);
        let engine = &present.compiled.engine;
        let tested: Vec<&Rule> = match correlation {
            Some((index, _)) => present.compiled.correlations.bases(index).map(|base| engine.rule(base)).collect(),
            None => vec![rule],
        };
        let mut all = candidates(tested.first().copied().unwrap_or(rule), &event, &alert);
        if asked.fields.is_empty() {
            choose(&mut all, &alert);
        }
        for name in &asked.fields {
            let name = if name == "process.executable" { "Image" } else { name };
            match all.iter_mut().find(|one| one.name == name) {
                Some(one) => one.chosen = true,
                None => {
                    let category = tested.first().and_then(|rule| rule.source.category.as_deref());
                    let values = ruleset::texts(category, &event, name);
                    if values.is_empty() {
                        let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
                        return Err(invalid("field").expected(names.join(", ")).found(name));
                    }
                    all.push(Candidate { name: name.to_owned(), values, chosen: true });
                }
            }
        }
        let chosen = all.iter().filter(|one| one.chosen);
        let fields = chosen.map(|one| ExceptionField { name: one.name.clone(), values: one.values.clone() }).collect();
        let now = self.base.clock.wall();
        let span = i64::try_from(asked.for_s).unwrap_or(i64::MAX).saturating_mul(1_000_000);
        let exception = RuleException {
            rules: tested.iter().map(|rule| rule.id.clone()).collect(),
            fields,
            hosts: asked.hosts.clone(),
            groups: asked.groups.clone(),
            until_us: if asked.for_s == 0 { 0 } else { now.saturating_add(span) },
            reason: asked.reason.clone(),
            alert: asked.alert.clone(),
            ..RuleException::default()
        };
        let (title, title_zh) = (rule.title.clone(), rule.title_zh.clone());
        Ok(RuleProposal { exception, title, title_zh, candidates: all })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use detect::cases;
    use record::{Kind, Match};

    fn proposed(exe: &str, file: bool) -> Vec<String> {
        let category = if file { "file_event" } else { "process_creation" };
        let text = format!(
            "title: t\nlogsource: {{product: linux, category: {category}}}\ndetection: {{a: {{Image: x}}, condition: a}}\n"
        );
        let (engine, _) = detect::Engine::compile(&[detect::Source { name: "t.yml".into(), text }]);
        let mut fields = vec![
            ("process.exe", exe),
            ("parent.exe", "/usr/sbin/cron"),
            ("process.cmd_line", "x -c run"),
            ("process.user", "root"),
        ];
        if file {
            fields.push(("file.path", "/etc/x"));
        }
        let event = cases::event(if file { Kind::File } else { Kind::Exec }, &fields).unwrap();
        let seen = |name: &str| Match { field: name.into(), value: "v".into() };
        let matches = vec![seen("CommandLine"), seen("TargetFilename")];
        let alert = Alert { matches, ..Alert::default() };
        let mut all = candidates(&engine.rules()[0], &event, &alert);
        assert!(all.iter().all(|one| one.name != "ProcessId"));
        choose(&mut all, &alert);
        all.into_iter().filter(|one| one.chosen).map(|one| one.name).collect()
    }

    #[test]
    fn the_program_its_parent_and_what_the_rule_saw_are_proposed() {
        assert_eq!(proposed("/usr/bin/restic", false), ["Image", "ParentImage"]);
        assert_eq!(proposed("/usr/bin/python3.11", false), ["Image", "CommandLine", "ParentImage"]);
        assert_eq!(proposed("/usr/bin/restic", true), ["Image", "ParentImage", "TargetFilename"]);
    }
}

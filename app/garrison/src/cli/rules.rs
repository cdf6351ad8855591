//! `rules`: list, test on the past, enable, tune, roll out, roll back.

use super::options::{Options, Session};
use super::read::{escape, page, progress, query, show, typed};
use super::render::rules as drawn;
use super::words::Word;
use super::{duration, fault};
use api::rules::{
    ExceptionField, RuleAudience, RuleChange, RuleChanged, RuleFile, RuleProposal, RuleRollout, RuleTest,
};
use base::{Fault, Result};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How often a test is asked how far it is, and the roll-out who holds it.
const ASK: Duration = Duration::from_millis(200);
/// How long a change waits for the agents that are connected.
const HOLD: Duration = Duration::from_secs(10);
/// Most files of a folder.
const FILES: usize = 500;
/// Deepest folder below the one given.
const DEPTH: usize = 8;

/// `rules`.
#[derive(Args, Debug)]
pub struct Rules {
    #[command(flatten)]
    pub(super) options: Options,
    #[command(subcommand)]
    command: Option<Command>,
}

/// Why, and who gets it first.
#[derive(Args, Debug)]
struct Manner {
    /// Why; goes into the ledger.
    #[arg(long)]
    reason: Option<String>,
    /// Only this group of agents at first; may be repeated.
    #[arg(long = "to-group")]
    to_groups: Vec<String>,
    /// Only this host at first; may be repeated.
    #[arg(long = "to-host")]
    to_hosts: Vec<String>,
    /// Only so many percent of the agents at first.
    #[arg(long, default_value_t = 0)]
    to_percent: u8,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Every rule, the installation's own first (the default).
    List {
        /// built-in or own.
        #[arg(long)]
        source: Option<String>,
        /// informational, low, medium, high or critical.
        #[arg(long)]
        level: Option<String>,
        /// on, off or unrouted.
        #[arg(long)]
        state: Option<String>,
    },
    /// One rule with its text and exceptions.
    Show {
        /// Its id.
        id: String,
    },
    /// Try rules on the kept events; changes nothing.
    Test {
        /// File or folder of rules, or the id of a rule.
        rule: String,
        /// How far back: 10m, 2h, 7d.
        #[arg(long, default_value = "7d", value_parser = duration::seconds)]
        since: u64,
        /// Most samples of each rule, 0 to 100.
        #[arg(long, default_value_t = 5)]
        limit: usize,
    },
    /// Enable rules of a file or folder, or a rule that is off by its id.
    Enable {
        /// File or folder of rules, or the id of a rule.
        rule: String,
        #[command(flatten)]
        manner: Manner,
    },
    /// Switch a rule off.
    Disable {
        /// Its id.
        id: String,
        #[command(flatten)]
        manner: Manner,
    },
    /// Remove a rule of the installation's own, with the others of its file.
    Remove {
        /// Its id.
        id: String,
        #[command(flatten)]
        manner: Manner,
    },
    /// Make an exception from an alert: shows what it would silence; --yes applies it.
    Tune(Tune),
    /// Exceptions: all of them, or remove one.
    Exceptions {
        #[command(subcommand)]
        command: Option<Exceptions>,
    },
    /// Which version the agents hold, and who refused it.
    Status,
    /// Versions of the set of rules, the newest first.
    History,
    /// Give to everyone what is on trial.
    Promote {
        /// Why; goes into the ledger.
        #[arg(long)]
        reason: Option<String>,
    },
    /// Go back: end what is on trial, or else to the version before.
    Rollback {
        /// Why; goes into the ledger.
        #[arg(long)]
        reason: Option<String>,
    },
}

#[derive(Args, Debug)]
struct Tune {
    /// Id of the alert.
    #[arg(long)]
    alert: String,
    /// Field that the exception tests; may be repeated. The narrowest sensible ones when absent.
    #[arg(long = "field")]
    fields: Vec<String>,
    /// Only on this host; may be repeated.
    #[arg(long = "host")]
    hosts: Vec<String>,
    /// Only in this group of agents; may be repeated.
    #[arg(long = "group")]
    groups: Vec<String>,
    /// When it ends by itself: 10m, 2h, 30d; never when absent.
    #[arg(long, value_parser = duration::seconds)]
    until: Option<u64>,
    /// How far back its effect is shown: 10m, 2h, 7d.
    #[arg(long, default_value = "7d", value_parser = duration::seconds)]
    since: u64,
    /// Apply it.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    manner: Manner,
}

#[derive(Subcommand, Debug)]
enum Exceptions {
    /// All exceptions (the default).
    List,
    /// Remove an exception.
    Remove {
        /// Its id.
        id: String,
        #[command(flatten)]
        manner: Manner,
    },
}

impl Manner {
    fn audience(&self) -> Option<RuleAudience> {
        let (groups, hosts, percent) = (self.to_groups.clone(), self.to_hosts.clone(), self.to_percent);
        let everyone = groups.is_empty() && hosts.is_empty() && percent == 0;
        (!everyone).then_some(RuleAudience { groups, hosts, percent })
    }
}

/// Runs one command.
pub(super) async fn run(session: &Session, asked: Rules) -> Result<ExitCode> {
    let usual = Command::List { source: None, level: None, state: None };
    match asked.command.unwrap_or(usual) {
        Command::List { source, level, state } => {
            let asked = query(&[("source", source), ("level", level), ("state", state)]);
            page(session, &session.client.get(&format!("/rules{asked}")).await?, drawn::rules)
        }
        Command::Show { id } => {
            show(session, &session.client.get(&format!("/rules/{}", escape(&id))).await?, drawn::rule)
        }
        Command::Test { rule, since, limit } => test(session, &rule, since, limit).await,
        Command::Enable { rule, manner } => {
            let change = match texts(&rule)? {
                Some(files) => RuleChange::Enable { files },
                None => RuleChange::On { id: rule.clone() },
            };
            change_set(session, change, manner, &format!("enable {rule}")).await
        }
        Command::Disable { id, manner } => {
            let why = format!("disable {id}");
            change_set(session, RuleChange::Off { id }, manner, &why).await
        }
        Command::Remove { id, manner } => {
            let why = format!("remove {id}");
            change_set(session, RuleChange::Remove { id }, manner, &why).await
        }
        Command::Tune(tune) => self::tune(session, tune).await,
        Command::Exceptions { command } => match command.unwrap_or(Exceptions::List) {
            Exceptions::List => page(session, &session.client.get("/rules/exceptions").await?, drawn::exceptions),
            Exceptions::Remove { id, manner } => {
                let why = format!("remove exception {id}");
                change_set(session, RuleChange::Unexcept { id }, manner, &why).await
            }
        },
        Command::Status => show(session, &session.client.get("/rules/rollout").await?, drawn::rollout),
        Command::History => page(session, &session.client.get("/rules/changes").await?, drawn::versions),
        Command::Promote { reason } => plain(session, RuleChange::Promote, reason, "promote").await,
        Command::Rollback { reason } => plain(session, RuleChange::Rollback, reason, "roll back").await,
    }
}

async fn plain(session: &Session, change: RuleChange, reason: Option<String>, why: &str) -> Result<ExitCode> {
    let manner = Manner { reason, to_groups: Vec::new(), to_hosts: Vec::new(), to_percent: 0 };
    change_set(session, change, manner, why).await
}

/// Makes a change and waits until the agents that are connected hold it, or refuse it.
async fn change_set(session: &Session, change: RuleChange, manner: Manner, why: &str) -> Result<ExitCode> {
    let reason = manner.reason.clone().unwrap_or_else(|| why.to_owned());
    let body = json!({"change": change, "reason": reason, "to": manner.audience()});
    let begun = Instant::now();
    let json = session.client.post("/rules/changes", &body).await?;
    let changed: RuleChanged = typed(&json)?;
    let (rollout, held) = loop {
        let rollout: RuleRollout = typed(&session.client.get("/rules/rollout").await?)?;
        let mut waiting = rollout.standings.iter().filter(|one| one.connected && one.wanted == changed.version);
        let settled = waiting.all(|one| one.version == one.wanted || one.refused == one.wanted);
        if settled || begun.elapsed() > HOLD {
            break (rollout, settled);
        }
        tokio::time::sleep(ASK / 4).await;
    };
    let took = begun.elapsed().as_millis() as u64;
    let refused = rollout.standings.iter().any(|one| changed.version > 0 && one.refused == changed.version);
    let told = json!({"changed": json, "rollout": rollout, "took_ms": took});
    show(session, &told, |screen, _: &Value| drawn::changed(screen, &changed, &rollout, took))?;
    Ok(if held && !refused { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Begins a test and follows it; Ctrl-C ends it at the server too.
async fn followed(session: &Session, body: &Value) -> Result<Value> {
    let begun: RuleTest = typed(&session.client.post("/rules/tests", body).await?)?;
    progress(session, Word::Judging);
    let path = format!("/rules/tests/{}", escape(&begun.id));
    let mut shown = Instant::now();
    loop {
        let json = session.client.get(&path).await?;
        let test: RuleTest = typed(&json)?;
        if test.state != "running" {
            return Ok(json);
        }
        if !session.json && shown.elapsed() > Duration::from_secs(1) {
            let words = [Word::Judged, Word::OfThem].map(|word| session.screen.word(word));
            eprintln!("{} {} {} {}", words[0], test.judged, words[1], test.events);
            shown = Instant::now();
        }
        tokio::select! {
            () = tokio::time::sleep(ASK) => {}
            _ = tokio::signal::ctrl_c() => session.client.delete(&path).await?,
        }
    }
}

async fn test(session: &Session, rule: &str, since: u64, limit: usize) -> Result<ExitCode> {
    let body = match texts(rule)? {
        Some(files) => json!({"files": files, "since_s": since, "limit": limit}),
        None => json!({"ids": [rule], "since_s": since, "limit": limit}),
    };
    let json = followed(session, &body).await?;
    show(session, &json, drawn::test)?;
    Ok(if json["state"] == "done" { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn tune(session: &Session, tune: Tune) -> Result<ExitCode> {
    let reason = tune.manner.reason.clone().unwrap_or_else(|| format!("harmless: alert {}", tune.alert));
    let wish = json!({"alert": tune.alert, "fields": tune.fields, "hosts": tune.hosts, "groups": tune.groups,
        "for_s": tune.until.unwrap_or(0), "reason": reason});
    let json = session.client.post("/rules/proposals", &wish).await?;
    let proposal: RuleProposal = typed(&json)?;
    let exception = &proposal.exception;
    let body = json!({"ids": exception.rules, "exception": exception, "since_s": tune.since, "limit": 0});
    let effect = followed(session, &body).await?;
    let tested: RuleTest = typed(&effect)?;
    if !tune.yes {
        let told = json!({"proposal": json, "effect": effect});
        return show(session, &told, |screen, _: &Value| {
            drawn::proposal(screen, &proposal, &tested) + screen.word(Word::SayYes) + "\n"
        });
    }
    if !session.json {
        super::read::print(&drawn::proposal(&session.screen, &proposal, &tested));
    }
    let manner = Manner { reason: Some(reason), ..tune.manner };
    change_set(session, RuleChange::Except { exception: exception.clone() }, manner, "tune").await
}

/// The texts of a file or folder; nothing when there is none of this name, so that it is an id.
fn texts(rule: &str) -> Result<Option<Vec<RuleFile>>> {
    let path = Path::new(rule);
    let bad =
        |path: &Path, cause: &dyn std::fmt::Display| Fault::new(&fault::BAD_FILE).object(path.display()).because(cause);
    if !path.exists() {
        // A name of a file that is not there is no id.
        let file = rule.contains('/') || rule.ends_with(".yml") || rule.ends_with(".yaml");
        return if file { Err(bad(path, &"there is no such file")) } else { Ok(None) };
    }
    let mut paths = Vec::new();
    if path.is_dir() {
        gather(path, DEPTH, &mut paths).map_err(|cause| bad(path, &cause))?;
    } else {
        paths.push(path.to_path_buf());
    }
    if paths.is_empty() || paths.len() > FILES {
        let fault = Fault::new(&fault::BAD_FILE).object(path.display()).found(paths.len());
        return Err(fault.expected(format!("1 to {FILES} files of rules (.yml)")));
    }
    let file = |at: &PathBuf| {
        let text = std::fs::read_to_string(at).map_err(|cause| bad(at, &cause))?;
        let name = at.strip_prefix(path).ok().filter(|name| name.components().count() > 0).unwrap_or(at);
        let whole = name.display().to_string().replace('/', "_");
        let own = at.file_name().map_or(whole.clone(), |name| name.to_string_lossy().into_owned());
        Ok(RuleFile { name: if path.is_dir() { whole } else { own }, text })
    };
    paths.iter().map(file).collect::<Result<Vec<_>>>().map(Some)
}

fn gather(folder: &Path, depth: usize, paths: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let mut entries = std::fs::read_dir(folder)?.collect::<std::io::Result<Vec<_>>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if path.is_dir() && depth > 0 {
            gather(&path, depth - 1, paths)?;
        } else if (name.ends_with(".yml") || name.ends_with(".yaml")) && !name.ends_with(".cases.yml") {
            paths.push(path);
        }
    }
    Ok(())
}

/// Fields as people write them.
pub(super) fn fields(fields: &[ExceptionField]) -> String {
    let one = |field: &ExceptionField| format!("{}={}", field.name, field.values.join("|"));
    fields.iter().map(one).collect::<Vec<_>>().join("  ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_folders_are_read_and_other_words_are_ids() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("below")).unwrap();
        for name in ["a.yml", "a.cases.yml", "below/b.yml", "notes.txt"] {
            std::fs::write(folder.path().join(name), name).unwrap();
        }
        let read = |path: &Path| texts(&path.display().to_string()).unwrap().unwrap();
        let names: Vec<String> = read(folder.path()).into_iter().map(|file| file.name).collect();
        assert_eq!(names, ["a.yml", "below_b.yml"]);
        assert_eq!(read(&folder.path().join("below/b.yml"))[0].name, "b.yml");
        assert!(texts("7d1f1b0a-54cf-4d8e-9a5b-0c4b2f0c7a11").unwrap().is_none());
        assert!(texts("gone.yml").unwrap_err().is(&fault::BAD_FILE));
    }
}

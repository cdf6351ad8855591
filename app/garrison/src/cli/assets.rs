//! `assets`: what is on the hosts, and how it changed.

use super::fault;
use super::options::{Options, Session};
use super::read::{query, show};
use super::screen::Screen;
use super::table;
use super::words::Word;
use base::{Fault, Result};
use clap::{Args, Subcommand};
use serde_json::Value;
use std::process::ExitCode;

/// `assets`.
#[derive(Args, Debug)]
pub struct Assets {
    #[command(flatten)]
    pub(super) options: Options,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// What is there now, by host, kind and key (the default).
    List {
        /// Host name or agent id.
        #[arg(long)]
        host: Option<String>,
        /// host, package, port, user, group, sudo, service, cron, module, container, web-app or key.
        #[arg(long)]
        kind: Option<String>,
        /// Text that the name, key or version has in it.
        #[arg(long)]
        text: Option<String>,
        /// Most rows, 1 to 1000.
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
    /// Hosts with an inventory.
    Hosts,
    /// One asset whole.
    Show {
        /// Its key.
        key: String,
        /// Host name or agent id.
        #[arg(long)]
        host: Option<String>,
        /// host, package, port, user, group, sudo, service, cron, module, container, web-app or key.
        #[arg(long)]
        kind: Option<String>,
    },
    /// What appeared, went and changed, newest first.
    History {
        /// Host name or agent id.
        #[arg(long)]
        host: Option<String>,
        /// host, package, port, user, group, sudo, service, cron, module, container, web-app or key.
        #[arg(long)]
        kind: Option<String>,
        /// Its key.
        #[arg(long)]
        key: Option<String>,
        /// Show whole inventories too.
        #[arg(long)]
        whole: bool,
        /// Most rows, 1 to 1000.
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
}

/// Runs one command.
pub(super) async fn run(session: &Session, asked: Assets) -> Result<ExitCode> {
    let usual = Command::List { host: None, kind: None, text: None, limit: 100 };
    match asked.command.unwrap_or(usual) {
        Command::List { host, kind, text, limit } => {
            let limit = Some(limit.to_string());
            let asked = query(&[("host", host), ("kind", kind), ("text", text), ("limit", limit)]);
            show(session, &session.client.get(&format!("/assets{asked}")).await?, list)
        }
        Command::Hosts => show(session, &session.client.get("/assets/hosts").await?, hosts),
        Command::Show { key, host, kind } => one(session, &key, host, kind).await,
        Command::History { host, kind, key, whole, limit } => {
            let (limit, whole) = (Some(limit.to_string()), Some(whole.to_string()));
            let asked = query(&[("host", host), ("kind", kind), ("key", key), ("whole", whole), ("limit", limit)]);
            show(session, &session.client.get(&format!("/assets/history{asked}")).await?, history)
        }
    }
}

/// A text of JSON.
pub(super) fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| if value.is_null() { String::new() } else { value.to_string() }, str::to_owned)
}

/// Rows under a heading, or that there are none, and whether there are more.
pub(super) fn rows(screen: &Screen, json: &Value, words: &[Word], row: impl Fn(&Value) -> Vec<String>) -> String {
    let rows: Vec<Vec<String>> = json["items"].as_array().into_iter().flatten().map(row).collect();
    if rows.is_empty() {
        return format!("{}\n", screen.word(Word::None));
    }
    let heading: Vec<&str> = words.iter().map(|word| screen.word(*word)).collect();
    let mut drawn = table::draw(screen, &heading, &rows);
    if !json["next"].is_null() {
        drawn.push_str(&format!("{}\n", screen.word(Word::More)));
    }
    drawn
}

fn details(value: &Value) -> String {
    let pairs = value.as_object().into_iter().flatten().map(|(name, value)| format!("{name}={}", text(value)));
    pairs.collect::<Vec<_>>().join(" ")
}

fn list(screen: &Screen, json: &Value) -> String {
    rows(screen, json, &[Word::Host, Word::Kind, Word::Key, Word::Release, Word::Details], |one| {
        vec![text(&one["host"]), text(&one["kind"]), text(&one["key"]), text(&one["version"]), details(&one["details"])]
    })
}

fn hosts(screen: &Screen, json: &Value) -> String {
    rows(screen, json, &[Word::Host, Word::Id, Word::Os, Word::Seen, Word::Whole], |one| {
        let time = |name: &str| screen.time(one[name].as_i64().unwrap_or(0));
        vec![text(&one["host"]), text(&one["agent"]), text(&one["os"]), time("updated_us"), time("whole_us")]
    })
}

fn history(screen: &Screen, json: &Value) -> String {
    rows(screen, json, &[Word::Time, Word::Host, Word::Change, Word::Kind, Word::Key, Word::Details], |one| {
        let version = text(&one["version"]);
        let what = format!("{version} {}", details(&one["details"]));
        let mut row = ["time", "host", "change", "kind", "key"].map(|name| text(&one[name])).to_vec();
        row.push(what.trim().to_owned());
        row
    })
}

async fn one(session: &Session, key: &str, host: Option<String>, kind: Option<String>) -> Result<ExitCode> {
    let asked =
        query(&[("host", host), ("kind", kind), ("text", Some(key.to_owned())), ("limit", Some("1000".into()))]);
    let found = session.client.get(&format!("/assets{asked}")).await?;
    let wanted = |one: &&Value| one["key"] == key || one["name"] == key;
    let items: Vec<Value> = found["items"].as_array().into_iter().flatten().filter(wanted).cloned().collect();
    if items.is_empty() {
        return Err(Fault::new(&fault::BAD_ARGUMENT).object(key).expected("the key or the name of an asset"));
    }
    show(session, &Value::Array(items), |screen, json: &Value| {
        let drawn = json.as_array().into_iter().flatten().map(|one| {
            let mut pairs: Vec<(&str, String)> =
                ["host", "kind", "key", "name", "version"].map(|name| (name, text(&one[name]))).to_vec();
            let inner = one["details"].as_object().into_iter().flatten();
            pairs.extend(inner.map(|(name, value)| (name.as_str(), text(value))));
            pairs.push(("first", screen.time(one["first_us"].as_i64().unwrap_or(0))));
            pairs.push(("seen", screen.time(one["seen_us"].as_i64().unwrap_or(0))));
            table::pairs(&pairs)
        });
        drawn.collect::<Vec<_>>().join("\n")
    })
}

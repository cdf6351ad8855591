//! `garrison waf`: the web firewall: requests explained, traffic counted, sites tuned.

use super::assets::{rows, text};
use super::options::{Context, Options, Session};
use super::read::{escape, query, show};
use super::screen::Screen;
use super::words::Word;
use super::{duration, fault};
use base::{Fault, Lang, Result};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::ExitCode;
use webrules::Ask;

/// `waf`.
#[derive(Args, Debug)]
pub struct Waf {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Say which rules hold of a request, on which value after which transformations, and the score.
    Explain(Ask),
    /// Count requests: what a site refuses, or would refuse while it observes.
    Traffic {
        /// Only this site.
        #[arg(long)]
        site: Option<String>,
        /// Count by decisions, rules, paths, clients or fingerprints.
        #[arg(long, default_value = "decisions")]
        by: String,
        /// Only requests of this decision: allowed, observed, blocked, challenged, limited, malformed.
        #[arg(long)]
        decision: Option<String>,
        /// How far back: 10m, 2h, 7d.
        #[arg(long, default_value = "1d", value_parser = duration::seconds)]
        since: u64,
        /// Most rows, 1 to 1000.
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
    /// Let pass what an alert was about: its rules no longer look at that target of that path.
    Exclude {
        /// Id of the alert.
        alert: String,
        /// Only these of the rules that it names.
        #[arg(long)]
        rule: Vec<u64>,
        /// Last day on which it holds, YYYY-MM-DD; no end when absent.
        #[arg(long)]
        until: Option<String>,
        /// Why; goes into the ledger.
        #[arg(long)]
        reason: String,
    },
    /// Tuning of all sites, or one site's as YAML.
    Tuning {
        /// The site.
        site: Option<String>,
    },
    /// Put a file in the place of a site's tuning: exclusions, variables, virtual patches.
    Tune {
        /// The site.
        site: String,
        /// File (YAML).
        file: PathBuf,
        /// Why; goes into the ledger.
        #[arg(long)]
        reason: String,
    },
    /// Remove an item of a site's tuning.
    Drop {
        /// The site.
        site: String,
        /// Number of the item.
        id: u64,
        /// Why; goes into the ledger.
        #[arg(long, default_value = "")]
        reason: String,
    },
}

/// Runs it.
pub(super) async fn run(context: &Context, asked: Waf) -> Result<ExitCode> {
    let Waf { options, command } = asked;
    // Rules are on this machine: no server is asked.
    if let Command::Explain(ask) = &command {
        return explain(ask, options.json, context.lang);
    }
    let session = context.open(&options)?;
    match command {
        Command::Explain(_) => Ok(ExitCode::SUCCESS),
        Command::Traffic { site, by, decision, since, limit } => {
            let asked = query(&[
                ("site", site),
                ("by", Some(by)),
                ("decision", decision),
                ("since_s", Some(since.to_string())),
                ("limit", Some(limit.to_string())),
            ]);
            show(&session, &session.client.get(&format!("/web/traffic{asked}")).await?, traffic)
        }
        Command::Exclude { alert, rule, until, reason } => {
            let body = json!({"alert": alert, "rules": rule, "until": until, "reason": reason});
            show(&session, &session.client.post("/web/exclusions", &body).await?, excluded)
        }
        Command::Tuning { site: None } => show(&session, &session.client.get("/web/tuning").await?, tuned),
        Command::Tuning { site: Some(site) } => {
            let json = session.client.get(&format!("/web/tuning/{}", escape(&site))).await?;
            show(&session, &json, |_, json: &Value| text(&json["yaml"]))
        }
        Command::Tune { site, file, reason } => tune(&session, &site, &file, &reason).await,
        Command::Drop { site, id, reason } => {
            let path = format!("/web/tuning/{}/{id}{}", escape(&site), query(&[("reason", Some(reason))]));
            session.client.delete(&path).await?;
            show(&session, &session.client.get("/web/tuning").await?, tuned)
        }
    }
}

fn explain(ask: &Ask, as_json: bool, lang: Lang) -> Result<ExitCode> {
    match ask.answer() {
        Ok(explained) if as_json => println!("{}", json!(explained)),
        Ok(explained) => print!("{}", ask.print(&explained, lang)),
        Err(mut faults) => {
            // All but the last are told here; the last ends the program.
            let last = faults.pop();
            faults.iter().for_each(|fault| eprintln!("{}", fault.outside(lang)));
            return Err(last.unwrap_or_else(|| Fault::new(&fault::BAD_ARGUMENT).object("rules")));
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn tune(session: &Session, site: &str, file: &std::path::Path, reason: &str) -> Result<ExitCode> {
    let bad = |cause| Fault::new(&fault::BAD_FILE).object(file.display()).because(cause);
    let yaml = std::fs::read_to_string(file).map_err(bad)?;
    let path = format!("/web/tuning/{}", escape(site));
    session.client.put(&path, &json!({"yaml": yaml, "reason": reason})).await?;
    show(session, &session.client.get("/web/tuning").await?, tuned)
}

fn traffic(screen: &Screen, json: &Value) -> String {
    let words = [Word::Site, Word::Counted, Word::Decision, Word::Requests, Word::Clients, Word::Worst];
    rows(screen, json, &words, |one| {
        let keys = ["rules", "method", "path", "client", "ja4", "h2"];
        let by: Vec<String> = keys.iter().map(|key| text(&one[*key])).filter(|value| !value.is_empty()).collect();
        let by = if by.is_empty() { "-".to_owned() } else { by.join(" ") };
        let cells = ["decision", "requests", "clients_seen", "worst"].map(|key| text(&one[key]));
        [text(&one["site"]), by].into_iter().chain(cells).collect()
    })
}

fn excluded(screen: &Screen, json: &Value) -> String {
    items(screen, [json].into_iter())
}

fn tuned(screen: &Screen, json: &Value) -> String {
    items(screen, json["sites"].as_array().into_iter().flatten())
}

/// Items of sites, a row each.
fn items<'v>(screen: &Screen, sites: impl Iterator<Item = &'v Value>) -> String {
    let all: Vec<Value> = sites
        .flat_map(|site| {
            let name = site["site"].clone();
            site["items"].as_array().into_iter().flatten().map(move |item| json!({"site": name, "item": item}))
        })
        .collect();
    let words = [Word::Site, Word::Id, Word::Kind, Word::Does, Word::Who, Word::Until, Word::Reason];
    rows(screen, &json!({ "items": all }), &words, |row| {
        let cells = ["id", "kind", "what", "by", "until", "why"].map(|key| text(&row["item"][key]));
        [text(&row["site"])].into_iter().chain(cells).collect()
    })
}

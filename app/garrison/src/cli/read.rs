//! Commands that read, and the small changes to tokens and incidents.

use super::EnrollCommand;
use super::client::Client;
use super::options::{Options, Session};
use super::render::{chain, incident, lists, status as drawn};
use super::screen::Screen;
use super::words::Word;
use super::{act, duration, fault};
use api::Status;
use api::form::{Enrolment, NewToken};
use api::page::Page;
use base::{Fault, Result};
use clap::{Args, Subcommand};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::io::Write;
use std::process::ExitCode;

/// `alerts`.
#[derive(Args, Debug)]
pub struct Alerts {
    #[command(flatten)]
    pub(super) options: Options,
    #[command(subcommand)]
    command: Option<AlertsCommand>,
}

#[derive(Subcommand, Debug)]
enum AlertsCommand {
    /// Newest first (the default).
    List {
        /// Host name or agent id.
        #[arg(long)]
        host: Option<String>,
        /// Least severity: low, medium, high, critical.
        #[arg(long)]
        severity: Option<String>,
        /// Only the last span: 10m, 2h, 7d.
        #[arg(long, value_parser = duration::seconds)]
        since: Option<u64>,
        /// Most rows, 1 to 1000.
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// One alert whole.
    Show {
        /// Its id.
        id: String,
    },
}

/// `incidents`.
#[derive(Args, Debug)]
pub struct Incidents {
    #[command(flatten)]
    pub(super) options: Options,
    #[command(subcommand)]
    command: Option<IncidentsCommand>,
}

#[derive(Subcommand, Debug)]
enum IncidentsCommand {
    /// Newest first (the default).
    List {
        /// open, contained or closed.
        #[arg(long)]
        status: Option<String>,
        /// Least severity: low, medium, high, critical.
        #[arg(long)]
        severity: Option<String>,
        /// Most rows, 1 to 1000.
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// One incident with process tree and timeline; the newest without an id.
    Show {
        /// Its id.
        id: Option<String>,
    },
    /// The attack chain of an incident: entry, spread, control; the newest without an id.
    Chain {
        /// Its id.
        id: Option<String>,
        /// The graph in the DOT language of Graphviz.
        #[arg(long)]
        dot: bool,
    },
    /// Close an incident.
    Close(act::Close),
}

/// `orders`.
#[derive(Args, Debug)]
pub struct Orders {
    #[command(flatten)]
    pub(super) options: Options,
    /// One order whole.
    id: Option<String>,
    /// Most rows, 1 to 1000.
    #[arg(long, default_value_t = 50)]
    limit: usize,
}

/// `ledger`.
#[derive(Args, Debug)]
pub struct Ledger {
    #[command(flatten)]
    pub(super) options: Options,
    #[command(subcommand)]
    command: Option<LedgerCommand>,
}

#[derive(Subcommand, Debug)]
enum LedgerCommand {
    /// Entries in order (the default).
    List {
        /// Number of the entry before the first one shown.
        #[arg(long, default_value_t = 0)]
        after: u64,
        /// Most rows, 1 to 1000.
        #[arg(long, default_value_t = 1000)]
        limit: usize,
    },
    /// Check every link.
    Verify,
}

/// `token`.
#[derive(Args, Debug)]
pub struct Tokens {
    #[command(flatten)]
    pub(super) options: Options,
    #[command(subcommand)]
    command: TokensCommand,
}

#[derive(Subcommand, Debug)]
enum TokensCommand {
    /// Make a token; it is shown once.
    Create {
        /// What to call it.
        name: String,
        /// What it may be used for: read, act, audit, admin.
        #[arg(long, value_delimiter = ',', default_value = "read")]
        scopes: Vec<String>,
        /// How long it lives: 10m, 2h, 7d.
        #[arg(long, default_value = "30d", value_parser = duration::seconds)]
        life: u64,
    },
    /// One's own tokens; all of them for a system administrator.
    List,
    /// Void a token at once.
    Revoke {
        /// Its id.
        id: String,
    },
}

/// The typed form of what the API sent.
pub(super) fn typed<T: DeserializeOwned>(json: &Value) -> Result<T> {
    T::deserialize(json).map_err(|cause| Fault::new(&fault::BAD_ANSWER).object("answer").because(cause))
}

/// Prints the API's JSON, or what `draw` makes of its typed form.
pub(super) fn show<T: DeserializeOwned>(
    session: &Session,
    json: &Value,
    draw: impl Fn(&Screen, &T) -> String,
) -> Result<ExitCode> {
    if session.json {
        print(&format!("{json:#}\n"));
    } else {
        print(&draw(&session.screen, &typed(json)?));
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints; a reader that went away (`| head`) is no fault.
pub(super) fn print(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

/// Says on standard error what is going on, for people only.
pub(super) fn progress(session: &Session, word: Word) {
    if !session.json {
        eprintln!("{}", session.screen.word(word));
    }
}

/// A query string of what is given.
pub(super) fn query(pairs: &[(&str, Option<String>)]) -> String {
    let given =
        pairs.iter().filter_map(|(name, value)| value.as_ref().map(|value| format!("{name}={}", escape(value))));
    let text: Vec<String> = given.collect();
    if text.is_empty() { String::new() } else { format!("?{}", text.join("&")) }
}

/// Percent-encoding of everything but unreserved characters (RFC 3986 §2.3).
pub(super) fn escape(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

pub(super) async fn status(session: &Session) -> Result<ExitCode> {
    show(session, &session.client.get("/status").await?, drawn::status)
}

pub(super) async fn agents(session: &Session) -> Result<ExitCode> {
    let json = session.client.get("/agents?limit=1000").await?;
    page(session, &json, drawn::agents)
}

/// A page of a list, with a word when there is more.
pub(super) fn page<T: DeserializeOwned>(
    session: &Session,
    json: &Value,
    draw: impl Fn(&Screen, &[T]) -> String,
) -> Result<ExitCode> {
    show(session, json, |screen, page: &Page<T>| {
        let more = page.next.as_ref().map_or(String::new(), |_| format!("{}\n", screen.word(Word::More)));
        draw(screen, &page.items) + &more
    })
}

pub(super) async fn alerts(session: &Session, alerts: Alerts) -> Result<ExitCode> {
    let usual = AlertsCommand::List { host: None, severity: None, since: None, limit: 50 };
    match alerts.command.unwrap_or(usual) {
        AlertsCommand::List { host, severity, since, limit } => {
            let since = since.map(|seconds| before(session, seconds).to_string());
            let asked = [("host", host), ("severity", severity), ("since", since), ("limit", Some(limit.to_string()))];
            let json = session.client.get(&format!("/alerts{}", query(&asked))).await?;
            page(session, &json, lists::alerts)
        }
        AlertsCommand::Show { id } => {
            show(session, &session.client.get(&format!("/alerts/{}", escape(&id))).await?, incident::alert)
        }
    }
}

/// The moment so many seconds ago, µs.
pub(super) fn before(session: &Session, seconds: u64) -> i64 {
    session.screen.now_us.saturating_sub((seconds.min(u64::MAX / 2_000_000) * 1_000_000) as i64)
}

pub(super) async fn incidents(session: &Session, incidents: Incidents) -> Result<ExitCode> {
    let usual = IncidentsCommand::List { status: None, severity: None, limit: 50 };
    match incidents.command.unwrap_or(usual) {
        IncidentsCommand::List { status, severity, limit } => {
            let asked = [("status", status), ("severity", severity), ("limit", Some(limit.to_string()))];
            let json = session.client.get(&format!("/incidents{}", query(&asked))).await?;
            page(session, &json, lists::incidents)
        }
        IncidentsCommand::Show { id } => {
            let id = match id {
                Some(id) => id,
                None => newest(&session.client).await?,
            };
            show(session, &session.client.get(&format!("/incidents/{}", escape(&id))).await?, incident::incident)
        }
        IncidentsCommand::Chain { id, dot } => {
            let id = match id {
                Some(id) => id,
                None => newest(&session.client).await?,
            };
            let json = session.client.get(&format!("/incidents/{}/chain", escape(&id))).await?;
            if dot {
                print(&chain::dot(&typed(&json)?));
                return Ok(ExitCode::SUCCESS);
            }
            show(session, &json, chain::chain)
        }
        IncidentsCommand::Close(close) => act::close(session, close).await,
    }
}

/// Id of the newest incident.
async fn newest(client: &Client) -> Result<String> {
    let page: Page<record::Incident> = typed(&client.get("/incidents?limit=1").await?)?;
    let missing = || Fault::new(&api::fault::MISSING).object("incidents");
    page.items.into_iter().next().map(|incident| incident.id).ok_or_else(missing)
}

pub(super) async fn orders(session: &Session, orders: Orders) -> Result<ExitCode> {
    match orders.id {
        Some(id) => show(session, &session.client.get(&format!("/orders/{}", escape(&id))).await?, incident::order),
        None => {
            let json = session.client.get(&format!("/orders?limit={}", orders.limit)).await?;
            page(session, &json, lists::orders)
        }
    }
}

pub(super) async fn ledger(session: &Session, ledger: Ledger) -> Result<ExitCode> {
    match ledger.command.unwrap_or(LedgerCommand::List { after: 0, limit: 1000 }) {
        LedgerCommand::List { after, limit } => {
            let json = session.client.get(&format!("/ledger?after={after}&limit={limit}")).await?;
            page(session, &json, lists::entries)
        }
        LedgerCommand::Verify => {
            progress(session, Word::Verifying);
            let json = session.client.get("/ledger/verify").await?;
            show(session, &json, verified)?;
            let report: api::LedgerReport = typed(&json)?;
            Ok(if report.intact { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
    }
}

fn verified(screen: &Screen, report: &api::LedgerReport) -> String {
    let entries =
        format!("{} {}, {} {}", report.entries, screen.word(Word::Entries), screen.word(Word::Head), report.head);
    match report.intact {
        true => format!("{}: {entries}\n", screen.word(Word::Intact)),
        false => format!("{} {}: {} ({entries})\n", screen.word(Word::Broken), report.broken_at, report.reason),
    }
}

pub(super) async fn tokens(session: &Session, tokens: Tokens) -> Result<ExitCode> {
    match tokens.command {
        TokensCommand::Create { name, scopes, life } => {
            let body = json!({"name": name, "scopes": scopes, "life_s": life});
            let json = session.client.post("/tokens", &body).await?;
            show(session, &json, |screen, new: &NewToken| {
                let until = screen.time(new.kept.expires_us);
                let once = screen.word(Word::TokenOnce);
                format!("{once}\n{}\n{} {until}\n", new.token, screen.word(Word::GoodUntil))
            })
        }
        TokensCommand::List => page(session, &session.client.get("/tokens?limit=1000").await?, lists::tokens),
        TokensCommand::Revoke { id } => {
            session.client.delete(&format!("/tokens/{}", escape(&id))).await?;
            show(session, &json!({"revoked": id}), |screen, _: &Value| format!("{} {id}\n", screen.word(Word::Revoked)))
        }
    }
}

pub(super) async fn enroll(session: &Session, command: EnrollCommand) -> Result<ExitCode> {
    let EnrollCommand::Token { group, uses, ttl } = command;
    let body = json!({"group": group, "uses": uses, "ttl_s": ttl});
    let json = session.client.post("/enrolments", &body).await?;
    show(session, &json, |screen, made: &Enrolment| {
        let until = screen.time(made.expires_us);
        format!("{}\n{}\n{} {until}\n", screen.word(Word::TokenOnce), made.token, screen.word(Word::GoodUntil))
    })
}

/// The installation's status, typed, for those who look into it.
pub(super) async fn fetch_status(client: &Client) -> Result<Status> {
    typed(&client.get("/status").await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_escaped() {
        let text = query(&[("a", Some("x y&/告".into())), ("b", None), ("c", Some("1".into()))]);
        assert_eq!(text, "?a=x%20y%26%2F%E5%91%8A&c=1");
        assert_eq!(query(&[("b", None)]), "");
    }
}

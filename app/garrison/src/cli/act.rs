//! Commands that change something on a host: order, undo, close.

use super::duration;
use super::fault;
use super::options::{Options, Session};
use super::read::{escape, print, progress, show, typed};
use super::render::incident;
use super::words::Word;
use api::page::Page;
use api::story::OrderView;
use api::view::Agent;
use base::{Fault, Result, SystemRandom};
use clap::Args;
use record::{ActionKind, Order, ProcessKey, ReceiptState};
use serde_json::{Map, Value, json};
use std::process::ExitCode;
use std::time::Duration;

/// How often the server is asked for the host's answer.
const ASK_EVERY: Duration = Duration::from_millis(200);
/// How often at most: some 15 seconds.
const ASKS: usize = 75;

/// `act`.
#[derive(Args, Debug)]
pub struct Act {
    #[command(flatten)]
    pub(super) options: Options,
    /// kill-tree, freeze, quarantine, isolate, block, deny-exec, export; of a gateway block, scrub-level, scrub-filter, flowspec,
    /// blackhole, switch-dns.
    action: String,
    /// Host name or agent id; this machine, or the only one there is, by default.
    #[arg(long)]
    host: Option<String>,
    /// Process key as alerts and events show it, or the pid of a process on this machine.
    #[arg(long)]
    process: Option<String>,
    /// File.
    #[arg(long)]
    path: Option<String>,
    /// Address, or prefix as address/length.
    #[arg(long)]
    address: Option<String>,
    /// SHA-256 of a file.
    #[arg(long)]
    sha256: Option<String>,
    /// Any other parameter of the action as NAME=VALUE; may be repeated.
    #[arg(long)]
    parameter: Vec<String>,
    /// When the host takes it back by itself: 10m, 2h, 7d. Required for what can be undone, and for that alone.
    #[arg(long, value_parser = duration::seconds)]
    lease: Option<u64>,
    /// Why; goes into the ledger. Required unless --dry-run is given.
    #[arg(long, default_value = "", required_unless_present = "dry_run")]
    reason: String,
    /// Incident it belongs to.
    #[arg(long, default_value = "")]
    incident: String,
    /// Say what would be touched, change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Do not wait for the host's answer.
    #[arg(long)]
    no_wait: bool,
}

/// `undo`.
#[derive(Args, Debug)]
pub struct Undo {
    #[command(flatten)]
    pub(super) options: Options,
    /// The order to take back.
    order: String,
    /// Why; goes into the ledger.
    #[arg(long)]
    reason: String,
    /// Do not wait for the host's answer.
    #[arg(long)]
    no_wait: bool,
}

/// `incidents close`.
#[derive(Args, Debug)]
pub struct Close {
    /// Its id.
    id: String,
    /// Why; goes into the ledger.
    #[arg(long)]
    reason: String,
}

pub(super) async fn act(session: &Session, act: Act) -> Result<ExitCode> {
    let mut body = wish(&act)?;
    if act.host.is_none() {
        body["host"] = usual_host(session).await?.into();
    }
    let key = hex(&base::Random::bytes16(&SystemRandom::new()));
    let json = session.client.post_once("/orders", &body, &key).await?;
    follow(session, &json, act.no_wait).await
}

/// The request of the arguments; what the server would refuse for sure is said at once.
fn wish(act: &Act) -> Result<Value> {
    let words = || ActionKind::ALL.iter().map(|kind| kind.word()).collect::<Vec<_>>().join(", ");
    let bad = |object: &str| Fault::new(&fault::BAD_ARGUMENT).object(object);
    let action =
        ActionKind::from_word(&act.action).ok_or_else(|| bad("action").expected(words()).found(&act.action))?;
    let ends = !action.undoable();
    match act.lease {
        None if !ends => return Err(bad("--lease").expected("a span like 10m, 2h, 7d")),
        Some(lease) if ends => {
            let fault = bad("--lease").expected(format!("none: {} cannot be taken back", act.action));
            return Err(fault.found(duration::words(lease as i64)));
        }
        _ => {}
    }
    let mut parameters = Map::new();
    if let Some(process) = &act.process {
        parameters.insert("process".into(), process_key(process)?.into());
    }
    for (name, value) in [("path", &act.path), ("address", &act.address), ("sha256", &act.sha256)] {
        parameters.extend(value.as_ref().map(|value| (name.to_string(), value.as_str().into())));
    }
    for given in &act.parameter {
        let wrong = || bad("--parameter").expected("NAME=VALUE").found(given);
        let (name, value) = given.split_once('=').ok_or_else(wrong)?;
        parameters.insert(name.into(), value.into());
    }
    Ok(json!({
        "host": act.host,
        "action": act.action,
        "mode": if act.dry_run { "dry-run" } else { "apply" },
        "parameters": parameters,
        "lease_s": act.lease.unwrap_or(0),
        "reason": act.reason,
        "incident": act.incident,
    }))
}

/// The host meant when none is named: this machine where its agent is enrolled, else the only one there is.
async fn usual_host(session: &Session) -> Result<String> {
    let page: Page<Agent> = typed(&session.client.get("/agents?limit=1000").await?)?;
    let own = rustix::system::uname();
    choose(&page.items, &own.nodename().to_string_lossy())
}

fn choose(agents: &[Agent], own: &str) -> Result<String> {
    let here: Vec<&Agent> = agents.iter().filter(|agent| agent.host == own).collect();
    match (&here[..], agents) {
        ([agent], _) => Ok(agent.id.clone()),
        (_, [agent]) => Ok(agent.id.clone()),
        (_, []) => Err(Fault::new(&fault::NO_AGENT)),
        _ => {
            let names: Vec<&str> = agents.iter().map(|agent| agent.host.as_str()).take(10).collect();
            Err(Fault::new(&fault::BAD_ARGUMENT).object("--host").expected(format!("one of {}", names.join(", "))))
        }
    }
}

/// A process key as it is; a bare pid becomes the key of the process that bears it on this machine now.
fn process_key(text: &str) -> Result<String> {
    if text.parse::<ProcessKey>().is_ok() {
        return Ok(text.to_string());
    }
    let bad = || Fault::new(&fault::BAD_ARGUMENT).object("--process").expected("a process key or a pid").found(text);
    let pid: u32 = text.parse().map_err(|_| bad())?;
    let missing = |cause: String| Fault::new(&fault::NO_PROCESS).object(pid).because(cause);
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).map_err(|cause| missing(cause.to_string()))?;
    let ticks = start_ticks(&stat).ok_or_else(|| missing("no start time".into()))?;
    Ok(ProcessKey::from_ticks(pid, ticks).to_string())
}

/// Start time of `/proc/PID/stat`: field 22, counted after the name, which may hold blanks and brackets.
fn start_ticks(stat: &str) -> Option<u64> {
    stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(19)?.parse().ok()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) async fn undo(session: &Session, undo: Undo) -> Result<ExitCode> {
    let path = format!("/orders/{}/undo", escape(&undo.order));
    let json = session.client.post(&path, &json!({"reason": undo.reason})).await?;
    follow(session, &json, undo.no_wait).await
}

/// Waits until the host has answered an order for good, and shows it.
async fn follow(session: &Session, given: &Value, no_wait: bool) -> Result<ExitCode> {
    let order: Order = typed(given)?;
    let path = format!("/orders/{}", escape(&order.id));
    if !no_wait {
        progress(session, Word::Waiting);
    }
    let mut json = session.client.get(&path).await?;
    for _ in 0..if no_wait { 0 } else { ASKS } {
        if typed::<OrderView>(&json)?.receipts.iter().any(|receipt| receipt.state() != ReceiptState::Applied) {
            break;
        }
        tokio::time::sleep(ASK_EVERY).await;
        json = session.client.get(&path).await?;
    }
    show(session, &json, incident::order)?;
    let view: OrderView = typed(&json)?;
    match view.receipts.last().map(|receipt| receipt.state()) {
        Some(ReceiptState::Refused | ReceiptState::Failed) => Ok(ExitCode::FAILURE),
        Some(_) => Ok(ExitCode::SUCCESS),
        None => {
            progress(session, Word::NotYet);
            Ok(ExitCode::SUCCESS)
        }
    }
}

pub(super) async fn close(session: &Session, close: Close) -> Result<ExitCode> {
    let path = format!("/incidents/{}/close", escape(&close.id));
    let json = session.client.post(&path, &json!({"reason": close.reason})).await?;
    if session.json {
        print(&format!("{json:#}\n"));
    } else {
        print(&format!("{} {}\n", close.id, session.screen.word(Word::Closed)));
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        act: Act,
    }

    #[test]
    fn a_lease_holds_or_is_refused_and_never_dropped() {
        let wish = |line: &str| {
            let line: Line = clap::Parser::try_parse_from(line.split(' ')).unwrap();
            wish(&line.act)
        };
        assert_eq!(wish("act block --address 192.0.2.1 --lease 10m --dry-run").unwrap()["lease_s"], 600);
        assert_eq!(wish("act kill-tree --process 1f.77 --reason test").unwrap()["lease_s"], 0);
        let level = "act scrub-level --parameter destination=192.0.2.1 --parameter level=prove --lease 1h --dry-run";
        assert_eq!(wish(level).unwrap()["parameters"], json!({"destination": "192.0.2.1", "level": "prove"}));
        for bad in ["act kill-tree --process 1f.77 --lease 10m --dry-run", "act isolate --dry-run"] {
            assert!(wish(bad).is_err_and(|fault| fault.named() == "--lease"), "{bad}");
        }
        let none: std::result::Result<Line, _> = clap::Parser::try_parse_from(["act", "isolate", "--lease", "1h"]);
        assert!(none.is_err(), "an order without a reason");
    }

    #[test]
    fn without_a_host_this_machine_or_the_only_one_is_meant() {
        let agent = |id: &str, host: &str| Agent { id: id.into(), host: host.into(), ..Agent::default() };
        let two = [agent("aa", "web"), agent("bb", "db")];
        assert_eq!(choose(&two, "db").unwrap(), "bb");
        assert_eq!(choose(&two[..1], "elsewhere").unwrap(), "aa");
        assert!(choose(&two, "elsewhere").is_err_and(|fault| fault.wanted() == "one of web, db"));
        assert!(choose(&[], "db").is_err_and(|fault| fault.is(&fault::NO_AGENT)));
    }

    #[test]
    fn a_pid_becomes_the_key_of_the_process_that_bears_it_now() {
        let stat = "77 (a) b (x) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20";
        assert_eq!(start_ticks(stat), Some(4711));
        assert_eq!(start_ticks("77 broken"), None);
        let own = process_key(&std::process::id().to_string()).unwrap();
        assert_eq!(own.parse::<ProcessKey>().unwrap().pid(), std::process::id());
        assert_eq!(process_key("1f.77").unwrap(), "1f.77");
        assert!(process_key("4194303").is_err_and(|fault| fault.is(&fault::NO_PROCESS)));
        assert!(process_key("x").is_err_and(|fault| fault.is(&fault::BAD_ARGUMENT)));
    }
}

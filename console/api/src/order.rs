//! Checking an order before it is sealed and given, and giving it once.

use crate::caller::Caller;
use crate::form::OrderRequest;
use crate::route::check_reason;
use crate::tables::{self, IDEMPOTENCY, ORDERS};
use crate::view::Agent;
use crate::{ApiState, fault};
use axum::http::HeaderMap;
use base::limits::{LEASE_SECONDS_MAX, PATH_BYTES};
use base::{Fault, Random, Result};
use port::Write;
use record::{ActionKind, Order, OrderMode, Origin, ProcessKey};
use ring::digest::{SHA256, digest};
use std::net::IpAddr;

/// Longest idempotency key, bytes.
const KEY_BYTES: usize = 128;
/// How long an idempotency key is remembered, µs (24 hours).
const KEY_LASTS_US: i64 = 24 * 3600 * 1_000_000;

/// Whether the action leaves something that can be taken back, and so needs a lease.
pub(crate) const fn undoable(action: ActionKind) -> bool {
    !matches!(action, ActionKind::KillTree | ActionKind::Export | ActionKind::Unknown)
}

/// The order of a wish, without id, agent, giver and time. Everything that can be known wrong here is a fault here; the
/// never-block list is checked where the action is enforced.
pub(crate) fn check(wish: &OrderRequest) -> Result<Order> {
    let invalid = |object: &str| Fault::new(&fault::INVALID).object(object);
    let words = || ActionKind::ALL.iter().map(|kind| kind.word()).collect::<Vec<_>>().join(", ");
    let action =
        ActionKind::from_word(&wish.action).ok_or_else(|| invalid("action").expected(words()).found(&wish.action))?;
    let mode = match wish.mode.as_str() {
        "apply" => OrderMode::Apply,
        "dry-run" => OrderMode::DryRun,
        other => return Err(invalid("mode").expected("apply or dry-run").found(other)),
    };
    if mode == OrderMode::Apply {
        check_reason(&wish.reason)?;
    }
    check_lease(action, wish.lease_s)?;
    check_parameters(action, wish)?;
    Ok(Order {
        action: action as i32,
        mode: mode as i32,
        parameters: wish.parameters.clone(),
        lease_s: wish.lease_s,
        origin: Origin::Operator as i32,
        reason: wish.reason.clone(),
        alert: wish.alert.clone(),
        incident: wish.incident.clone(),
        ..Order::default()
    })
}

fn check_lease(action: ActionKind, lease_s: u64) -> Result<()> {
    let (good, wanted) = match undoable(action) {
        true => ((1..=LEASE_SECONDS_MAX).contains(&lease_s), format!("1 to {LEASE_SECONDS_MAX}")),
        false => (lease_s == 0, "0: this action cannot be undone".to_string()),
    };
    let wrong = || Fault::new(&fault::INVALID).object("lease_s").expected(wanted).found(lease_s);
    if good { Ok(()) } else { Err(wrong()) }
}

/// Names of parameters: of these exactly one, or (where `optional`) none.
fn takes(action: ActionKind) -> (&'static [&'static str], bool) {
    match action {
        ActionKind::KillTree | ActionKind::Freeze => (&["process"], false),
        ActionKind::Quarantine => (&["path"], false),
        ActionKind::Block => (&["address"], false),
        ActionKind::DenyExec => (&["sha256", "path"], false),
        ActionKind::Export => (&["process"], true),
        ActionKind::Isolate | ActionKind::Unknown => (&[], true),
    }
}

fn check_parameters(action: ActionKind, wish: &OrderRequest) -> Result<()> {
    let (names, optional) = takes(action);
    let given: Vec<&str> = wish.parameters.keys().map(String::as_str).collect();
    let known = given.iter().all(|name| names.contains(name));
    if !known || given.len() > 1 || (given.is_empty() && !optional) {
        let wanted = if names.is_empty() { "none".to_string() } else { names.join(" or ") };
        return Err(Fault::new(&fault::INVALID).object("parameters").expected(wanted).found(given.join(", ")));
    }
    wish.parameters.iter().try_for_each(|(name, value)| check_value(name, value))
}

fn check_value(name: &str, value: &str) -> Result<()> {
    let (good, wanted) = match name {
        "process" => (value.parse::<ProcessKey>().is_ok(), "a process key, hexadecimal ticks `.` pid"),
        "path" => (is_path(value), "an absolute path without `..`"),
        "address" => (is_prefix(value), "an address or address/prefix length"),
        _ => (value.len() == 64 && value.bytes().all(|byte| byte.is_ascii_hexdigit()), "64 hexadecimal digits"),
    };
    let wrong = || Fault::new(&fault::INVALID).object(name).expected(wanted).found(value);
    if good { Ok(()) } else { Err(wrong()) }
}

fn is_path(value: &str) -> bool {
    value.len() > 1
        && value.len() <= PATH_BYTES
        && value.starts_with('/')
        && !value.contains('\0')
        && value.split('/').all(|part| part != "..")
}

fn is_prefix(value: &str) -> bool {
    let (address, length) = value.split_once('/').map_or((value, None), |(address, length)| (address, Some(length)));
    let Ok(address) = address.parse::<IpAddr>() else { return false };
    let most = if address.is_ipv4() { 32 } else { 128 };
    length.is_none_or(|length| length.parse::<u8>().is_ok_and(|length| length <= most))
}

/// The agent that a host name or agent id means; a name that two hosts bear is a fault.
pub(crate) fn agent(agents: &[Agent], host: &str) -> Result<String> {
    if let Some(agent) = agents.iter().find(|agent| agent.id == host) {
        return Ok(agent.id.clone());
    }
    let named: Vec<&Agent> = agents.iter().filter(|agent| agent.host == host).collect();
    match named[..] {
        [agent] => Ok(agent.id.clone()),
        [] => Err(Fault::new(&fault::MISSING).object(format!("host {host}"))),
        _ => {
            let ids: Vec<&str> = named.iter().map(|agent| agent.id.as_str()).collect();
            let fault = Fault::new(&fault::INVALID).object(format!("host {host}"));
            Err(fault.expected("one agent id").found(ids.join(", ")))
        }
    }
}

/// Gives an order; goes on to its end even when the client hangs up half way.
pub(crate) async fn give(state: &ApiState, caller: &Caller, order: Order) -> Result<Order> {
    let intent = caller.draft("order.intent", &order.id, serde_json::to_value(&order).unwrap_or_default());
    let control = state.control.clone();
    let given = tokio::spawn(async move { control.give(order, intent).await });
    given.await.map_err(|cause| Fault::new(&fault::BUG).object("order").because(cause))?
}

/// A new id of an order.
pub(crate) fn new_id(random: &dyn Random) -> String {
    format!("ord-{}", hex::encode(random.bytes16()))
}

/// An idempotency key, bound to its account and its request.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    key: String,
    request: String,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Claim {
    request: String,
    time_us: i64,
}

impl Key {
    /// From the header `Idempotency-Key`; `None` without one.
    pub fn of(headers: &HeaderMap, caller: &Caller, wish: &OrderRequest) -> Result<Option<Key>> {
        let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
        let wrong = || Fault::new(&fault::INVALID).object("Idempotency-Key").expected("1 to 128 visible characters");
        let key = value.to_str().ok().filter(|key| !key.is_empty() && key.len() <= KEY_BYTES).ok_or_else(wrong)?;
        let request = hex::encode(digest(&SHA256, &tables::json(wish)));
        Ok(Some(Key { key: format!("{}/{key}", caller.account.name), request }))
    }

    /// The id that the order of this key has: giving it again cannot make a second order.
    pub fn order_id(&self) -> String {
        let hash = digest(&SHA256, format!("{}\n{}", self.key, self.request).as_bytes());
        format!("ord-{}", hex::encode(&hash.as_ref()[..16]))
    }

    /// Claims the key for this request. The order given under it before, if there is one.
    pub async fn claim(&self, state: &ApiState) -> Result<Option<Order>> {
        let now = state.now();
        let found = tables::find::<Claim>(&*state.tables, IDEMPOTENCY, &self.key).await?;
        if let Some(claim) = found.filter(|claim| now - claim.time_us < KEY_LASTS_US) {
            if claim.request != self.request {
                return Err(Fault::new(&fault::KEY_REUSED).object("Idempotency-Key"));
            }
            return tables::find(&*state.tables, ORDERS, &self.order_id()).await;
        }
        let mut writes = self.forget(state, now).await?;
        let value = tables::json(&Claim { request: self.request.clone(), time_us: now });
        writes.push(Write::Put { table: IDEMPOTENCY, key: self.key.clone(), value });
        state.tables.commit(writes).await?;
        Ok(None)
    }

    /// Deletes of keys that are too old to matter.
    async fn forget(&self, state: &ApiState, now: i64) -> Result<Vec<Write>> {
        let items = state.tables.scan(IDEMPOTENCY, "", "", base::limits::PAGE_ROWS).await?;
        let old = |item: &port::Item| {
            tables::parse::<Claim>(IDEMPOTENCY, item).map_or(true, |claim| now - claim.time_us >= KEY_LASTS_US)
        };
        let old = items.into_iter().filter(old);
        Ok(old.map(|item| Write::Delete { table: IDEMPOTENCY, key: item.key }).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(action: &str, parameter: Option<(&str, &str)>, lease_s: u64) -> OrderRequest {
        let parameters = parameter.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let (mode, reason) = ("apply".to_string(), "test".to_string());
        OrderRequest { action: action.into(), mode, parameters, lease_s, reason, ..OrderRequest::default() }
    }

    #[test]
    fn each_action_takes_its_own_parameter_and_lease() {
        let sha = "a".repeat(64);
        let good = [
            wish("kill-tree", Some(("process", "1f.77")), 0),
            wish("freeze", Some(("process", "1f.77")), 60),
            wish("quarantine", Some(("path", "/tmp/x")), 60),
            wish("isolate", None, 60),
            wish("block", Some(("address", "2001:db8::/32")), 60),
            wish("deny-exec", Some(("sha256", &sha)), 60),
            wish("deny-exec", Some(("path", "/tmp/x")), 60),
            wish("export", None, 0),
        ];
        for wish in &good {
            check(wish).unwrap();
        }
        let bad = [
            wish("reboot", None, 0),
            wish("kill-tree", Some(("process", "77")), 0),
            wish("kill-tree", Some(("process", "1f.77")), 60),
            wish("freeze", Some(("process", "1f.77")), 0),
            wish("freeze", None, 60),
            wish("quarantine", Some(("path", "/tmp/../etc/shadow")), 60),
            wish("quarantine", Some(("path", "relative")), 60),
            wish("isolate", Some(("path", "/tmp/x")), 60),
            wish("isolate", None, LEASE_SECONDS_MAX + 1),
            wish("block", Some(("address", "10.0.0.0/33")), 60),
            wish("deny-exec", Some(("sha256", "zz")), 60),
            OrderRequest { reason: " ".into(), ..wish("isolate", None, 60) },
            OrderRequest { mode: "now".into(), ..wish("isolate", None, 60) },
        ];
        for wish in &bad {
            assert!(check(wish).unwrap_err().is(&fault::INVALID), "{wish:?}");
        }
    }

    #[test]
    fn a_name_that_two_hosts_bear_is_refused() {
        let host = |id: &str, host: &str| Agent { id: id.into(), host: host.into(), ..Agent::default() };
        let agents = [host("aa", "web"), host("bb", "web"), host("cc", "db")];
        assert_eq!(agent(&agents, "db").unwrap(), "cc");
        assert_eq!(agent(&agents, "aa").unwrap(), "aa");
        assert!(agent(&agents, "web").unwrap_err().is(&fault::INVALID));
        assert!(agent(&agents, "mail").unwrap_err().is(&fault::MISSING));
    }
}

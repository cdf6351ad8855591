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
    let (good, wanted) = match action.undoable() {
        true => ((1..=LEASE_SECONDS_MAX).contains(&lease_s), format!("1 to {LEASE_SECONDS_MAX}")),
        false => (lease_s == 0, "0: this action cannot be undone".to_string()),
    };
    let wrong = || Fault::new(&fault::INVALID).object("lease_s").expected(wanted).found(lease_s);
    if good { Ok(()) } else { Err(wrong()) }
}

/// Parameters of an action: of each group exactly one, and those that may be given besides.
struct Takes {
    needs: &'static [&'static [&'static str]],
    may: &'static [&'static str],
}

const fn takes(action: ActionKind) -> Takes {
    let (needs, may): (&'static [&'static [&'static str]], &'static [&'static str]) = match action {
        ActionKind::KillTree | ActionKind::Freeze => (&[&["process"]], &[]),
        ActionKind::Quarantine => (&[&["path"]], &[]),
        ActionKind::Block => (&[&["address"]], &["destination"]),
        ActionKind::DenyExec => (&[&["sha256", "path"]], &[]),
        ActionKind::Export => (&[], &["process"]),
        ActionKind::ScrubLevel => (&[&["destination"], &["level"]], &[]),
        ActionKind::ScrubFilter => (&[&["destination"], &["signature"]], &[]),
        ActionKind::Flowspec => (&[&["rule"]], &[]),
        ActionKind::Blackhole => (&[&["prefix"]], &[]),
        ActionKind::SwitchDns => (&[&["zone"], &["name"], &["from"], &["to"]], &[]),
        ActionKind::Isolate | ActionKind::Unknown => (&[], &[]),
    };
    Takes { needs, may }
}

fn check_parameters(action: ActionKind, wish: &OrderRequest) -> Result<()> {
    let Takes { needs, may } = takes(action);
    let given = |name: &str| wish.parameters.contains_key(name);
    let whole = needs.iter().all(|group| group.iter().filter(|name| given(name)).count() == 1);
    let known = |name: &str| may.contains(&name) || needs.iter().any(|group| group.contains(&name));
    if !whole || !wish.parameters.keys().all(|name| known(name)) {
        let groups: Vec<String> = needs.iter().map(|group| group.join(" or ")).collect();
        let wanted = if groups.is_empty() && may.is_empty() { "none".to_string() } else { groups.join(", ") };
        let optional = if may.is_empty() { String::new() } else { format!(" (optional: {})", may.join(", ")) };
        let found = wish.parameters.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        let wrong = Fault::new(&fault::INVALID).object("parameters");
        return Err(wrong.expected(format!("{wanted}{optional}")).found(found));
    }
    wish.parameters.iter().try_for_each(|(name, value)| check_value(name, value))
}

fn check_value(name: &str, value: &str) -> Result<()> {
    let (good, wanted) = match name {
        "process" => (value.parse::<ProcessKey>().is_ok(), "a process key, hexadecimal ticks `.` pid"),
        "path" => (is_path(value), "an absolute path without `..`"),
        "address" | "destination" | "prefix" => (is_prefix(value), "an address or address/prefix length"),
        "from" | "to" => (are_addresses(value), "addresses with commas between them"),
        "zone" | "name" => (is_name(value), "a host name"),
        "level" => (LEVELS.contains(&value), "observe, clean, limit, prove, verified or upstream"),
        "signature" | "rule" => (is_object(value), "a JSON object of at most 4096 bytes"),
        _ => (value.len() == 64 && value.bytes().all(|byte| byte.is_ascii_hexdigit()), "64 hexadecimal digits"),
    };
    let wrong = || Fault::new(&fault::INVALID).object(name).expected(wanted).found(value);
    if good { Ok(()) } else { Err(wrong()) }
}

/// All addresses of a name, of both families; at most 64, as `edge/divert` takes them.
fn are_addresses(value: &str) -> bool {
    value.split(',').count() <= 64 && value.split(',').all(|address| address.trim().parse::<IpAddr>().is_ok())
}

/// What the scrubber does for a destination, see `edge/ddos`.
const LEVELS: &[&str] = &["observe", "clean", "limit", "prove", "verified", "upstream"];

/// A name of at most 253 letters in labels of at most 63 (RFC 1035, section 2.3.4).
fn is_name(value: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(letter);
    value.len() <= 253 && value.strip_suffix('.').unwrap_or(value).split('.').all(label)
}

fn is_object(value: &str) -> bool {
    value.len() <= 4096 && serde_json::from_str::<serde_json::Value>(value).is_ok_and(|value| value.is_object())
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

    fn with(action: &str, parameters: &[(&str, &str)]) -> OrderRequest {
        let parameters = parameters.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        OrderRequest { parameters, ..wish(action, None, 60) }
    }

    #[test]
    fn each_action_takes_its_own_parameters_and_lease() {
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
            with("block", &[("address", "192.0.2.7"), ("destination", "198.51.100.0/24")]),
            with("scrub-level", &[("destination", "198.51.100.7"), ("level", "prove")]),
            with("scrub-filter", &[("destination", "198.51.100.0/24"), ("signature", "{\"terms\": []}")]),
            with("flowspec", &[("rule", "{}")]),
            with("blackhole", &[("prefix", "198.51.100.7/32")]),
            with(
                "switch-dns",
                &[("zone", "example.org."), ("name", "shop.example.org"), ("from", "192.0.2.1"), ("to", "2001:db8::1")],
            ),
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
            with("block", &[("address", "192.0.2.7"), ("path", "/tmp/x")]),
            with("scrub-level", &[("destination", "198.51.100.7")]),
            with("scrub-level", &[("destination", "198.51.100.7"), ("level", "all")]),
            with("flowspec", &[("rule", "[]")]),
            with("flowspec", &[("rule", &format!("{{\"a\": \"{}\"}}", "x".repeat(4096)))]),
            with("switch-dns", &[("zone", "a..b"), ("name", "a"), ("from", "192.0.2.1"), ("to", "192.0.2.2")]),
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

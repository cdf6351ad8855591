//! Our one nftables table `inet garrison`: written whole, swapped in one transaction, read back as JSON.
//!
//! - Every lease is also in the kernel: blocks and the isolation itself hang on set elements with a timeout, so
//!   neither outlives its lease when the agent is dead. The isolation's rule reads `meta nfproto != @lease accept`:
//!   when the elements have expired, nothing after it is reached.
//! - Networks are looked up by one set for each prefix length (`ip saddr & mask @set`), so overlapping networks
//!   need no merging and each keeps its own timeout.
//! - Management paths are accepted before anything is dropped, without connection tracking: "established" means
//!   "not the opening packet of a TCP connection" (`tcp flags & (syn | ack) != syn`).

use crate::never::{Direction, Management};
use crate::{ExecutorConfig, fault, program};
use base::{Fault, Micros, Prefix, Result};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

/// Family and name of the table.
pub const TABLE: &str = "inet garrison";
/// Before connection tracking and every usual filter (`NF_IP_PRI_RAW` is -300).
const PRIORITY: i32 = -310;
/// Largest answer of `nft` that is read, bytes.
const ANSWER_BYTES: u64 = 16 << 20;
/// Longest run of `nft`: it waits for the kernel's lock, which another program may hold for long.
const PATIENCE: Duration = Duration::from_secs(10);
/// Most blocks in force at a time.
pub(crate) const BLOCKS_MAX: usize = 10_000;
/// Set of the elements that hold the isolation.
const LEASE_SET: &str = "lease";

/// An isolation in force.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Isolation {
    pub(crate) management: Vec<Management>,
    pub(crate) ends: Micros,
}

/// What the table shall hold, by order id. Ends are monotonic times.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Wanted {
    pub(crate) isolations: BTreeMap<String, Isolation>,
    pub(crate) blocks: BTreeMap<String, (Prefix, Micros)>,
}

/// The packet filter.
pub(crate) struct Firewall {
    netns: Option<PathBuf>,
    resolvers: Vec<IpAddr>,
    dhcp: bool,
    management: Vec<Management>,
    wanted: Mutex<Wanted>,
    /// The chains as the kernel showed them right after we wrote them, see [`shape`].
    written: Mutex<Vec<Value>>,
}

impl Firewall {
    pub(crate) fn new(config: &ExecutorConfig) -> Firewall {
        Firewall {
            netns: config.netns.clone(),
            resolvers: config.resolvers.clone(),
            dhcp: config.dhcp,
            management: config.never.management.clone(),
            wanted: Mutex::default(),
            written: Mutex::default(),
        }
    }

    /// What the table shall hold; change it, then call [`Firewall::sync`].
    pub(crate) fn wanted(&self) -> MutexGuard<'_, Wanted> {
        self.wanted.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Makes the kernel's table what it shall be, in one transaction; none when nothing is wanted.
    pub(crate) fn sync(&self, now: Micros) -> Result<()> {
        let script = self.render(&self.wanted(), now);
        self.nft(&["-f", "-"], &script)?;
        let table = self.read()?.unwrap_or_default();
        // Somebody may have been faster than our look: then it is not ours that is remembered.
        if verdicts(&table) != wanted_verdicts(&script) {
            let fault = Fault::new(&fault::UNVERIFIED).object(format!("table {TABLE}"));
            return Err(fault.expected("the rules that were written").found("others"));
        }
        *self.written() = shape(&table);
        Ok(())
    }

    fn written(&self) -> MutexGuard<'_, Vec<Value>> {
        self.written.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Whether the chains are exactly as they were written: one foreign rule before ours opens everything.
    pub(crate) fn compare(&self, table: &[Value]) -> Result<()> {
        let now = shape(table);
        let written = self.written();
        if *written == now {
            return Ok(());
        }
        let differs = now.iter().zip(written.iter()).position(|(now, written)| now != written);
        let place = differs.unwrap_or(now.len().min(written.len()));
        let show = |item: Option<&Value>| item.map_or("nothing".to_string(), |item| item.to_string());
        let fault = Fault::new(&fault::UNVERIFIED).object(format!("table {TABLE}"));
        Err(fault.expected(show(written.get(place))).found(show(now.get(place))))
    }

    /// [`Firewall::compare`] with the table as it is now.
    pub(crate) fn check_chains(&self) -> Result<()> {
        self.compare(&self.read()?.unwrap_or_default())
    }

    /// The table as `nft` reads it. Naming the table before deleting it makes the deletion succeed when there is none.
    pub(crate) fn render(&self, wanted: &Wanted, now: Micros) -> String {
        let mut text = format!("table {TABLE}\ndelete table {TABLE}\n");
        let sets = block_sets(wanted, now);
        let isolation = wanted.isolations.values().map(|isolation| seconds(isolation.ends, now)).max();
        if sets.is_empty() && isolation.is_none() {
            return text;
        }
        let _ = writeln!(text, "table {TABLE} {{");
        if let Some(left) = isolation {
            let elements = format!("ipv4 timeout {left}s, ipv6 timeout {left}s");
            let _ = writeln!(text, "  set {LEASE_SET} {{ type nf_proto; flags timeout; elements = {{ {elements} }} }}");
        }
        for ((v4, length), elements) in &sets {
            let kind = if *v4 { "ipv4_addr" } else { "ipv6_addr" };
            let elements: Vec<String> = elements.iter().map(|(at, left)| format!("{at} timeout {left}s")).collect();
            let name = set_name(*v4, *length);
            let elements = elements.join(", ");
            let _ = writeln!(text, "  set {name} {{ type {kind}; flags timeout; elements = {{ {elements} }} }}");
        }
        let mut paths = self.management.clone();
        paths.extend(wanted.isolations.values().flat_map(|isolation| isolation.management.iter().copied()));
        for hook in ["input", "output", "forward"] {
            self.render_chain(&mut text, hook, &paths, &sets, isolation.is_some());
        }
        text.push_str("}\n");
        text
    }

    fn render_chain(&self, text: &mut String, hook: &str, paths: &[Management], sets: &Sets, isolated: bool) {
        let _ = writeln!(text, "  chain {hook} {{");
        let _ = writeln!(text, "    type filter hook {hook} priority {PRIORITY}; policy accept;");
        let mut rules: Vec<String> = Vec::new();
        match hook {
            "input" => rules.push("iifname \"lo\" accept".into()),
            "output" => rules.push("oifname \"lo\" accept".into()),
            _ => {}
        }
        if hook != "forward" {
            rules.extend(paths.iter().map(|path| management_rule(path, hook == "input")));
        }
        for (v4, length) in sets.keys() {
            let (family, all) = if *v4 { ("ip", IpAddr::from([0; 4])) } else { ("ip6", IpAddr::from([0_u8; 16])) };
            let mask = Prefix::single(all).widened(*length).mask();
            let set = set_name(*v4, *length);
            let ends: &[&str] = match hook {
                "input" => &["saddr"],
                "output" => &["daddr"],
                _ => &["saddr", "daddr"],
            };
            rules.extend(ends.iter().map(|end| format!("{family} {end} & {mask} @{set} counter drop")));
        }
        if isolated {
            rules.push(format!("meta nfproto != @{LEASE_SET} accept"));
            rules.extend(self.open_services(hook));
            rules.push("counter drop".into());
        }
        let mut seen = BTreeSet::new();
        for rule in rules.into_iter().filter(|rule| seen.insert(rule.clone())) {
            let _ = writeln!(text, "    {rule}");
        }
        text.push_str("  }\n");
    }

    /// What an isolated host keeps besides management: neighbours (without them IPv6 has no path at all), path
    /// MTU messages, and by configuration DNS and DHCP.
    fn open_services(&self, hook: &str) -> Vec<String> {
        let mut rules = Vec::new();
        if hook == "forward" {
            return rules;
        }
        let inward = hook == "input";
        let neighbours = "{ nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert, nd-router-solicit }";
        rules.push(format!("icmpv6 type {neighbours} ip6 hoplimit 255 accept"));
        if inward {
            rules.push("icmp type destination-unreachable icmp code frag-needed accept".into());
            rules.push("icmpv6 type packet-too-big accept".into());
        }
        for resolver in &self.resolvers {
            let family = if resolver.is_ipv4() { "ip" } else { "ip6" };
            rules.push(match inward {
                true => format!("{family} saddr {resolver} udp sport 53 accept"),
                false => format!("{family} daddr {resolver} udp dport 53 accept"),
            });
        }
        if self.dhcp {
            rules.push(match inward {
                true => "udp sport 67 udp dport 68 accept".into(),
                false => "udp sport 68 udp dport 67 accept".into(),
            });
        }
        rules
    }

    /// The table as it is in the kernel, `None` when there is none.
    pub(crate) fn read(&self) -> Result<Option<Vec<Value>>> {
        match self.nft(&["-j", "list", "table", "inet", "garrison"], "") {
            Ok(text) => {
                let unreadable = |cause| Fault::new(&fault::KERNEL).object("nft -j list table").because(cause);
                let value: Value = serde_json::from_str(&text).map_err(unreadable)?;
                Ok(value.get("nftables").and_then(Value::as_array).cloned())
            }
            Err(fault) if fault.to_string().contains("No such file or directory") => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// Runs `nft`, in the network namespace of the configuration if there is one.
    fn nft(&self, arguments: &[&str], input: &str) -> Result<String> {
        let refused = |found: String| Fault::new(&fault::KERNEL).object(format!("table {TABLE}")).found(found);
        let mut command = match &self.netns {
            Some(netns) => {
                let mut command = Command::new("nsenter");
                command.arg(format!("--net={}", netns.display())).arg("nft");
                command
            }
            None => Command::new("nft"),
        };
        command.args(arguments);
        let output = program::run(&mut command, input.as_bytes(), ANSWER_BYTES, PATIENCE);
        let output = output.map_err(|cause| match cause.kind() {
            std::io::ErrorKind::NotFound => Fault::new(&fault::UNSUPPORTED).object("nft").expected("package nftables"),
            _ => refused(format!("nft: {cause}")),
        })?;
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stderr);
            return Err(refused(
                text.split('\n').find(|line| !line.is_empty()).unwrap_or("nft failed").trim().to_string(),
            ));
        }
        String::from_utf8(output.stdout).map_err(|cause| refused(cause.to_string()))
    }
}

/// Network address and seconds left, by family and prefix length.
type Sets = BTreeMap<(bool, u8), BTreeMap<IpAddr, u64>>;

fn block_sets(wanted: &Wanted, now: Micros) -> Sets {
    let mut sets = Sets::new();
    for (prefix, ends) in wanted.blocks.values() {
        let set = sets.entry((prefix.address().is_ipv4(), prefix.length())).or_default();
        let left = set.entry(prefix.address()).or_insert(0);
        *left = (*left).max(seconds(*ends, now));
    }
    sets
}

/// The name of the set for a prefix length.
pub(crate) fn set_name(v4: bool, length: u8) -> String {
    format!("block{}_{length}", if v4 { 4 } else { 6 })
}

/// Seconds left, rounded up, at least 1: a timeout of 0 would mean for ever.
fn seconds(ends: Micros, now: Micros) -> u64 {
    (ends.saturating_sub(now).max(0) as u64).div_ceil(1_000_000).max(1)
}

fn management_rule(path: &Management, inward: bool) -> String {
    let family = if path.address.address().is_ipv4() { "ip" } else { "ip6" };
    let address = format!("{family} {} {}", if inward { "saddr" } else { "daddr" }, path.address);
    // The side that listens: the other one for outbound paths, we for inbound ones.
    let listens_there = path.direction == Direction::Outbound;
    let end = if listens_there == inward { "sport" } else { "dport" };
    let port = if path.port == 0 { "meta l4proto tcp".to_string() } else { format!("tcp {end} {}", path.port) };
    // Whoever listens never opens a connection on this path.
    let answers = if listens_there == inward { " tcp flags & (syn | ack) != syn" } else { "" };
    format!("{address} {port}{answers} accept")
}

/// The items of one kind in a table that was read.
pub(crate) fn items<'a>(table: &'a [Value], kind: &'a str) -> impl Iterator<Item = &'a Value> {
    table.iter().filter_map(move |item| item.get(kind))
}

/// Seconds that an element of a set has left in the kernel.
pub(crate) fn expires(table: &[Value], set: &str, element: &str) -> Option<u64> {
    let set = items(table, "set").find(|item| item.get("name").and_then(Value::as_str) == Some(set))?;
    let elements = set.get("elem")?.as_array()?;
    let element =
        elements.iter().filter_map(|item| item.get("elem")).find(|item| item.get("val") == Some(&element.into()));
    element?.get("expires")?.as_u64()
}

/// The hooks at which our chains end in a drop.
pub(crate) fn dropping_hooks(table: &[Value]) -> BTreeSet<String> {
    let text = |item: &Value, key: &str| item.get(key).and_then(Value::as_str).map(str::to_string);
    let hooks = items(table, "chain").filter_map(|chain| Some((text(chain, "name")?, text(chain, "hook")?)));
    let ends_in_drop = |name: &str| {
        let last = items(table, "rule").filter(|rule| text(rule, "chain").as_deref() == Some(name)).last();
        let expressions = last.and_then(|rule| rule.get("expr")).and_then(Value::as_array);
        expressions.is_some_and(|all| {
            all.last().is_some_and(|end| end.get("drop").is_some()) && all.iter().all(|one| one.get("match").is_none())
        })
    };
    hooks.filter(|(name, _)| ends_in_drop(name)).map(|(_, hook)| hook).collect()
}

/// The chains and rules of a table without what changes by itself: handles, counters, elements of sets.
fn shape(table: &[Value]) -> Vec<Value> {
    let kept = table.iter().filter(|item| item.get("chain").is_some() || item.get("rule").is_some());
    let mut shape: Vec<Value> = kept.cloned().collect();
    for item in &mut shape {
        for kind in ["chain", "rule"] {
            let Some(body) = item.get_mut(kind).and_then(Value::as_object_mut) else { continue };
            body.remove("handle");
            for expression in body.get_mut("expr").and_then(Value::as_array_mut).into_iter().flatten() {
                if let Some(counter) = expression.get_mut("counter") {
                    *counter = Value::Null;
                }
            }
        }
    }
    shape
}

/// Of each chain, in order, whether each rule drops.
type Verdicts = BTreeMap<String, Vec<bool>>;

fn verdicts(table: &[Value]) -> Verdicts {
    let name = |item: &Value, key: &str| item.get(key).and_then(Value::as_str).unwrap_or_default().to_string();
    let mut found: Verdicts = items(table, "chain").map(|chain| (name(chain, "name"), Vec::new())).collect();
    for rule in items(table, "rule") {
        let last = rule.get("expr").and_then(Value::as_array).and_then(|all| all.last());
        found.entry(name(rule, "chain")).or_default().push(last.is_some_and(|end| end.get("drop").is_some()));
    }
    found
}

/// The same of what [`Firewall::render`] wrote.
fn wanted_verdicts(script: &str) -> Verdicts {
    let mut found = Verdicts::new();
    let mut chain = String::new();
    for line in script.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("chain ") {
            chain = name.trim_end_matches(" {").to_string();
            found.entry(chain.clone()).or_default();
        } else if line.ends_with(" drop") || line.ends_with(" accept") {
            found.entry(chain.clone()).or_default().push(line.ends_with(" drop"));
        }
    }
    found
}

/// The set that carries the isolation.
pub(crate) const fn lease_set() -> &'static str {
    LEASE_SET
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rule(chain: &str, handle: u64, packets: u64, verdict: &str) -> Value {
        let counter = json!({ "counter": { "packets": packets, "bytes": packets * 60 } });
        json!({ "rule": { "chain": chain, "handle": handle, "expr": [counter, { (verdict): null }] } })
    }

    #[test]
    fn a_foreign_rule_is_seen_and_a_counter_is_not() {
        let chain = json!({ "chain": { "name": "input", "hook": "input", "handle": 1, "policy": "accept" } });
        let ours = vec![chain.clone(), rule("input", 2, 0, "drop")];
        let later = vec![chain.clone(), rule("input", 9, 77, "drop")];
        let pierced = vec![chain, rule("input", 3, 0, "accept"), rule("input", 2, 0, "drop")];
        let config = ExecutorConfig::new("state", "evidence");
        let firewall = Firewall::new(&config);
        *firewall.written() = shape(&ours);
        assert!(firewall.compare(&later).is_ok());
        assert!(firewall.compare(&pierced).unwrap_err().is(&fault::UNVERIFIED));
        assert!(firewall.compare(&[]).is_err());
    }

    #[test]
    fn the_script_tells_which_rules_the_kernel_must_show() {
        let config = ExecutorConfig::new("state", "evidence");
        let firewall = Firewall::new(&config);
        let isolation = Isolation { management: Vec::new(), ends: 5_000_000 };
        firewall.wanted().isolations.insert("a".into(), isolation);
        let script = firewall.render(&firewall.wanted(), 0);
        let wanted = wanted_verdicts(&script);
        assert_eq!(wanted["forward"], [false, true]);
        assert!(wanted.values().all(|rules| rules.last() == Some(&true)) && wanted.len() == 3);
        assert!(wanted_verdicts(&firewall.render(&Wanted::default(), 0)).is_empty());
    }
}

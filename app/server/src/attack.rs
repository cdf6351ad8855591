//! Attacks that packet filters report: what is known of their senders, and which hosts of ours took part.
//!
//! A scrubber asks about senders over its link ([`Senders`]) and its reports say what it was told. Its alert lists who took
//! part; of each that is a host of ours this host gets an alert of its own ([`took_part`]), which ties the attack to whatever
//! else is wrong with it. Whether the address was forged is told by the host's own telemetry: a connection to the target at
//! that time is the evidence, and names the process.

use super::hub::Hub;
use super::intel::Answers;
use async_trait::async_trait;
use base::{Fault, Lang, Result};
use bytes::Bytes;
use correlate::OF_SERVER;
use ddos::Prefix;
use ddos::report::{About, Listed, Ours, Participant, Role};
use fleet::Oracle;
use fleet::wire::Ask;
use intel::format::uuid;
use intel::{Kind, Verdict};
use lake::Lake;
use record::{Activity, AgentId, Alert, Batch, Event, EventId, Host, Match, NetActivity, Severity, Technique};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

/// The rule that stands for "a host of ours took part".
const RULE: &str = "5b1d7c40-2f7e-4a55-9c3d-64646f730004";
/// Most of those who took part that are looked up: more than a report names.
const LOOKED_UP: usize = 64;
/// Most connections looked at for one report.
const CONNECTIONS: usize = 2000;
/// How long before a report connections belong to its attack, µs; and how far clocks may differ after it.
const BEFORE_US: i64 = 3_600_000_000;
const AFTER_US: i64 = 60_000_000;
/// Most names and sources of an indicator.
const NAMES: usize = 8;

/// Answers questions of agents and of scrubbers.
pub struct Senders {
    /// About indicators.
    pub answers: Answers,
    /// About hosts.
    pub hub: Arc<Hub>,
}

#[async_trait]
impl Oracle for Senders {
    async fn answer(&self, agent: AgentId, ask: Ask) -> Result<Option<Bytes>> {
        if ask.kind != About::ASK {
            return self.answers.answer(agent, ask).await;
        }
        let wrong = || Fault::new(&api::fault::INVALID).object("sender").found(&ask.value);
        let address: IpAddr = ask.value.parse().map_err(|_| wrong())?;
        let about = self.about(address.to_canonical()).await?;
        Ok((about != About::default()).then(|| serde_json::to_vec(&about).unwrap_or_default().into()))
    }
}

impl Senders {
    /// What is known of a sender. An entry that has decayed is a thing of the past.
    pub async fn about(&self, address: IpAddr) -> Result<About> {
        let value = intel::canonical(Kind::Ip, &address.to_string())?;
        let verdict = self.answers.0.verdict(Kind::Ip, &value).await?.filter(|verdict| !verdict.decayed);
        Ok(About { listed: verdict.map(listed).into_iter().collect(), host: self.hub.owner(address) })
    }
}

fn listed(verdict: Verdict) -> Listed {
    let few = |list: Vec<String>| list.into_iter().take(NAMES);
    Listed {
        kind: verdict.kind.word().into(),
        value: verdict.value,
        score: verdict.score,
        tlp: verdict.tlp.word().into(),
        sources: few(verdict.sources).collect(),
        names: few(verdict.malware).chain(few(verdict.actors)).collect(),
    }
}

/// One who took part and is ours.
struct Found {
    host: Ours,
    one: Participant,
    /// Its own connection to the target.
    seen: Option<(Arc<Host>, Event)>,
}

/// Alerts for the hosts of ours that took part in the attack that an alert reports; none for any other alert. The same report
/// gives the same alerts, and an attack gives one a host.
///
/// # Errors
/// None: without the lake's answer nobody's connections confirm it.
pub async fn took_part(hub: &Hub, lake: &Lake, report: &Alert) -> Vec<(Host, Alert)> {
    if report.rule != ddos::report::RULE {
        return Vec::new();
    }
    let Ok(target) = field(report, "destination").parse::<Prefix>() else { return Vec::new() };
    let mut found = participants(hub, report);
    if found.is_empty() {
        return Vec::new();
    }
    match connections(lake, report, target, &found).await {
        Ok(mut seen) => {
            found.values_mut().for_each(|found| found.seen = seen.remove(&found.host.agent));
        }
        Err(fault) => tracing::warn!(fault = %fault.inside(), "whether hosts took part is told by their address alone"),
    }
    found.into_values().map(|found| alert(hub, report, target, &found)).collect()
}

/// Who of ours is named, by agent; of several addresses of a host the one that sent most.
fn participants(hub: &Hub, report: &Alert) -> BTreeMap<String, Found> {
    let mut found: BTreeMap<String, Found> = BTreeMap::new();
    let pieces = report.matches.iter().filter(|one| one.field == Participant::FIELD);
    let all = pieces.flat_map(|piece| piece.value.split("; ")).filter_map(|text| text.parse::<Participant>().ok());
    for one in all.take(LOOKED_UP) {
        // A forged address accuses nobody.
        let Some(host) = hub.owner(one.address).filter(|_| one.role != Role::Forged) else { continue };
        if found.get(&host.agent).is_some_and(|known| known.one.packets >= one.packets) {
            continue;
        }
        found.insert(host.agent.clone(), Found { host, one, seen: None });
    }
    found
}

/// The first connection of each host to the target around the report; one whose process is known before one without.
async fn connections(
    lake: &Lake,
    report: &Alert,
    target: Prefix,
    found: &BTreeMap<String, Found>,
) -> Result<BTreeMap<String, (Arc<Host>, Event)>> {
    let agents: Vec<String> = found.keys().map(|agent| format!("'{agent}'")).collect();
    let (since, until) = (report.time_us.saturating_sub(BEFORE_US), report.time_us.saturating_add(AFTER_US));
    let place = if target.is_single() { format!(" AND remote_ip = '{}'", target.address()) } else { String::new() };
    let condition = format!(
        "kind = 'net' AND agent IN ({}){place} AND time >= to_timestamp_micros({since}) AND time <= to_timestamp_micros({until})",
        agents.join(", ")
    );
    let mut seen: BTreeMap<String, (Arc<Host>, Event)> = BTreeMap::new();
    for (id, host, event) in lake.restore(&condition, CONNECTIONS).await? {
        let EventId { agent, .. } = id;
        let Activity::Net(net) = &event.activity else { continue };
        if !net.remote().is_some_and(|remote| target.has(remote.to_canonical())) {
            continue;
        }
        let rank = |event: &Event| (event.process.is_none(), event.time_us);
        if seen.get(&agent.to_string()).is_none_or(|(_, known)| rank(&event) < rank(known)) {
            seen.insert(agent.to_string(), (host, event));
        }
    }
    Ok(seen)
}

fn field<'a>(alert: &'a Alert, name: &str) -> &'a str {
    alert.matches.iter().find(|one| one.field == name).map_or("", |one| one.value.as_str())
}

fn alert(hub: &Hub, report: &Alert, target: Prefix, found: &Found) -> (Host, Alert) {
    let Found { host: Ours { agent, name: _ }, one, seen } = found;
    let begun = match field(report, "alert") {
        "" => report.id.as_str(),
        begun => begun,
    };
    let (host, event) = match seen {
        Some((host, event)) => (Host::clone(host), event.clone()),
        None => (hub.host(agent), supposed(one, target, report.time_us)),
    };
    let (technique, title, title_zh) = words(one, field(report, "name"));
    let told = |field: &str, value: &str| Match { field: field.into(), value: value.chars().take(256).collect() };
    let evidence = if seen.is_some() { "a connection of this host" } else { "its address alone, which may be forged" };
    let matches = vec![
        told("destination", &target.to_string()),
        told("name", field(report, "name")),
        told("address", &one.address.to_string()),
        told("role", one.role.word()),
        told("class", &one.class.word()),
        told("packets", &one.packets.to_string()),
        told("known by", evidence),
        told("reported by", &report.agent),
        told("alert", begun),
    ];
    let alert = Alert {
        id: format!("{OF_SERVER}{}", uuid::v5(uuid::OWN, format!("took-part:{begun}:{agent}").as_bytes())),
        rule: RULE.into(),
        rule_version: format!("{:016x}", 1),
        title,
        title_zh,
        severity: if seen.is_some() { Severity::High } else { Severity::Medium } as i32,
        techniques: vec![Technique { id: technique.into(), tactics: vec!["impact".into()] }],
        time_us: event.time_us,
        decided_us: report.decided_us,
        matches,
        evidence: Batch::pack(host.clone(), Some(&event)),
        agent: agent.clone(),
        ..Alert::default()
    };
    (host, alert)
}

/// Technique and titles: a reflector was used, a sender sent.
fn words(one: &Participant, target: &str) -> (&'static str, String, String) {
    let (class, class_zh) = (one.class.text(Lang::En), one.class.text(Lang::Zh));
    match one.role {
        Role::Reflector => (
            "T1498.002",
            format!("This host was used as a reflector against {target}: {class}"),
            format!("本机被用作反射器攻击 {target}：{class_zh}"),
        ),
        _ => (
            "T1498.001",
            format!("This host took part in an attack on {target}: {class}"),
            format!("本机参与了对 {target} 的攻击：{class_zh}"),
        ),
    }
}

/// What the address says where the host itself told of no connection.
fn supposed(one: &Participant, target: Prefix, time_us: i64) -> Event {
    let bytes = |address: IpAddr| match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    let remote_ip = if target.is_single() { bytes(target.address()) } else { Vec::new() };
    let net = NetActivity { local_ip: bytes(one.address), remote_ip, ..NetActivity::default() };
    Event { seq: 0, time_us, process: None, activity: Activity::Net(net) }
}

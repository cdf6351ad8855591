//! The attack chain of an incident: a graph, and its parts by name. Pure.
//!
//! [`build`] takes what is stored of an incident and the telemetry around it and names entry, spread, control and
//! impact. Each part says how sure it is and which alerts and events show it; what nothing shows is `unknown` or empty,
//! never guessed. Size is bounded ([`NODES`], [`EDGES`], [`PARTS`]); the graph says when it was cut.

mod beacon;
mod control;
mod entry;
mod graph;
mod spread;
mod told;

pub use beacon::{Rhythm, rhythm};

use record::{Alert, Chain, ChainImpact, Event, Host, Incident};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Most things and most deeds of one graph.
pub const NODES: usize = 512;
/// Most deeds of one graph.
pub const EDGES: usize = 1024;
/// Most steps, places of control and objectives each.
pub const PARTS: usize = 64;
/// Most alerts and events looked at.
pub const MATERIAL: usize = 50_000;

/// An alert of the incident, with its host. Its evidence may be gone.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The alert.
    pub alert: Alert,
    /// Name, boot and addresses of its host.
    pub host: Host,
}

/// An event of one of its hosts.
#[derive(Debug, Clone)]
pub struct Observed {
    /// Id of the event.
    pub id: String,
    /// Agent.
    pub agent: String,
    /// The event.
    pub event: Event,
}

/// What a chain is built from.
#[derive(Debug, Clone, Default)]
pub struct Material {
    /// The alerts, in any order.
    pub findings: Vec<Finding>,
    /// Connections, names asked for and logins around them, in any order.
    pub events: Vec<Observed>,
    /// Addresses of hosts that have an agent, also of those outside the incident.
    pub owners: BTreeMap<IpAddr, String>,
}

/// Alerts and events in one form, in the order of time.
struct Scene<'m> {
    incident: &'m Incident,
    /// Alerts with their event, the earliest first.
    acts: Vec<told::Act<'m>>,
    /// Events without an alert, the earliest first.
    events: Vec<&'m Observed>,
    owners: &'m BTreeMap<IpAddr, String>,
    names: BTreeMap<&'m str, &'m str>,
}

impl Scene<'_> {
    /// Name of a host, its agent's id when it has none.
    fn name(&self, agent: &str) -> String {
        self.names.get(agent).filter(|name| !name.is_empty()).map_or(agent, |name| *name).to_owned()
    }

    /// Whether an address is outside: no host with an agent has it, and it names one machine.
    fn outside(&self, ip: IpAddr) -> bool {
        crate::sight::tells(ip) && !self.owners.contains_key(&ip)
    }
}

/// The chain of an incident.
pub fn build(incident: &Incident, material: &Material) -> Chain {
    let mut acts: Vec<told::Act> =
        material.findings.iter().take(MATERIAL).map(|finding| told::Act::of(finding, &material.owners)).collect();
    acts.sort_by(|one, other| (one.alert.time_us, &one.alert.id).cmp(&(other.alert.time_us, &other.alert.id)));
    let mut events: Vec<&Observed> = material.events.iter().take(MATERIAL).collect();
    events.sort_by(|one, other| (one.event.time_us, &one.id).cmp(&(other.event.time_us, &other.id)));
    let names = material.findings.iter().map(|finding| (finding.alert.agent.as_str(), finding.host.name.as_str()));
    let scene = Scene { incident, acts, events, owners: &material.owners, names: names.collect() };
    let spread = spread::steps(&scene);
    let control = control::places(&scene);
    let entry = entry::entry(&scene, &spread);
    let graph = graph::Graph::of(&scene, &spread, &control, entry.as_ref());
    Chain {
        incident: incident.id.clone(),
        title: incident.title.clone(),
        severity: incident.severity,
        status: incident.status,
        first_us: incident.first_us,
        last_us: incident.last_us,
        drill: incident.drill.clone(),
        nodes: graph.nodes,
        edges: graph.edges,
        entry,
        spread,
        control,
        impact: impact(&scene),
        joins: incident.joins.clone(),
        actors: Vec::new(),
        cut: graph.cut,
    }
}

/// Tactics that are an end and no means.
const ENDS: &[&str] = &["credential-access", "collection", "exfiltration", "impact"];

fn impact(scene: &Scene<'_>) -> Vec<ChainImpact> {
    let mut found: Vec<ChainImpact> = Vec::new();
    for act in &scene.acts {
        for technique in &act.alert.techniques {
            let Some(tactic) = technique.tactics.iter().find(|tactic| ENDS.contains(&tactic.as_str())) else {
                continue;
            };
            let same = |one: &&mut ChainImpact| {
                one.host == act.alert.agent && one.technique == technique.id && one.title == act.alert.title
            };
            if let Some(known) = found.iter_mut().find(same) {
                if known.evidence.len() < told::EVIDENCE {
                    known.evidence.push(act.alert.id.clone());
                }
            } else if found.len() < PARTS {
                found.push(ChainImpact {
                    tactic: tactic.clone(),
                    technique: technique.id.clone(),
                    title: act.alert.title.clone(),
                    title_zh: act.alert.title_zh.clone(),
                    host: act.alert.agent.clone(),
                    host_name: scene.name(&act.alert.agent),
                    time_us: act.alert.time_us,
                    confidence: told::confidence(act.alert.severity()),
                    evidence: vec![act.alert.id.clone()],
                });
            }
        }
    }
    found
}

//! The graph: things in the order they were first seen, and what they did in the order of time.

use super::told::{Act, confidence};
use super::{EDGES, NODES, Scene};
use crate::print::Role;
use record::{Activity, ChainControl, ChainEdge, ChainEntry, ChainNode, ChainStep, FileOp, JoinKind};
use std::collections::HashMap;

/// Most processes of one ancestry drawn.
const DEEPEST: usize = 8;
/// Longest label, bytes.
const LABEL: usize = 200;

#[derive(Default)]
pub(super) struct Graph {
    pub nodes: Vec<ChainNode>,
    pub edges: Vec<ChainEdge>,
    pub cut: bool,
    places: HashMap<String, usize>,
    known: HashMap<(String, String, &'static str), usize>,
}

impl Graph {
    pub fn of(scene: &Scene<'_>, spread: &[ChainStep], control: &[ChainControl], entry: Option<&ChainEntry>) -> Graph {
        let mut graph = Graph::default();
        if let Some(entry) = entry {
            graph.entry(scene, entry);
        }
        for act in &scene.acts {
            graph.act(scene, act);
        }
        for step in spread {
            let (from, to) = (graph.host(scene, &step.from, step.time_us), graph.host(scene, &step.to, step.time_us));
            let kind = match step.how {
                JoinKind::Login => "logged-in",
                JoinKind::File => "shared",
                _ => "connected",
            };
            graph.edge(&from, &to, kind, step.time_us, "lateral-movement", step.confidence, &step.evidence);
        }
        for place in control {
            let kind = if place.value.parse::<std::net::IpAddr>().is_ok() { "address" } else { "domain" };
            let node = format!("{kind}:{}", place.value);
            graph.node(&node, kind, &place.value, "", place.first_us);
            for agent in &place.hosts {
                let host = graph.host(scene, agent, place.first_us);
                let evidence = &place.evidence;
                graph.edge(
                    &host,
                    &node,
                    "connected",
                    place.first_us,
                    "command-and-control",
                    place.confidence,
                    evidence,
                );
            }
        }
        graph.shared(scene);
        graph.edges.sort_by(|one, other| {
            (one.time_us, crate::rank(&one.tactic), &one.from, &one.to, &one.kind).cmp(&(
                other.time_us,
                crate::rank(&other.tactic),
                &other.from,
                &other.to,
                &other.kind,
            ))
        });
        graph
    }

    fn entry(&mut self, scene: &Scene<'_>, entry: &ChainEntry) {
        if entry.from.is_empty() {
            return;
        }
        let node = format!("address:{}", entry.from);
        self.node(&node, "address", &entry.from, "", entry.time_us);
        let host = self.host(scene, &entry.host, entry.time_us);
        let kind = if entry.how == "login" { "logged-in" } else { "connected" };
        self.edge(&node, &host, kind, entry.time_us, "initial-access", entry.confidence, &entry.evidence);
    }

    fn act(&mut self, scene: &Scene<'_>, act: &Act<'_>) {
        let alert = act.alert;
        let (time, tactic, sure) = (alert.time_us, act.first_tactic(), confidence(alert.severity()));
        let evidence = std::slice::from_ref(&alert.id);
        let host = self.host(scene, &alert.agent, time);
        let subject = self.processes(act, &host, &tactic).unwrap_or_else(|| host.clone());
        if let Some(node) = self.places.get(&subject).and_then(|place| self.nodes.get_mut(*place))
            && node.alerts.len() < super::told::EVIDENCE
        {
            node.alerts.push(alert.id.clone());
        }
        for peer in &act.peers {
            let kind = if peer.ip.is_some() { "address" } else { "domain" };
            let node = format!("{kind}:{}", peer.value);
            self.node(&node, kind, &peer.value, "", time);
            let deed = if peer.ip.is_some() { "connected" } else { "resolved" };
            self.edge(&subject, &node, deed, time, &tactic, sure, evidence);
        }
        if let Some((kind, value)) = &act.indicator {
            let node = format!("indicator:{kind} {value}");
            self.node(&node, "indicator", &format!("{kind} {value}"), "", time);
            self.edge(&subject, &node, "matched", time, &tactic, sure, evidence);
        }
        match act.event.as_ref().map(|event| &event.activity) {
            Some(Activity::File(file)) if matches!(file.op(), FileOp::Create | FileOp::OpenWrite | FileOp::Rename) => {
                let path = if file.target.is_empty() { &file.file.path } else { &file.target };
                let node = format!("file:{}:{path}", alert.agent);
                self.node(&node, "file", path, &alert.agent, time);
                self.edge(&subject, &node, "dropped", time, &tactic, sure, evidence);
            }
            Some(Activity::Log(log)) => {
                if let Some(user) = log.field("user").filter(|user| !user.is_empty()) {
                    let node = format!("account:{}:{user}", alert.agent);
                    self.node(&node, "account", user, &alert.agent, time);
                    self.edge(&node, &host, "logged-in", time, &tactic, sure, evidence);
                }
            }
            _ => {}
        }
    }

    /// The ancestry below the first hub; the id of the alert's process.
    fn processes(&mut self, act: &Act<'_>, host: &str, tactic: &str) -> Option<String> {
        let event = act.event.as_ref()?;
        let proc = event.process.as_deref()?;
        let own = act.lineage.iter().take_while(|one| one.role == Role::Own).count().max(1);
        let all = std::iter::once(&proc.info).chain(proc.ancestors().map(|one| &one.info));
        let chain: Vec<&record::Process> = all.take(own.min(DEEPEST)).collect();
        let agent = &act.alert.agent;
        let mut above = host.to_owned();
        for (depth, process) in chain.iter().enumerate().rev() {
            let node = format!("process:{agent}:{}", process.key());
            let name = if process.cmd_line.is_empty() { &process.exe.path } else { &process.cmd_line };
            let label = format!("{} ({})", if name.is_empty() { &process.comm } else { name }, process.pid());
            let time = if process.started_us > 0 { process.started_us } else { act.alert.time_us };
            self.node(&node, "process", &label, agent, time);
            let tactic = if depth == 0 { tactic } else { "" };
            let evidence = std::slice::from_ref(&act.alert.id);
            self.edge(&above, &node, "spawned", time, tactic, 95, evidence);
            above = node;
        }
        Some(above)
    }

    /// What two hosts share without a direction.
    fn shared(&mut self, scene: &Scene<'_>) {
        for join in scene.incident.joins.iter().filter(|join| !join.kind.directed()) {
            let kind = match join.kind {
                JoinKind::File => "file",
                JoinKind::Indicator => "indicator",
                JoinKind::Fingerprint => "fingerprint",
                JoinKind::Account => "account",
                _ => "address",
            };
            let node = format!("{kind}:{}", join.value);
            self.node(&node, kind, &join.value, "", join.time_us);
            let ends = [(&join.from, &join.from_alert), (&join.to, &join.to_alert)];
            for (agent, alert) in ends {
                let host = self.host(scene, agent, join.time_us);
                self.edge(&host, &node, "shared", join.time_us, "", join.confidence, std::slice::from_ref(alert));
            }
        }
    }

    fn host(&mut self, scene: &Scene<'_>, agent: &str, time_us: i64) -> String {
        let node = format!("host:{agent}");
        self.node(&node, "host", &scene.name(agent), agent, time_us);
        node
    }

    fn node(&mut self, id: &str, kind: &str, label: &str, host: &str, time_us: i64) {
        if let Some(node) = self.places.get(id).and_then(|place| self.nodes.get_mut(*place)) {
            node.time_us = node.time_us.min(time_us);
            return;
        }
        if self.nodes.len() >= NODES {
            self.cut = true;
            return;
        }
        self.places.insert(id.to_owned(), self.nodes.len());
        self.nodes.push(ChainNode {
            id: id.to_owned(),
            kind: kind.to_owned(),
            label: label[..label.floor_char_boundary(LABEL)].to_owned(),
            host: host.to_owned(),
            time_us,
            alerts: Vec::new(),
        });
    }

    #[allow(clippy::too_many_arguments, reason = "the fields of an edge")]
    fn edge(
        &mut self,
        from: &str,
        to: &str,
        kind: &'static str,
        time_us: i64,
        tactic: &str,
        confidence: u8,
        evidence: &[String],
    ) {
        if !self.places.contains_key(from) || !self.places.contains_key(to) || from == to {
            return;
        }
        let key = (from.to_owned(), to.to_owned(), kind);
        if let Some(edge) = self.known.get(&key).and_then(|place| self.edges.get_mut(*place)) {
            edge.time_us = edge.time_us.min(time_us);
            edge.confidence = edge.confidence.max(confidence);
            if edge.tactic.is_empty() {
                tactic.clone_into(&mut edge.tactic);
            }
            for id in evidence {
                if edge.evidence.len() < super::told::EVIDENCE && !edge.evidence.contains(id) {
                    edge.evidence.push(id.clone());
                }
            }
            return;
        }
        if self.edges.len() >= EDGES {
            self.cut = true;
            return;
        }
        self.known.insert(key, self.edges.len());
        self.edges.push(ChainEdge {
            from: from.to_owned(),
            to: to.to_owned(),
            kind: kind.to_owned(),
            time_us,
            tactic: tactic.to_owned(),
            confidence,
            evidence: evidence.iter().take(super::told::EVIDENCE).cloned().collect(),
        });
    }
}

//! From host to host: the joins that have a direction, and what was carried along.

use super::told::EVIDENCE;
use super::{PARTS, Scene};
use record::{ChainStep, Join, JoinKind};
use std::collections::BTreeMap;

/// Remote services by their port (IANA), as ATT&CK names the technique.
const SERVICES: &[(u16, &str)] = &[
    (22, "T1021.004"),
    (2222, "T1021.004"),
    (135, "T1021.003"),
    (139, "T1021.002"),
    (445, "T1021.002"),
    (3389, "T1021.001"),
    (5900, "T1021.005"),
    (5985, "T1021.006"),
    (5986, "T1021.006"),
];

/// The steps, the earliest first: of two hosts and a direction the surest join, backed by the others.
pub(super) fn steps(scene: &Scene<'_>) -> Vec<ChainStep> {
    let mut best: BTreeMap<(&str, &str), Vec<&Join>> = BTreeMap::new();
    for join in scene.incident.joins.iter().filter(|join| join.kind.directed() && join.from != join.to) {
        best.entry((&join.from, &join.to)).or_default().push(join);
    }
    let mut steps: Vec<ChainStep> = best.into_values().filter_map(|joins| step(scene, joins)).collect();
    carried(scene, &mut steps);
    steps.sort_by(|one, other| (one.time_us, &one.from, &one.to).cmp(&(other.time_us, &other.from, &other.to)));
    steps.truncate(PARTS);
    steps
}

fn step(scene: &Scene<'_>, mut joins: Vec<&Join>) -> Option<ChainStep> {
    joins.sort_by_key(|join| (std::cmp::Reverse(join.confidence), join.time_us, join.kind));
    let lead = joins.first()?;
    let login = joins.iter().find(|join| join.kind == JoinKind::Login);
    let port = joins.iter().map(|join| join.port).find(|port| *port != 0).unwrap_or(0);
    let named = SERVICES.iter().find(|(known, _)| *known == port).map(|(_, technique)| *technique);
    let technique = match (login, named) {
        // Every login that a log tells of is one of the OpenSSH server.
        (Some(_), None) => "T1021.004",
        (_, Some(technique)) => technique,
        (None, None) if lead.kind == JoinKind::Connection => "T1210",
        (None, None) => "T1021",
    };
    let against: f64 = joins.iter().map(|join| 1.0 - f64::from(join.confidence) / 100.0).product();
    let mut evidence = Vec::new();
    for join in &joins {
        for id in [&join.from_alert, &join.to_alert].into_iter().chain(&join.events) {
            if evidence.len() < EVIDENCE && !evidence.contains(id) {
                evidence.push(id.clone());
            }
        }
    }
    Some(ChainStep {
        from: lead.from.clone(),
        from_name: scene.name(&lead.from),
        to: lead.to.clone(),
        to_name: scene.name(&lead.to),
        how: lead.kind,
        technique: technique.to_owned(),
        account: login.map(|join| join.value.clone()).unwrap_or_default(),
        port,
        time_us: joins.iter().map(|join| join.time_us).min().unwrap_or(0),
        confidence: ((1.0 - against) * 100.0).round().clamp(0.0, 99.0) as u8,
        reason: lead.reason.clone(),
        evidence,
    })
}

/// Hosts that no step reaches and that share a file with one that is reached: the tool was carried there, how is not
/// known. Steps are only added from the host that showed the file first.
fn carried(scene: &Scene<'_>, steps: &mut Vec<ChainStep>) {
    for join in scene.incident.joins.iter().filter(|join| join.kind == JoinKind::File) {
        let first = |agent: &str| {
            scene
                .acts
                .iter()
                .filter(|act| act.alert.agent == agent)
                .map(|act| act.alert.time_us)
                .min()
                .unwrap_or(i64::MAX)
        };
        let (from, to) =
            if first(&join.from) <= first(&join.to) { (&join.from, &join.to) } else { (&join.to, &join.from) };
        let reached = |agent: &String| steps.iter().any(|step| step.to == *agent);
        if from == to || reached(to) || steps.iter().any(|step| step.from == *to && step.to == *from) {
            continue;
        }
        steps.push(ChainStep {
            from: from.clone(),
            from_name: scene.name(from),
            to: to.clone(),
            to_name: scene.name(to),
            how: JoinKind::File,
            technique: "T1570".to_owned(),
            account: String::new(),
            port: 0,
            time_us: join.time_us,
            confidence: join.confidence.min(60),
            reason: join.reason.clone(),
            evidence: vec![join.from_alert.clone(), join.to_alert.clone()],
        });
    }
}

//! Where an attack is commanded from: confirmed indicators, reverse shells, rules of that tactic, and beacons.

use super::told::{Act, EVIDENCE, Peer, is_shell};
use super::{PARTS, Scene, beacon};
use record::{Activity, ChainControl, NetOp};
use std::collections::{BTreeMap, BTreeSet};

/// Techniques of an attacker who brings or commands something.
const CHANNELS: &[&str] =
    &["T1071", "T1090", "T1095", "T1102", "T1105", "T1132", "T1219", "T1568", "T1571", "T1572", "T1573"];

/// What is known of one place.
#[derive(Default)]
struct Place {
    port: u16,
    hosts: BTreeSet<String>,
    why: BTreeMap<&'static str, u8>,
    times: Vec<i64>,
    evidence: Vec<String>,
    rhythm: Option<beacon::Rhythm>,
}

impl Place {
    fn note(&mut self, port: u16, agent: &str, time_us: i64, evidence: &str) {
        if self.port == 0 {
            self.port = port;
        }
        self.hosts.insert(agent.to_owned());
        self.times.push(time_us);
        if self.evidence.len() < EVIDENCE && !self.evidence.iter().any(|known| known == evidence) {
            self.evidence.push(evidence.to_owned());
        }
    }

    fn because(&mut self, why: &'static str, confidence: u8) {
        let known = self.why.entry(why).or_default();
        *known = confidence.max(*known);
    }
}

/// Places that command the attack, the surest first.
pub(super) fn places(scene: &Scene<'_>) -> Vec<ChainControl> {
    let mut places: BTreeMap<String, Place> = BTreeMap::new();
    for act in &scene.acts {
        for peer in &act.peers {
            for (why, confidence) in reasons(act, peer) {
                let place = places.entry(peer.value.clone()).or_default();
                place.because(why, confidence);
                place.note(peer.port, &act.alert.agent, act.alert.time_us, &act.alert.id);
            }
        }
    }
    contacts(scene, &mut places);
    let mut found: Vec<ChainControl> = places
        .into_iter()
        .filter(|(_, place)| !place.why.is_empty())
        .map(|(value, place)| told(scene, value, place))
        .collect();
    found.sort_by(|one, other| {
        (other.confidence, one.first_us, &one.value).cmp(&(one.confidence, other.first_us, &other.value))
    });
    found.truncate(PARTS);
    found
}

/// Why a place that an alert names commands the attack.
fn reasons(act: &Act<'_>, peer: &Peer) -> Vec<(&'static str, u8)> {
    let mut why = Vec::new();
    if act.indicator.as_ref().is_some_and(|(_, value)| *value == peer.value) {
        let score = act.alert.matches.iter().find(|one| one.field == "score").and_then(|one| one.value.parse().ok());
        why.push(("indicator", score.unwrap_or(70u8).clamp(30, 95)));
    }
    let event = act.event.as_ref();
    let program = event.and_then(|event| event.process.as_ref()).map_or("", |proc| proc.info.exe.path.as_str());
    let connects = event.is_some_and(|event| matches!(event.activity, Activity::Net(_)));
    let line = event.and_then(|event| event.process.as_ref()).map_or("", |proc| proc.info.cmd_line.as_str());
    if (connects && is_shell(program)) || line.contains("/dev/tcp/") || line.contains("/dev/udp/") {
        why.push(("reverse-shell", 90));
    } else if act.tactic("command-and-control") || CHANNELS.iter().any(|id| act.technique(id)) {
        why.push(("rule", super::told::confidence(act.alert.severity()).min(75)));
    }
    why
}

/// Connections of the attack's processes: contacts of known places, and places with a rhythm.
fn contacts(scene: &Scene<'_>, places: &mut BTreeMap<String, Place>) {
    let evil: BTreeSet<(&str, u64)> = scene
        .acts
        .iter()
        .flat_map(|act| act.print.own().filter(|one| !one.leads).map(|one| (act.alert.agent.as_str(), one.key)))
        .chain(scene.acts.iter().filter_map(|act| act.lineage.first().map(|one| (act.alert.agent.as_str(), one.key))))
        .collect();
    // Contacts of one place from one host: time, id, whether a process of the attack made them, port.
    type Calls<'m> = Vec<(i64, &'m str, bool, u16)>;
    let mut calls: BTreeMap<(String, &str), Calls<'_>> = BTreeMap::new();
    for seen in &scene.events {
        let Activity::Net(net) = &seen.event.activity else { continue };
        let Some(ip) = net.remote().map(|ip| ip.to_canonical()).filter(|ip| scene.outside(*ip)) else { continue };
        if net.op() == NetOp::Accept {
            continue;
        }
        let mine = seen.event.process.as_deref().is_some_and(|proc| {
            let above = std::iter::once(&proc.info).chain(proc.ancestors().map(|one| &one.info));
            above
                .take_while(|process| !crate::hub::is_hub(process))
                .any(|process| evil.contains(&(seen.agent.as_str(), process.key)))
        });
        let port = u16::try_from(net.remote_port).unwrap_or(0);
        let value = if net.remote_name.is_empty() || places.contains_key(&ip.to_string()) {
            ip.to_string()
        } else {
            net.remote_name.clone()
        };
        calls.entry((value, &seen.agent)).or_default().push((seen.event.time_us, &seen.id, mine, port));
    }
    for ((value, agent), calls) in calls {
        let known = places.get(&value).is_some_and(|place| !place.why.is_empty());
        let mine: Vec<i64> = calls.iter().filter(|call| call.2 || known).map(|call| call.0).collect();
        let rhythm = beacon::rhythm(&mine);
        if !known && rhythm.is_none() {
            continue;
        }
        let place = places.entry(value).or_default();
        for (time_us, id, _, port) in calls.into_iter().filter(|call| call.2 || known) {
            place.note(port, agent, time_us, id);
        }
        if let Some(rhythm) = rhythm {
            place.because("beacon", rhythm.confidence);
            place.rhythm = place.rhythm.filter(|other| other.confidence >= rhythm.confidence).or(Some(rhythm));
        }
    }
}

fn told(scene: &Scene<'_>, value: String, place: Place) -> ChainControl {
    let against: f64 = place.why.values().map(|confidence| 1.0 - f64::from(*confidence) / 100.0).product();
    let hosts: Vec<String> = place.hosts.into_iter().collect();
    ChainControl {
        host_names: hosts.iter().map(|agent| scene.name(agent)).collect(),
        hosts,
        value,
        port: place.port,
        why: place.why.keys().map(|why| (*why).to_owned()).collect(),
        period_us: place.rhythm.map_or(0, |rhythm| rhythm.period_us),
        jitter_percent: place.rhythm.map_or(0, |rhythm| rhythm.jitter_percent),
        contacts: u32::try_from(place.times.len()).unwrap_or(u32::MAX),
        first_us: place.times.iter().copied().min().unwrap_or(0),
        last_us: place.times.iter().copied().max().unwrap_or(0),
        confidence: ((1.0 - against) * 100.0).round().clamp(0.0, 99.0) as u8,
        evidence: place.evidence,
    }
}

//! Detection Finding (2004) and Incident Finding (2005).

use super::draft::{Draft, Head, caption, millis};
use super::{dns, network, parts};
use crate::{Activity, Alert, Host, Incident, IncidentStatus, NetOp, Severity, Technique};
use serde_json::{Map, Value, json};

/// ATT&CK Enterprise tactics: short name, id, caption, in the order of the matrix.
const TACTICS: &[(&str, &str, &str)] = &[
    ("reconnaissance", "TA0043", "Reconnaissance"),
    ("resource-development", "TA0042", "Resource Development"),
    ("initial-access", "TA0001", "Initial Access"),
    ("execution", "TA0002", "Execution"),
    ("persistence", "TA0003", "Persistence"),
    ("privilege-escalation", "TA0004", "Privilege Escalation"),
    ("defense-evasion", "TA0005", "Defense Evasion"),
    ("credential-access", "TA0006", "Credential Access"),
    ("discovery", "TA0007", "Discovery"),
    ("lateral-movement", "TA0008", "Lateral Movement"),
    ("collection", "TA0009", "Collection"),
    ("command-and-control", "TA0011", "Command and Control"),
    ("exfiltration", "TA0010", "Exfiltration"),
    ("impact", "TA0040", "Impact"),
];

/// Id of a tactic's short name (`execution` → `TA0002`).
pub fn tactic_uid(tactic: &str) -> Option<&'static str> {
    TACTICS.iter().find(|(name, ..)| *name == tactic).map(|(_, uid, _)| *uid)
}

/// One `attack` object: a technique, split into technique and sub-technique, under a tactic.
pub fn attack(technique: &str, tactic: Option<&str>) -> Value {
    let mut object = Map::new();
    let (parent, sub) = technique.split_once('.').map_or((technique, None), |(parent, _)| (parent, Some(technique)));
    if !parent.is_empty() {
        object.insert("technique".to_owned(), json!({"uid": parent}));
    }
    if let Some(sub) = sub {
        object.insert("sub_technique".to_owned(), json!({"uid": sub}));
    }
    if let Some(tactic) = tactic.filter(|tactic| !tactic.is_empty()) {
        let known = TACTICS.iter().find(|(name, ..)| *name == tactic);
        let tactic = known.map_or_else(|| json!({"name": tactic}), |(_, uid, name)| json!({"name": name, "uid": uid}));
        object.insert("tactic".to_owned(), tactic);
    }
    Value::Object(object)
}

/// One object a technique and tactic.
fn attacks(techniques: &[Technique]) -> Vec<Value> {
    let mut list = Vec::new();
    for technique in techniques.iter().filter(|technique| !technique.id.is_empty()) {
        if technique.tactics.is_empty() {
            list.push(attack(&technique.id, None));
        }
        list.extend(technique.tactics.iter().map(|tactic| attack(&technique.id, Some(tactic))));
    }
    list
}

/// A rule matched on a host. `metadata.uid` and `finding_info.uid` are the alert's id, `finding_info.analytic.version` is
/// the rule's and `metadata.product.feature.version` that of the published set it came with.
pub fn alert(host: &Host, alert: &Alert) -> Value {
    let mut draft = Draft::new();
    draft.set("device", parts::device(host, &alert.agent));
    draft.set("message", alert.title.as_str());
    draft.set("is_alert", true);
    draft.set("status_id", 1);
    draft.set("status", "New");
    let mut info = json!({
        "uid": alert.id,
        "title": alert.title,
        "created_time": millis(alert.decided_us),
        "first_seen_time": millis(alert.time_us),
        "last_seen_time": millis(alert.time_us),
        "analytic": {"uid": alert.rule, "name": alert.title, "version": alert.rule_version, "type_id": 1, "type": "Rule"},
    });
    let attacks = attacks(&alert.techniques);
    if !attacks.is_empty() {
        info["attacks"] = attacks.into();
    }
    if !alert.drill.is_empty() {
        info["types"] = json!(["Drill"]);
        draft.other("drill", alert.drill.as_str());
    }
    draft.set("finding_info", info);
    if alert.rule_set > 0 {
        draft.feature("rules", "Published rules", alert.rule_set);
    }
    evidence(&mut draft, alert);
    draft.other("title_zh", alert.title_zh.as_str());
    let responses: Vec<Value> =
        alert.responses.iter().map(|wanted| json!({"action": wanted.action, "lease_s": wanted.lease_s})).collect();
    if !responses.is_empty() {
        draft.other("responses", responses);
    }
    finish(draft, 2004, 1, alert.severity(), alert.time_us, &alert.id)
}

/// The matched fields, the process, and what it touched.
fn evidence(draft: &mut Draft, alert: &Alert) {
    let matches: Vec<Value> =
        alert.matches.iter().map(|found| json!({"field": found.field, "value": found.value})).collect();
    let mut object = Map::new();
    object.insert("data".to_owned(), json!({"matches": matches}));
    // A batch that does not unpack (hostile agent) still gives a finding, without evidence of its event.
    let event = alert.evidence.clone().unpack(0).ok().and_then(|events| events.into_iter().next());
    if let Some(event) = event {
        if let Some(proc) = event.process.as_deref() {
            let process = parts::process(draft, proc);
            object.insert("process".to_owned(), process);
            draft.profile("host");
            draft.set("actor", json!({"user": parts::user(&proc.info.user)}));
        }
        touched(&mut object, &event.activity);
        let (class, activity) = super::class_uid(&event.activity);
        let (_, class_name, activity_name) = super::names(class, activity);
        object.insert("name".to_owned(), format!("{class_name}: {activity_name}").into());
        draft.other("event_class_uid", class);
        draft.other("event_kind", event.kind().word());
    }
    draft.set("evidences", vec![Value::Object(object)]);
}

/// The object of the event, where `evidences` has an attribute for it.
fn touched(object: &mut Map<String, Value>, activity: &Activity) {
    match activity {
        Activity::File(file) => {
            object.insert("file".to_owned(), parts::file(&file.file, parts::REGULAR));
        }
        Activity::Net(net) => {
            let local = parts::endpoint(&net.local_ip, net.local_port, "");
            let remote = parts::endpoint(&net.remote_ip, net.remote_port, &net.remote_name);
            let (source, target) = if net.op() == NetOp::Accept { (remote, local) } else { (local, remote) };
            let ends = [("src_endpoint", source), ("dst_endpoint", target)];
            for (name, end) in ends.into_iter().filter_map(|(name, end)| Some((name, end?))) {
                object.insert(name.to_owned(), end);
            }
            object.insert("connection_info".to_owned(), network::connection(net));
        }
        Activity::Dns(query) => {
            object.insert("query".to_owned(), dns::question(query));
        }
        _ => {}
    }
}

/// An incident; one `finding_info` an alert. Nobody is assigned yet: OCSF demands a group, so it says so.
pub fn incident(incident: &Incident) -> Value {
    let mut draft = Draft::new();
    draft.set("message", incident.title.as_str());
    draft.set("desc", incident.title.as_str());
    draft.set("assignee_group", json!({"name": "unassigned"}));
    let (status, status_caption, activity) = match incident.status {
        IncidentStatus::Open => (1, "New", 1),
        IncidentStatus::Contained => (2, "In Progress", 2),
        IncidentStatus::Closed => (5, "Closed", 3),
    };
    draft.set("status_id", status);
    draft.set("status", status_caption);
    draft.set("start_time", millis(incident.first_us));
    draft.set("end_time", millis(incident.last_us));
    draft.set("count", incident.alerts.len());
    draft.set("finding_info_list", findings(incident));
    let attacks = chain(incident);
    if !attacks.is_empty() {
        draft.set("attacks", attacks);
    }
    if let Some(agent) = incident.hosts.first() {
        draft.profile("host");
        draft.set("device", parts::device(&Host::default(), agent));
    }
    draft.other("hosts", incident.hosts.clone());
    draft.other("accounts", incident.accounts.clone());
    draft.other("processes", incident.processes.clone());
    draft.other("orders", incident.orders.clone());
    draft.other("contained", incident.status == IncidentStatus::Contained);
    draft.other("drill", incident.drill.as_str());
    finish(draft, 2005, activity, incident.severity, incident.last_us, &incident.id)
}

/// The attack chain: each technique of each stage.
fn chain(incident: &Incident) -> Vec<Value> {
    let mut list = Vec::new();
    for stage in &incident.stages {
        if stage.techniques.is_empty() && !stage.tactic.is_empty() {
            list.push(attack("", Some(&stage.tactic)));
        }
        list.extend(stage.techniques.iter().filter(|id| !id.is_empty()).map(|id| attack(id, Some(&stage.tactic))));
    }
    list
}

/// The alerts with the reason each joined for.
fn findings(incident: &Incident) -> Vec<Value> {
    let mut list = Vec::with_capacity(incident.alerts.len());
    for (place, alert) in incident.alerts.iter().enumerate() {
        let mut info = json!({"uid": alert});
        if let Some(reason) = incident.reasons.get(place).filter(|reason| !reason.is_empty()) {
            info["desc"] = reason.as_str().into();
        }
        let stages: Vec<Value> = (incident.stages.iter())
            .filter(|stage| !stage.tactic.is_empty() && stage.alerts.contains(alert))
            .map(|stage| attack("", Some(&stage.tactic)))
            .collect();
        if !stages.is_empty() {
            info["attacks"] = stages.into();
        }
        list.push(info);
    }
    list
}

fn finish(mut draft: Draft, class: u32, activity: u32, severity: Severity, time_us: i64, uid: &str) -> Value {
    if severity == Severity::Unknown {
        draft.other("severity", caption(severity));
    }
    draft.finish(&Head { class, activity, severity, time_us, uid, sequence: None })
}

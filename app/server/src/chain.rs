//! The attack chain of an incident, from what is stored: alerts with their evidence, and the telemetry around them.

use super::memory;
use super::pipeline::Pipeline;
use api::tables::{self, ALERT_KEYS, ALERTS, StoredAlert};
use base::Result;
use correlate::chain::{Finding, Material, Observed, build};
use port::Write;
use prost::Message as _;
use record::{Alert, Batch, Chain, Event, EventId, Host, Incident};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

/// Evidence of alerts: key alert id, value protobuf [`record::Batch`] of exactly one event. The JSON of an alert does not
/// hold it.
const EVIDENCE: &str = "alert-evidence";
/// Most events asked of the lake for one chain.
const EVENTS: usize = 20_000;
/// Most events told to the correlator after a start.
const RECALLED: usize = 50_000;
/// How long before the first and after the last alert telemetry belongs to a chain, µs.
const AROUND_US: i64 = 3_600_000_000;

/// The write that keeps the evidence of an alert.
pub fn evidence_write(alert: &Alert) -> Write {
    Write::Put { table: EVIDENCE, key: alert.id.clone(), value: alert.evidence.encode_to_vec().into() }
}

/// Builds the chain of an incident.
pub async fn chain(pipeline: &Pipeline, id: &str) -> Result<Chain> {
    let incident = tables::incident(&*pipeline.tables, id).await?;
    let mut material = Material { owners: owners(pipeline), ..Material::default() };
    for alert in &incident.alerts {
        material.findings.extend(finding(pipeline, alert).await?);
    }
    for finding in &material.findings {
        let addresses = finding.host.addresses.iter().filter_map(|text| text.parse::<IpAddr>().ok());
        for ip in addresses.map(|ip| ip.to_canonical()) {
            material.owners.entry(ip).or_insert_with(|| finding.alert.agent.clone());
        }
    }
    match pipeline.lake.restore(&around(&incident), EVENTS).await {
        Ok(found) => material.events = found.into_iter().map(observed).collect(),
        // What the alerts themselves show still stands.
        Err(fault) => tracing::warn!(fault = %fault.inside(), "a chain was built without telemetry"),
    }
    Ok(build(&incident, &material))
}

fn owners(pipeline: &Pipeline) -> BTreeMap<IpAddr, String> {
    memory::lock(&pipeline.correlator).owners()
}

fn observed((id, _, event): (EventId, Arc<Host>, Event)) -> Observed {
    Observed { id: id.to_string(), agent: id.agent.to_string(), event }
}

/// Connections and logins of the hosts of an incident around its time. Agent ids are hexadecimal digits, or left out.
fn around(incident: &Incident) -> String {
    let agents = incident.hosts.iter().filter(|agent| agent.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let agents: Vec<String> = agents.map(|agent| format!("'{agent}'")).collect();
    let (first, last) = (incident.first_us.saturating_sub(AROUND_US), incident.last_us.saturating_add(AROUND_US));
    format!(
        "kind IN ('net', 'log') AND agent IN ({}) AND time >= to_timestamp_micros({first}) \
         AND time <= to_timestamp_micros({last})",
        if agents.is_empty() { "''".to_owned() } else { agents.join(", ") }
    )
}

async fn finding(pipeline: &Pipeline, id: &str) -> Result<Option<Finding>> {
    let Some(place) = pipeline.tables.get(ALERT_KEYS, id).await? else { return Ok(None) };
    let key = String::from_utf8_lossy(&place.value).into_owned();
    let Some(stored) = tables::find::<StoredAlert>(&*pipeline.tables, ALERTS, &key).await? else { return Ok(None) };
    let evidence = pipeline.tables.get(EVIDENCE, id).await?.and_then(|item| Batch::decode(&*item.value).ok());
    // Of an alert that an older server stored the evidence is gone; host, techniques and matches are there.
    let evidence = evidence.unwrap_or_default();
    let mut host = evidence.host.clone();
    if host.name.is_empty() {
        host.name.clone_from(&stored.host);
    }
    Ok(Some(Finding { alert: Alert { evidence, ..stored.alert }, host }))
}

/// Tells the correlator the connections and logins of the last hour again: they are not kept over a restart.
pub async fn recall(pipeline: &Pipeline, now_us: i64) {
    let since = now_us.saturating_sub(AROUND_US);
    let condition = format!("kind IN ('net', 'log') AND time >= to_timestamp_micros({since})");
    let mut found = match pipeline.lake.restore(&condition, RECALLED).await {
        Ok(found) => found,
        Err(fault) => {
            tracing::warn!(fault = %fault.inside(), "connections of the last hour are not known to the correlator");
            return;
        }
    };
    found.sort_by_key(|(id, _, event)| (event.time_us, *id));
    for (id, host, event) in &found {
        if !correlate::tells_of_ways(event) {
            continue;
        }
        if let Err(fault) = pipeline.told(&id.agent.to_string(), host, vec![(id.to_string(), event)]).await {
            tracing::warn!(fault = %fault.inside(), "what an event of the past links was not stored");
            return;
        }
    }
}

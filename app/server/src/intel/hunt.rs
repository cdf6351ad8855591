//! The past: an indicator that is new is searched for in the events that are kept, and a hit is an alert marked as past.

use super::Intel;
use base::{Fault, Micros, Result};
use intel::format::uuid;
use intel::{Indicator, Kind, Verdict};
use lake::Lake;
use record::{Alert, Batch, Event, EventId, Host, Match, Severity, Technique};
use std::sync::Arc;

/// Most values of one question to the lake.
const VALUES: usize = 200;
/// Most events that one hunt raises alerts about; the rest is a number.
const EVENTS: usize = 200;
/// Most events looked at for one question: the columns are a wider net than what is raised.
const LOOKED_AT: usize = 5000;
/// Days searched by themselves.
pub const DAYS: u64 = 30;
const DAY_US: i64 = 86_400_000_000;

/// An event of the lake: its id, its host, itself.
type Restored = (EventId, Arc<Host>, Event);

/// What was found: alerts by host, and the number of events.
#[derive(Debug, Default)]
pub struct Past {
    /// Alerts, each with the host it happened on.
    pub alerts: Vec<(Host, Alert)>,
    /// Whether there were more events than are told.
    pub cut: bool,
}

/// Text as a literal of SQL.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A log record that names one of these values somewhere.
fn logged(values: &[&str]) -> String {
    let named = |value: &&str| format!("strpos(lower(fields), {}) > 0", literal(value));
    format!("kind = 'log' AND ({})", values.iter().map(named).collect::<Vec<_>>().join(" OR "))
}

/// What a row must be to be about one of these values; `None` when the lake keeps nothing of the kind by itself.
fn condition(kind: Kind, values: &[&str]) -> Option<String> {
    let list = values.iter().map(|value| literal(value)).collect::<Vec<_>>().join(", ");
    let exact = |column: &str| format!("{column} IN ({list})");
    let logged = logged(values);
    Some(match kind {
        Kind::Ip => format!("{} OR {logged}", exact("remote_ip")),
        Kind::Domain => {
            let below = |value: &&str| {
                let suffix = literal(&format!(".{value}"));
                format!("ends_with(name, {suffix}) OR ends_with(remote_name, {suffix})")
            };
            let below = values.iter().map(below).collect::<Vec<_>>().join(" OR ");
            let kinds = "kind IN ('dns', 'net')";
            format!("{kinds} AND ({} OR {} OR {below}) OR {logged}", exact("name"), exact("remote_name"))
        }
        Kind::Path => format!("{} OR {}", exact("exe"), exact("path")),
        Kind::Url => {
            let within = |value: &&str| format!("strpos(cmd_line, {}) > 0", literal(value));
            values.iter().map(within).collect::<Vec<_>>().join(" OR ")
        }
        // What a scan or a watched file shows has no column; there are few of them.
        Kind::Md5 | Kind::Sha1 | Kind::Sha256 => format!("kind IN ('scan', 'integrity') OR {logged}"),
        Kind::Ja3 | Kind::Ja4 | Kind::Email => logged,
        Kind::Cidr => return None,
    })
}

impl Intel {
    /// Searches the last days for values. Each hit is an alert whose id follows from the event and the value, so that a
    /// second hunt finds the same.
    pub async fn hunt(&self, lake: &Arc<Lake>, wanted: &[Indicator], days: u64) -> Result<Past> {
        let mut past = Past::default();
        let now = self.clock.wall();
        let since = now.saturating_sub(i64::try_from(days).unwrap_or(i64::MAX).saturating_mul(DAY_US));
        for kind in Kind::ALL {
            let values: Vec<&str> =
                wanted.iter().filter(|one| one.kind == *kind).map(|one| one.value.as_str()).collect();
            for part in values.chunks(VALUES) {
                let Some(condition) = condition(*kind, part) else { break };
                self.search(lake, (*kind, part), &condition, since, &mut past).await?;
                if *kind == Kind::Sha256
                    && let Some(condition) = self.executed(lake, part, since, &mut past).await?
                {
                    self.search(lake, (*kind, part), &condition, since, &mut past).await?;
                }
            }
        }
        Ok(past)
    }

    async fn search(
        &self,
        lake: &Arc<Lake>,
        (kind, values): (Kind, &[&str]),
        condition: &str,
        since: Micros,
        past: &mut Past,
    ) -> Result<()> {
        let now = self.clock.wall();
        let condition = format!("time >= to_timestamp_micros({since}) AND ({condition})");
        let found = lake.restore(&condition, LOOKED_AT + 1).await?;
        past.cut |= found.len() > LOOKED_AT;
        for restored in found.into_iter().take(LOOKED_AT) {
            if past.alerts.len() >= EVENTS {
                past.cut = true;
                break;
            }
            let Some(alert) = self.raise(kind, values, &restored, now).await? else { continue };
            if !told(lake, &restored, &alert).await? {
                past.alerts.push((Host::clone(&restored.1), alert));
            }
        }
        Ok(())
    }

    /// What a row must be to tell of an execution of one of these hashes; `None` when there was none.
    async fn executed(
        &self,
        lake: &Arc<Lake>,
        values: &[&str],
        since: Micros,
        past: &mut Past,
    ) -> Result<Option<String>> {
        let hashes = values.iter().filter_map(|value| hex::decode(value).ok()).collect();
        let (keys, cut) = lake.programs(hashes, since, EVENTS).await?;
        past.cut |= cut;
        let keys = keys.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
        Ok((!keys.is_empty()).then(|| format!("kind = 'exec' AND process_key IN ({keys})")))
    }

    async fn raise(&self, kind: Kind, values: &[&str], restored: &Restored, now: Micros) -> Result<Option<Alert>> {
        let (_, _, event) = restored;
        let mut seen = None;
        intel::Observer::new(true).look(event, |shown| {
            let url =
                kind == Kind::Url && shown.kind == Kind::Url && values.iter().any(|one| one.ends_with(shown.value));
            if seen.is_none() && (shown.kind == kind && values.contains(&shown.value) || url) {
                seen = Some((shown.value.to_owned(), shown.field.to_owned()));
            }
        });
        // The columns are a wider net than the observer's: what is not really the value raises nothing.
        let Some((value, field)) = seen else { return Ok(None) };
        let verdict = self.known().verdict(kind, &value, now);
        let Some(verdict) = verdict.or(self.verdict(kind, &value).await?) else { return Ok(None) };
        Ok(Some(alert(&verdict, &field, restored, now)))
    }
}

/// Whether the agent itself told of this event and value when it happened: a hunt for what is new overlaps with what
/// agents see by then.
async fn told(lake: &Arc<Lake>, (id, _, event): &Restored, past: &Alert) -> Result<bool> {
    let about = |alert: &Alert| alert.matches.iter().find(|one| one.field == "indicator").map(|one| one.value.clone());
    let at = format!("time = to_timestamp_micros({}) AND agent = {}", event.time_us, literal(&id.agent.to_string()));
    let alerts = lake.findings(&at, EVENTS).await?;
    Ok(alerts.iter().any(|alert| !alert.id.starts_with("past-") && about(alert) == about(past)))
}

fn alert(verdict: &Verdict, field: &str, restored: &Restored, now: Micros) -> Alert {
    let (id, host, event) = restored;
    let name = format!("past:{}:{}:{}", id, verdict.kind.word(), verdict.value);
    let one = |field: &str, value: &str| Match { field: field.into(), value: value.chars().take(256).collect() };
    let score = verdict.score.to_string();
    let mut matches = vec![
        one("indicator", &verdict.value),
        one("kind", verdict.kind.word()),
        one("score", &score),
        one("seen in", field),
        one("past", "true"),
    ];
    matches.extend(verdict.sources.iter().take(16).map(|source| one("source", source)));
    matches.extend(verdict.malware.iter().take(16).map(|name| one("malware", name)));
    matches.extend(verdict.actors.iter().take(16).map(|name| one("actor", name)));
    Alert {
        id: format!("past-{}", uuid::v5(uuid::OWN, name.as_bytes())),
        rule: "3f0e8a52-9d5c-4c1e-8b7a-7061737400ff".into(),
        title: format!("Seen in the past: listed {} {}", verdict.kind.word(), verdict.value),
        title_zh: format!("历史命中情报：{} {}", verdict.kind.word(), verdict.value),
        severity: if verdict.score >= 60 { Severity::High } else { Severity::Medium } as i32,
        techniques: vec![Technique { id: "T1071".into(), tactics: vec!["command-and-control".into()] }],
        time_us: event.time_us,
        decided_us: now,
        matches,
        evidence: Batch::pack(Host::clone(host), Some(event)),
        agent: id.agent.to_string(),
        ..Alert::default()
    }
}

/// Searches the past for what is new until told to stop; `found` stores the alerts.
pub async fn run<F>(
    intel: Arc<Intel>,
    lake: Arc<Lake>,
    mut fresh: tokio::sync::mpsc::Receiver<Vec<Indicator>>,
    mut stop: tokio::sync::watch::Receiver<bool>,
    mut found: impl FnMut(Past) -> F,
) where
    F: Future<Output = Result<()>>,
{
    loop {
        let wanted = tokio::select! {
            wanted = fresh.recv() => wanted,
            _ = stop.changed() => None,
        };
        let Some(wanted) = wanted else { return };
        let told = match intel.hunt(&lake, &wanted, DAYS).await {
            Ok(past) => found(past).await,
            Err(fault) => Err(fault),
        };
        if let Err(fault) = told {
            tracing::warn!(fault = %Fault::inside(&fault), "the past could not be searched");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_reach_sql_as_literals_only() {
        let sql = condition(Kind::Path, &["/tmp/'; DROP TABLE x; --"]).unwrap();
        assert!(sql.contains("'/tmp/''; DROP TABLE x; --'"), "{sql}");
        assert!(condition(Kind::Cidr, &["192.0.2.0/24"]).is_none());
    }
}

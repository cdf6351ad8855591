//! A correlation that holds, and the alert about it.

use super::compile::{Compiled, CorrelationIndex};
use crate::limits::SHOWN_BYTES;
use base::Micros;
use record::{AgentId, Alert, Batch, Event, Host, Match};
use std::sync::Arc;

/// A correlation holds for a group.
#[derive(Debug, Clone, PartialEq)]
pub struct CorrelationHit {
    /// The correlation, in the [`Compiled`] of the tracker that found it.
    pub rule: CorrelationIndex,
    /// The values of its group, in the order of [`Compiled::group`].
    pub group: Vec<String>,
    /// What it measured: events, distinct values, the sum …; for `temporal*` how many of its rules fitted.
    pub value: f64,
    /// Whether older events of the group were forgotten, so that the value is at least this.
    pub at_least: bool,
    /// Time of the oldest event that counts, µs since the Unix epoch.
    pub first_us: Micros,
    /// Time of the newest, µs since the Unix epoch.
    pub last_us: Micros,
    /// Some of the events, at most [`Limits::evidence`](super::Limits::evidence), the oldest first; the last one
    /// completed the hit. Never empty.
    pub events: Vec<Arc<Event>>,
}

impl Compiled {
    /// The alert about a hit, as [`Engine::alert`](crate::Engine::alert) makes it of a rule: its evidence is the event
    /// that completed the hit; its matches are the group's values, what was measured, and the time span.
    /// `decided_us` is the wall clock; `id` stays empty until the spool gives one.
    pub fn alert(&self, hit: &CorrelationHit, host: &Host, agent: AgentId, decided_us: Micros) -> Alert {
        let rule = self.rule(hit.rule);
        let group = self.group(hit.rule).iter().zip(&hit.group);
        let mut matches: Vec<Match> =
            group.map(|(name, value)| Match { field: name.clone(), value: shown(value) }).collect();
        let least = if hit.at_least { "≥" } else { "" };
        matches.push(Match { field: self.kind(hit.rule).to_owned(), value: format!("{least}{}", hit.value) });
        matches.push(Match { field: "timespan".to_owned(), value: self.timespan(hit.rule).to_owned() });
        Alert {
            id: String::new(),
            rule: rule.id.clone(),
            rule_version: rule.version.clone(),
            title: rule.title.clone(),
            severity: rule.severity as i32,
            techniques: rule.techniques.clone(),
            time_us: hit.last_us,
            decided_us,
            matches,
            evidence: Batch::pack(host.clone(), hit.events.last().map(Arc::as_ref)),
            responses: rule.responses.clone(),
            agent: agent.to_string(),
            drill: String::new(),
            title_zh: rule.title_zh.clone(),
            rule_set: 0,
        }
    }
}

fn shown(value: &str) -> String {
    let mut end = value.len().min(SHOWN_BYTES);
    while !value.is_char_boundary(end) {
        end -= 1;
    }
    value[..end].to_owned()
}

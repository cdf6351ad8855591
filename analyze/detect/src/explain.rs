//! Why a rule matched, and the alert that says so.

use crate::bucket::{Bucket, Work};
use crate::engine::{Engine, RuleIndex};
use crate::limits::SHOWN_BYTES;
use crate::program::{Node, Program};
use crate::scan::any_text;
use crate::view::{Spot, Subject};
use base::Micros;
use record::{AgentId, Alert, Batch, Event, Field, Host, Match, Value};

impl Engine {
    /// The fields that made a rule match an event, each once, in the order of the rule; empty when it does not match.
    pub fn explain(&self, index: RuleIndex, event: &Event) -> Vec<Match> {
        let mut buckets = self.buckets(event).into_iter().flatten();
        let found = buckets.find_map(|bucket| {
            bucket.programs.iter().find(|(rule, _)| *rule == index.0).map(|(_, program)| (bucket, program))
        });
        let (Some((bucket, program)), Some(names)) = (found, self.fields.get(index.0 as usize)) else {
            return Vec::new();
        };
        bucket.with(event, |subject, work| {
            let mut leaves = Vec::new();
            collect(bucket, program, program.root, subject, work, &mut leaves);
            // By the place in the rule; equal ones came from several tests of one field.
            leaves.sort_by_key(|(label, _)| *label);
            let mut seen = Vec::new();
            leaves.retain(|leaf| {
                !seen.contains(leaf) && {
                    seen.push(*leaf);
                    true
                }
            });
            leaves.iter().map(|(label, spot)| show(names, *label, *spot, subject)).collect()
        })
    }

    /// The alert of a rule about an event. `decided_us` is the wall clock; `id` stays empty until the spool gives one.
    pub fn alert(&self, index: RuleIndex, event: &Event, host: &Host, agent: AgentId, decided_us: Micros) -> Alert {
        let rule = self.rule(index);
        Alert {
            id: String::new(),
            rule: rule.id.clone(),
            rule_version: rule.version.clone(),
            title: rule.title.clone(),
            severity: rule.severity as i32,
            techniques: rule.techniques.clone(),
            time_us: event.time_us,
            decided_us,
            matches: self.explain(index, event),
            evidence: Batch::pack(host.clone(), [event]),
            responses: rule.responses.clone(),
            agent: agent.to_string(),
            drill: String::new(),
            title_zh: rule.title_zh.clone(),
            rule_set: 0,
        }
    }
}

/// Collects the leaves that hold below nodes that hold; what a rule wants absent explains nothing.
fn collect(
    bucket: &Bucket,
    program: &Program,
    node: u32,
    subject: &Subject<'_>,
    work: &mut Work,
    leaves: &mut Vec<(u32, Spot)>,
) {
    if !bucket.holds(program, node, subject, work) {
        return;
    }
    match &program.nodes[node as usize] {
        Node::All(children) | Node::Any(children) => {
            children.iter().for_each(|child| collect(bucket, program, *child, subject, work, leaves));
        }
        Node::Atom { .. } | Node::Test(_) => {
            leaves.extend(program.labels[node as usize].zip(bucket.spot(program, node)));
        }
        Node::True | Node::False | Node::Not(_) => {}
    }
}

/// A field under the rule's name for it; keywords under ours.
fn show(names: &[String], label: u32, spot: Spot, subject: &Subject<'_>) -> Match {
    let name = names.get(label as usize).map_or("", String::as_str);
    let field = match spot {
        Spot::Field(field) if name.is_empty() => field.word(),
        Spot::Record if name.is_empty() => Field::LogMessage.word(),
        _ => name,
    };
    Match { field: field.to_owned(), value: shown(spot, subject) }
}

/// The values of a spot as people read them, cut at a character.
fn shown(spot: Spot, subject: &Subject<'_>) -> String {
    let (mut text, mut buffer) = (String::new(), String::new());
    spot.any(subject, |value| {
        let separator = if matches!(value, Value::Ancestors(_)) { " < " } else { ", " };
        any_text(value, &mut buffer, |bytes| {
            if !text.is_empty() {
                text.push_str(separator);
            }
            text.push_str(&String::from_utf8_lossy(bytes));
            text.len() > SHOWN_BYTES
        })
    });
    let mut end = text.len().min(SHOWN_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}

//! Why a rule matched, and the alert that says so.

use crate::bucket::{Bucket, Scratch};
use crate::engine::{Engine, RuleIndex};
use crate::field_map::Origin;
use crate::limits::SHOWN_BYTES;
use crate::program::{Node, Program};
use crate::scan::any_text;
use base::Micros;
use record::{AgentId, Alert, Batch, Event, Host, Match, Value};

impl Engine {
    /// The fields that made a rule match an event, each once, in the order of the rule; empty when it does not match.
    pub fn explain(&self, index: RuleIndex, event: &Event) -> Vec<Match> {
        let mut matches = Vec::new();
        let (Some(bucket), Some(names)) = (self.bucket(event), self.fields.get(index.0 as usize)) else {
            return matches;
        };
        let Some((_, program)) = bucket.programs.iter().find(|(rule, _)| *rule == index.0) else { return matches };
        let mut leaves = Vec::new();
        let mut scratch = Scratch::new();
        bucket.begin(event, &mut scratch);
        collect(bucket, program, program.root, event, &mut scratch, &mut leaves);
        leaves.sort_unstable();
        leaves.dedup();
        for (label, origin) in leaves {
            let name = names.get(label as usize).map_or("", String::as_str);
            let field = match origin {
                Origin::Field(field) if name.is_empty() => field.word(),
                _ => name,
            };
            matches.push(Match { field: field.to_owned(), value: shown(origin.of(event)) });
        }
        matches
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
        }
    }
}

/// Collects the leaves that hold below nodes that hold; what a rule wants absent explains nothing.
fn collect(
    bucket: &Bucket,
    program: &Program,
    node: u32,
    event: &Event,
    scratch: &mut Scratch,
    leaves: &mut Vec<(u32, Origin)>,
) {
    if !bucket.holds(program, node, event, scratch) {
        return;
    }
    match &program.nodes[node as usize] {
        Node::All(children) | Node::Any(children) => {
            children.iter().for_each(|child| collect(bucket, program, *child, event, scratch, leaves));
        }
        Node::Atom { .. } | Node::Test(_) => {
            leaves.extend(program.labels[node as usize].zip(bucket.origin(program, node)));
        }
        Node::True | Node::False | Node::Not(_) => {}
    }
}

/// A value as people read it, cut at a character.
fn shown(value: Value<'_>) -> String {
    let mut text = String::new();
    let mut buffer = String::new();
    any_text(value, &mut buffer, |bytes| {
        if !text.is_empty() {
            text.push_str(" < ");
        }
        text.push_str(&String::from_utf8_lossy(bytes));
        text.len() > SHOWN_BYTES
    });
    let mut end = text.len().min(SHOWN_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}

//! The process tree of an incident, drawn with box characters.

use crate::cli::screen::{Paint, Screen, plain, width};
use api::story::ProcessNode;
use std::collections::{BTreeMap, BTreeSet};

/// Deepest level drawn; hostile records may make longer chains.
const DEEPEST: usize = 64;

/// Draws every tree of the list. Titles and severities of alerts are looked up by id.
pub fn draw(screen: &Screen, nodes: &[ProcessNode], alerts: &BTreeMap<String, (String, String)>) -> String {
    let known: BTreeSet<&str> = nodes.iter().map(|node| node.id.as_str()).collect();
    let mut below: BTreeMap<&str, Vec<&ProcessNode>> = BTreeMap::new();
    for node in nodes {
        let root = !known.contains(node.parent.as_str()) || node.parent == node.id;
        below.entry(if root { "" } else { &node.parent }).or_default().push(node);
    }
    for list in below.values_mut() {
        list.sort_by_key(|node| (node.started_us, node.pid));
    }
    let mut drawing = Drawing { screen, below, alerts, text: String::new(), drawn: BTreeSet::new() };
    for root in drawing.below.get("").cloned().unwrap_or_default() {
        drawing.node(root, "", "", 0);
    }
    // A ring of parents has no root, and a chain may be deeper than is drawn: hostile data hides no process.
    for node in nodes {
        drawing.node(node, "", "", 0);
    }
    drawing.text
}

struct Drawing<'d> {
    screen: &'d Screen,
    below: BTreeMap<&'d str, Vec<&'d ProcessNode>>,
    alerts: &'d BTreeMap<String, (String, String)>,
    text: String,
    drawn: BTreeSet<&'d str>,
}

impl<'d> Drawing<'d> {
    /// One process: `head` stands before its line, `rest` before those below it. A ring in hostile data is drawn once.
    fn node(&mut self, node: &'d ProcessNode, head: &str, rest: &str, depth: usize) {
        if depth > DEEPEST || !self.drawn.insert(&node.id) {
            return;
        }
        let children = self.below.get(node.id.as_str()).cloned().unwrap_or_default();
        let name = if node.exe.is_empty() { &node.name } else { &node.exe };
        let title = format!("{} ({})", plain(name), node.pid);
        let title = if node.alerts.is_empty() { title } else { self.screen.paint(Paint::Bold, &title) };
        self.text.push_str(&format!("{head}{title}  {}\n", self.screen.paint(Paint::Dim, &plain(&node.user))));
        let stem = if children.is_empty() { "   " } else { "│  " };
        if !node.cmd_line.is_empty() && node.cmd_line != *name {
            let line = self.screen.fit(&plain(&node.cmd_line), width(rest) + 5);
            self.text.push_str(&format!("{rest}{stem}$ {line}\n"));
        }
        for alert in &node.alerts {
            let (title, severity) = self.alerts.get(alert).cloned().unwrap_or((alert.clone(), String::new()));
            let severity = self.screen.severity(&severity);
            self.text.push_str(&format!("{rest}{stem}● [{severity}] {}\n", plain(&title)));
        }
        for (index, child) in children.iter().enumerate() {
            let last = index + 1 == children.len();
            let (branch, below) = if last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            self.node(child, &format!("{rest}{branch}"), &format!("{rest}{below}"), depth + 1);
        }
    }
}

//! A tuning written as YAML, so that a command can add to the file that people edit.

use super::{Allow, Body, Exclusion, Origin, Patch, PathMatch, Scope, Tuning, ValueType, Variable};
use std::fmt::Write;

impl Tuning {
    /// YAML that [`Tuning::read`] reads back. Comments of a file that was read are not kept.
    pub fn yaml(&self) -> String {
        let mut text = String::new();
        section(&mut text, "exclusions", &self.exclusions, exclusion);
        section(&mut text, "variables", &self.variables, variable);
        section(&mut text, "bodies", &self.bodies, body);
        section(&mut text, "patches", &self.patches, patch);
        text
    }
}

fn section<I>(text: &mut String, name: &str, items: &[I], write: fn(&I) -> Vec<String>) {
    if items.is_empty() {
        return;
    }
    let _ = writeln!(text, "{name}:");
    for item in items {
        for (at, line) in write(item).iter().enumerate() {
            let _ = writeln!(text, "  {} {line}", if at == 0 { "-" } else { " " });
        }
    }
}

fn exclusion(item: &Exclusion) -> Vec<String> {
    let mut lines = vec![format!("id: {}", item.id)];
    if !item.rules.is_empty() {
        let rules: Vec<String> = item.rules.iter().map(ToString::to_string).collect();
        lines.push(format!("rules: [{}]", rules.join(", ")));
    }
    list(&mut lines, "tags", &item.tags);
    list(&mut lines, "targets", &item.targets);
    scope(&mut lines, &item.scope);
    origin(&mut lines, &item.origin);
    lines
}

fn variable(item: &Variable) -> Vec<String> {
    let mut lines = vec![format!("id: {}", item.id)];
    lines.push(format!("name: {}", quoted(&item.name)));
    lines.push(format!("value: {}", quoted(&item.value)));
    lines.extend(item.crs.map(|major| format!("crs: {major}")));
    origin(&mut lines, &item.origin);
    lines
}

fn body(item: &Body) -> Vec<String> {
    let mut lines = vec![format!("id: {}", item.id)];
    list(&mut lines, "content_types", &item.content_types);
    lines.push(format!("processor: {}", item.processor));
    origin(&mut lines, &item.origin);
    lines
}

fn patch(item: &Patch) -> Vec<String> {
    let mut lines = vec![format!("id: {}", item.id), format!("name: {}", quoted(&item.name))];
    list(&mut lines, "cve", &item.cve);
    scope(&mut lines, &item.scope);
    list(&mut lines, "targets", &item.targets);
    if let Some(allow) = &item.allow {
        lines.push(format!("allow: {{ {} }}", allowed(allow).join(", ")));
    }
    if let Some(forbid) = &item.forbid {
        lines.push(format!("forbid: {{ pattern: {} }}", quoted(&forbid.pattern)));
    }
    lines.push(format!("status: {}", item.status));
    origin(&mut lines, &item.origin);
    lines
}

fn allowed(allow: &Allow) -> Vec<String> {
    let mut keys = Vec::new();
    keys.extend(allow.pattern.as_ref().map(|pattern| format!("pattern: {}", quoted(pattern))));
    let kind = allow.kind.map(|kind| match kind {
        ValueType::Integer => "integer",
        ValueType::Number => "number",
        ValueType::Boolean => "boolean",
        ValueType::Uuid => "uuid",
        ValueType::Date => "date",
        ValueType::Hex => "hex",
        ValueType::Word => "word",
    });
    keys.extend(kind.map(|kind| format!("type: {kind}")));
    keys.extend(allow.min_length.map(|bytes| format!("min_length: {bytes}")));
    keys.extend(allow.max_length.map(|bytes| format!("max_length: {bytes}")));
    keys.extend(allow.once.then(|| "once: true".to_string()));
    keys
}

fn scope(lines: &mut Vec<String>, scope: &Scope) {
    if scope.everywhere() {
        return;
    }
    let mut keys = Vec::new();
    if let Some(path) = &scope.path {
        keys.push(format!("path: {}", quoted(path)));
        let matching = match scope.matching {
            PathMatch::Exact => None,
            PathMatch::Prefix => Some("prefix"),
            PathMatch::Pattern => Some("pattern"),
        };
        keys.extend(matching.map(|matching| format!("matching: {matching}")));
    }
    list(&mut keys, "methods", &scope.methods);
    list(&mut keys, "content_types", &scope.content_types);
    lines.push(format!("where: {{ {} }}", keys.join(", ")));
}

fn origin(lines: &mut Vec<String>, origin: &Origin) {
    lines.push("origin:".to_string());
    let optional = [("why_zh", &origin.why_zh), ("until", &origin.until)];
    let given = [("by", &origin.by), ("at", &origin.at), ("why", &origin.why)];
    let optional = optional.into_iter().filter_map(|(key, value)| value.as_ref().map(|value| (key, value)));
    for (key, value) in given.into_iter().chain(optional) {
        lines.push(format!("  {key}: {}", quoted(value)));
    }
}

fn list(lines: &mut Vec<String>, key: &str, values: &[String]) {
    if !values.is_empty() {
        let values: Vec<String> = values.iter().map(|value| quoted(value)).collect();
        lines.push(format!("{key}: [{}]", values.join(", ")));
    }
}

/// A double-quoted scalar (YAML 1.2.2, 7.3.1).
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                let _ = write!(quoted, "\\u{:04x}", c as u32);
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

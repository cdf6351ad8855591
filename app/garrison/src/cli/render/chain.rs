//! The attack chain of an incident: one sentence a part, then the hosts with what was done on each.

use crate::cli::duration;
use crate::cli::screen::{Paint, Screen, plain, width};
use crate::cli::table;
use crate::cli::words::Word;
use record::{Chain, ChainControl, ChainEdge, ChainEntry, ChainNode, ChainStep, IncidentStatus};
use std::collections::{BTreeMap, BTreeSet};

/// Most deeds drawn of one host.
const DEEDS: usize = 40;

/// The chain as text.
pub fn chain(screen: &Screen, chain: &Chain) -> String {
    let mut text = format!("{}\n", screen.paint(Paint::Bold, &plain(&chain.title)));
    let severity = screen.severity(chain.severity.word());
    text.push_str(&format!("{}  {severity}\n\n", chain.incident));
    text.push_str(&table::pairs(&sentences(screen, chain)));
    text.push_str(&drawing(screen, chain));
    if chain.cut {
        text.push_str(&format!("\n{}\n", screen.word(Word::ChainCut)));
    }
    text
}

/// Name of each part and what is to be said of it.
fn sentences(screen: &Screen, chain: &Chain) -> Vec<(&'static str, String)> {
    let mut rows = Vec::new();
    let entry = chain.entry.as_ref().map_or(screen.api("unknown").to_owned(), |one| entry(screen, one));
    rows.push((screen.word(Word::ChainEntry), entry));
    let spread: Vec<String> = chain.spread.iter().map(|one| step(screen, one)).collect();
    let spread = if spread.is_empty() { screen.word(Word::ChainNoSpread).to_owned() } else { spread.join("; ") };
    rows.push((screen.word(Word::ChainSpread), spread));
    let control: Vec<String> = chain.control.iter().take(4).map(|one| place(screen, one)).collect();
    let control = if control.is_empty() { screen.word(Word::ChainNoControl).to_owned() } else { control.join("; ") };
    rows.push((screen.word(Word::ChainControl), control));
    let of_impact = |one: &record::ChainImpact| {
        let title = super::incident::title(screen, &one.title, &one.title_zh);
        format!("{} {} {}", plain(&one.host_name), plain(title), plain(&one.technique))
    };
    let impact: Vec<String> = chain.impact.iter().take(6).map(of_impact).collect();
    let impact = if impact.is_empty() { screen.word(Word::ChainNoImpact).to_owned() } else { impact.join("; ") };
    rows.push((screen.word(Word::ChainImpact), impact));
    rows.push((screen.word(Word::ChainNow), now(screen, chain)));
    if !chain.actors.is_empty() {
        let name = |one: &record::ChainActor| format!("{} ({}, {}%)", plain(&one.name), plain(&one.id), one.confidence);
        let names: Vec<String> = chain.actors.iter().map(name).collect();
        rows.push((screen.word(Word::ChainActors), names.join(", ")));
    }
    rows
}

fn sure(screen: &Screen, confidence: u8) -> String {
    format!("({} {confidence}%)", screen.word(Word::ChainSure))
}

/// Words that are there, by one space.
fn joined(words: &[String]) -> String {
    words.iter().filter(|word| !word.is_empty()).cloned().collect::<Vec<_>>().join(" ")
}

fn entry(screen: &Screen, entry: &ChainEntry) -> String {
    let from = if entry.from.is_empty() { String::new() } else { format!("{} →", plain(&entry.from)) };
    let how = screen.api(&entry.how).to_owned();
    let (service, account) = (plain(&entry.service), plain(&entry.account));
    let time = screen.time(entry.time_us);
    joined(&[
        from,
        plain(&entry.host_name),
        how,
        service,
        account,
        plain(&entry.technique),
        time,
        sure(screen, entry.confidence),
    ])
}

fn step(screen: &Screen, step: &ChainStep) -> String {
    let how = screen.api(step.how.word()).to_owned();
    let port = if step.port == 0 { String::new() } else { format!(":{}", step.port) };
    let to = format!("{}{port}", plain(&step.to_name));
    let technique = plain(&step.technique);
    joined(&[
        plain(&step.from_name),
        "→".into(),
        to,
        how,
        plain(&step.account),
        technique,
        sure(screen, step.confidence),
    ])
}

fn place(screen: &Screen, place: &ChainControl) -> String {
    let port = if place.port == 0 { String::new() } else { format!(":{}", place.port) };
    let why: Vec<&str> = place.why.iter().map(|why| screen.api(why)).collect();
    let hosts = place.host_names.iter().map(|name| plain(name)).collect::<Vec<_>>().join(", ");
    let rhythm = if place.period_us > 0 {
        let period = duration::words(place.period_us / 1_000_000);
        format!("{} {period} ±{}% ×{}", screen.word(Word::ChainEvery), place.jitter_percent, place.contacts)
    } else {
        String::new()
    };
    let why = why.join(" + ");
    joined(&[format!("{}{port}", plain(&place.value)), "←".into(), hosts, why, rhythm, sure(screen, place.confidence)])
}

fn now(screen: &Screen, chain: &Chain) -> String {
    let status = match chain.status {
        IncidentStatus::Open => screen.paint(Paint::Red, screen.api("open")),
        IncidentStatus::Contained => screen.paint(Paint::Green, screen.api("contained")),
        IncidentStatus::Closed => screen.api("closed").to_owned(),
    };
    let hosts = chain.nodes.iter().filter(|node| node.kind == "host").count();
    let last = screen.time(chain.last_us);
    format!("{status}, {hosts} {}, {} {last}", screen.word(Word::ChainHosts), screen.word(Word::ChainLast))
}

/// Hosts in the order they were first seen, each with its deeds in the order of time.
fn drawing(screen: &Screen, chain: &Chain) -> String {
    let nodes: BTreeMap<&str, &ChainNode> = chain.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
    let mut hosts: Vec<&ChainNode> = chain.nodes.iter().filter(|node| node.kind == "host").collect();
    hosts.sort_by(|one, other| (one.time_us, &one.id).cmp(&(other.time_us, &other.id)));
    let mut text = String::new();
    for host in hosts {
        let ways = chain.spread.iter().filter(|step| step.to == host.host).map(|step| plain(&step.from_name));
        let ways: BTreeSet<String> = ways.collect();
        let arrow = if ways.is_empty() {
            String::new()
        } else {
            format!("  ← {}", ways.into_iter().collect::<Vec<_>>().join(", "))
        };
        text.push_str(&format!("\n{}{arrow}\n", screen.paint(Paint::Bold, &plain(&host.label))));
        let own = |edge: &&ChainEdge| {
            let ends = [nodes.get(edge.from.as_str()), nodes.get(edge.to.as_str())];
            let on_host = |node: &&ChainNode| node.host == host.host;
            // What goes to another host is drawn there.
            ends[0].is_some_and(on_host) && ends[1].is_none_or(|node| node.host.is_empty() || node.host == host.host)
        };
        let deeds: Vec<&ChainEdge> = chain.edges.iter().filter(own).collect();
        for (place, edge) in deeds.iter().take(DEEDS).enumerate() {
            let last = place + 1 == deeds.len().min(DEEDS);
            text.push_str(&deed(screen, &nodes, edge, if last { "└─ " } else { "├─ " }));
        }
        if deeds.len() > DEEDS {
            text.push_str(&format!("   … {}\n", deeds.len() - DEEDS));
        }
    }
    text
}

fn deed(screen: &Screen, nodes: &BTreeMap<&str, &ChainNode>, edge: &ChainEdge, branch: &str) -> String {
    let Some(to) = nodes.get(edge.to.as_str()) else { return String::new() };
    let mark = if to.alerts.is_empty() { "" } else { "● " };
    let from = nodes.get(edge.from.as_str()).filter(|from| from.kind == "account").map(|from| plain(&from.label));
    let verb = screen.api(&edge.kind);
    let head = format!("{branch}{}  {mark}{verb} ", screen.time(edge.time_us));
    let tactic = screen.api(&edge.tactic);
    let tail = if tactic.is_empty() { String::new() } else { format!("  {tactic}") };
    let label = from.unwrap_or_else(|| plain(&to.label));
    let label = screen.fit(&label, width(&head) + width(&tail));
    format!("{head}{label}{}\n", screen.paint(Paint::Dim, &tail))
}

/// The graph in the DOT language of Graphviz.
pub fn dot(chain: &Chain) -> String {
    let quoted = |text: &str| format!("\"{}\"", plain(text).replace('\\', "\\\\").replace('"', "\\\""));
    let mut text = format!("digraph {} {{\n  rankdir=LR;\n", quoted(&chain.incident));
    for node in &chain.nodes {
        let shape = match node.kind.as_str() {
            "host" => "box3d",
            "process" => "box",
            "address" | "domain" => "ellipse",
            "file" => "note",
            _ => "diamond",
        };
        let colour = if node.alerts.is_empty() { "" } else { ", color=red" };
        let (id, label) = (quoted(&node.id), quoted(&node.label));
        text.push_str(&format!("  {id} [label={label}, shape={shape}{colour}];\n"));
    }
    for edge in &chain.edges {
        let style = if edge.confidence < 50 { ", style=dashed" } else { "" };
        let (from, to, kind) = (quoted(&edge.from), quoted(&edge.to), quoted(&edge.kind));
        text.push_str(&format!("  {from} -> {to} [label={kind}{style}];\n"));
    }
    text + "}\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::render::golden::screen;
    use base::Lang;
    use serde_json::json;

    fn told() -> Chain {
        let at = |minute: i64| 1_700_000_000_000_000_i64 + minute * 60_000_000;
        let node = |id: &str, kind: &str, label: &str, host: &str, alerts: serde_json::Value| json!({"id": id, "kind": kind, "label": label, "host": host, "time_us": at(0), "alerts": alerts});
        let edge = |from: &str, to: &str, kind: &str, minute: i64, tactic: &str| {
            json!({"from": from, "to": to, "kind": kind, "time_us": at(minute), "tactic": tactic, "confidence": 90,
                   "evidence": ["a1"]})
        };
        serde_json::from_value(json!({
            "incident": "INC-a1", "title": "Shell on web", "severity": "high", "status": "open",
            "first_us": at(0), "last_us": at(9), "drill": "", "joins": [], "cut": false,
            "nodes": [
                node("host:a", "host", "web", "a", json!([])), node("host:b", "host", "db", "b", json!([])),
                node("p", "process", "sh -c \"id\u{1b}\" (5)", "a", json!(["a1"])),
                node("address:203.0.113.9", "address", "203.0.113.9", "", json!([])),
            ],
            "edges": [
                edge("host:a", "p", "spawned", 0, "execution"),
                edge("p", "address:203.0.113.9", "connected", 1, "command-and-control"),
                edge("host:a", "host:b", "logged-in", 2, "lateral-movement"),
            ],
            "entry": {"host": "a", "host_name": "web", "how": "exploited-service", "from": "203.0.113.7", "account": "",
                "service": "nginx", "technique": "T1190", "time_us": at(0), "confidence": 85, "evidence": ["a1"]},
            "spread": [{"from": "a", "from_name": "web", "to": "b", "to_name": "db", "how": "login",
                "technique": "T1021.004", "account": "ops", "port": 22, "time_us": at(2), "confidence": 90,
                "reason": "login of ops from web", "evidence": ["a1"]}],
            "control": [{"value": "203.0.113.9", "port": 443, "hosts": ["a"], "host_names": ["web"],
                "why": ["beacon", "indicator"], "period_us": 60_000_000, "jitter_percent": 4, "contacts": 30,
                "first_us": at(1), "last_us": at(9), "confidence": 93, "evidence": ["e1"]}],
            "impact": [{"tactic": "impact", "technique": "T1486", "title": "Files encrypted", "title_zh": "文件被加密",
                "host": "b", "host_name": "db", "time_us": at(9), "confidence": 80, "evidence": ["a2"]}],
            "actors": [{"id": "G0001", "name": "Winter", "kind": "actor", "confidence": 40}],
        }))
        .unwrap()
    }

    #[test]
    fn a_chain_in_english() {
        let wanted = "\
Shell on web
INC-a1  high

entry    203.0.113.7 → web exploited-service nginx T1190 2023-11-14 22:13:20.000 (sure 85%)
spread   web → db:22 login ops T1021.004 (sure 90%)
control  203.0.113.9:443 ← web beacon + indicator every 1m ±4% ×30 (sure 93%)
impact   db Files encrypted T1486
now      open, 2 hosts, last seen 2023-11-14 22:22:20.000
actors   Winter (G0001, 40%)

web
├─ 2023-11-14 22:13:20.000  ● spawned sh -c \"id·\" (5)  execution
└─ 2023-11-14 22:14:20.000  connected 203.0.113.9  command-and-control

db  ← web
";
        assert_eq!(chain(&screen(Lang::En), &told()), wanted);
    }

    #[test]
    fn a_chain_in_chinese_fits_its_screen() {
        let mut small = screen(Lang::Zh);
        small.width = Some(60);
        let text = chain(&small, &told());
        for wanted in [
            "入口  203.0.113.7 → web 利用对外服务 nginx",
            "控制  203.0.113.9:443 ← web 心跳外联 + 情报命中 每",
            "影响  db 文件被加密 T1486",
            "现状  未处置, 2 台主机",
        ] {
            assert!(text.contains(wanted), "{wanted} not in\n{text}");
        }
        let drawn = text.lines().skip_while(|line| *line != "web");
        assert!(drawn.clone().count() > 3 && drawn.into_iter().all(|line| width(line) <= 60), "{text}");
    }

    #[test]
    fn a_label_cannot_end_its_quotes() {
        let text = dot(&told());
        assert!(text.contains("label=\"sh -c \\\"id·\\\" (5)\", shape=box, color=red"), "{text}");
        assert!(text.starts_with("digraph \"INC-a1\" {") && text.ends_with("}\n"));
    }
}

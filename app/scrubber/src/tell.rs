//! What people and the server hear: alerts of attacks that begin and end, metrics, receipts; all through the spool.

use crate::board::Board;
use crate::hands::Told;
use crate::names::MoveAsked;
use base::{Lang, Micros, Result};
use bus::SharedSpool;
use ddos::report::{Participant, Role};
use ddos::{Judgement, Prefix, Report};
use record::{
    ActionKind, Activity, Alert, Batch, Event, Host, Match, NetActivity, Receipt, Response, Severity, Technique,
};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

/// Ids of the rules that stand for the beginning and the report of an attack, and for what is done only when a person agrees.
pub const RULES: [&str; 3] =
    ["5b1d7c40-2f7e-4a55-9c3d-64646f730001", ddos::report::RULE, "5b1d7c40-2f7e-4a55-9c3d-64646f730003"];
/// Longest value of a match, characters.
const SHOWN: usize = 1000;
/// Longest value of a piece of a longer text, bytes: [`Match`] says so.
const PIECE: usize = 1024;
/// Most pieces of one text.
const PIECES: usize = 32;
/// Most entries of threat intelligence and most hosts of ours that an alert names.
const NAMED: usize = 16;

/// Where records go.
pub struct Teller {
    spool: SharedSpool,
    board: Arc<Board>,
    host: Host,
    agent: String,
}

impl Told for Teller {
    fn receipt(&self, receipt: &Receipt) -> Result<()> {
        self.board.receipt(receipt.clone());
        self.spool.push_receipt(receipt.clone()).map(|_| ())
    }
}

/// What an alert is about.
pub struct Subject<'s> {
    /// Name of the destination.
    pub name: &'s str,
    /// Its prefix.
    pub prefix: Prefix,
    /// What was judged.
    pub judgement: &'s Judgement,
    /// Orders that a person may give, by action.
    pub proposals: Vec<Response>,
}

/// Something that is done only when a person agrees.
pub struct Proposal<'p> {
    /// Name of the destination.
    pub name: &'p str,
    /// Its address.
    pub destination: IpAddr,
    /// What would be done.
    pub action: ActionKind,
    /// The same, readable.
    pub text: &'p str,
    /// Why, in English and in Chinese.
    pub why: (&'p str, &'p str),
    /// What it is agreed to by on the scrubber's machine; empty when policy only observes.
    pub approve: &'p str,
    /// For how long it would stand, seconds.
    pub lease_s: u64,
    /// Alert of the attack.
    pub alert: &'p str,
    /// When, µs.
    pub at_us: Micros,
}

impl Teller {
    /// Tells into a spool, for this host.
    pub fn new(spool: SharedSpool, board: Arc<Board>, host: Host, agent: String) -> Teller {
        Teller { spool, board, host, agent }
    }

    /// An attack begins; gives the id of its alert, empty when it could not be kept.
    pub fn began(&self, subject: &Subject<'_>) -> String {
        let class = |lang| subject.judgement.class().map_or_else(String::new, |class| class.text(lang).to_string());
        let mut alert = self.alert(0, subject);
        alert.title = format!("Denial of service against {}: {}", subject.name, class(Lang::En));
        alert.title_zh = format!("{} 遭受拒绝服务攻击：{}", subject.name, class(Lang::Zh));
        alert.severity = Severity::High as i32;
        alert.responses = subject.proposals.clone();
        self.keep(alert)
    }

    /// The report of an attack, in both languages, with the alert that told of its beginning.
    pub fn reported(&self, subject: &Subject<'_>, report: &Report, (text, text_zh): (&str, &str), begun: &str) {
        let mut alert = self.alert(1, subject);
        let name = subject.name;
        (alert.title, alert.title_zh) = match report.ongoing {
            false => (format!("Attack on {name} is over: report"), format!("{name} 遭受的攻击已结束：报告")),
            true => (format!("Attack on {name}: first report"), format!("{name} 遭受攻击：首份报告")),
        };
        alert.severity = Severity::Medium as i32;
        alert.matches.extend(pieces("report", text, "\n"));
        alert.matches.extend(pieces("report_zh", text_zh, "\n"));
        alert.matches.push(found("alert", begun));
        alert.matches.extend(participants(report));
        self.keep(alert);
    }

    /// A person is asked, or told what policy keeps from being done.
    pub fn proposed(&self, proposal: &Proposal<'_>) {
        let Proposal { name, text, why, approve, .. } = proposal;
        let mut matches = vec![found("name", name), found("proposal", text), found("reason", why.0)];
        matches.extend([found("reason_zh", why.1), found("alert", proposal.alert)]);
        let mut alert = self.record(2, proposal.destination, proposal.at_us, matches);
        alert.severity = Severity::High as i32;
        if approve.is_empty() {
            alert.title = format!("Policy keeps this from being done for {name}: {text}");
            alert.title_zh = format!("按策略未对 {name} 执行：{text}");
        } else {
            alert.title = format!("A person has to agree for {name}: {text}");
            alert.title_zh = format!("{name} 有待批准的处置：{text}");
            alert.matches.push(found("approve", &format!("garrison-gateway scrub approve {approve}")));
            let action = proposal.action.word().into();
            alert.responses = vec![Response { action, lease_s: proposal.lease_s }];
        }
        self.keep(alert);
    }

    /// A name would move if a person agreed; gives the id of the alert.
    pub fn asked(&self, asked: &MoveAsked<'_>, now: Micros) -> String {
        let name = asked.name.name();
        let home = asked.from.addresses.iter().next().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let [here, there] = asked.commands(&self.agent);
        let (text, text_zh) = (format!("to {}", asked.to.label), format!("切换到 {}", asked.to.label));
        let mut matches: Vec<Match> = asked.order().iter().map(|(key, value)| found(key, value)).collect();
        matches.extend([found("proposal", &text), found("reason", &asked.why(Lang::En))]);
        matches.extend([found("reason_zh", &asked.why(Lang::Zh)), found("approve", &here)]);
        matches.push(found("approve_from_server", &there));
        let mut alert = self.record(2, home, now, matches);
        alert.title = format!("A person has to agree for {name}: {text}");
        alert.title_zh = format!("{name} 有待批准的处置：{text_zh}");
        alert.severity = Severity::High as i32;
        if asked.reason != divert::Reason::Attack {
            alert.techniques.clear();
        }
        alert.responses = vec![Response { action: ActionKind::SwitchDns.word().into(), lease_s: asked.lease_s }];
        self.keep(alert)
    }

    /// Metrics of one moment.
    pub fn sample(&self, sample: record::Sample) {
        self.spool.push_sample(sample);
    }

    fn keep(&self, alert: Alert) -> String {
        self.spool.push_alert(alert).map_or_else(
            |fault| {
                tracing::error!(fault = %fault.inside(), "an alert could not be kept");
                String::new()
            },
            |id| id.to_string(),
        )
    }

    fn alert(&self, rule: usize, subject: &Subject<'_>) -> Alert {
        let Subject { name, prefix, judgement, .. } = subject;
        let said = |lang| judgement.causes.iter().map(|cause| cause.text(lang)).collect::<Vec<_>>().join("; ");
        let class = judgement.class().map_or_else(String::new, |class| class.word());
        let matches = vec![
            found("destination", &prefix.to_string()),
            found("name", name),
            found("class", &class),
            found("confidence", &format!("{:.2}", judgement.confidence)),
            found("level", judgement.level.word()),
            found("reason", &said(Lang::En)),
            found("reason_zh", &said(Lang::Zh)),
        ];
        self.record(rule, prefix.address(), judgement.at_us, matches)
    }

    fn record(&self, rule: usize, destination: IpAddr, at_us: Micros, matches: Vec<Match>) -> Alert {
        Alert {
            rule: RULES[rule].into(),
            rule_version: format!("{:016x}", 1),
            techniques: vec![Technique { id: "T1498".into(), tactics: vec!["impact".into()] }],
            time_us: at_us,
            decided_us: at_us,
            matches,
            evidence: Batch::pack(self.host.clone(), Some(&event(destination, at_us))),
            agent: self.agent.clone(),
            ..Alert::default()
        }
    }
}

/// Who took part: the addresses, for the server to look up, and of whom something is known. The first listed one is the
/// alert's indicator: by it the server counts the sighting and ties the alert to others.
fn participants(report: &Report) -> Vec<Match> {
    let real = || report.sources.iter().filter(|source| source.role != Role::Forged);
    let all: Vec<String> = real().map(|source| Participant::from(source).to_string()).collect();
    let mut matches = pieces(Participant::FIELD, &all.join("; "), "; ");
    let listed = || real().flat_map(|source| source.intel.iter().map(move |entry| (source, entry)));
    if let Some((_, entry)) = listed().next() {
        matches.push(found("kind", &entry.kind));
        matches.push(found("indicator", &entry.value));
        matches.push(found("score", &entry.score.to_string()));
    }
    for (source, entry) in listed().take(NAMED) {
        let known = [entry.sources.join(", "), entry.names.join(" ")].join(" ");
        let (address, kind, value) = (source.address, &entry.kind, &entry.value);
        matches.push(found("listed", &format!("{address}: {kind} {value}, {}", known.trim())));
    }
    for (source, host) in real().filter_map(|source| Some((source, source.host.as_ref()?))).take(NAMED) {
        matches.push(found("host", &format!("{} {}: {}", host.name, host.agent, Participant::from(source))));
    }
    matches
}

fn found(field: &str, value: &str) -> Match {
    Match { field: field.into(), value: value.chars().take(SHOWN).collect() }
}

/// A longer text as several values: cut where it may be.
fn pieces(field: &str, text: &str, between: &str) -> Vec<Match> {
    let mut pieces: Vec<String> = vec![String::new()];
    for part in text.trim_end().split(between) {
        let part: String = part.chars().take(PIECE / 4).collect();
        match pieces.last_mut() {
            Some(last) if last.is_empty() => *last = part,
            Some(last) if last.len() + between.len() + part.len() <= PIECE => {
                last.push_str(between);
                last.push_str(&part);
            }
            _ => pieces.push(part),
        }
    }
    pieces.into_iter().take(PIECES).map(|value| Match { field: field.into(), value }).collect()
}

/// The destination as an event: an attack of many sources has no other one.
fn event(destination: IpAddr, time_us: Micros) -> Event {
    let local_ip = match destination {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    let net = NetActivity { local_ip, ..NetActivity::default() };
    Event { seq: 0, time_us, process: None, activity: Activity::Net(net) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_its_lines_and_nothing_is_lost() {
        let text: Vec<String> = (0..200).map(|line| format!("{line} 行：{}", "字".repeat(line % 50))).collect();
        let pieces = pieces("report_zh", &text.join("\n"), "\n");
        assert!(pieces.len() > 10 && pieces.iter().all(|piece| piece.value.len() <= PIECE), "{}", pieces.len());
        let all: Vec<&str> = pieces.iter().map(|piece| piece.value.as_str()).collect();
        assert_eq!(all.join("\n"), text.join("\n"));
        assert_eq!(super::pieces("report", &"x".repeat(100_000), "\n")[0].value.len(), PIECE / 4);
        assert_eq!(super::pieces("report", "", "\n").len(), 1);
    }
}

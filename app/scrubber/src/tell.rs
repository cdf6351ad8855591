//! What people and the server hear: alerts of attacks that begin and end, metrics, receipts; all through the spool.

use crate::board::Board;
use crate::hands::Told;
use base::{Lang, Micros, Result};
use bus::SharedSpool;
use ddos::{Judgement, Prefix};
use record::{Activity, Alert, Batch, Event, Host, Match, NetActivity, Receipt, Response, Severity, Technique};
use std::net::IpAddr;
use std::sync::Arc;

/// Ids of the rules that stand for the beginning and the report of an attack.
const RULES: [&str; 2] = ["5b1d7c40-2f7e-4a55-9c3d-64646f730001", "5b1d7c40-2f7e-4a55-9c3d-64646f730002"];
/// Longest value of a match, characters.
const SHOWN: usize = 1000;

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
    pub fn reported(
        &self,
        subject: &Subject<'_>,
        (title, title_zh): (String, String),
        (text, text_zh): (&str, &str),
        begun: &str,
    ) {
        let mut alert = self.alert(1, subject);
        (alert.title, alert.title_zh) = (title, title_zh);
        alert.severity = Severity::Medium as i32;
        alert.matches.push(found("report", text));
        alert.matches.push(found("report_zh", text_zh));
        alert.matches.push(found("alert", begun));
        self.keep(alert);
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
        Alert {
            rule: RULES[rule].into(),
            rule_version: format!("{:016x}", 1),
            techniques: vec![Technique { id: "T1498".into(), tactics: vec!["impact".into()] }],
            time_us: judgement.at_us,
            decided_us: judgement.at_us,
            matches,
            evidence: Batch::pack(self.host.clone(), Some(&event(prefix.address(), judgement.at_us))),
            agent: self.agent.clone(),
            ..Alert::default()
        }
    }
}

fn found(field: &str, value: &str) -> Match {
    Match { field: field.into(), value: value.chars().take(SHOWN).collect() }
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

//! Alerts from flood defence: a site's level rose, a source was confirmed as an attacker.

use base::{Lang, Micros};
use flood::{Attacker, Change, Level};
use gateway::{Channel, Exchange, Reporter};
use record::{
    ActionKind, Activity, Alert, Batch, Event, Host, HttpActivity, HttpDecision, Match, Response, Severity, Technique,
};
use std::net::IpAddr;
use std::sync::Arc;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Notices that may wait to be told; a flood makes many, and the first ones say enough.
const WAITING: usize = 1024;
/// Attackers told of in a minute. The others stand in the gateway's status and are held all the same.
const A_MINUTE: u32 = 60;
/// How long a source is to be blocked, seconds.
const BLOCK_S: u64 = 600;
/// Ids of the rules that stand for a rise of the level and for an attacker.
const RULES: [&str; 2] = ["5b1d7c40-2f7e-4a55-9c3d-666c6f6f6401", "5b1d7c40-2f7e-4a55-9c3d-666c6f6f6402"];

/// What flood defence has to say.
pub enum Notice {
    /// A site changed its level.
    Level(String, Change),
    /// A source was confirmed as an attacker of a site.
    Attacker(String, Attacker),
}

/// Hears requests and flood defence; never waits.
pub struct Ears {
    channel: Arc<Channel>,
    notices: Sender<Notice>,
}

impl Ears {
    /// Ears that hand on to a channel, and where notices come out.
    pub fn new(channel: Arc<Channel>) -> (Arc<Ears>, Receiver<Notice>) {
        let (notices, heard) = self::channel(WAITING);
        (Arc::new(Ears { channel, notices }), heard)
    }
}

impl Reporter for Ears {
    fn wants(&self, exchange: &Exchange) -> bool {
        self.channel.wants(exchange)
    }

    fn report(&self, exchange: Exchange) {
        self.channel.report(exchange);
    }

    fn level(&self, site: &str, change: &Change) {
        // A full channel: a hundred notices of this flood are told already.
        let _ = self.notices.try_send(Notice::Level(site.into(), *change));
    }

    fn attacker(&self, site: &str, attacker: &Attacker) {
        let _ = self.notices.try_send(Notice::Attacker(site.into(), *attacker));
    }
}

/// Makes alerts of notices.
pub struct Notices {
    host: Host,
    agent: String,
    minute: i64,
    told: u32,
}

impl Notices {
    /// For this host.
    pub fn new(host: Host, agent: String) -> Notices {
        Notices { host, agent, minute: 0, told: 0 }
    }

    /// The alert of a notice; none for a level that falls or for attackers beyond what a person reads.
    pub fn take(&mut self, notice: &Notice, now: Micros) -> Option<Alert> {
        match notice {
            Notice::Level(site, change) if change.to > change.from && change.to >= Level::Limit => {
                Some(self.level(site, change, now))
            }
            Notice::Level(..) => None,
            Notice::Attacker(site, attacker) => {
                let minute = now.div_euclid(60_000_000);
                if minute != self.minute {
                    (self.minute, self.told) = (minute, 0);
                }
                self.told += 1;
                (self.told <= A_MINUTE).then(|| self.attacker(site, attacker, now))
            }
        }
    }

    fn level(&self, site: &str, change: &Change, now: Micros) -> Alert {
        let (title, title_zh) = (
            format!("HTTP flood: {site} is at level {}", change.to.text(Lang::En)),
            format!("HTTP 洪水攻击：{site} 进入“{}”级别", change.to.text(Lang::Zh)),
        );
        let severity = if change.to >= Level::Challenge { Severity::High } else { Severity::Medium };
        let mut alert = self.alert(0, site, None, (change.text(Lang::En), change.text(Lang::Zh)), now);
        (alert.title, alert.title_zh, alert.severity) = (title, title_zh, severity as i32);
        alert
    }

    fn attacker(&self, site: &str, attacker: &Attacker, now: Micros) -> Alert {
        let said = (attacker.text(Lang::En), attacker.text(Lang::Zh));
        let mut alert = self.alert(1, site, Some(attacker.client), said, now);
        alert.title = format!("Source of an HTTP flood at {site}");
        alert.title_zh = format!("{site} 的 HTTP 洪水攻击来源");
        alert.severity = Severity::Medium as i32;
        alert.responses = vec![Response { action: ActionKind::Block.word().into(), lease_s: BLOCK_S }];
        alert
    }

    fn alert(&self, rule: usize, site: &str, client: Option<IpAddr>, said: (String, String), now: Micros) -> Alert {
        let client_ip = match client.map(|client| client.to_canonical()) {
            Some(IpAddr::V4(address)) => address.octets().to_vec(),
            Some(IpAddr::V6(address)) => address.octets().to_vec(),
            None => Vec::new(),
        };
        let decision = HttpDecision::Limited as i32;
        let http =
            HttpActivity { site: site.into(), client_ip, decision, reason: said.0.clone(), ..Default::default() };
        let event = Event { seq: 0, time_us: now, process: None, activity: Activity::Http(http) };
        let one = |field: &str, value: String| Match { field: field.into(), value };
        let mut matches = vec![one("site", site.into()), one("reason", said.0), one("reason_zh", said.1)];
        matches.extend(client.map(|client| one("client", client.to_string())));
        Alert {
            rule: RULES[rule].into(),
            rule_version: format!("{:016x}", 1),
            techniques: vec![Technique { id: "T1499.002".into(), tactics: vec!["impact".into()] }],
            time_us: now,
            decided_us: now,
            matches,
            evidence: Batch::pack(self.host.clone(), Some(&event)),
            agent: self.agent.clone(),
            ..Alert::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flood::Held;

    #[test]
    fn attackers_are_told_with_what_to_do_and_no_more_than_a_person_reads() {
        let mut notices = Notices::new(Host::default(), "a".into());
        let attacker = |at: u8| Attacker {
            client: [192, 0, 2, at].into(),
            reason: Held::ALL[0],
            level: Level::Limit,
            holds: 9,
            at_s: 1,
        };
        let first = notices.take(&Notice::Attacker("shop".into(), attacker(1)), 1).unwrap();
        assert_eq!((first.responses[0].action.as_str(), first.responses[0].lease_s), ("block", BLOCK_S));
        assert!(first.matches.iter().any(|found| found.field == "client" && found.value == "192.0.2.1"));
        let told =
            (0..200).filter(|at| notices.take(&Notice::Attacker("shop".into(), attacker(*at)), 2).is_some()).count();
        assert_eq!(told, A_MINUTE as usize - 1);
        assert!(notices.take(&Notice::Attacker("shop".into(), attacker(1)), 60_000_001).is_some());
    }
}

//! Alerts that are not about one request: a site's level rose, a source was confirmed as an attacker.

use crate::audit;
use crate::offence::Offenders;
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
/// Ids of the rules that stand for a rise of the level, for a source of a flood, and for one of refused requests.
const RULES: [&str; 3] = [
    "5b1d7c40-2f7e-4a55-9c3d-666c6f6f6401",
    "5b1d7c40-2f7e-4a55-9c3d-666c6f6f6402",
    "5b1d7c40-2f7e-4a55-9c3d-666c6f6f6403",
];

/// What there is to say.
pub enum Notice {
    /// A site changed its level.
    Level(String, Change),
    /// A source was confirmed as an attacker of a site.
    Attacker(String, Attacker),
    /// The rules refused so many requests of a source at a site.
    Offender(String, IpAddr, u32),
}

impl Notice {
    /// The source that it names, and the site.
    pub fn source(&self) -> Option<(&str, IpAddr)> {
        match self {
            Notice::Level(..) => None,
            Notice::Attacker(site, attacker) => Some((site, attacker.client)),
            Notice::Offender(site, client, _) => Some((site, *client)),
        }
    }
}

/// An alert, and the event that is its evidence.
pub struct Told {
    /// The alert.
    pub alert: Alert,
    /// The event.
    pub event: Event,
    /// Whether it is told; of attackers beyond what a person reads it is only acted on.
    pub read: bool,
}

/// Hears requests and flood defence; never waits.
pub struct Ears {
    channel: Arc<Channel>,
    offenders: Arc<Offenders>,
    audit: Arc<audit::Desk>,
    notices: Sender<Notice>,
}

impl Ears {
    /// Ears that hand on to a channel, and where notices come out.
    pub fn new(
        channel: Arc<Channel>,
        offenders: Arc<Offenders>,
        audit: Arc<audit::Desk>,
    ) -> (Arc<Ears>, Receiver<Notice>) {
        let (notices, heard) = self::channel(WAITING);
        (Arc::new(Ears { channel, offenders, audit, notices }), heard)
    }
}

impl Reporter for Ears {
    fn wants(&self, exchange: &Exchange) -> bool {
        exchange.captured.is_some() || self.channel.wants(exchange)
    }

    fn report(&self, mut exchange: Exchange) {
        if let Some(captured) = exchange.captured.take() {
            self.audit.take(exchange.clone(), *captured);
            if !self.channel.wants(&exchange) {
                return;
            }
        }
        // What a ban or flood defence refuses has no finding.
        if exchange.decision == HttpDecision::Blocked
            && exchange.finding.is_some()
            && let Some(site) = &exchange.site
            && let Some(count) = self.offenders.refused(site, exchange.client, exchange.time)
        {
            let _ = self.notices.try_send(Notice::Offender(site.to_string(), exchange.client, count));
        }
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

    /// The alert of a notice; none for a level that falls. A source is to be blocked for `lease_s` seconds.
    pub fn take(&mut self, notice: &Notice, lease_s: u64, now: Micros) -> Option<Told> {
        match notice {
            Notice::Level(site, change) if change.to > change.from && change.to >= Level::Limit => {
                Some(self.level(site, change, now))
            }
            Notice::Level(..) => None,
            Notice::Attacker(site, attacker) => {
                let mut told = self.attacker(site, attacker, now);
                self.block(&mut told, lease_s, now);
                Some(told)
            }
            Notice::Offender(site, client, count) => {
                let mut told = self.offender(site, *client, *count, now);
                self.block(&mut told, lease_s, now);
                Some(told)
            }
        }
    }

    fn block(&mut self, told: &mut Told, lease_s: u64, now: Micros) {
        told.alert.responses = vec![Response { action: ActionKind::Block.word().into(), lease_s }];
        let minute = now.div_euclid(60_000_000);
        if minute != self.minute {
            (self.minute, self.told) = (minute, 0);
        }
        self.told += 1;
        told.read = self.told <= A_MINUTE;
    }

    fn level(&self, site: &str, change: &Change, now: Micros) -> Told {
        let (title, title_zh) = (
            format!("HTTP flood: {site} is at level {}", change.to.text(Lang::En)),
            format!("HTTP 洪水攻击：{site} 进入“{}”级别", change.to.text(Lang::Zh)),
        );
        let severity = if change.to >= Level::Challenge { Severity::High } else { Severity::Medium };
        let mut told = self.told(0, site, None, (change.text(Lang::En), change.text(Lang::Zh)), now);
        (told.alert.title, told.alert.title_zh, told.alert.severity) = (title, title_zh, severity as i32);
        told
    }

    fn attacker(&self, site: &str, attacker: &Attacker, now: Micros) -> Told {
        let said = (attacker.text(Lang::En), attacker.text(Lang::Zh));
        let mut told = self.told(1, site, Some(attacker.client), said, now);
        told.alert.title = format!("Source of an HTTP flood at {site}");
        told.alert.title_zh = format!("{site} 的 HTTP 洪水攻击来源");
        told
    }

    fn offender(&self, site: &str, client: IpAddr, count: u32, now: Micros) -> Told {
        let said = (
            format!("{client}: the rules refused {count} requests shortly after each other"),
            format!("{client}：短时间内有 {count} 个请求被规则拦截"),
        );
        let mut told = self.told(2, site, Some(client), said, now);
        told.alert.title = format!("Repeated web attacks from one source at {site}");
        told.alert.title_zh = format!("同一来源对 {site} 的反复 Web 攻击");
        told.alert.techniques = vec![Technique { id: "T1595.002".into(), tactics: vec!["reconnaissance".into()] }];
        told
    }

    fn told(&self, rule: usize, site: &str, client: Option<IpAddr>, said: (String, String), now: Micros) -> Told {
        let client_ip = match client.map(|client| client.to_canonical()) {
            Some(IpAddr::V4(address)) => address.octets().to_vec(),
            Some(IpAddr::V6(address)) => address.octets().to_vec(),
            None => Vec::new(),
        };
        let decision = if rule == 2 { HttpDecision::Blocked } else { HttpDecision::Limited } as i32;
        let http =
            HttpActivity { site: site.into(), client_ip, decision, reason: said.0.clone(), ..Default::default() };
        let event = Event { seq: 0, time_us: now, process: None, activity: Activity::Http(http) };
        let one = |field: &str, value: String| Match { field: field.into(), value };
        let mut matches = vec![one("site", site.into()), one("reason", said.0), one("reason_zh", said.1)];
        matches.extend(client.map(|client| one("client", client.to_string())));
        let alert = Alert {
            rule: RULES[rule].into(),
            severity: Severity::Medium as i32,
            rule_version: format!("{:016x}", 1),
            techniques: vec![Technique { id: "T1499.002".into(), tactics: vec!["impact".into()] }],
            time_us: now,
            decided_us: now,
            matches,
            evidence: Batch::pack(self.host.clone(), Some(&event)),
            agent: self.agent.clone(),
            ..Alert::default()
        };
        Told { alert, event, read: true }
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
        let first = notices.take(&Notice::Attacker("shop".into(), attacker(1)), 600, 1).unwrap().alert;
        assert_eq!((first.responses[0].action.as_str(), first.responses[0].lease_s), ("block", 600));
        assert!(first.matches.iter().any(|found| found.field == "client" && found.value == "192.0.2.1"));
        let mut read = |at: u8, now: Micros| {
            notices.take(&Notice::Attacker("shop".into(), attacker(at)), 600, now).is_some_and(|told| told.read)
        };
        assert_eq!((0..200).filter(|at| read(*at, 2)).count(), A_MINUTE as usize - 1);
        assert!(read(1, 60_000_001));
        let client = [192, 0, 2, 9].into();
        let told = notices.take(&Notice::Offender("shop".into(), client, 5), 60, 60_000_002).unwrap();
        assert_eq!(told.alert.techniques[0].id, "T1595.002");
        assert!(matches!(&told.event.activity, Activity::Http(http) if http.client() == Some(client)));
    }
}

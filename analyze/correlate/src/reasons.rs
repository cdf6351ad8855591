//! Why an alert may join which incidents, and how sure each reason is.
//!
//! On one host a shared process tree is enough. Over hosts reasons have weights, and the weights of one incident add up
//! as chances do: `1 - (1 - a)(1 - b)`. From [`ENOUGH`] on the alert joins. What is common ([`crate::crowd`]) has next
//! to no weight, so that a shared office address, a popular file or a much used server ties nothing.

use crate::bridge::Link;
use crate::correlator::Correlator;
use crate::crowd::{Bounds, Value, number};
use crate::index::{Key, Place};
use crate::passage::ENOUGH;
use crate::sight::Sight;
use record::{Join, JoinKind};
use std::collections::BTreeMap;

/// How ids of alerts begin that the server itself raises about who took part in an attack; ids of agents begin with their hexadecimal
/// digits.
pub const OF_SERVER: &str = "part-";
/// Weight of what is common: evidence for the reader, nearly none for joining.
const COMMON: u8 = 5;
/// When an address or file is common.
const USUAL: Bounds = Bounds { innocent: 3, alerted: 16, people: 2 };
/// When a fingerprint is: every `curl` has the same, so it must be on no innocent host.
const RARE: Bounds = Bounds { innocent: 1, alerted: 16, people: usize::MAX };
/// When a confirmed indicator is: listed by mistake, it rings on every host.
const LISTED: Bounds = Bounds { innocent: usize::MAX, alerted: 16, people: usize::MAX };

/// A reason to join.
#[derive(Debug)]
pub(crate) struct Hit {
    pub incident: String,
    /// Member that shares the process tree.
    pub kin: Option<String>,
    pub reason: String,
    /// What ties two hosts; `None` for a reason on one host, which is enough by itself.
    pub join: Option<Join>,
}

impl Correlator {
    /// Counts the values of an alert among those that raised alarm.
    pub(crate) fn alarm(&mut self, sight: &Sight) {
        let host = number(&sight.agent);
        let hash = |key: &Key| match key {
            Key::Hash(_, hex) => hex::decode(hex).ok().map(Value::Hash),
            _ => None,
        };
        let mut values: Vec<Value> = sight.hashes.iter().filter_map(|(key, _)| hash(key)).collect();
        values.extend(sight.addresses.iter().map(|(_, ip)| Value::Address(*ip)));
        values.extend(sight.indicators.iter().map(|(_, name)| Value::Indicator(name.clone())));
        values.extend(sight.fingerprints.iter().map(|(_, name)| Value::Fingerprint(name.clone())));
        for value in values {
            self.bridge.crowd.alert(value, host, sight.time_us);
        }
    }

    /// Why it may join which incidents, the strongest first.
    pub(crate) fn hits(&self, id: &str, sight: &Sight, links: Vec<Link>) -> Vec<Hit> {
        let mut hits = self.tree(sight);
        hits.extend(self.reach(sight));
        hits.extend(self.follow(id, sight));
        let mut far = self.ways_to(id, links);
        far.extend(self.shared(id, sight));
        hits.extend(self.enough(far, &hits));
        if hits.is_empty() {
            hits.extend(self.account(sight));
        }
        hits
    }

    /// Of the reasons over hosts those of incidents for which they add up to enough; of one kind only the surest counts.
    fn enough(&self, far: Vec<Hit>, near: &[Hit]) -> Vec<Hit> {
        let mut sums: BTreeMap<&str, BTreeMap<JoinKind, u8>> = BTreeMap::new();
        for hit in &far {
            if let Some(join) = &hit.join {
                let best = sums.entry(&hit.incident).or_default().entry(join.kind).or_default();
                *best = join.confidence.max(*best);
            }
        }
        let sure = |kinds: &BTreeMap<JoinKind, u8>| {
            let against: f64 = kinds.values().map(|confidence| 1.0 - f64::from(*confidence) / 100.0).product();
            (1.0 - against) * 100.0 >= f64::from(ENOUGH)
        };
        let mut wanted: Vec<String> =
            sums.iter().filter(|(_, kinds)| sure(kinds)).map(|(id, _)| (*id).to_owned()).collect();
        wanted.extend(near.iter().map(|hit| hit.incident.clone()));
        let mut hits: Vec<Hit> = far.into_iter().filter(|hit| wanted.contains(&hit.incident)).collect();
        let weight = |hit: &Hit| std::cmp::Reverse(hit.join.as_ref().map_or(0, |join| join.confidence));
        hits.sort_by_key(weight);
        hits
    }

    fn tree(&self, sight: &Sight) -> Vec<Hit> {
        let mut hits = Vec::new();
        for (depth, link) in sight.chain.iter().enumerate() {
            let window = if link.leads && depth > 0 { self.limits.leader_us } else { i64::MAX };
            for place in self.near(&link.key, sight.time_us, window) {
                let reason = match depth {
                    0 => format!("same process {}", link.name),
                    _ => format!("same process tree below {}", link.name),
                };
                let kin = Some(place.alert.clone());
                hits.push(Hit { incident: place.incident.clone(), kin, reason, join: None });
            }
        }
        hits
    }

    fn reach<'s>(&'s self, sight: &'s Sight) -> impl Iterator<Item = Hit> + 's {
        let places = sight.reached.iter().flat_map(|key| self.index.places(key));
        places.map(|place| Hit {
            incident: place.incident.clone(),
            kin: Some(place.alert.clone()),
            reason: "reached into a process of this incident".to_owned(),
            join: None,
        })
    }

    /// The incident of the alert that it tells more of. Of another host only the server may say so: an agent that lies must not
    /// pull incidents of others together.
    fn follow(&self, id: &str, sight: &Sight) -> Option<Hit> {
        let followed = sight.follows.as_ref()?;
        let track = self.tracks.get(self.alerts.get(followed)?)?;
        let member = track.members.iter().find(|member| member.alert == *followed)?;
        let own = member.agent == sight.agent;
        if track.drill != sight.print.drill || !own && !id.starts_with(OF_SERVER) {
            return None;
        }
        let reason = format!("tells more of {}", followed);
        let join = (!own).then(|| Join {
            kind: JoinKind::Address,
            from: sight.agent.clone(),
            to: member.agent.clone(),
            from_alert: id.to_owned(),
            to_alert: followed.clone(),
            time_us: sight.time_us,
            confidence: 90,
            value: sight.addresses.first().map_or_else(String::new, |(_, ip)| ip.to_string()),
            port: 0,
            events: Vec::new(),
            reason: format!("{} took part in the attack that {} reports", sight.host, member.host),
        });
        Some(Hit { incident: track.id.clone(), kin: None, reason, join })
    }

    /// The incidents at the other ends of ways.
    fn ways_to(&self, id: &str, links: Vec<Link>) -> Vec<Hit> {
        let one = |link: Link| {
            let other = if link.from_alert == id { &link.to_alert } else { &link.from_alert };
            let incident = self.alerts.get(other)?.clone();
            let reason = link.join.reason.clone();
            Some(Hit { incident, kin: None, reason, join: Some(link.join) })
        };
        links.into_iter().filter_map(one).collect()
    }

    /// What it shares with alerts of other hosts.
    fn shared(&self, id: &str, sight: &Sight) -> Vec<Hit> {
        let crowd = &self.bridge.crowd;
        let window = minutes(self.limits.spread_us);
        let mut hits = Vec::new();
        let mut put = |key: &Key, kind: JoinKind, weight: u8, value: &str, what: &dyn Fn(&str) -> String| {
            for place in self.elsewhere(key, sight) {
                let reason = format!("{} within {window}", what(self.name_of(place)));
                hits.push(hit(id, sight, place, kind, weight, value, reason));
            }
        };
        for (key, name) in &sight.hashes {
            let Key::Hash(_, hex) = key else { continue };
            let common = hex::decode(hex).is_ok_and(|hash| crowd.common(&Value::Hash(hash), USUAL));
            let weight = if common { COMMON } else { 70 };
            put(key, JoinKind::File, weight, hex, &|host| format!("same executable {name} on {host}"));
        }
        for (key, ip) in &sight.addresses {
            // An address of a host here is judged as a way, process by process: a jump host is in many.
            let common = self.bridge.ours(*ip) || crowd.common(&Value::Address(*ip), USUAL);
            let weight = if common { COMMON } else { 60 };
            put(key, JoinKind::Address, weight, &ip.to_string(), &|host| format!("same remote address {ip} on {host}"));
        }
        for key in sight.own.iter().filter(|_| !sight.print.scheduled()) {
            let Key::Address(_, ip) = key else { continue };
            let weight = if crowd.common(&Value::Address(*ip), USUAL) { 30 } else { 60 };
            put(key, JoinKind::Contact, weight, &ip.to_string(), &|host| {
                format!("this host was contacted from {host}")
            });
        }
        for (key, name) in &sight.indicators {
            let weight = if crowd.common(&Value::Indicator(name.clone()), LISTED) { COMMON } else { 75 };
            put(key, JoinKind::Indicator, weight, name, &|host| format!("same indicator {name} on {host}"));
        }
        for (key, name) in &sight.fingerprints {
            let weight = if crowd.common(&Value::Fingerprint(name.clone()), RARE) { COMMON } else { 45 };
            put(key, JoinKind::Fingerprint, weight, name, &|host| format!("same fingerprint {name} on {host}"));
        }
        for (key, name) in &sight.users {
            put(key, JoinKind::Account, 20, name, &|host| format!("same account name {name} on {host}"));
        }
        hits
    }

    /// Name of the host that a place was on.
    fn name_of<'s>(&'s self, place: &'s Place) -> &'s str {
        let track = self.tracks.get(&place.incident);
        let member = track.and_then(|track| track.members.iter().rfind(|member| member.agent == place.agent));
        member.map_or(&place.agent, |member| &member.host)
    }

    /// The newest incident of the same account, if it is near enough.
    fn account(&self, sight: &Sight) -> Option<Hit> {
        let places = sight.accounts.iter().flat_map(|key| self.near(key, sight.time_us, self.limits.account_us));
        let newest = places.max_by(|one, other| (one.time_us, &one.incident).cmp(&(other.time_us, &other.incident)))?;
        let reason = format!("same account {} within {}", sight.account, minutes(self.limits.account_us));
        Some(Hit { incident: newest.incident.clone(), kin: None, reason, join: None })
    }

    fn near<'s>(&'s self, key: &Key, time_us: i64, window: i64) -> impl Iterator<Item = &'s Place> + use<'s> {
        let within = move |place: &&Place| place.time_us.abs_diff(time_us) <= window.unsigned_abs();
        self.index.places(key).iter().filter(within)
    }

    fn elsewhere<'s>(&'s self, key: &Key, sight: &'s Sight) -> impl Iterator<Item = &'s Place> + use<'s> {
        self.near(key, sight.time_us, self.limits.spread_us).filter(|place| place.agent != sight.agent)
    }
}

fn hit(id: &str, sight: &Sight, place: &Place, kind: JoinKind, weight: u8, value: &str, reason: String) -> Hit {
    let join = Join {
        kind,
        from: place.agent.clone(),
        to: sight.agent.clone(),
        from_alert: place.alert.clone(),
        to_alert: id.to_owned(),
        time_us: sight.time_us.max(place.time_us),
        confidence: weight,
        value: value.to_owned(),
        port: 0,
        events: Vec::new(),
        reason: reason.clone(),
    };
    Hit { incident: place.incident.clone(), kin: None, reason, join: Some(join) }
}

fn minutes(window_us: i64) -> String {
    format!("{} min", window_us / 60_000_000)
}

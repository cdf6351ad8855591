//! What rules would have found: counts, shares, samples, and how noisy that is.

use api::rules::{RuleSample, RuleTried, Share, Told};
use detect::Rule;
use record::{AgentId, Event, EventId, Host};
use std::collections::HashMap;
use std::sync::Arc;

/// Most different values counted of one kind; what comes new after it is not told.
const VALUES: usize = 5000;
/// Values shown.
const SHOWN: usize = 10;
/// Longest text of a sample and of a value, characters.
const CHARS: usize = 300;
const DAY_US: i64 = 86_400_000_000;

/// An event of the lake: its id, its host, itself.
pub type Restored = (EventId, Arc<Host>, Event);

#[derive(Debug, Default)]
struct Values(HashMap<String, u64>);

impl Values {
    fn count(&mut self, value: &str) {
        if value.is_empty() {
            return;
        }
        if let Some(count) = self.0.get_mut(value) {
            *count += 1;
        } else if self.0.len() < VALUES {
            self.0.insert(value.to_owned(), 1);
        }
    }

    fn shares(&self, most: usize) -> Vec<Share> {
        let share = |(value, count): (&String, &u64)| Share { value: cut(value), count: *count };
        let mut all: Vec<Share> = self.0.iter().map(share).collect();
        all.sort_by(|one, other| (other.count, &one.value).cmp(&(one.count, &other.value)));
        all.truncate(most);
        all
    }
}

fn cut(text: &str) -> String {
    text.chars().take(CHARS).collect()
}

/// Day of a time, `2026-11-27` (proleptic Gregorian calendar, UTC).
pub(super) fn day(time_us: i64) -> String {
    // Days since 0000-03-01, so that the leap day is a year's last.
    let days = time_us.div_euclid(DAY_US) + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let (day, month) = (of_year - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
    format!("{:04}-{month:02}-{day:02}", era * 400 + year + i64::from(month <= 2))
}

/// The counts of one rule.
#[derive(Debug, Default)]
pub struct Tally {
    hits: u64,
    silenced: u64,
    agents: HashMap<AgentId, (String, u64)>,
    days: Values,
    processes: Values,
    users: Values,
    parents: Values,
    samples: Vec<RuleSample>,
}

impl Tally {
    /// Counts a hit; `text` says what matched, for the first ones.
    pub fn hit(&mut self, (id, host, event): &Restored, silenced: bool, most: usize, text: impl FnOnce() -> String) {
        self.hits += 1;
        self.silenced += u64::from(silenced);
        if self.agents.len() < VALUES || self.agents.contains_key(&id.agent) {
            self.agents.entry(id.agent).or_insert_with(|| (host.name.clone(), 0)).1 += 1;
        }
        self.days.count(&day(event.time_us));
        if let Some(process) = &event.process {
            self.processes.count(&process.info.exe.path);
            self.users.count(&process.info.user.name);
            self.parents.count(process.ancestors().next().map_or("", |parent| parent.info.exe.path.as_str()));
        }
        if self.samples.len() < most {
            let (event, time_us, host) = (id.to_string(), event.time_us, host.name.clone());
            self.samples.push(RuleSample { event, time_us, host, text: cut(&text()) });
        }
    }

    /// What it says of a rule, in a window of so many days with events of so many hosts.
    pub fn tell(&self, rule: &Rule, silent: bool, days: f64, hosts: u64) -> RuleTried {
        let mut of_hosts: Vec<Share> =
            self.agents.values().map(|(host, count)| Share { value: host.clone(), count: *count }).collect();
        of_hosts.sort_by(|one, other| (other.count, &one.value).cmp(&(one.count, &other.value)));
        let mut tried = RuleTried {
            id: rule.id.clone(),
            title: rule.title.clone(),
            title_zh: rule.title_zh.clone(),
            level: rule.severity.word().into(),
            version: rule.version.clone(),
            silent,
            hits: self.hits,
            silenced: self.silenced,
            hosts: of_hosts,
            days: self.days.shares(usize::MAX),
            processes: self.processes.shares(SHOWN),
            users: self.users.shares(SHOWN),
            parents: self.parents.shares(SHOWN),
            samples: self.samples.clone(),
            ..RuleTried::default()
        };
        tried.days.sort_by(|one, other| one.value.cmp(&other.value));
        (tried.noise, tried.reason) = noise(&tried, days, hosts);
        tried
    }
}

/// How noisy a rule would be: hits a host and day. The bounds are those of people who read alerts: one a week on ten
/// hosts is read, ten a day on one host are not.
fn noise(tried: &RuleTried, days: f64, hosts: u64) -> (String, Told) {
    let rate = tried.hits as f64 / (days.max(1.0 / 24.0) * hosts.max(1) as f64);
    let word = match rate {
        _ if tried.hits == 0 => "silent",
        rate if rate < 0.05 => "low",
        rate if rate < 1.0 => "moderate",
        rate if rate < 10.0 => "high",
        _ => "flood",
    };
    if tried.hits == 0 {
        let text = format!("no hit in {days:.1} days of {hosts} hosts");
        return (word.into(), Told { text, text_zh: format!("{hosts} 台主机 {days:.1} 天内没有命中") });
    }
    let seen = tried.hosts.len();
    let mut told = Told {
        text: format!("{rate:.2} hits a host and day, on {seen} of {hosts} hosts in {days:.1} days"),
        text_zh: format!("每主机每天 {rate:.2} 次命中，{days:.1} 天内涉及 {hosts} 台主机中的 {seen} 台"),
    };
    let lists =
        [("parent", "父进程", &tried.parents), ("process", "进程", &tried.processes), ("user", "用户", &tried.users)];
    let share = |count: u64| count * 100 / tried.hits.max(1);
    let main = lists.iter().find_map(|(word, word_zh, list)| {
        list.first().filter(|top| tried.hits >= 10 && share(top.count) >= 80).map(|top| (word, word_zh, top))
    });
    if let Some((kind, kind_zh, top)) = main {
        let (percent, left) = (share(top.count), tried.hits - top.count.min(tried.hits));
        told.text.push_str(&format!("; {percent} % come from {kind} {}: an exception leaves {left}", top.value));
        told.text_zh.push_str(&format!("；{percent} % 来自{kind_zh} {}：加例外后剩 {left} 次", top.value));
    }
    (word.into(), told)
}

#[cfg(test)]
mod tests {
    use super::*;
    use detect::cases;
    use record::{Kind, Lane};

    #[test]
    fn days_are_those_of_the_calendar() {
        for (seconds, text) in
            [(0, "1970-01-01"), (951_782_400, "2000-02-29"), (1_795_737_600, "2026-11-27"), (-86_400, "1969-12-31")]
        {
            assert_eq!(day(seconds * 1_000_000), text);
        }
    }

    #[test]
    fn hits_are_counted_by_what_a_person_would_except() {
        let (engine, _) = detect::Engine::compile(&[detect::Source {
            name: "t.yml".into(),
            text: "title: t\nlogsource: {product: linux, category: process_creation}\ndetection: {a: {Image: x}, condition: a}\n"
                .into(),
        }]);
        let mut tally = Tally::default();
        for number in 0..20u64 {
            let parent = if number < 18 { "/usr/sbin/cron" } else { "/usr/bin/bash" };
            let mut event = cases::event(Kind::Exec, &[("process.exe", "/x"), ("parent.exe", parent)]).unwrap();
            event.time_us = number as i64 * DAY_US / 10;
            let id = EventId { agent: AgentId([number as u8 % 2; 16]), boot: 1, lane: Lane::Telemetry, seq: number };
            let host = Arc::new(Host { name: format!("h{}", number % 2), ..Host::default() });
            tally.hit(&(id, host, event), number < 5, 3, || "text".into());
        }
        let tried = tally.tell(&engine.rules()[0], false, 2.0, 4);
        assert_eq!((tried.hits, tried.silenced, tried.samples.len(), tried.hosts.len()), (20, 5, 3, 2));
        assert_eq!(tried.days.iter().map(|one| one.count).collect::<Vec<_>>(), [10, 10]);
        assert_eq!(tried.noise, "high", "2.5 hits a host and day");
        assert!(tried.reason.text.contains("90 % come from parent /usr/sbin/cron: an exception leaves 2"));
        assert_eq!(Tally::default().tell(&engine.rules()[0], false, 2.0, 4).noise, "silent");
    }
}

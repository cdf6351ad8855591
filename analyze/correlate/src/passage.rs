//! One way from host to host, and how well two alerts fit its ends. Pure arithmetic on times and processes.

use crate::print::{Ancestor, Print, Role};
use record::{Join, JoinKind};
use std::collections::VecDeque;
use std::net::IpAddr;

/// Times of contacts kept of one passage.
const TIMES: usize = 8;
/// Ids of events kept of one passage.
const EVENTS: usize = 4;
/// How far clocks of two hosts may differ, µs.
pub(crate) const SKEW_US: i64 = 5_000_000;
/// How soon after a login its session begins, µs.
const SESSION_US: i64 = 30_000_000;
/// How soon after a connection what it caused begins, µs.
const CAUSE_US: i64 = 60_000_000;
/// Contacts from which on a passage is ordinary traffic.
const ORDINARY: u32 = 8;

/// What joins need; below it a tie is only weak evidence.
pub(crate) const ENOUGH: u8 = 50;

/// A way that was taken from one host to another.
#[derive(Debug, Clone)]
pub(crate) struct Passage {
    pub from: String,
    pub from_boot: String,
    /// The connecting process and its ancestors, nearest first; empty when unknown.
    pub source: Vec<Ancestor>,
    /// Address that it came from as the target saw it.
    pub from_ip: Option<IpAddr>,
    pub to: String,
    pub port: u16,
    /// Account that logged in, empty for a connection.
    pub account: String,
    pub login: bool,
    /// The process that accepted, 0 when unknown, and whether it is a door.
    pub answered: u64,
    pub door: bool,
    /// Newest contacts, µs.
    pub times: VecDeque<i64>,
    pub count: u32,
    pub events: Vec<String>,
}

impl Passage {
    /// Another contact of the same passage, or what the other end told of it.
    pub fn again(&mut self, other: Passage) {
        if self.answered == 0 {
            (self.answered, self.door) = (other.answered, other.door);
        }
        if self.source.is_empty() {
            (self.source, self.from_boot) = (other.source, other.from_boot);
        }
        for time in other.times {
            if self.times.iter().all(|known| known.abs_diff(time) > SKEW_US.unsigned_abs()) {
                self.count = self.count.saturating_add(1);
                self.times.push_back(time);
            }
        }
        while self.times.len() > TIMES {
            self.times.pop_front();
        }
        for event in other.events {
            if self.events.len() < EVENTS && !self.events.contains(&event) {
                self.events.push(event);
            }
        }
    }

    /// Whether both speak of the same way.
    pub fn same(&self, other: &Passage) -> bool {
        let process = |passage: &Passage| passage.source.first().map(|process| process.key);
        let unknown = self.source.is_empty() || other.source.is_empty();
        self.from == other.from
            && self.to == other.to
            && self.login == other.login
            && self.account == other.account
            && (self.port == other.port || self.port == 0 || other.port == 0)
            && (unknown || process(self) == process(other))
    }

    /// The contact that an alert follows: the newest before it.
    fn before(&self, time_us: i64) -> Option<i64> {
        self.times.iter().copied().filter(|time| *time <= time_us.saturating_add(SKEW_US)).max()
    }

    /// How well an alert on the host it came from fits, 0–100: whether its process went this way.
    pub fn source_fit(&self, print: &Print, window_us: i64) -> u8 {
        if print.agent != self.from {
            return 0;
        }
        let near = |window: i64| self.times.iter().any(|time| time.abs_diff(print.time_us) <= window.unsigned_abs());
        if self.source.is_empty() {
            // The host is known and the process is not: evidence, and not enough.
            return if near(window_us) { 35 } else { 0 };
        }
        if print.boot != self.from_boot {
            return 0;
        }
        let mut best = 0;
        for (depth, mine) in print.lineage.iter().enumerate().filter(|(_, mine)| mine.role == Role::Own) {
            let Some(place) = self.source.iter().position(|its| its.key == mine.key && its.role == Role::Own) else {
                continue;
            };
            // A daemon that talks to its back end is an ancestor of what an attacker made it start, and no attacker.
            let loose = depth > 0 && (place == 0 || mine.leads);
            let fit = match (loose, self.count >= ORDINARY) {
                (false, _) => 90,
                (true, false) if near(window_us / 2) => 55,
                (true, _) => 30,
            };
            best = best.max(fit);
        }
        best
    }

    /// How well an alert on the host it went to fits, 0–100: whether this way led there. `sources` is from how many
    /// hosts the same process was reached lately.
    pub fn target_fit(&self, print: &Print, window_us: i64, sources: usize) -> u8 {
        if print.agent != self.to || print.scheduled() {
            return 0;
        }
        if self.login { self.session_fit(print, window_us) } else { self.connection_fit(print, window_us, sources) }
    }

    fn session_fit(&self, print: &Print, window_us: i64) -> u8 {
        if print.login_from.is_some() && print.login_from == self.from_ip && print.accounts.contains(&self.account) {
            let near = self.times.iter().any(|time| time.abs_diff(print.time_us) <= window_us.unsigned_abs());
            return if near { 90 } else { 0 };
        }
        let began = |session: &Ancestor| {
            self.times.iter().any(|time| time.abs_diff(session.started_us) <= SESSION_US.unsigned_abs())
        };
        match print.session() {
            // A session that began at another time is somebody else's, whatever the account.
            Some(session) if session.started_us > 0 => {
                let same = print.accounts.is_empty() || print.accounts.contains(&self.account);
                if !began(session) {
                    0
                } else if same {
                    90
                } else {
                    75
                }
            }
            _ if self.before(print.time_us).is_none_or(|time| print.time_us.saturating_sub(time) > window_us) => 0,
            _ if print.accounts.contains(&self.account) => 60,
            _ => 0,
        }
    }

    fn connection_fit(&self, print: &Print, window_us: i64, sources: usize) -> u8 {
        let Some(time) = self.before(print.time_us).filter(|time| print.time_us.saturating_sub(*time) <= window_us)
        else {
            return 0;
        };
        let soon = |ancestor: &Ancestor| {
            let after = ancestor.started_us.saturating_sub(time);
            ancestor.started_us > 0 && (-SKEW_US..=CAUSE_US).contains(&after)
        };
        if self.door {
            // The listener is above every session; the one that began now is this one.
            return print.session().map_or(0, |session| if soon(session) { 80 } else { 0 });
        }
        let caused = print.own().any(soon);
        if self.answered == 0 {
            return match (caused, sources) {
                (true, ..=3) => 55,
                (true, _) => 35,
                (false, _) => 25,
            };
        }
        let above = print.lineage.iter().position(|ancestor| ancestor.key == self.answered);
        match above {
            None => 0,
            Some(_) if caused => 85,
            Some(0) => 70,
            Some(_) if sources <= 2 => 55,
            Some(_) => 35,
        }
    }

    /// The join of two alerts by this passage.
    pub fn join(&self, source: &Print, target: &Print, confidence: u8, from_name: &str) -> Join {
        let time_us = self.before(target.time_us).or_else(|| self.times.back().copied()).unwrap_or(target.time_us);
        let (kind, value, reason) = if self.login {
            let reason = format!("login of {} from {from_name}", self.account);
            (JoinKind::Login, self.account.clone(), reason)
        } else {
            let reason = format!("{from_name} connected to port {} of this host", self.port);
            (JoinKind::Connection, self.port.to_string(), reason)
        };
        Join {
            kind,
            from: self.from.clone(),
            to: self.to.clone(),
            from_alert: source.alert.clone(),
            to_alert: target.alert.clone(),
            time_us,
            confidence,
            value,
            port: self.port,
            events: self.events.clone(),
            reason,
        }
    }
}

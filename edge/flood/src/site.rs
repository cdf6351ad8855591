//! One site: every request is decided here, every answer is told here, and once a second the site looks at itself.

use crate::bucket::{Buckets, Rate};
use crate::challenge::{self, Binding, Keys as Secrets, Kind, Signer, Used};
use crate::concurrency::Concurrency;
use crate::history::{History, Standing};
use crate::key::{self, Hasher, Keys};
use crate::level::{self, Change, Level, Machine};
use crate::load::{Meter, Reading};
use crate::mix::Mix;
use crate::queue::{self, Joined, Queue, Waiter};
use crate::settings::{Mode, Settings};
use crate::snapshot::{Attacker, Counters, Held};
use std::collections::VecDeque;
use std::net::IpAddr;

const SECOND_US: u64 = 1_000_000;
/// Most changes of level kept.
const CHANGES: usize = 64;
/// Most confirmed attackers that wait to be taken.
const ATTACKERS: usize = 1024;
/// How many persons may be behind one address.
const HOUSEHOLD: f64 = 4.0;
/// The least part of the rate and of the burst that clients with history keep.
const LEAST_RATE: f64 = 0.1;
const LEAST_BURST: f64 = 0.25;
/// Parts of the origin and of the queue that strangers may fill, by level.
const STRANGERS_WORK: [f64; 5] = [1.0, 0.9, 0.6, 0.3, 0.15];
const STRANGERS_WAIT: [f64; 5] = [0.5, 0.25, 0.15, 0.1, 0.1];
/// Requests a second that a client's account is paid off by, and most that it remembers.
const PAID_OFF: f64 = 1.0;
const MOST_OPEN: u32 = 300;
/// A source is reported again after so many seconds.
const REPORT_AGAIN_S: u32 = 600;

/// A request, as far as flood defence looks at it.
#[derive(Debug, Clone, Copy)]
pub struct Request<'r> {
    /// The client, behind proxies that are trusted.
    pub client: IpAddr,
    /// The fingerprint of its program: JA4, HTTP/2 opening, order of fields, or all of them.
    pub fingerprint: &'r str,
    /// What a cookie is bound to beside site and network: what stays the same over all connections of one browser, such as the
    /// ciphers of its TLS (the middle part of JA4) and its `User-Agent`.
    pub binding: &'r str,
    /// The method.
    pub method: &'r str,
    /// The target: path and query.
    pub target: &'r str,
    /// The value of the cookie [`challenge::COOKIE`].
    pub cookie: Option<&'r str>,
    /// A person opens a page: GET, and HTML is accepted. Only then a challenge makes sense.
    pub navigates: bool,
}

/// What to do with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Send it to the origin; [`Site::finish`] is owed.
    Admit(Ticket),
    /// Let it wait: it is woken by [`Site::finish`] or [`Site::tick`], or leaves with [`Site::leave`].
    Queue {
        /// Its number.
        waiter: u64,
        /// When it has waited enough, µs.
        deadline_us: u64,
        /// The waiter that lost its place to it and is answered with [`Site::turn_away`].
        displaced: Option<u64>,
    },
    /// Answer with the page of [`Site::page`].
    Challenge {
        /// Leading zero bits.
        difficulty: u8,
        /// Why.
        reason: Held,
    },
    /// Answer with 429 (503 where the queue is full).
    Refuse {
        /// For `retry-after`, seconds.
        retry_after_s: u32,
        /// Why.
        reason: Held,
    },
}

/// A request at the origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    /// How well the client is known.
    pub standing: Standing,
    pub(crate) client: u64,
    pub(crate) route: u64,
}

impl Default for Ticket {
    fn default() -> Self {
        Ticket { standing: Standing::Stranger, client: 0, route: 0 }
    }
}

/// How a request ended.
#[derive(Debug, Clone, Copy)]
pub struct Outcome {
    /// Status of the answer; 502 or 504 where the origin gave none.
    pub status: u16,
    /// From sending it to the origin until its head came back, µs.
    pub latency_us: u64,
    /// The client went away before the answer.
    pub abandoned: bool,
    /// The rules refused it; the origin never saw it.
    pub blocked: bool,
}

/// Flood defence of one site. Memory is fixed by the settings (about 6 MB with the default ones).
#[derive(Debug)]
pub struct Site {
    pub(crate) name: String,
    pub(crate) settings: Settings,
    pub(crate) hasher: Hasher,
    pub(crate) signer: Signer,
    pub(crate) used: Used,
    pub(crate) history: History,
    pub(crate) clients: Buckets,
    /// Rates of known clients and of cookies: apart, so that a crowd of strangers leaves them no debt.
    pub(crate) trusted: Buckets,
    accounts: Buckets,
    pub(crate) networks: Buckets,
    pub(crate) kinds: Buckets,
    pub(crate) mix: Mix,
    meter: Meter,
    concurrency: Concurrency,
    queue: Queue,
    machine: Machine,
    in_flight: u32,
    strangers: u32,
    /// Part of their rate that clients with history have now.
    pub(crate) squeeze: f64,
    next_waiter: u64,
    next_second_us: u64,
    pub(crate) reading: Reading,
    pub(crate) changes: VecDeque<Change>,
    untold: Vec<Change>,
    attackers: Vec<Attacker>,
    pub(crate) counters: Counters,
    pub(crate) challenges: challenge::Figures,
}

impl Site {
    /// A site at `now` (µs). `secret` keys the tables, `key` signs cookies; both come from the operating system's generator.
    pub fn new(name: &str, settings: Settings, secret: u64, key: &[u8; 32], now: u64) -> Site {
        let capacity = settings.clients as usize;
        let limits = settings.concurrency;
        Site {
            name: name.to_owned(),
            hasher: Hasher::new(secret),
            signer: Signer::new(key),
            used: Used::new(),
            history: History::new(capacity),
            clients: Buckets::new(capacity),
            trusted: Buckets::new(capacity),
            accounts: Buckets::new(capacity),
            networks: Buckets::new(capacity / 4),
            kinds: Buckets::new(1024),
            mix: Mix::new(),
            meter: Meter::new(u64::from(settings.expected_latency_ms) * 1000),
            concurrency: Concurrency::new(limits.first, limits.least, limits.most),
            queue: Queue::new(settings.queue_length as usize),
            machine: Machine::new(settings.floor),
            in_flight: 0,
            strangers: 0,
            squeeze: 1.0,
            next_waiter: 1,
            next_second_us: now + SECOND_US,
            reading: Reading::default(),
            changes: VecDeque::new(),
            untold: Vec::new(),
            attackers: Vec::new(),
            counters: Counters::default(),
            challenges: challenge::Figures::default(),
            settings,
        }
    }

    /// The level.
    pub fn level(&self) -> Level {
        self.machine.level()
    }

    /// Changes the settings of a running site; what is known of clients stays. Sizes of tables stay as they were.
    pub fn configure(&mut self, settings: Settings) {
        self.settings = settings;
    }

    /// Signs with another key; cookies of the key before stay valid.
    pub fn rotate(&mut self, key: &[u8; 32]) {
        self.signer.rotate(key);
    }

    /// Signs with these keys; cookies of either are taken.
    pub fn sign_with(&mut self, keys: &Secrets) {
        self.signer = Signer::with(keys);
    }

    /// A request came.
    pub fn arrive(&mut self, request: &Request, now: u64) -> Decision {
        self.advance(now);
        let route = key::route(request.method, request.target);
        let keys = self.hasher.keys(request.client, request.fingerprint, &route);
        self.counters.arrived += 1;
        self.meter.arrived();
        self.mix.arrived(&keys, request.client, request.fingerprint, &route);
        let standing = self.standing(request, &keys, now);
        let judged = self.judge(request, &keys, standing, now);
        let ticket = Ticket { standing, client: keys.client, route: keys.route };
        if self.settings.mode == Mode::Observe {
            return self.observe(ticket, judged);
        }
        if let Err(reason) = judged {
            return self.hold(request, &keys, standing, reason, now);
        }
        let rank = self.rank(standing, &keys, now);
        let newcomer = standing < Standing::Known;
        let (line, room) = (self.queue.newcomers(standing), self.room(standing));
        if self.free(standing) && !(newcomer && line > 0) {
            self.admit(ticket);
            return Decision::Admit(ticket);
        }
        // A long line of strangers would have people wait behind it for whom a proof is the quicker way in.
        if newcomer && line >= room {
            return self.hold(request, &keys, standing, Held::QueueFull, now);
        }
        let waiter = self.next_waiter;
        self.next_waiter += 1;
        let deadline_us = now + u64::from(self.settings.queue_wait_ms) * 1000;
        let displaced = match self.queue.join(Waiter { id: waiter, rank, ticket }) {
            Joined::Waits => None,
            Joined::Displaced(other) => Some(other),
            Joined::Full => return self.hold(request, &keys, standing, Held::QueueFull, now),
        };
        if displaced.is_some() {
            self.held(Held::Displaced);
        }
        self.counters.queued += 1;
        Decision::Queue { waiter, deadline_us, displaced }
    }

    /// Counts what would become of a request, and lets it in.
    fn observe(&mut self, ticket: Ticket, judged: Result<(), Held>) -> Decision {
        match judged {
            Err(reason) => self.held(reason),
            Ok(()) if !self.free(ticket.standing) => self.counters.queued += 1,
            Ok(()) => {}
        }
        self.admit(ticket);
        Decision::Admit(ticket)
    }

    /// How well the client is known, with its cookie.
    fn standing(&mut self, request: &Request, keys: &Keys, now: u64) -> Standing {
        let now_s = seconds(now);
        let known = self.history.standing(keys.client, now_s);
        let Some(cookie) = request.cookie else { return known };
        let who = Binding { site: &self.name, client: request.client, fingerprint: request.binding };
        let Ok(pass) = self.signer.check(&who, cookie, now_s) else { return known };
        let key = self.hasher.hash(6, &pass.id.to_le_bytes());
        let (rate, mut household) = (self.trusted_rate(), self.trusted_rate());
        (household.per_second, household.burst) =
            (household.per_second * HOUSEHOLD, household.burst * HOUSEHOLD as u32);
        // One cookie is one person, one address a few: what goes beyond is judged as if it had none.
        if !self.trusted.take(key, rate, now) || !self.trusted.take(!keys.client, household, now) {
            return Standing::Stranger;
        }
        match pass.kind {
            Kind::Work => Standing::Proven,
            Kind::Wait => known.max(Standing::Known),
        }
    }

    /// The rate of a client with history or a cookie. When even they are too many it shrinks for all of them, so that whoever asks
    /// like a person keeps what it needs and whoever earned its history for an attack does not.
    fn trusted_rate(&self) -> Rate {
        let Rate { per_second, burst } = self.settings.known;
        let burst = (f64::from(burst) * self.squeeze.max(LEAST_BURST)) as u32;
        Rate { per_second: per_second * self.squeeze, burst: burst.max(1) }
    }

    /// Whether the level lets the request go on.
    fn judge(&mut self, request: &Request, keys: &Keys, standing: Standing, now: u64) -> Result<(), Held> {
        let level = self.level();
        if let Some(rate) = self.settings.always
            && !self.clients.take(!keys.client, rate, now)
        {
            return Err(Held::ClientRate);
        }
        if level <= Level::Watch || standing == Standing::Proven {
            return Ok(());
        }
        if standing == Standing::Known {
            if self.trusted.take(keys.client, self.trusted_rate(), now) {
                return Ok(());
            }
            self.history.disgrace(keys.client, seconds(now));
            return Err(Held::ClientRate);
        }
        let suspicion = self.mix.suspicion(keys);
        if level == Level::Essential && !self.settings.essential.iter().any(|path| request.target.starts_with(path)) {
            return Err(Held::Essential);
        }
        if level >= Level::Challenge && (request.navigates || suspicion.is_some()) {
            return Err(Held::Unproven);
        }
        if let Some((key, per_second)) = suspicion {
            let burst = (per_second as u32).max(2);
            if !self.kinds.take(key, Rate { per_second, burst }, now) {
                return Err(Held::Shape);
            }
        }
        if !self.networks.take(keys.network, self.settings.network, now) {
            return Err(Held::NetworkRate);
        }
        if self.clients.take(keys.client, self.settings.stranger, now) { Ok(()) } else { Err(Held::ClientRate) }
    }

    /// Counts a request that is held, and says how it is answered.
    fn hold(&mut self, request: &Request, keys: &Keys, standing: Standing, reason: Held, now: u64) -> Decision {
        self.held(reason);
        let now_s = seconds(now);
        let holds = self.history.held(keys.client, now_s);
        let stubborn = holds >= self.settings.confirm_after && standing < Standing::Known && reason != Held::QueueFull;
        if stubborn && self.attackers.len() < ATTACKERS && self.history.report(keys.client, REPORT_AGAIN_S, now_s) {
            self.counters.attackers += 1;
            let (client, level) = (request.client.to_canonical(), self.level());
            self.attackers.push(Attacker { client, reason, level, holds, at_s: now_s });
        }
        self.turn_away(request, reason, holds)
    }

    /// The answer to a request that is not served: for a waiter that was displaced or left (`holds` 0), and for what is held.
    /// A person gets the challenge, the way in that is always open when more ask than can be served.
    pub fn turn_away(&mut self, request: &Request, reason: Held, holds: u32) -> Decision {
        let crowded = matches!(reason, Held::QueueFull | Held::Waited | Held::Displaced);
        // An origin that is merely slow is no reason to ask anyone for a proof.
        let useful = reason != Held::Waited || self.level() >= Level::Watch;
        if request.navigates && useful && holds < self.settings.confirm_after.saturating_mul(2) {
            self.challenges.given += 1;
            return Decision::Challenge { difficulty: self.difficulty(), reason };
        }
        let retry_after_s = if crowded { 5 } else { (holds / 4).clamp(1, 60) };
        Decision::Refuse { retry_after_s, reason }
    }

    fn held(&mut self, reason: Held) {
        self.meter.held();
        self.counters.held[reason as usize] += 1;
    }

    /// The difficulty of this level.
    pub fn difficulty(&self) -> u8 {
        self.settings.difficulty[(self.level() as usize).saturating_sub(Level::Limit as usize).min(2)]
    }

    /// Whether the origin has room for one of this standing. From *limit* on strangers may fill a part of it only.
    fn free(&self, standing: Standing) -> bool {
        let limit = self.concurrency.limit();
        let share = ((f64::from(limit) * STRANGERS_WORK[self.level() as usize]) as u32).max(1);
        self.in_flight < limit && (standing >= Standing::Known || self.strangers < share)
    }

    /// How long the line of a standing without history may be; who was served before gets twice the room.
    fn room(&self, standing: Standing) -> usize {
        let part = STRANGERS_WAIT[self.level() as usize] * if standing == Standing::Seen { 2.0 } else { 1.0 };
        (f64::from(self.settings.queue_length) * part).ceil() as usize
    }

    /// The place in the queue: clients with history have an account, so that who asks like a flood waits behind who asks like a
    /// person, whatever either earned.
    fn rank(&mut self, standing: Standing, keys: &Keys, now: u64) -> u8 {
        if standing < Standing::Known {
            return queue::rank(standing, 0);
        }
        queue::rank(standing, self.accounts.charge(keys.client, PAID_OFF, MOST_OPEN, now))
    }

    fn admit(&mut self, ticket: Ticket) {
        self.in_flight += 1;
        self.strangers += u32::from(ticket.standing < Standing::Known);
        self.concurrency.at_work(self.in_flight);
        self.counters.admitted += 1;
    }

    /// A request ended. Those who may go to the origin now are added to `woken`; [`Site::finish`] is owed for each.
    pub fn finish(&mut self, ticket: Ticket, outcome: Outcome, now: u64, woken: &mut Vec<(u64, Ticket)>) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.strangers = self.strangers.saturating_sub(u32::from(ticket.standing < Standing::Known));
        let Outcome { status, latency_us, abandoned, blocked } = outcome;
        // Who goes away early says nothing about the origin, who goes away late does.
        let early = abandoned && latency_us < self.reading.p95_us;
        if !blocked && !early {
            self.meter.answered(latency_us, status >= 500);
        }
        let bad = blocked || matches!(status, 400 | 402..=403 | 405..=409 | 411..=499);
        if bad || (!abandoned && status < 400) {
            let calm = self.level() <= Level::Watch && self.queue.len() == 0;
            let credit = calm || ticket.standing == Standing::Proven;
            self.history.answered(ticket.client, ticket.route, !bad, credit, seconds(now));
        }
        self.tick(now, woken);
    }

    /// Looks at the time: to be called at least once a second. Those who may go on are added to `woken`.
    pub fn tick(&mut self, now: u64, woken: &mut Vec<(u64, Ticket)>) {
        self.advance(now);
        while self.in_flight < self.concurrency.limit() {
            let strangers = self.free(Standing::Stranger);
            let Some(waiter) = self.queue.next(strangers) else { break };
            self.admit(waiter.ticket);
            woken.push((waiter.id, waiter.ticket));
        }
    }

    /// A waiter gives up: its time ran out (it is answered with [`Site::turn_away`]), or its client went away. Whether it was still
    /// waiting; if not, it was woken or displaced.
    pub fn leave(&mut self, waiter: u64) -> bool {
        let waited = self.queue.leave(waiter);
        if waited {
            self.held(Held::Waited);
        }
        waited
    }

    /// Ends the seconds that are over.
    fn advance(&mut self, now: u64) {
        // After a long silence only the last seconds say something.
        if now > self.next_second_us + 60 * SECOND_US {
            self.next_second_us = now - 60 * SECOND_US;
        }
        while now >= self.next_second_us {
            self.second(seconds(self.next_second_us));
            self.next_second_us += SECOND_US;
        }
    }

    fn second(&mut self, now_s: u32) {
        let mut reading = self.meter.tick();
        reading.in_flight = self.in_flight;
        reading.limit = self.concurrency.limit();
        reading.queued = self.queue.len() as u32;
        reading.queue_limit = self.settings.queue_length;
        let quiet = self.machine.quiet(&reading, now_s);
        reading.shape = self.mix.tick(quiet, reading.arrivals, reading.quiet_arrivals);
        self.concurrency.tick(&reading);
        if quiet {
            self.meter.learn(&reading);
        }
        self.reading = reading;
        self.squeeze = match self.level() {
            Level::Normal | Level::Watch => 1.0,
            _ if level::heavy(&reading) => (self.squeeze * 0.8).max(LEAST_RATE),
            _ => (self.squeeze * 1.02).min(1.0),
        };
        if let Some(change) = self.machine.tick(&reading, &self.settings, now_s) {
            if self.changes.len() == CHANGES {
                self.changes.pop_front();
            }
            self.changes.push_back(change);
            if self.untold.len() < CHANGES {
                self.untold.push(change);
            }
        }
    }

    /// Changes of level since the last call.
    pub fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.untold)
    }

    /// Sources that are confirmed as attackers since the last call, each once in ten minutes.
    pub fn take_attackers(&mut self) -> Vec<Attacker> {
        std::mem::take(&mut self.attackers)
    }
}

/// Seconds of a time in µs.
pub(crate) fn seconds(now: u64) -> u32 {
    u32::try_from(now / SECOND_US).unwrap_or(u32::MAX)
}

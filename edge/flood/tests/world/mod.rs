//! The simulated world: clients, attackers, an origin, and the caller's part of the protocol with a [`Site`].
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

use base::{Random, SeededRandom};
use flood::challenge::{COOKIE, solve};
use flood::{Decision, Held, Outcome, Request, Settings, Site, Ticket};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::net::{IpAddr, Ipv4Addr};

const SECOND: u64 = 1_000_000;
const WORKERS: usize = 8;
const SERVICE_US: u64 = 20_000;
const SOURCES: usize = 400;
/// How long a person waits for a page.
const PATIENCE_US: u64 = 10 * SECOND;

/// A kind of attack.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// A script with a fingerprint of its own on dear pages.
    Script,
    /// A library, on all pages, as if it were an API client.
    Library,
    /// With the fingerprint of a browser.
    Imitation,
    /// The same, and each browsed like a person for some minutes before.
    Patient,
    /// A browser under control: it solves every challenge.
    Solver,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Visit(usize),
    Attack(usize),
    /// A source that will attack behaves like a person for now.
    Pretend(usize),
    Done(u64),
    Deadline(u64),
    Second,
}

/// Who sent a request that is under way.
#[derive(Debug, Clone, Copy)]
enum Sender {
    Visit(usize),
    Attack,
}

/// A person's wish for a page.
#[derive(Debug, Clone)]
pub struct Visit {
    pub began_us: u64,
    pub served: bool,
    pub latency_us: u64,
    client: usize,
    target: &'static str,
    tries: u32,
}

struct Client {
    address: IpAddr,
    cookie: Option<String>,
    new: bool,
}

pub struct World {
    pub site: Site,
    pub visits: Vec<Visit>,
    pub attack_sent: u64,
    pub attack_served: u64,
    random: SeededRandom,
    now: u64,
    events: BinaryHeap<Reverse<(u64, u64, Event)>>,
    sequence: u64,
    clients: Vec<Client>,
    kinds: Vec<Kind>,
    free_at: Vec<u64>,
    under_way: HashMap<u64, (Ticket, Sender, u64)>,
    waiting: HashMap<u64, Sender>,
    /// Cookies of sources that solve challenges.
    loot: HashMap<usize, String>,
}

/// Does what the page's script does; the cookie.
fn prove(site: &mut Site, request: &Request, difficulty: u8, now: u64, random: &SeededRandom) -> Option<String> {
    let page = site.page(request, difficulty, base::Lang::En, now, random);
    let token = page.html.split("name=\"token\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let body = format!("token={token}&number={}&back=%2F", solve(token, difficulty));
    let earned = site.answer(request, body.as_bytes(), true, now).ok()?;
    earned.cookie.strip_prefix(COOKIE)?[1..].split(';').next().map(str::to_owned)
}

const PAGES: [&str; 6] = ["/", "/search?q=a", "/item/4711", "/item/4712?ref=x", "/cart", "/static/app.js"];

impl World {
    pub fn new(seed: u64) -> World {
        let settings = Settings { expected_latency_ms: 50, difficulty: [4, 5, 6], ..Settings::default() };
        settings.check().unwrap();
        let mut world = World {
            site: Site::new("shop", settings, seed, &[7; 32], 0),
            visits: Vec::new(),
            attack_sent: 0,
            attack_served: 0,
            random: SeededRandom::new(seed),
            now: 0,
            events: BinaryHeap::new(),
            sequence: 0,
            clients: Vec::new(),
            kinds: Vec::new(),
            free_at: vec![0; WORKERS],
            under_way: HashMap::new(),
            waiting: HashMap::new(),
            loot: HashMap::new(),
        };
        world.at(SECOND, Event::Second);
        world.crowd(80);
        world
    }

    /// So many people more begin to browse.
    pub fn crowd(&mut self, people: usize) {
        for _ in 0..people {
            let at = self.clients.len();
            let address = Ipv4Addr::new(10, (at % 50) as u8, (at / 50) as u8, (at % 200 + 1) as u8).into();
            self.clients.push(Client { address, cookie: None, new: true });
            let begin = self.now + self.random.below(3 * SECOND);
            self.at(begin, Event::Visit(at));
        }
    }

    pub fn is_attacker(&self, address: IpAddr) -> bool {
        matches!(address, IpAddr::V4(address) if address.octets()[0] == 203)
    }

    fn at(&mut self, time: u64, event: Event) {
        self.sequence += 1;
        self.events.push(Reverse((time, self.sequence, event)));
    }

    /// Lets so many seconds go by, with attacks of these kinds; two new people come every second of an attack.
    pub fn run(&mut self, seconds: u64, kinds: &[Kind]) {
        let (end, begin) = (self.now + seconds * SECOND, self.now);
        self.kinds = kinds.to_vec();
        for source in 0..if kinds.is_empty() { 0 } else { SOURCES } {
            let time = begin + self.random.below(SECOND);
            self.at(time, Event::Attack(source));
        }
        while let Some(Reverse((time, _, event))) = self.events.pop() {
            if time > end {
                self.events.push(Reverse((time, 0, event)));
                break;
            }
            self.now = time;
            self.happen(event);
        }
        self.now = end;
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Second => {
                let mut woken = Vec::new();
                self.site.tick(self.now, &mut woken);
                self.wake(woken);
                if !self.kinds.is_empty() && self.clients.len() < 120 {
                    self.crowd(1);
                }
                self.at(self.now + SECOND, Event::Second);
            }
            Event::Visit(client) => {
                // Nobody begins with a script file.
                let pages = if std::mem::take(&mut self.clients[client].new) { 5 } else { PAGES.len() };
                let target = PAGES[self.random.below(pages as u64) as usize];
                let visit = self.visits.len();
                self.visits.push(Visit { began_us: self.now, served: false, latency_us: 0, client, target, tries: 0 });
                self.ask(visit);
                let pause = SECOND / 2 + self.random.below(2 * SECOND);
                self.at(self.now + pause, Event::Visit(client));
            }
            Event::Attack(source) if !self.kinds.is_empty() => {
                self.attack(source, self.kinds[source % self.kinds.len()]);
                // Ten requests a second each.
                let pause = 50_000 + self.random.below(100_000);
                self.at(self.now + pause, Event::Attack(source));
            }
            Event::Attack(_) => {}
            Event::Pretend(source) if self.kinds.is_empty() => {
                self.attack(source, Kind::Patient);
                let pause = 15 * SECOND + self.random.below(10 * SECOND);
                self.at(self.now + pause, Event::Pretend(source));
            }
            Event::Pretend(_) => {}
            Event::Done(number) => self.done(number),
            Event::Deadline(waiter) => {
                if let Some(sender) = self.waiting.remove(&waiter) {
                    assert!(self.site.leave(waiter), "it was neither woken nor displaced");
                    self.turn_away(sender, Held::Waited);
                }
            }
        }
    }

    /// Hands the visit's request to `ask`, with its cookie.
    fn with<T>(&mut self, visit: usize, ask: impl FnOnce(&mut Site, &Request, u64) -> T) -> T {
        let Visit { client, target, .. } = self.visits[visit];
        let Client { address, cookie, .. } = &self.clients[client];
        let request = Request {
            client: *address,
            fingerprint: if client % 3 == 0 { "firefox" } else { "chrome" },
            binding: "",
            method: "GET",
            target,
            cookie: cookie.as_deref(),
            navigates: !target.starts_with("/static"),
        };
        ask(&mut self.site, &request, self.now)
    }

    fn ask(&mut self, visit: usize) {
        let decision = self.with(visit, |site, request, now| site.arrive(request, now));
        self.follow(decision, Sender::Visit(visit));
    }

    /// Does what the page's script does, and asks again.
    fn solve(&mut self, visit: usize, difficulty: u8) {
        let random = SeededRandom::new(self.random.below(u64::MAX));
        let value = self.with(visit, |site, request, now| prove(site, request, difficulty, now, &random));
        let client = self.visits[visit].client;
        self.clients[client].cookie = value;
        self.visits[visit].tries += 1;
        self.ask(visit);
    }

    fn turn_away(&mut self, sender: Sender, reason: Held) {
        if let Sender::Visit(visit) = sender {
            let decision = self.with(visit, |site, request, _| site.turn_away(request, reason, 0));
            self.follow(decision, sender);
        }
    }

    /// Every source behaves like a person from now on.
    pub fn pretend(&mut self) {
        for source in 0..SOURCES {
            let time = self.now + self.random.below(15 * SECOND);
            self.at(time, Event::Pretend(source));
        }
    }

    fn attack(&mut self, source: usize, kind: Kind) {
        self.attack_sent += 1;
        let page = PAGES[self.random.below(PAGES.len() as u64) as usize];
        let (fingerprint, target, navigates) = match kind {
            Kind::Script => ("python", "/search?q=a", true),
            Kind::Library => ("go", page, false),
            Kind::Imitation | Kind::Patient | Kind::Solver => ("chrome", page, true),
        };
        let client = Ipv4Addr::new(203, 0, (source / 20) as u8, (source % 250) as u8).into();
        let cookie = self.loot.get(&source).cloned();
        let request =
            Request { client, fingerprint, binding: "", method: "GET", target, cookie: cookie.as_deref(), navigates };
        let decision = self.site.arrive(&request, self.now);
        if let (Kind::Solver, Decision::Challenge { difficulty, .. }) = (kind, decision) {
            let cookie = prove(&mut self.site, &request, difficulty, self.now, &self.random);
            self.loot.extend(cookie.map(|cookie| (source, cookie)));
        }
        self.follow(decision, Sender::Attack);
    }

    fn follow(&mut self, decision: Decision, sender: Sender) {
        match decision {
            Decision::Admit(ticket) => self.work(ticket, sender),
            Decision::Queue { waiter, deadline_us, displaced } => {
                self.waiting.insert(waiter, sender);
                self.at(deadline_us, Event::Deadline(waiter));
                // Who is turned away may come back at once and displace another.
                if let Some(other) = displaced.and_then(|other| self.waiting.remove(&other)) {
                    self.turn_away(other, Held::Displaced);
                }
            }
            Decision::Challenge { difficulty, .. } => match sender {
                Sender::Visit(visit) if self.visits[visit].tries < 3 => self.solve(visit, difficulty),
                _ => {}
            },
            Decision::Refuse { .. } => {}
        }
    }

    /// The origin takes it: the worker that is free first does it.
    fn work(&mut self, ticket: Ticket, sender: Sender) {
        let service = SERVICE_US / 2 + self.random.below(SERVICE_US);
        let worker = self.free_at.iter_mut().min().unwrap();
        *worker = (*worker).max(self.now) + service;
        let end = *worker;
        self.sequence += 1;
        let number = self.sequence;
        self.under_way.insert(number, (ticket, sender, self.now));
        self.at(end, Event::Done(number));
    }

    fn done(&mut self, number: u64) {
        let (ticket, sender, since) = self.under_way.remove(&number).unwrap();
        match sender {
            Sender::Attack => self.attack_served += 1,
            Sender::Visit(visit) => {
                let visit = &mut self.visits[visit];
                visit.latency_us = self.now - visit.began_us;
                visit.served = visit.latency_us <= PATIENCE_US;
            }
        }
        let outcome = Outcome { status: 200, latency_us: self.now - since, abandoned: false, blocked: false };
        let mut woken = Vec::new();
        self.site.finish(ticket, outcome, self.now, &mut woken);
        self.wake(woken);
    }

    fn wake(&mut self, woken: Vec<(u64, Ticket)>) {
        for (waiter, ticket) in woken {
            let sender = self.waiting.remove(&waiter).expect("it was waiting");
            self.work(ticket, sender);
        }
    }
}

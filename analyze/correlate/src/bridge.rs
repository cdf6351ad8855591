//! Ways between hosts: a bounded window of who connected and logged in where, and the alerts at both ends.
//!
//! Fed with telemetry as it comes ([`Bridge::event`]), never by searching the lake. The two ends of a way find each
//! other by the four numbers of the connection when both told them, which holds with the same private addresses on
//! several sites; else by the address, when exactly one host has it. An event and an alert may come in any order: who
//! comes last finds the other.

use crate::crowd::{Crowd, Value, number};
use crate::hub;
use crate::passage::{Passage, SKEW_US};
use crate::print::{Ancestor, LINEAGE, Print, Role, lineage};
use crate::sight::tells;
use record::{Activity, Event, Host, Join, Log, NetActivity, NetOp};
use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

/// Most hosts whose addresses, ways and alerts are remembered.
const HOSTS: usize = 20_000;
/// Ways remembered of one host, each direction, and alerts.
const EACH: usize = 64;
const PRINTS: usize = 32;
/// Ends of connections that wait for their other end.
const WAITING: usize = 65_536;
/// Ends of one source address and port.
const ENDS: usize = 4;
/// How long after a connection its login may come, µs.
const LOGIN_US: i64 = 120_000_000;
const EINPROGRESS: u32 = 115;

/// Two alerts on two hosts, and what ties them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Link {
    pub from_alert: String,
    pub to_alert: String,
    pub join: Join,
}

/// One end of a connection.
#[derive(Debug, Clone)]
struct End {
    agent: String,
    boot: String,
    process: Vec<Ancestor>,
    /// Where it goes to; `None` for a login, which does not know.
    to: Option<(IpAddr, u16)>,
    account: String,
    time_us: i64,
    event: String,
}

/// Ends by the address and port they come from, in two generations.
#[derive(Debug, Default)]
struct Ends {
    now: HashMap<(IpAddr, u16), Vec<End>>,
    before: HashMap<(IpAddr, u16), Vec<End>>,
}

impl Ends {
    fn put(&mut self, from: (IpAddr, u16), end: End) {
        if self.now.len() >= WAITING {
            self.before = std::mem::take(&mut self.now);
        }
        let list = self.now.entry(from).or_default();
        list.retain(|other| other.event != end.event);
        if list.len() >= ENDS {
            list.remove(0);
        }
        list.push(end);
    }

    fn of(&self, from: (IpAddr, u16)) -> impl Iterator<Item = &End> {
        [self.now.get(&from), self.before.get(&from)].into_iter().flatten().flatten()
    }
}

/// What is remembered of one host.
#[derive(Debug, Default)]
struct Place {
    name: String,
    addresses: Vec<IpAddr>,
    /// Ways to it.
    inward: VecDeque<usize>,
    /// Ways from it.
    outward: VecDeque<usize>,
    /// Its newest alerts.
    prints: VecDeque<Print>,
}

/// The ways between hosts.
#[derive(Debug)]
pub(crate) struct Bridge {
    window_us: i64,
    places: HashMap<String, Place>,
    owners: HashMap<IpAddr, Vec<String>>,
    /// Ways by number; those that left both of their hosts' lists are dropped.
    ways: HashMap<usize, Passage>,
    next: usize,
    dialled: Ends,
    answered: Ends,
    logins: Ends,
    pub crowd: Crowd,
}

impl Bridge {
    pub fn new(window_us: i64) -> Bridge {
        Bridge {
            window_us,
            places: HashMap::new(),
            owners: HashMap::new(),
            ways: HashMap::new(),
            next: 0,
            dialled: Ends::default(),
            answered: Ends::default(),
            logins: Ends::default(),
            crowd: Crowd::new(WAITING, window_us),
        }
    }

    /// Learns a host's name and addresses; false when there are too many hosts.
    pub fn host(&mut self, agent: &str, host: &Host) -> bool {
        if self.places.len() >= HOSTS && !self.places.contains_key(agent) {
            return false;
        }
        let place = self.places.entry(agent.to_owned()).or_default();
        if place.name != host.name {
            place.name.clone_from(&host.name);
        }
        let same = place.addresses.len() == host.addresses.len().min(16)
            && place
                .addresses
                .iter()
                .zip(&host.addresses)
                .all(|(known, text)| text.parse().is_ok_and(|ip: IpAddr| ip.to_canonical() == *known));
        if same {
            return true;
        }
        let parsed = host.addresses.iter().take(16).filter_map(|text| text.parse::<IpAddr>().ok());
        let fresh: Vec<IpAddr> = parsed.map(|ip| ip.to_canonical()).filter(|ip| tells(*ip)).collect();
        for ip in std::mem::replace(&mut place.addresses, fresh.clone()) {
            if let Some(owners) = self.owners.get_mut(&ip) {
                owners.retain(|owner| owner != agent);
                if owners.is_empty() {
                    self.owners.remove(&ip);
                }
            }
        }
        for ip in fresh {
            let owners = self.owners.entry(ip).or_default();
            // Of a bridge address that every host has, two owners say enough: nobody's.
            if owners.len() < 2 && !owners.iter().any(|owner| owner == agent) {
                owners.push(agent.to_owned());
            }
        }
        true
    }

    /// The one host that has an address.
    pub fn owner(&self, ip: IpAddr) -> Option<&str> {
        match self.owners.get(&ip).map(Vec::as_slice) {
            Some([one]) => Some(one),
            _ => None,
        }
    }

    /// Every address that exactly one host has.
    pub fn owners(&self) -> impl Iterator<Item = (IpAddr, &str)> {
        self.owners.iter().filter_map(|(ip, owners)| match owners.as_slice() {
            [one] => Some((*ip, one.as_str())),
            _ => None,
        })
    }

    /// Whether an address is one of any host here, also of several.
    pub fn ours(&self, ip: IpAddr) -> bool {
        self.owners.contains_key(&ip)
    }

    fn name<'s>(&'s self, agent: &'s str) -> &'s str {
        self.places.get(agent).map(|place| place.name.as_str()).filter(|name| !name.is_empty()).unwrap_or(agent)
    }

    /// An event of a host: what it says of ways. The links that it completes.
    pub fn event(&mut self, agent: &str, host: &Host, id: &str, event: &Event) -> Vec<Link> {
        if !tells_of_ways(event) || !self.host(agent, host) {
            return Vec::new();
        }
        match &event.activity {
            Activity::Net(net) => self.net(agent, host, id, event, net),
            Activity::Log(log) => self.log(agent, host, id, event, log),
            _ => {
                if let Some(proc) = event.process.as_deref() {
                    self.crowd.host(Value::Hash(proc.info.exe.sha256.clone()), number(agent), event.time_us);
                }
                Vec::new()
            }
        }
    }

    fn net(&mut self, agent: &str, host: &Host, id: &str, event: &Event, net: &NetActivity) -> Vec<Link> {
        let told = |ip: Option<IpAddr>| ip.map(|ip| ip.to_canonical()).filter(|ip| tells(*ip));
        let Some(remote) = told(net.remote()) else { return Vec::new() };
        if !matches!(net.errno, 0 | EINPROGRESS) {
            return Vec::new();
        }
        self.crowd.host(Value::Address(remote), number(agent), event.time_us);
        let port = |port: u32| u16::try_from(port).unwrap_or(0);
        let (local, local_port, remote_port) = (told(net.local()), port(net.local_port), port(net.remote_port));
        let dials = net.op() == NetOp::Connect;
        let end = End {
            agent: agent.to_owned(),
            boot: host.boot_id.clone(),
            process: event.process.as_deref().map(lineage).unwrap_or_default(),
            to: if dials { Some((remote, remote_port)) } else { local.map(|ip| (ip, local_port)) },
            account: String::new(),
            time_us: event.time_us,
            event: id.to_owned(),
        };
        if dials { self.dials(end, local.map(|ip| (ip, local_port))) } else { self.answers(end, (remote, remote_port)) }
    }

    fn dials(&mut self, end: End, from: Option<(IpAddr, u16)>) -> Vec<Link> {
        let mut found: Vec<Passage> = Vec::new();
        if let Some(from) = from.filter(|(_, port)| *port != 0) {
            let fits = |other: &&End| other.to == end.to && near(other, &end, SKEW_US) && other.agent != end.agent;
            found.extend(one(self.answered.of(from).filter(fits)).map(|other| way(&end, other, Some(from.0))));
            let fits = |other: &&End| near(other, &end, LOGIN_US) && other.agent != end.agent;
            found.extend(one(self.logins.of(from).filter(fits)).map(|other| way(&end, other, Some(from.0))));
            self.dialled.put(from, end.clone());
        }
        if found.is_empty()
            && let Some((ip, _)) = end.to
            && let Some(owner) = self.owner(ip).filter(|owner| *owner != end.agent)
        {
            let blank = End { agent: owner.to_owned(), process: Vec::new(), event: String::new(), ..end.clone() };
            found.push(way(&end, &blank, from.map(|from| from.0)));
        }
        found.into_iter().flat_map(|passage| self.taken(passage)).collect()
    }

    fn answers(&mut self, end: End, from: (IpAddr, u16)) -> Vec<Link> {
        let fits = |other: &&End| other.to == end.to && near(other, &end, SKEW_US) && other.agent != end.agent;
        let found = one(self.dialled.of(from).filter(fits)).map(|other| way(other, &end, Some(from.0)));
        self.answered.put(from, end.clone());
        let found = found.or_else(|| self.unseen(from.0, &end));
        found.into_iter().flat_map(|passage| self.taken(passage)).collect()
    }

    /// A way from a host that is known by its address, while its process is not.
    fn unseen(&self, from: IpAddr, end: &End) -> Option<Passage> {
        let owner = self.owner(from).filter(|owner| *owner != end.agent)?;
        let blank = End {
            agent: owner.to_owned(),
            boot: String::new(),
            process: Vec::new(),
            event: String::new(),
            ..end.clone()
        };
        Some(way(&blank, end, Some(from)))
    }

    fn log(&mut self, agent: &str, host: &Host, id: &str, event: &Event, log: &Log) -> Vec<Link> {
        for word in ["ja4", "ja3"] {
            if let Some(print) = log.field(word).filter(|print| print.len() <= 64) {
                self.crowd.host(Value::Fingerprint(format!("{word}:{print}")), number(agent), event.time_us);
            }
        }
        let ip = log.field("src_ip").and_then(|text| text.parse::<IpAddr>().ok()).map(|ip| ip.to_canonical());
        let Some(ip) = ip.filter(|ip| tells(*ip)) else { return Vec::new() };
        self.crowd.host(Value::Address(ip), number(agent), event.time_us);
        let user = log.field("user").filter(|user| !user.is_empty() && user.len() <= 64);
        let (Some("accepted" | "session"), Some(user)) = (log.field("outcome"), user) else { return Vec::new() };
        self.crowd.person(Value::Address(ip), number(user), event.time_us);
        let port = log.field("src_port").and_then(|port| port.parse::<u16>().ok()).unwrap_or(0);
        let end = End {
            agent: agent.to_owned(),
            boot: host.boot_id.clone(),
            process: Vec::new(),
            to: None,
            account: user.to_owned(),
            time_us: event.time_us,
            event: id.to_owned(),
        };
        let fits = |other: &&End| near(other, &end, LOGIN_US) && other.agent != end.agent;
        let dialled = (port != 0).then(|| one(self.dialled.of((ip, port)).filter(fits))).flatten();
        let found = dialled.map(|other| way(other, &end, Some(ip)));
        if port != 0 {
            self.logins.put((ip, port), end.clone());
        }
        let found = found.or_else(|| self.unseen(ip, &end)).map(|passage| self.process_of(passage));
        found.into_iter().flat_map(|passage| self.taken(passage)).collect()
    }

    /// A login whose process is not known takes it from the connection just before it, when there was only one.
    fn process_of(&self, login: Passage) -> Passage {
        let (true, Some(time)) = (login.source.is_empty(), login.times.back().copied()) else { return login };
        let inward = self.places.get(&login.to).into_iter().flat_map(|place| &place.inward);
        let near = |way: &&Passage| {
            !way.login
                && way.from == login.from
                && !way.source.is_empty()
                && matches!(way.port, 22 | 2222)
                && way.times.iter().any(|at| (0..=LOGIN_US).contains(&time.saturating_sub(*at)))
        };
        let mut ways = inward.filter_map(|number| self.ways.get(number)).filter(near);
        match (ways.next(), ways.next()) {
            (Some(way), None) => {
                let mut events = way.events.clone();
                events.extend(login.events.clone());
                let (source, from_boot) = (way.source.clone(), way.from_boot.clone());
                Passage { source, from_boot, port: way.port, events, ..login }
            }
            _ => login,
        }
    }

    /// Notes a way, and the links between the alerts at its ends.
    fn taken(&mut self, passage: Passage) -> Vec<Link> {
        if !self.places.contains_key(&passage.from) || !self.places.contains_key(&passage.to) {
            return Vec::new();
        }
        let known = self.places[&passage.to]
            .inward
            .iter()
            .rev()
            .find(|number| self.ways.get(number).is_some_and(|way| way.same(&passage)));
        let number = match known.copied() {
            Some(number) => {
                if let Some(way) = self.ways.get_mut(&number) {
                    way.again(passage);
                }
                number
            }
            None => self.begin(passage),
        };
        let Some(way) = self.ways.get(&number) else { return Vec::new() };
        self.links_of(way)
    }

    fn begin(&mut self, passage: Passage) -> usize {
        let number = self.next;
        self.next += 1;
        let mut gone = Vec::new();
        let ends = [(passage.to.clone(), true), (passage.from.clone(), false)];
        for (agent, inward) in ends {
            let Some(place) = self.places.get_mut(&agent) else { continue };
            let list = if inward { &mut place.inward } else { &mut place.outward };
            list.push_back(number);
            if list.len() > EACH {
                gone.extend(list.pop_front());
            }
        }
        // A way that one of its hosts let go is gone for both: a busy host must not keep the others' memory.
        for number in gone {
            if let Some(way) = self.ways.remove(&number) {
                for agent in [&way.to, &way.from] {
                    if let Some(place) = self.places.get_mut(agent) {
                        place.inward.retain(|other| *other != number);
                        place.outward.retain(|other| *other != number);
                    }
                }
            }
        }
        self.ways.insert(number, passage);
        number
    }

    /// From how many hosts the process that answered was reached lately.
    fn sources(&self, way: &Passage) -> usize {
        let inward = self.places.get(&way.to).into_iter().flat_map(|place| &place.inward);
        let same = inward.filter_map(|number| self.ways.get(number)).filter(|other| {
            other.port == way.port && (other.answered == way.answered || other.answered == 0 || way.answered == 0)
        });
        let mut hosts: Vec<&str> = same.map(|other| other.from.as_str()).collect();
        hosts.sort_unstable();
        hosts.dedup();
        hosts.len()
    }

    fn links_of(&self, way: &Passage) -> Vec<Link> {
        let prints = |agent: &str| self.places.get(agent).into_iter().flat_map(|place| &place.prints);
        let fit = |print: &Print| way.source_fit(print, self.window_us);
        let starts: Vec<(&Print, u8)> =
            prints(&way.from).map(|print| (print, fit(print))).filter(|(_, fit)| *fit > 0).collect();
        if starts.is_empty() {
            return Vec::new();
        }
        let (sources, mut links) = (self.sources(way), Vec::new());
        for target in prints(&way.to) {
            let fit = way.target_fit(target, self.window_us, sources);
            links.extend(self.best(way, &starts, target, fit));
        }
        links
    }

    /// The surest link to one alert.
    fn best(&self, way: &Passage, starts: &[(&Print, u8)], target: &Print, fit: u8) -> Option<Link> {
        let same = starts.iter().filter(|(source, _)| source.drill == target.drill && fit > 0);
        let (source, sure) = same.max_by(|one, other| {
            (one.1, other.0.time_us, &other.0.alert).cmp(&(other.1, one.0.time_us, &one.0.alert))
        })?;
        let join = way.join(source, target, fit.min(*sure), self.name(&way.from));
        Some(Link { from_alert: source.alert.clone(), to_alert: target.alert.clone(), join })
    }

    /// An alert of a host: the links between it and alerts elsewhere.
    pub fn alert(&mut self, print: Print) -> Vec<Link> {
        let Some(place) = self.places.get(&print.agent) else { return Vec::new() };
        let mut links = Vec::new();
        for way in place.inward.iter().filter_map(|number| self.ways.get(number)) {
            let fit = way.target_fit(&print, self.window_us, self.sources(way));
            if fit == 0 {
                continue;
            }
            let prints = self.places.get(&way.from).into_iter().flat_map(|place| &place.prints);
            let starts = prints.map(|print| (print, way.source_fit(print, self.window_us)));
            let starts: Vec<(&Print, u8)> = starts.filter(|(_, fit)| *fit > 0).collect();
            links.extend(self.best(way, &starts, &print, fit));
        }
        for way in place.outward.iter().filter_map(|number| self.ways.get(number)) {
            let sure = way.source_fit(&print, self.window_us);
            if sure == 0 {
                continue;
            }
            let sources = self.sources(way);
            let prints = self.places.get(&way.to).into_iter().flat_map(|place| &place.prints);
            for target in prints {
                let fit = way.target_fit(target, self.window_us, sources);
                links.extend(self.best(way, &[(&print, sure)], target, fit));
            }
        }
        self.remember(print);
        links
    }

    /// Notes an alert without asking for links: what was known before a restart.
    pub fn remember(&mut self, print: Print) {
        if self.places.len() >= HOSTS && !self.places.contains_key(&print.agent) {
            return;
        }
        let place = self.places.entry(print.agent.clone()).or_default();
        place.prints.push_back(print);
        if place.prints.len() > PRINTS {
            place.prints.pop_front();
        }
    }

    /// Hosts, ways, and waiting ends with counted values in memory.
    pub fn size(&self) -> (usize, usize, usize) {
        let ends = [&self.dialled, &self.answered, &self.logins];
        let waiting: usize = ends.iter().map(|ends| ends.now.len() + ends.before.len()).sum();
        (self.places.len(), self.ways.len(), waiting + self.crowd.len())
    }
}

/// Whether an event tells of ways between hosts, logins, or how common a value is; all others need not be told.
pub fn tells_of_ways(event: &Event) -> bool {
    match &event.activity {
        Activity::Net(net) => matches!(net.op(), NetOp::Connect | NetOp::Accept),
        Activity::Log(log) => log.fields.iter().any(|pair| matches!(pair.name.as_str(), "src_ip" | "ja4" | "ja3")),
        Activity::Exec(_) => event
            .process
            .as_deref()
            .is_some_and(|proc| !proc.info.exe.sha256.is_empty() && !hub::in_system(&proc.info.exe.path)),
        _ => false,
    }
}

fn near(one: &End, other: &End, window_us: i64) -> bool {
    one.time_us.abs_diff(other.time_us) <= window_us.unsigned_abs()
}

/// The only one; none when there are several hosts to choose from.
fn one<'e>(mut ends: impl Iterator<Item = &'e End>) -> Option<&'e End> {
    let first = ends.next()?;
    ends.all(|other| other.agent == first.agent).then_some(first)
}

/// The way between two ends.
fn way(source: &End, target: &End, from_ip: Option<IpAddr>) -> Passage {
    let login = target.to.is_none();
    let answered = target.process.first().filter(|_| !login);
    let events = [&source.event, &target.event].into_iter().filter(|event| !event.is_empty()).cloned().collect();
    Passage {
        from: source.agent.clone(),
        from_boot: source.boot.clone(),
        source: source.process.iter().take(LINEAGE).copied().collect(),
        from_ip,
        to: target.agent.clone(),
        port: source.to.or(target.to).map_or(0, |(_, port)| port),
        account: target.account.clone(),
        login,
        answered: answered.map_or(0, |process| process.key),
        door: answered.is_some_and(|process| process.role == Role::Door),
        times: VecDeque::from([target.time_us]),
        count: 1,
        events,
    }
}

//! An attack in which a host of ours takes part: the scrubber asks, reports and alerts; the server finds the host, its process
//! and what else is wrong with it.

use api::tables::{self, ALERT_KEYS, ALERTS, StoredAlert};
use base::{Clock, ManualClock};
use bus::{MemoryDisk, SharedSpool, Spool, SpoolConfig};
use closed_loop::station::Station;
use ddos::report::About;
use ddos::{Baseline, Counters, Level, Prefix, Sample, Settings, Watch};
use fleet::Oracle;
use fleet::content::Shelf;
use fleet::wire::Ask;
use intel::{Claim, Indicator};
use kit::mmdb::{Value, database};
use port::Tables;
use record::*;
use scrubber::board::Board;
use scrubber::config::Protected;
use scrubber::known::Known;
use scrubber::origins::Origins;
use scrubber::place::Place;
use scrubber::report::Reporter;
use scrubber::tell::{Subject, Teller};
use server::attack::Senders;
use server::intel::{Answers, Intel, store::Edit};
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

const START_US: i64 = 1_767_225_600_000_000;
const SECOND: i64 = 1_000_000;
const VICTIM: [u8; 4] = [203, 0, 113, 10];
/// The hosts: an agent on a machine that was broken into, and the scrubber.
const WEB: AgentId = AgentId([1; 16]);
const EDGE: AgentId = AgentId([9; 16]);

fn host(name: &str, address: &str) -> Host {
    Host { name: name.into(), boot_id: format!("boot of {name}"), addresses: vec![address.into()], ..Host::default() }
}

fn frame(agent: AgentId, lane: Lane, batch: Batch) -> (AgentId, Frame, Batch) {
    let frame =
        Frame { agent: agent.0.to_vec(), boot: 1, lane: lane as i32, first_seq: 1, count: 1, ..Frame::default() };
    (agent, frame, batch)
}

/// What the machine that was broken into tells: a program that should not be there, and where it connects to.
fn trouble() -> Vec<(AgentId, Frame, Batch)> {
    let info = Process {
        key: ProcessKey::from_ticks(700, 700).0,
        comm: "bot".into(),
        exe: FileId { path: "/tmp/bot".into(), ..FileId::default() },
        ..Process::default()
    };
    let bot = Proc::new(info, None);
    let event =
        |at_s: i64, activity| Event { seq: 0, time_us: START_US + at_s * SECOND, process: Some(bot.clone()), activity };
    let started = event(1, Activity::Exec(Exec::default()));
    let net = NetActivity {
        op: NetOp::Connect as i32,
        protocol: 17,
        local_ip: vec![198, 51, 100, 2],
        remote_ip: VICTIM.to_vec(),
        remote_port: 7000,
        ..NetActivity::default()
    };
    let sends = event(11, Activity::Net(net));
    let web = || host("web", "198.51.100.2");
    let mut alert = Batch::pack(web(), []);
    alert.alerts.push(Alert {
        rule: "r".into(),
        title: "A program from /tmp".into(),
        severity: Severity::Medium as i32,
        time_us: started.time_us,
        decided_us: started.time_us,
        evidence: Batch::pack(web(), [&started]),
        ..Alert::default()
    });
    vec![frame(WEB, Lane::Alert, alert), frame(WEB, Lane::Telemetry, Batch::pack(web(), [&sends]))]
}

/// A second of users, and of a flood of UDP by four machines.
fn second(number: u8) -> (Counters, Vec<Sample>) {
    let packets = if number < 10 { 400 } else { 60_000 };
    let udp = if number < 10 { 0 } else { packets };
    let came = Counters {
        packets,
        bytes: packets * 60,
        tcp_ack: 360,
        udp,
        udp_bytes: udp * 60,
        new_sources: 4,
        ..Counters::default()
    };
    let one = |each: u16| {
        let mut header = vec![0x45, 0, 0, 60, 0, 0, 0, 0, 60, 17, 0, 0, 198, 51, 100, 1 + (each % 4) as u8];
        header.extend(VICTIM);
        header.extend((20_000 + each.wrapping_mul(97)).to_be_bytes());
        header.extend([0x1b, 0x58, 0, 40, 0, 0, number, each as u8]);
        Sample { at_ns: 0, length: 60, reason: None, header: header.into() }
    };
    (came, if udp > 0 { (0..400).map(one).collect() } else { Vec::new() })
}

/// The part of a scrubber that reports, and the questions it asks.
struct Scrubber {
    place: Place,
    reporter: Reporter,
    spool: SharedSpool,
    asked: Arc<Mutex<Vec<(u64, IpAddr)>>>,
}

impl Scrubber {
    fn new(folder: &Path, clock: &Arc<ManualClock>) -> Scrubber {
        let wide: Arc<dyn Clock> = clock.clone();
        let disk = Arc::new(MemoryDisk::new());
        let edge = host("edge", "203.0.113.1");
        let spool = Spool::open(disk, Path::new("/spool"), EDGE, edge.clone(), SpoolConfig::default(), wide.clone());
        let spool = SharedSpool::start(spool).unwrap();
        let file = folder.join("asn.mmdb");
        let record = vec![
            ("asn", Value::Text("AS64500")),
            ("as_name", Value::Text("Example Net")),
            ("country_code", Value::Text("NL")),
        ];
        std::fs::write(&file, database("ipinfo lite", 32, &[("198.51.100.0/24", Value::Map(record))])).unwrap();
        let (origins, board) = (Arc::new(Origins::default()), Arc::new(Board::default()));
        origins.look(&mut origin::Origins::new(&[file]));
        let teller = Arc::new(Teller::new(spool.clone(), board.clone(), edge, EDGE.to_string()));
        let (known, asked) = (Arc::new(Known::new(wide)), Arc::new(Mutex::new(Vec::new())));
        let asking: Arc<Mutex<Vec<(u64, IpAddr)>>> = asked.clone();
        known.connect(move |question, address| {
            asking.lock().unwrap().push((question, address));
            true
        });
        let prefix = Prefix::single(VICTIM.into());
        let entry = Protected {
            name: "shop".into(),
            prefix: prefix.to_string(),
            lowest: Level::Clean,
            highest: Level::Verified,
        };
        let place = Place::new(prefix, &entry, Watch::with(prefix, Settings::default(), Baseline::default()));
        Scrubber { place, reporter: Reporter { origins, known, board, teller }, spool, asked }
    }

    fn second(&mut self, now: i64, number: u8) {
        let (came, samples) = second(number);
        let judgement = self.place.watch.second(now, &came, &samples, None, None);
        if judgement.began {
            let Place { name, prefix, .. } = &self.place;
            let subject = Subject { name, prefix: *prefix, judgement: &judgement, proposals: Vec::new() };
            self.place.alert = self.reporter.teller.began(&subject);
        }
        if judgement.alarm || judgement.ended {
            self.reporter.report(&mut self.place, now, &judgement);
        }
    }

    /// The server answers what was asked.
    async fn asks(&self, senders: &Senders) {
        let asked = std::mem::take(&mut *self.asked.lock().unwrap());
        for (id, address) in asked {
            let ask = Ask { id, kind: About::ASK.into(), value: address.to_string(), ..Ask::default() };
            let found = senders.answer(EDGE, ask).await.unwrap();
            self.reporter.known.answered(id, found.as_deref(), false);
        }
    }
}

/// Intelligence that lists one of the senders by its range.
async fn intelligence(station: &Station, clock: &Arc<ManualClock>, folder: &Path) -> Arc<Intel> {
    let shelf = Shelf::new(clock.clone());
    let open = Intel::open(station.tables.clone(), clock.clone(), folder.join("intel"), shelf);
    let (intel, _) = open.await.unwrap();
    let claim = Claim { source: "feodo".into(), confidence: 90, malware: vec!["mirai".into()], ..Claim::default() };
    let listed = Indicator::guess("198.51.100.1").unwrap().with(claim);
    intel.edit(vec![Edit::Claim(listed)]).await.unwrap();
    intel
}

async fn stored(station: &Station, id: &str) -> Option<StoredAlert> {
    let place = station.tables.get(ALERT_KEYS, id).await.unwrap()?;
    let key = String::from_utf8_lossy(&place.value).into_owned();
    tables::find::<StoredAlert>(&*station.tables, ALERTS, &key).await.unwrap()
}

fn field<'a>(alert: &'a Alert, name: &str) -> &'a str {
    alert.matches.iter().find(|one| one.field == name).map_or("", |one| one.value.as_str())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_takes_part_in_an_attack_is_found_with_its_process() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(START_US));
    let mut station = Station::new(folder.path().join("lake"), clock.clone());
    station.start().await.unwrap();
    let intel = intelligence(&station, &clock, folder.path()).await;
    let life = station.life.as_mut().unwrap();
    life.greet(WEB, host("web", "198.51.100.2")).await;
    let pipeline = life.hands.pipeline.clone();
    assert!(pipeline.notice.set(Arc::new(Answers(intel.clone()))).is_ok());
    for (agent, frame, batch) in trouble() {
        pipeline.take(agent, &frame, batch, 1).await.unwrap();
    }
    let senders = Senders { answers: Answers(intel.clone()), hub: pipeline.hub.clone() };
    let mut scrubber = Scrubber::new(folder.path(), &clock);
    for number in 0..40 {
        clock.advance(SECOND);
        scrubber.second(START_US + i64::from(number) * SECOND, number);
        scrubber.asks(&senders).await;
    }
    // The report of the scrubber itself: system, country, indicator, host.
    let report = scrubber.reporter.board.attacks()[0].clone();
    let text = report["text"].as_str().unwrap();
    for words in [
        "OUR HOST web (198.51.100.2) took part",
        "AS64500 Example Net",
        "Countries: NL",
        "listed as ip 198.51.100.1 by feodo",
        "mirai",
    ] {
        assert!(text.contains(words), "{words} in\n{text}");
    }
    // Its alerts reach the server, twice, as after a crash.
    let frames = scrubber.spool.with(|spool| spool.unsent(Lane::Alert, (0, 0), 1 << 20));
    for frame in frames.iter().chain(&frames) {
        pipeline.take(EDGE, frame, frame.open().unwrap(), 2).await.unwrap();
    }
    let first = EventId { agent: WEB, boot: 1, lane: Lane::Alert, seq: 1 }.to_string();
    let incident = tables::incident(&*station.tables, &format!("INC-{first}")).await.unwrap();
    let begun = EventId { agent: EDGE, boot: scrubber.spool.with(|spool| spool.boot()), lane: Lane::Alert, seq: 1 };
    let told = stored(&station, &EventId { seq: 2, ..begun }.to_string()).await.unwrap().alert;
    assert_eq!((field(&told, "indicator"), field(&told, "alert")), ("198.51.100.1", begun.to_string().as_str()));
    assert!(field(&told, "host").starts_with(&format!("web {WEB}: 198.51.100.2 sender udp-flood ")));
    let parts: Vec<&String> = incident.alerts.iter().filter(|id| id.starts_with(correlate::OF_SERVER)).collect();
    let [part] = parts[..] else { panic!("{:?}", incident.alerts) };
    assert_eq!(incident.alerts.len(), 4, "trouble, attack, report and part are one incident: {:?}", incident.alerts);
    let part = stored(&station, part).await.unwrap();
    assert_eq!((part.host.as_str(), part.alert.agent.as_str()), ("web", WEB.to_string().as_str()));
    assert_eq!(
        (field(&part.alert, "known by"), part.alert.severity),
        ("a connection of this host", Severity::High as i32)
    );
    assert_eq!(part.alert.title, "This host took part in an attack on shop: UDP flood");
    assert_eq!(part.alert.title_zh, "本机参与了对 shop 的攻击：UDP 洪水");
    let chain = server::chain::chain(&pipeline, &incident.id).await.unwrap();
    assert!(
        chain.joins.iter().any(|join| join.reason.contains("took part in the attack that edge reports")),
        "{chain:?}"
    );
    // The indicator was met: its sighting is noted.
    let listed = intel.stored(intel::Kind::Ip, "198.51.100.1").await.unwrap().unwrap();
    assert!(listed.sightings.count > 0, "{listed:?}");
}

//! A hit becomes a question, an answer an alert; away from the server it waits.

use super::*;
use crate::bench::Kept;
use base::{Clock, ManualClock};
use fleet::content::Name;
use intel::{FilterBuilder, FilterDelta, Key, Kind, Tlp};
use record::{Activity, NetActivity, Proc, Process, Severity};

pub const BAD: &str = "198.51.100.7";

struct Bench {
    indicators: Arc<Indicators>,
    clock: Arc<ManualClock>,
    kept: Arc<Kept>,
    raiser: Raiser,
    inbox: Receiver<News>,
}

impl Bench {
    fn new() -> Bench {
        let (clock, kept) = (Arc::new(ManualClock::default()), Arc::new(Kept::default()));
        let raiser = crate::bench::raiser(&kept, clock.clone());
        let indicators = Indicators::new();
        let inbox = indicators.inbox.lock().unwrap().take().unwrap();
        Bench { indicators, clock, kept, raiser, inbox }
    }

    fn desk(&self) -> Desk<'_> {
        Desk::new(&self.indicators, &self.raiser, Host::default(), AgentId::default())
    }

    fn filter(&self, from: u64, version: u64, content: Vec<u8>) -> Result<()> {
        self.indicators.take(&Taken { name: Name::IntelFilter, version, from, content })
    }

    fn feed(&self, desk: &mut Desk<'_>) -> usize {
        self.inbox.try_iter().map(|news| desk.hear(news)).count()
    }
}

pub fn filter(epoch: u64, addresses: &[&str]) -> Vec<u8> {
    let mut keys: Vec<Key> = addresses.iter().map(|address| Key::of(Kind::Ip, address)).collect();
    keys.sort();
    let mut builder = FilterBuilder::new(epoch, keys.len());
    keys.into_iter().for_each(|key| builder.push(key).unwrap());
    builder.finish(Vec::new()).unwrap().encode()
}

pub fn connection(address: &str, process: u64, time_us: i64) -> Event {
    let mut net = NetActivity::default();
    net.remote_ip = match address.parse().unwrap() {
        std::net::IpAddr::V4(ip) => ip.octets().to_vec(),
        std::net::IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    let process = Some(Proc::new(Process { key: process, ..Process::default() }, None));
    Event { seq: 0, time_us, process, activity: Activity::Net(net) }
}

pub fn verdict(score: u8) -> bytes::Bytes {
    let verdict = Verdict {
        kind: Kind::Ip,
        value: BAD.into(),
        score,
        decayed: false,
        block_allowed: false,
        holds: Vec::new(),
        tlp: Tlp::Green,
        last_us: 0,
        sources: vec!["feed".into()],
        tags: Vec::new(),
        actors: Vec::new(),
        malware: vec!["mirai".into()],
        warnings: Vec::new(),
    };
    serde_json::to_vec(&verdict).unwrap().into()
}

fn see(spotter: &mut Spotter, event: &Event) {
    if spotter.look(event) {
        spotter.tell(event, "");
    }
}

#[test]
fn a_hit_is_asked_about_and_the_answer_is_the_alert() {
    let bench = Bench::new();
    let (mut spotter, mut desk) = (bench.indicators.spotter(), bench.desk());
    see(&mut spotter, &connection(BAD, 1, 1));
    assert_eq!(bench.feed(&mut desk), 0, "there is no filter");
    bench.filter(0, 5, filter(5, &[BAD])).unwrap();
    spotter.renew();
    for (address, process, time) in [(BAD, 1, 1), (BAD, 1, 2), ("192.0.2.9", 1, 3), (BAD, 2, 4)] {
        see(&mut spotter, &connection(address, process, time));
    }
    assert_eq!(bench.feed(&mut desk), 2, "one for each process a second");
    assert_eq!(desk.pending.len(), 1, "one question a value");
    desk.answered(Answer { id: 1, found: None, later: true }, 0);
    assert_eq!(desk.pending.len(), 1, "not now is no answer");
    desk.answered(Answer { id: 1, found: Some(verdict(70)), later: false }, 0);
    desk.answered(Answer { id: 1, found: Some(verdict(70)), later: false }, 0);
    // Known now: the next one is an alert at once, unless it is the same finding.
    see(&mut spotter, &connection(BAD, 3, 5));
    see(&mut spotter, &connection(BAD, 1, 9_000_000));
    bench.feed(&mut desk);
    let alerts = bench.kept.alerts();
    assert_eq!(alerts.len(), 2, "{alerts:?}");
    let first = &alerts[0];
    assert_eq!((first.rule.as_str(), first.severity), (alert::rule(Kind::Ip).as_str(), Severity::High as i32));
    assert_eq!((first.time_us, first.rule_version.as_str()), (1, "0000000000000005"));
    let matches: Vec<_> = first.matches.iter().map(|one| (one.field.as_str(), one.value.as_str())).collect();
    assert!(matches.contains(&("indicator", BAD)) && matches.contains(&("malware", "mirai")), "{matches:?}");
    assert_eq!(first.evidence.clone().unpack(1).unwrap().len(), 1);
}

#[test]
fn what_is_no_indicator_is_not_asked_again_until_the_filter_changes() {
    let bench = Bench::new();
    bench.filter(0, 5, filter(5, &[BAD])).unwrap();
    let (mut spotter, mut desk) = (bench.indicators.spotter(), bench.desk());
    see(&mut spotter, &connection(BAD, 1, 1));
    bench.feed(&mut desk);
    desk.answered(Answer { id: 1, found: None, later: false }, 0);
    see(&mut spotter, &connection(BAD, 2, 2));
    bench.feed(&mut desk);
    assert!(desk.pending.is_empty() && bench.kept.alerts().is_empty());
    let change =
        FilterDelta { from: 5, to: 6, added: [Key::of(Kind::Ip, "192.0.2.9")].into(), ..FilterDelta::default() };
    bench.filter(5, 6, change.encode()).unwrap();
    assert!(bench.filter(6, 7, b"nonsense".to_vec()).is_err());
    spotter.renew();
    desk.tick();
    for address in [BAD, "192.0.2.9"] {
        see(&mut spotter, &connection(address, 3, 3));
    }
    bench.feed(&mut desk);
    assert_eq!(desk.pending.len(), 2);
}

#[test]
fn without_a_server_hits_wait_in_bounds_and_are_asked_again() {
    let bench = Bench::new();
    let addresses: Vec<String> = (0..PENDING + 10).map(|n| format!("198.51.{}.{}", n / 250, n % 250)).collect();
    let listed: Vec<&str> = addresses.iter().map(String::as_str).collect();
    bench.filter(0, 5, filter(5, &listed)).unwrap();
    let (mut spotter, mut desk) = (bench.indicators.spotter(), bench.desk());
    for (time, address) in (0..).zip(&addresses) {
        see(&mut spotter, &connection(address, 1, time));
        bench.feed(&mut desk);
    }
    assert_eq!((desk.pending.len(), bench.indicators.lost()[0].1), (PENDING, 10));
    // Long away, and then an answer to the last.
    bench.clock.advance(60 * 1_000_000);
    desk.tick();
    let (last, pending) = desk.pending.last_key_value().map(|(id, one)| (*id, one.again)).unwrap();
    assert!(pending > bench.clock.monotonic());
    desk.answered(Answer { id: last, found: Some(verdict(90)), later: false }, bench.clock.monotonic());
    assert_eq!(bench.kept.alerts().len(), 1);
    // A question that is put off for ever is given up, and counted.
    let first = *desk.pending.first_key_value().unwrap().0;
    (0..PUT_OFF).for_each(|_| desk.answered(Answer { id: first, found: None, later: true }, 0));
    assert_eq!((desk.pending.contains_key(&first), bench.indicators.lost()[0].1), (false, 11));
}

//! Nanoseconds a packet of each stage and of the whole walk, by `BPF_PROG_TEST_RUN`: one hot frame, no driver.

use crate::frame::{Path, Segment, flags};
use crate::program::Programs;
use base::SystemRandom;
use ddos::{Field, Level, Prefix, Signature};
use kit::figures::{Row, median};
use scrub::{Action, Cookies, Filter, Limits, Plan, Sizes, Verdict};
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 10));
const SERVICE: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7));
const NOW: i64 = 1_700_000_000_000_000;
const HOUR: i64 = 3_600_000_000;
const RUNS: usize = 9;
/// Most nanoseconds for the whole walk.
const GOAL: f64 = 160.0;

fn wrong(cause: impl std::fmt::Display) -> io::Error {
    io::Error::other(cause.to_string())
}

fn filter(level: Level, cookies: Cookies, limits: Limits) -> io::Result<Filter> {
    let sizes = Sizes { confirmed: 65_536, ..Sizes::default() };
    let lease = Duration::from_secs(3600);
    let plan = Plan { cookies, limits, sizes, lease, sample_one_in: 0, ..Plan::new(0, "/unused".into()) };
    let mut filter = Filter::load(&plan, &SystemRandom::new()).map_err(wrong)?;
    filter.protect(&[(Prefix::single(SERVICE), level)]).map_err(wrong)?;
    Ok(filter)
}

fn no_limits() -> Limits {
    Limits { source: None, net: None, ..Limits::default() }
}

/// Rates that are looked up and never reached.
fn wide_limits() -> Limits {
    let rate = scrub::Rate { packets: 500_000_000, burst: 1_000_000 };
    Limits { source: Some(rate), net: Some(rate), ..Limits::default() }
}

fn list(filter: &mut Filter, count: u32) -> io::Result<()> {
    for n in 0..count {
        let address = Ipv4Addr::from(0x0b00_0000 + (n.wrapping_mul(0x9e37) % 0x1_0000) * 256);
        let prefix = Prefix::new(address.into(), 24).ok_or_else(|| wrong("prefix"))?;
        filter.list(prefix, Verdict::Deny).map_err(wrong)?;
    }
    Ok(())
}

fn ban(filter: &mut Filter, count: u32) -> io::Result<()> {
    for n in 0..count {
        let address = Ipv4Addr::from(0x1700_0000 + n);
        filter.ban(address.into(), Duration::from_secs(3600), 0).map_err(wrong)?;
    }
    Ok(())
}

/// Rules that a packet meets and does not match: each differs in the second term at the earliest.
fn rules(filter: &mut Filter, count: u32) -> io::Result<()> {
    for n in 0..count {
        let terms = vec![(Field::Protocol, 17), (Field::Length, 1000 + n), (Field::Ttl, 64)];
        filter.put_signature(&Signature::new(Prefix::single(SERVICE), terms, NOW + HOUR), NOW).map_err(wrong)?;
    }
    Ok(())
}

/// What each stage is: its id, what it is in words, a filter and a frame, and what becomes of that.
struct Stage {
    id: &'static str,
    what: &'static str,
    filter: Filter,
    frame: Vec<u8>,
    action: Action,
}

fn udp() -> Vec<u8> {
    let mut frame = Path::new(CLIENT, SERVICE).udp(4000, 443, &[7; 18]);
    frame.resize(60, 0);
    frame
}

fn stages() -> io::Result<Vec<Stage>> {
    let mut list_of = Vec::new();
    let mut add = |id, what, filter, frame, action| list_of.push(Stage { id, what, filter, frame, action });
    let at = |level| filter(level, Cookies::None, no_limits());
    add("E3.ns-count", "parse, destination, exact counters, new sources", at(Level::Observe)?, udp(), Action::Pass);
    for (id, what, count) in [
        ("E3.ns-prefix-1", "the same and a list of 1 prefix", 1),
        ("E3.ns-prefix-20000", "the same and a list of 20,000 prefixes", 20_000),
    ] {
        let mut filter = at(Level::Observe)?;
        list(&mut filter, count)?;
        add(id, what, filter, udp(), Action::Pass);
    }
    let mut banned = at(Level::Observe)?;
    ban(&mut banned, 10_000)?;
    add("E3.ns-ban", "count and 10,000 bans, none of them his", banned, udp(), Action::Pass);
    add("E3.ns-amplification", "count, malformed, reflection", at(Level::Clean)?, udp(), Action::Pass);
    let limit = filter(Level::Limit, Cookies::None, wide_limits())?;
    add("E3.ns-rates", "the same and rates of source and /24", limit, udp(), Action::Pass);
    for (id, what, count) in [
        ("E3.ns-rules-1", "count to reflection, confirmed sources, 1 signature", 1),
        ("E3.ns-rules-8", "the same with 8 signatures", 8),
        ("E3.ns-rules-32", "the same with 32 signatures", 32),
    ] {
        let mut filter = at(Level::Prove)?;
        rules(&mut filter, count)?;
        add(id, what, filter, udp(), Action::Pass);
    }
    let mut sampled = at(Level::Observe)?;
    sampled.set_sampling(1024).map_err(wrong)?;
    add("E3.ns-sample", "count, one header in 1024 sampled", sampled, udp(), Action::Pass);
    drops(&mut add)?;
    let mut whole = filter(Level::Prove, Cookies::None, wide_limits())?;
    list(&mut whole, 1000)?;
    ban(&mut whole, 10_000)?;
    rules(&mut whole, 8)?;
    whole.set_sampling(1024).map_err(wrong)?;
    let what = "the whole walk: 1,000 prefixes, 10,000 bans, reflection, 8 signatures, confirmed sources, rates of source and /24, counters, samples 1/1024";
    add("E3.ns-whole", what, whole, udp(), Action::Pass);
    Ok(list_of)
}

/// Packets that are dropped, and how early.
fn drops(add: &mut impl FnMut(&'static str, &'static str, Filter, Vec<u8>, Action)) -> io::Result<()> {
    let mut denied = filter(Level::Observe, Cookies::None, no_limits())?;
    denied.list(Prefix::single(CLIENT), Verdict::Deny).map_err(wrong)?;
    add("E3.ns-drop-denied", "dropped: denied prefix", denied, udp(), Action::Drop);
    let mut banned = filter(Level::Observe, Cookies::None, no_limits())?;
    banned.ban(CLIENT, Duration::from_secs(3600), 0).map_err(wrong)?;
    add("E3.ns-drop-ban", "dropped: banned", banned, udp(), Action::Drop);
    let clean = filter(Level::Clean, Cookies::None, no_limits())?;
    let mut monlist = [0; 48];
    monlist[0] = 0xd7;
    let frame = Path::new(CLIENT, SERVICE).udp(123, 443, &monlist);
    add("E3.ns-drop-amplification", "dropped: reflection", clean, frame, Action::Drop);
    let router = filter(Level::Prove, Cookies::Router, no_limits())?;
    let ack = Path::new(CLIENT, SERVICE).tcp(&Segment { flags: flags::ACK, ..Segment::default() });
    let what = "dropped: ACK that is of no connection and brings no cookie back (router)";
    add("E3.ns-drop-ack", what, router, ack, Action::Drop);
    Ok(())
}

pub(super) fn run(quick: bool) -> io::Result<Vec<Row>> {
    let times = if quick { 100_000 } else { 1_000_000 };
    let stages = stages()?;
    let programs = Programs::load()?;
    let mut empty = Vec::new();
    let mut results: Vec<Vec<f64>> = stages.iter().map(|_| Vec::new()).collect();
    // In turns, so that a noisy neighbour hits all alike.
    for _ in 0..RUNS {
        empty.push(programs.time("drop_all", &udp(), times)? as f64);
        for (stage, result) in stages.iter().zip(&mut results) {
            let trial = stage.filter.trial(&stage.frame, times).map_err(wrong)?;
            if trial.action != stage.action {
                return Err(wrong(format!("{}: {:?} instead of {:?}", stage.id, trial.action, stage.action)));
            }
            result.push(trial.time.as_nanos() as f64);
        }
    }
    let data = format!(
        "BPF_PROG_TEST_RUN, {times} runs on one frame, {RUNS} times in turns; an empty program is {:.0} ns of it",
        median(&empty)
    );
    let rows = stages.iter().zip(results).map(|(stage, ours)| {
        let whole = stage.id == "E3.ns-whole";
        let met = !whole || median(&ours) <= GOAL;
        let goal = if whole { format!("≤ {GOAL}") } else { String::new() };
        Row {
            id: stage.id.into(),
            what: stage.what.into(),
            ours,
            unit: "ns",
            peer: Vec::new(),
            peer_name: String::new(),
            goal,
            met,
            data: data.clone(),
        }
    });
    Ok(rows.collect())
}

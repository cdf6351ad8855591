//! The spool: nothing acknowledged is lost, nothing is lost in silence.

use base::{ManualClock, SeededRandom};
use bus::{LogConfig, MemoryDisk, Mishap, Spool, SpoolConfig, fault};
use record::{Activity, AgentId, Alert, Event, Exit, Frame, Host, Lane, Lost};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

const SMALL: SpoolConfig = SpoolConfig {
    log: LogConfig { segment_bytes: 2_000, record_bytes: 1_000_000 },
    budget_bytes: 1_000_000,
    memory_bytes: 100_000,
    batch_events: 4,
    batch_bytes: 100_000,
    batch_age: 200_000,
    sync_age: 500_000,
};

/// The number of the first start: the clock of a bench in milliseconds.
const FIRST_BOOT: u64 = 1_000_000;

struct Bench {
    disk: Arc<MemoryDisk>,
    clock: Arc<ManualClock>,
    config: SpoolConfig,
}

impl Bench {
    fn new(config: SpoolConfig) -> Bench {
        Bench { disk: Arc::new(MemoryDisk::new()), clock: Arc::new(ManualClock::at(1_000_000_000)), config }
    }

    fn open(&self) -> Spool {
        let host = Host { name: "host".into(), ..Host::default() };
        Spool::open(self.disk.clone(), Path::new("/spool"), AgentId([5; 16]), host, self.config, self.clock.clone())
    }

    fn pass(&self, spool: &mut Spool, micros: i64) {
        self.clock.advance(micros);
        spool.tick();
    }
}

/// Events whose batches do not compress to nothing.
fn events(count: usize, random: &SeededRandom) -> Vec<Event> {
    use base::Random;
    let event = |_| Event {
        seq: 0,
        time_us: random.below(u64::MAX) as i64,
        process: None,
        activity: Activity::Exit(Exit { code: 1, signal: 0, lived_us: random.below(u64::MAX) }),
    };
    (0..count).map(event).collect()
}

fn unsent(spool: &mut Spool, lane: Lane) -> Vec<Frame> {
    let mut found: Vec<Frame> = Vec::new();
    loop {
        let after = found.last().map_or((0, 0), |frame| (frame.boot, frame.last_seq()));
        let frames = spool.unsent(lane, after, 500);
        if frames.is_empty() {
            return found;
        }
        found.extend(frames);
    }
}

fn numbers(frames: &[Frame]) -> Vec<(u64, u64)> {
    frames.iter().flat_map(|frame| (frame.first_seq..=frame.last_seq()).map(|seq| (frame.boot, seq))).collect()
}

fn lost(frames: &[Frame]) -> Vec<Lost> {
    let opened = frames.iter().flat_map(|frame| frame.open().unwrap().unpack(frame.first_seq).unwrap());
    opened.filter_map(|event| if let Activity::Lost(lost) = event.activity { Some(lost) } else { None }).collect()
}

#[test]
fn numbers_begin_anew_at_each_start_and_old_frames_come_first() {
    let bench = Bench::new(SMALL);
    let random = SeededRandom::new(1);
    // The clock does not move, so that the counter does.
    let first = FIRST_BOOT;
    for boot in first..first + 3 {
        let mut spool = bench.open();
        assert_eq!(spool.boot(), boot);
        spool.push_telemetry(events(6, &random));
        let id = spool.push_alert(Alert::default()).unwrap();
        assert_eq!((id.boot, id.seq), (boot, 1));
        spool.flush();
        assert!(spool.take_faults().is_empty());
        bench.disk.crash(0);
    }
    let mut spool = bench.open();
    let expected: Vec<(u64, u64)> = (first..first + 3).flat_map(|boot| (1..=6).map(move |seq| (boot, seq))).collect();
    assert_eq!(numbers(&unsent(&mut spool, Lane::Telemetry)), expected);
    let alerts = unsent(&mut spool, Lane::Alert);
    assert_eq!(numbers(&alerts), [(first, 1), (first + 1, 1), (first + 2, 1)]);
    assert!(alerts[2].open().unwrap().alerts[0].id.ends_with(&format!("-{}-a-1", first + 2)));
    spool.ack(first, Lane::Telemetry, 6);
    spool.ack(first + 1, Lane::Telemetry, 4);
    assert_eq!(numbers(&unsent(&mut spool, Lane::Telemetry))[..3], [(first + 1, 5), (first + 1, 6), (first + 2, 1)]);
    spool.ack(first + 1, Lane::Telemetry, 6);
    spool.ack(first + 2, Lane::Telemetry, 6);
    assert!(unsent(&mut spool, Lane::Telemetry).is_empty() && unsent(&mut spool, Lane::Alert).len() == 3);
}

#[test]
fn an_alert_is_durable_when_push_returns_and_telemetry_after_half_a_second() {
    let bench = Bench::new(SMALL);
    let mut spool = bench.open();
    spool.push_telemetry(events(4, &SeededRandom::new(2)));
    spool.push_alert(Alert::default()).unwrap();
    bench.disk.crash(0);
    let mut spool = bench.open();
    assert_eq!((unsent(&mut spool, Lane::Alert).len(), unsent(&mut spool, Lane::Telemetry).len()), (1, 0));
    spool.push_telemetry(events(5, &SeededRandom::new(2)));
    bench.pass(&mut spool, 500_000);
    bench.disk.crash(0);
    assert_eq!(numbers(&unsent(&mut bench.open(), Lane::Telemetry)).len(), 5);
}

#[test]
fn over_the_budget_the_oldest_telemetry_goes_and_the_gap_is_reported() {
    let bench = Bench::new(SpoolConfig { budget_bytes: 10_000, ..SMALL });
    let random = SeededRandom::new(3);
    let mut spool = bench.open();
    for n in 0..300 {
        if n % 20 == 0 {
            spool.push_alert(Alert::default()).unwrap();
        }
        spool.push_telemetry(events(4, &random));
    }
    bench.pass(&mut spool, 2_000_000);
    assert!(spool.status().disk_bytes <= 12_000);
    let kept: BTreeSet<u64> = numbers(&unsent(&mut spool, Lane::Telemetry)).into_iter().map(|(_, seq)| seq).collect();
    let alerts = unsent(&mut spool, Lane::Alert);
    let count: usize = alerts.iter().map(|frame| frame.open().unwrap().alerts.len()).sum();
    assert_eq!(count, 15, "no alert is shed");
    let gaps = lost(&alerts);
    assert!(gaps.iter().all(|gap| gap.class == "exit" && gap.place == "spool"));
    assert_eq!(gaps.iter().map(|gap| gap.count).sum::<u64>() + kept.len() as u64, 1200);
    for seq in 1..=1200 {
        let reported = gaps.iter().any(|gap| (gap.first_seq..=gap.last_seq).contains(&seq));
        assert!(kept.contains(&seq) != reported, "number {seq}");
    }
    assert!(spool.take_faults().iter().any(|fault| fault.is(&fault::SHED)));
}

#[test]
fn a_full_disk_costs_telemetry_first_and_heals() {
    let bench = Bench::new(SpoolConfig { memory_bytes: 8_000, ..SMALL });
    let random = SeededRandom::new(4);
    let mut spool = bench.open();
    spool.push_telemetry(events(80, &random));
    bench.pass(&mut spool, 500_000);
    bench.disk.set_capacity(Some(spool.status().disk_bytes + 300));
    for _ in 0..60 {
        spool.push_telemetry(events(4, &random));
        spool.push_alert(Alert::default()).unwrap();
        bench.pass(&mut spool, 50_000);
    }
    let faults = spool.take_faults();
    assert!(faults.iter().any(|fault| fault.is(&fault::FULL)), "{faults:?}");
    assert!(spool.status().failing && spool.status().memory_bytes <= 8_000);
    bench.disk.set_capacity(None);
    bench.pass(&mut spool, 2_000_000);
    bench.pass(&mut spool, 2_000_000);
    assert!(!spool.status().failing && spool.status().memory_bytes == 0);
    bench.disk.crash(0);
    let mut spool = bench.open();
    let alerts = unsent(&mut spool, Lane::Alert);
    let count: usize = alerts.iter().map(|frame| frame.open().unwrap().alerts.len()).sum();
    assert_eq!(count, 60);
    let kept = numbers(&unsent(&mut spool, Lane::Telemetry)).len() as u64;
    assert_eq!(lost(&alerts).iter().map(|gap| gap.count).sum::<u64>() + kept, 80 + 240);
}

/// A workload; returns how many alerts were pushed and how many of them were durable at once.
fn work(bench: &Bench, spool: &mut Spool) -> (u64, u64) {
    let random = SeededRandom::new(5);
    let (mut pushed, mut durable) = (0, 0);
    for round in 0..12u64 {
        spool.push_telemetry(events(7, &random));
        spool.push_alert(Alert::default()).unwrap();
        pushed += 1;
        if !spool.status().failing {
            durable = pushed;
        }
        bench.pass(spool, 300_000);
        if round % 4 == 3 {
            spool.ack(spool.boot(), Lane::Telemetry, round * 5);
        }
    }
    (pushed, durable)
}

#[test]
fn one_failure_at_any_call_loses_nothing() {
    for mishap in [Mishap::Full, Mishap::Broken] {
        for n in 1..=400 {
            let bench = Bench::new(SMALL);
            bench.disk.fail_with(mishap);
            bench.disk.trip.fail_at(n);
            let mut spool = bench.open();
            work(&bench, &mut spool);
            bench.disk.trip.fail_at(0);
            bench.pass(&mut spool, 2_000_000);
            bench.pass(&mut spool, 2_000_000);
            let alerts = unsent(&mut spool, Lane::Alert);
            let kept: BTreeSet<(u64, u64)> = numbers(&unsent(&mut spool, Lane::Telemetry)).into_iter().collect();
            let gaps = lost(&alerts);
            for seq in 56..=84 {
                let reported = gaps.iter().any(|gap| (gap.first_seq..=gap.last_seq).contains(&seq));
                assert!(kept.contains(&(spool.boot(), seq)) || reported, "call {n}: number {seq}");
            }
            let count: usize = alerts.iter().map(|frame| frame.open().unwrap().alerts.len()).sum();
            assert_eq!(count, 12, "call {n}");
        }
    }
}

#[test]
fn a_crash_after_a_failure_at_any_call_keeps_every_durable_alert_and_no_number_twice() {
    for n in 1..=400 {
        let bench = Bench::new(SMALL);
        bench.disk.trip.fail_at(n);
        let mut spool = bench.open();
        let boot = spool.boot();
        let (_, durable) = work(&bench, &mut spool);
        bench.disk.trip.fail_at(0);
        bench.disk.crash(n as usize % 90);
        let mut spool = bench.open();
        assert!(spool.boot() > boot, "call {n}: start {} after {boot}", spool.boot());
        let alerts = unsent(&mut spool, Lane::Alert);
        let found: Vec<(u64, u64)> = numbers(&alerts);
        let distinct: BTreeSet<(u64, u64)> = found.iter().copied().collect();
        assert_eq!(distinct.len(), found.len(), "call {n}");
        let count = alerts.iter().map(|frame| frame.open().unwrap().alerts.len() as u64).sum::<u64>();
        assert!(count >= durable, "call {n}: {count} of {durable}");
    }
}

#[test]
fn a_corrupt_segment_is_named_and_its_numbers_are_reported() {
    let bench = Bench::new(SMALL);
    let mut spool = bench.open();
    spool.push_telemetry(events(400, &SeededRandom::new(6)));
    spool.flush();
    let second = Path::new("/spool/telemetry").join("00000000000000000012.log");
    let names = bus::Disk::list(bench.disk.as_ref(), Path::new("/spool/telemetry")).unwrap();
    let second = names.get(1).map_or(second, |(name, _)| Path::new("/spool/telemetry").join(name));
    bench.disk.flip(&second, 100);
    let mut spool = bench.open();
    assert!(spool.take_faults().iter().any(|fault| fault.is(&fault::CORRUPT_SEGMENT)));
    spool.flush();
    let kept = numbers(&unsent(&mut spool, Lane::Telemetry));
    let gaps = lost(&unsent(&mut spool, Lane::Alert));
    assert_eq!(gaps.iter().map(|gap| gap.count).sum::<u64>() + kept.len() as u64, 400);
    assert!(gaps.iter().all(|gap| gap.class == "unknown" && gap.place == format!("spool@{FIRST_BOOT}")));
}

#[test]
fn an_unreadable_counter_never_repeats_a_number() {
    let bench = Bench::new(SMALL);
    drop(bench.open());
    bus::replace(bench.disk.as_ref(), Path::new("/spool/boot"), b"rot").unwrap();
    let mut spool = bench.open();
    assert!(spool.boot() >= FIRST_BOOT && spool.take_faults().iter().any(|fault| fault.is(&fault::BOOT_COUNTER)));
}

/// The server has acknowledged numbers of the first starts; a start that counts from one again would repeat them.
#[test]
fn a_cleared_or_restored_directory_begins_a_start_that_never_was() {
    let bench = Bench::new(SMALL);
    let seen: Vec<u64> = (0..5).map(|_| bench.open().boot()).collect();
    let greatest = *seen.iter().max().unwrap();
    bench.clock.advance(1_000_000);
    let cleared = Bench { disk: Arc::new(MemoryDisk::new()), clock: bench.clock.clone(), config: SMALL };
    let after = cleared.open().boot();
    assert!(after > greatest, "{after} after {seen:?}");
    bench.clock.advance(1_000_000);
    assert!(bench.open().boot() > after, "the disk as it was at an earlier moment");
}

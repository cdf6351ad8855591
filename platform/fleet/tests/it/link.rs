//! What goes over the link.

use crate::bench::{Bench, until};
use base::Random;
use fleet::fault;
use record::{Activity, Alert, Event, Lane, Memory, Order, Receipt};
use std::sync::atomic::Ordering;

fn events(count: usize) -> Vec<Event> {
    let event = |n: usize| Event {
        seq: 0,
        time_us: n as i64,
        process: None,
        activity: Activity::Memory(Memory { call: "memfd_create".into(), name: format!("n{n}"), flags: 0 }),
    };
    (0..count).map(event).collect()
}

/// Events of about `bytes` that do not compress.
fn bulk(count: usize, bytes: usize) -> Vec<Event> {
    let random = base::SeededRandom::new(7);
    let mut noise = vec![0; bytes / 2];
    let mut event = |n: usize| {
        random.fill(&mut noise);
        let name = noise.iter().map(|byte| format!("{byte:02x}")).collect();
        Event {
            seq: 0,
            time_us: n as i64,
            process: None,
            activity: Activity::Memory(Memory { call: String::new(), name, flags: 0 }),
        }
    };
    (0..count).map(&mut event).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_are_acknowledged_and_orders_come_back() {
    let bench = Bench::new().await;
    let server = bench.serve(0).await;
    let agent = bench.agent(&server.url, "a").await;
    let (uplink, mut orders) = agent.link();
    agent.spool.push_telemetry(events(41));
    let id = agent.spool.push_alert(Alert { title: "found".into(), ..Alert::default() }).unwrap();
    agent.drained().await;
    assert_eq!((bench.store.count(Lane::Telemetry), bench.store.count(Lane::Alert)), (41, 1));
    let alert =
        bench.store.frames.lock().unwrap().iter().find(|frame| frame.lane == Lane::Alert as i32).cloned().unwrap();
    assert_eq!(alert.open().unwrap().alerts[0].id, id.to_string());
    assert!(until(&uplink, |status| status.in_flight_bytes == 0).await.last_ack_us > 0);
    let sender = bench.store.orders.lock().unwrap().clone().unwrap();
    sender.send(Order { id: "ord-1".into(), ..Order::default() }).await.unwrap();
    assert_eq!(orders.recv().await.unwrap().id, "ord-1");
    agent.spool.push_receipt(Receipt { order: "ord-1".into(), ..Receipt::default() }).unwrap();
    bench.store.until(|store| store.count(Lane::Alert) == 2).await;
    uplink.stop().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_restarts_or_fails_gets_everything_once() {
    let bench = Bench::new().await;
    let mut server = bench.serve(0).await;
    let agent = bench.agent(&server.url, "a").await;
    let port = server.url.rsplit(':').next().unwrap().parse().unwrap();
    let (uplink, _orders) = agent.link();
    for round in 0..3 {
        agent.spool.push_telemetry(events(40));
        agent.spool.push_alert(Alert::default()).unwrap();
        bench.store.until(|store| store.count(Lane::Telemetry) > round * 40).await;
        server.stop().await;
        // While nobody listens the spool fills; the next server fails a few times first.
        agent.spool.push_telemetry(events(4));
        bench.store.failures.store(2, Ordering::SeqCst);
        server = bench.serve(port).await;
        bench
            .store
            .until(|store| store.count(Lane::Alert) == round + 1 && store.count(Lane::Telemetry) >= (round + 1) * 44)
            .await;
    }
    agent.drained().await;
    assert_eq!((bench.store.count(Lane::Telemetry), bench.store.count(Lane::Alert)), (3 * 44, 3));
    uplink.stop().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_sent_again_is_acknowledged_again() {
    let bench = Bench::new().await;
    let server = bench.serve(0).await;
    let agent = bench.agent(&server.url, "a").await;
    agent.spool.push_telemetry(events(40));
    // The server has everything already but has forgotten to say so: its positions are empty.
    let frames = agent.spool.unsent(Lane::Telemetry, (0, 0), usize::MAX).await;
    {
        let mut received = bench.store.received.lock().unwrap();
        let received = received.entry(agent.identity.agent).or_default();
        frames.iter().skip(1).for_each(|frame| assert!(received.add(frame)));
    }
    let (uplink, _orders) = agent.link();
    agent.drained().await;
    assert_eq!(bench.store.count(Lane::Telemetry), 4, "only the first batch was new");
    assert_eq!(bench.store.duplicates.load(Ordering::SeqCst), 9);
    uplink.stop().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credit_bounds_what_is_under_way_and_alerts_overtake() {
    let bench = Bench::new().await;
    let server = bench.serve(0).await;
    let agent = bench.agent(&server.url, "a").await;
    // No accept returns: the agent may send until its credit is used up.
    bench.store.closed.send_replace(true);
    agent.spool.push_telemetry(bulk(80, 600_000));
    let (uplink, _orders) = agent.link();
    let window = 8 * 1024 * 1024;
    let stuck = until(&uplink, |status| status.in_flight_bytes > window / 2 && status.credit_bytes < 2_500_000).await;
    assert!(stuck.in_flight_bytes <= window);
    // An alert goes ahead of all telemetry that waits for credit.
    agent.spool.push_alert(Alert::default()).unwrap();
    until(&uplink, |status| status.in_flight_bytes > stuck.in_flight_bytes).await;
    bench.store.closed.send_replace(false);
    agent.drained().await;
    assert!(bench.store.most_waiting_bytes.load(Ordering::SeqCst) <= window);
    let frames = bench.store.frames.lock().unwrap().clone();
    let alert = frames.iter().position(|frame| frame.lane == Lane::Alert as i32).unwrap();
    assert!(alert < frames.len() - 1, "the alert came before the last telemetry");
    assert_eq!(frames.iter().map(|frame| u64::from(frame.count)).sum::<u64>(), 81);
    uplink.stop().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_malformed_batch_is_refused_reported_and_the_link_goes_on() {
    let bench = Bench::new().await;
    let server = bench.serve(0).await;
    let agent = bench.agent(&server.url, "a").await;
    let raw = crate::raw::Raw::connect(&agent.identity).await;
    let mut raw = raw.greet().await;
    let good = record::Frame::seal(
        agent.identity.agent,
        9,
        Lane::Alert,
        1,
        &record::Batch { alerts: vec![Alert::default()], ..Default::default() },
    )
    .unwrap();
    let wrong_sum = record::Frame { crc: good.crc ^ 1, ..good.clone() };
    let nonsense = bytes::Bytes::from_static(b"not zstd at all");
    let wrong_bytes = record::Frame { crc: crc32c::crc32c(&nonsense), payload: nonsense, first_seq: 2, ..good.clone() };
    let wrong_lane = record::Frame { lane: 7, ..good.clone() };
    let none = record::Frame { count: 0, ..good.clone() };
    for (frame, code) in [
        (wrong_sum, "record.checksum"),
        (wrong_bytes, "record.malformed"),
        (wrong_lane, "record.malformed"),
        (none, "record.malformed"),
    ] {
        raw.send(frame).await;
        assert_eq!(raw.refused().await, code);
    }
    raw.send(good.clone()).await;
    assert_eq!(raw.acked().await, 1);
    raw.send(record::Frame { agent: vec![3; 16], ..good }).await;
    let ended = raw.ended().await;
    assert!(ended.contains(fault::WRONG_AGENT.title), "{ended}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_numbers_become_a_reported_gap() {
    let bench = Bench::new().await;
    let server = bench.serve(0).await;
    let agent = bench.agent(&server.url, "a").await;
    let (uplink, _orders) = agent.link();
    until(&uplink, |status| status.connected).await;
    agent.spool.with(|spool| spool.refused(spool.boot(), Lane::Telemetry, 1, 4));
    agent.spool.with(bus::Spool::flush);
    bench.store.until(|store| store.count(Lane::Alert) == 1).await;
    let frame = bench.store.frames.lock().unwrap()[0].clone();
    let events = frame.open().unwrap().unpack(1).unwrap();
    assert!(matches!(&events[0].activity, Activity::Lost(lost) if lost.count == 4 && lost.class == "unknown"));
    uplink.stop().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_hears_how_the_agent_is_and_what_changes() {
    let bench = Bench::new().await;
    let server = bench.serve(0).await;
    let agent = bench.agent(&server.url, "a").await;
    let (uplink, _orders) = agent.link();
    bench.store.until(|store| store.states.lock().unwrap().len() == 1).await;
    let state = fleet::wire::AgentState { rules: 42, lost: [("exec".to_string(), 7)].into(), ..Default::default() };
    uplink.describe(state.clone());
    bench.store.until(|store| store.states.lock().unwrap().last().unwrap().rules == 42).await;
    // The same again is not worth a word.
    uplink.describe(state);
    agent.spool.push_telemetry(events(4));
    agent.drained().await;
    let states = bench.store.states.lock().unwrap();
    assert!(states.len() <= 2 && !states[0].version.is_empty(), "{states:?}");
    assert_eq!((states.last().unwrap().lost["exec"], &states.last().unwrap().version), (7, &states[0].version));
}

//! Ways between hosts: bounds, and what a flood of them costs.

use correlate::{Correlator, Limits};
use proptest::prelude::*;
use record::*;

fn host(number: u32) -> Host {
    let [_, a, b, c] = number.to_be_bytes();
    Host {
        name: format!("h{number}"),
        boot_id: "b".into(),
        addresses: vec![format!("10.{a}.{b}.{c}")],
        ..Host::default()
    }
}

fn net(op: NetOp, from: u32, to: u32, port: u32, time_us: i64) -> Event {
    let ip = |number: u32| {
        let [_, a, b, c] = number.to_be_bytes();
        vec![10, a, b, c]
    };
    let (local, remote) = if op == NetOp::Connect { ((from, port), (to, 22)) } else { ((to, 22), (from, port)) };
    let activity = Activity::Net(NetActivity {
        op: op as i32,
        local_ip: ip(local.0),
        local_port: local.1,
        remote_ip: ip(remote.0),
        remote_port: remote.1,
        ..NetActivity::default()
    });
    let info = Process { key: ProcessKey::from_ticks(port, 1).0, ..Process::default() };
    Event { seq: 0, time_us, process: Some(Proc::new(info, None)), activity }
}

#[test]
fn a_flood_of_connections_keeps_memory_bounded() {
    let mut correlator = Correlator::new(Limits::default());
    for turn in 0..300_000u32 {
        let (from, to) = (1 + turn % 50, 1 + (turn / 7) % 60);
        let event = net(NetOp::Connect, from, to, 1 + turn % 65_000, i64::from(turn) * 1000);
        correlator.event(&format!("a{from}"), &host(from), &format!("e{turn}"), &event);
    }
    let (hosts, ways, waiting) = correlator.ways();
    assert!(hosts <= 60 && ways <= 60 * 64, "{hosts} hosts, {ways} ways");
    assert!(waiting <= 4 * 65_536, "{waiting}");
}

proptest! {
    #[test]
    fn any_telemetry_is_taken_and_replays_the_same(
        list in prop::collection::vec((0u32..5, 0u32..5, 0u32..6, any::<bool>(), any::<i64>(), ".{0,12}"), 0..60)
    ) {
        let run = || {
            let mut correlator = Correlator::new(Limits::default());
            for (turn, (from, to, port, dials, time_us, text)) in list.iter().enumerate() {
                let op = if *dials { NetOp::Connect } else { NetOp::Accept };
                let mut event = net(op, *from, *to, *port, *time_us);
                let place = if *dials { *from } else { *to };
                if *port == 5 {
                    let fields = vec![Pair::new("outcome", "accepted"), Pair::new("user", text),
                        Pair::new("src_ip", text), Pair::new("src_port", text)];
                    event.activity = Activity::Log(Log { fields, ..Log::default() });
                }
                let agent = format!("a{place}");
                let alert = Alert {
                    id: format!("x{turn}"), agent: agent.clone(), time_us: *time_us,
                    evidence: Batch::pack(host(place), [&event]), ..Alert::default()
                };
                if turn % 3 == 0 {
                    correlator.observe(&alert, &host(place));
                }
                correlator.event(&agent, &host(place), &format!("e{turn}"), &event);
            }
            let open: Vec<Incident> = correlator.open().filter_map(|id| correlator.incident(id)).collect();
            (open, correlator.ways())
        };
        prop_assert_eq!(run(), run());
    }
}

//! How long announcements take to a router: `cargo test -p bgp --test it -- --ignored --nocapture`. Writes `figures/bgp.json`.
//!
//! A time is from the call to when the router's own tool shows the change, so it holds one run of that tool (a few
//! milliseconds for `ip` and `birdc`, tens for `gobgp`).

use crate::interop::{LEASE, approval, examples};
use crate::router::{Bird, Gobgp, Router, Session};
use crate::world::{World, established, neighbour, possible, speaker, wait};
use bgp::Speaker;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const RUNS: usize = 5;
const LEASED: Duration = Duration::from_millis(700);

/// Milliseconds by what was measured.
type Times = BTreeMap<&'static str, Vec<f64>>;

fn note(times: &mut Times, what: &'static str, taken: Duration) {
    times.entry(what).or_default().push(taken.as_secs_f64() * 1000.0);
}

fn until(what: &str, begin: Instant, yes: impl FnMut() -> bool) -> Duration {
    wait(what, yes);
    begin.elapsed()
}

/// One session: announce, withdraw, lease, stop. `shows` looks where the router has put it.
fn session(
    world: &World,
    runtime: &tokio::runtime::Runtime,
    which: usize,
    shows: &dyn Fn(&str) -> bool,
    times: &mut Times,
) {
    let (announcement, text) = &examples()[which];
    let tell = |speaker: &Speaker, lease| speaker.announce(announcement.clone(), lease, approval()).unwrap();
    let open = || {
        let begin = Instant::now();
        let speaker = speaker(runtime, neighbour());
        established(&speaker);
        (begin.elapsed(), speaker)
    };
    let (taken, first) = open();
    note(times, "established", taken);
    let begin = Instant::now();
    let id = tell(&first, LEASE);
    note(times, "announce", until("announced", begin, || shows(text)));
    let begin = Instant::now();
    first.withdraw(id).unwrap();
    note(times, "withdraw", until("withdrawn", begin, || !shows(text)));
    let end = Instant::now() + LEASED;
    tell(&first, LEASED);
    wait("announced", || shows(text));
    wait("lease end", || !shows(text));
    note(times, "lease", end.elapsed());
    tell(&first, LEASE);
    wait("announced", || shows(text));
    let begin = Instant::now();
    runtime.block_on(first.stop("measure"));
    note(times, "stop", until("stopped", begin, || !shows(text)));
    let (_, second) = open();
    tell(&second, LEASE);
    wait("announced", || shows(text));
    let begin = Instant::now();
    drop(second);
    note(times, "death", until("dead", begin, || !shows(text)));
    assert!(world.folder.path().exists());
}

/// What each time means.
fn meaning(what: &str) -> &'static str {
    match what {
        "established" => "start of the speaker to an established session",
        "announce" => "announce() until the router shows it",
        "withdraw" => "withdraw() until the router has dropped it",
        "lease" => "end of the lease until the router has dropped it",
        "stop" => "stop() until the router has dropped everything",
        _ => "loss of the speaker without a word until the router has dropped everything",
    }
}

fn rows(place: &str, router: &str, times: &Times) -> Vec<Value> {
    let row = |(what, taken): (&&str, &Vec<f64>)| {
        let mut sorted = taken.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.iter_mut().for_each(|time| *time = (*time * 1000.0).round() / 1000.0);
        let (first, last) = (sorted[0], sorted[sorted.len() - 1]);
        let told = *what != "established";
        let goal = if told { "<= 1000, every run" } else { "" };
        json!({"id": format!("E4.bgp-{place}-{what}"), "what": meaning(what), "ours": sorted[sorted.len() / 2], "unit": "ms",
            "peer": null, "peer_name": "", "ratio": null, "goal": goal, "met": !told || last <= 1000.0, "runs": sorted.len(),
            "spread": [first, last], "data": format!("{router}, two network namespaces of this machine; with one run of the router's own tool")})
    };
    times.iter().map(row).collect()
}

fn publish(rows: &[Value]) {
    for row in rows {
        println!(
            "{:<32} {:>8.1} ms {} runs, spread {} | {}",
            row["id"].as_str().unwrap(),
            row["ours"],
            row["runs"],
            row["spread"],
            row["what"].as_str().unwrap()
        );
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| std::path::PathBuf::from("target"), Into::into);
    std::fs::create_dir_all(target.join("figures")).unwrap();
    std::fs::write(target.join("figures/bgp.json"), format!("{:#}\n", Value::from(rows.to_vec()))).unwrap();
    let unmet: Vec<_> = rows.iter().filter(|row| row["met"] != true).collect();
    assert!(unmet.is_empty(), "{unmet:?}");
}

#[test]
#[ignore = "measures; `make bench` runs it"]
fn routers_follow_within_a_second() {
    if !possible("times of BGP", &["ip", "bird", "birdc", "gobgpd", "gobgp"]) {
        return;
    }
    let mut all = Vec::new();
    {
        let world = World::new();
        let bird = Bird::start(&world, Session::default());
        let (mut kernel, mut flow) = (Times::new(), Times::new());
        world.inside(|runtime| {
            for _ in 0..RUNS {
                session(&world, runtime, 0, &|text| world.blackholes().contains(text), &mut kernel);
                session(&world, runtime, 2, &|text| bird.heard().contains(text), &mut flow);
            }
        });
        all.extend(rows("bird-kernel", &format!("RTBH in the kernel routes of {}", bird.version()), &kernel));
        all.extend(rows("bird-flowspec", &format!("FlowSpec rule in the table of {}", bird.version()), &flow));
    }
    // GoBGP refuses a neighbour that it has lost for some seconds, so how long a second session takes is not ours to say.
    let world = World::new();
    let gobgp = Gobgp::start(&world, Session::default());
    let (mut unicast, mut flow) = (Times::new(), Times::new());
    world.inside(|runtime| {
        for _ in 0..RUNS {
            session(&world, runtime, 0, &|text| gobgp.heard().contains(text), &mut unicast);
            session(&world, runtime, 2, &|text| gobgp.heard().contains(text), &mut flow);
        }
    });
    for times in [&mut unicast, &mut flow] {
        times.remove("established");
    }
    all.extend(rows("gobgp-rtbh", &format!("RTBH in the table of {}", gobgp.version()), &unicast));
    all.extend(rows("gobgp-flowspec", &format!("FlowSpec rule in the table of {}", gobgp.version()), &flow));
    publish(&all);
}

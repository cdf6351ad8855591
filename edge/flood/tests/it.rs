//! A site under attack, simulated: an origin with a few workers, clients that browse, and a flood of ten times what the origin
//! can take, from many sources, on real paths, with several fingerprints. Time and chance come from a seed.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests stand outside test functions")]

mod world;

use flood::Level;
use world::{Kind, World};

/// Good success, and the 95th percentile of its latency, of visits that began in these seconds.
fn good(world: &World, seconds: std::ops::Range<u64>) -> (f64, u64) {
    let visits = world.visits.iter().filter(|visit| seconds.contains(&(visit.began_us / 1_000_000)));
    let visits: Vec<_> = visits.collect();
    let mut latencies: Vec<u64> = visits.iter().filter(|visit| visit.served).map(|visit| visit.latency_us).collect();
    latencies.sort_unstable();
    let success = latencies.len() as f64 / visits.len().max(1) as f64;
    (success, latencies.get(latencies.len() * 95 / 100).copied().unwrap_or(u64::MAX))
}

#[test]
fn ten_times_the_load_of_an_attack_costs_good_clients_nothing() {
    let mut world = World::new(1);
    world.run(240, &[]);
    assert_eq!(world.site.level(), Level::Normal, "{:?}", world.site.snapshot());
    // The origin takes 400 requests a second; the flood is 4000.
    world.run(120, &[Kind::Script, Kind::Library, Kind::Imitation]);
    world.run(240, &[]);

    let (before, during, after) = (good(&world, 30..240), good(&world, 240..360), good(&world, 360..590));
    let changes = world.site.take_changes();
    let told: Vec<String> = changes.iter().map(|change| change.text(base::Lang::En)).collect();
    let snapshot = world.site.snapshot();
    eprintln!(
        "before {before:?} during {during:?} after {after:?}\n{told:#?}\n{:?}\n{:?}",
        snapshot.counters, snapshot.challenges
    );

    assert!(before.0 >= 0.9999 && during.0 >= 0.999 && after.0 >= 0.9999, "{before:?} {during:?} {after:?}");
    assert!(during.1 < 1_000_000 && after.1 <= before.1 * 2, "{before:?} {during:?} {after:?}");
    for pair in changes.windows(2) {
        assert_eq!(pair[0].to, pair[1].from, "{told:#?}");
    }
    let steps = changes.iter().map(|change| (change.from as i32 - change.to as i32).abs());
    assert!(steps.clone().all(|step| step == 1) && changes.len() <= 8, "in order, no flapping: {told:#?}");
    assert_eq!(world.site.level(), Level::Normal, "{told:#?}");
    let served = world.attack_served as f64 / world.attack_sent as f64;
    assert!(served < 0.1, "{served} of the attack was served");
    let attackers = world.site.take_attackers();
    assert!(attackers.len() >= 200, "{}", attackers.len());
    assert!(attackers.iter().all(|attacker| world.is_attacker(attacker.client)), "a good client was reported");
}

/// Sources that browsed like people for minutes before, or that solve every challenge, are told from people by how much they ask.
#[test]
fn earned_trust_buys_no_flood() {
    for kind in [Kind::Patient, Kind::Solver] {
        let mut world = World::new(4);
        if kind == Kind::Patient {
            world.pretend();
        }
        world.run(240, &[]);
        (world.attack_sent, world.attack_served) = (0, 0);
        world.run(120, &[kind]);
        world.run(60, &[]);
        let (first, then) = (good(&world, 240..260), good(&world, 260..360));
        let told: Vec<String> = world.site.take_changes().iter().map(|change| change.text(base::Lang::En)).collect();
        let snapshot = world.site.snapshot();
        eprintln!(
            "{kind:?} {first:?} {then:?} {:?}\n{told:#?} {:?} {:?}",
            world.attack_served, snapshot.counters, snapshot.challenges
        );
        assert!(first.0 >= 0.95 && then.0 >= 0.999, "{kind:?}: {first:?} {then:?} {told:#?}");
    }
}

#[test]
fn a_crowd_of_people_is_not_an_attack() {
    let mut world = World::new(2);
    world.run(120, &[]);
    world.crowd(200);
    world.run(120, &[]);
    let (success, p95_us) = good(&world, 120..230);
    let changes = world.site.take_changes();
    assert!(success >= 0.999 && p95_us < 2_000_000, "{success} {p95_us} {changes:#?}");
    assert!(world.site.take_attackers().is_empty());
}

#[test]
fn the_same_seed_gives_the_same() {
    let run = || {
        let mut world = World::new(3);
        world.run(60, &[]);
        world.run(20, &[Kind::Script]);
        (world.site.snapshot().counters, world.visits.len())
    };
    assert_eq!(run(), run());
}

mod any_order {
    //! Whatever comes in whatever order: nothing panics, and what is at the origin is what was admitted or woken and not finished.

    use flood::{Decision, Outcome, Request, Settings, Site, Ticket};
    use proptest::prelude::*;

    #[derive(Debug, Clone)]
    enum Step {
        Arrive { client: u8, target: &'static str, cookie: bool, navigates: bool },
        Finish { which: usize, status: u16, abandoned: bool, blocked: bool },
        Leave { which: usize },
        Tick { us: u64 },
    }

    fn step() -> impl Strategy<Value = Step> {
        let target = proptest::sample::select(vec!["/", "/a", "/b/1?q", "", "*", "http://x/"]);
        prop_oneof![
            6 => (any::<u8>(), target, any::<bool>(), any::<bool>())
                .prop_map(|(client, target, cookie, navigates)| Step::Arrive { client, target, cookie, navigates }),
            3 => (any::<usize>(), 100_u16..600, any::<bool>(), any::<bool>())
                .prop_map(|(which, status, abandoned, blocked)| Step::Finish { which, status, abandoned, blocked }),
            1 => any::<usize>().prop_map(|which| Step::Leave { which }),
            2 => (0_u64..3_000_000).prop_map(|us| Step::Tick { us }),
        ]
    }

    proptest! {
        #[test]
        fn the_books_balance(steps in proptest::collection::vec(step(), 0..400)) {
            let concurrency = flood::Concurrency { first: 4, least: 1, most: 8 };
            let settings = Settings { concurrency, queue_length: 6, clients: 8, confirm_after: 3, ..Settings::default() };
            prop_assert!(settings.check().is_ok());
            let mut site = Site::new("s", settings, 1, &[1; 32], 0);
            let (mut now, mut at_work, mut waiting) = (0_u64, Vec::<Ticket>::new(), Vec::<u64>::new());
            for step in steps {
                now += 1000;
                let mut woken = Vec::new();
                match step {
                    Step::Arrive { client, target, cookie, navigates } => {
                        let cookie = cookie.then_some("nonsense");
                        let client = [10, 0, 0, client].into();
                        let request = Request { client, fingerprint: "f", binding: "b", method: "GET", target, cookie, navigates };
                        match site.arrive(&request, now) {
                            Decision::Admit(ticket) => at_work.push(ticket),
                            Decision::Queue { waiter, displaced, .. } => {
                                waiting.push(waiter);
                                waiting.retain(|waiter| Some(*waiter) != displaced);
                            }
                            Decision::Challenge { .. } | Decision::Refuse { .. } => {}
                        }
                    }
                    Step::Finish { which, status, abandoned, blocked } if !at_work.is_empty() => {
                        let ticket = at_work.swap_remove(which % at_work.len());
                        let outcome = Outcome { status, latency_us: 1000, abandoned, blocked };
                        site.finish(ticket, outcome, now, &mut woken);
                    }
                    Step::Leave { which } if !waiting.is_empty() => {
                        let waiter = waiting.swap_remove(which % waiting.len());
                        site.leave(waiter);
                    }
                    Step::Tick { us } => {
                        now += us;
                        site.tick(now, &mut woken);
                    }
                    _ => {}
                }
                for (waiter, ticket) in woken {
                    prop_assert!(waiting.contains(&waiter), "only who waits is woken");
                    waiting.retain(|other| *other != waiter);
                    at_work.push(ticket);
                }
                prop_assert!(at_work.len() <= 8 && waiting.len() <= 400);
                let counters = site.snapshot().counters;
                prop_assert!(counters.admitted as usize >= at_work.len());
            }
        }
    }
}

/// Where it only observes, the attack is seen and counted, and everyone is let in.
#[test]
fn observing_shows_levels_and_refuses_nobody() {
    let mut world = World::new(3);
    world.run(60, &[]);
    let settings = flood::Settings { mode: flood::Mode::Observe, ..flood::Settings::default() };
    world.site.configure(settings);
    world.run(30, &[Kind::Script]);
    let snapshot = world.site.snapshot();
    assert!(snapshot.level > Level::Normal && snapshot.mode == flood::Mode::Observe, "{snapshot:?}");
    assert_eq!(snapshot.counters.arrived, snapshot.counters.admitted);
    assert!(snapshot.counters.held.iter().sum::<u64>() > 0, "what would have been held is counted: {snapshot:?}");
    assert_eq!((snapshot.challenges.given, world.site.take_attackers().len()), (0, 0));
}

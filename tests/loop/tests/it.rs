//! The loop under every failure: a script with trouble at each step, and scripts that chance writes.

#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "it/attack.rs"]
mod attack;
#[path = "it/hosts.rs"]
mod hosts;

use base::{Random, SeededRandom};
use closed_loop::check::check;
use closed_loop::script::{WHOLE, by_chance};
use closed_loop::world::{Machine, World};
use kit::plug::Trouble;

/// Seeds of one run; `GARRISON_SEED=n` replays the one of that number.
const SEEDS: u64 = 200;
/// More steps than any run of the script makes.
const MOST_STEPS: u64 = 5_000;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Runs the whole script with trouble at each step of a machine until the script ends without reaching it.
fn walk_through(machine: Machine, trouble: Trouble) {
    let runtime = runtime();
    for step in 1..MOST_STEPS {
        let came = runtime.block_on(async {
            let mut world = World::new(step);
            let came = world.run(WHOLE, Some((machine, step, trouble))).await;
            let wrong = check(&world).await;
            assert!(wrong.is_empty(), "{machine:?}, {trouble:?} at step {step}:\n{}", wrong.join("\n"));
            came
        });
        if !came {
            assert!(step > 20, "the script made only {step} steps");
            println!("{machine:?}, {trouble:?}: {} steps", step - 1);
            return;
        }
    }
    panic!("the script never came to its end");
}

#[test]
fn without_trouble_everything_arrives_once() {
    runtime().block_on(async {
        let mut world = World::new(1);
        world.run(WHOLE, None).await;
        let wrong = check(&world).await;
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert_eq!(world.guard.truth.promised.len(), 4);
        println!("steps: agent {}, server {}", world.guard.plug.steps(), world.station.plug.steps());
    });
}

#[test]
fn the_agent_dies_before_each_of_its_steps() {
    walk_through(Machine::Guard, Trouble::CutBefore);
}

#[test]
fn the_agent_dies_after_each_of_its_steps() {
    walk_through(Machine::Guard, Trouble::CutAfter);
}

#[test]
fn each_call_of_the_agent_fails_once() {
    walk_through(Machine::Guard, Trouble::FailOnce);
}

#[test]
fn the_server_dies_before_each_of_its_steps() {
    walk_through(Machine::Station, Trouble::CutBefore);
}

#[test]
fn the_server_dies_after_each_of_its_steps() {
    walk_through(Machine::Station, Trouble::CutAfter);
}

#[test]
fn each_call_of_the_server_fails_once() {
    walk_through(Machine::Station, Trouble::FailOnce);
}

#[test]
fn chance_finds_no_way_to_lose_or_double_anything() {
    let only: Option<u64> = std::env::var("GARRISON_SEED").ok().and_then(|seed| seed.parse().ok());
    let runtime = runtime();
    for seed in only.map_or(0..SEEDS, |seed| seed..seed + 1) {
        let random = SeededRandom::new(seed ^ 0x5eed);
        let script = by_chance(30 + random.below(60) as usize, &random);
        runtime.block_on(async {
            let mut world = World::new(seed);
            world.run(&script, None).await;
            let wrong = check(&world).await;
            assert!(wrong.is_empty(), "GARRISON_SEED={seed}\n{}\n{script:?}", wrong.join("\n"));
        });
    }
}

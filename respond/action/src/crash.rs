//! The agent dies at every single step; after the next start there is no double effect and nothing half done.

use crate::{Executor, ExecutorConfig, NeverList, NoGate, Sessions, fuse};
use base::{ManualClock, Micros};
use record::{ActionKind, Order, OrderMode, Receipt, ReceiptState};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const SECOND: Micros = 1_000_000;

struct Scene {
    directory: tempfile::TempDir,
    clock: Arc<ManualClock>,
}

impl Scene {
    fn new() -> Scene {
        // Panics of the fuse are expected; their text would drown the rest.
        std::panic::set_hook(Box::new(|info| {
            if !info.payload().is::<fuse::Burnt>() {
                eprintln!("{info}");
            }
        }));
        let directory = tempfile::tempdir().unwrap();
        let scene = Scene { directory, clock: Arc::new(ManualClock::at(1_000_000 * SECOND)) };
        std::fs::write(scene.file(), b"evil content").unwrap();
        std::fs::set_permissions(scene.file(), std::fs::Permissions::from_mode(0o4751)).unwrap();
        scene
    }

    fn file(&self) -> PathBuf {
        self.directory.path().canonicalize().unwrap().join("evil")
    }

    fn start(&self) -> Executor {
        self.start_in("boot-1")
    }

    fn start_in(&self, boot: &'static str) -> Executor {
        self.start_as("", boot)
    }

    fn start_as(&self, agent: &str, boot: &'static str) -> Executor {
        let base = self.directory.path();
        let mut config = ExecutorConfig::new(base.join("state"), base.join("evidence"));
        config.never = NeverList { sessions: Sessions::None, ..NeverList::default() };
        config.agent = agent.to_string();
        // The time since boot follows the hand-moved clock.
        let clock = Arc::clone(&self.clock);
        config.boot = Arc::new(move || {
            use base::Clock;
            crate::Boot { id: boot.into(), uptime: clock.monotonic() }
        });
        Executor::new(config, Arc::new(NoGate), Arc::clone(&self.clock) as Arc<dyn base::Clock>).unwrap()
    }

    fn order(&self, id: &str) -> Order {
        Order {
            id: id.into(),
            action: ActionKind::Quarantine as i32,
            mode: OrderMode::Apply as i32,
            parameters: [("path".to_string(), self.file().display().to_string())].into(),
            lease_s: 100,
            ..Order::default()
        }
    }

    fn stored(&self) -> bool {
        self.directory.path().join("state/quarantine/one.sealed").exists()
    }

    fn leftovers(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.directory.path()).unwrap().flatten();
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        names.filter(|name| name.starts_with(".garrison")).collect()
    }
}

fn fingerprint(path: &Path) -> Option<(Vec<u8>, u32, i64, i64)> {
    let meta = std::fs::metadata(path).ok()?;
    Some((std::fs::read(path).ok()?, meta.mode(), meta.mtime(), meta.mtime_nsec()))
}

fn undo_of(id: &str, undoes: &str) -> Order {
    Order { id: id.into(), mode: OrderMode::Undo as i32, undoes: undoes.into(), ..Order::default() }
}

fn states(receipts: &[Receipt]) -> Vec<ReceiptState> {
    receipts.iter().map(|receipt| receipt.state()).collect()
}

/// Runs `work` dying at point `at`. True when it came to its end without reaching that point.
fn dies_at(at: usize, work: impl FnOnce()) -> bool {
    fuse::arm(Some(at));
    let ended = catch_unwind(AssertUnwindSafe(work)).is_ok();
    let survived = fuse::left().is_some();
    fuse::arm(None);
    assert_eq!(ended, survived);
    survived
}

#[test]
fn a_crash_while_applying_leaves_all_or_nothing() {
    for at in 0..64 {
        let scene = Scene::new();
        let before = fingerprint(&scene.file()).unwrap();
        let survived = dies_at(at, || {
            scene.start().execute(&scene.order("one"));
        });
        let mut executor = scene.start();
        executor.tick();
        let receipts = executor.execute(&scene.order("one"));
        let again = executor.execute(&scene.order("one"));
        assert_eq!(receipts, again, "point {at}");
        match states(&receipts)[..] {
            [ReceiptState::Verified] => {
                assert!(!scene.file().exists() && scene.stored(), "point {at}");
                assert_eq!(states(&executor.execute(&undo_of("two", "one"))), [ReceiptState::Undone; 2]);
            }
            [ReceiptState::Failed] => assert_eq!(receipts[0].fault, "action.interrupted", "point {at}"),
            ref other => panic!("point {at}: {other:?}"),
        }
        assert_eq!(fingerprint(&scene.file()).unwrap(), before, "point {at}");
        assert!(!scene.stored() && scene.leftovers().is_empty(), "point {at}");
        if survived {
            assert!(at > 10, "only {at} points were tried");
            return;
        }
    }
    panic!("the order never came to its end");
}

#[test]
fn a_crash_while_undoing_still_brings_the_file_back_once() {
    for at in 0..64 {
        let scene = Scene::new();
        let before = fingerprint(&scene.file()).unwrap();
        scene.start().execute(&scene.order("one"));
        let survived = dies_at(at, || {
            scene.start().execute(&undo_of("two", "one"));
        });
        let mut executor = scene.start();
        scene.clock.advance(101 * SECOND);
        executor.tick();
        assert_eq!(fingerprint(&scene.file()).unwrap(), before, "point {at}");
        assert!(executor.in_force().is_empty() && !scene.stored(), "point {at}");
        if survived {
            return;
        }
    }
    panic!("the undo never came to its end");
}

#[test]
fn a_lease_ends_by_itself_also_across_restarts_and_clock_jumps() {
    for jump in [0, -500 * SECOND, 500 * SECOND] {
        let scene = Scene::new();
        let mut executor = scene.start();
        let receipts = executor.execute(&scene.order("one"));
        assert_eq!(states(&receipts), [ReceiptState::Verified], "{receipts:?}");
        scene.clock.advance(60 * SECOND);
        scene.clock.jump_wall(jump);
        assert!(executor.tick().is_empty() && !scene.file().exists());
        drop(executor);
        let mut executor = scene.start();
        scene.clock.advance(39 * SECOND);
        assert!(executor.tick().is_empty() && !scene.file().exists(), "39 s later, jump {jump}");
        scene.clock.advance(2 * SECOND);
        let receipts = executor.tick();
        assert_eq!(states(&receipts), [ReceiptState::Expired], "jump {jump}");
        assert!(scene.file().exists() && executor.in_force().is_empty());
        assert_eq!(states(&executor.execute(&undo_of("two", "one"))), [ReceiptState::Undone, ReceiptState::Expired]);
    }
}

#[test]
fn across_a_restart_of_the_host_a_lease_never_grows() {
    for (jump, left) in [(0, true), (-500 * SECOND, true), (500 * SECOND, false)] {
        let scene = Scene::new();
        scene.start_in("boot-1").execute(&scene.order("one"));
        scene.clock.advance(60 * SECOND);
        scene.clock.jump_wall(jump);
        let mut executor = scene.start_in("boot-2");
        assert_eq!(executor.tick().is_empty(), left, "jump {jump}");
        scene.clock.advance(101 * SECOND);
        executor.tick();
        assert!(scene.file().exists(), "jump {jump}");
    }
}

#[test]
fn bad_orders_are_refused_with_a_name() {
    let scene = Scene::new();
    let mut executor = scene.start();
    let cases: Vec<(Order, &str)> = vec![
        (Order { lease_s: 0, ..scene.order("a") }, "action.bad-lease"),
        (Order { lease_s: 31 * 24 * 3600, ..scene.order("b") }, "action.bad-lease"),
        (Order { id: "../x".into(), ..scene.order("c") }, "action.bad-order"),
        (Order { id: String::new(), ..scene.order("c") }, "action.bad-order"),
        (Order { action: 0, ..scene.order("d") }, "action.bad-order"),
        (Order { action: 99, ..scene.order("e") }, "action.bad-order"),
        (Order { mode: 9, ..scene.order("f") }, "action.bad-order"),
        (Order { parameters: Default::default(), ..scene.order("g") }, "action.bad-order"),
        (undo_of("h", "nothing"), "action.unknown-order"),
    ];
    for (order, code) in cases {
        let receipts = executor.execute(&order);
        assert_eq!((receipts[0].fault.as_str(), receipts[0].state()), (code, ReceiptState::Refused), "{}", order.id);
    }
    let dry = executor.execute(&Order { mode: OrderMode::DryRun as i32, ..scene.order("i") });
    assert_eq!(dry[0].state(), ReceiptState::Planned);
    assert!(dry[0].touched[0].contains("evil, 12 bytes") && scene.file().exists());
}

#[test]
fn a_place_that_is_taken_is_not_overwritten() {
    let scene = Scene::new();
    let mut executor = scene.start();
    executor.execute(&scene.order("one"));
    std::fs::write(scene.file(), b"something new").unwrap();
    let receipts = executor.execute(&undo_of("two", "one"));
    assert_eq!(receipts[0].fault, "action.path-occupied");
    assert!(scene.stored() && std::fs::read(scene.file()).unwrap() == b"something new");
    std::fs::remove_file(scene.file()).unwrap();
    assert_eq!(states(&executor.execute(&undo_of("three", "one"))), [ReceiptState::Undone; 2]);
    assert_eq!(std::fs::read(scene.file()).unwrap(), b"evil content");
}

#[test]
fn a_refusal_stands_when_the_order_comes_again() {
    let scene = Scene::new();
    let mut executor = scene.start();
    std::fs::rename(scene.file(), scene.file().with_extension("away")).unwrap();
    let first = executor.execute(&scene.order("one"));
    assert_eq!(first[0].fault, "action.file-missing");
    std::fs::rename(scene.file().with_extension("away"), scene.file()).unwrap();
    assert_eq!(executor.execute(&scene.order("one")), first);
    assert_eq!(scene.start().execute(&scene.order("one")), first);
    assert!(scene.file().exists());
}

#[test]
fn an_undo_that_overtakes_its_order_closes_the_door() {
    let scene = Scene::new();
    let refused = scene.start().execute(&undo_of("two", "one"));
    assert_eq!(refused[0].fault, "action.unknown-order");
    let mut executor = scene.start();
    assert_eq!(executor.execute(&undo_of("two", "one")), refused);
    let late = executor.execute(&scene.order("one"));
    assert_eq!((late[0].state(), late[0].fault.as_str()), (ReceiptState::Refused, "action.overtaken"));
    assert_eq!(executor.execute(&undo_of("three", "one"))[0].fault, "action.unknown-order");
    assert!(scene.file().exists());
}

#[test]
fn orders_of_another_agent_and_old_ones_are_refused() {
    let scene = Scene::new();
    let own = "0a".repeat(16);
    let mut executor = scene.start_as(&own, "boot-1");
    let wall = || base::Clock::wall(&*scene.clock);
    let foreign = Order { agent: "0b".repeat(16), ..scene.order("a") };
    assert_eq!(executor.execute(&foreign)[0].fault, "action.wrong-agent");
    let to_us = |id: &str, issued_us| Order { agent: own.to_uppercase(), issued_us, ..scene.order(id) };
    assert_eq!(executor.execute(&to_us("b", wall() - 601 * SECOND))[0].fault, "action.stale-order");
    // Given just before the clock was set an hour forward.
    let issued = wall() - SECOND;
    scene.clock.jump_wall(3600 * SECOND);
    assert_eq!(states(&executor.execute(&to_us("c", issued))), [ReceiptState::Verified]);
    // Taking back is never too late.
    scene.clock.advance(50 * SECOND);
    let late = Order { agent: own.clone(), issued_us: 1, ..undo_of("d", "c") };
    assert_eq!(states(&executor.execute(&late)), [ReceiptState::Undone; 2]);
    let zeros = "0".repeat(32);
    assert_eq!(states(&scene.start_as(&zeros, "boot-1").execute(&scene.order("e"))), [ReceiptState::Verified]);
}

#[test]
fn a_receipt_is_told_again_until_it_is_safe() {
    let scene = Scene::new();
    let mut executor = scene.start();
    let receipts = executor.execute(&scene.order("one"));
    drop(executor);
    let mut executor = scene.start();
    assert_eq!(executor.untold(), receipts);
    executor.told(&receipts[0]);
    assert!(executor.untold().is_empty() && scene.start().untold().is_empty());
    let undone = executor.execute(&undo_of("two", "one"));
    executor.told(&undone[0]);
    assert_eq!(executor.untold(), [undone[1].clone()], "the order that was undone is an order of its own");
    executor.told(&undone[1]);
    assert!(executor.untold().is_empty());
}

#[test]
fn what_could_not_be_taken_back_is_tried_again_and_said_once() {
    let scene = Scene::new();
    let mut executor = scene.start();
    executor.execute(&scene.order("one"));
    std::fs::write(scene.file(), b"in the way").unwrap();
    scene.clock.advance(101 * SECOND);
    assert_eq!(executor.tick()[0].fault, "action.path-occupied");
    for _ in 0..3 {
        scene.clock.advance(16 * SECOND);
        assert!(executor.tick().is_empty());
    }
    std::fs::remove_file(scene.file()).unwrap();
    scene.clock.advance(16 * SECOND);
    let receipts = executor.tick();
    assert_eq!(states(&receipts), [ReceiptState::Expired]);
    assert!(receipts[0].observed.iter().any(|line| line.contains("failed 4 times")), "{receipts:?}");
}

#[test]
fn a_failed_order_that_could_not_be_taken_back_is_not_forgotten() {
    let scene = Scene::new();
    let mut executor = scene.start();
    executor.execute(&scene.order("one"));
    std::fs::write(scene.file(), b"in the way").unwrap();
    let entry = executor.journal.get("one").cloned().unwrap();
    let action = executor.hand(&entry.order).unwrap();
    let why = base::Fault::new(&crate::fault::UNVERIFIED).object("test");
    let failed = executor.take_back(&*action, entry, &why, 0);
    assert!(failed.observed[0].contains("NOT taken back") && executor.in_force().len() == 1);
    drop(executor);
    let mut executor = scene.start();
    assert!(executor.tick().is_empty(), "it was said before");
    assert_eq!(executor.execute(&scene.order("one")), [failed]);
    std::fs::remove_file(scene.file()).unwrap();
    scene.clock.advance(16 * SECOND);
    let receipts = executor.tick();
    assert_eq!((receipts[0].state(), receipts[0].fault.as_str()), (ReceiptState::Failed, "action.not-verified"));
    assert_eq!(std::fs::read(scene.file()).unwrap(), b"evil content");
    assert!(executor.in_force().is_empty());
}

#[test]
fn an_interrupted_kill_is_carried_out_to_its_end() {
    for at in 0..64 {
        let scene = Scene::new();
        let mut child = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
        let key = crate::process::stat(Path::new("/proc"), child.id()).unwrap().key();
        let kill = Order {
            action: ActionKind::KillTree as i32,
            parameters: [("process".to_string(), key.to_string())].into(),
            lease_s: 0,
            ..scene.order("kill")
        };
        let survived = dies_at(at, || {
            scene.start().execute(&kill);
        });
        let mut executor = scene.start();
        let now = crate::process::stat(Path::new("/proc"), child.id()).unwrap();
        let receipts = executor.execute(&kill);
        let _ = child.kill();
        child.wait().unwrap();
        assert_ne!(now.state, 'T', "point {at}: stopped and left alone");
        assert_eq!(states(&receipts), [ReceiptState::Verified], "point {at}: {receipts:?}");
        if survived {
            assert!(at > 5, "only {at} points were tried");
            return;
        }
    }
    panic!("the order never came to its end");
}

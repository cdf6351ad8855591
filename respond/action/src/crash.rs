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
        let base = self.directory.path();
        let mut config = ExecutorConfig::new(base.join("state"), base.join("evidence"));
        config.never = NeverList { sessions: Sessions::None, ..NeverList::default() };
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

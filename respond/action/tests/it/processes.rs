//! Killing and freezing trees, and evidence of them.

use crate::scene::{Scene, Tree, boot, expect, key, order, undo, wait_for};
use action::Freezer;
use record::{ActionKind, ReceiptState};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// A tree that never stops forking: loops at three levels, one of them in a session of its own.
const FORKING: &str = "spin() { while :; do sh -c 'sleep 0.01' & sleep 0.005; done; }; \
                       (spin) & (setsid sh -c 'while :; do sleep 0.01; done' & wait) & spin";
/// Writes a growing number into the file `count`.
const COUNTING: &str = "count() { i=0; while :; do i=$((i+1)); echo $i > count; done; }; (sleep 1000) & count";

fn count(scene: &Scene) -> u64 {
    let text = std::fs::read_to_string(scene.path("count")).unwrap_or_default();
    text.trim().parse().unwrap_or(0)
}

#[test]
fn a_forking_tree_is_killed_to_the_last_process() {
    let scene = Scene::new();
    let mut executor = scene.start();
    for round in 0..5 {
        let tree = Tree::start(FORKING, scene.directory.path());
        wait_for("the tree to grow", || (tree.members().len() > 6).then_some(()));
        let target = tree.key().to_string();
        let kill = order(&format!("kill-{round}"), ActionKind::KillTree, &[("process", &target), ("boot", &boot())], 0);
        let receipt = expect(&executor.execute(&kill), ReceiptState::Verified);
        assert_eq!(tree.members(), Vec::<u32>::new());
        assert!(receipt.touched.len() > 6 && receipt.observed[0].contains("have ended"), "{receipt:?}");
        println!("killed {} processes, read back after {} us", receipt.touched.len(), receipt.took_us);
        assert_eq!(executor.execute(&kill), [receipt]);
    }
}

#[test]
fn a_double_fork_is_reached_by_what_the_sensor_knows() {
    let scene = Scene::new();
    let mut executor = scene.start();
    // The grandchild writes its pid and has init for a parent once the middle one has ended.
    let script = "(setsid sh -c 'echo $$ > pid; exec sleep 1000' &) ; exec sleep 1000";
    let tree = Tree::start(script, scene.directory.path());
    let orphan: u32 = wait_for("the orphan", || {
        std::fs::read_to_string(scene.path("pid")).ok().and_then(|text| text.trim().parse().ok())
    });
    wait_for("both", || (tree.members().len() == 2).then_some(()));
    let target = tree.key().to_string();
    let mut kill = order("kill", ActionKind::KillTree, &[("process", &target)], 0);
    action::widen(&mut kill, [key(orphan)]);
    expect(&executor.execute(&kill), ReceiptState::Verified);
    assert!(tree.members().is_empty());
}

#[test]
fn a_process_of_another_boot_or_start_is_left_alone() {
    let scene = Scene::new();
    let mut executor = scene.start();
    let tree = Tree::start("exec sleep 1000", scene.directory.path());
    let right = tree.key();
    let wrong = record::ProcessKey::from_ticks(right.pid(), right.ticks() + 1).to_string();
    let old_boot = order("a", ActionKind::KillTree, &[("process", &right.to_string()), ("boot", "another")], 0);
    let reused = order("b", ActionKind::KillTree, &[("process", &wrong)], 0);
    for kill in [old_boot, reused] {
        assert_eq!(expect(&executor.execute(&kill), ReceiptState::Refused).fault, "action.process-gone");
    }
    wait_for("the process, alive", || (tree.members().len() == 1).then_some(()));
}

fn freeze_and_thaw(freezers: Vec<Freezer>) {
    let mut scene = Scene::new();
    scene.config.freezers = freezers;
    let mut executor = scene.start();
    let tree = Tree::start(COUNTING, scene.directory.path());
    wait_for("the count", || (count(&scene) > 10 && tree.members().len() > 1).then_some(()));
    let groups = || std::fs::read_to_string(format!("/proc/{}/cgroup", tree.child.id())).unwrap();
    let before = groups();
    let target = tree.key().to_string();
    let frozen = expect(
        &executor.execute(&order("freeze-1", ActionKind::Freeze, &[("process", &target)], 600)),
        ReceiptState::Verified,
    );
    println!("frozen in {} us: {:?}", frozen.took_us, frozen.observed);
    let held = count(&scene);
    for _ in 0..20 {
        std::thread::sleep(std::time::Duration::from_millis(2));
        assert_eq!(count(&scene), held);
    }
    // The agent starts again and still knows it.
    drop(executor);
    let mut executor = scene.start();
    assert!(executor.tick().is_empty());
    assert_eq!(executor.in_force().len(), 1);
    let thawed = expect(&executor.execute(&undo("undo-1", "freeze-1")), ReceiptState::Undone);
    wait_for("the count to go on", || (count(&scene) > held).then_some(()));
    assert_eq!(groups(), before, "{thawed:?}");

    // A frozen tree can be killed.
    expect(
        &executor.execute(&order("freeze-2", ActionKind::Freeze, &[("process", &target)], 600)),
        ReceiptState::Verified,
    );
    expect(
        &executor.execute(&order("kill-1", ActionKind::KillTree, &[("process", &target)], 0)),
        ReceiptState::Verified,
    );
    assert!(tree.members().is_empty());
    expect(&executor.execute(&undo("undo-2", "freeze-2")), ReceiptState::Undone);
}

#[test]
fn freezing_by_every_means_holds_and_thaws() {
    freeze_and_thaw(Vec::new());
    if !crate::scene::is_root("freezing by control groups") {
        return;
    }
    let freezers = Freezer::detect(Path::new("/proc"));
    if freezers.is_empty() {
        println!("skipped: no control group hierarchy can freeze here");
    }
    for freezer in freezers {
        println!("{freezer:?}");
        freeze_and_thaw(vec![freezer]);
    }
}

#[test]
fn a_lease_of_one_second_thaws_by_itself() {
    let scene = Scene::new();
    let mut executor = scene.start();
    let tree = Tree::start(COUNTING, scene.directory.path());
    wait_for("the count", || (count(&scene) > 10).then_some(()));
    let target = tree.key().to_string();
    expect(&executor.execute(&order("f", ActionKind::Freeze, &[("process", &target)], 1)), ReceiptState::Verified);
    let held = count(&scene);
    let receipts = wait_for("the lease to end", || Some(executor.tick()).filter(|receipts| !receipts.is_empty()));
    expect(&receipts, ReceiptState::Expired);
    wait_for("the count to go on", || (count(&scene) > held).then_some(()));
}

#[test]
fn evidence_is_complete_private_and_without_secrets() {
    let mut scene = Scene::new();
    std::fs::write(scene.path("app.log"), "first line\nlast line\n").unwrap();
    scene.config.logs = vec![scene.path("app.log")];
    let socket = std::os::unix::net::UnixListener::bind(scene.path("socket")).unwrap();
    let mut executor = scene.start();
    let tree = Tree::start_with("sleep 1000 & wait", scene.directory.path(), std::os::fd::OwnedFd::from(socket).into());
    wait_for("the tree", || (tree.members().len() == 2).then_some(()));
    let target = tree.key().to_string();
    let receipt = expect(
        &executor.execute(&order("ev-1", ActionKind::Export, &[("process", &target)], 0)),
        ReceiptState::Verified,
    );
    println!("{:?} in {} us", receipt.observed, receipt.took_us);
    let archive = scene.path("evidence/ev-1.tar.zst");
    assert_eq!(std::fs::metadata(&archive).unwrap().permissions().mode() & 0o777, 0o600);
    let mut members = std::collections::BTreeMap::new();
    let mut reader = tar::Archive::new(zstd::Decoder::new(std::fs::File::open(&archive).unwrap()).unwrap());
    for entry in reader.entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().display().to_string();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        members.insert(name, bytes);
    }
    let text = |name: &str| String::from_utf8_lossy(&members[name]).into_owned();
    let pid = tree.child.id();
    assert!(text(&format!("processes/{pid}/status")).contains("Name:"));
    assert!(text(&format!("processes/{pid}/maps")).contains("r-xp"));
    assert!(text(&format!("processes/{pid}/sockets")).lines().any(|row| row.starts_with("unix ")));
    let environ = text(&format!("processes/{pid}/environ"));
    assert!(environ.contains("DB_PASSWORD=[redacted]") && !environ.contains("hunter2"), "{environ}");
    assert!(members.keys().any(|name| name.starts_with("programs/")) && members.contains_key("network/tcp"));
    assert!(members.iter().any(|(name, bytes)| name.ends_with("app.log") && bytes == b"first line\nlast line\n"));
    let manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(scene.path("evidence/ev-1.manifest.json")).unwrap()).unwrap();
    assert!(receipt.observed[0].contains(manifest["sha256"].as_str().unwrap()));
    for member in manifest["content"]["members"].as_array().unwrap() {
        let (name, Some(sum)) = (member["name"].as_str().unwrap(), member["sha256"].as_str()) else { continue };
        let found = ring::digest::digest(&ring::digest::SHA256, &members[name]);
        assert_eq!(hex::encode(found), sum, "{name}");
    }
    let _ = key(pid);
}

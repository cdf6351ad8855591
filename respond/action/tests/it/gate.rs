//! Denied executions by fanotify, on a file system that the test mounts in a mount namespace of its own.

use crate::scene::{Scene, expect, is_root, order, undo};
use action::Listener;
use record::{ActionKind, ReceiptState};
use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_change};
use rustix::thread::{UnshareFlags, unshare_unsafe};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

/// Runs the test in a thread with its own mount namespace and a fresh tmpfs. False when the kernel refuses.
fn on_own_mount(work: impl FnOnce(&Path) + Send + 'static) -> bool {
    let thread = std::thread::spawn(move || {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().canonicalize().unwrap();
        // SAFETY: only this thread's view of mounts and directories changes; it holds no descriptors relative to it.
        let own = unsafe { unshare_unsafe(UnshareFlags::FS | UnshareFlags::NEWNS) };
        let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
        let mounted = own
            .and_then(|()| mount_change("/", private))
            .and_then(|()| mount("none", &place, "tmpfs", MountFlags::empty(), None));
        if mounted.is_err() {
            return false;
        }
        work(&place);
        let _ = rustix::mount::unmount(&place, rustix::mount::UnmountFlags::DETACH);
        true
    });
    thread.join().unwrap()
}

/// Whether the kernel executes the file.
fn runs(path: &Path) -> bool {
    match Command::new(path).status() {
        Ok(status) => status.success(),
        Err(cause) => {
            assert_eq!(cause.raw_os_error(), Some(libc::EPERM), "{}", path.display());
            false
        }
    }
}

fn copies(place: &Path) -> [PathBuf; 3] {
    let paths = ["evil", "twin", "other"].map(|name| place.join(name));
    for path in &paths {
        std::fs::copy("/bin/true", path).unwrap();
    }
    std::fs::OpenOptions::new().append(true).open(&paths[2]).unwrap().write_all(b"\0").unwrap();
    paths
}

#[test]
fn one_file_and_one_content_are_denied_and_allowed_again() {
    if !is_root("denying executions") {
        return;
    }
    let ran = on_own_mount(|place| {
        let listener = match Listener::start() {
            Ok(listener) => Arc::new(listener),
            Err(fault) => return println!("skipped: no fanotify permission events here: {fault}"),
        };
        let [evil, twin, other] = copies(place);
        let mut scene = Scene::new();
        scene.gate = Arc::clone(&listener) as Arc<dyn action::Gate>;
        let mut executor = scene.start();

        let target = evil.display().to_string();
        let receipt = expect(
            &executor.execute(&order("by-path", ActionKind::DenyExec, &[("path", &target)], 60)),
            ReceiptState::Verified,
        );
        println!("{:?} in {} us", receipt.observed, receipt.took_us);
        assert_eq!([&evil, &twin, &other].map(|path| runs(path)), [false, true, true]);
        assert_eq!(listener.denied(), 1);
        // The inode is held: a file that takes the name's place is another one and runs.
        std::fs::remove_file(&evil).unwrap();
        std::fs::copy("/bin/true", &evil).unwrap();
        assert!(runs(&evil));
        expect(&executor.execute(&undo("undo-path", "by-path")), ReceiptState::Undone);
        assert!(runs(&evil));

        let digest = ring::digest::digest(&ring::digest::SHA256, &std::fs::read(&evil).unwrap());
        let digest = hex::encode(digest);
        // Without a mount it is refused by name: no mark is set where nobody asked for one.
        let nowhere = executor.execute(&order("nowhere", ActionKind::DenyExec, &[("sha256", &digest)], 60));
        assert_eq!(expect(&nowhere, ReceiptState::Failed).fault, "action.unsupported");
        let mount = place.display().to_string();
        let content = [("sha256", digest.as_str()), ("mount", mount.as_str())];
        let by_content = order("by-content", ActionKind::DenyExec, &content, 60);
        expect(&executor.execute(&by_content), ReceiptState::Verified);
        assert_eq!([&evil, &twin, &other].map(|path| runs(path)), [false, false, true]);
        // A second order for the same content keeps it denied when the first is taken back.
        let second = order("second", ActionKind::DenyExec, &content, 60);
        expect(&executor.execute(&second), ReceiptState::Verified);
        expect(&executor.execute(&undo("undo-content", "by-content")), ReceiptState::Undone);
        assert!(!runs(&twin));

        // The agent starts again with a new listener: the order is in force again.
        drop(executor);
        scene.gate = Arc::new(Listener::start().unwrap());
        drop(listener);
        let mut executor = scene.start();
        assert!(executor.tick().is_empty() && !runs(&twin));
        expect(&executor.execute(&undo("undo-second", "second")), ReceiptState::Undone);
        assert!(runs(&twin));
    });
    if !ran {
        println!("skipped: no private mount namespace here");
    }
}

#[test]
fn a_dead_listener_denies_nothing() {
    if !is_root("denying executions") {
        return;
    }
    let ran = on_own_mount(|place| {
        let Ok(listener) = Listener::start() else { return println!("skipped: no fanotify permission events here") };
        let [evil, ..] = copies(place);
        let mut scene = Scene::new();
        let gate: Arc<dyn action::Gate> = Arc::new(listener);
        scene.gate = Arc::clone(&gate);
        let mut executor = scene.start();
        let target = evil.display().to_string();
        expect(&executor.execute(&order("d", ActionKind::DenyExec, &[("path", &target)], 60)), ReceiptState::Verified);
        assert!(!runs(&evil));
        drop(executor);
        scene.gate = Arc::new(action::NoGate);
        drop(gate);
        assert!(runs(&evil));
        // Started without any means the agent says that it cannot keep the order.
        let mut executor = scene.start();
        assert_eq!(expect(&executor.tick(), ReceiptState::Failed).fault, "action.unsupported");
    });
    if !ran {
        println!("skipped: no private mount namespace here");
    }
}

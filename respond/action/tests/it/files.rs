//! Quarantine and restore.

use crate::scene::{Scene, expect, is_root, order, undo};
use record::{ActionKind, ReceiptState};
use rustix::fs::{IFlags, XattrFlags, ioctl_getflags, ioctl_setflags};
use std::fs::File;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

#[derive(Debug, PartialEq)]
struct Look {
    content: Vec<u8>,
    mode: u32,
    owner: (u32, u32),
    modified: (i64, i64),
    accessed: (i64, i64),
    xattr: Option<Vec<u8>>,
}

fn look(path: &Path) -> Look {
    // Attributes before content: reading changes the time of last access.
    let meta = std::fs::metadata(path).unwrap();
    let file = File::open(path).unwrap();
    let mut value = vec![0u8; 64];
    let xattr = rustix::fs::fgetxattr(&file, "user.note", value.as_mut_slice()).ok();
    Look {
        content: std::fs::read(path).unwrap(),
        mode: meta.mode(),
        owner: (meta.uid(), meta.gid()),
        modified: (meta.mtime(), meta.mtime_nsec()),
        accessed: (meta.atime(), meta.atime_nsec()),
        xattr: xattr.map(|length| value[..length].to_vec()),
    }
}

#[test]
fn a_file_comes_back_as_it_was() {
    let scene = Scene::new();
    let mut executor = scene.start();
    let path = scene.path("evil");
    let content: Vec<u8> = (0..300_000u32).map(|number| (number.wrapping_mul(number) >> 3) as u8).collect();
    std::fs::write(&path, &content).unwrap();
    std::fs::hard_link(&path, scene.path("second-name")).unwrap();
    let file = File::options().write(true).open(&path).unwrap();
    let _ = rustix::fs::fsetxattr(&file, "user.note", b"kept", XattrFlags::empty());
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&path, Some(1234), Some(5678)).unwrap();
    }
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o6751)).unwrap();
    let time = |seconds, nanos| std::time::UNIX_EPOCH + std::time::Duration::new(seconds, nanos);
    let times = std::fs::FileTimes::new()
        .set_modified(time(1_600_000_000, 123_456_789))
        .set_accessed(time(1_700_000_000, 987_654_321));
    file.set_times(times).unwrap();
    drop(file);
    let before = look(&path);
    let accessed = before.accessed;
    File::options().write(true).open(&path).unwrap().set_times(times).unwrap();

    let target = path.display().to_string();
    let receipt = expect(
        &executor.execute(&order("q-1", ActionKind::Quarantine, &[("path", &target)], 600)),
        ReceiptState::Verified,
    );
    assert!(!path.exists() && receipt.touched.iter().any(|line| line.contains("1 other hard links")), "{receipt:?}");
    let store = scene.path("state/quarantine");
    assert_eq!(std::fs::metadata(&store).unwrap().mode() & 0o777, 0o700);
    let stored = std::fs::read(store.join("q-1.sealed")).unwrap();
    assert!(!stored.windows(64).any(|part| part == &content[1000..1064]));

    expect(&executor.execute(&undo("u-1", "q-1")), ReceiptState::Undone);
    let after = look(&path);
    assert_eq!(after, Look { accessed, ..before });
    assert!(!store.join("q-1.sealed").exists());
}

#[test]
fn an_immutable_file_is_taken_and_is_immutable_again() {
    if !is_root("quarantine of an immutable file") {
        return;
    }
    let scene = Scene::new();
    let mut executor = scene.start();
    let path = scene.path("evil");
    std::fs::write(&path, "x").unwrap();
    let file = File::open(&path).unwrap();
    let set = ioctl_getflags(&file).and_then(|flags| ioctl_setflags(&file, flags | IFlags::IMMUTABLE));
    if set.is_err() {
        println!("skipped: this file system has no immutable flag");
        return;
    }
    let target = path.display().to_string();
    let taken = executor.execute(&order("q", ActionKind::Quarantine, &[("path", &target)], 600));
    let back = executor.execute(&undo("u", "q"));
    let flags = ioctl_getflags(File::open(&path).unwrap()).unwrap();
    // Cleared first, so that the directory can be removed whatever the result.
    let _ = ioctl_setflags(File::open(&path).unwrap(), flags - IFlags::IMMUTABLE);
    let _ = ioctl_setflags(&file, IFlags::empty());
    expect(&taken, ReceiptState::Verified);
    expect(&back, ReceiptState::Undone);
    assert!(flags.contains(IFlags::IMMUTABLE));
}

#[test]
fn another_file_than_the_event_saw_is_left_alone() {
    let scene = Scene::new();
    let mut executor = scene.start();
    let path = scene.path("evil");
    std::fs::write(&path, "x").unwrap();
    let meta = std::fs::metadata(&path).unwrap();
    let device = action::kernel_device(meta.dev()).to_string();
    let take = |id: &str, inode: u64| {
        let inode = inode.to_string();
        let parameters = [("path", path.to_str().unwrap()), ("inode", inode.as_str()), ("device", device.as_str())];
        order(id, ActionKind::Quarantine, &parameters, 60)
    };
    assert_eq!(
        expect(&executor.execute(&take("a", meta.ino() + 1)), ReceiptState::Refused).fault,
        "action.file-changed"
    );
    assert!(path.exists());
    expect(&executor.execute(&take("b", meta.ino())), ReceiptState::Verified);
}

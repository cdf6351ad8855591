//! The same log on the machine's file system.

use bus::{Disk, Log, LogConfig, RealDisk};
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

#[test]
fn files_are_private_and_survive_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let config = LogConfig { segment_bytes: 100, record_bytes: 1000 };
    let path = dir.path().join("log");
    let (mut log, _) = Log::open(Arc::new(RealDisk::new()), &path, config).unwrap();
    for n in 0..20u8 {
        log.append(&[n; 30]).unwrap();
    }
    log.sync().unwrap();
    log.truncate_before(10).unwrap();
    drop(log);
    let (log, faults) = Log::open(Arc::new(RealDisk::new()), &path, config).unwrap();
    assert!(faults.is_empty() && log.first_offset() <= 10 && log.next_offset() == 20);
    assert_eq!(log.read(15, 1, 1000).unwrap()[0].1.as_ref(), [15; 30]);
    for entry in std::fs::read_dir(&path).unwrap() {
        assert_eq!(entry.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn a_small_file_is_replaced_whole() {
    let dir = tempfile::tempdir().unwrap();
    let (disk, path) = (RealDisk::new(), dir.path().join("counter"));
    bus::replace(&disk, &path, b"a long first content").unwrap();
    bus::replace(&disk, &path, b"short").unwrap();
    assert_eq!(disk.read(&path, 0, 100).unwrap(), b"short");
    assert_eq!(disk.list(dir.path()).unwrap().len(), 1);
}

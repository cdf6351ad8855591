//! Identity of a file as the kernel's programs see it: inode and device of the file system itself.
//!
//! stat(2) is not enough: overlay and btrfs show other device numbers there. The mount table has the true one. It is
//! asked about an open descriptor, so that nobody can exchange the file in between.

use rustix::fs::Stat;
use serde::{Deserialize, Serialize};
use std::os::fd::{AsFd, AsRawFd};
use std::path::Path;

/// A file that exists now. A replaced file of the same path has another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FileKey {
    /// Device, `major << 20 | minor`, as [`record::FileId`] and kernel programs have it.
    pub device: u32,
    /// Inode number.
    pub inode: u64,
}

/// The mount table of the calling thread's own namespace.
pub(crate) const OWN_MOUNTS: &str = "/proc/thread-self/mountinfo";

impl FileKey {
    /// Of an open file, also one opened with `O_PATH`. `mounts` is the mount table of the namespace through which
    /// it was opened; what that does not tell is taken from `stat`.
    pub(crate) fn of(file: impl AsFd, stat: &Stat, mounts: &Path) -> FileKey {
        let information = format!("/proc/self/fdinfo/{}", file.as_fd().as_raw_fd());
        let information = std::fs::read_to_string(information).unwrap_or_default();
        let mounts = std::fs::read_to_string(mounts).unwrap_or_default();
        let device = number(&information, "mnt_id:").and_then(|id| device_of(&mounts, id));
        FileKey {
            device: device.unwrap_or_else(|| kernel_device(stat.st_dev)),
            inode: number(&information, "ino:").unwrap_or(stat.st_ino),
        }
    }
}

/// A device number of stat(2) in the kernel's coding, `major << 20 | minor`.
pub fn kernel_device(device: u64) -> u32 {
    rustix::fs::major(device) << 20 | rustix::fs::minor(device) & 0xf_ffff
}

fn number(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(key)?.trim().parse().ok())
}

/// Device of a mount: third field of its line, `major:minor` (proc(5)).
fn device_of(mounts: &str, id: u64) -> Option<u32> {
    mounts.lines().find_map(|line| {
        let mut fields = line.split(' ');
        if fields.next()?.parse::<u64>().ok()? != id {
            return None;
        }
        let (major, minor) = fields.nth(1)?.split_once(':')?;
        Some(major.parse::<u32>().ok()? << 20 | minor.parse::<u32>().ok()?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mount_table_stands_above_stat() {
        let file = std::fs::File::open("/proc/self/exe").unwrap();
        let stat = rustix::fs::fstat(&file).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let table = directory.path().join("mountinfo");
        let information = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", file.as_raw_fd())).unwrap();
        let mount = number(&information, "mnt_id:").unwrap();
        std::fs::write(&table, format!("rubbish\n{mount} 22 7:42 / / rw - overlay none rw\n")).unwrap();
        assert_eq!(FileKey::of(&file, &stat, &table).device, 7 << 20 | 42);
        std::fs::write(&table, "1 22 7:42 / / rw - overlay none rw\n").unwrap();
        assert_eq!(FileKey::of(&file, &stat, &table).device, kernel_device(stat.st_dev));
    }
}

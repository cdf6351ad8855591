//! Identity of a file as the kernel programs see it: inode and device of the file system itself.
//!
//! `stat` is not enough: overlay and btrfs show other device numbers there. The mount table has the true one.

use crate::fault::NO_FILE;
use base::{Fault, Result};
use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// A file that exists now. A replaced file of the same path has another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileKey {
    /// Inode number.
    pub inode: u64,
    /// Device, kernel encoding `major << 20 | minor`.
    pub device: u32,
}

impl FileKey {
    /// Identity of the file at a path.
    ///
    /// # Errors
    /// [`NO_FILE`] when it cannot be opened.
    pub fn of(path: &Path) -> Result<FileKey> {
        let fault = |error: std::io::Error| Fault::new(&NO_FILE).object(path.display()).found(error);
        let file = File::options().read(true).custom_flags(libc::O_PATH).open(path).map_err(fault)?;
        let metadata = file.metadata().map_err(fault)?;
        let stated = u64::from(libc::major(metadata.dev())) << 20 | u64::from(libc::minor(metadata.dev()));
        let information =
            std::fs::read_to_string(format!("/proc/self/fdinfo/{}", file.as_raw_fd())).unwrap_or_default();
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let device = number(&information, "mnt_id:").and_then(|id| device_of(&mounts, id));
        Ok(FileKey {
            inode: number(&information, "ino:").unwrap_or(metadata.ino()),
            device: device.unwrap_or(stated as u32),
        })
    }

    pub(super) fn bytes(self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.inode.to_ne_bytes());
        bytes[8..].copy_from_slice(&u64::from(self.device).to_ne_bytes());
        bytes
    }
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
    fn the_mount_table_gives_the_device() {
        let mounts = "22 1 254:3 / / rw - ext4 /dev/vda rw\n30 22 0:25 / /tmp rw shared:1 - tmpfs tmpfs rw\nrubbish\n";
        assert_eq!(device_of(mounts, 22), Some(254 << 20 | 3));
        assert_eq!(device_of(mounts, 30), Some(25));
        assert_eq!(device_of(mounts, 99), None);
    }

    #[test]
    fn files_are_found_and_missing_ones_are_not() {
        assert!(FileKey::of(Path::new("/proc/self/exe")).unwrap().inode > 0);
        assert!(FileKey::of(Path::new("/no/such/file")).unwrap_err().is(&NO_FILE));
    }
}

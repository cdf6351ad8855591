//! Disks and file systems.

use super::area::{Area, Output};
use super::kept::Kept;
use super::{tables, text};

/// Most disks and most file systems told.
const DISKS_MAX: usize = 64;
const VOLUMES_MAX: usize = 32;
/// How often the list of mounts is read again, ns.
const MOUNTS_EVERY: u64 = 10_000_000_000;
/// File systems that lie on this host; asking a remote one how full it is may block for minutes.
const LOCAL: &[&str] =
    &["ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "vfat", "bcachefs", "jfs", "reiserfs", "ntfs3"];

#[derive(Debug)]
pub(super) struct Reader {
    buffer: Vec<u8>,
    statistics: Kept,
    mounts: Kept,
    points: Vec<String>,
    next_mounts: u64,
    disk: Area,
    volume: Area,
}

impl Reader {
    pub(super) fn new() -> Reader {
        Reader {
            buffer: Vec::new(),
            statistics: Kept::new("/proc/diskstats"),
            mounts: Kept::new("/proc/self/mountinfo"),
            points: Vec::new(),
            next_mounts: 0,
            disk: Area::new(tables::DISK),
            volume: Area::new(tables::VOLUME),
        }
    }

    pub(super) fn read(&mut self, output: &mut Output, now: u64) {
        if let Some(content) = self.statistics.read(&mut self.buffer) {
            let mut disks = 0;
            let mut whole = "";
            for line in text::lines(content) {
                let Some((name, columns)) = text::disk(line) else { continue };
                if is_part_of(name, whole) || name.starts_with("loop") || name.starts_with("ram") {
                    continue;
                }
                whole = name;
                self.disk.clear();
                self.disk.set_columns(columns);
                self.disk.emit(output, name);
                disks += 1;
                if disks == DISKS_MAX {
                    break;
                }
            }
            self.disk.end();
        }
        self.read_volumes(output, now);
    }

    fn read_volumes(&mut self, output: &mut Output, now: u64) {
        if now >= self.next_mounts {
            self.next_mounts = now + MOUNTS_EVERY;
            self.points = self.mounts.read(&mut self.buffer).map(local_mounts).unwrap_or_default();
        }
        for point in &self.points {
            let Ok(found) = rustix::fs::statvfs(point.as_str()) else { continue };
            let block = found.f_frsize as f64;
            let used = share(found.f_blocks.saturating_sub(found.f_bfree), found.f_bavail);
            let values = [
                found.f_blocks as f64 * block,
                found.f_bfree as f64 * block,
                found.f_bavail as f64 * block,
                used,
                found.f_files as f64,
                found.f_ffree as f64,
                share(found.f_files.saturating_sub(found.f_ffree), found.f_ffree),
                f64::from(u8::from(found.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY))),
            ];
            self.volume.clear();
            self.volume.set_columns(values.into_iter());
            self.volume.emit(output, point);
        }
        self.volume.end();
    }
}

/// Percent of used among used and free; NaN when there is neither.
fn share(used: u64, free: u64) -> f64 {
    used as f64 * 100.0 / (used as f64 + free as f64)
}

/// Whether a name is a partition of a disk: `sda1` of `sda`, `nvme0n1p2` of `nvme0n1`.
fn is_part_of(name: &str, disk: &str) -> bool {
    let Some(rest) = name.strip_prefix(disk).filter(|_| !disk.is_empty()) else { return false };
    let needs_p = disk.ends_with(|last: char| last.is_ascii_digit());
    let number = if needs_p { rest.strip_prefix('p').unwrap_or("") } else { rest };
    !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// Mount points of local file systems, each device once, at its shortest path.
fn local_mounts(content: &[u8]) -> Vec<String> {
    let mut found: Vec<text::MountLine> = Vec::new();
    for mount in text::lines(content).filter_map(text::mount).filter(|mount| LOCAL.contains(&mount.kind.as_str())) {
        match found.iter().position(|known| known.device == mount.device) {
            Some(known) if mount.point.len() < found[known].point.len() => found[known] = mount,
            None if found.len() < VOLUMES_MAX => found.push(mount),
            _ => {}
        }
    }
    found.into_iter().map(|mount| mount.point).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_told_from_disks() {
        for (name, disk, part) in [
            ("sda1", "sda", true),
            ("sdab", "sda", false),
            ("nvme0n1p12", "nvme0n1", true),
            ("nvme0n12", "nvme0n1", false),
            ("vda", "vda", false),
            ("x1", "", false),
        ] {
            assert_eq!(is_part_of(name, disk), part, "{name}");
        }
    }

    #[test]
    fn each_local_device_is_listed_once() {
        let table = b"1 0 8:1 / /srv/data/bind rw - ext4 /dev/sda1 rw\n2 0 8:1 / / rw - ext4 /dev/sda1 rw\n\
            3 0 0:5 / /proc rw - proc proc rw\n4 0 0:40 / /net rw - nfs4 server:/x rw\n5 0 8:2 / /var rw shared:1 - xfs /dev/sda2 rw\n";
        assert_eq!(local_mounts(table), ["/", "/var"]);
    }
}

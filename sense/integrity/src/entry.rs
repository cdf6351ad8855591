//! What is known of one watched path, and how it is looked at: without following a link, without moving access times.

use crate::limits::TEXT_BYTES;
use record::{FileId, FileState};
use ring::digest::{Context, SHA256};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags, Stat, fstat, lgetxattr, major, minor, openat2};
use rustix::fs::{readlinkat, statat};
use rustix::io::Errno;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Where the kernel keeps what a program may do beyond its caller (capabilities(7)).
const CAPABILITY: &str = "security.capability";
/// Longest value of it (`struct vfs_ns_cap_data`), with room.
const CAPABILITY_BYTES: usize = 64;

/// State of a path.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Entry {
    /// Type and permissions (`st_mode`).
    #[prost(uint32, tag = "1")]
    pub mode: u32,
    /// Owner.
    #[prost(uint32, tag = "2")]
    pub uid: u32,
    /// Group.
    #[prost(uint32, tag = "3")]
    pub gid: u32,
    /// Bytes; 0 of a directory, whose size says nothing.
    #[prost(uint64, tag = "4")]
    pub size: u64,
    /// Last change of the content, ns; 0 of a directory.
    #[prost(sint64, tag = "5")]
    pub modified_ns: i64,
    /// Inode.
    #[prost(uint64, tag = "6")]
    pub inode: u64,
    /// Device in the kernel's encoding.
    #[prost(uint32, tag = "7")]
    pub device: u32,
    /// SHA-256 of the content; empty of what has none and of what is too long.
    #[prost(bytes = "vec", tag = "8")]
    pub sha256: Vec<u8>,
    /// Value of `security.capability`, empty without one.
    #[prost(bytes = "vec", tag = "9")]
    pub capability: Vec<u8>,
    /// Where a symbolic link leads.
    #[prost(string, tag = "10")]
    pub target: String,
    /// Last change of anything, ns: tells without reading that nothing changed.
    #[prost(sint64, tag = "11")]
    pub changed_ns: i64,
}

/// A look at a path.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// Its state.
    pub entry: Entry,
    /// The content when it is short; empty otherwise.
    pub text: Vec<u8>,
    /// Bytes read.
    pub read: u64,
}

impl Entry {
    /// The type of the file.
    pub fn file_type(&self) -> FileType {
        FileType::from_raw_mode(self.mode)
    }

    /// What changed from `self` to a later state: `modified` where the content did, `attributes` where only mode, owner
    /// or capabilities did, `None` where nothing that matters did.
    pub fn change(&self, later: &Entry) -> Option<&'static str> {
        let unread = self.sha256.is_empty() || later.sha256.is_empty();
        // A file that is too long is told apart by size and time.
        let touched = (self.size, self.modified_ns) != (later.size, later.modified_ns);
        let content = self.sha256 != later.sha256 || self.target != later.target || (unread && touched);
        let same_type = self.mode & 0o170_000 == later.mode & 0o170_000;
        let attributes = (self.mode, self.uid, self.gid) != (later.mode, later.uid, later.gid);
        match () {
            () if content || !same_type => Some("modified"),
            () if attributes || self.capability != later.capability => Some("attributes"),
            () => None,
        }
    }

    /// Whether a look without reading finds it as it was. The time of change cannot be set by anyone but the kernel.
    pub fn untouched(&self, stat: &Stat) -> bool {
        (self.inode, self.device, self.changed_ns) == (stat.st_ino, device(stat), changed_ns(stat))
            && self.mode == stat.st_mode
    }

    /// As records carry it.
    pub fn state(&self) -> FileState {
        let Entry { mode, uid, gid, size, .. } = *self;
        FileState { sha256: self.sha256.clone(), mode, uid, gid, size, modified_us: self.modified_ns / 1000 }
    }

    /// The file with its identity.
    pub fn file(&self, path: &str) -> FileId {
        let (inode, device) = (self.inode, self.device);
        FileId { path: path.to_owned(), inode, device, sha256: self.sha256.clone(), unlinked: false }
    }
}

/// State of a path without its content, `None` when it is gone.
pub fn stat(path: &Path) -> Option<Stat> {
    statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW).ok()
}

/// Looks at a path and reads what is in it, up to so many bytes; `None` when it is gone or leads over a link.
pub fn look(path: &Path, most: u64) -> Option<Seen> {
    let found = stat(path)?;
    let mut seen = Seen { entry: of(&found), text: Vec::new(), read: 0 };
    match FileType::from_raw_mode(found.st_mode) {
        FileType::Symlink => {
            let target = readlinkat(CWD, path, Vec::new()).ok()?;
            seen.entry.target = target.to_string_lossy().into_owned();
        }
        FileType::RegularFile => {
            let file = File::from(open(path).ok()?);
            let opened = fstat(&file).ok()?;
            // It may be another one by now.
            seen.entry = of(&opened);
            seen.entry.capability = capability(path);
            if opened.st_size as u64 <= most {
                read(file, opened.st_size as u64, &mut seen).ok()?;
            }
        }
        _ => {}
    }
    Some(seen)
}

fn read(mut file: File, size: u64, seen: &mut Seen) -> std::io::Result<()> {
    let mut hash = Context::new(&SHA256);
    let mut part = vec![0; 64 * 1024];
    // A file that grows while it is read is read up to where it ended, and looked at again.
    let keep = size <= TEXT_BYTES;
    loop {
        let count = file.read(&mut part)?;
        if count == 0 || seen.read > size.saturating_add(64 * 1024) {
            break;
        }
        hash.update(&part[..count]);
        seen.read += count as u64;
        if keep && seen.text.len() as u64 <= TEXT_BYTES {
            seen.text.extend_from_slice(&part[..count]);
        }
    }
    if seen.text.len() as u64 > TEXT_BYTES {
        seen.text.clear();
    }
    seen.entry.sha256 = hash.finish().as_ref().to_vec();
    Ok(())
}

fn open(path: &Path) -> Result<rustix::fd::OwnedFd, Errno> {
    let resolve = ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW;
    match openat2(CWD, path, flags | OFlags::NOATIME, Mode::empty(), resolve) {
        // Only the owner of a file, and root, may leave its access time alone.
        Err(Errno::PERM) => openat2(CWD, path, flags, Mode::empty(), resolve),
        // Before Linux 5.6.
        Err(Errno::NOSYS) => rustix::fs::open(path, flags, Mode::empty()),
        opened => opened,
    }
}

fn capability(path: &Path) -> Vec<u8> {
    let mut value = vec![0; CAPABILITY_BYTES];
    let length = lgetxattr(path, CAPABILITY, value.as_mut_slice()).unwrap_or(0);
    value.truncate(length);
    value
}

fn of(stat: &Stat) -> Entry {
    let folder = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
    let modified = nanoseconds(stat.st_mtime, stat.st_mtime_nsec);
    Entry {
        mode: stat.st_mode,
        uid: stat.st_uid,
        gid: stat.st_gid,
        size: if folder { 0 } else { stat.st_size as u64 },
        modified_ns: if folder { 0 } else { modified },
        inode: stat.st_ino,
        device: device(stat),
        changed_ns: changed_ns(stat),
        ..Entry::default()
    }
}

fn nanoseconds(seconds: i64, rest: u64) -> i64 {
    seconds.saturating_mul(1_000_000_000).saturating_add(rest as i64)
}

/// Last change of anything, ns.
pub fn changed_ns(stat: &Stat) -> i64 {
    nanoseconds(stat.st_ctime, stat.st_ctime_nsec)
}

/// The kernel's own encoding of a device number (`include/linux/kdev_t.h`).
pub fn device(stat: &Stat) -> u32 {
    major(stat.st_dev) << 20 | (minor(stat.st_dev) & 0xf_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn content_attributes_and_nothing_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap().join("f");
        let now = || look(&path, 1000).unwrap();
        std::fs::write(&path, "one").unwrap();
        let first = now();
        assert_eq!((first.text.as_slice(), first.read, first.entry.sha256.len()), (b"one".as_slice(), 3, 32));
        assert!(first.entry.untouched(&stat(&path).unwrap()));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o4755)).unwrap();
        assert_eq!(first.entry.change(&now().entry), Some("attributes"));
        assert!(!first.entry.untouched(&stat(&path).unwrap()));
        std::fs::write(&path, "two").unwrap();
        assert_eq!(first.entry.change(&now().entry), Some("modified"));
        assert_eq!(first.entry.change(&first.entry), None);
        std::fs::remove_file(&path).unwrap();
        assert!(look(&path, 1000).is_none());
        std::os::unix::fs::symlink("/etc/passwd", &path).unwrap();
        let link = now();
        assert_eq!((link.entry.target.as_str(), link.entry.sha256.len()), ("/etc/passwd", 0));
        assert_eq!(first.entry.change(&link.entry), Some("modified"));
    }

    #[test]
    fn a_long_file_is_known_by_size_and_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap().join("f");
        std::fs::write(&path, "0123456789").unwrap();
        let first = look(&path, 5).unwrap();
        assert!(first.entry.sha256.is_empty() && first.read == 0);
        std::fs::write(&path, "01234567890").unwrap();
        assert_eq!(first.entry.change(&look(&path, 5).unwrap().entry), Some("modified"));
    }
}

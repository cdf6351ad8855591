//! Everything a file has besides content: mode, owner, times, extended attributes, inode flags.

use crate::walk::failed;
use base::Result;
use rustix::fs::{
    Gid, IFlags, Mode, Stat, Timespec, Timestamps, Uid, XattrFlags, fchmod, fchown, fgetxattr, flistxattr, fsetxattr,
    futimens, ioctl_getflags, ioctl_setflags,
};
use serde::{Deserialize, Serialize};
use std::os::fd::OwnedFd;
use std::path::Path;

/// Largest extended attribute and list of them (`XATTR_SIZE_MAX`, `XATTR_LIST_MAX` of `include/uapi/linux/limits.h`).
const XATTR_BYTES: usize = 65536;
/// Flags that keep a file from being changed or removed.
const LOCKED: IFlags = IFlags::IMMUTABLE.union(IFlags::APPEND);

/// The attributes of one file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Attributes {
    pub(crate) mode: u32,
    uid: u32,
    gid: u32,
    /// Seconds and nanoseconds of last access.
    accessed: (i64, i64),
    /// Seconds and nanoseconds of last change of content.
    pub(crate) modified: (i64, i64),
    /// Name and value in hexadecimal digits.
    xattrs: Vec<(String, String)>,
    /// Inode flags that were set (`chattr`): immutable and append-only.
    flags: u32,
    pub(crate) links: u64,
}

impl Attributes {
    /// Reads them. Attributes that the file system does not have read as none.
    #[allow(clippy::useless_conversion, reason = "the number of links is narrower on aarch64")]
    pub(crate) fn read(file: &OwnedFd, stat: &Stat) -> Attributes {
        Attributes {
            mode: stat.st_mode & 0o7777,
            uid: stat.st_uid,
            gid: stat.st_gid,
            accessed: (stat.st_atime, stat.st_atime_nsec as i64),
            modified: (stat.st_mtime, stat.st_mtime_nsec as i64),
            xattrs: read_xattrs(file),
            flags: ioctl_getflags(file).map(|flags| (flags & LOCKED).bits()).unwrap_or(0),
            links: u64::from(stat.st_nlink),
        }
    }

    /// Whether the file is kept from being removed by an inode flag.
    pub(crate) fn is_locked(&self) -> bool {
        self.flags != 0
    }

    /// Takes the locking flags off.
    pub(crate) fn unlock(&self, path: &Path, file: &OwnedFd) -> Result<()> {
        let flags = ioctl_getflags(file).map_err(|cause| failed(path, "read inode flags", cause))?;
        ioctl_setflags(file, flags - LOCKED).map_err(|cause| failed(path, "clear inode flags", cause))
    }

    /// Puts the locking flags back.
    pub(crate) fn lock(&self, path: &Path, file: &OwnedFd) -> Result<()> {
        if !self.is_locked() {
            return Ok(());
        }
        let flags = ioctl_getflags(file).map_err(|cause| failed(path, "read inode flags", cause))?;
        let wanted = flags | IFlags::from_bits_retain(self.flags);
        ioctl_setflags(file, wanted).map_err(|cause| failed(path, "set inode flags", cause))
    }

    /// Gives them to a file, except the locking flags. Owner first: changing it clears set-user-id bits and file
    /// capabilities; times last. Returns what could not be restored, one line each.
    pub(crate) fn write(&self, path: &Path, file: &OwnedFd) -> Result<Vec<String>> {
        let mut lost = Vec::new();
        let (uid, gid) = (Uid::from_raw(self.uid), Gid::from_raw(self.gid));
        fchown(file, Some(uid), Some(gid)).map_err(|cause| failed(path, "give owner", cause))?;
        fchmod(file, Mode::from_raw_mode(self.mode)).map_err(|cause| failed(path, "give mode", cause))?;
        for (name, value) in &self.xattrs {
            let value = hex::decode(value).unwrap_or_default();
            if let Err(cause) = fsetxattr(file, name.as_str(), &value, XattrFlags::empty()) {
                lost.push(format!("extended attribute {name} not restored: {cause}"));
            }
        }
        let time = |(tv_sec, tv_nsec): (i64, i64)| Timespec { tv_sec, tv_nsec };
        let times = Timestamps { last_access: time(self.accessed), last_modification: time(self.modified) };
        futimens(file, &times).map_err(|cause| failed(path, "give times", cause))?;
        Ok(lost)
    }

    /// Whether content may have changed between two readings.
    pub(crate) fn same_content(&self, stat: &Stat) -> bool {
        self.modified == (stat.st_mtime, stat.st_mtime_nsec as i64)
    }
}

fn read_xattrs(file: &OwnedFd) -> Vec<(String, String)> {
    let mut list = vec![0u8; XATTR_BYTES];
    let Ok(length) = flistxattr(file, list.as_mut_slice()) else { return Vec::new() };
    let names = list[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty());
    let mut value = vec![0u8; XATTR_BYTES];
    names
        .filter_map(|name| {
            let name = std::str::from_utf8(name).ok()?;
            let length = fgetxattr(file, name, value.as_mut_slice()).ok()?;
            Some((name.to_string(), hex::encode(&value[..length])))
        })
        .collect()
}

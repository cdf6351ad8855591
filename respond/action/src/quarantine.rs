//! Take a file away; undo brings it back byte for byte with mode, owner, times, extended attributes and inode flags.
//! Parameters `path`; optional `process` (whose mount namespace the path belongs to), `device` and `inode`
//! (what the event saw, so that an exchanged file is left alone).
//!
//! Other hard links stay and are counted in the receipt. A running copy goes on running: kill it too.

use crate::action::{Action, Applied, Plan, Progress, pack, parameter, process_of, unpack};
use crate::attributes::Attributes;
use crate::file_key::{FileKey, OWN_MOUNTS};
use crate::host::private_directory;
use crate::vault::{self, Passed};
use crate::walk::{Place, failed, place};
use crate::{HostView, fault, process};
use base::{Fault, Random, Result, SystemRandom};
use record::{ActionKind, Order, ProcessKey};
use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags, Stat, fstat, fsync, openat, renameat_with, statat, unlinkat};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs::File;
use std::io::{BufWriter, Seek, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// How often a copy is made over because the file was written to meanwhile.
const COPIES: usize = 3;

/// See the module.
pub struct Quarantine;

/// The undo record, and the metadata beside the stored content.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Record {
    order: String,
    path: PathBuf,
    /// Whose root the path starts at, 0 for our own.
    process: u64,
    device: u64,
    inode: u64,
    attributes: Attributes,
    /// Hexadecimal; empty until the copy is complete.
    sha256: String,
    bytes: u64,
    key: String,
}

impl Record {
    fn root(&self, host: &HostView) -> PathBuf {
        match ProcessKey(self.process).pid() {
            0 => PathBuf::from("/"),
            pid => host.proc().join(pid.to_string()).join("root"),
        }
    }

    fn place(&self, host: &HostView) -> Result<Place> {
        if self.process != 0 {
            process::find(host.proc(), ProcessKey(self.process))?;
        }
        place(&self.root(host), &self.path)
    }

    fn stored(&self, host: &HostView) -> PathBuf {
        store(host).join(format!("{}.sealed", self.order))
    }

    fn metadata(&self, host: &HostView) -> PathBuf {
        store(host).join(format!("{}.json", self.order))
    }

    /// The name that the file has for an instant in its own directory before it is removed.
    fn aside(&self) -> String {
        format!(".garrison-{}", self.order)
    }

    fn is_same(&self, stat: &Stat) -> bool {
        (stat.st_dev, stat.st_ino) == (self.device, self.inode)
    }
}

fn store(host: &HostView) -> PathBuf {
    host.config.state_dir.join("quarantine")
}

/// The process whose root the path starts at, 0 when that is our own root. When the process has gone, the path is
/// looked for in our own tree, but only with an identity that must fit.
fn root_of(order: &Order, host: &HostView) -> Result<u64> {
    if order.parameters.get("process").is_none_or(String::is_empty) {
        return Ok(0);
    }
    let key = process_of(order, host)?;
    let namespace = |pid: &str| std::fs::read_link(host.proc().join(pid).join("ns/mnt")).ok();
    match (process::find(host.proc(), key), namespace(&key.pid().to_string())) {
        (Ok(_), Some(theirs)) if namespace("self").is_some_and(|ours| ours != theirs) => Ok(key.0),
        (Ok(_), Some(_)) => Ok(0),
        _ if order.parameters.contains_key("inode") && order.parameters.contains_key("device") => Ok(0),
        _ => {
            Err(Fault::new(&fault::GONE).object(format!("process {key}")).found("its mount namespace is gone with it"))
        }
    }
}

/// Finds and checks the file.
fn examine(order: &Order, host: &HostView) -> Result<(Place, OwnedFd, Record)> {
    let mut record = Record {
        order: order.id.clone(),
        path: PathBuf::from(parameter(order, "path")?),
        process: root_of(order, host)?,
        device: 0,
        inode: 0,
        attributes: Attributes::default(),
        sha256: String::new(),
        bytes: 0,
        key: String::new(),
    };
    let place = record.place(host)?;
    let (file, stat) = place.open()?;
    let mounts = match ProcessKey(record.process).pid() {
        0 => PathBuf::from(OWN_MOUNTS),
        pid => host.proc().join(pid.to_string()).join("mountinfo"),
    };
    let key = FileKey::of(&file, &stat, &mounts);
    let found = [("inode", key.inode), ("device", u64::from(key.device))];
    for (name, found) in found {
        let wanted = order.parameters.get(name).filter(|text| !text.is_empty());
        if let Some(wanted) = wanted.filter(|text| text.parse() != Ok(found)) {
            let fault = Fault::new(&fault::CHANGED).object(record.path.display());
            return Err(fault.expected(format!("{name} {wanted}")).found(format!("{name} {found}")));
        }
    }
    host.never().check_file(&record.path, stat.st_dev, stat.st_ino, host)?;
    let bytes = stat.st_size.unsigned_abs();
    if bytes > host.config.quarantine_bytes {
        let limit = format!("at most {} bytes", host.config.quarantine_bytes);
        return Err(Fault::new(&fault::TOO_LARGE).object(record.path.display()).expected(limit).found(bytes));
    }
    record.attributes = Attributes::read(&file, &stat);
    (record.device, record.inode, record.bytes) = (stat.st_dev, stat.st_ino, bytes);
    Ok((place, file, record))
}

fn touched(record: &Record) -> Vec<String> {
    let mut lines = vec![format!("file {}, {} bytes, inode {}", record.path.display(), record.bytes, record.inode)];
    if record.attributes.links > 1 {
        lines.push(format!("{} other hard links to the same content stay", record.attributes.links - 1));
    }
    if record.attributes.mode & 0o6000 != 0 {
        lines.push(format!("its mode has set-user-id or set-group-id bits: {:o}", record.attributes.mode));
    }
    lines
}

impl Action for Quarantine {
    fn kind(&self) -> ActionKind {
        ActionKind::Quarantine
    }

    fn plan(&self, order: &Order, host: &HostView) -> Result<Plan> {
        let (_, _, record) = examine(order, host)?;
        Ok(Plan { touched: touched(&record), record: pack(&record)? })
    }

    fn apply(&self, order: &Order, _: &Plan, host: &HostView, progress: &mut Progress<'_>) -> Result<Applied> {
        private_directory(&store(host))?;
        let (place, file, mut record) = examine(order, host)?;
        copy(&file, &mut record, host)?;
        progress(&pack(&record)?)?;
        remove(&place, &file, &record)?;
        Ok(Applied { touched: touched(&record), record: pack(&record)? })
    }

    fn verify(&self, host: &HostView, record: &Value) -> Result<Vec<String>> {
        let record: Record = unpack(record)?;
        let unverified = |found: &str| Fault::new(&fault::UNVERIFIED).object(record.path.display()).found(found);
        if is_in_place(&record, host)? {
            return Err(unverified("the file is still there"));
        }
        let passed = open_stored(&record, host, &mut std::io::sink())?;
        if passed.sha256 != record.sha256 || passed.bytes != record.bytes {
            return Err(unverified("the stored copy differs from the file"));
        }
        Ok(vec![
            format!("{} is gone", record.path.display()),
            format!("stored copy complete: SHA-256 {}, {} bytes", record.sha256, record.bytes),
        ])
    }

    fn undo(&self, host: &HostView, record: &Value) -> Result<Vec<String>> {
        let record: Record = unpack(record)?;
        let place = record.place(host)?;
        let mut lines = if put_back_aside(&place, &record)? || is_in_place(&record, host)? {
            vec![format!("{} was not taken away", record.path.display())]
        } else if record.stored(host).exists() && !record.sha256.is_empty() {
            restore(&place, &record, host)?
        } else if is_restored(&place, &record) {
            vec![format!("{} is back already", record.path.display())]
        } else if record.sha256.is_empty() {
            vec![format!("{} was gone before it could be taken", record.path.display())]
        } else {
            return Err(Fault::new(&fault::DAMAGED).object(record.path.display()).found("no stored copy"));
        };
        if let Ok((file, stat)) = place.open() {
            record.attributes.lock(&record.path, &file)?;
            lines.push(format!("inode {}, mode {:o}, {} bytes", stat.st_ino, stat.st_mode & 0o7777, stat.st_size));
        }
        for path in [record.stored(host), record.metadata(host)] {
            // The file is back: a copy that stays costs space, nothing else.
            let _ = std::fs::remove_file(path);
        }
        Ok(lines)
    }
}

/// Writes the sealed copy and the metadata, both durable before this returns.
fn copy(file: &OwnedFd, record: &mut Record, host: &HostView) -> Result<()> {
    let mut key = [0; 32];
    SystemRandom::new().fill(&mut key);
    record.key = hex::encode(key);
    for _ in 0..COPIES {
        let mut source = File::from(file.try_clone().map_err(|cause| lost(&record.path, cause))?);
        source.rewind().map_err(|cause| lost(&record.path, cause))?;
        let mut target = BufWriter::new(create(&record.stored(host))?);
        let passed = vault::seal(&mut source, &mut target, key, host.config.quarantine_bytes)?;
        let target = target.into_inner().map_err(|cause| lost(&record.stored(host), cause.into_error()))?;
        target.sync_all().map_err(|cause| lost(&record.stored(host), cause))?;
        let stat = fstat(file).map_err(|cause| failed(&record.path, "stat", cause))?;
        (record.sha256, record.bytes) = (passed.sha256, passed.bytes);
        if record.attributes.same_content(&stat) && stat.st_size.unsigned_abs() == record.bytes {
            let mut metadata = create(&record.metadata(host))?;
            let text = serde_json::to_vec_pretty(record).unwrap_or_default();
            let written = metadata.write_all(&text).and_then(|()| metadata.sync_all());
            return written.map_err(|cause| lost(&record.metadata(host), cause));
        }
        record.attributes = Attributes::read(file, &stat);
    }
    Err(Fault::new(&fault::CHANGED).object(record.path.display()).found(format!("written to during {COPIES} copies")))
}

fn lost(path: &Path, cause: std::io::Error) -> Fault {
    Fault::new(&fault::STORE).object(path.display()).because(cause)
}

/// A new file of the store; one that an interrupted attempt left is replaced.
fn create(path: &Path) -> Result<File> {
    let _ = std::fs::remove_file(path);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true).mode(0o600).open(path).map_err(|cause| lost(path, cause))
}

/// Takes the name away. It is renamed first and looked at under the new name, so that a file that someone put
/// in its place at the last moment is never removed.
fn remove(place: &Place, file: &OwnedFd, record: &Record) -> Result<()> {
    let path = &record.path;
    if record.attributes.is_locked() {
        record.attributes.unlock(path, file)?;
    }
    let aside = record.aside();
    rename(place, &place.name, aside.as_ref()).map_err(|cause| failed(path, "set aside", cause))?;
    let moved = statat(&place.directory, &aside, AtFlags::SYMLINK_NOFOLLOW);
    let now = fstat(file).map_err(|cause| failed(path, "stat", cause))?;
    let same = moved.is_ok_and(|stat| record.is_same(&stat));
    if !same || !record.attributes.same_content(&now) || now.st_size.unsigned_abs() != record.bytes {
        rename(place, aside.as_ref(), &place.name).map_err(|cause| failed(path, "put back", cause))?;
        return Err(Fault::new(&fault::CHANGED).object(path.display()).found("exchanged or written to meanwhile"));
    }
    unlinkat(&place.directory, &aside, AtFlags::empty()).map_err(|cause| failed(path, "remove", cause))?;
    sync_directory(place);
    Ok(())
}

/// Renames within the directory without replacing anything. File systems without that flag get a link instead.
fn rename(place: &Place, from: &std::ffi::OsStr, to: &std::ffi::OsStr) -> std::result::Result<(), rustix::io::Errno> {
    match renameat_with(&place.directory, from, &place.directory, to, RenameFlags::NOREPLACE) {
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {
            rustix::fs::linkat(&place.directory, from, &place.directory, to, AtFlags::empty())?;
            unlinkat(&place.directory, from, AtFlags::empty())
        }
        other => other,
    }
}

fn sync_directory(place: &Place) {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    if let Ok(directory) = openat(&place.directory, ".", flags, Mode::empty()) {
        // Not all file systems sync directories; the file itself is safe in the store.
        let _ = fsync(directory);
    }
}

/// Undoes a removal that was cut off between setting aside and removing.
fn put_back_aside(place: &Place, record: &Record) -> Result<bool> {
    let aside = record.aside();
    match statat(&place.directory, &aside, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) if record.is_same(&stat) => {}
        _ => return Ok(false),
    }
    rename(place, aside.as_ref(), &place.name).map_err(|cause| failed(&record.path, "put back", cause))?;
    Ok(true)
}

/// Whether the very file still has its name. Inode numbers are used again, so size and time must agree too.
fn is_in_place(record: &Record, host: &HostView) -> Result<bool> {
    let place = match record.place(host) {
        Err(fault) if fault.is(&fault::MISSING) || fault.is(&fault::GONE) => return Ok(false),
        other => other?,
    };
    let stat = statat(&place.directory, &place.name, AtFlags::SYMLINK_NOFOLLOW);
    Ok(stat.is_ok_and(|stat| {
        record.is_same(&stat) && record.attributes.same_content(&stat) && stat.st_size.unsigned_abs() == record.bytes
    }))
}

/// Whether a file with the content we took lies at the place.
fn is_restored(place: &Place, record: &Record) -> bool {
    let Ok((file, _)) = place.open() else { return false };
    let sealed = vault::seal(&mut File::from(file), &mut std::io::sink(), [0; 32], record.bytes);
    sealed.is_ok_and(|passed| passed.sha256 == record.sha256)
}

/// Decodes the stored copy into `to`.
fn open_stored(record: &Record, host: &HostView, to: &mut dyn Write) -> Result<Passed> {
    let damaged = || Fault::new(&fault::DAMAGED).object(record.stored(host).display());
    let key: [u8; 32] = hex::decode(&record.key).ok().and_then(|key| key.try_into().ok()).ok_or_else(damaged)?;
    let mut from = File::open(record.stored(host)).map_err(|cause| lost(&record.stored(host), cause))?;
    vault::unseal(&mut from, to, key)
}

/// Writes the file anew beside its place and gives it the name when it is complete.
fn restore(place: &Place, record: &Record, host: &HostView) -> Result<Vec<String>> {
    let path = &record.path;
    if statat(&place.directory, &place.name, AtFlags::SYMLINK_NOFOLLOW).is_ok() {
        return Err(Fault::new(&fault::OCCUPIED).object(path.display()).expected("nothing").found("another file"));
    }
    let name = format!("{}-back", record.aside());
    let _ = unlinkat(&place.directory, &name, AtFlags::empty());
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = openat(&place.directory, &name, flags, Mode::from_raw_mode(0o600));
    let file = file.map_err(|cause| failed(path, "create", cause))?;
    let written = fill(&file, record, host).and_then(|lost| {
        rename(place, name.as_ref(), &place.name).map_err(|cause| failed(path, "give name", cause))?;
        Ok(lost)
    });
    let mut lines = match written {
        Ok(lines) => lines,
        Err(fault) => {
            let _ = unlinkat(&place.directory, &name, AtFlags::empty());
            return Err(fault);
        }
    };
    sync_directory(place);
    lines.insert(0, format!("{} restored: SHA-256 {}", path.display(), record.sha256));
    Ok(lines)
}

fn fill(file: &OwnedFd, record: &Record, host: &HostView) -> Result<Vec<String>> {
    let clone = file.try_clone().map_err(|cause| lost(&record.path, cause))?;
    let mut target = BufWriter::new(File::from(clone));
    let passed = open_stored(record, host, &mut target)?;
    target.into_inner().map_err(|cause| lost(&record.path, cause.into_error()))?;
    if passed.sha256 != record.sha256 {
        let fault = Fault::new(&fault::DAMAGED).object(record.stored(host).display());
        return Err(fault.expected(&record.sha256).found(passed.sha256));
    }
    let lines = record.attributes.write(&record.path, file)?;
    fsync(file).map_err(|cause| failed(&record.path, "sync", cause))?;
    Ok(lines)
}

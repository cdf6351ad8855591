//! Refuse to execute a file. Parameter `path` (one file, by inode), or `sha256` (any file with that content) with
//! `mount` (any path on the file system where that content is refused).
//!
//! The refusal lives in the agent's kernel hooks: when the agent dies it ends (fail-open), and the next start puts
//! it in force again from the journal. A script handed to an interpreter as an argument is read, not executed.

use crate::action::{Action, Adopted, Applied, Plan, Progress, pack, parameter, unpack};
use crate::file_key::{FileKey, OWN_MOUNTS};
use crate::gate::Denied;
use crate::host::Held;
use crate::{HostView, fault, walk};
use base::{Fault, Result};
use record::{ActionKind, Order};
use rustix::fs::{CWD, Mode, OFlags, openat};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

/// See the module.
pub struct DenyExec;

#[derive(Serialize, Deserialize)]
struct Record {
    order: String,
    denied: Denied,
    /// Where a content is denied; `None` leaves that to the means.
    mount: Option<PathBuf>,
}

/// What the order names, checked against the never-block list.
fn target(order: &Order, host: &HostView) -> Result<Record> {
    let (order_id, filled) =
        (order.id.clone(), |name: &str| order.parameters.get(name).filter(|text| !text.is_empty()));
    if let Some(text) = filled("sha256") {
        let mut bytes = [0; 32];
        let wrong = |_| Fault::new(&fault::BAD_ORDER).object("sha256").expected("64 hexadecimal digits").found(text);
        hex::decode_to_slice(text, &mut bytes).map_err(wrong)?;
        let record =
            Record { order: order_id, denied: Denied::Sha256(bytes), mount: filled("mount").map(PathBuf::from) };
        check(&record, host)?;
        return Ok(record);
    }
    let path = PathBuf::from(parameter(order, "path")?);
    let (file, stat) = walk::place(Path::new("/"), &path)?.pin()?;
    let key = FileKey::of(&file, &stat, Path::new(OWN_MOUNTS));
    let denied = Denied::File { device: stat.st_dev, inode: stat.st_ino, key, path };
    let record = Record { order: order_id, denied, mount: None };
    check(&record, host)?;
    Ok(record)
}

fn check(record: &Record, host: &HostView) -> Result<()> {
    match &record.denied {
        Denied::File { device, inode, path, .. } => host.never().check_file(path, *device, *inode, host),
        Denied::Sha256(_) => check_content(&record.denied, host),
    }
}

/// Opens what is denied: the file, when it still is that file, or the place on the mount.
fn open(record: &Record) -> Result<Option<OwnedFd>> {
    let Denied::File { key, path, .. } = &record.denied else {
        let Some(mount) = &record.mount else { return Ok(None) };
        if !mount.is_absolute() {
            let fault = Fault::new(&fault::BAD_ORDER).object("parameter `mount`");
            return Err(fault.expected("an absolute path").found(mount.display()));
        }
        let opened = openat(CWD, mount, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty());
        return opened.map(Some).map_err(|cause| walk::failed(mount, "open", cause));
    };
    let (file, stat) = walk::place(Path::new("/"), path)?.pin()?;
    if FileKey::of(&file, &stat, Path::new(OWN_MOUNTS)) != *key {
        return Err(Fault::new(&fault::CHANGED).object(path.display()).found("not that file any more"));
    }
    Ok(Some(file))
}

/// Denies it and holds on to it.
fn enforce(record: &Record, host: &HostView) -> Result<()> {
    let place = open(record)?;
    host.gate.deny(&record.denied, place.as_ref().map(AsFd::as_fd))?;
    host.denials().insert(record.order.clone(), Held { denied: record.denied.clone(), place });
    Ok(())
}

/// A hash must not be that of a program which the agent, pid 1 or the operators run.
fn check_content(denied: &Denied, host: &HostView) -> Result<()> {
    let Denied::Sha256(digest) = denied else { return Ok(()) };
    for path in host.never().programs_now(host) {
        if crate::digest::of_file(&path, host.config.quarantine_bytes).is_ok_and(|found| found == *digest) {
            let fault = Fault::new(&fault::NEVER).object(denied).expected("a target outside the list");
            return Err(fault.found(format!("entry `program or library {}`", path.display())));
        }
    }
    Ok(())
}

impl Action for DenyExec {
    fn kind(&self) -> ActionKind {
        ActionKind::DenyExec
    }

    fn plan(&self, order: &Order, host: &HostView) -> Result<Plan> {
        let record = target(order, host)?;
        let everywhere = record.mount.as_ref().map(|mount| format!(" on the mount of {}", mount.display()));
        let everywhere = everywhere.unwrap_or_default();
        let touched =
            vec![format!("every execution of {}{everywhere}", record.denied), format!("means: {}", host.gate.name())];
        Ok(Plan { touched, record: pack(&record)? })
    }

    fn apply(&self, _: &Order, plan: &Plan, host: &HostView, _: &mut Progress<'_>) -> Result<Applied> {
        enforce(&unpack(&plan.record)?, host)?;
        Ok(Applied { touched: plan.touched.clone(), record: plan.record.clone() })
    }

    fn verify(&self, host: &HostView, record: &Value) -> Result<Vec<String>> {
        let Record { denied, .. } = unpack(record)?;
        let unverified = || Fault::new(&fault::UNVERIFIED).object(&denied).expected("denied").found("allowed");
        host.gate.denies(&denied)?.map(|line| vec![line]).ok_or_else(unverified)
    }

    fn undo(&self, host: &HostView, record: &Value) -> Result<Vec<String>> {
        let Record { order, denied, .. } = unpack(record)?;
        let held = host.denials().remove(&order);
        if host.denials().values().any(|other| other.denied.is_same(&denied)) {
            return Ok(vec![format!("another order keeps {denied} denied")]);
        }
        let place = held.as_ref().and_then(|held| held.place.as_ref()).map(AsFd::as_fd);
        let found = host.gate.allow(&denied, place).and_then(|()| host.gate.denies(&denied));
        let found = match found {
            Ok(None) => return Ok(vec![format!("{denied} may be executed again")]),
            Ok(Some(line)) => Fault::new(&fault::UNVERIFIED).object(&denied).expected("allowed").found(line),
            Err(fault) => fault,
        };
        // It is still denied, so the inode must stay taken until the next attempt.
        host.denials().extend(held.map(|held| (order, held)));
        Err(found)
    }

    fn adopt(&self, host: &HostView, record: &Value, _: u64, _: bool) -> Result<Adopted> {
        let record: Record = unpack(record)?;
        // The list may have grown while we were away.
        if let Err(refused) = check(&record, host) {
            return Ok(Adopted::Over(refused.to_string()));
        }
        match enforce(&record, host) {
            Ok(()) => Ok(Adopted::Kept),
            Err(gone) if [&fault::CHANGED, &fault::MISSING, &fault::UNSAFE_PATH].iter().any(|code| gone.is(code)) => {
                Ok(Adopted::Over(gone.to_string()))
            }
            Err(fault) => Err(fault),
        }
    }
}

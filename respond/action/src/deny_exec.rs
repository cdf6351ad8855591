//! Refuse to execute a file. Parameter `path` (one file, by inode) or `sha256` (any file with that content).
//!
//! The refusal lives in the agent's kernel hooks: when the agent dies it ends (fail-open), and the next start puts
//! it in force again from the journal. A script handed to an interpreter as an argument is read, not executed.

use crate::action::{Action, Adopted, Applied, Plan, Progress, pack, parameter, unpack};
use crate::gate::Denied;
use crate::{HostView, fault, walk};
use base::{Fault, Result};
use record::{ActionKind, Order};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// See the module.
pub struct DenyExec;

#[derive(Serialize, Deserialize)]
struct Record {
    order: String,
    denied: Denied,
}

/// What the order names, checked against the never-block list.
fn target(order: &Order, host: &HostView) -> Result<Denied> {
    let digest = order.parameters.get("sha256").filter(|text| !text.is_empty());
    if let Some(text) = digest {
        let mut bytes = [0; 32];
        let wrong = |_| Fault::new(&fault::BAD_ORDER).object("sha256").expected("64 hexadecimal digits").found(text);
        hex::decode_to_slice(text, &mut bytes).map_err(wrong)?;
        return Ok(Denied::Sha256(bytes));
    }
    let path = PathBuf::from(parameter(order, "path")?);
    let (_, stat) = walk::place(Path::new("/"), &path)?.open()?;
    host.never().check_file(&path, stat.st_dev, stat.st_ino, host)?;
    Ok(Denied::File { device: stat.st_dev, inode: stat.st_ino, path })
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
        let denied = target(order, host)?;
        check_content(&denied, host)?;
        let touched = vec![format!("every execution of {denied}"), format!("means: {}", host.gate.name())];
        Ok(Plan { touched, record: pack(&Record { order: order.id.clone(), denied })? })
    }

    fn apply(&self, _: &Order, plan: &Plan, host: &HostView, _: &mut Progress<'_>) -> Result<Applied> {
        let record: Record = unpack(&plan.record)?;
        host.denials().insert(record.order, record.denied.clone());
        host.gate.deny(&record.denied)?;
        Ok(Applied { touched: plan.touched.clone(), record: plan.record.clone() })
    }

    fn verify(&self, host: &HostView, record: &Value) -> Result<Vec<String>> {
        let Record { denied, .. } = unpack(record)?;
        let unverified = || Fault::new(&fault::UNVERIFIED).object(&denied).expected("denied").found("allowed");
        host.gate.denies(&denied)?.map(|line| vec![line]).ok_or_else(unverified)
    }

    fn undo(&self, host: &HostView, record: &Value) -> Result<Vec<String>> {
        let Record { order, denied } = unpack(record)?;
        host.denials().remove(&order);
        if host.denials().values().any(|other| *other == denied) {
            return Ok(vec![format!("another order keeps {denied} denied")]);
        }
        host.gate.allow(&denied)?;
        match host.gate.denies(&denied)? {
            Some(line) => Err(Fault::new(&fault::UNVERIFIED).object(&denied).expected("allowed").found(line)),
            None => Ok(vec![format!("{denied} may be executed again")]),
        }
    }

    fn adopt(&self, host: &HostView, record: &Value, _: u64, _: bool) -> Result<Adopted> {
        let Record { order, denied } = unpack(record)?;
        if let Denied::File { device, inode, path } = &denied {
            let same = walk::place(Path::new("/"), path).and_then(|place| place.open());
            if !same.is_ok_and(|(_, stat)| (stat.st_dev, stat.st_ino) == (*device, *inode)) {
                return Ok(Adopted::Over(format!("{} is not that file any more", path.display())));
            }
        }
        host.gate.deny(&denied)?;
        host.denials().insert(order, denied);
        Ok(Adopted::Kept)
    }
}

//! Freeze a process tree; undo thaws it and returns every process to its group. Parameters `process`, optional
//! `also` and `boot`.
//!
//! A control group where the host has one, `SIGSTOP` otherwise. The agent thaws when the lease ends; should the
//! agent die, the tree stays frozen until it is started again and finds the journal.

use crate::action::{Action, Adopted, Applied, Plan, Progress, pack, unpack};
use crate::cgroup::Freezer;
use crate::kill_tree::lines;
use crate::process::{self, Stat};
use crate::{HostView, fault, tree};
use base::{Fault, Result};
use record::{ActionKind, Order, ProcessKey};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// See the module.
pub struct Freeze;

#[derive(Serialize, Deserialize)]
struct Record {
    boot: String,
    /// `None` means signals.
    freezer: Option<Freezer>,
    /// Our group below the freezer's mount.
    group: String,
    /// Where each process came from, by key, in the order of holding; empty paths with signals.
    from: Vec<(u64, String)>,
}

impl Record {
    fn new(order: &Order, host: &HostView, freezer: Option<Freezer>) -> Record {
        let group = format!("garrison-{}", order.id);
        Record { boot: host.boot().id, freezer, group, from: Vec::new() }
    }

    fn keys(&self) -> Vec<ProcessKey> {
        self.from.iter().map(|(key, _)| ProcessKey(*key)).collect()
    }
}

impl Action for Freeze {
    fn kind(&self) -> ActionKind {
        ActionKind::Freeze
    }

    fn plan(&self, order: &Order, host: &HostView) -> Result<Plan> {
        let tree = tree::targets(order, host)?;
        let mut touched = lines(&tree);
        let freezer = host.config.freezers.first();
        touched.push(match freezer {
            Some(Freezer::Version1(_)) => "means: freezer control group, version 1".to_string(),
            Some(Freezer::Version2(_)) => "means: control group version 2".to_string(),
            None => "means: SIGSTOP, visible to the parent".to_string(),
        });
        Ok(Plan { touched, record: pack(&Record::new(order, host, freezer.cloned()))? })
    }

    fn apply(&self, order: &Order, _: &Plan, host: &HostView, progress: &mut Progress<'_>) -> Result<Applied> {
        let mut last = Fault::new(&fault::UNSUPPORTED).object("freezer");
        let means = host.config.freezers.iter().cloned().map(Some).chain([None]);
        for freezer in means {
            let roots = tree::targets(order, host)?;
            let mut record = Record::new(order, host, freezer);
            let done = hold(host, &roots, &mut record, progress);
            match done.and_then(|tree| state(host, &record).map(|_| tree)) {
                Ok(tree) => return Ok(Applied { touched: lines(&tree), record: pack(&record)? }),
                Err(fault) if fault.is(&fault::KERNEL) || fault.is(&fault::UNVERIFIED) => {
                    thaw(host, &record)?;
                    last = fault;
                }
                Err(fault) => return Err(fault),
            }
        }
        Err(last)
    }

    fn verify(&self, host: &HostView, record: &Value) -> Result<Vec<String>> {
        state(host, &unpack(record)?)
    }

    fn undo(&self, host: &HostView, record: &Value) -> Result<Vec<String>> {
        let record: Record = unpack(record)?;
        if record.boot != host.boot().id {
            return Ok(vec!["the host restarted: the processes are gone".to_string()]);
        }
        thaw(host, &record)
    }

    fn adopt(&self, host: &HostView, record: &Value, _: u64, same_boot: bool) -> Result<Adopted> {
        let record: Record = unpack(record)?;
        if !same_boot {
            return Ok(Adopted::Over("the host restarted: the processes are gone".to_string()));
        }
        let left = record.keys().iter().filter(|key| process::find(host.proc(), **key).is_ok()).count();
        if left > 0 {
            return Ok(Adopted::Kept);
        }
        thaw(host, &record)?;
        Ok(Adopted::Over("every frozen process has ended".to_string()))
    }
}

/// Holds the tree by the record's means; the record is made durable before each move.
fn hold(host: &HostView, roots: &[Stat], record: &mut Record, progress: &mut Progress<'_>) -> Result<Vec<Stat>> {
    let freezer = record.freezer.clone();
    let group = freezer.as_ref().map(|freezer| freezer.group(&record.group));
    progress(&pack(record)?)?;
    if let Some(group) = &group {
        group.make()?;
        group.set_frozen(true)?;
    }
    let mut origins: BTreeMap<u32, String> = BTreeMap::new();
    tree::hold_all(host, roots, &mut |fresh| {
        for stat in fresh {
            let now = freezer.as_ref().and_then(|freezer| freezer.group_of(host.proc(), stat.pid)).unwrap_or_default();
            // Born inside our group: it belongs where its parent came from.
            let born_inside = now.trim_start_matches('/') == record.group;
            let origin = if born_inside { origins.get(&stat.parent).cloned().unwrap_or_default() } else { now };
            origins.insert(stat.pid, origin.clone());
            record.from.push((stat.key().0, origin));
        }
        progress(&pack(record)?)?;
        match &group {
            None => tree::stop(host, fresh),
            Some(group) => {
                for stat in fresh.iter().filter(|stat| process::find(host.proc(), stat.key()).is_ok()) {
                    group.take(stat.pid)?;
                }
                Ok(())
            }
        }
    })
}

/// Reads the state back.
fn state(host: &HostView, record: &Record) -> Result<Vec<String>> {
    let unverified =
        |found: String| Fault::new(&fault::UNVERIFIED).object("frozen tree").expected("frozen").found(found);
    let mut lines = Vec::new();
    if let Some(freezer) = &record.freezer {
        let group = freezer.group(&record.group);
        let (frozen, said) = group.is_frozen(true)?;
        if !frozen {
            return Err(unverified(said));
        }
        let members = group.members();
        let outside = record.keys().into_iter().filter(|key| {
            !members.contains(&key.pid()) && process::find(host.proc(), *key).is_ok_and(|stat| !stat.is_dead())
        });
        if let Some(key) = outside.into_iter().next() {
            return Err(unverified(format!("process {key} outside the group")));
        }
        lines.push(said);
        lines.push(format!("{} processes in the group", members.len()));
        return Ok(lines);
    }
    for key in record.keys() {
        let Some(stat) = settled(host, key) else { continue };
        if !stat.is_still(host.proc()) {
            return Err(unverified(format!("{} in state {}", stat.line(), stat.state)));
        }
        lines.push(format!("{} in state {}", stat.line(), stat.state));
    }
    Ok(lines)
}

/// A stopped process, given a moment: a stop arrives when the process next leaves the kernel.
fn settled(host: &HostView, key: ProcessKey) -> Option<Stat> {
    let mut stat = process::find(host.proc(), key).ok()?;
    for _ in 0..200 {
        if stat.is_still(host.proc()) {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
        stat = process::find(host.proc(), key).ok()?;
    }
    Some(stat)
}

/// Lets everything go on and returns it where it came from.
fn thaw(host: &HostView, record: &Record) -> Result<Vec<String>> {
    let Some(freezer) = &record.freezer else {
        let running = tree::go_on(host, &record.keys())?;
        return Ok(vec![format!("{} processes run on", running.len())]);
    };
    let group = freezer.group(&record.group);
    if !group.exists() {
        return Ok(vec!["the group is gone: nothing is frozen".to_string()]);
    }
    group.set_frozen(false)?;
    let (thawed, said) = group.is_frozen(false)?;
    if !thawed {
        return Err(Fault::new(&fault::UNVERIFIED).object("frozen tree").expected("thawed").found(said));
    }
    let origins: BTreeMap<u32, &String> =
        record.from.iter().map(|(key, from)| (ProcessKey(*key).pid(), from)).collect();
    let fallback = record.from.first().map(|(_, from)| from.as_str()).unwrap_or_default();
    let mut moved = 0;
    // Running again, the tree may fork while it is moved: look until the group is empty.
    for _ in 0..64 {
        let members = group.members();
        if members.is_empty() {
            break;
        }
        for pid in members {
            let home = freezer.group(origins.get(&pid).map(|from| from.as_str()).unwrap_or(fallback));
            // The group it came from may be gone by now; then the hierarchy's top.
            let home = if home.exists() { home } else { freezer.group("") };
            moved += usize::from(home.take(pid)?);
        }
    }
    group.remove()?;
    Ok(vec![said, format!("{moved} processes returned to their groups")])
}

//! Kill a process and everything below it. Parameters `process`, optional `also` and `boot`.
//!
//! The tree is stopped first, so that it cannot fork away, then killed through pidfds and waited for. There is
//! nothing to undo; an order that a crash of the agent cut off is carried out to its end at the next start, for
//! letting stopped malware go on would help nobody.

use crate::action::{Action, Applied, Plan, Progress, pack, unpack};
use crate::process::{self, Stat};
use crate::{HostView, fault, tree};
use base::{Fault, Result};
use record::{ActionKind, Order, ProcessKey};
use rustix::process::Signal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// How long all the killed processes together may take to end. One that sleeps in the kernel on a dead disk
/// does not end; it is reported by name.
const PATIENCE: Duration = Duration::from_secs(2);
/// Most lines of touched processes in a receipt.
const LINES: usize = 256;

/// See the module.
pub struct KillTree;

#[derive(Serialize, Deserialize)]
struct Record {
    boot: String,
    killed: Vec<u64>,
}

/// One line a process, the rest as a count.
pub(crate) fn lines(tree: &[Stat]) -> Vec<String> {
    let mut lines: Vec<String> = tree.iter().take(LINES).map(Stat::line).collect();
    if tree.len() > LINES {
        lines.push(format!("and {} more processes", tree.len() - LINES));
    }
    lines
}

/// Remembers processes that are not in the plan before they are stopped: after a crash they are found by it.
fn note(record: &mut Record, fresh: &[Stat], progress: &mut Progress<'_>) {
    let known: BTreeSet<u64> = record.killed.iter().copied().collect();
    record.killed.extend(fresh.iter().map(|stat| stat.key().0).filter(|key| !known.contains(key)));
    if record.killed.len() > known.len() {
        // Killing goes on without a journal: a full disk must not protect an attacker.
        let _ = pack(record).and_then(|record| progress(&record));
    }
}

/// The order once more, for what is left of the processes in the record of an interrupted attempt; `None` when
/// nothing is left, or the host has restarted since.
pub(crate) fn rest(order: &Order, host: &HostView, record: &Value) -> Result<Option<Order>> {
    let record: Record = unpack(record)?;
    let keys = record.killed.iter().map(|key| ProcessKey(*key));
    let left: Vec<String> = keys
        .filter(|key| process::find(host.proc(), *key).is_ok_and(|stat| !stat.is_dead()))
        .map(|key| key.to_string())
        .collect();
    if record.boot != host.boot().id || left.is_empty() {
        return Ok(None);
    }
    let mut order = order.clone();
    order.parameters.insert("also".to_string(), left.join(","));
    Ok(Some(order))
}

/// Takes killed processes out of our own frozen groups: a version 1 freezer holds back even `SIGKILL`.
fn release(host: &HostView, tree: &[Stat]) {
    for freezer in &host.config.freezers {
        for stat in tree {
            let group = freezer.group_of(host.proc(), stat.pid).unwrap_or_default();
            if group.trim_start_matches('/').starts_with("garrison-") {
                // A process that has just gone is what we want; verification reports one that stays.
                let _ = freezer.group("").take(stat.pid);
            }
        }
    }
}

impl Action for KillTree {
    fn kind(&self) -> ActionKind {
        ActionKind::KillTree
    }

    fn plan(&self, order: &Order, host: &HostView) -> Result<Plan> {
        let tree = tree::targets(order, host)?;
        let killed = tree.iter().map(|stat| stat.key().0).collect();
        Ok(Plan { touched: lines(&tree), record: pack(&Record { boot: host.boot().id, killed })? })
    }

    fn apply(&self, order: &Order, plan: &Plan, host: &HostView, progress: &mut Progress<'_>) -> Result<Applied> {
        let roots = tree::targets(order, host)?;
        let mut record: Record = unpack(&plan.record)?;
        let mut stopped = Vec::new();
        let held = tree::hold_all(host, &roots, &mut |fresh| {
            note(&mut record, fresh, progress);
            stopped.extend(fresh.iter().map(Stat::key));
            tree::stop(host, fresh)
        });
        let tree = match held {
            Ok(tree) => tree,
            Err(fault) => {
                tree::go_on(host, &stopped)?;
                return Err(fault);
            }
        };
        crate::fuse::burn("stopped, not killed yet");
        for stat in &tree {
            process::signal(host.proc(), stat.key(), Signal::KILL)?;
        }
        release(host, &tree);
        let killed = tree.iter().map(|stat| stat.key().0).collect();
        Ok(Applied { touched: lines(&tree), record: pack(&Record { boot: host.boot().id, killed })? })
    }

    fn verify(&self, host: &HostView, record: &Value) -> Result<Vec<String>> {
        let record: Record = unpack(record)?;
        let until = Instant::now() + PATIENCE;
        let mut left = Vec::new();
        for key in record.killed.iter().map(|key| ProcessKey(*key)) {
            if !process::ended(host.proc(), key, until.saturating_duration_since(Instant::now()))? {
                let stat =
                    process::find(host.proc(), key).map(|stat| format!("{} in state {}", stat.line(), stat.state));
                left.extend(stat.ok());
            }
        }
        if left.is_empty() {
            return Ok(vec![format!("{} of {} processes have ended", record.killed.len(), record.killed.len())]);
        }
        let fault = Fault::new(&fault::UNVERIFIED).object(left.join(", "));
        Err(fault.expected("every process ended").found(format!("{} still there", left.len())))
    }

    fn undo(&self, host: &HostView, record: &Value) -> Result<Vec<String>> {
        let record: Record = unpack(record)?;
        if record.boot != host.boot().id {
            return Ok(vec!["the host restarted: the processes are gone".to_string()]);
        }
        let keys: Vec<ProcessKey> = record.killed.iter().map(|key| ProcessKey(*key)).collect();
        let running = tree::go_on(host, &keys)?;
        Ok(vec![format!("{} of {} processes are left and run on", running.len(), keys.len())])
    }
}

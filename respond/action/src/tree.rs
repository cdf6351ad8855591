//! A process tree that holds still: found and stopped until nothing new appears.

use crate::process::{self, Sent, Stat};
use crate::{HostView, action, fault};
use base::{Fault, Result};
use record::{ActionKind, Order, ProcessKey};
use std::collections::{BTreeMap, BTreeSet};

/// Most rounds of looking for new children. Each round stops all that were found, so only children born between
/// looking and stopping are left for the next; a tree that outruns this many rounds is a fork bomb.
const ROUNDS: usize = 256;
/// Most processes in one tree.
const TREE_MAX: usize = 65536;
/// Most processes that the sensor adds to one order; what is below them is found by itself.
const ALSO_MAX: usize = 4096;

/// The tops of the trees an order means: `process`, and each key in `also` (comma-separated), which the sensor
/// knows to belong to it although their parents are gone. A fault when none of them is left.
pub(crate) fn roots(order: &Order, host: &HostView) -> Result<BTreeSet<u32>> {
    let root = process::find(host.proc(), action::process_of(order, host)?).map(|stat| stat.pid);
    let mut roots: BTreeSet<u32> = root.iter().copied().collect();
    let also = order.parameters.get("also").map(String::as_str).unwrap_or_default();
    for text in also.split(',').filter(|text| !text.is_empty()).take(TREE_MAX) {
        roots.extend(process::find(host.proc(), text.trim().parse::<ProcessKey>()?).ok().map(|stat| stat.pid));
    }
    if roots.is_empty() { root.map(|pid| BTreeSet::from([pid])) } else { Ok(roots) }
}

/// Adds processes to an order on a process tree, although no chain of living parents leads to them: a double fork
/// hides a child from `/proc`, not from the sensor. Orders on something else stay as they are.
pub fn widen(order: &mut Order, keys: impl IntoIterator<Item = ProcessKey>) {
    let trees = [ActionKind::KillTree, ActionKind::Freeze, ActionKind::Export];
    if !trees.iter().any(|kind| *kind as i32 == order.action) || !order.parameters.contains_key("process") {
        return;
    }
    let also = order.parameters.entry("also".to_string()).or_default();
    for key in keys.into_iter().take(ALSO_MAX) {
        if !also.is_empty() {
            also.push(',');
        }
        also.push_str(&key.to_string());
    }
    if also.is_empty() {
        order.parameters.remove("also");
    }
}

/// The processes an order means, checked against the never-block list.
pub(crate) fn targets(order: &Order, host: &HostView) -> Result<Vec<Stat>> {
    let roots = roots(order, host)?;
    let mut tree = process::below(&process::all(host.proc()), &roots);
    // The tops first: they are the ones that make the others.
    tree.sort_by_key(|stat| (!roots.contains(&stat.pid), stat.ticks, stat.pid));
    host.never().check_processes(&tree, host)?;
    Ok(tree)
}

/// Calls `hold` for every process of the tree until a round finds none that is new. Everything is checked against
/// the never-block list before it is held. Returns all that were held, in the order of finding.
///
/// A fork cannot slip through: once a stop is pending the kernel starts the fork over (`copy_process` returns
/// `-ERESTARTNOINTR`), and a child made before is in the next round's list.
pub(crate) fn hold_all(
    host: &HostView,
    roots: &[Stat],
    hold: &mut dyn FnMut(&[Stat]) -> Result<()>,
) -> Result<Vec<Stat>> {
    let mut held: BTreeMap<u32, Stat> = BTreeMap::new();
    let mut ordered = Vec::new();
    let mut fresh: Vec<Stat> = roots.to_vec();
    for _ in 0..ROUNDS {
        hold(&fresh)?;
        for stat in fresh.drain(..) {
            held.insert(stat.pid, stat.clone());
            ordered.push(stat);
        }
        if held.len() > TREE_MAX {
            let fault = Fault::new(&fault::TOO_LARGE).object("process tree");
            return Err(fault.expected(format!("at most {TREE_MAX} processes")).found(held.len()));
        }
        let processes = process::all(host.proc());
        // A held pid that changed hands is no root any more.
        let same =
            |pid: &&u32| processes.get(pid).is_some_and(|now| held.get(pid).is_some_and(|h| h.ticks == now.ticks));
        let roots: BTreeSet<u32> = held.keys().filter(same).copied().collect();
        fresh = process::below(&processes, &roots).into_iter().filter(|stat| !roots.contains(&stat.pid)).collect();
        fresh.retain(|stat| !stat.is_dead());
        if fresh.is_empty() {
            return Ok(ordered);
        }
        host.never().check_processes(&fresh, host)?;
    }
    let fault = Fault::new(&fault::TOO_LARGE).object("process tree");
    Err(fault.expected(format!("a tree that stands still within {ROUNDS} rounds")).found(held.len()))
}

/// Stops the processes; those that are gone by now are left out.
pub(crate) fn stop(host: &HostView, stats: &[Stat]) -> Result<()> {
    for stat in stats {
        let _: Sent = process::signal(host.proc(), stat.key(), rustix::process::Signal::STOP)?;
    }
    Ok(())
}

/// Lets stopped processes go on; children first, so that a parent finds them running.
pub(crate) fn go_on(host: &HostView, keys: &[ProcessKey]) -> Result<Vec<ProcessKey>> {
    let mut running = Vec::new();
    for key in keys.iter().rev() {
        if process::signal(host.proc(), *key, rustix::process::Signal::CONT)? == Sent::Delivered {
            running.push(*key);
        }
    }
    Ok(running)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_orders_on_trees_are_widened() {
        let keys = || [ProcessKey::from_ticks(7, 70), ProcessKey::from_ticks(8, 80)];
        let parameters = [("process".to_string(), keys()[0].to_string())];
        let mut kill = Order { action: ActionKind::KillTree as i32, parameters: parameters.into(), ..Order::default() };
        widen(&mut kill, keys());
        assert_eq!(kill.parameters["also"], format!("{},{}", keys()[0], keys()[1]));
        let mut isolate = Order { action: ActionKind::Isolate as i32, ..Order::default() };
        widen(&mut isolate, keys());
        assert!(isolate.parameters.is_empty());
    }
}

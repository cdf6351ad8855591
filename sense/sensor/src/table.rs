//! The process table: which process a key stands for, with its ancestry.
//!
//! Invariants
//! - A process is found by its [`ProcessKey`], so an event of a process that ended, whose pid another process
//!   took, still finds its own.
//! - The table is bounded by number and by bytes: [`TableLimits`]. What does not fit is counted
//!   ([`ProcessTable::refused`]), not kept; where texts fill it, long arguments are cut and marked as cut.
//! - A fork copies nothing: the child points at its parent's image until somebody asks for it.

use base::Micros;
use record::{FileId, Namespaces, Proc, Process, ProcessKey};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, OnceLock};

/// Bounds of the table.
#[derive(Debug, Clone, Copy)]
pub struct TableLimits {
    /// Most live processes.
    pub live: usize,
    /// Most ended processes kept for late events.
    pub ended: usize,
    /// How long an ended process is kept, µs.
    pub keep_ended: Micros,
    /// Most bytes of live processes' texts before arguments are cut: a fleet of long command lines must not fill memory.
    pub live_bytes: usize,
    /// Most bytes of ended processes.
    pub ended_bytes: usize,
}

/// Arguments kept of each process when texts fill the table, bytes.
const CUT_BYTES: usize = 256;
/// A process without its texts, bytes, roughly.
const BARE_BYTES: usize = size_of::<Proc>() + 64;

impl Default for TableLimits {
    fn default() -> Self {
        TableLimits { live: 65_536, ended: 8_192, keep_ended: 10_000_000, live_bytes: 12 << 20, ended_bytes: 8 << 20 }
    }
}

/// A live process.
#[derive(Debug)]
struct Slot {
    key: ProcessKey,
    image: Image,
}

#[derive(Debug)]
enum Image {
    /// It has executed a program, or changed since its fork.
    Own(Arc<Proc>),
    /// It still runs its parent's image.
    Inherited { from: Arc<Proc>, child: Child, made: OnceLock<Arc<Proc>> },
}

/// What a fork tells of the child beside its key.
#[derive(Debug, Clone, Copy, Default)]
pub struct Child {
    /// Start, µs.
    pub started_us: Micros,
    /// pid in its own namespace.
    pub ns_pid: u32,
    /// Its namespaces, `None` when they are the parent's.
    pub namespaces: Option<Namespaces>,
}

impl Slot {
    fn proc(&self) -> &Arc<Proc> {
        match &self.image {
            Image::Own(proc) => proc,
            Image::Inherited { from, child, made } => made.get_or_init(|| {
                let info = Process {
                    key: self.key.0,
                    parent_key: from.info.key,
                    started_us: child.started_us,
                    ns_pid: child.ns_pid,
                    namespaces: child.namespaces.unwrap_or(from.info.namespaces),
                    ..from.info.clone()
                };
                Proc::new(info, Some(from.clone()))
            }),
        }
    }

    /// pid in its own namespace, and that namespace.
    fn inner(&self) -> (u32, u32) {
        match &self.image {
            Image::Own(proc) => (proc.info.ns_pid, proc.info.namespaces.pid),
            Image::Inherited { from, child, .. } => {
                (child.ns_pid, child.namespaces.unwrap_or(from.info.namespaces).pid)
            }
        }
    }

    /// Bytes that this slot keeps; an inherited image counts as if it were made, so that the count never moves.
    fn bytes(&self) -> usize {
        match &self.image {
            Image::Own(proc) => bytes_of(&proc.info),
            Image::Inherited { from, .. } => bytes_of(&from.info),
        }
    }

    /// The process and its ancestors, without making what nobody asked for.
    fn descends_from(&self, ancestor: ProcessKey) -> bool {
        let above = match &self.image {
            Image::Own(proc) => proc.parent.as_ref(),
            Image::Inherited { from, .. } => Some(from),
        };
        let mut next = above;
        while let Some(proc) = next {
            if proc.info.key() == ancestor {
                return true;
            }
            next = proc.parent.as_ref();
        }
        false
    }
}

/// Bytes of a process, roughly.
fn bytes_of(info: &Process) -> usize {
    let texts = [&info.cmd_line, &info.exe.path, &info.cwd, &info.cgroup, &info.container, &info.comm];
    BARE_BYTES + texts.iter().map(|text| text.capacity()).sum::<usize>() + info.arg_starts.capacity() * 4
}

/// The table.
#[derive(Debug, Default)]
pub struct ProcessTable {
    live: HashMap<u32, Slot>,
    live_bytes: usize,
    ended: HashMap<ProcessKey, Slot>,
    ended_bytes: usize,
    order: VecDeque<(Micros, ProcessKey)>,
    limits: TableLimits,
    refused: u64,
    sweep: Vec<(u32, ProcessKey)>,
}

impl ProcessTable {
    /// An empty table.
    pub fn new(limits: TableLimits) -> ProcessTable {
        ProcessTable { limits, ..ProcessTable::default() }
    }

    /// The live process of a pid.
    pub fn get(&self, pid: u32) -> Option<Arc<Proc>> {
        self.live.get(&pid).map(|slot| slot.proc().clone())
    }

    /// The process of a key, live or ended not long ago.
    pub fn find(&self, key: ProcessKey) -> Option<Arc<Proc>> {
        match self.live.get(&key.pid()) {
            Some(slot) if slot.key == key => Some(slot.proc().clone()),
            _ => self.ended.get(&key).map(|slot| slot.proc().clone()),
        }
    }

    /// The image a process runs and its parent, without copying an inherited image.
    pub fn lineage(&self, key: ProcessKey) -> Option<(Arc<Proc>, Option<Arc<Proc>>)> {
        let slot = self.live.get(&key.pid()).filter(|slot| slot.key == key);
        match &slot.or_else(|| self.ended.get(&key))?.image {
            Image::Own(proc) => Some((proc.clone(), proc.parent.clone())),
            Image::Inherited { from, .. } => Some((from.clone(), Some(from.clone()))),
        }
    }

    /// The live process that has this pid within this pid namespace.
    pub fn inside(&self, space: u32, pid: u32) -> Option<Arc<Proc>> {
        self.live.values().find(|slot| slot.inner() == (pid, space)).map(|slot| slot.proc().clone())
    }

    /// Whether this process ended not long ago.
    pub fn has_ended(&self, key: ProcessKey) -> bool {
        self.ended.contains_key(&key) && !self.knows(key)
    }

    /// Changes every live process whose executable matches.
    pub fn update_images(&mut self, matches: impl Fn(&FileId) -> bool, change: impl Fn(&mut Process)) -> usize {
        let mut changed = 0;
        for slot in self.live.values_mut() {
            let image = match &slot.image {
                Image::Own(proc) => proc,
                Image::Inherited { from, .. } => from,
            };
            if matches(&image.info.exe) {
                let proc = slot.proc();
                let mut info = proc.info.clone();
                change(&mut info);
                let parent = proc.parent.clone();
                self.live_bytes = self.live_bytes.saturating_sub(slot.bytes());
                slot.image = Image::Own(Proc::new(info, parent));
                self.live_bytes += slot.bytes();
                changed += 1;
            }
        }
        changed
    }

    /// Whether this live process is known.
    pub fn knows(&self, key: ProcessKey) -> bool {
        self.live.get(&key.pid()).is_some_and(|slot| slot.key == key)
    }

    /// The live descendants of a pid, in order of their start. Found by ancestry, so an orphan that the init process
    /// took over still counts as a descendant of the process that made its parent.
    pub fn descendants(&self, pid: u32) -> Vec<Arc<Proc>> {
        let live = self.live.get(&pid).map(|slot| slot.key);
        let newest = || self.order.iter().rev().map(|(_, key)| *key).find(|key| key.pid() == pid);
        let Some(root) = live.or_else(newest) else { return Vec::new() };
        let mut found: Vec<_> =
            self.live.values().filter(|slot| slot.descends_from(root)).map(|slot| slot.proc().clone()).collect();
        found.sort_by_key(|proc| proc.info.key);
        found
    }

    /// Every live process, in no order.
    pub fn live(&self) -> impl Iterator<Item = &Arc<Proc>> {
        self.live.values().map(Slot::proc)
    }

    /// How many live processes are known.
    pub fn len(&self) -> usize {
        self.live.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.live.is_empty()
    }

    /// How many processes were not kept because the table was full.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Puts a process in, in place of an older image or an older process of the same pid. A full table refuses. What
    /// comes back is the process as given; what is kept may have its arguments cut.
    pub fn insert(&mut self, proc: Arc<Proc>) -> Arc<Proc> {
        let key = proc.info.key();
        let full = self.live_bytes + bytes_of(&proc.info) > self.limits.live_bytes;
        let kept = if full && proc.info.cmd_line.len() > CUT_BYTES { cut(&proc) } else { proc.clone() };
        self.place(Slot { key, image: Image::Own(kept) });
        proc
    }

    /// A process was made. Known children are left as they are (the bootstrap may have been faster than the ring).
    pub fn fork(&mut self, parent: &Arc<Proc>, key: ProcessKey, child: Child) {
        if !self.knows(key) && !self.has_ended(key) {
            self.place(Slot { key, image: Image::Inherited { from: parent.clone(), child, made: OnceLock::new() } });
        }
    }

    /// Changes what is known of a process; gives the changed one.
    pub fn update(&mut self, key: ProcessKey, change: impl FnOnce(&mut Process)) -> Option<Arc<Proc>> {
        let proc = self.find(key)?;
        let mut info = proc.info.clone();
        change(&mut info);
        if info == proc.info {
            return Some(proc);
        }
        let changed = Proc::new(info, proc.parent.clone());
        let (slot, bytes) = match self.live.get_mut(&key.pid()) {
            Some(slot) if slot.key == key => (slot, &mut self.live_bytes),
            _ => (self.ended.get_mut(&key)?, &mut self.ended_bytes),
        };
        *bytes = bytes.saturating_sub(slot.bytes());
        slot.image = Image::Own(changed.clone());
        *bytes += slot.bytes();
        Some(changed)
    }

    /// A process ended. It is still found by its key for a while. `now` is monotonic.
    pub fn exit(&mut self, key: ProcessKey, now: Micros) {
        if !self.knows(key) {
            return;
        }
        if let Some(slot) = self.live.remove(&key.pid()) {
            let bytes = slot.bytes();
            self.live_bytes = self.live_bytes.saturating_sub(bytes);
            self.ended_bytes += bytes;
            self.ended.insert(key, slot);
            self.order.push_back((now.saturating_add(self.limits.keep_ended), key));
        }
        self.expire(now);
    }

    /// Forgets ended processes that are due or too many.
    pub fn expire(&mut self, now: Micros) {
        while let Some((due, key)) = self.order.front().copied() {
            let fits = self.order.len() <= self.limits.ended && self.ended_bytes <= self.limits.ended_bytes;
            if due > now && fits {
                break;
            }
            self.order.pop_front();
            if let Some(slot) = self.ended.remove(&key) {
                self.ended_bytes = self.ended_bytes.saturating_sub(slot.bytes());
            }
        }
    }

    /// Checks a few live processes against the host, since an exit may have been lost: each call looks at `count`
    /// of them, all in turn. `alive` gives the key that a pid has now.
    pub fn sweep(&mut self, count: usize, now: Micros, mut alive: impl FnMut(u32) -> Option<ProcessKey>) -> usize {
        if self.sweep.is_empty() {
            self.sweep = self.live.iter().map(|(pid, slot)| (*pid, slot.key)).collect();
        }
        let mut gone = 0;
        for _ in 0..count {
            let Some((pid, key)) = self.sweep.pop() else { break };
            if self.knows(key) && alive(pid) != Some(key) {
                self.exit(key, now);
                gone += 1;
            }
        }
        gone
    }

    fn place(&mut self, slot: Slot) {
        let pid = slot.key.pid();
        if !self.live.contains_key(&pid) && self.live.len() >= self.limits.live {
            self.refused += 1;
            return;
        }
        self.live_bytes += slot.bytes();
        if let Some(old) = self.live.insert(pid, slot) {
            self.live_bytes = self.live_bytes.saturating_sub(old.bytes());
        }
    }
}

/// A copy with short arguments.
fn cut(proc: &Proc) -> Arc<Proc> {
    let mut info = proc.info.clone();
    let mut end = CUT_BYTES;
    while !info.cmd_line.is_char_boundary(end) {
        end -= 1;
    }
    info.cmd_line.truncate(end);
    info.cmd_line.shrink_to_fit();
    info.arg_starts.retain(|start| (*start as usize) < end);
    info.arg_starts.shrink_to_fit();
    info.args_truncated = true;
    Proc::new(info, proc.parent.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: u32, start: u64, exe: &str) -> Process {
        let mut process = Process { key: ProcessKey::from_ticks(pid, start).0, ..Process::default() };
        process.exe.path = exe.into();
        process
    }

    #[test]
    fn a_fork_inherits_and_an_exec_replaces() {
        let mut table = ProcessTable::default();
        let shell = table.insert(Proc::new(process(10, 1, "/bin/sh"), None));
        let child = ProcessKey::from_ticks(11, 2);
        table.fork(&shell, child, Child { started_us: 77, ns_pid: 3, namespaces: None });
        assert!(table.inside(0, 3).is_some() && table.inside(0, 4).is_none());
        let found = table.find(child).unwrap();
        assert_eq!((found.info.exe.path.as_str(), found.info.parent_pid(), found.info.started_us), ("/bin/sh", 10, 77));
        table.insert(Proc::new(process(11, 2, "/bin/id"), found.parent.clone()));
        let grandchild = ProcessKey::from_ticks(12, 3);
        table.fork(&table.get(11).unwrap(), grandchild, Child { started_us: 78, ..Child::default() });
        table.exit(child, 0);
        assert_eq!(table.descendants(10).iter().map(|proc| proc.info.pid()).collect::<Vec<_>>(), [12]);
        assert_eq!(table.descendants(11).len(), 1, "an ended process still has descendants");
        let ancestors: Vec<_> = table.get(12).unwrap().ancestors().map(|proc| proc.info.exe.path.clone()).collect();
        assert_eq!(ancestors, ["/bin/id", "/bin/sh"]);
    }

    #[test]
    fn a_reused_pid_is_another_process() {
        let mut table = ProcessTable::default();
        let old = ProcessKey::from_ticks(10, 1);
        table.insert(Proc::new(process(10, 1, "/old"), None));
        table.exit(old, 0);
        table.insert(Proc::new(process(10, 9, "/new"), None));
        assert_eq!(table.find(old).unwrap().info.exe.path, "/old");
        assert_eq!(table.get(10).unwrap().info.exe.path, "/new");
        table.exit(old, 1);
        assert!(table.get(10).is_some(), "a late exit of the old process leaves the new one");
        table.expire(10_000_000);
        assert!(table.find(old).is_none());
    }

    #[test]
    fn the_table_is_bounded_and_counts_what_it_refuses() {
        let mut table = ProcessTable::new(TableLimits { live: 4, ended: 2, keep_ended: 100, ..TableLimits::default() });
        for pid in 1..=6 {
            table.insert(Proc::new(process(pid, 1, "/x"), None));
        }
        assert_eq!((table.len(), table.refused()), (4, 2));
        for pid in 1..=4 {
            table.exit(ProcessKey::from_ticks(pid, 1), 0);
        }
        assert_eq!((table.len(), table.ended.len(), table.order.len()), (0, 2, 2));
    }

    #[test]
    fn texts_are_bounded_by_bytes() {
        let limits = TableLimits { live_bytes: 64 << 10, ended_bytes: 64 << 10, ..TableLimits::default() };
        let mut table = ProcessTable::new(limits);
        let long = |pid: u32| {
            let mut info = process(pid, 1, "/x");
            info.set_args(["long", "é".repeat(4000).as_str()]);
            Proc::new(info, None)
        };
        for pid in 1..=100 {
            let told = table.insert(long(pid));
            assert!(!told.info.args_truncated, "the event itself has everything");
        }
        assert!(!table.get(1).unwrap().info.args_truncated);
        let kept = table.get(100).unwrap();
        assert!(kept.info.args_truncated && kept.info.cmd_line.len() <= CUT_BYTES);
        assert_eq!(kept.info.args().count(), 2);
        assert!(table.live_bytes < (64 << 10) + 100 * (BARE_BYTES + 2 * CUT_BYTES));
        for pid in 1..=100 {
            table.exit(ProcessKey::from_ticks(pid, 1), 0);
            assert!(table.ended_bytes <= 64 << 10);
        }
        table.expire(i64::MAX);
        assert_eq!((table.len(), table.live_bytes, table.ended_bytes), (0, 0, 0));
    }

    #[test]
    fn an_end_is_remembered_once() {
        let mut table = ProcessTable::default();
        let key = ProcessKey::from_ticks(10, 1);
        let parent = table.insert(Proc::new(process(9, 1, "/bin/sh"), None));
        table.fork(&parent, key, Child::default());
        assert!(!table.has_ended(key));
        table.exit(key, 0);
        assert!(table.has_ended(key) && table.find(key).is_some());
        table.fork(&parent, key, Child::default());
        assert!(!table.knows(key), "a fork told late does not raise the dead");
    }

    #[test]
    fn a_sweep_finds_lost_exits() {
        let mut table = ProcessTable::default();
        for pid in 1..=10 {
            table.insert(Proc::new(process(pid, 1, "/x"), None));
        }
        let alive = |pid: u32| pid.is_multiple_of(2).then(|| ProcessKey::from_ticks(pid, 1));
        let gone: usize = (0..3).map(|_| table.sweep(4, 0, alive)).sum();
        assert_eq!((gone, table.len()), (5, 5));
    }

    #[test]
    fn a_change_is_seen_under_the_same_key() {
        let mut table = ProcessTable::default();
        let key = ProcessKey::from_ticks(5, 5);
        table.insert(Proc::new(process(5, 5, "/x"), None));
        table.update(key, |info| info.user.euid = 42).unwrap();
        assert_eq!(table.get(5).unwrap().info.user.euid, 42);
        table.exit(key, 0);
        table.update(key, |info| info.user.euid = 43).unwrap();
        assert_eq!(table.find(key).unwrap().info.user.euid, 43);
        assert!(table.update(ProcessKey(1), |_| {}).is_none());
    }
}

//! From kernel records to events: keeps the process table and gives each event its process.
//!
//! Invariants
//! - Every event of a live process carries that process with its ancestors. A process that the table does not know
//!   is read from `/proc` when it still runs, and else told as far as the record goes (pid and start time).
//! - `/proc` is asked about strangers at a bounded rate; beyond it they are told as far as the record goes.
//! - Nothing here waits: the longest step is hashing one executable of at most [`crate::hash::INLINE_BYTES`].
//! - The forking process is taken as the parent, also under `CLONE_PARENT`: ancestry tells who made whom.

use crate::boottime::BootTime;
use crate::bucket::Bucket;
use crate::container;
use crate::decode;
use crate::dns;
use crate::group::{Group, GroupPaths};
use crate::hash::{HashCache, Stamp, devices_agree};
use crate::names::ResolvedNames;
use crate::procfs::{self, Reader};
use crate::raw::{self, AccessHead, Body, DnsRecord, ExecRecord, ForkHead, PrivilegeHead, RawEvent, flags};
use crate::table::{Child, ProcessTable, TableLimits};
use crate::users::UserNames;
use base::limits::{ANCESTRY_DEPTH, ARGV_BYTES};
use base::{Clock, Micros};
use record::{Activity, Event, FileOp, Fork, Privilege, Proc, Process, ProcessAccess, ProcessKey, User};
use std::sync::Arc;

/// Live processes checked against the host in each round of upkeep.
const SWEEP: usize = 64;
/// How often upkeep is done, µs.
const UPKEEP_EVERY: Micros = 1_000_000;
/// Strangers looked up in `/proc` a second: a flood of short processes whose forks were lost must not read it all day.
const LOOKUPS: u32 = 500;

/// Turns records into events.
pub struct Interpreter {
    table: ProcessTable,
    users: UserNames,
    hashes: HashCache,
    resolved: ResolvedNames,
    reader: Reader,
    lookups: Bucket,
    groups: GroupPaths,
    ignored: Vec<String>,
    filtered: u64,
    time: BootTime,
    own_pid: u32,
    own_space: u32,
    next_upkeep: Micros,
    strangers: u64,
}

impl Interpreter {
    /// An interpreter with an empty table.
    pub fn new(clock: Arc<dyn Clock>, limits: TableLimits, hash_max_bytes: u64) -> Interpreter {
        Interpreter {
            table: ProcessTable::new(limits),
            users: UserNames::default(),
            hashes: HashCache::new(hash_max_bytes),
            resolved: ResolvedNames::new(),
            reader: Reader::new(),
            lookups: Bucket::new(LOOKUPS),
            groups: GroupPaths::default(),
            ignored: Vec::new(),
            filtered: 0,
            time: BootTime::new(clock),
            own_pid: std::process::id(),
            own_space: Reader::new().namespaces(std::process::id()).pid,
            next_upkeep: Micros::MIN,
            strangers: 0,
        }
    }

    /// Drops file events below these paths: the kernel programs compare only paths that the kernel resolved, for a name
    /// as a program gives it may climb out of any directory.
    pub fn ignoring(self, paths: Vec<String>) -> Interpreter {
        Interpreter { ignored: paths, ..self }
    }

    /// File events dropped so.
    pub fn filtered(&self) -> u64 {
        self.filtered
    }

    /// Control groups whose path the kernel programs must tell again.
    pub fn missed_groups(&mut self) -> Vec<u64> {
        self.groups.take_missed()
    }

    /// Reads every process that runs now. Call it after the kernel programs are attached and before the first record
    /// is read, so that no process falls between. Gives the number found.
    pub fn bootstrap(&mut self) -> usize {
        let mut pids = procfs::every_pid();
        pids.sort_unstable();
        pids.into_iter().filter(|pid| self.fill(*pid, 0).is_some()).count()
    }

    /// The process table.
    pub fn table(&self) -> &ProcessTable {
        &self.table
    }

    /// How many events named a process that neither the table nor `/proc` knew any more.
    pub fn strangers(&self) -> u64 {
        self.strangers
    }

    /// Wall clock now, µs.
    pub fn wall_now(&self) -> Micros {
        self.time.wall_now()
    }

    /// Monotonic clock now, µs.
    pub fn monotonic(&self) -> Micros {
        self.time.monotonic()
    }

    /// Once a second: follows the wall clock, forgets ended processes, finds exits that were lost, takes over hashes of
    /// large executables.
    pub fn upkeep(&mut self) {
        let now = self.time.monotonic();
        if now < self.next_upkeep {
            return;
        }
        self.next_upkeep = now.saturating_add(UPKEEP_EVERY);
        self.time.refresh();
        self.table.expire(now);
        let reader = &mut self.reader;
        self.table.sweep(SWEEP, now, |pid| reader.key(pid));
        for news in self.hashes.arrived() {
            self.table.update_images(
                |exe| exe.inode == news.inode && exe.sha256.is_empty() && devices_agree(exe.device, news.device),
                |info| info.exe.sha256 = news.sha256.to_vec(),
            );
        }
    }

    /// The event of a record. `None` when the record has nothing to tell (a failed call that leaves no trace).
    pub fn event(&mut self, raw: &RawEvent<'_>) -> Option<Event> {
        let header = &raw.header;
        let time_us = self.time.wall(header.time);
        let key = ProcessKey::from_start_ns(header.tgid, header.start);
        let (process, activity) = match &raw.body {
            Body::Exec(record) => self.exec(key, record),
            Body::Fork(head) => self.fork(key, head),
            Body::Privilege(head) => self.privilege(key, head),
            Body::Access(head) => self.access(key, head),
            Body::Dns(record) if header.flags & flags::RECEIVED != 0 => {
                self.learn(record);
                return None;
            }
            // The last threads of a process may end at once and each look like the last.
            Body::Exit(_) if self.table.has_ended(key) => return None,
            Body::File(_) if header.result < 0 => return None,
            body => (self.process(key, header.start), self.other(header, body)?),
        };
        if self.is_ignored(&activity) {
            self.filtered += 1;
            return None;
        }
        self.follow(key, raw);
        Some(Event { seq: 0, time_us, process: Some(process), activity })
    }

    /// What the record changes in the table, after its event was made.
    fn follow(&mut self, key: ProcessKey, raw: &RawEvent<'_>) {
        match &raw.body {
            Body::Exit(_) => self.table.exit(key, self.time.monotonic()),
            // What clone made is the child's, and what a thread does to itself leaves the process where it is.
            Body::Namespace(record) if raw.header.result >= 0 && is_of_process(&raw.header) => {
                let after = decode::namespaces(&record.head.after);
                self.table.update(key, |info| info.namespaces = after);
            }
            Body::Privilege(head) => {
                let after = self.user(&head.after);
                self.table.update(key, |info| info.user = after);
            }
            _ => {}
        }
    }

    fn other(&mut self, header: &raw::Header, body: &Body<'_>) -> Option<Activity> {
        let mut activity = decode::activity(header, body, self.own_pid)?;
        let now = self.time.monotonic();
        if let Activity::Net(net) = &mut activity
            && let Some(name) = net.remote().and_then(|address| self.resolved.name(address, now))
        {
            net.remote_name = name.to_owned();
        }
        if let Body::Dns(record) = body
            && let Some(question) = decode::question(record)
        {
            self.resolved.ask(question, now);
        }
        Some(activity)
    }

    /// Takes the addresses of an answer that somebody here asked for.
    fn learn(&mut self, record: &DnsRecord<'_>) {
        let now = self.time.monotonic();
        let message = dns::parse(record.payload).filter(|message| message.response);
        let (Some(message), Some(question)) = (message, decode::question(record)) else { return };
        if self.resolved.is_answer(question, now) {
            for (address, lifetime) in &message.addresses {
                self.resolved.learn(*address, &message.name, *lifetime, now);
            }
        }
    }

    /// Whether every path of a file event lies below an ignored one.
    fn is_ignored(&self, activity: &Activity) -> bool {
        let Activity::File(file) = activity else { return false };
        let below = |path: &str| self.ignored.iter().any(|prefix| path.starts_with(prefix.as_str()));
        let renamed = matches!(file.op(), FileOp::Rename | FileOp::Link);
        !self.ignored.is_empty() && below(&file.file.path) && (!renamed || below(&file.target))
    }

    fn exec(&mut self, key: ProcessKey, record: &ExecRecord<'_>) -> (Arc<Proc>, Activity) {
        let head = &record.head;
        let (previous_exe, parent) = match self.table.lineage(key) {
            Some((image, parent)) => (image.info.exe.path.clone(), parent),
            None => {
                let parent = ProcessKey::from_start_ns(head.parent_tgid, head.parent_start);
                (String::new(), (head.parent_tgid != 0).then(|| self.process(parent, head.parent_start)))
            }
        };
        let info = self.image(key, record, parent.as_ref());
        let activity = decode::exec(record, previous_exe);
        let proc = Proc::new(info, parent);
        // A refused exec leaves the old program running; one that was killed never runs another instruction.
        let refused = head.header.flags & flags::DENIED != 0 && head.header.result < 0;
        if !refused {
            self.table.insert(proc.clone());
        }
        (proc, Activity::Exec(activity))
    }

    /// The process after an exec.
    fn image(&mut self, key: ProcessKey, record: &ExecRecord<'_>, parent: Option<&Arc<Proc>>) -> Process {
        let head = &record.head;
        let mut info = Process {
            key: key.0,
            parent_key: parent.map_or(0, |parent| parent.info.key),
            comm: raw::short_text(&head.comm),
            exe: decode::file_id(&record.exe),
            args_truncated: head.header.flags & flags::ARGS_TRUNCATED != 0,
            cwd: record.cwd.path(),
            user: self.user(&head.credentials),
            namespaces: decode::namespaces(&head.namespaces),
            started_us: self.time.wall(head.header.start),
            session: head.session,
            tty: raw::short_text(&head.tty),
            ns_pid: head.ns_pid,
            ..Process::default()
        };
        let arguments: Vec<_> = record.arguments().map(String::from_utf8_lossy).collect();
        info.set_args(arguments.iter().map(AsRef::as_ref));
        info.args_truncated |= record.arguments.len() > ARGV_BYTES;
        if record.exe.is_empty() && !record.filename.is_empty() {
            // A refused exec: the kernel resolved no path, there is only the name given.
            let directory = self.table.find(key).map(|process| process.info.cwd.clone()).unwrap_or_default();
            info.exe.path = decode::absolute(directory.as_bytes(), record.filename);
        } else {
            let group = self.control_group(key.pid(), record);
            info.cgroup.clone_from(&group.path);
            info.container.clone_from(&group.container);
        }
        let stamp = Stamp {
            device: info.exe.device,
            inode: info.exe.inode,
            modified_ns: head.exe_modified,
            changed_ns: head.exe_changed,
            size: head.exe_size,
        };
        let stamp = Some(stamp).filter(|stamp| stamp.changed_ns != 0);
        let sha256 = self.hashes.executable(key.pid(), &info.exe, stamp);
        info.exe.sha256 = sha256.map(Vec::from).unwrap_or_default();
        info
    }

    /// The group of the record, told now or before; else the one that `/proc` still has.
    fn control_group(&mut self, pid: u32, record: &ExecRecord<'_>) -> Arc<Group> {
        let key = record.head.group();
        if !record.cgroup.is_empty() {
            return self.groups.learn(key, record.cgroup);
        }
        self.groups.find(key).unwrap_or_else(|| {
            let text = self.reader.cgroup(pid).unwrap_or_default();
            Arc::new(Group::of(container::attributing_path(&text).to_owned()))
        })
    }

    fn fork(&mut self, key: ProcessKey, head: &ForkHead) -> (Arc<Proc>, Activity) {
        let parent = self.process(key, head.header.start);
        let child = ProcessKey::from_start_ns(head.child_tgid, head.child_start);
        let moved = head.header.flags & flags::NEW_NAMESPACES != 0;
        let told = Child {
            started_us: self.time.wall(head.child_start),
            ns_pid: head.child_ns_pid,
            namespaces: moved.then(|| decode::namespaces(&head.namespaces)),
        };
        self.table.fork(&parent, child, told);
        (parent, Activity::Fork(Fork { child_key: child.0 }))
    }

    fn privilege(&mut self, key: ProcessKey, head: &PrivilegeHead) -> (Arc<Proc>, Activity) {
        let process = self.process(key, head.header.start);
        let privilege = Privilege {
            call: head.header.door().word().to_owned(),
            before: process.info.user.clone(),
            after: self.user(&head.after),
            argument: head.arguments[0],
            errno: decode::errno(&head.header),
        };
        (process, Activity::Privilege(privilege))
    }

    fn access(&mut self, key: ProcessKey, head: &AccessHead) -> (Arc<Proc>, Activity) {
        let process = self.process(key, head.header.start);
        let target = match head.target_start {
            0 => self.named(&process, head.target_given),
            start => Some(self.process(ProcessKey::from_start_ns(head.target_tgid, start), start)),
        };
        let access = ProcessAccess {
            call: head.header.door().word().to_owned(),
            request: head.request as u32,
            target: target.map(|target| target.info.clone()),
            target_pid: head.target_given,
            errno: decode::errno(&head.header),
        };
        (process, Activity::Access(access))
    }

    /// The process that an actor means by a number in its own pid namespace; also a thread's number where `/proc` tells
    /// whose it is. `None` when it is gone.
    fn named(&mut self, actor: &Proc, given: u32) -> Option<Arc<Proc>> {
        let space = actor.info.namespaces.pid;
        if given == 0 {
            return None;
        }
        if space != 0 && space != self.own_space {
            return self.table.inside(space, given);
        }
        let known = self.table.get(given);
        known.or_else(|| self.reader.leader(given).and_then(|leader| self.fill(leader, 0)))
    }

    fn user(&mut self, head: &raw::CredentialsHead) -> User {
        let mut user = decode::user(head);
        user.name = self.users.name(user.uid, self.time.monotonic()).to_owned();
        user
    }

    /// The process of a key: from the table, else from `/proc`, else as far as the key tells.
    fn process(&mut self, key: ProcessKey, start_ns: u64) -> Arc<Proc> {
        if let Some(known) = self.table.find(key) {
            return known;
        }
        if key.pid() != 0
            && self.lookups.take(self.time.monotonic())
            && self.reader.key(key.pid()) == Some(key)
            && let Some(found) = self.fill(key.pid(), 0)
        {
            return found;
        }
        self.strangers += 1;
        let info = Process { key: key.0, started_us: self.time.wall(start_ns), ..Process::default() };
        Proc::new(info, None)
    }

    /// Reads a process and those above it from `/proc` into the table.
    fn fill(&mut self, pid: u32, depth: usize) -> Option<Arc<Proc>> {
        if let Some(known) = self.table.get(pid)
            && self.reader.key(pid) == Some(known.info.key())
        {
            return Some(known);
        }
        let time = &self.time;
        let found = self.reader.process(pid, |boot_ns| time.wall(boot_ns))?;
        let mut info = found.process;
        let parent = match found.parent_pid {
            0 => None,
            _ if depth >= ANCESTRY_DEPTH => None,
            above => self.fill(above, depth + 1),
        };
        info.parent_key = parent.as_ref().map_or(0, |parent| parent.info.key);
        info.user.name = self.users.name(info.user.uid, self.time.monotonic()).to_owned();
        if !found.kernel {
            let sha256 = self.hashes.executable(pid, &info.exe, None);
            info.exe.sha256 = sha256.map(Vec::from).unwrap_or_default();
        }
        Some(self.table.insert(Proc::new(info, parent)))
    }
}

/// Whether a change of namespaces is one of the whole process.
fn is_of_process(header: &raw::Header) -> bool {
    header.tid == header.tgid && header.door().word() != "clone"
}

#[cfg(test)]
mod tests;

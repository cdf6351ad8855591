//! Which events a rule is about: its log source as a set of event slots.
//!
//! A slot is a kind of event, cut finer for files and the network (one slot an operation), so that a rule about deleted
//! files is never looked at for an opened one.
//!
//! | `logsource.category` (`product: linux` or none) | events |
//! |---|---|
//! | `process_creation` | `exec` |
//! | `process_termination` | `exit` |
//! | `process_fork` ours | `fork` |
//! | `process_access` | `access`: ptrace, process_vm_readv, process_vm_writev |
//! | `file_event` | `file`: create, write, rename, link, symlink, mkdir, truncate |
//! | `file_change` | `file`: write, truncate, chmod, chown, setxattr |
//! | `file_rename` | `file`: rename |
//! | `file_delete` | `file`: unlink, rmdir |
//! | `file_access` | `file`: read, write |
//! | `network_connection` | `net`: connect, accept, send |
//! | `network_listen` ours | `net`: listen, bind |
//! | `dns_query` | `dns` |
//! | `driver_load` | `module` |
//! | `bpf` ours | `bpf` |
//! | `namespace` ours | `namespace` |
//! | `privilege` ours | `privilege` |
//! | `io_uring` ours | `io_uring` |
//! | `memory` ours | `memory` |
//! | `mount` ours | `mount` |
//! | `signal` ours | `signal` |
//! | `agent` ours | `lost` |
//! | `scan`, `malware`, `antivirus` | `scan`: findings of the scanner |
//! | `file_integrity` ours | `integrity` |
//! | `inventory` ours | `asset` |
//! | none, and no service | every event |
//!
//! Log sources that are logs (a service, `webserver`, a cloud) are about records of logs, `log` events
//! ([`crate::log_source`]); `service: auditd` is about what the audit system would write of our own events too
//! ([`crate::view`]). Rules of other systems are read in full and listed with the reason.

use crate::log_source::{self, Logs};
use crate::view::{self, View};
use record::{Activity, Event, Field, FileOp, Kind, NetOp};
use sigma::rule::LogSource;

/// First slot of the file operations.
const FILE: usize = Kind::ALL.len();
/// First slot of the network operations.
const NET: usize = FILE + 14;
/// How many slots there are.
pub const SLOTS: usize = NET + 6;

/// A set of slots, one bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Slots(pub(crate) u64);

const _: () = assert!(SLOTS <= 64);

impl Slots {
    /// Every slot.
    pub const EVERY: Slots = Slots((1 << SLOTS) - 1);

    /// Whether a slot is in the set.
    pub const fn has(self, slot: usize) -> bool {
        self.0 >> slot & 1 == 1
    }

    /// Whether the two sets have a slot in common.
    pub const fn meets(self, other: Slots) -> bool {
        self.0 & other.0 != 0
    }

    /// The kinds of events in the set, in the order of [`Kind::ALL`].
    pub fn kinds(self) -> Vec<Kind> {
        Kind::ALL.iter().copied().filter(|kind| self.0 & of_kind(*kind).0 != 0).collect()
    }
}

/// Every slot of a kind.
const fn of_kind(kind: Kind) -> Slots {
    match kind {
        Kind::File => Slots(((1 << (NET - FILE)) - 1) << FILE),
        Kind::Net => Slots(((1 << (SLOTS - NET)) - 1) << NET),
        _ => Slots(1 << kind as usize),
    }
}

const fn of_files(operations: &[FileOp]) -> Slots {
    let (mut bits, mut index) = (0, 0);
    while index < operations.len() {
        bits |= 1 << (FILE + operations[index] as usize);
        index += 1;
    }
    Slots(bits)
}

const fn of_network(operations: &[NetOp]) -> Slots {
    let (mut bits, mut index) = (0, 0);
    while index < operations.len() {
        bits |= 1 << (NET + operations[index] as usize);
        index += 1;
    }
    Slots(bits)
}

/// Slot of records of logs; which rules are about one is looked up by its words.
pub(crate) const LOG: usize = Kind::Log as usize;

/// The events a rule is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Reach {
    /// Slots; [`LOG`] is among them when `logs` names any.
    pub slots: Slots,
    /// Records of logs.
    pub logs: Logs,
    /// Whether it is about the audit system.
    pub audit: bool,
}

impl Reach {
    /// The views of the events of a slot; `calls`: the rule tests names of system calls.
    pub(crate) fn views(&self, slot: usize, calls: bool) -> Vec<View> {
        match (slot, self.audit) {
            (LOG, _) if self.logs != Logs::default() => vec![View::Log],
            (_, true) => view::of_audit(slot, calls),
            _ => vec![View::Event],
        }
    }

    /// The rule is not about records of logs.
    pub(crate) fn drop_logs(&mut self) {
        self.logs = Logs::default();
        self.slots.0 &= !(1 << LOG);
    }
}

/// The operation of a slot of files.
pub(crate) fn file_op(slot: usize) -> Option<FileOp> {
    FileOp::try_from(i32::try_from(slot.checked_sub(FILE).filter(|_| slot < NET)?).ok()?).ok()
}

/// The operation of a slot of the network.
pub(crate) fn net_op(slot: usize) -> Option<NetOp> {
    NetOp::try_from(i32::try_from(slot.checked_sub(NET)?).ok()?).ok()
}

/// The slot of an event.
pub fn slot(event: &Event) -> usize {
    match &event.activity {
        Activity::File(file) => FILE + file.op() as usize,
        Activity::Net(net) => NET + net.op() as usize,
        _ => event.kind() as usize,
    }
}

/// The kind of the events of a slot.
pub(crate) fn kind(slot: usize) -> Kind {
    match slot {
        FILE..NET => Kind::File,
        slot if slot >= NET => Kind::Net,
        slot => Kind::ALL[slot],
    }
}

/// Whether a slot is about a file that gets a second name, so that "the file" means the new one, or about an accepted
/// connection, whose destination is this host.
pub fn turned(slot: usize) -> bool {
    of_files(&[FileOp::Rename, FileOp::Link]).has(slot) || of_network(&[NetOp::Accept]).has(slot)
}

/// The value that a field has in every event of a slot, where there is one.
pub(crate) fn constant(slot: usize, field: Field) -> Option<&'static str> {
    match (field, kind(slot)) {
        (Field::Kind, kind) => Some(kind.word()),
        (Field::FileOp, Kind::File) => file_op(slot).map(FileOp::word),
        (Field::NetOp, Kind::Net) => net_op(slot).map(NetOp::word),
        (Field::NetOutbound, Kind::Net) => {
            let outbound = of_network(&[NetOp::Connect, NetOp::Send]).has(slot);
            Some(if outbound { "true" } else { "false" })
        }
        _ => None,
    }
}

/// The events that a sensor delivers: these kinds, and files opened for reading only when it is told so.
pub fn delivered(kinds: &[Kind], read_opens: bool) -> Slots {
    let all = kinds.iter().fold(Slots::default(), |all, kind| Slots(all.0 | of_kind(*kind).0));
    if read_opens { all } else { Slots(all.0 & !of_files(&[FileOp::OpenRead]).0) }
}

/// The categories, as in the table above.
pub const CATEGORIES: &[(&str, Slots)] = &[
    ("process_creation", of_kind(Kind::Exec)),
    ("process_termination", of_kind(Kind::Exit)),
    ("process_fork", of_kind(Kind::Fork)),
    ("process_access", of_kind(Kind::Access)),
    (
        "file_event",
        of_files(&[
            FileOp::Create,
            FileOp::OpenWrite,
            FileOp::Rename,
            FileOp::Link,
            FileOp::Symlink,
            FileOp::Mkdir,
            FileOp::Truncate,
        ]),
    ),
    ("file_change", of_files(&[FileOp::OpenWrite, FileOp::Truncate, FileOp::Chmod, FileOp::Chown, FileOp::SetXattr])),
    ("file_rename", of_files(&[FileOp::Rename])),
    ("file_delete", of_files(&[FileOp::Unlink, FileOp::Rmdir])),
    ("file_access", of_files(&[FileOp::OpenRead, FileOp::OpenWrite])),
    ("network_connection", of_network(&[NetOp::Connect, NetOp::Accept, NetOp::Send])),
    ("network_listen", of_network(&[NetOp::Listen, NetOp::Bind])),
    ("dns_query", of_kind(Kind::Dns)),
    ("driver_load", of_kind(Kind::Module)),
    ("bpf", of_kind(Kind::Bpf)),
    ("namespace", of_kind(Kind::Namespace)),
    ("privilege", of_kind(Kind::Privilege)),
    ("io_uring", of_kind(Kind::IoUring)),
    ("memory", of_kind(Kind::Memory)),
    ("mount", of_kind(Kind::Mount)),
    ("signal", of_kind(Kind::Signal)),
    ("agent", of_kind(Kind::Lost)),
    ("scan", of_kind(Kind::Scan)),
    ("malware", of_kind(Kind::Scan)),
    ("antivirus", of_kind(Kind::Scan)),
    ("file_integrity", of_kind(Kind::Integrity)),
    ("inventory", of_kind(Kind::Asset)),
];

/// The events of a log source, or why nothing of ours delivers them.
pub(crate) fn route(source: &LogSource) -> Result<Reach, String> {
    let none = Logs::default;
    if let Some(logs) = log_source::logs(source)? {
        let audit = logs.words.iter().any(|word| word == "auditd");
        let own = if audit { Slots::EVERY } else { Slots::default() };
        return Ok(Reach { slots: Slots(own.0 | 1 << LOG), logs, audit });
    }
    match source.category.as_deref() {
        // Which of them it is about, its keywords and names decide.
        None if source.product.is_some() => {
            Ok(Reach { slots: Slots::EVERY, logs: Logs { linux: true, ..none() }, audit: false })
        }
        None => Err("the log source names neither product, category nor service".to_owned()),
        Some(category) => {
            let known = CATEGORIES.iter().find(|(name, _)| *name == category);
            let slots = known.map(|(_, slots)| *slots).ok_or_else(|| format!("category {category} is none of ours"))?;
            Ok(Reach { slots, logs: none(), audit: false })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(product: &str, category: &str, service: &str) -> LogSource {
        let word = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        LogSource { product: word(product), category: word(category), service: word(service) }
    }

    #[test]
    fn every_operation_has_its_own_slot() {
        assert_eq!((FileOp::SetXattr as usize, NetOp::Send as usize), (NET - FILE - 1, SLOTS - NET - 1));
        assert!(CATEGORIES.iter().all(|(_, slots)| slots.0 != 0 && slots.0 & !Slots::EVERY.0 == 0));
    }

    #[test]
    fn a_slot_knows_its_operation() {
        let slot = |op: NetOp| NET + op as usize;
        assert_eq!(constant(FILE + FileOp::OpenRead as usize, Field::FileOp), Some("read"));
        assert_eq!(constant(slot(NetOp::Accept), Field::NetOutbound), Some("false"));
        assert_eq!(constant(slot(NetOp::Send), Field::NetOp), Some("send"));
        assert_eq!(constant(0, Field::FileOp), None);
        let quiet = delivered(&[Kind::File], false);
        assert!(!quiet.has(FILE + FileOp::OpenRead as usize) && quiet.has(FILE + FileOp::OpenWrite as usize));
    }

    #[test]
    fn log_sources_find_their_events() {
        let kinds =
            |product, category, service| route(&source(product, category, service)).map(|reach| reach.slots.kinds());
        assert_eq!(kinds("linux", "process_creation", "").unwrap(), [Kind::Exec]);
        assert_eq!(kinds("", "file_delete", "").unwrap(), [Kind::File]);
        assert_eq!(kinds("linux", "", "").unwrap(), Kind::ALL);
        assert_eq!(kinds("", "webserver", "").unwrap(), [Kind::Log]);
        assert_eq!(kinds("", "antivirus", "").unwrap(), [Kind::Scan]);
        assert_eq!(kinds("linux", "", "auditd").unwrap(), Kind::ALL);
        for (product, category, service) in
            [("windows", "process_creation", ""), ("linux", "registry_event", ""), ("", "nonsense", ""), ("", "", "")]
        {
            assert!(kinds(product, category, service).is_err(), "{product}/{category}/{service}");
        }
    }
}

//! The one map from the names that Sigma rules use to our typed fields.
//!
//! Every word of [`record::Field`] (`process.exe`, `ancestors.exe`, `file.op` …) is a name in every category. Beside
//! them stand Sigma's own names, as listed in [`NAMES`], by category:
//!
//! | category | Sigma name → field |
//! |---|---|
//! | any | `Image` → `process.exe`, `CommandLine` → `process.cmd_line`, `CurrentDirectory` → `process.cwd`, `ProcessId` → `process.pid`, `User` → `process.user`, `LogonId` → `process.loginuid`, `ParentImage` → `parent.exe`, `ParentCommandLine` → `parent.cmd_line`, `ParentProcessId` → `parent.pid`, `sha256`, `Hashes` (`SHA256=…`) → `process.sha256`, `UtcTime`, `timestamp`, `@timestamp` → time of the event, UTC |
//! | `file_*` | `TargetFilename` → `file.path` (after a rename or link the new name, `file.target`), `SourceFilename` → `file.path` |
//! | `network_*` | `DestinationIp` → `remote.ip`, `DestinationPort` → `remote.port`, `SourceIp` → `local.ip`, `SourcePort` → `local.port` (of an accepted connection the other way round: its source is the peer), `DestinationHostname` → `remote.name`, `Initiated` → `net.outbound`, `Protocol` → `net.protocol` |
//! | `dns_query` | `QueryName` → `dns.name`, `QueryType` → `dns.type` |
//! | `process_access` | `SourceImage` → `process.exe`, `SourceProcessId` → `process.pid`, `TargetImage` → `target.exe`, `TargetProcessId` → `target.pid`, `CallName` → `call.name`, `GrantedAccess` → `call.flags` (ptrace request) |
//! | `driver_load` | `ImageLoaded` → `object.name`, `CallName` → `call.name` |
//! | `scan`, `malware`, `antivirus` | `Signature` → `scan.name`, `Family` → `scan.family`, `Filename` → `file.path` |
//! | `inventory` | `Name` → `asset.name`, `Version` → `asset.version` |
//!
//! Rules about logs ([`crate::route`]) use the names that the source itself gives; beside them stand `log.source`,
//! `log.origin`, `log.host`, `log.message` and the names of the time.
//!
//! What each of our own categories delivers (only words of `record::Field`, beside those of the process):
//!
//! | category | fields |
//! |---|---|
//! | `process_creation` | `exec.from_memory`, `exec.unlinked`, `exec.elevated`, `exec.script`, `exec.previous_exe` |
//! | `process_termination` | `exit.code`, `signal.number` |
//! | `process_access` | `call.name`, `call.flags`, `target.exe`, `target.pid` |
//! | `file_*` | `file.path`, `file.target`, `file.op`, `file.flags`, `file.mode` |
//! | `network_*` | `remote.ip`, `remote.port`, `remote.name`, `local.ip`, `local.port`, `net.protocol`, `net.outbound`, `net.op` |
//! | `dns_query` | `dns.name`, `dns.type`, `remote.ip`, `remote.port` (the server asked) |
//! | `driver_load` | `call.name` (init_module, finit_module, delete_module), `object.name` |
//! | `bpf` | `bpf.command` (5 is a program load), `bpf.type`, `object.name` |
//! | `namespace` | `call.name` (unshare, setns, clone, pivot_root, chroot), `call.flags` (`CLONE_NEW*`), `namespace.user` (whether `CLONE_NEWUSER` is among them) |
//! | `privilege` | `call.name` (setuid, setresuid, capset, prctl), `call.flags` (first argument), `user.before`, `user.after` (effective ids) |
//! | `io_uring` | `io_uring.op`, `io_uring.path` |
//! | `memory` | `call.name` (memfd_create, mprotect, mmap), `call.flags`, `object.name` |
//! | `mount` | `mount.source`, `mount.target`, `mount.type`, `call.flags` |
//! | `signal` | `signal.number`, `signal.to_agent`, `target.pid` |
//! | `agent` | `object.name` (kind of the lost events) |
//! | `scan` | `scan.engine`, `scan.name`, `scan.family`, `scan.member`, `scan.score`, `scan.cause`, `file.path`, `target.pid`, `details.NAME` |
//! | `file_integrity` | `change`, `file.path`, `file.mode`, `file.diff`, `file.package` |
//! | `inventory` | `asset.kind`, `change`, `asset.key`, `asset.name`, `asset.version`, `details.NAME`, `before.NAME` |
//!
//! Names for numbers, where people write names: `net.protocol` `tcp`, `udp`, `icmp`, `icmpv6`, `sctp`; `dns.type` `A`,
//! `AAAA`, `TXT` …; `process.loginuid` `unset`. Numbers may be decimal, `0x…` or `0o…`.
//!
//! An empty text is an absent field: the sensor leaves out what it does not know, so `field: ''` and `field: null` mean
//! the same here. A log may show an empty field (`"-"` as user agent): there `null` and `exists: false` fit a field
//! that is empty or not there, `''` only one that is there and empty.

use crate::names;
use record::{Event, Field, Kind, Value};

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Origin {
    /// A field of the event.
    Field(Field),
    /// The time of the event, µs since the Unix epoch, UTC.
    Time,
}

/// What kind of value a field holds: decides how a rule's value is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// Text, or several texts.
    Text,
    /// Whole number.
    Number,
    /// Yes or no.
    Flag,
    /// Address.
    Address,
    /// Bytes shown as lower-case hexadecimal digits.
    Hex,
}

/// Categories whose names begin so; empty for all.
type Area = &'static str;

/// Sigma's names: area, name, field, and the field where the event is the other way round: it gives a file a second
/// name, or it accepts a connection.
pub const NAMES: &[(Area, &str, Origin, Option<Field>)] = &[
    ("", "Image", Origin::Field(Field::ProcessExe), None),
    ("", "CommandLine", Origin::Field(Field::ProcessCmdLine), None),
    ("", "CurrentDirectory", Origin::Field(Field::ProcessCwd), None),
    ("", "ProcessId", Origin::Field(Field::ProcessPid), None),
    ("", "User", Origin::Field(Field::ProcessUser), None),
    ("", "LogonId", Origin::Field(Field::ProcessLoginUid), None),
    ("", "ParentImage", Origin::Field(Field::ParentExe), None),
    ("", "ParentCommandLine", Origin::Field(Field::ParentCmdLine), None),
    ("", "ParentProcessId", Origin::Field(Field::ParentPid), None),
    ("", "sha256", Origin::Field(Field::ProcessSha256), None),
    ("", "Hashes", Origin::Field(Field::ProcessSha256), None),
    ("", "UtcTime", Origin::Time, None),
    ("", "timestamp", Origin::Time, None),
    ("", "@timestamp", Origin::Time, None),
    ("file_", "TargetFilename", Origin::Field(Field::FilePath), Some(Field::FileTarget)),
    ("file_", "SourceFilename", Origin::Field(Field::FilePath), None),
    ("network_", "DestinationIp", Origin::Field(Field::RemoteIp), Some(Field::LocalIp)),
    ("network_", "DestinationPort", Origin::Field(Field::RemotePort), Some(Field::LocalPort)),
    ("network_", "DestinationHostname", Origin::Field(Field::RemoteName), None),
    ("network_", "SourceIp", Origin::Field(Field::LocalIp), Some(Field::RemoteIp)),
    ("network_", "SourcePort", Origin::Field(Field::LocalPort), Some(Field::RemotePort)),
    ("network_", "Initiated", Origin::Field(Field::NetOutbound), None),
    ("network_", "Protocol", Origin::Field(Field::NetProtocol), None),
    ("dns_query", "QueryName", Origin::Field(Field::DnsName), None),
    ("dns_query", "QueryType", Origin::Field(Field::DnsType), None),
    ("process_access", "SourceImage", Origin::Field(Field::ProcessExe), None),
    ("process_access", "SourceProcessId", Origin::Field(Field::ProcessPid), None),
    ("process_access", "TargetImage", Origin::Field(Field::TargetExe), None),
    ("process_access", "TargetProcessId", Origin::Field(Field::TargetPid), None),
    ("process_access", "CallName", Origin::Field(Field::CallName), None),
    ("process_access", "GrantedAccess", Origin::Field(Field::CallFlags), None),
    ("driver_load", "ImageLoaded", Origin::Field(Field::ObjectName), None),
    ("driver_load", "CallName", Origin::Field(Field::CallName), None),
    ("scan", "Signature", Origin::Field(Field::ScanName), None),
    ("scan", "Family", Origin::Field(Field::ScanFamily), None),
    ("scan", "Filename", Origin::Field(Field::FilePath), None),
    ("inventory", "Name", Origin::Field(Field::AssetName), None),
    ("inventory", "Version", Origin::Field(Field::AssetVersion), None),
];

/// Categories that are other words for one of ours.
const SAME: &[(&str, &str)] = &[("malware", "scan"), ("antivirus", "scan")];

fn area(category: Option<&str>) -> &str {
    let category = category.unwrap_or("");
    SAME.iter().find(|(other, _)| *other == category).map_or(category, |(_, ours)| ours)
}

/// Fields of audit records that every event's process has: name, field.
const AUDIT: &[(&str, Field)] = &[
    ("exe", Field::ProcessExe),
    ("comm", Field::ProcessComm),
    ("pid", Field::ProcessPid),
    ("ppid", Field::ParentPid),
    ("uid", Field::ProcessUid),
    ("euid", Field::ProcessEuid),
    ("auid", Field::ProcessLoginUid),
    ("tty", Field::ProcessTty),
    ("UID", Field::ProcessUser),
];

/// Our field for one of an audit record of a system call.
pub(crate) fn of_audit(name: &str) -> Option<Field> {
    AUDIT.iter().find(|(known, _)| *known == name).map(|(_, field)| *field)
}

/// What a name means in every record of a log, whatever its source: our words for the record, and its time.
pub(crate) fn of_log(name: &str) -> Option<Origin> {
    match Field::from_word(name) {
        Some(field) if name.starts_with("log.") => Some(Origin::Field(field)),
        Some(_) => None,
        None => matches!(name, "timestamp" | "@timestamp" | "UtcTime").then_some(Origin::Time),
    }
}

/// Where the value of a rule's field comes from. `turned` says that the event gives a file a second name or accepts a
/// connection ([`crate::route::turned`]).
pub fn origin(category: Option<&str>, turned: bool, name: &str) -> Option<Origin> {
    if let Some(field) = Field::from_word(name) {
        return Some(Origin::Field(field));
    }
    let category = area(category);
    let (_, _, origin, other) = NAMES.iter().find(|(area, known, ..)| *known == name && category.starts_with(area))?;
    Some(other.filter(|_| turned).map_or(*origin, Origin::Field))
}

/// The names a category knows, for the hint of a fault: Sigma's names, without our own words.
pub fn known(category: Option<&str>) -> Vec<&'static str> {
    let category = area(category);
    NAMES.iter().filter(|(area, ..)| category.starts_with(area)).map(|(_, name, ..)| *name).collect()
}

/// Every name of the field of a log that has this one, itself among them; none when it has no other.
pub fn aliases(name: &str) -> &'static [&'static str] {
    names::ALIASES.iter().find(|class| class.contains(&name)).copied().unwrap_or_default()
}

/// The texts of an event that a keyword (a value without a field) is looked for in: what the event itself says, not
/// what its process said when it started.
pub(crate) fn keyword_fields(kind: Kind) -> &'static [Field] {
    match kind {
        Kind::Exec => &[Field::ProcessCmdLine, Field::ProcessExe],
        Kind::Fork | Kind::Exit | Kind::Privilege | Kind::Namespace | Kind::Signal | Kind::Http => &[],
        Kind::File => &[Field::FilePath, Field::FileTarget],
        Kind::Mount => &[Field::MountSource, Field::MountTarget, Field::MountType],
        Kind::Net => &[Field::RemoteName, Field::RemoteIp],
        Kind::Dns => &[Field::DnsName],
        Kind::Access => &[Field::TargetExe, Field::CallName],
        Kind::Memory | Kind::Module | Kind::Bpf | Kind::Lost => &[Field::ObjectName],
        Kind::Log => &[Field::LogMessage],
        Kind::Scan => &[Field::ScanName, Field::ScanFamily, Field::FilePath],
        Kind::Integrity => &[Field::FilePath, Field::FileDiff],
        Kind::Asset => &[Field::AssetName, Field::AssetKey],
        Kind::IoUring => &[Field::IoUringPath, Field::IoUringOp],
    }
}

impl Origin {
    /// The value in an event.
    pub fn of(self, event: &Event) -> Value<'_> {
        match self {
            Origin::Field(field) => event.get(field),
            Origin::Time => Value::Number(event.time_us),
        }
    }

    /// What kind of value it holds.
    pub fn sort(self) -> Sort {
        use Field::*;
        let Origin::Field(field) = self else { return Sort::Number };
        match field {
            ProcessPid | ProcessUid | ProcessEuid | ProcessLoginUid | ProcessCapabilities | ParentPid | FileFlags
            | FileMode | RemotePort | LocalPort | NetProtocol | DnsType | CallFlags | TargetPid | BpfCommand
            | BpfType | SignalNumber | ExitCode | UserBefore | UserAfter | ScanScore => Sort::Number,
            ExecFromMemory | ExecUnlinked | ExecElevated | NetOutbound | NamespaceUser | SignalToAgent => Sort::Flag,
            RemoteIp | LocalIp => Sort::Address,
            ProcessSha256 => Sort::Hex,
            _ => Sort::Text,
        }
    }

    /// The number that people write as a name in this field.
    pub(crate) fn number_of(self, name: &str) -> Option<i64> {
        const PROTOCOLS: &[(&str, i64)] = &[("icmp", 1), ("tcp", 6), ("udp", 17), ("icmpv6", 58), ("sctp", 132)];
        // IANA "Domain Name System Parameters", resource record types.
        const QUERIES: &[(&str, i64)] = &[
            ("a", 1),
            ("ns", 2),
            ("cname", 5),
            ("soa", 6),
            ("null", 10),
            ("ptr", 12),
            ("mx", 15),
            ("txt", 16),
            ("aaaa", 28),
            ("srv", 33),
            ("https", 65),
            ("any", 255),
        ];
        let table = match self {
            Origin::Field(Field::NetProtocol) => PROTOCOLS,
            Origin::Field(Field::DnsType) => QUERIES,
            Origin::Field(Field::ProcessLoginUid) => &[("unset", u32::MAX as i64)],
            _ => return None,
        };
        table.iter().find(|(word, _)| word.eq_ignore_ascii_case(name)).map(|(_, number)| *number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_mean_the_field_of_their_category() {
        let field = |category, turned, name| origin(Some(category), turned, name);
        assert_eq!(field("file_event", false, "TargetFilename"), Some(Origin::Field(Field::FilePath)));
        assert_eq!(field("file_event", true, "TargetFilename"), Some(Origin::Field(Field::FileTarget)));
        assert_eq!(field("file_rename", true, "SourceFilename"), Some(Origin::Field(Field::FilePath)));
        assert_eq!(field("network_connection", true, "DestinationPort"), Some(Origin::Field(Field::LocalPort)));
        assert_eq!(field("process_creation", false, "TargetFilename"), None);
        assert_eq!(field("process_creation", false, "ancestors.exe"), Some(Origin::Field(Field::AncestorExes)));
        assert_eq!(origin(None, false, "Image"), Some(Origin::Field(Field::ProcessExe)));
    }

    #[test]
    fn numbers_have_names() {
        assert_eq!(Origin::Field(Field::NetProtocol).number_of("TCP"), Some(6));
        assert_eq!(Origin::Field(Field::ProcessPid).number_of("tcp"), None);
    }
}

//! Typed fields of an event, as rules and tables name them: no string map, no allocation.

use crate::{Activity, Event, FileActivity, Kind, Proc};
use std::net::IpAddr;

/// A new user namespace (`include/uapi/linux/sched.h`).
pub const CLONE_NEWUSER: u64 = 0x1000_0000;

/// A field that rules can test and the lake has columns for. The word is ours; Sigma names are mapped in `analyze/detect`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
#[allow(missing_docs, reason = "the word of each is its documentation in `Field::word`")]
pub enum Field {
    ProcessExe,
    ProcessCmdLine,
    ProcessComm,
    ProcessCwd,
    ProcessPid,
    ProcessUser,
    ProcessUid,
    ProcessEuid,
    ProcessLoginUid,
    ProcessSha256,
    ProcessContainer,
    ProcessTty,
    ProcessCapabilities,
    ParentExe,
    ParentCmdLine,
    ParentComm,
    ParentPid,
    AncestorExes,
    ExecFromMemory,
    ExecUnlinked,
    ExecElevated,
    ExecScript,
    ExecPreviousExe,
    FilePath,
    FileTarget,
    FileOp,
    FileFlags,
    FileMode,
    RemoteIp,
    RemotePort,
    RemoteName,
    LocalIp,
    LocalPort,
    NetProtocol,
    NetOutbound,
    NetOp,
    DnsName,
    DnsType,
    CallName,
    CallFlags,
    NamespaceUser,
    TargetExe,
    TargetPid,
    ObjectName,
    MountSource,
    MountTarget,
    MountType,
    BpfCommand,
    BpfType,
    IoUringOp,
    IoUringPath,
    SignalNumber,
    SignalToAgent,
    ExitCode,
    UserBefore,
    UserAfter,
    LogSource,
    LogOrigin,
    LogHost,
    LogMessage,
    ScanEngine,
    ScanName,
    ScanFamily,
    ScanMember,
    ScanScore,
    ScanCause,
    Change,
    FileDiff,
    FilePackage,
    AssetKind,
    AssetKey,
    AssetName,
    AssetVersion,
    Kind,
}

/// The value of a field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'e> {
    /// The event has no such field.
    None,
    /// Text.
    Text(&'e str),
    /// Number.
    Number(i64),
    /// Yes or no.
    Flag(bool),
    /// Address.
    Ip(IpAddr),
    /// Bytes shown as lower-case hexadecimal digits.
    Hex(&'e [u8]),
    /// The executables of the ancestors, nearest first.
    Ancestors(&'e Proc),
}

impl Field {
    /// Every field, in the order of the reference page.
    pub const ALL: &'static [(Field, &'static str)] = &[
        (Field::ProcessExe, "process.exe"),
        (Field::ProcessCmdLine, "process.cmd_line"),
        (Field::ProcessComm, "process.comm"),
        (Field::ProcessCwd, "process.cwd"),
        (Field::ProcessPid, "process.pid"),
        (Field::ProcessUser, "process.user"),
        (Field::ProcessUid, "process.uid"),
        (Field::ProcessEuid, "process.euid"),
        (Field::ProcessLoginUid, "process.loginuid"),
        (Field::ProcessSha256, "process.sha256"),
        (Field::ProcessContainer, "process.container"),
        (Field::ProcessTty, "process.tty"),
        (Field::ProcessCapabilities, "process.capabilities"),
        (Field::ParentExe, "parent.exe"),
        (Field::ParentCmdLine, "parent.cmd_line"),
        (Field::ParentComm, "parent.comm"),
        (Field::ParentPid, "parent.pid"),
        (Field::AncestorExes, "ancestors.exe"),
        (Field::ExecFromMemory, "exec.from_memory"),
        (Field::ExecUnlinked, "exec.unlinked"),
        (Field::ExecElevated, "exec.elevated"),
        (Field::ExecScript, "exec.script"),
        (Field::ExecPreviousExe, "exec.previous_exe"),
        (Field::FilePath, "file.path"),
        (Field::FileTarget, "file.target"),
        (Field::FileOp, "file.op"),
        (Field::FileFlags, "file.flags"),
        (Field::FileMode, "file.mode"),
        (Field::RemoteIp, "remote.ip"),
        (Field::RemotePort, "remote.port"),
        (Field::RemoteName, "remote.name"),
        (Field::LocalIp, "local.ip"),
        (Field::LocalPort, "local.port"),
        (Field::NetProtocol, "net.protocol"),
        (Field::NetOutbound, "net.outbound"),
        (Field::NetOp, "net.op"),
        (Field::DnsName, "dns.name"),
        (Field::DnsType, "dns.type"),
        (Field::CallName, "call.name"),
        (Field::CallFlags, "call.flags"),
        (Field::NamespaceUser, "namespace.user"),
        (Field::TargetExe, "target.exe"),
        (Field::TargetPid, "target.pid"),
        (Field::ObjectName, "object.name"),
        (Field::MountSource, "mount.source"),
        (Field::MountTarget, "mount.target"),
        (Field::MountType, "mount.type"),
        (Field::BpfCommand, "bpf.command"),
        (Field::BpfType, "bpf.type"),
        (Field::IoUringOp, "io_uring.op"),
        (Field::IoUringPath, "io_uring.path"),
        (Field::SignalNumber, "signal.number"),
        (Field::SignalToAgent, "signal.to_agent"),
        (Field::ExitCode, "exit.code"),
        (Field::UserBefore, "user.before"),
        (Field::UserAfter, "user.after"),
        (Field::LogSource, "log.source"),
        (Field::LogOrigin, "log.origin"),
        (Field::LogHost, "log.host"),
        (Field::LogMessage, "log.message"),
        (Field::ScanEngine, "scan.engine"),
        (Field::ScanName, "scan.name"),
        (Field::ScanFamily, "scan.family"),
        (Field::ScanMember, "scan.member"),
        (Field::ScanScore, "scan.score"),
        (Field::ScanCause, "scan.cause"),
        (Field::Change, "change"),
        (Field::FileDiff, "file.diff"),
        (Field::FilePackage, "file.package"),
        (Field::AssetKind, "asset.kind"),
        (Field::AssetKey, "asset.key"),
        (Field::AssetName, "asset.name"),
        (Field::AssetVersion, "asset.version"),
        (Field::Kind, "kind"),
    ];

    /// How many fields there are; `field as usize` is below it.
    pub const COUNT: usize = Field::ALL.len();

    /// Its word.
    pub fn word(self) -> &'static str {
        Field::ALL[self as usize].1
    }

    /// The field of a word.
    pub fn from_word(word: &str) -> Option<Field> {
        Field::ALL.iter().find(|(_, name)| *name == word).map(|(field, _)| *field)
    }
}

impl Event {
    /// The kind of its activity.
    pub fn kind(&self) -> Kind {
        self.activity.kind()
    }

    /// The value of a field, borrowed from the event.
    pub fn get(&self, field: Field) -> Value<'_> {
        use Field::*;
        match field {
            ProcessExe | ProcessCmdLine | ProcessComm | ProcessCwd | ProcessPid | ProcessUser | ProcessUid
            | ProcessEuid | ProcessLoginUid | ProcessSha256 | ProcessContainer | ProcessTty | ProcessCapabilities
            | ParentExe | ParentCmdLine | ParentComm | ParentPid | AncestorExes => {
                self.process.as_deref().map_or(Value::None, |proc| of_process(proc, field))
            }
            Kind => Value::Text(self.kind().word()),
            ExecUnlinked if matches!(self.activity, Activity::Exec(_)) => {
                self.process.as_deref().map_or(Value::None, |proc| Value::Flag(proc.info.exe.unlinked))
            }
            _ => of_activity(&self.activity, field),
        }
    }
}

/// Text that is absent when empty.
fn text(value: &str) -> Value<'_> {
    if value.is_empty() { Value::None } else { Value::Text(value) }
}

fn number(value: impl Into<i64>) -> Value<'static> {
    Value::Number(value.into())
}

fn of_process(proc: &Proc, field: Field) -> Value<'_> {
    let info = &proc.info;
    let parent = proc.parent.as_deref().map(|parent| &parent.info);
    match field {
        Field::ProcessExe => text(&info.exe.path),
        Field::ProcessCmdLine => text(&info.cmd_line),
        Field::ProcessComm => text(&info.comm),
        Field::ProcessCwd => text(&info.cwd),
        Field::ProcessPid => number(info.pid()),
        Field::ProcessUser => text(&info.user.name),
        Field::ProcessUid => number(info.user.uid),
        Field::ProcessEuid => number(info.user.euid),
        Field::ProcessLoginUid => number(info.user.loginuid),
        Field::ProcessSha256 if info.exe.sha256.is_empty() => Value::None,
        Field::ProcessSha256 => Value::Hex(&info.exe.sha256),
        Field::ProcessContainer => text(&info.container),
        Field::ProcessTty => text(&info.tty),
        Field::ProcessCapabilities => Value::Number(info.user.capabilities as i64),
        Field::ParentExe => parent.map_or(Value::None, |parent| text(&parent.exe.path)),
        Field::ParentCmdLine => parent.map_or(Value::None, |parent| text(&parent.cmd_line)),
        Field::ParentComm => parent.map_or(Value::None, |parent| text(&parent.comm)),
        Field::ParentPid => parent.map_or(Value::None, |parent| number(parent.pid())),
        Field::AncestorExes => Value::Ancestors(proc),
        _ => Value::None,
    }
}

fn of_activity(activity: &Activity, field: Field) -> Value<'_> {
    match activity {
        Activity::Exec(exec) => match field {
            Field::ExecFromMemory => Value::Flag(exec.from_memory),
            Field::ExecElevated => Value::Flag(exec.elevated),
            Field::ExecScript => text(&exec.script),
            Field::ExecPreviousExe => text(&exec.previous_exe),
            _ => Value::None,
        },
        Activity::File(file) => of_file(file, field),
        Activity::Net(_) | Activity::Dns(_) => of_network(activity, field),
        Activity::Log(_) | Activity::Scan(_) | Activity::Integrity(_) | Activity::Asset(_) => {
            of_observed(activity, field)
        }
        _ => of_call(activity, field),
    }
}

fn of_file(file: &FileActivity, field: Field) -> Value<'_> {
    match field {
        Field::FilePath => text(&file.file.path),
        Field::FileTarget => text(&file.target),
        Field::FileOp => Value::Text(file.op().word()),
        Field::FileFlags => number(file.flags),
        // Without the type of the file: some programs hand the whole `st_mode` to chmod(2).
        Field::FileMode => number(file.mode & 0o7777),
        _ => Value::None,
    }
}

fn of_network(activity: &Activity, field: Field) -> Value<'_> {
    let ip = |bytes: &[u8]| crate::event::address(bytes).map_or(Value::None, Value::Ip);
    match (activity, field) {
        (Activity::Net(net), Field::RemoteIp) => ip(&net.remote_ip),
        (Activity::Net(net), Field::RemotePort) => number(net.remote_port),
        (Activity::Net(net), Field::RemoteName) => text(&net.remote_name),
        (Activity::Net(net), Field::LocalIp) => ip(&net.local_ip),
        (Activity::Net(net), Field::LocalPort) => number(net.local_port),
        (Activity::Net(net), Field::NetProtocol) => number(net.protocol),
        (Activity::Net(net), Field::NetOutbound) => {
            Value::Flag(matches!(net.op(), crate::NetOp::Connect | crate::NetOp::Send))
        }
        (Activity::Net(net), Field::NetOp) => Value::Text(net.op().word()),
        (Activity::Dns(dns), Field::DnsName) => text(&dns.name),
        (Activity::Dns(dns), Field::DnsType) => number(dns.query_type),
        (Activity::Dns(dns), Field::RemoteIp) => ip(&dns.server_ip),
        (Activity::Dns(dns), Field::RemotePort) => number(dns.server_port),
        _ => Value::None,
    }
}

fn of_call(activity: &Activity, field: Field) -> Value<'_> {
    match (activity, field) {
        (Activity::Exit(exit), Field::ExitCode) => number(exit.code),
        (Activity::Exit(exit), Field::SignalNumber) => number(exit.signal),
        (Activity::Mount(_), Field::CallName) => Value::Text("mount"),
        (Activity::Mount(mount), Field::CallFlags) => Value::Number(mount.flags as i64),
        (Activity::Mount(mount), Field::MountSource) => text(&mount.source),
        (Activity::Mount(mount), Field::MountTarget) => text(&mount.target),
        (Activity::Mount(mount), Field::MountType) => text(&mount.fs_type),
        (Activity::Access(access), Field::CallName) => text(&access.call),
        (Activity::Access(access), Field::CallFlags) => number(access.request),
        (Activity::Access(access), Field::TargetPid) => number(access.target_pid),
        (Activity::Access(access), Field::TargetExe) => {
            access.target.as_ref().map_or(Value::None, |target| text(&target.exe.path))
        }
        (Activity::Memory(memory), Field::CallName) => text(&memory.call),
        (Activity::Memory(memory), Field::ObjectName) => text(&memory.name),
        (Activity::Memory(memory), Field::CallFlags) => number(memory.flags),
        (Activity::Privilege(change), Field::CallName) => text(&change.call),
        (Activity::Privilege(change), Field::UserBefore) => number(change.before.euid),
        (Activity::Privilege(change), Field::UserAfter) => number(change.after.euid),
        (Activity::Privilege(change), Field::CallFlags) => Value::Number(change.argument as i64),
        (Activity::Namespace(change), Field::CallName) => text(&change.call),
        (Activity::Namespace(change), Field::CallFlags) => Value::Number(change.flags as i64),
        (Activity::Namespace(change), Field::NamespaceUser) => Value::Flag(change.flags & CLONE_NEWUSER != 0),
        (Activity::Module(module), Field::CallName) => text(&module.call),
        (Activity::Module(module), Field::ObjectName) => text(&module.name),
        (Activity::Bpf(_), Field::CallName) => Value::Text("bpf"),
        (Activity::Bpf(call), Field::BpfCommand) => number(call.command),
        (Activity::Bpf(call), Field::BpfType) => number(call.program_type),
        (Activity::Bpf(call), Field::ObjectName) => text(&call.name),
        (Activity::IoUring(ring), Field::IoUringOp) => text(&ring.name),
        (Activity::IoUring(ring), Field::IoUringPath) => text(&ring.path),
        (Activity::Signal(signal), Field::SignalNumber) => number(signal.signal),
        (Activity::Signal(signal), Field::TargetPid) => number(signal.target_pid),
        (Activity::Signal(signal), Field::SignalToAgent) => Value::Flag(signal.to_agent),
        (Activity::Lost(lost), Field::ObjectName) => text(&lost.class),
        _ => Value::None,
    }
}

fn of_observed(activity: &Activity, field: Field) -> Value<'_> {
    match (activity, field) {
        (Activity::Log(log), Field::LogSource) => text(&log.source),
        (Activity::Log(log), Field::LogOrigin) => text(&log.origin),
        (Activity::Log(log), Field::LogHost) => text(&log.host),
        (Activity::Log(log), Field::LogMessage) => text(&log.message),
        (Activity::Scan(scan), Field::ScanEngine) => text(&scan.engine),
        (Activity::Scan(scan), Field::ScanName) => text(&scan.name),
        (Activity::Scan(scan), Field::ScanFamily) => text(&scan.family),
        (Activity::Scan(scan), Field::ScanMember) => text(&scan.member),
        (Activity::Scan(scan), Field::ScanScore) => number(scan.score),
        (Activity::Scan(scan), Field::ScanCause) => text(&scan.cause),
        (Activity::Scan(scan), Field::FilePath) => text(&scan.file.path),
        (Activity::Scan(scan), Field::TargetPid) if scan.pid > 0 => number(scan.pid),
        (Activity::Integrity(file), Field::FilePath) => text(&file.file.path),
        (Activity::Integrity(file), Field::Change) => text(&file.change),
        (Activity::Integrity(file), Field::FileDiff) => text(&file.diff),
        (Activity::Integrity(file), Field::FilePackage) => text(&file.package),
        (Activity::Integrity(file), Field::FileMode) => {
            file.after.as_ref().map_or(Value::None, |state| number(state.mode & 0o7777))
        }
        (Activity::Asset(asset), Field::AssetKind) => text(&asset.kind),
        (Activity::Asset(asset), Field::Change) => text(&asset.change),
        (Activity::Asset(asset), Field::AssetKey) => text(&asset.key),
        (Activity::Asset(asset), Field::AssetName) => text(&asset.name),
        (Activity::Asset(asset), Field::AssetVersion) => text(&asset.version),
        _ => Value::None,
    }
}

impl crate::FileOp {
    /// Its word in rules and tables.
    pub const fn word(self) -> &'static str {
        use crate::FileOp::*;
        match self {
            Unknown => "unknown",
            Create => "create",
            OpenWrite => "write",
            OpenRead => "read",
            Rename => "rename",
            Unlink => "unlink",
            Link => "link",
            Symlink => "symlink",
            Chmod => "chmod",
            Chown => "chown",
            Mkdir => "mkdir",
            Rmdir => "rmdir",
            Truncate => "truncate",
            SetXattr => "setxattr",
        }
    }
}

impl crate::NetOp {
    /// Its word in rules and tables.
    pub const fn word(self) -> &'static str {
        use crate::NetOp::*;
        match self {
            Unknown => "unknown",
            Connect => "connect",
            Accept => "accept",
            Listen => "listen",
            Bind => "bind",
            Send => "send",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Exec, Process};

    #[test]
    fn words_stand_in_the_order_of_the_enumeration() {
        for (index, (field, word)) in Field::ALL.iter().enumerate() {
            assert_eq!(*field as usize, index, "{word}");
            assert_eq!(Field::from_word(word), Some(*field));
        }
    }

    #[test]
    fn a_user_namespace_is_one_bit_among_others() {
        let made = |flags| {
            let change = crate::Namespace { call: "unshare".into(), flags };
            Event { seq: 0, time_us: 0, process: None, activity: Activity::Namespace(change) }
        };
        // CLONE_NEWNS with it; CLONE_NEWPID and CLONE_NEWNET are greater numbers and no user namespace.
        assert_eq!(made(0x1002_0000).get(Field::NamespaceUser), Value::Flag(true));
        assert_eq!(made(0x2000_0000).get(Field::NamespaceUser), Value::Flag(false));
        assert_eq!(made(0x4000_0000).get(Field::NamespaceUser), Value::Flag(false));
    }

    #[test]
    fn a_mode_is_its_permission_bits() {
        let file = FileActivity { op: crate::FileOp::Chmod as i32, mode: 0o100_755, ..FileActivity::default() };
        let event = Event { seq: 0, time_us: 0, process: None, activity: Activity::File(file) };
        assert_eq!(event.get(Field::FileMode), Value::Number(0o755));
    }

    #[test]
    fn an_absent_field_is_none() {
        let proc = Proc::new(Process { comm: "sh".into(), ..Process::default() }, None);
        let event = Event { seq: 0, time_us: 0, process: Some(proc), activity: Activity::Exec(Exec::default()) };
        assert_eq!(event.get(Field::ProcessComm), Value::Text("sh"));
        assert_eq!(event.get(Field::ParentExe), Value::None);
        assert_eq!(event.get(Field::FilePath), Value::None);
        assert_eq!(event.get(Field::ExecFromMemory), Value::Flag(false));
    }
}

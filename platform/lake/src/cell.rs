//! Columns of an activity: what goes out of a record into a cell and back. What has no column stays in `rest`.
//!
//! The pair [`read`] and [`write`] is exact: a record cleared of every cell that `read` gave, then filled again by `write`, is
//! the record it was. A value that a cell cannot hold exactly (an unknown operation number, an address of odd length) reads as
//! `None` and stays in `rest`.

mod http;
mod observed;

use record::{Activity, FileOp, Kind, NetOp};
use std::borrow::Cow;
use std::net::IpAddr;

/// A column that belongs to the activity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Cell {
    Op,
    Path,
    Target,
    Name,
    PreviousExe,
    Script,
    RemoteIp,
    RemotePort,
    RemoteName,
    LocalIp,
    LocalPort,
    Protocol,
    QueryType,
    TargetKey,
    TargetPid,
    Code,
    Signal,
    Flags,
    Mode,
    Inode,
    Device,
    Errno,
    Count,
    LivedUs,
    FromMemory,
    Elevated,
    Denied,
    Source,
    Origin,
    Sender,
    Message,
    Version,
    Fields,
    Query,
    UserAgent,
    Ja4,
    H2,
    Decision,
    Score,
    Model,
    Rules,
    Level,
    BytesIn,
    BytesOut,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    Text,
    Small,
    Large,
    Flag,
}

/// A value of a cell; what is empty, zero or false is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value<'e> {
    None,
    Text(Cow<'e, str>),
    Number(u64),
    Flag(bool),
}

use Cell::*;

impl Cell {
    /// Name, type and meaning.
    pub(crate) const fn describe(self) -> (&'static str, Type, &'static str) {
        match self {
            Op => ("op", Type::Text, "operation: of a file, a connection, the system call; method of a request"),
            Path => ("path", Type::Text, "file; path of a request"),
            Target => ("target", Type::Text, "new name of a file; mount point"),
            Name => (
                "name",
                Type::Text,
                "name asked for; host of a request; module, program, memory file; class of lost events",
            ),
            PreviousExe => ("previous_exe", Type::Text, "executable of the process before this one"),
            Script => ("script", Type::Text, "script an interpreter was started for"),
            RemoteIp => ("remote_ip", Type::Text, "other address; server of a DNS query; client of a request"),
            RemotePort => ("remote_port", Type::Small, "other port"),
            RemoteName => ("remote_name", Type::Text, "name last resolved to the other address"),
            LocalIp => ("local_ip", Type::Text, "this host's address"),
            LocalPort => ("local_port", Type::Small, "this host's port"),
            Protocol => ("protocol", Type::Small, "IP protocol number"),
            QueryType => ("query_type", Type::Small, "DNS query type number"),
            TargetKey => ("target_key", Type::Large, "key of the child process"),
            TargetPid => ("target_pid", Type::Small, "process reached into or signalled"),
            Code => {
                ("code", Type::Small, "exit code; ptrace request; bpf command; io_uring operation; status of an answer")
            }
            Signal => ("signal", Type::Small, "signal number"),
            Flags => ("flags", Type::Large, "flags of the call"),
            Mode => ("mode", Type::Small, "new mode of a file"),
            Inode => ("inode", Type::Large, "inode number"),
            Device => ("device", Type::Small, "device number"),
            Errno => ("errno", Type::Small, "result: absent, or a positive errno"),
            Count => ("count", Type::Large, "events lost"),
            LivedUs => ("lived_us", Type::Large, "lifetime of an ended process, duration of a request, µs"),
            FromMemory => ("from_memory", Type::Flag, "whether the executable was a memory file"),
            Elevated => ("elevated", Type::Flag, "whether credentials rose at this exec"),
            Source => {
                ("source", Type::Text, "decoder of a log record; engine of a scan; kind of an asset; site of a request")
            }
            Origin => ("origin", Type::Text, "file, unit or sender that a log record came from"),
            Sender => ("sender", Type::Text, "host that a log record names"),
            Message => {
                ("message", Type::Text, "text of a log record; difference of a watched file; why a request was refused")
            }
            Version => ("version", Type::Text, "version of an asset; of HTTP"),
            Fields => ("fields", Type::Text, "named values as a JSON object"),
            Query => ("query", Type::Text, "query of a request, redacted"),
            UserAgent => ("user_agent", Type::Text, "User-Agent of a request"),
            Ja4 => ("ja4", Type::Text, "JA4 fingerprint of a client's TLS"),
            H2 => ("h2", Type::Text, "fingerprint of a client's HTTP/2"),
            Decision => {
                ("decision", Type::Text, "what became of a request: allowed, observed, blocked, challenged, limited …")
            }
            Score => ("score", Type::Small, "anomaly score of a request"),
            Model => ("model", Type::Small, "score of the model, thousandths"),
            Rules => ("rules", Type::Text, "rules that held of a request, separated by spaces"),
            Level => ("level", Type::Small, "level of the flood defence, 1 to 5"),
            BytesIn => ("bytes_in", Type::Large, "bytes of a request's body"),
            BytesOut => ("bytes_out", Type::Large, "bytes of an answer's body"),
            Denied => ("denied", Type::Flag, "whether a deny rule killed the process at once"),
        }
    }
}

fn text(value: &str) -> Value<'_> {
    if value.is_empty() { Value::None } else { Value::Text(Cow::Borrowed(value)) }
}

fn number<'e>(value: impl Into<u64>) -> Value<'e> {
    match value.into() {
        0 => Value::None,
        value => Value::Number(value),
    }
}

fn flag<'e>(value: bool) -> Value<'e> {
    if value { Value::Flag(true) } else { Value::None }
}

fn ip(bytes: &[u8]) -> Value<'_> {
    let address = match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).map(IpAddr::from).ok(),
        16 => <[u8; 16]>::try_from(bytes).map(IpAddr::from).ok(),
        _ => None,
    };
    address.map_or(Value::None, |address| Value::Text(Cow::Owned(address.to_string())))
}

/// Operations by word. 0 and unknown numbers have none.
const FILE_OPS: std::ops::RangeInclusive<i32> = 1..=13;
const NET_OPS: std::ops::RangeInclusive<i32> = 1..=5;

fn file_op<'e>(op: i32) -> Value<'e> {
    match FileOp::try_from(op) {
        Ok(FileOp::Unknown) | Err(_) => Value::None,
        Ok(op) => Value::Text(Cow::Borrowed(op.word())),
    }
}

fn net_op<'e>(op: i32) -> Value<'e> {
    match NetOp::try_from(op) {
        Ok(NetOp::Unknown) | Err(_) => Value::None,
        Ok(op) => Value::Text(Cow::Borrowed(op.word())),
    }
}

/// The cell of an activity.
pub(crate) fn read(activity: &Activity, cell: Cell) -> Value<'_> {
    match (activity, cell) {
        (Activity::Exec(exec), PreviousExe) => text(&exec.previous_exe),
        (Activity::Exec(exec), Script) => text(&exec.script),
        (Activity::Exec(exec), FromMemory) => flag(exec.from_memory),
        (Activity::Exec(exec), Elevated) => flag(exec.elevated),
        (Activity::Exec(exec), Denied) => flag(exec.denied),
        (Activity::Fork(fork), TargetKey) => number(fork.child_key),
        (Activity::Exit(exit), Code) => number(exit.code),
        (Activity::Exit(exit), Signal) => number(exit.signal),
        (Activity::Exit(exit), LivedUs) => number(exit.lived_us),
        (Activity::File(file), Op) => file_op(file.op),
        (Activity::File(file), Path) => text(&file.file.path),
        (Activity::File(file), Target) => text(&file.target),
        (Activity::File(file), Flags) => number(file.flags),
        (Activity::File(file), Mode) => number(file.mode),
        (Activity::File(file), Inode) => number(file.file.inode),
        (Activity::File(file), Device) => number(file.file.device),
        (Activity::Net(net), Op) => net_op(net.op),
        (Activity::Net(net), RemoteIp) => ip(&net.remote_ip),
        (Activity::Net(net), RemotePort) => number(net.remote_port),
        (Activity::Net(net), RemoteName) => text(&net.remote_name),
        (Activity::Net(net), LocalIp) => ip(&net.local_ip),
        (Activity::Net(net), LocalPort) => number(net.local_port),
        (Activity::Net(net), Protocol) => number(net.protocol),
        (Activity::Net(net), Errno) => number(net.errno),
        (Activity::Dns(dns), Name) => text(&dns.name),
        (Activity::Dns(dns), QueryType) => number(dns.query_type),
        (Activity::Dns(dns), RemoteIp) => ip(&dns.server_ip),
        (Activity::Dns(dns), RemotePort) => number(dns.server_port),
        _ => read_system(activity, cell),
    }
}

fn read_system(activity: &Activity, cell: Cell) -> Value<'_> {
    match (activity, cell) {
        (Activity::Mount(mount), Path) => text(&mount.source),
        (Activity::Mount(mount), Target) => text(&mount.target),
        (Activity::Mount(mount), Name) => text(&mount.fs_type),
        (Activity::Mount(mount), Flags) => number(mount.flags),
        (Activity::Access(access), Op) => text(&access.call),
        (Activity::Access(access), Code) => number(access.request),
        (Activity::Access(access), TargetPid) => number(access.target_pid),
        (Activity::Memory(memory), Op) => text(&memory.call),
        (Activity::Memory(memory), Name) => text(&memory.name),
        (Activity::Memory(memory), Flags) => number(memory.flags),
        (Activity::Privilege(change), Op) => text(&change.call),
        (Activity::Privilege(change), Flags) => number(change.argument),
        (Activity::Namespace(change), Op) => text(&change.call),
        (Activity::Namespace(change), Flags) => number(change.flags),
        (Activity::Module(module), Op) => text(&module.call),
        (Activity::Module(module), Name) => text(&module.name),
        (Activity::Module(module), Errno) => number(module.errno),
        (Activity::Bpf(call), Name) => text(&call.name),
        (Activity::Bpf(call), Code) => number(call.command),
        (Activity::Bpf(call), Errno) => number(call.errno),
        (Activity::IoUring(ring), Op) => text(&ring.name),
        (Activity::IoUring(ring), Path) => text(&ring.path),
        (Activity::IoUring(ring), Code) => number(ring.opcode),
        (Activity::Signal(signal), Signal) => number(signal.signal),
        (Activity::Signal(signal), TargetPid) => number(signal.target_pid),
        (Activity::Lost(lost), Op) => text(&lost.place),
        (Activity::Lost(lost), Name) => text(&lost.class),
        (Activity::Lost(lost), Count) => number(lost.count),
        (Activity::Http(http), cell) => http::read(http, cell),
        _ => observed::read(activity, cell),
    }
}

impl Value<'_> {
    fn into_text(self) -> String {
        match self {
            Value::Text(text) => text.into_owned(),
            _ => String::new(),
        }
    }

    fn into_ip(self) -> Vec<u8> {
        match self.into_text().parse() {
            Ok(IpAddr::V4(ip)) => ip.octets().to_vec(),
            Ok(IpAddr::V6(ip)) => ip.octets().to_vec(),
            Err(_) => Vec::new(),
        }
    }

    fn large(&self) -> u64 {
        if let Value::Number(number) = self { *number } else { 0 }
    }

    fn small(&self) -> u32 {
        u32::try_from(self.large()).unwrap_or(u32::MAX)
    }

    fn is_set(&self) -> bool {
        matches!(self, Value::Flag(true))
    }

    fn into_op(self, words: std::ops::RangeInclusive<i32>, word: impl Fn(i32) -> Value<'static>) -> i32 {
        let wanted = self.into_text();
        words.into_iter().find(|op| matches!(word(*op), Value::Text(text) if text == wanted)).unwrap_or(0)
    }
}

/// Puts a cell back; `None` empties the field. A cell that the activity does not have changes nothing.
pub(crate) fn write(activity: &mut Activity, cell: Cell, value: Value<'_>) {
    match (&mut *activity, cell) {
        (Activity::Exec(exec), PreviousExe) => exec.previous_exe = value.into_text(),
        (Activity::Exec(exec), Script) => exec.script = value.into_text(),
        (Activity::Exec(exec), FromMemory) => exec.from_memory = value.is_set(),
        (Activity::Exec(exec), Elevated) => exec.elevated = value.is_set(),
        (Activity::Exec(exec), Denied) => exec.denied = value.is_set(),
        (Activity::Fork(fork), TargetKey) => fork.child_key = value.large(),
        (Activity::Exit(exit), Code) => exit.code = value.small(),
        (Activity::Exit(exit), Signal) => exit.signal = value.small(),
        (Activity::Exit(exit), LivedUs) => exit.lived_us = value.large(),
        (Activity::File(file), Op) => file.op = value.into_op(FILE_OPS, file_op),
        (Activity::File(file), Path) => file.file.path = value.into_text(),
        (Activity::File(file), Target) => file.target = value.into_text(),
        (Activity::File(file), Flags) => file.flags = value.small(),
        (Activity::File(file), Mode) => file.mode = value.small(),
        (Activity::File(file), Inode) => file.file.inode = value.large(),
        (Activity::File(file), Device) => file.file.device = value.small(),
        (Activity::Net(net), Op) => net.op = value.into_op(NET_OPS, net_op),
        (Activity::Net(net), RemoteIp) => net.remote_ip = value.into_ip(),
        (Activity::Net(net), RemotePort) => net.remote_port = value.small(),
        (Activity::Net(net), RemoteName) => net.remote_name = value.into_text(),
        (Activity::Net(net), LocalIp) => net.local_ip = value.into_ip(),
        (Activity::Net(net), LocalPort) => net.local_port = value.small(),
        (Activity::Net(net), Protocol) => net.protocol = value.small(),
        (Activity::Net(net), Errno) => net.errno = value.small(),
        (Activity::Dns(dns), Name) => dns.name = value.into_text(),
        (Activity::Dns(dns), QueryType) => dns.query_type = value.small(),
        (Activity::Dns(dns), RemoteIp) => dns.server_ip = value.into_ip(),
        (Activity::Dns(dns), RemotePort) => dns.server_port = value.small(),
        _ => write_system(activity, cell, value),
    }
}

fn write_system(activity: &mut Activity, cell: Cell, value: Value<'_>) {
    match (activity, cell) {
        (Activity::Mount(mount), Path) => mount.source = value.into_text(),
        (Activity::Mount(mount), Target) => mount.target = value.into_text(),
        (Activity::Mount(mount), Name) => mount.fs_type = value.into_text(),
        (Activity::Mount(mount), Flags) => mount.flags = value.large(),
        (Activity::Access(access), Op) => access.call = value.into_text(),
        (Activity::Access(access), Code) => access.request = value.small(),
        (Activity::Access(access), TargetPid) => access.target_pid = value.small(),
        (Activity::Memory(memory), Op) => memory.call = value.into_text(),
        (Activity::Memory(memory), Name) => memory.name = value.into_text(),
        (Activity::Memory(memory), Flags) => memory.flags = value.small(),
        (Activity::Privilege(change), Op) => change.call = value.into_text(),
        (Activity::Privilege(change), Flags) => change.argument = value.large(),
        (Activity::Namespace(change), Op) => change.call = value.into_text(),
        (Activity::Namespace(change), Flags) => change.flags = value.large(),
        (Activity::Module(module), Op) => module.call = value.into_text(),
        (Activity::Module(module), Name) => module.name = value.into_text(),
        (Activity::Module(module), Errno) => module.errno = value.small(),
        (Activity::Bpf(call), Name) => call.name = value.into_text(),
        (Activity::Bpf(call), Code) => call.command = value.small(),
        (Activity::Bpf(call), Errno) => call.errno = value.small(),
        (Activity::IoUring(ring), Op) => ring.name = value.into_text(),
        (Activity::IoUring(ring), Path) => ring.path = value.into_text(),
        (Activity::IoUring(ring), Code) => ring.opcode = value.small(),
        (Activity::Signal(signal), Signal) => signal.signal = value.small(),
        (Activity::Signal(signal), TargetPid) => signal.target_pid = value.small(),
        (Activity::Lost(lost), Op) => lost.place = value.into_text(),
        (Activity::Lost(lost), Name) => lost.class = value.into_text(),
        (Activity::Lost(lost), Count) => lost.count = value.large(),
        (Activity::Http(http), cell) => http::write(http, cell, value),
        (activity, cell) => observed::write(activity, cell, value),
    }
}

/// The empty activity of a kind: what a row starts from when it has no `rest`.
pub(crate) fn empty(kind: Kind) -> Activity {
    match kind {
        Kind::Exec => Activity::Exec(Default::default()),
        Kind::Fork => Activity::Fork(Default::default()),
        Kind::Exit => Activity::Exit(Default::default()),
        Kind::File => Activity::File(Default::default()),
        Kind::Mount => Activity::Mount(Default::default()),
        Kind::Net => Activity::Net(Default::default()),
        Kind::Dns => Activity::Dns(Default::default()),
        Kind::Access => Activity::Access(Default::default()),
        Kind::Memory => Activity::Memory(Default::default()),
        Kind::Privilege => Activity::Privilege(Default::default()),
        Kind::Namespace => Activity::Namespace(Default::default()),
        Kind::Module => Activity::Module(Default::default()),
        Kind::Bpf => Activity::Bpf(Default::default()),
        Kind::IoUring => Activity::IoUring(Default::default()),
        Kind::Signal => Activity::Signal(Default::default()),
        Kind::Lost => Activity::Lost(Default::default()),
        Kind::Log => Activity::Log(Default::default()),
        Kind::Scan => Activity::Scan(Default::default()),
        Kind::Integrity => Activity::Integrity(Default::default()),
        Kind::Asset => Activity::Asset(Default::default()),
        Kind::Http => Activity::Http(Default::default()),
    }
}

//! Telemetry of a host: what a process did.

use crate::Proc;
use std::sync::Arc;

/// One thing that happened, in memory. On the wire it is a [`crate::WireEvent`] in a [`crate::Batch`].
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Number within the boot and lane; 0 until the spool gives one.
    pub seq: u64,
    /// When, µs since the Unix epoch.
    pub time_us: i64,
    /// Who did it. For `Exec` the new image, for `Fork` the parent. `None` only for events of the agent itself.
    pub process: Option<Arc<Proc>>,
    /// What.
    pub activity: Activity,
}

/// What happened.
#[derive(Clone, PartialEq, prost::Oneof)]
#[allow(clippy::large_enum_variant, reason = "a box for the rare big variant would cost every reader a match arm")]
pub enum Activity {
    /// A program was started in a process.
    #[prost(message, tag = "10")]
    Exec(Exec),
    /// A process was made.
    #[prost(message, tag = "11")]
    Fork(Fork),
    /// A process ended.
    #[prost(message, tag = "12")]
    Exit(Exit),
    /// A file was touched.
    #[prost(message, tag = "13")]
    File(FileActivity),
    /// A mount was made or removed.
    #[prost(message, tag = "14")]
    Mount(Mount),
    /// A connection or datagram.
    #[prost(message, tag = "15")]
    Net(NetActivity),
    /// A name was asked for.
    #[prost(message, tag = "16")]
    Dns(Dns),
    /// One process reached into another.
    #[prost(message, tag = "17")]
    Access(ProcessAccess),
    /// Anonymous executable memory.
    #[prost(message, tag = "18")]
    Memory(Memory),
    /// Credentials changed.
    #[prost(message, tag = "19")]
    Privilege(Privilege),
    /// Namespaces changed.
    #[prost(message, tag = "20")]
    Namespace(Namespace),
    /// A kernel module was loaded or removed.
    #[prost(message, tag = "21")]
    Module(Module),
    /// The `bpf` system call.
    #[prost(message, tag = "22")]
    Bpf(BpfCall),
    /// An operation submitted to an io_uring, past the system calls.
    #[prost(message, tag = "23")]
    IoUring(IoUring),
    /// A signal to a process we watch over.
    #[prost(message, tag = "24")]
    Signal(SignalSent),
    /// Events were lost or shed.
    #[prost(message, tag = "25")]
    Lost(Lost),
    /// A record of a log.
    #[prost(message, tag = "26")]
    Log(crate::Log),
    /// A scan found something.
    #[prost(message, tag = "27")]
    Scan(crate::Scan),
    /// A watched file changed.
    #[prost(message, tag = "28")]
    Integrity(crate::Integrity),
    /// The inventory changed.
    #[prost(message, tag = "29")]
    Asset(crate::Asset),
    /// A request through the gateway.
    #[prost(message, tag = "30")]
    Http(crate::HttpActivity),
}

/// The kind of an activity, for filters, counters and rule routing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
#[allow(missing_docs, reason = "each is the activity of the same name")]
pub enum Kind {
    Exec,
    Fork,
    Exit,
    File,
    Mount,
    Net,
    Dns,
    Access,
    Memory,
    Privilege,
    Namespace,
    Module,
    Bpf,
    IoUring,
    Signal,
    Lost,
    Log,
    Scan,
    Integrity,
    Asset,
    Http,
}

impl Kind {
    /// Every kind, in the order of the reference page.
    pub const ALL: &'static [Kind] = &[
        Kind::Exec,
        Kind::Fork,
        Kind::Exit,
        Kind::File,
        Kind::Mount,
        Kind::Net,
        Kind::Dns,
        Kind::Access,
        Kind::Memory,
        Kind::Privilege,
        Kind::Namespace,
        Kind::Module,
        Kind::Bpf,
        Kind::IoUring,
        Kind::Signal,
        Kind::Lost,
        Kind::Log,
        Kind::Scan,
        Kind::Integrity,
        Kind::Asset,
        Kind::Http,
    ];

    /// Whether the kernel sensor delivers it; the other kinds are told by the programs themselves.
    pub const fn of_kernel(self) -> bool {
        !matches!(self, Kind::Lost | Kind::Log | Kind::Scan | Kind::Integrity | Kind::Asset | Kind::Http)
    }

    /// Its word in filters and tables.
    pub const fn word(self) -> &'static str {
        match self {
            Kind::Exec => "exec",
            Kind::Fork => "fork",
            Kind::Exit => "exit",
            Kind::File => "file",
            Kind::Mount => "mount",
            Kind::Net => "net",
            Kind::Dns => "dns",
            Kind::Access => "access",
            Kind::Memory => "memory",
            Kind::Privilege => "privilege",
            Kind::Namespace => "namespace",
            Kind::Module => "module",
            Kind::Bpf => "bpf",
            Kind::IoUring => "io_uring",
            Kind::Signal => "signal",
            Kind::Lost => "lost",
            Kind::Log => "log",
            Kind::Scan => "scan",
            Kind::Integrity => "integrity",
            Kind::Asset => "asset",
            Kind::Http => "http",
        }
    }

    /// The kind of this word.
    pub fn from_word(word: &str) -> Option<Kind> {
        Kind::ALL.iter().copied().find(|kind| kind.word() == word)
    }
}

impl Activity {
    /// Its kind.
    pub fn kind(&self) -> Kind {
        match self {
            Activity::Exec(_) => Kind::Exec,
            Activity::Fork(_) => Kind::Fork,
            Activity::Exit(_) => Kind::Exit,
            Activity::File(_) => Kind::File,
            Activity::Mount(_) => Kind::Mount,
            Activity::Net(_) => Kind::Net,
            Activity::Dns(_) => Kind::Dns,
            Activity::Access(_) => Kind::Access,
            Activity::Memory(_) => Kind::Memory,
            Activity::Privilege(_) => Kind::Privilege,
            Activity::Namespace(_) => Kind::Namespace,
            Activity::Module(_) => Kind::Module,
            Activity::Bpf(_) => Kind::Bpf,
            Activity::IoUring(_) => Kind::IoUring,
            Activity::Signal(_) => Kind::Signal,
            Activity::Lost(_) => Kind::Lost,
            Activity::Log(_) => Kind::Log,
            Activity::Scan(_) => Kind::Scan,
            Activity::Integrity(_) => Kind::Integrity,
            Activity::Asset(_) => Kind::Asset,
            Activity::Http(_) => Kind::Http,
        }
    }
}

/// A program was started. The new image is the event's process.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Exec {
    /// Executable of the same process before, empty when unknown.
    #[prost(string, tag = "1")]
    pub previous_exe: String,
    /// Whether the executable came from memory (memfd) and not from a file system.
    #[prost(bool, tag = "2")]
    pub from_memory: bool,
    /// Whether credentials rose at this exec (set-user-id, file capabilities).
    #[prost(bool, tag = "3")]
    pub elevated: bool,
    /// The script that an interpreter was started for (`#!`), empty otherwise.
    #[prost(string, tag = "4")]
    pub script: String,
    /// Whether the process was killed at once by a deny rule.
    #[prost(bool, tag = "5")]
    pub denied: bool,
    /// Whether the path of the executable or of the working directory is only its end (too deep or too long).
    #[prost(bool, tag = "6")]
    pub path_truncated: bool,
}

/// A process was made; the event's process is the parent.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Fork {
    /// [`crate::ProcessKey`] of the child.
    #[prost(fixed64, tag = "1")]
    pub child_key: u64,
}

/// A process ended (its last thread).
#[derive(Clone, PartialEq, prost::Message)]
pub struct Exit {
    /// Exit code, 0–255.
    #[prost(uint32, tag = "1")]
    pub code: u32,
    /// Signal that ended it, 0 when it ended by itself.
    #[prost(uint32, tag = "2")]
    pub signal: u32,
    /// How long it lived, µs.
    #[prost(uint64, tag = "3")]
    pub lived_us: u64,
}

/// What was done to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, prost::Enumeration)]
#[repr(i32)]
#[allow(missing_docs, reason = "each is the operation of the same name")]
pub enum FileOp {
    Unknown = 0,
    Create = 1,
    OpenWrite = 2,
    OpenRead = 3,
    Rename = 4,
    Unlink = 5,
    Link = 6,
    Symlink = 7,
    Chmod = 8,
    Chown = 9,
    Mkdir = 10,
    Rmdir = 11,
    Truncate = 12,
    SetXattr = 13,
}

/// A file was touched.
#[derive(Clone, PartialEq, prost::Message)]
pub struct FileActivity {
    /// What was done.
    #[prost(enumeration = "FileOp", tag = "1")]
    pub op: i32,
    /// The file. For `Rename` and `Link` the old name.
    #[prost(message, required, tag = "2")]
    pub file: crate::FileId,
    /// The new name for `Rename`, `Link`; the content for `Symlink`.
    #[prost(string, tag = "3")]
    pub target: String,
    /// Open flags as given to `openat`.
    #[prost(uint32, tag = "4")]
    pub flags: u32,
    /// New mode for `Chmod` and `Create`.
    #[prost(uint32, tag = "5")]
    pub mode: u32,
    /// New owner for `Chown`, `u32::MAX` when unchanged.
    #[prost(uint32, tag = "6")]
    pub uid: u32,
    /// New group for `Chown`, `u32::MAX` when unchanged.
    #[prost(uint32, tag = "7")]
    pub gid: u32,
    /// Whether a path is only its end (too deep or too long), or a name could not be read any more.
    #[prost(bool, tag = "8")]
    pub path_truncated: bool,
}

/// A mount was made or removed.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Mount {
    /// Whether it was removed.
    #[prost(bool, tag = "1")]
    pub removed: bool,
    /// Device or directory.
    #[prost(string, tag = "2")]
    pub source: String,
    /// Mount point.
    #[prost(string, tag = "3")]
    pub target: String,
    /// File system type.
    #[prost(string, tag = "4")]
    pub fs_type: String,
    /// `MS_*` flags.
    #[prost(uint64, tag = "5")]
    pub flags: u64,
}

/// What was done on the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, prost::Enumeration)]
#[repr(i32)]
#[allow(missing_docs, reason = "each is the operation of the same name")]
pub enum NetOp {
    Unknown = 0,
    Connect = 1,
    Accept = 2,
    Listen = 3,
    Bind = 4,
    Send = 5,
}

/// A connection or datagram. Addresses are 4 or 16 bytes in network order, empty when unset.
#[derive(Clone, PartialEq, prost::Message)]
pub struct NetActivity {
    /// What was done.
    #[prost(enumeration = "NetOp", tag = "1")]
    pub op: i32,
    /// IP protocol number (6 TCP, 17 UDP).
    #[prost(uint32, tag = "2")]
    pub protocol: u32,
    /// This host's address.
    #[prost(bytes = "vec", tag = "3")]
    pub local_ip: Vec<u8>,
    /// This host's port.
    #[prost(uint32, tag = "4")]
    pub local_port: u32,
    /// The other address.
    #[prost(bytes = "vec", tag = "5")]
    pub remote_ip: Vec<u8>,
    /// The other port.
    #[prost(uint32, tag = "6")]
    pub remote_port: u32,
    /// Result: 0 or a positive errno (`EINPROGRESS` for a connect under way).
    #[prost(uint32, tag = "7")]
    pub errno: u32,
    /// Name that this process tree last resolved to `remote_ip`, empty when none.
    #[prost(string, tag = "8")]
    pub remote_name: String,
}

impl NetActivity {
    /// The other address as a type.
    pub fn remote(&self) -> Option<std::net::IpAddr> {
        address(&self.remote_ip)
    }

    /// This host's address as a type.
    pub fn local(&self) -> Option<std::net::IpAddr> {
        address(&self.local_ip)
    }
}

pub(crate) fn address(bytes: &[u8]) -> Option<std::net::IpAddr> {
    match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(std::net::IpAddr::from),
        16 => <[u8; 16]>::try_from(bytes).ok().map(std::net::IpAddr::from),
        _ => None,
    }
}

/// A name was asked for (DNS query sent by the host).
#[derive(Clone, PartialEq, prost::Message)]
pub struct Dns {
    /// The name, lower case, without the last dot.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Query type number (1 A, 28 AAAA, 16 TXT).
    #[prost(uint32, tag = "2")]
    pub query_type: u32,
    /// Server asked, 4 or 16 bytes.
    #[prost(bytes = "vec", tag = "3")]
    pub server_ip: Vec<u8>,
    /// Server's port.
    #[prost(uint32, tag = "4")]
    pub server_port: u32,
}

/// One process reached into another.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ProcessAccess {
    /// `ptrace`, `process_vm_readv`, `process_vm_writev`.
    #[prost(string, tag = "1")]
    pub call: String,
    /// `ptrace` request number.
    #[prost(uint32, tag = "2")]
    pub request: u32,
    /// The process reached into.
    #[prost(message, optional, tag = "3")]
    pub target: Option<crate::Process>,
    /// Its pid as given to the call.
    #[prost(uint32, tag = "4")]
    pub target_pid: u32,
    /// Result: 0 or a positive errno.
    #[prost(uint32, tag = "5")]
    pub errno: u32,
}

/// Anonymous executable memory was made (`memfd_create`, executable mapping).
#[derive(Clone, PartialEq, prost::Message)]
pub struct Memory {
    /// `memfd_create`, `mprotect`, `mmap`.
    #[prost(string, tag = "1")]
    pub call: String,
    /// Name given to the memory file.
    #[prost(string, tag = "2")]
    pub name: String,
    /// Flags or protection bits.
    #[prost(uint32, tag = "3")]
    pub flags: u32,
}

/// Credentials changed within a process.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Privilege {
    /// `setuid`, `setresuid`, `capset`, `prctl` …
    #[prost(string, tag = "1")]
    pub call: String,
    /// Before.
    #[prost(message, required, tag = "2")]
    pub before: crate::User,
    /// After.
    #[prost(message, required, tag = "3")]
    pub after: crate::User,
    /// First argument (`prctl` option).
    #[prost(uint64, tag = "4")]
    pub argument: u64,
    /// Result: 0 or a positive errno.
    #[prost(uint32, tag = "5")]
    pub errno: u32,
}

/// Namespaces changed.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Namespace {
    /// `unshare`, `setns`, `clone`, `pivot_root`, `chroot`.
    #[prost(string, tag = "1")]
    pub call: String,
    /// `CLONE_NEW*` flags.
    #[prost(uint64, tag = "2")]
    pub flags: u64,
}

/// A kernel module was loaded or removed.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Module {
    /// `init_module`, `finit_module`, `delete_module`.
    #[prost(string, tag = "1")]
    pub call: String,
    /// Module name or file.
    #[prost(string, tag = "2")]
    pub name: String,
    /// Result: 0 or a positive errno.
    #[prost(uint32, tag = "3")]
    pub errno: u32,
}

/// The `bpf` system call.
#[derive(Clone, PartialEq, prost::Message)]
pub struct BpfCall {
    /// Command number (5 is `BPF_PROG_LOAD`).
    #[prost(uint32, tag = "1")]
    pub command: u32,
    /// Program type for a load.
    #[prost(uint32, tag = "2")]
    pub program_type: u32,
    /// Program name for a load.
    #[prost(string, tag = "3")]
    pub name: String,
    /// Result: 0 or a positive errno.
    #[prost(uint32, tag = "4")]
    pub errno: u32,
}

/// An operation submitted to an io_uring.
#[derive(Clone, PartialEq, prost::Message)]
pub struct IoUring {
    /// `IORING_OP_*` number.
    #[prost(uint32, tag = "1")]
    pub opcode: u32,
    /// Its name.
    #[prost(string, tag = "2")]
    pub name: String,
    /// Path for open, rename, unlink where it could be read.
    #[prost(string, tag = "3")]
    pub path: String,
    /// Whether a kernel thread submits (SQPOLL), so that no system call is seen.
    #[prost(bool, tag = "4")]
    pub polled: bool,
}

/// A signal to a process we watch over.
#[derive(Clone, PartialEq, prost::Message)]
pub struct SignalSent {
    /// Signal number.
    #[prost(uint32, tag = "1")]
    pub signal: u32,
    /// Process it was sent to.
    #[prost(uint32, tag = "2")]
    pub target_pid: u32,
    /// Whether that is the agent itself.
    #[prost(bool, tag = "3")]
    pub to_agent: bool,
}

/// Events were lost in the kernel or shed by the agent. Never silent: the count travels as an event.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Lost {
    /// Word of the [`Kind`] that was lost.
    #[prost(string, tag = "1")]
    pub class: String,
    /// Where: `ring` (kernel buffer full), `spool` (disk budget), `filter-rate`, `queue`.
    #[prost(string, tag = "2")]
    pub place: String,
    /// How many.
    #[prost(uint64, tag = "3")]
    pub count: u64,
    /// First and last number of a run that was dropped from the spool, 0 when they never had one.
    #[prost(uint64, tag = "4")]
    pub first_seq: u64,
    /// Last number.
    #[prost(uint64, tag = "5")]
    pub last_seq: u64,
}

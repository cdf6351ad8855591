//! Records as the kernel programs write them: Rust twins of `bpf/event.h`, read safely from any bytes.
//!
//! What it is not: a judgement. Texts are bytes as the kernel gave them; [`crate::raw::Place::path`] joins a directory
//! and a name without looking at the file system.
//!
//! Invariants: [`RawEvent::parse`] never panics and never reads outside the record, whatever the bytes; every head
//! agrees field by field with the C structure of the same name (checked against BTF by the tests).

mod call;
mod heads;

pub use call::Call;
pub use heads::*;

use crate::fault::BAD_RECORD;
use base::{Fault, Result};

/// One record of the ring.
#[derive(Debug, Clone, PartialEq)]
pub struct RawEvent<'a> {
    /// Who, when, through which call.
    pub header: Header,
    /// What.
    pub body: Body<'a>,
}

/// What a record says, by kind.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "each holds the record of the same name")]
pub enum Body<'a> {
    Exec(Box<ExecRecord<'a>>),
    Fork(ForkHead),
    Exit(ExitHead),
    File(FileRecord<'a>),
    Mount(MountRecord<'a>),
    Net(NetHead),
    Dns(DnsRecord<'a>),
    Access(AccessHead),
    Memory(MemoryRecord<'a>),
    Privilege(PrivilegeHead),
    Namespace(NamespaceRecord<'a>),
    Module(ModuleRecord<'a>),
    Bpf(BpfHead),
    IoUring(IoUringRecord<'a>),
    Signal(SignalHead),
}

/// A program was started; the header names the process after it.
#[derive(Debug, Clone, PartialEq)]
pub struct ExecRecord<'a> {
    /// The fixed part.
    pub head: ExecHead,
    /// The executable.
    pub exe: Place<'a>,
    /// Working directory.
    pub cwd: Place<'a>,
    /// The file as given to `execve`; with [`flags::SCRIPT`] the script.
    pub filename: &'a [u8],
    /// cgroup path: of v1 memory (or pids) with [`flags::CGROUP_LEGACY`], else of v2.
    pub cgroup: &'a [u8],
    /// The arguments, each ended by a zero byte (the last one possibly cut).
    pub arguments: &'a [u8],
}

impl<'a> ExecRecord<'a> {
    /// The arguments one by one.
    pub fn arguments(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let text = self.arguments.strip_suffix(&[0]).unwrap_or(self.arguments);
        let some = !self.arguments.is_empty();
        some.then(|| text.split(|byte| *byte == 0)).into_iter().flatten()
    }
}

/// A file was touched.
#[derive(Debug, Clone, PartialEq)]
pub struct FileRecord<'a> {
    /// The fixed part.
    pub head: FileHead,
    /// The file; the old name of a rename or link.
    pub file: Place<'a>,
    /// The new name of a rename or link, the content of a symlink, the name of an attribute.
    pub target: Place<'a>,
}

/// A mount was made, moved or removed.
#[derive(Debug, Clone, PartialEq)]
pub struct MountRecord<'a> {
    /// The fixed part.
    pub head: MountHead,
    /// Device or directory as given.
    pub source: Place<'a>,
    /// Mount point.
    pub target: Place<'a>,
    /// File system type as given.
    pub fs_type: &'a [u8],
}

/// A datagram to port 53.
#[derive(Debug, Clone, PartialEq)]
pub struct DnsRecord<'a> {
    /// The fixed part.
    pub head: DnsHead,
    /// The datagram, at most 512 bytes.
    pub payload: &'a [u8],
}

/// Anonymous memory that may hold code.
#[derive(Debug, Clone, PartialEq)]
pub struct MemoryRecord<'a> {
    /// The fixed part.
    pub head: MemoryHead,
    /// Name given to `memfd_create`.
    pub name: &'a [u8],
}

/// Namespaces or the root changed.
#[derive(Debug, Clone, PartialEq)]
pub struct NamespaceRecord<'a> {
    /// The fixed part.
    pub head: NamespaceHead,
    /// The new root for `chroot` and `pivot_root`.
    pub root: Place<'a>,
}

/// A kernel module was loaded or removed.
#[derive(Debug, Clone, PartialEq)]
pub struct ModuleRecord<'a> {
    /// The fixed part.
    pub head: ModuleHead,
    /// Its file, or only its name.
    pub file: Place<'a>,
}

/// An operation was submitted to an io_uring.
#[derive(Debug, Clone, PartialEq)]
pub struct IoUringRecord<'a> {
    /// The fixed part.
    pub head: IoUringHead,
    /// The file it names, where it names one.
    pub file: Place<'a>,
}

/// A file as the kernel resolved it, and the name a program gave below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place<'a> {
    /// Inode number, 0 when unknown.
    pub inode: u64,
    /// Device, kernel encoding `major << 20 | minor`.
    pub device: u32,
    /// Type and permission bits, 0 when unknown.
    pub mode: u32,
    /// Bits of [`place`].
    pub flags: u16,
    /// Absolute path in the mount namespace, resolved by the kernel.
    pub directory: &'a [u8],
    /// Name as given by the program, relative to `directory` unless it begins with `/`.
    pub name: &'a [u8],
}

impl Place<'_> {
    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.directory.is_empty() && self.name.is_empty()
    }

    /// The path: `directory` and `name` joined, `.` and `..` folded. Bytes that are not UTF-8 become U+FFFD.
    pub fn path(&self) -> String {
        let directory = String::from_utf8_lossy(self.directory);
        if self.name.is_empty() {
            return directory.into_owned();
        }
        let name = String::from_utf8_lossy(self.name);
        let base = if name.starts_with('/') { "" } else { directory.as_ref() };
        let mut parts: Vec<&str> = Vec::new();
        for part in base.split('/').chain(name.split('/')) {
            match part {
                "" | "." => {}
                ".." => drop(parts.pop()),
                part => parts.push(part),
            }
        }
        format!("/{}", parts.join("/"))
    }

    /// The name alone, as text.
    pub fn name_text(&self) -> String {
        String::from_utf8_lossy(self.name).into_owned()
    }
}

impl<'a> RawEvent<'a> {
    /// Reads one record. Bytes after the record's own size are ignored.
    ///
    /// # Errors
    /// [`BAD_RECORD`] when the bytes are too short for what they declare or the kind is unknown.
    pub fn parse(bytes: &'a [u8]) -> Result<RawEvent<'a>> {
        Self::read(bytes).ok_or_else(|| {
            Fault::new(&BAD_RECORD)
                .object(format!(
                    "record of kind {}",
                    bytes.get(4..6).map_or(0, |kind| u16::from_ne_bytes([kind[0], kind[1]]))
                ))
                .expected("a whole record of event.h")
                .found(format!("{} bytes", bytes.len()))
        })
    }

    fn read(bytes: &'a [u8]) -> Option<RawEvent<'a>> {
        let header = Header::read(&mut { bytes })?;
        let mut bytes = bytes.get(..header.size as usize)?;
        let body = read_body(&header, &mut bytes)?;
        Some(RawEvent { header, body })
    }
}

fn read_body<'a>(header: &Header, bytes: &mut &'a [u8]) -> Option<Body<'a>> {
    Some(match header.kind {
        kind::EXEC => Body::Exec(Box::new(read_exec(bytes)?)),
        kind::FORK => Body::Fork(ForkHead::read(bytes)?),
        kind::EXIT => Body::Exit(ExitHead::read(bytes)?),
        kind::FILE => {
            let head = FileHead::read(bytes)?;
            Body::File(FileRecord { file: head.file.read_tail(bytes)?, target: head.target.read_tail(bytes)?, head })
        }
        kind::MOUNT => {
            let head = MountHead::read(bytes)?;
            let source = head.source.read_tail(bytes)?;
            let target = head.target.read_tail(bytes)?;
            Body::Mount(MountRecord { source, target, fs_type: text(bytes, head.type_length)?, head })
        }
        kind::NET => Body::Net(NetHead::read(bytes)?),
        kind::DNS => {
            let head = DnsHead::read(bytes)?;
            Body::Dns(DnsRecord { payload: text(bytes, head.payload_length)?, head })
        }
        kind::ACCESS => Body::Access(AccessHead::read(bytes)?),
        kind::MEMORY => {
            let head = MemoryHead::read(bytes)?;
            Body::Memory(MemoryRecord { name: text(bytes, head.name_length)?, head })
        }
        kind::PRIVILEGE => Body::Privilege(PrivilegeHead::read(bytes)?),
        kind::NAMESPACE => {
            let head = NamespaceHead::read(bytes)?;
            Body::Namespace(NamespaceRecord { root: head.root.read_tail(bytes)?, head })
        }
        kind::MODULE => {
            let head = ModuleHead::read(bytes)?;
            Body::Module(ModuleRecord { file: head.file.read_tail(bytes)?, head })
        }
        kind::BPF => Body::Bpf(BpfHead::read(bytes)?),
        kind::IO_URING => {
            let head = IoUringHead::read(bytes)?;
            Body::IoUring(IoUringRecord { file: head.file.read_tail(bytes)?, head })
        }
        kind::SIGNAL => Body::Signal(SignalHead::read(bytes)?),
        _ => return None,
    })
}

fn read_exec<'a>(bytes: &mut &'a [u8]) -> Option<ExecRecord<'a>> {
    let head = ExecHead::read(bytes)?;
    let exe = head.exe.read_tail(bytes)?;
    let cwd = head.cwd.read_tail(bytes)?;
    let filename = text(bytes, head.filename_length)?;
    let cgroup = text(bytes, head.cgroup_length)?;
    let arguments = text(bytes, head.arguments_length)?;
    Some(ExecRecord { head, exe, cwd, filename, cgroup, arguments })
}

impl PlaceHead {
    fn read_tail<'a>(&self, bytes: &mut &'a [u8]) -> Option<Place<'a>> {
        let directory = text(bytes, self.path_length)?;
        let name = text(bytes, self.name_length)?;
        let PlaceHead { inode, device, mode, flags, .. } = *self;
        Some(Place { inode, device, mode, flags, directory, name })
    }
}

fn text<'a>(bytes: &mut &'a [u8], length: u16) -> Option<&'a [u8]> {
    let (text, rest) = bytes.split_at_checked(usize::from(length))?;
    *bytes = rest;
    Some(text)
}

/// A fixed text field (`comm`, `tty`) up to its first zero byte.
pub fn short_text(bytes: &[u8; 16]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

#[cfg(test)]
mod tests;

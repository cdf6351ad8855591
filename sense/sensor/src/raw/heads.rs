//! The fixed heads of records and their field tables.

/// Reads a value of fixed size from the front of bytes.
trait Fixed: Sized {
    fn read(bytes: &mut &[u8]) -> Option<Self>;
}

macro_rules! number {
    ($($kind:ty),*) => { $(impl Fixed for $kind {
        fn read(bytes: &mut &[u8]) -> Option<Self> {
            let (front, rest) = bytes.split_first_chunk()?;
            *bytes = rest;
            Some(<$kind>::from_ne_bytes(*front))
        }
    })* };
}
number!(u16, u32, u64, i32);

impl Fixed for [u8; 16] {
    fn read(bytes: &mut &[u8]) -> Option<Self> {
        let (front, rest) = bytes.split_first_chunk()?;
        *bytes = rest;
        Some(*front)
    }
}

impl Fixed for [u64; 3] {
    fn read(bytes: &mut &[u8]) -> Option<Self> {
        Some([u64::read(bytes)?, u64::read(bytes)?, u64::read(bytes)?])
    }
}

/// A head: its C name, size, and fields with offset and size, for the test that compares it with BTF.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    /// Name of the C structure.
    pub name: &'static str,
    /// Size in bytes.
    pub size: usize,
    /// Name, offset and size of each field, bytes.
    pub fields: &'static [(&'static str, usize, usize)],
}

macro_rules! head {
    ($(#[$doc:meta])* $name:ident = $twin:literal { $($(#[$field_doc:meta])* $field:ident: $kind:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(C)]
        pub struct $name { $($(#[$field_doc])* pub $field: $kind,)* }

        impl $name {
            /// Where each field lies.
            pub const LAYOUT: Layout = Layout {
                name: $twin,
                size: size_of::<$name>(),
                fields: &[$((stringify!($field), std::mem::offset_of!($name, $field), size_of::<$kind>())),*],
            };
        }

        impl $name {
            /// Reads it from the front of bytes and moves them on. Fields follow each other without padding.
            pub(super) fn read(bytes: &mut &[u8]) -> Option<Self> {
                $(let $field = <$kind as Fixed>::read(bytes)?;)*
                Some($name { $($field),* })
            }
        }

        impl Fixed for $name {
            fn read(bytes: &mut &[u8]) -> Option<Self> {
                $name::read(bytes)
            }
        }
    };
}

/// Numbers of record kinds.
#[allow(missing_docs, reason = "each is the kind of the same name")]
pub mod kind {
    pub const EXEC: u16 = 1;
    pub const FORK: u16 = 2;
    pub const EXIT: u16 = 3;
    pub const FILE: u16 = 4;
    pub const MOUNT: u16 = 5;
    pub const NET: u16 = 6;
    pub const DNS: u16 = 7;
    pub const ACCESS: u16 = 8;
    pub const MEMORY: u16 = 9;
    pub const PRIVILEGE: u16 = 10;
    pub const NAMESPACE: u16 = 11;
    pub const MODULE: u16 = 12;
    pub const BPF: u16 = 13;
    pub const IO_URING: u16 = 14;
    pub const SIGNAL: u16 = 15;
}

/// Bits of [`Header::flags`].
pub mod flags {
    /// exec: there were more argument bytes than fit.
    pub const ARGS_TRUNCATED: u16 = 1;
    /// exec: credentials rose (set-user-id, file capabilities).
    pub const ELEVATED: u16 = 2;
    /// exec: `filename` is a script and the executable its interpreter.
    pub const SCRIPT: u16 = 4;
    /// exec: refused or killed at once by a deny rule.
    pub const DENIED: u16 = 8;
    /// fork: the child is in other namespaces than the parent.
    pub const NEW_NAMESPACES: u16 = 16;
    /// io_uring: a kernel thread submits.
    pub const POLLED: u16 = 32;
    /// Made through the 32-bit system call table.
    pub const COMPAT: u16 = 64;
    /// A name given by the program could not be read any more.
    pub const NAME_UNREADABLE: u16 = 128;
    /// exec: the cgroup path is of a v1 hierarchy.
    pub const CGROUP_LEGACY: u16 = 256;
    /// dns: an answer that arrived; the header's process has nothing to do with it.
    pub const RECEIVED: u16 = 512;
}

/// Bits of [`crate::raw::Place::flags`].
pub mod place {
    /// The path is deeper or longer than the walk goes; the text is its end.
    pub const TRUNCATED: u16 = 1;
    /// The file has no name in any directory.
    pub const UNLINKED: u16 = 2;
    /// The walk ended at a mount outside the namespace tree.
    pub const DETACHED: u16 = 4;
}

head! {
    /// Front of every record. Times are nanoseconds of `CLOCK_BOOTTIME`, process ids of the initial namespace.
    Header = "event_header" {
        /// Bytes of the whole record.
        size: u32,
        /// One of [`kind`].
        kind: u16,
        /// Bits of [`flags`].
        flags: u16,
        /// When.
        time: u64,
        /// Start of the process (thread group leader).
        start: u64,
        /// Process.
        tgid: u32,
        /// Thread.
        tid: u32,
        /// Result of the system call, 0 where there is none.
        result: i32,
        /// Which call, see [`Call`].
        call: u16,
        /// Kind of hook that delivered it: 1 tracepoint, 2 lsm.s, 3 lsm, 4 fmod_ret.
        hook: u16,
    }
}

head! {
    /// Credentials of a task.
    CredentialsHead = "event_credentials" {
        /// Real user.
        uid: u32,
        /// Real group.
        gid: u32,
        /// Effective user.
        euid: u32,
        /// Effective group.
        egid: u32,
        /// Saved user.
        suid: u32,
        /// User for file access.
        fsuid: u32,
        /// Login user, `u32::MAX` when never set.
        loginuid: u32,
        /// Zero.
        reserved: u32,
        /// Effective capabilities.
        effective: u64,
        /// Permitted capabilities.
        permitted: u64,
        /// Inheritable capabilities.
        inheritable: u64,
    }
}

head! {
    /// Namespace inode numbers, 0 when unknown.
    NamespacesHead = "event_namespaces" {
        /// Mount.
        mnt: u32,
        /// Process ids.
        pid: u32,
        /// Network.
        net: u32,
        /// Users.
        user: u32,
        /// Host name.
        uts: u32,
        /// System V IPC.
        ipc: u32,
        /// Control groups.
        cgroup: u32,
        /// Zero.
        reserved: u32,
    }
}

head! {
    /// A file; its texts are in the tail.
    PlaceHead = "event_place" {
        /// Inode number.
        inode: u64,
        /// Device, `major << 20 | minor`.
        device: u32,
        /// Type and permission bits.
        mode: u32,
        /// Bytes of resolved path in the tail.
        path_length: u16,
        /// Bytes of given name in the tail.
        name_length: u16,
        /// Bits of [`place`].
        flags: u16,
        /// Zero.
        reserved: u16,
    }
}

head! {
    /// exec.
    ExecHead = "event_exec" {
        /// Front.
        header: Header,
        /// Start of the parent.
        parent_start: u64,
        /// Id of the control group that attributes containers; see [`ExecHead::group`].
        cgroup_id: u64,
        /// Bytes of the executable.
        exe_size: u64,
        /// Its content changed, ns since 1970.
        exe_modified: u64,
        /// Its content or inode changed, ns since 1970.
        exe_changed: u64,
        /// After the exec.
        credentials: CredentialsHead,
        /// After the exec.
        namespaces: NamespacesHead,
        /// The executable.
        exe: PlaceHead,
        /// Working directory.
        cwd: PlaceHead,
        /// Parent process.
        parent_tgid: u32,
        /// Session id.
        session: u32,
        /// Process id in its own namespace.
        ns_pid: u32,
        /// Tail.
        filename_length: u16,
        /// Tail.
        cgroup_length: u16,
        /// Tail.
        arguments_length: u16,
        /// Zero.
        reserved: u16,
        /// Zero.
        reserved2: u32,
        /// Short name.
        comm: [u8; 16],
        /// Terminal name, zero bytes without one.
        tty: [u8; 16],
    }
}

impl ExecHead {
    /// What tells control groups apart: the id, which v1 and v2 hierarchies give independently. The record leaves the
    /// path out when the programs told it before under this key.
    pub fn group(&self) -> u64 {
        self.cgroup_id | if self.header.flags & flags::CGROUP_LEGACY != 0 { 1 << 63 } else { 0 }
    }
}

head! {
    /// fork; the header is the forking process.
    ForkHead = "event_fork" {
        /// Front.
        header: Header,
        /// Start of the child.
        child_start: u64,
        /// Start of the child's parent (another than the header's with `CLONE_PARENT`).
        child_parent_start: u64,
        /// Child process.
        child_tgid: u32,
        /// The child's parent.
        child_parent_tgid: u32,
        /// The child in its own pid namespace.
        child_ns_pid: u32,
        /// Zero.
        reserved: u32,
        /// Of the child, filled only with [`flags::NEW_NAMESPACES`].
        namespaces: NamespacesHead,
    }
}

head! {
    /// exit of the last thread.
    ExitHead = "event_exit" {
        /// Front.
        header: Header,
        /// Exit code, 0–255.
        code: u32,
        /// Signal that ended it, 0 for none.
        signal: u32,
    }
}

head! {
    /// A file operation.
    FileHead = "event_file" {
        /// Front.
        header: Header,
        /// Number of `record::FileOp`.
        op: u32,
        /// Flags of open, rename or unlink as given.
        open_flags: u32,
        /// Mode as given (create, chmod, mkdir).
        mode: u32,
        /// Owner as given (chown), `u32::MAX` unchanged.
        uid: u32,
        /// Group as given (chown), `u32::MAX` unchanged.
        gid: u32,
        /// Zero.
        reserved: u32,
        /// The file.
        file: PlaceHead,
        /// The other name.
        target: PlaceHead,
    }
}

head! {
    /// A mount operation.
    MountHead = "event_mount" {
        /// Front.
        header: Header,
        /// `MS_*` or `MNT_*` flags.
        mount_flags: u64,
        /// Device or directory.
        source: PlaceHead,
        /// Mount point.
        target: PlaceHead,
        /// Tail.
        type_length: u16,
        /// 1 when removed.
        removed: u16,
        /// Zero.
        reserved: u32,
    }
}

head! {
    /// A network operation.
    NetHead = "event_net" {
        /// Front.
        header: Header,
        /// Number of `record::NetOp`.
        op: u32,
        /// 2 or 10.
        family: u16,
        /// IP protocol.
        protocol: u16,
        /// This host's address, network order; 4 bytes used for family 2.
        local: [u8; 16],
        /// The other address.
        remote: [u8; 16],
        /// This host's port.
        local_port: u16,
        /// The other port.
        remote_port: u16,
        /// `SOCK_*`.
        socket_type: u32,
    }
}

head! {
    /// A datagram to port 53.
    DnsHead = "event_dns" {
        /// Front.
        header: Header,
        /// 2 or 10.
        family: u16,
        /// This host's port.
        local_port: u16,
        /// The server's port.
        remote_port: u16,
        /// Tail.
        payload_length: u16,
        /// This host's address.
        local: [u8; 16],
        /// The server's address.
        remote: [u8; 16],
    }
}

head! {
    /// One process reached into another.
    AccessHead = "event_access" {
        /// Front.
        header: Header,
        /// `ptrace` request.
        request: u64,
        /// Address in the target.
        address: u64,
        /// Start of the target, 0 when it was not found.
        target_start: u64,
        /// Target process in the initial namespace, 0 when it was not found.
        target_tgid: u32,
        /// Target as given to the call.
        target_given: u32,
    }
}

head! {
    /// memfd_create, mprotect, mmap.
    MemoryHead = "event_memory" {
        /// Front.
        header: Header,
        /// Address.
        address: u64,
        /// Bytes.
        length: u64,
        /// Flags or protection.
        flags: u32,
        /// Tail.
        name_length: u16,
        /// Zero.
        reserved: u16,
    }
}

head! {
    /// Credentials were changed or tried to be.
    PrivilegeHead = "event_privilege" {
        /// Front.
        header: Header,
        /// First three arguments of the call.
        arguments: [u64; 3],
        /// Credentials after it.
        after: CredentialsHead,
    }
}

head! {
    /// Namespaces or the root changed.
    NamespaceHead = "event_namespace" {
        /// Front.
        header: Header,
        /// `CLONE_NEW*`.
        clone_flags: u64,
        /// Namespaces after it.
        after: NamespacesHead,
        /// New root.
        root: PlaceHead,
    }
}

head! {
    /// A module call.
    ModuleHead = "event_module" {
        /// Front.
        header: Header,
        /// File or name.
        file: PlaceHead,
    }
}

head! {
    /// The bpf call.
    BpfHead = "event_bpf" {
        /// Front.
        header: Header,
        /// Command.
        command: u32,
        /// Program or map type.
        program_type: u32,
        /// Attach type.
        attach_type: u32,
        /// Id of the object made, 0 when unknown.
        object_id: u32,
        /// Its name.
        name: [u8; 16],
    }
}

head! {
    /// A submission to an io_uring.
    IoUringHead = "event_io_uring" {
        /// Front.
        header: Header,
        /// `IORING_OP_*`.
        opcode: u32,
        /// File descriptor it works on.
        fd: i32,
        /// Mark of the program.
        user_data: u64,
        /// File it names.
        file: PlaceHead,
    }
}

head! {
    /// A signal to the guarded process.
    SignalHead = "event_signal" {
        /// Front: the sender.
        header: Header,
        /// Number.
        signal: u32,
        /// Receiver.
        target_tgid: u32,
        /// `si_code`.
        code: i32,
        /// Zero.
        reserved: u32,
    }
}

/// Every layout, for the test against BTF.
pub const LAYOUTS: &[Layout] = &[
    Header::LAYOUT,
    CredentialsHead::LAYOUT,
    NamespacesHead::LAYOUT,
    PlaceHead::LAYOUT,
    ExecHead::LAYOUT,
    ForkHead::LAYOUT,
    ExitHead::LAYOUT,
    FileHead::LAYOUT,
    MountHead::LAYOUT,
    NetHead::LAYOUT,
    DnsHead::LAYOUT,
    AccessHead::LAYOUT,
    MemoryHead::LAYOUT,
    PrivilegeHead::LAYOUT,
    NamespaceHead::LAYOUT,
    ModuleHead::LAYOUT,
    BpfHead::LAYOUT,
    IoUringHead::LAYOUT,
    SignalHead::LAYOUT,
];

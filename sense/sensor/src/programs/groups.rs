//! The compiled objects, and which program handles which call.

/// One compiled object.
pub struct Group {
    /// Its name.
    pub name: &'static str,
    /// The ELF bytes.
    pub bytes: &'static [u8],
    /// All its programs, for the reason when the whole group is missing.
    pub programs: &'static [&'static str],
    /// Programs that are attached where their section says; the others are reached from the dispatcher.
    pub attached: &'static [&'static str],
}

/// Bytes aligned as an ELF file wants them.
#[repr(C, align(16))]
struct Aligned<T: ?Sized>(T);

macro_rules! object {
    ($file:literal) => {{
        const BYTES: &Aligned<[u8]> = &Aligned(*include_bytes!(concat!(env!("OUT_DIR"), "/", $file, ".o")));
        &BYTES.0
    }};
}

/// Ends of every system call; loaded first because it owns the shared maps.
pub const DISPATCH: Group =
    Group { name: "dispatch", bytes: object!("dispatch"), programs: &[DISPATCHER], attached: &[] };

/// Program of [`DISPATCH`].
pub const DISPATCHER: &str = "dispatch";

/// Programs that refuse executions; one of them at most is loaded.
pub const DENY: Group = Group { name: "deny", bytes: object!("deny"), programs: &[], attached: &[] };

/// All other groups.
pub const GROUPS: &[Group] = &[
    Group {
        name: "process",
        bytes: object!("process"),
        programs: &["process_exec", "process_fork", "process_exit", "signal_generate"],
        attached: &["process_exec", "process_fork", "process_exit", "signal_generate"],
    },
    Group {
        name: "file",
        bytes: object!("file"),
        programs: &["file_open", "file_name", "file_names", "file_descriptor"],
        attached: &[],
    },
    Group {
        name: "network",
        bytes: object!("network"),
        programs: &["net_call", "net_datagram", "net_received"],
        attached: &["net_datagram", "net_received"],
    },
    Group { name: "system", bytes: object!("system"), programs: SYSTEM, attached: &[] },
    Group { name: "uring", bytes: object!("uring"), programs: URING, attached: URING },
];

const SYSTEM: &[&str] = &[
    "system_mount",
    "system_access",
    "system_memory",
    "system_privilege",
    "system_namespace",
    "system_module",
    "system_bpf",
];

/// Programs for io_uring, newest kernel first; the first that loads is used.
pub const URING: &[&str] = &["uring_request", "uring_entry", "uring_entry_middle", "uring_entry_old"];

/// Never loaded: every record's layout as the compiler sees it.
#[cfg(test)]
pub const LAYOUT: &[u8] = object!("layout");

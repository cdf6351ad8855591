//! Which class and activity a record is, and the captions of their numbers.

use crate::{Activity, FileOp, NetOp, ProcessAccess};

/// `ptrace` requests that write into the other process (`sys/ptrace.h`): POKETEXT, POKEDATA, POKEUSER, SETREGS,
/// SETFPREGS, SETREGSET.
const PTRACE_WRITES: &[u32] = &[4, 5, 6, 13, 15, 0x4205];
/// `BPF_MAP_CREATE`, `BPF_PROG_LOAD`, `BPF_BTF_LOAD` (`linux/bpf.h`).
const BPF_CREATES: &[u32] = &[0, 5, 18];
/// `EINPROGRESS`: a connect under way is no failure.
const IN_PROGRESS: u32 = 115;
/// `ECONNREFUSED`.
const REFUSED: u32 = 111;
/// Activity of every class for what its list does not name.
pub(super) const OTHER: u32 = 99;

/// Class and activity of what happened, for columns, filters and the JSON alike. `type_uid` is
/// `class * 100 + activity`. An open for writing is 1001 *Update*: the kernel shows the open, not each write.
pub fn class_uid(activity: &Activity) -> (u32, u32) {
    match activity {
        Activity::Exec(_) | Activity::Fork(_) => (1007, 1),
        Activity::Exit(_) => (1007, 2),
        Activity::Access(access) => (1007, reach(access)),
        Activity::Privilege(change) if change.call.starts_with("set") && !change.call.contains("gid") => (1007, 5),
        Activity::Privilege(_) | Activity::Namespace(_) | Activity::Signal(_) => (1007, OTHER),
        Activity::File(file) => (1001, file_activity(file.op())),
        Activity::Mount(mount) => (1001, if mount.removed { 13 } else { 12 }),
        Activity::Net(net) => (4001, net_activity(net.op(), net.errno)),
        Activity::Dns(_) => (4003, 1),
        Activity::Memory(memory) => (1004, memory_activity(&memory.call)),
        Activity::Module(module) => (1002, if module.call.starts_with("delete") { 2 } else { 1 }),
        Activity::Bpf(call) => (1003, if BPF_CREATES.contains(&call.command) { 1 } else { 4 }),
        Activity::IoUring(_) => (1003, 4),
        Activity::Lost(_) => (1008, OTHER),
        Activity::Log(record) => super::log::class(record),
        Activity::Scan(_) => (2004, 1),
        Activity::Integrity(changed) => (1001, super::observed::activity(&changed.change)),
        Activity::Asset(asset) => super::observed::asset_class(asset),
        Activity::Http(http) => (4002, super::http::method(&http.method)),
    }
}

fn reach(access: &ProcessAccess) -> u32 {
    let writes = match access.call.as_str() {
        "process_vm_writev" => true,
        "ptrace" => PTRACE_WRITES.contains(&access.request),
        _ => false,
    };
    if writes { 4 } else { 3 }
}

const fn file_activity(op: FileOp) -> u32 {
    match op {
        FileOp::Unknown => 0,
        FileOp::Create | FileOp::Mkdir | FileOp::Link | FileOp::Symlink => 1,
        FileOp::OpenRead => 14,
        FileOp::OpenWrite | FileOp::Truncate => 3,
        FileOp::Unlink | FileOp::Rmdir => 4,
        FileOp::Rename => 5,
        FileOp::SetXattr => 6,
        FileOp::Chmod | FileOp::Chown => 7,
    }
}

const fn net_activity(op: NetOp, errno: u32) -> u32 {
    match (op, errno) {
        (NetOp::Unknown, _) => 0,
        (NetOp::Bind, _) => OTHER,
        (NetOp::Connect | NetOp::Accept, 0 | IN_PROGRESS) => 1,
        (NetOp::Connect | NetOp::Accept, REFUSED) => 5,
        (NetOp::Listen, 0) => 7,
        (NetOp::Send, 0) => 6,
        _ => 4,
    }
}

fn memory_activity(call: &str) -> u32 {
    match call {
        "memfd_create" => 1,
        "mprotect" | "pkey_mprotect" => 2,
        "mmap" => 9,
        _ => OTHER,
    }
}

/// Captions of a class: category, class, activity. Unknown numbers read `Other`.
pub fn names(class: u32, activity: u32) -> (&'static str, &'static str, &'static str) {
    let (category, name, activities): (_, _, &[(u32, &str)]) = match class {
        1001 => ("System Activity", "File System Activity", FILE),
        1002 => ("System Activity", "Kernel Extension Activity", &[(1, "Load"), (2, "Unload")]),
        1003 => ("System Activity", "Kernel Activity", &[(1, "Create"), (2, "Read"), (3, "Delete"), (4, "Invoke")]),
        1004 => ("System Activity", "Memory Activity", &[(1, "Allocate Page"), (2, "Modify Page"), (9, "Map View")]),
        1007 => ("System Activity", "Process Activity", PROCESS),
        1008 => ("System Activity", "Event Log Activity", &[]),
        2002 => ("Findings", "Vulnerability Finding", FINDING),
        2004 => ("Findings", "Detection Finding", FINDING),
        2005 => ("Findings", "Incident Finding", FINDING),
        3002 => ("Identity & Access Management", "Authentication", &[(1, "Logon")]),
        4001 => ("Network Activity", "Network Activity", NETWORK),
        4002 => ("Network Activity", "HTTP Activity", HTTP),
        4003 => ("Network Activity", "DNS Activity", &[(1, "Query"), (2, "Response"), (6, "Traffic")]),
        5001 => ("Discovery", "Device Inventory Info", INVENTORY),
        5003 => ("Discovery", "User Inventory Info", INVENTORY),
        5020 => ("Discovery", "Software Inventory Info", INVENTORY),
        6003 => ("Application Activity", "API Activity", &[(1, "Create"), (2, "Read"), (3, "Update"), (4, "Delete")]),
        7001 => ("Remediation", "Remediation Activity", REMEDIATION),
        7002 => ("Remediation", "File Remediation Activity", REMEDIATION),
        7003 => ("Remediation", "Process Remediation Activity", REMEDIATION),
        7004 => ("Remediation", "Network Remediation Activity", REMEDIATION),
        _ => ("Uncategorized", "Base Event", &[]),
    };
    let caption = match activity {
        0 => "Unknown",
        _ => activities.iter().find(|(number, _)| *number == activity).map_or("Other", |(_, caption)| caption),
    };
    (category, name, caption)
}

const PROCESS: &[(u32, &str)] = &[(1, "Launch"), (2, "Terminate"), (3, "Open"), (4, "Inject"), (5, "Set User ID")];
const FINDING: &[(u32, &str)] = &[(1, "Create"), (2, "Update"), (3, "Close")];
const NETWORK: &[(u32, &str)] =
    &[(1, "Open"), (2, "Close"), (3, "Reset"), (4, "Fail"), (5, "Refuse"), (6, "Traffic"), (7, "Listen")];
const INVENTORY: &[(u32, &str)] = &[(1, "Log"), (2, "Collect")];
const HTTP: &[(u32, &str)] = &[
    (1, "Connect"),
    (2, "Delete"),
    (3, "Get"),
    (4, "Head"),
    (5, "Options"),
    (6, "Post"),
    (7, "Put"),
    (8, "Trace"),
    (9, "Patch"),
];
const REMEDIATION: &[(u32, &str)] = &[(1, "Isolate"), (2, "Evict"), (3, "Restore"), (4, "Harden"), (5, "Detect")];
const FILE: &[(u32, &str)] = &[
    (1, "Create"),
    (2, "Read"),
    (3, "Update"),
    (4, "Delete"),
    (5, "Rename"),
    (6, "Set Attributes"),
    (7, "Set Security"),
    (12, "Mount"),
    (13, "Unmount"),
    (14, "Open"),
];

//! Objects that many classes share: device, actor, process with ancestry, file, user, endpoint.

use super::draft::{Draft, millis};
use crate::{FileId, Host, Proc, Process, User, event::address};
use serde_json::{Map, Value, json};

/// The host as `device`. `type_id` is 0: a host does not say whether it is a server.
pub(super) fn device(host: &Host, agent: &str) -> Value {
    let mut device = Map::new();
    put(&mut device, "hostname", &host.name);
    put(&mut device, "name", &host.name);
    device.insert("type_id".to_owned(), 0.into());
    device.insert("type".to_owned(), "Unknown".into());
    device.insert("uid".to_owned(), agent.into());
    put(&mut device, "uid_alt", &host.machine_id);
    put(&mut device, "boot_uid", &host.boot_id);
    if let Some(ip) = host.addresses.iter().find_map(|text| text.parse::<std::net::IpAddr>().ok()) {
        device.insert("ip".to_owned(), ip.to_canonical().to_string().into());
    }
    let mut os = Map::new();
    os.insert("name".to_owned(), if host.os.is_empty() { "Linux" } else { host.os.as_str() }.into());
    os.insert("type".to_owned(), "Linux".into());
    os.insert("type_id".to_owned(), 200.into());
    put(&mut os, "kernel_release", &host.kernel);
    device.insert("os".to_owned(), Value::Object(os));
    Value::Object(device)
}

/// Who did it: the process with its ancestry and user, or the agent itself.
pub(super) fn actor(draft: &mut Draft, proc: Option<&Proc>) -> Value {
    match proc {
        Some(proc) => json!({"process": process(draft, proc), "user": user(&proc.info.user)}),
        None => json!({"app_name": "garrison-agent"}),
    }
}

/// A process with its parent and the ancestors above, nearest first.
pub(super) fn process(draft: &mut Draft, proc: &Proc) -> Value {
    let mut object = single(draft, &proc.info);
    if let Some(parent) = proc.parent.as_deref() {
        object.insert("parent_process".to_owned(), Value::Object(single(draft, &parent.info)));
        let ancestry: Vec<Value> = proc.ancestors().map(|ancestor| entity(&ancestor.info)).collect();
        object.insert("ancestry".to_owned(), ancestry.into());
    } else if proc.info.parent_key != 0 {
        let key = crate::ProcessKey(proc.info.parent_key);
        object.insert("parent_process".to_owned(), json!({"pid": key.pid(), "uid": key.to_string()}));
    }
    Value::Object(object)
}

/// A process without its ancestry.
pub(super) fn single(draft: &mut Draft, info: &Process) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert("pid".to_owned(), info.pid().into());
    object.insert("uid".to_owned(), info.key().to_string().into());
    put(&mut object, "name", &info.comm);
    put(&mut object, "cmd_line", &info.cmd_line);
    put(&mut object, "working_directory", &info.cwd);
    if info.args_truncated {
        draft.truncated();
    }
    if !info.exe.path.is_empty() {
        object.insert("path".to_owned(), info.exe.path.as_str().into());
        object.insert("file".to_owned(), file(&info.exe, EXECUTABLE));
    }
    if info.started_us != 0 {
        object.insert("created_time".to_owned(), millis(info.started_us).into());
    }
    credentials(draft, &mut object, &info.user);
    if info.session != 0 || !info.tty.is_empty() {
        let mut session = Map::new();
        session.insert("uid".to_owned(), info.session.to_string().into());
        put(&mut session, "terminal", &info.tty);
        object.insert("session".to_owned(), Value::Object(session));
    }
    if !info.container.is_empty() {
        draft.profile("container");
        object.insert("container".to_owned(), json!({"uid": info.container}));
    }
    if info.ns_pid != 0 && info.ns_pid != info.pid() {
        draft.profile("container");
        object.insert("namespace_pid".to_owned(), info.ns_pid.into());
    }
    object.insert("xattributes".to_owned(), attributes(info));
    object
}

/// User, effective ids, group and login id, the last three by the profile of the Linux extension.
fn credentials(draft: &mut Draft, object: &mut Map<String, Value>, who: &User) {
    draft.profile("linux/linux_users");
    object.insert("user".to_owned(), user(who));
    object.insert("euid".to_owned(), who.euid.into());
    object.insert("egid".to_owned(), who.egid.into());
    object.insert("group".to_owned(), json!({"uid": who.gid.to_string()}));
    if who.loginuid != u32::MAX {
        object.insert("auid".to_owned(), who.loginuid.into());
    }
}

/// What the process object has no attribute for: namespaces, cgroup, capabilities, arguments.
fn attributes(info: &Process) -> Value {
    let spaces = &info.namespaces;
    let mut object = Map::new();
    let all = [
        ("mnt", spaces.mnt),
        ("pid", spaces.pid),
        ("net", spaces.net),
        ("user", spaces.user),
        ("uts", spaces.uts),
        ("ipc", spaces.ipc),
        ("cgroup", spaces.cgroup),
    ];
    let known: Map<String, Value> = all
        .iter()
        .filter(|(_, inode)| *inode != 0)
        .map(|(name, inode)| ((*name).to_owned(), (*inode).into()))
        .collect();
    if !known.is_empty() {
        object.insert("namespaces".to_owned(), Value::Object(known));
    }
    put(&mut object, "cgroup", &info.cgroup);
    object.insert("capabilities".to_owned(), format!("{:016x}", info.user.capabilities).into());
    if info.arg_starts.len() > 1 {
        object.insert("args".to_owned(), info.args().map(Value::from).collect::<Vec<_>>().into());
    }
    Value::Object(object)
}

/// An ancestor, short.
fn entity(info: &Process) -> Value {
    let mut object = Map::new();
    object.insert("pid".to_owned(), info.pid().into());
    object.insert("uid".to_owned(), info.key().to_string().into());
    put(&mut object, "name", &info.comm);
    put(&mut object, "path", &info.exe.path);
    put(&mut object, "cmd_line", &info.cmd_line);
    if info.started_us != 0 {
        object.insert("created_time".to_owned(), millis(info.started_us).into());
    }
    Value::Object(object)
}

/// A user; ids below 1000 are the system's own (Debian policy, login.defs).
pub(super) fn user(who: &User) -> Value {
    let (kind, caption) = match who.uid {
        0 => (2, "Admin"),
        1..1000 => (3, "System"),
        _ => (1, "User"),
    };
    let mut object = Map::new();
    put(&mut object, "name", &who.name);
    object.insert("uid".to_owned(), who.uid.to_string().into());
    object.insert("type_id".to_owned(), kind.into());
    object.insert("type".to_owned(), caption.into());
    Value::Object(object)
}

/// `file.type_id` of a regular file.
pub(super) const REGULAR: u32 = 1;
/// `file.type_id` of a folder.
pub(super) const FOLDER: u32 = 2;
/// `file.type_id` of a symbolic link.
pub(super) const LINK: u32 = 7;
/// `file.type_id` of an executable.
pub(super) const EXECUTABLE: u32 = 8;

/// A file by path, with identity and hash when known.
pub(super) fn file(id: &FileId, type_id: u32) -> Value {
    let mut object = path(&id.path, type_id);
    if id.inode != 0 {
        // Kernel encoding of the device: 12 bits of major, 20 bits of minor.
        let device = format!("{}:{}", id.device >> 20, id.device & 0xf_ffff);
        object.insert("uid".to_owned(), format!("{device}:{}", id.inode).into());
    }
    if !id.sha256.is_empty() {
        let hash = json!([{"algorithm_id": 3, "algorithm": "SHA-256", "value": hex::encode(&id.sha256)}]);
        object.insert("hashes".to_owned(), hash);
    }
    if id.unlinked {
        object.insert("is_deleted".to_owned(), true.into());
    }
    Value::Object(object)
}

/// A file of which only the path is known. `name` is required by the schema: an empty path reads `unknown`.
pub(super) fn path(path: &str, type_id: u32) -> Map<String, Value> {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let mut object = Map::new();
    let name = [name, path, "unknown"].into_iter().find(|text| !text.is_empty()).unwrap_or_default();
    object.insert("name".to_owned(), name.into());
    put(&mut object, "path", path);
    put(&mut object, "parent_folder", folder);
    object.insert("type_id".to_owned(), type_id.into());
    object
}

/// One end of a connection; `None` when nothing is known of it.
pub(super) fn endpoint(ip: &[u8], port: u32, name: &str) -> Option<Value> {
    let mut object = Map::new();
    if let Some(ip) = address(ip) {
        object.insert("ip".to_owned(), ip.to_canonical().to_string().into());
    }
    put(&mut object, "hostname", name);
    if object.is_empty() {
        return None;
    }
    if (1..=65_535).contains(&port) {
        object.insert("port".to_owned(), port.into());
    }
    Some(Value::Object(object))
}

/// Inserts text unless it is empty.
pub(super) fn put(object: &mut Map<String, Value>, name: &str, value: &str) {
    if !value.is_empty() {
        object.insert(name.to_owned(), value.into());
    }
}

//! Builders of hosts, processes and events that a rule can match.

use record::{Activity, Event, Exec, Exit, FileId, Host, Proc, Process, ProcessKey, User};
use std::sync::Arc;

/// A host by its name.
pub fn host(name: &str) -> Host {
    Host {
        name: name.into(),
        machine_id: format!("machine of {name}"),
        boot_id: format!("boot of {name}"),
        ..Host::default()
    }
}

/// A process of an account below a parent. Its start is its pid in ticks: good for one life of a simulated host.
pub fn process(pid: u32, path: &str, uid: u32, parent: Option<&Arc<Proc>>) -> Arc<Proc> {
    let mut info = Process {
        key: ProcessKey::from_ticks(pid, u64::from(pid)).0,
        parent_key: parent.map_or(0, |parent| parent.info.key),
        comm: path.rsplit('/').next().unwrap_or(path).chars().take(15).collect(),
        exe: FileId { path: path.into(), ..FileId::default() },
        user: User {
            uid,
            gid: uid,
            euid: uid,
            egid: uid,
            loginuid: u32::MAX,
            name: format!("user{uid}"),
            ..User::default()
        },
        ..Process::default()
    };
    info.set_args([path]);
    Proc::new(info, parent.cloned())
}

/// The process starts.
pub fn exec(time_us: i64, process: &Arc<Proc>) -> Event {
    Event { seq: 0, time_us, process: Some(process.clone()), activity: Activity::Exec(Exec::default()) }
}

/// The process ends; `code` tells one event from another.
pub fn exit(time_us: i64, process: &Arc<Proc>, code: u32) -> Event {
    let activity = Activity::Exit(Exit { code, signal: 0, lived_us: 1 });
    Event { seq: 0, time_us, process: Some(process.clone()), activity }
}

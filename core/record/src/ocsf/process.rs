//! Process Activity (1007).

use super::draft::Draft;
use super::parts;
use crate::{Exec, Exit, Fork, Namespace, Privilege, Proc, ProcessAccess, ProcessKey, SignalSent};
use serde_json::{Map, Value, json};

/// Launch by `execve`: `process` is the new image, the actor is its parent, as OCSF wants it.
pub(super) fn exec(draft: &mut Draft, proc: Option<&Proc>, exec: &Exec) {
    subject(draft, proc);
    let parent = proc.and_then(|proc| proc.parent.as_deref());
    let actor = match parent {
        Some(parent) => json!({
            "process": Value::Object(parts::single(draft, &parent.info)),
            "user": parts::user(&parent.info.user),
        }),
        // Without a known parent the user who ran it is all there is to say.
        None => proc.map_or_else(|| parts::actor(draft, None), |proc| json!({"user": parts::user(&proc.info.user)})),
    };
    draft.set("actor", actor);
    draft.set("launch_type_id", 3);
    draft.set("launch_type", "Exec");
    draft.other("previous_exe", exec.previous_exe.as_str());
    draft.other("script", exec.script.as_str());
    draft.other("from_memory", exec.from_memory);
    draft.other("elevated", exec.elevated);
    if exec.path_truncated {
        draft.truncated();
        draft.other("path_truncated", true);
    }
    if exec.denied {
        draft.profile("security_control");
        draft.set("action_id", 2);
        draft.set("action", "Denied");
        draft.set("disposition_id", 2);
        draft.set("disposition", "Blocked");
    }
}

/// Launch by `fork` or `clone`: of the child only its key is known; it still runs the parent's image.
pub(super) fn fork(draft: &mut Draft, proc: Option<&Proc>, fork: &Fork) {
    let child = ProcessKey(fork.child_key);
    let mut object = target(child.pid());
    object.insert("uid".to_owned(), child.to_string().into());
    if let Some(parent) = proc {
        parts::put(&mut object, "name", &parent.info.comm);
        parts::put(&mut object, "path", &parent.info.exe.path);
    }
    draft.set("process", Value::Object(object));
    let actor = parts::actor(draft, proc);
    draft.set("actor", actor);
    draft.set("launch_type_id", 2);
    draft.set("launch_type", "Fork");
}

/// Terminate: reflexive, because the kernel's exit record does not say who sent the signal.
pub(super) fn exit(draft: &mut Draft, proc: Option<&Proc>, exit: &Exit) {
    subject(draft, proc);
    reflexive(draft, proc);
    draft.set("exit_code", exit.code);
    draft.set("duration", exit.lived_us / 1000);
    if exit.signal != 0 {
        draft.other("signal", exit.signal);
    }
}

/// Open or Inject: one process reached into another.
pub(super) fn access(draft: &mut Draft, proc: Option<&Proc>, access: &ProcessAccess) {
    let object = match &access.target {
        Some(info) => parts::single(draft, info),
        None => target(access.target_pid),
    };
    draft.set("process", Value::Object(object));
    let actor = parts::actor(draft, proc);
    draft.set("actor", actor);
    if matches!(super::class_uid(&crate::Activity::Access(access.clone())), (_, 4)) {
        draft.set("injection_type_id", super::class::OTHER);
        draft.set("injection_type", access.call.as_str());
    }
    draft.errno(access.errno);
    draft.other("call", access.call.as_str());
    draft.other("request", access.request);
}

/// Set User ID, or another change of credentials.
pub(super) fn privilege(draft: &mut Draft, proc: Option<&Proc>, change: &Privilege) {
    let mut process = proc.map_or_else(|| target(0), |proc| parts::single(draft, &proc.info));
    process.insert("user".to_owned(), parts::user(&change.after));
    draft.set("process", Value::Object(process));
    let actor = parts::actor(draft, proc);
    draft.set("actor", actor);
    if super::class_uid(&crate::Activity::Privilege(change.clone())).1 == super::class::OTHER {
        draft.text("activity_name", &change.call);
    }
    draft.errno(change.errno);
    draft.other("call", change.call.as_str());
    draft.other("argument", change.argument);
    draft.other("before", ids(&change.before));
    draft.other("after", ids(&change.after));
}

/// Namespaces changed.
pub(super) fn namespace(draft: &mut Draft, proc: Option<&Proc>, change: &Namespace) {
    subject(draft, proc);
    reflexive(draft, proc);
    draft.text("activity_name", &change.call);
    draft.other("call", change.call.as_str());
    draft.other("flags", change.flags);
}

/// A signal to a process we watch over.
pub(super) fn signal(draft: &mut Draft, proc: Option<&Proc>, signal: &SignalSent) {
    draft.set("process", Value::Object(target(signal.target_pid)));
    let actor = parts::actor(draft, proc);
    draft.set("actor", actor);
    draft.set("activity_name", "Signal");
    draft.other("signal", signal.signal);
    draft.other("to_agent", signal.to_agent);
}

/// The event's own process as `process`.
fn subject(draft: &mut Draft, proc: Option<&Proc>) {
    let object = proc.map_or_else(|| Value::Object(target(0)), |proc| parts::process(draft, proc));
    draft.set("process", object);
}

/// The same process as actor, without repeating the ancestry.
fn reflexive(draft: &mut Draft, proc: Option<&Proc>) {
    let actor = match proc {
        Some(proc) => json!({
            "process": Value::Object(parts::single(draft, &proc.info)),
            "user": parts::user(&proc.info.user),
        }),
        None => parts::actor(draft, None),
    };
    draft.set("actor", actor);
}

/// A process of which only the pid is known.
fn target(pid: u32) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert("pid".to_owned(), pid.into());
    object
}

fn ids(user: &crate::User) -> Value {
    json!({
        "uid": user.uid, "gid": user.gid, "euid": user.euid, "egid": user.egid,
        "capabilities": format!("{:016x}", user.capabilities),
    })
}

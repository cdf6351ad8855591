//! Kernel, memory and event-log classes (1002, 1003, 1004, 1008).

use super::draft::Draft;
use super::parts::{self, REGULAR};
use crate::{BpfCall, IoUring, Lost, Memory, Module, Proc};
use serde_json::{Value, json};

/// Anonymous executable memory (1004).
pub(super) fn memory(draft: &mut Draft, proc: Option<&Proc>, memory: &Memory) {
    let process = match proc {
        Some(proc) => Value::Object(parts::single(draft, &proc.info)),
        None => json!({"pid": 0}),
    };
    draft.set("process", process);
    let actor = parts::actor(draft, proc);
    draft.set("actor", actor);
    draft.set("requested_permissions", memory.flags);
    draft.other("call", memory.call.as_str());
    draft.other("name", memory.name.as_str());
}

/// A kernel module was loaded or removed (1002).
pub(super) fn module(draft: &mut Draft, proc: Option<&Proc>, module: &Module) {
    let actor = parts::actor(draft, proc);
    draft.set("actor", actor);
    draft.set("driver", json!({"file": Value::Object(parts::path(&module.name, REGULAR))}));
    draft.errno(module.errno);
    draft.other("call", module.call.as_str());
}

/// The `bpf` system call (1003).
pub(super) fn bpf(draft: &mut Draft, proc: Option<&Proc>, call: &BpfCall) {
    let actor = parts::actor(draft, proc);
    draft.set("actor", actor);
    draft.set("kernel", kernel("bpf", "bpf"));
    draft.errno(call.errno);
    draft.other("command", call.command);
    draft.other("program_type", call.program_type);
    draft.other("name", call.name.as_str());
}

/// An operation submitted to an io_uring (1003): what it does passes every system-call hook.
pub(super) fn io_uring(draft: &mut Draft, proc: Option<&Proc>, ring: &IoUring) {
    let actor = parts::actor(draft, proc);
    draft.set("actor", actor);
    let name = if ring.name.is_empty() { "io_uring" } else { ring.name.as_str() };
    let mut kernel = kernel(name, "io_uring_enter");
    if !ring.path.is_empty() {
        kernel["path"] = ring.path.as_str().into();
    }
    draft.set("kernel", kernel);
    draft.other("opcode", ring.opcode);
    draft.other("polled", ring.polled);
}

/// Events were lost (1008, Other): the log of this host has a hole.
pub(super) fn lost(draft: &mut Draft, lost: &Lost) {
    draft.set("actor", json!({"app_name": "garrison-agent"}));
    draft.set("activity_name", "Lost");
    draft.set("log_name", "garrison telemetry");
    draft.set("log_type_id", 2);
    draft.set("log_type", "Application");
    draft.set("count", lost.count);
    draft.set("message", format!("{} {} events lost in {}", lost.count, lost.class, lost.place));
    draft.other("class", lost.class.as_str());
    draft.other("place", lost.place.as_str());
    draft.other("first_seq", lost.first_seq);
    draft.other("last_seq", lost.last_seq);
}

fn kernel(name: &str, call: &str) -> Value {
    json!({"name": name, "type_id": 2, "type": "System Call", "system_call": call})
}

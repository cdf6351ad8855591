//! Records as OCSF 1.8.0 JSON, the form at every outside edge.
//!
//! One function a record: [`event`], [`alert`] (2004), [`incident`] (2005), [`vulnerability`] (2002), [`receipt`]
//! (7001–7004). What the schema has no attribute for goes to `unmapped`, never into an attribute that means something else. A profile
//! is named in `metadata.profiles` only when one of its attributes is used, because naming `cloud` or `osint`
//! makes their objects required. Metrics ([`crate::Sample`]) have no class in 1.8.0 and no form here.
//!
//! The proof is `tests/ocsf/validate.py`: every activity, operation and record kind against the schema.

mod class;
mod dns;
mod draft;
mod file;
mod finding;
mod http;
mod log;
mod network;
mod observed;
mod parts;
mod process;
mod receipt;
mod system;
mod vulnerability;

pub use class::{class_uid, names};
pub use finding::{alert, attack, incident, tactic_uid};
pub use receipt::receipt;
pub use vulnerability::{Vulnerable, vulnerability};

use crate::{Activity, Event, EventId, Host, Severity};
use draft::{Draft, Head};
use serde_json::Value;

/// The version of the schema that the output follows.
pub const VERSION: &str = "1.8.0";

/// An event of a host. `id` gives `metadata.uid`, `metadata.sequence` and the device's `uid`.
pub fn event(host: &Host, id: &EventId, event: &Event) -> Value {
    let (class, activity) = class_uid(&event.activity);
    let mut draft = Draft::new();
    draft.set("device", parts::device(host, &id.agent.to_string()));
    let process = event.process.as_deref();
    match &event.activity {
        Activity::Exec(exec) => process::exec(&mut draft, process, exec),
        Activity::Fork(fork) => process::fork(&mut draft, process, fork),
        Activity::Exit(exit) => process::exit(&mut draft, process, exit),
        Activity::Access(access) => process::access(&mut draft, process, access),
        Activity::Privilege(change) => process::privilege(&mut draft, process, change),
        Activity::Namespace(change) => process::namespace(&mut draft, process, change),
        Activity::Signal(signal) => process::signal(&mut draft, process, signal),
        Activity::File(touched) => file::touched(&mut draft, process, touched),
        Activity::Mount(mount) => file::mount(&mut draft, process, mount),
        Activity::Net(net) => network::flow(&mut draft, process, net),
        Activity::Dns(query) => dns::query(&mut draft, process, query),
        Activity::Memory(memory) => system::memory(&mut draft, process, memory),
        Activity::Module(module) => system::module(&mut draft, process, module),
        Activity::Bpf(call) => system::bpf(&mut draft, process, call),
        Activity::IoUring(ring) => system::io_uring(&mut draft, process, ring),
        Activity::Lost(lost) => system::lost(&mut draft, lost),
        Activity::Log(record) => log::record(&mut draft, process, record),
        Activity::Scan(scan) => observed::scan(&mut draft, &id.to_string(), scan),
        Activity::Integrity(changed) => observed::integrity(&mut draft, process, changed),
        Activity::Asset(asset) => observed::asset(&mut draft, asset),
        Activity::Http(http) => http::exchange(&mut draft, http),
    }
    let severity = match event.activity {
        Activity::Lost(_) => Severity::Medium,
        _ => Severity::Informational,
    };
    draft.other("kind", event.kind().word());
    let uid = id.to_string();
    draft.finish(&Head { class, activity, severity, time_us: event.time_us, uid: &uid, sequence: Some(id.seq) })
}

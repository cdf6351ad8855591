//! The records that walk through the house, and their wire forms.
//!
//! `Event` telemetry · `Sample` metrics · `Alert` detection finding · `Incident` · `Order` · `Receipt` ·
//! `Entry` (ledger). One bus topic each. This is the only crate with wire forms: protobuf between our own
//! programs ([`Batch`]), OCSF 1.8 JSON at every outside edge ([`ocsf`]).
//!
//! Invariants
//! - Ids are derived from (agent, boot, lane, sequence), never random ([`EventId`]); a process has a stable
//!   [`ProcessKey`] (start time + pid), so a reused pid never joins two trees.
//! - Decoding hostile bytes gives a fault, never a panic, and never more memory than [`base::limits`] allow.
//! - A field that is unknown to an older program is kept out, not an error (protobuf rules).

mod alert;
mod batch;
mod chain;
mod entry;
mod event;
pub mod fault;
mod field;
mod http;
mod id;
mod incident;
mod observed;
pub mod ocsf;
mod order;
mod process;
mod runs;
mod sample;
mod tactic;

pub use alert::{Alert, Match, Response, Severity, Technique};
pub use batch::{Batch, Frame, Host, Lane, WireEvent};
pub use chain::{
    Chain, ChainActor, ChainControl, ChainEdge, ChainEntry, ChainImpact, ChainNode, ChainStep, Join, JoinKind,
};
pub use entry::Entry;
pub use event::{
    Activity, BpfCall, Dns, Event, Exec, Exit, FileActivity, FileOp, Fork, IoUring, Kind, Lost, Memory, Module, Mount,
    Namespace, NetActivity, NetOp, Privilege, ProcessAccess, SignalSent,
};
pub use field::{CLONE_NEWUSER, Field, Value};
pub use http::{HttpActivity, HttpDecision};
pub use id::{AgentId, EventId, ProcessKey};
pub use incident::{Incident, IncidentStatus, Stage};
pub use observed::{Asset, FileState, Integrity, Log, Pair, Scan};
pub use order::{ActionKind, Order, OrderMode, Origin, Receipt, ReceiptState};
pub use process::{FileId, Namespaces, Proc, Process, User};
pub use runs::Runs;
pub use sample::{Metric, Sample};
pub use tactic::TACTICS;

//! An order to act on a host, and the receipt of what became of it.

use std::collections::BTreeMap;

/// The actions that an agent or a gateway can carry out. Words follow OpenC2 where it has one.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
#[repr(i32)]
pub enum ActionKind {
    /// Not set.
    Unknown = 0,
    /// Kill a process and everything below it. Parameter `process` ([`crate::ProcessKey`]).
    KillTree = 1,
    /// Freeze a process tree. Parameter `process`. Undo thaws.
    Freeze = 2,
    /// Take a file away, byte-identical on restore. Parameter `path`.
    Quarantine = 3,
    /// Cut the host off but for the management path. No parameter.
    Isolate = 4,
    /// Block an address or prefix: on a host in its packet filter, at a gateway for the sites behind it. Parameter
    /// `address`; a gateway also takes `destination`, the one protected prefix that it is kept from.
    Block = 5,
    /// Refuse to execute a file. Parameter `sha256` or `path`.
    DenyExec = 6,
    /// Collect evidence into an archive. Parameter `process` (optional).
    Export = 7,
    /// Set how much the scrubber filters for a protected prefix. Parameters `destination`, `level`.
    ScrubLevel = 8,
    /// Drop packets that fit a signature. Parameters `destination`, `signature` (JSON).
    ScrubFilter = 9,
    /// Ask the neighbour routers to filter (RFC 8955). Parameter `rule` (JSON).
    Flowspec = 10,
    /// Ask the neighbour routers to drop everything to a prefix (RFC 7999). Parameter `prefix`.
    Blackhole = 11,
    /// Point a name elsewhere (RFC 2136). Parameters `zone`, `name`, `from`, `to`.
    SwitchDns = 12,
}

impl ActionKind {
    /// Every action.
    pub const ALL: &'static [ActionKind] = &[
        ActionKind::KillTree,
        ActionKind::Freeze,
        ActionKind::Quarantine,
        ActionKind::Isolate,
        ActionKind::Block,
        ActionKind::DenyExec,
        ActionKind::Export,
        ActionKind::ScrubLevel,
        ActionKind::ScrubFilter,
        ActionKind::Flowspec,
        ActionKind::Blackhole,
        ActionKind::SwitchDns,
    ];

    /// Those that a host's agent carries out.
    pub const HOST: &'static [ActionKind] = &[
        ActionKind::KillTree,
        ActionKind::Freeze,
        ActionKind::Quarantine,
        ActionKind::Isolate,
        ActionKind::Block,
        ActionKind::DenyExec,
        ActionKind::Export,
    ];

    /// Its word on the command line, in rules and in the API.
    pub const fn word(self) -> &'static str {
        match self {
            ActionKind::Unknown => "unknown",
            ActionKind::KillTree => "kill-tree",
            ActionKind::Freeze => "freeze",
            ActionKind::Quarantine => "quarantine",
            ActionKind::Isolate => "isolate",
            ActionKind::Block => "block",
            ActionKind::DenyExec => "deny-exec",
            ActionKind::Export => "export",
            ActionKind::ScrubLevel => "scrub-level",
            ActionKind::ScrubFilter => "scrub-filter",
            ActionKind::Flowspec => "flowspec",
            ActionKind::Blackhole => "blackhole",
            ActionKind::SwitchDns => "switch-dns",
        }
    }

    /// Whether it leaves something that can be taken back, and so needs a lease.
    pub const fn undoable(self) -> bool {
        !matches!(self, ActionKind::KillTree | ActionKind::Export | ActionKind::Unknown)
    }

    /// The action of a word.
    pub fn from_word(word: &str) -> Option<ActionKind> {
        ActionKind::ALL.iter().copied().find(|kind| kind.word() == word)
    }
}

/// What is wanted of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, prost::Enumeration, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(i32)]
pub enum OrderMode {
    /// Say what would happen (blast radius), change nothing.
    DryRun = 0,
    /// Do it.
    Apply = 1,
    /// Take an applied order back.
    Undo = 2,
}

/// Who gave an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, prost::Enumeration, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(i32)]
pub enum Origin {
    /// A person through API or command line.
    Operator = 0,
    /// A rule's `response:` on the host.
    Rule = 1,
    /// A playbook.
    Playbook = 2,
}

/// An order to one host.
#[derive(Clone, PartialEq, prost::Message, serde::Serialize, serde::Deserialize)]
pub struct Order {
    /// `ord-` and a derived or random part; the same id is never carried out twice.
    #[prost(string, tag = "1")]
    pub id: String,
    /// The agent, 32 hexadecimal digits.
    #[prost(string, tag = "2")]
    pub agent: String,
    /// What to do.
    #[prost(enumeration = "ActionKind", tag = "3")]
    #[serde(with = "words::action")]
    pub action: i32,
    /// Apply, dry run or undo.
    #[prost(enumeration = "OrderMode", tag = "4")]
    #[serde(with = "words::mode")]
    pub mode: i32,
    /// Parameters by name, see [`ActionKind`].
    #[prost(btree_map = "string, string", tag = "5")]
    pub parameters: BTreeMap<String, String>,
    /// Lease, seconds: when it ends the agent undoes the action by itself. 0 only for actions that cannot be undone.
    #[prost(uint64, tag = "6")]
    pub lease_s: u64,
    /// Who.
    #[prost(enumeration = "Origin", tag = "7")]
    #[serde(with = "words::origin")]
    pub origin: i32,
    /// Account or rule id.
    #[prost(string, tag = "8")]
    pub by: String,
    /// Why, free text.
    #[prost(string, tag = "9")]
    pub reason: String,
    /// Alert that led to it, empty when none.
    #[prost(string, tag = "10")]
    pub alert: String,
    /// Incident it belongs to, empty when none.
    #[prost(string, tag = "11")]
    pub incident: String,
    /// When it was given, µs.
    #[prost(int64, tag = "12")]
    pub issued_us: i64,
    /// For `Undo`: the order to take back.
    #[prost(string, tag = "13")]
    pub undoes: String,
}

/// How far an order got.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
#[repr(i32)]
pub enum ReceiptState {
    /// A dry run: nothing changed.
    Planned = 0,
    /// Applied, not read back yet.
    Applied = 1,
    /// Applied and read back from the kernel.
    Verified = 2,
    /// Refused before anything changed (never-block list, bad parameter).
    Refused = 3,
    /// Tried and failed; what was changed was taken back.
    Failed = 4,
    /// Taken back by order.
    Undone = 5,
    /// Taken back because the lease ended.
    Expired = 6,
}

/// What became of an order.
#[derive(Clone, PartialEq, prost::Message, serde::Serialize, serde::Deserialize)]
pub struct Receipt {
    /// The order.
    #[prost(string, tag = "1")]
    pub order: String,
    /// The agent, 32 hexadecimal digits.
    #[prost(string, tag = "2")]
    pub agent: String,
    /// How far it got.
    #[prost(enumeration = "ReceiptState", tag = "3")]
    #[serde(with = "words::state")]
    pub state: i32,
    /// When, µs.
    #[prost(int64, tag = "4")]
    pub time_us: i64,
    /// From receiving the order to this state, µs on the monotonic clock.
    #[prost(uint64, tag = "5")]
    pub took_us: u64,
    /// What would be or was touched, one line each: the blast radius.
    #[prost(string, repeated, tag = "6")]
    pub touched: Vec<String>,
    /// What was read back from the kernel, one line each.
    #[prost(string, repeated, tag = "7")]
    pub observed: Vec<String>,
    /// Code of the fault for `Refused` and `Failed`, empty otherwise.
    #[prost(string, tag = "8")]
    pub fault: String,
    /// Its text.
    #[prost(string, tag = "9")]
    pub message: String,
    /// When the lease ends, µs; 0 when it has none.
    #[prost(int64, tag = "10")]
    pub lease_ends_us: i64,
    /// The order itself when it was made on the host (origin rule), so that the server can seal it.
    #[prost(message, optional, tag = "11")]
    pub local_order: Option<Order>,
}

/// Enumerations as their words in JSON.
mod words {
    macro_rules! words {
        ($module:ident, $kind:ty) => {
            pub mod $module {
                use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

                pub fn serialize<S: Serializer>(value: &i32, serializer: S) -> Result<S::Ok, S::Error> {
                    <$kind>::try_from(*value).unwrap_or_default().serialize(serializer)
                }

                pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i32, D::Error> {
                    <$kind>::deserialize(deserializer).map(|value| value as i32).map_err(D::Error::custom)
                }
            }
        };
    }

    words!(action, crate::ActionKind);
    words!(mode, crate::OrderMode);
    words!(origin, crate::Origin);
    words!(state, crate::ReceiptState);
}

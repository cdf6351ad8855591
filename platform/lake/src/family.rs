//! The tables: one for each family of event classes.

use record::Kind;

/// A table of the lake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Family {
    /// Programs started, processes made and ended.
    Process,
    /// Files touched.
    File,
    /// Connections and datagrams.
    Network,
    /// Names asked for.
    Dns,
    /// Everything else a process did: access, memory, privilege, namespace, module, bpf, io_uring, signal, mount, lost.
    System,
    /// Records of logs.
    Log,
    /// Requests through a gateway.
    Http,
    /// What was found by looking: scans, changes of watched files and of the inventory.
    Observed,
    /// Alerts.
    Finding,
    /// Metrics, one row a metric and moment.
    Sample,
}

impl Family {
    /// Every table, those of events first.
    pub const ALL: &'static [Family] = &[
        Family::Process,
        Family::File,
        Family::Network,
        Family::Dns,
        Family::System,
        Family::Log,
        Family::Http,
        Family::Observed,
        Family::Finding,
        Family::Sample,
    ];

    /// The tables that the view `events` unites.
    pub const EVENTS: &'static [Family] = &[
        Family::Process,
        Family::File,
        Family::Network,
        Family::Dns,
        Family::System,
        Family::Log,
        Family::Http,
        Family::Observed,
    ];

    /// Name of the table and of its folder.
    pub const fn word(self) -> &'static str {
        match self {
            Family::Process => "process",
            Family::File => "file",
            Family::Network => "network",
            Family::Dns => "dns",
            Family::System => "system",
            Family::Log => "log",
            Family::Http => "http",
            Family::Observed => "observed",
            Family::Finding => "finding",
            Family::Sample => "sample",
        }
    }

    /// The table of a name.
    pub fn from_word(word: &str) -> Option<Family> {
        Family::ALL.iter().copied().find(|family| family.word() == word)
    }

    /// The table of an event.
    pub const fn of(kind: Kind) -> Family {
        match kind {
            Kind::Exec | Kind::Fork | Kind::Exit => Family::Process,
            Kind::File => Family::File,
            Kind::Net => Family::Network,
            Kind::Dns => Family::Dns,
            Kind::Mount
            | Kind::Access
            | Kind::Memory
            | Kind::Privilege
            | Kind::Namespace
            | Kind::Module
            | Kind::Bpf
            | Kind::IoUring
            | Kind::Signal
            | Kind::Lost => Family::System,
            Kind::Log => Family::Log,
            Kind::Http => Family::Http,
            Kind::Scan | Kind::Integrity | Kind::Asset => Family::Observed,
        }
    }
}

//! What is reported and what the kernel programs drop at once; can be changed while they run.

use record::Kind;

/// Only these processes are reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// These processes and those that they make from now on.
    Tree(Vec<u32>),
    /// Processes of this v2 control group (its inode number).
    Cgroup(u64),
}

/// What is reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filters {
    /// Kinds to report. System calls of other kinds cost nothing but the dispatcher's look-up.
    pub kinds: Vec<Kind>,
    /// Whether opening a file for reading is reported.
    pub read_opens: bool,
    /// Whether making memory executable is reported.
    pub executable_memory: bool,
    /// Absolute path prefixes whose file events are dropped, at most 64 of at most 64 bytes. End a folder with `/`.
    pub ignore_paths: Vec<String>,
    /// Short names of processes whose file events are dropped, at most 256.
    pub ignore_comms: Vec<String>,
    /// Everything when `None`.
    pub scope: Option<Scope>,
    /// Process that signals are watched for; our own when `None`.
    pub guarded: Option<u32>,
}

impl Default for Filters {
    fn default() -> Filters {
        Filters {
            kinds: Kind::ALL.iter().copied().filter(|kind| *kind != Kind::Lost).collect(),
            read_opens: false,
            executable_memory: false,
            ignore_paths: Vec::new(),
            ignore_comms: Vec::new(),
            scope: None,
            guarded: None,
        }
    }
}

/// Number of a kind in the records (`enum event_kind`), `None` for kinds that no program reports.
pub fn number_of(kind: Kind) -> Option<u32> {
    (kind != Kind::Lost).then_some(kind as u32 + 1)
}

/// Kinds that come rarely and matter at once: they wake the reader.
const URGENT: &[Kind] = &[Kind::Access, Kind::Memory, Kind::Module, Kind::Bpf, Kind::Namespace, Kind::Signal];

const READ_OPENS: u32 = 1;
const EXECUTABLE_MEMORY: u32 = 2;
const SCOPE_TREE: u32 = 4;
const IGNORE_COMM: u32 = 8;
const DENY: u32 = 16;

impl Filters {
    /// Whether this kind is reported.
    pub fn has(&self, kind: Kind) -> bool {
        self.kinds.contains(&kind)
    }

    /// The bytes of `struct event_settings`.
    pub(super) fn settings(&self, wake_bytes: u64, denies: bool) -> Vec<u8> {
        let bits =
            |kinds: &[Kind]| kinds.iter().filter_map(|kind| number_of(*kind)).fold(0u64, |bits, at| bits | 1 << at);
        let own = std::process::id();
        let cgroup = match self.scope {
            Some(Scope::Cgroup(id)) => id,
            _ => 0,
        };
        let mut options = 0;
        let choices = [
            (READ_OPENS, self.read_opens),
            (EXECUTABLE_MEMORY, self.executable_memory),
            (SCOPE_TREE, matches!(self.scope, Some(Scope::Tree(_)))),
            (IGNORE_COMM, !self.ignore_comms.is_empty()),
            (DENY, denies),
        ];
        for (bit, chosen) in choices {
            options |= if chosen { bit } else { 0 };
        }
        let mut bytes = Vec::with_capacity(48);
        for word in [bits(&self.kinds), bits(URGENT), wake_bytes, cgroup] {
            bytes.extend_from_slice(&word.to_ne_bytes());
        }
        for word in [own, self.guarded.unwrap_or(own), options, self.ignore_paths.len() as u32] {
            bytes.extend_from_slice(&word.to_ne_bytes());
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_laid_out_as_in_c() {
        let filters =
            Filters { kinds: vec![Kind::Exec, Kind::Signal, Kind::Lost], read_opens: true, ..Filters::default() };
        let bytes = filters.settings(4096, true);
        assert_eq!(bytes.len(), 48);
        assert_eq!(bytes[..8], (1u64 << 1 | 1 << 15).to_ne_bytes());
        assert_eq!(bytes[16..24], 4096u64.to_ne_bytes());
        assert_eq!(bytes[40..44], (READ_OPENS | DENY).to_ne_bytes());
    }
}

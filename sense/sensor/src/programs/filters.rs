//! What is reported and what the kernel programs drop at once; can be changed while they run.

use crate::procfs;
use record::{Kind, ProcessKey};

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
    /// Absolute path prefixes whose file events are dropped, at most 64 of at most 64 bytes. End a folder with `/`. The
    /// kernel compares paths that it resolved; names that a program gave are compared by whoever folds them.
    pub ignore_paths: Vec<String>,
    /// Short names of processes whose frequent events (files, mounts, network, memory, io_uring) are dropped, at most
    /// 256. Processes and what reaches for more rights are reported whatever the name, for anyone can take one on.
    pub ignore_comms: Vec<String>,
    /// Everything when `None`.
    pub scope: Option<Scope>,
    /// Process that signals are watched for; our own when `None`.
    pub guarded: Option<u32>,
    /// Processes that work for us and are therefore not reported, save what they execute; at most three. We ourselves
    /// need not be named.
    pub own: Vec<ProcessKey>,
}

impl Default for Filters {
    fn default() -> Filters {
        Filters {
            kinds: Kind::ALL.iter().copied().filter(|kind| kind.of_kernel()).collect(),
            read_opens: false,
            executable_memory: false,
            ignore_paths: Vec::new(),
            ignore_comms: Vec::new(),
            scope: None,
            guarded: None,
            own: Vec::new(),
        }
    }
}

/// Number of a kind in the records (`enum event_kind`), `None` for kinds that no program reports.
pub fn number_of(kind: Kind) -> Option<u32> {
    kind.of_kernel().then_some(kind as u32 + 1)
}

/// Kinds that come rarely and matter at once: they wake the reader.
const URGENT: &[Kind] = &[Kind::Access, Kind::Memory, Kind::Module, Kind::Bpf, Kind::Namespace, Kind::Signal];

/// Entries of `event_settings.own`.
const OWN_PROCESSES: usize = 4;
/// Size of `struct event_settings`.
const SETTINGS_BYTES: usize = 120;

/// How full the ring may run, bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Levels {
    /// The reader is woken.
    pub wake_bytes: u64,
    /// Kinds that come in floods are dropped.
    pub bulk_bytes: u64,
}

const READ_OPENS: u32 = 1;
const SCOPE_TREE: u32 = 4;
const IGNORE_COMM: u32 = 8;
const DENY: u32 = 16;

impl Filters {
    /// Whether this kind is reported.
    pub fn has(&self, kind: Kind) -> bool {
        self.kinds.contains(&kind)
    }

    /// The bytes of `struct event_settings`.
    pub(super) fn settings(&self, levels: Levels, denies: bool) -> Vec<u8> {
        let bits =
            |kinds: &[Kind]| kinds.iter().filter_map(|kind| number_of(*kind)).fold(0u64, |bits, at| bits | 1 << at);
        let cgroup = match self.scope {
            Some(Scope::Cgroup(id)) => id,
            _ => 0,
        };
        let mut options = 0;
        let choices = [
            (READ_OPENS, self.read_opens),
            (SCOPE_TREE, matches!(self.scope, Some(Scope::Tree(_)))),
            (IGNORE_COMM, !self.ignore_comms.is_empty()),
            (DENY, denies),
        ];
        for (bit, chosen) in choices {
            options |= if chosen { bit } else { 0 };
        }
        let own = std::process::id();
        let mut bytes = Vec::with_capacity(SETTINGS_BYTES);
        for word in [bits(&self.kinds), bits(URGENT), levels.wake_bytes, levels.bulk_bytes, cgroup] {
            bytes.extend_from_slice(&word.to_ne_bytes());
        }
        let mut keys = procfs::Reader::new().key(own).into_iter().chain(self.own.iter().copied());
        for _ in 0..OWN_PROCESSES {
            let (ticks, pid) = keys.next().map_or((0, u32::MAX), |key| (key.ticks(), key.pid()));
            bytes.extend_from_slice(&ticks.to_ne_bytes());
            bytes.extend_from_slice(&pid.to_ne_bytes());
            bytes.extend_from_slice(&[0; 4]);
        }
        for word in [self.guarded.unwrap_or(own), options, self.ignore_paths.len() as u32, 0] {
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
        let key = ProcessKey::from_ticks(77, 1234);
        let filters = Filters { own: vec![key], ..filters };
        let bytes = filters.settings(Levels { wake_bytes: 4096, bulk_bytes: 9000 }, true);
        assert_eq!(bytes.len(), SETTINGS_BYTES);
        assert_eq!(bytes[..8], (1u64 << 1 | 1 << 15).to_ne_bytes());
        assert_eq!(bytes[16..24], 4096u64.to_ne_bytes());
        assert_eq!(bytes[24..32], 9000u64.to_ne_bytes());
        assert_eq!(bytes[48..52], std::process::id().to_ne_bytes());
        assert_eq!((&bytes[56..64], &bytes[64..68]), (&1234u64.to_ne_bytes()[..], &77u32.to_ne_bytes()[..]));
        assert_eq!(bytes[80..84], u32::MAX.to_ne_bytes(), "an entry that names nobody");
        assert_eq!(bytes[108..112], (READ_OPENS | DENY).to_ne_bytes());
    }
}

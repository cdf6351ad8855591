//! Where an installation keeps its things: one data directory.

use std::path::{Path, PathBuf};

/// The data directory and the names in it.
#[derive(Debug, Clone)]
pub struct Places {
    /// The directory, 0700.
    pub root: PathBuf,
}

impl Places {
    /// The given directory, or the usual one: `/var/lib/garrison` for root, `$XDG_DATA_HOME/garrison` otherwise.
    pub fn new(given: Option<&Path>) -> Places {
        let usual = || match std::env::var_os("XDG_DATA_HOME") {
            _ if rustix::process::geteuid().is_root() => PathBuf::from("/var/lib/garrison"),
            Some(home) => PathBuf::from(home).join("garrison"),
            None => PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".local/share/garrison"),
        };
        Places { root: given.map_or_else(usual, Path::to_path_buf) }
    }

    /// State database.
    pub fn state(&self) -> PathBuf {
        self.root.join("state.sqlite")
    }

    /// Event files.
    pub fn lake(&self) -> PathBuf {
        self.root.join("lake")
    }

    /// Write-ahead log of received frames.
    pub fn wal(&self) -> PathBuf {
        self.root.join("wal")
    }

    /// Heads of the ledger, kept apart from it.
    pub fn heads(&self) -> PathBuf {
        self.root.join("ledger.heads")
    }

    /// Certificate authority and server identity.
    pub fn authority(&self) -> PathBuf {
        self.root.join("authority")
    }

    /// Image of the indicators, warning lists, ATT&CK.
    pub fn intel(&self) -> PathBuf {
        self.root.join("intel")
    }

    /// Advisories on their way into the state.
    pub fn posture(&self) -> PathBuf {
        self.root.join("posture")
    }

    /// What the command line needs to reach the server.
    pub fn client(&self) -> PathBuf {
        self.root.join("client.json")
    }

    /// The local agent's directory.
    pub fn agent(&self) -> PathBuf {
        self.root.join("agent")
    }
}

//! What outlives the controller: what is usual for each destination. Orders live on in the journal of the hands.

use crate::fault;
use base::{Fault, Result};
use ddos::{Baseline, Prefix};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Largest file that is read back, bytes: 4,096 destinations after a week.
const BYTES: u64 = 256 << 20;

/// See the module.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// What is usual, by destination.
    pub baselines: BTreeMap<Prefix, Baseline>,
    #[serde(skip)]
    path: PathBuf,
}

impl Memory {
    /// Reads what was kept in a directory; a file that cannot be read is told and forgotten, for all of it can be learned anew.
    pub fn open(state: &Path) -> Memory {
        let path = state.join("memory.json");
        let memory = match read(&path) {
            Ok(memory) => memory,
            Err(fault) => {
                tracing::warn!(fault = %fault.inside(), "what was learned is forgotten");
                Memory::default()
            }
        };
        Memory { path, ..memory }
    }

    /// With other things to keep, in the same place.
    pub fn with(&self, baselines: BTreeMap<Prefix, Baseline>) -> Memory {
        Memory { baselines, path: self.path.clone() }
    }

    /// Keeps it, whole or not at all.
    ///
    /// # Errors
    /// [`fault::STATE_FILE`].
    pub fn keep(&self) -> Result<()> {
        let failed = |cause: String| Fault::new(&fault::STATE_FILE).object(self.path.display()).because(cause);
        let bytes = serde_json::to_vec(self).map_err(|cause| failed(cause.to_string()))?;
        let fresh = self.path.with_extension("new");
        std::fs::write(&fresh, bytes).map_err(|cause| failed(cause.to_string()))?;
        std::fs::rename(&fresh, &self.path).map_err(|cause| failed(cause.to_string()))
    }
}

fn read(path: &Path) -> Result<Memory> {
    let failed = |cause: String| Fault::new(&fault::STATE_FILE).object(path.display()).because(cause);
    match std::fs::metadata(path) {
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(Memory::default()),
        Err(cause) => return Err(failed(cause.to_string())),
        Ok(found) if found.len() > BYTES => return Err(failed(format!("{} bytes", found.len()))),
        Ok(_) => {}
    }
    let bytes = std::fs::read(path).map_err(|cause| failed(cause.to_string()))?;
    serde_json::from_slice(&bytes).map_err(|cause| failed(cause.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_comes_back_and_damage_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let mut memory = Memory::open(folder.path());
        memory.baselines.insert("192.0.2.7".parse().unwrap(), Baseline::default());
        memory.keep().unwrap();
        assert_eq!(Memory::open(folder.path()).baselines.len(), 1);
        std::fs::write(folder.path().join("memory.json"), "{").unwrap();
        assert!(Memory::open(folder.path()).baselines.is_empty());
    }
}

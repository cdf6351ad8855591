//! What the sensor can be told.

use crate::table::TableLimits;
use base::{Fault, Result, config::INVALID};
use record::Kind;
use serde::Deserialize;

/// Settings of the sensor (`sensor:` in the agent's configuration). Every key has a default.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SensorConfig {
    /// Bytes of the ring buffer between kernel and agent; rounded up to a power of two.
    pub ring_bytes: u32,
    /// Words of the kinds to report; empty for all. `exec`, `fork` and `exit` are always on: ancestry needs them.
    pub kinds: Vec<String>,
    /// Whether opening a file for reading is reported (many events).
    pub read_opens: bool,
    /// Whether memory made executable is reported (`mprotect`; many events where programs compile at run time).
    pub executable_memory: bool,
    /// Absolute path prefixes whose file events are dropped in the kernel.
    pub ignore_paths: Vec<String>,
    /// Short names (`comm`) whose frequent events (files, mounts, network, memory, io_uring) are dropped in the kernel.
    pub ignore_comms: Vec<String>,
    /// Largest executable that is hashed, bytes; 0 turns hashing off.
    pub hash_max_bytes: u64,
    /// Most live processes in the table.
    pub processes_max: usize,
    /// Processes that work for us, whose own file and network work is not reported (what they execute is), at most
    /// three. The server of our own folder that started us is found without being named.
    pub own: Vec<u32>,
    /// Only this process and those it makes are reported, for tests.
    pub scope: Option<u32>,
}

impl Default for SensorConfig {
    fn default() -> Self {
        SensorConfig {
            ring_bytes: 8 * 1024 * 1024,
            kinds: Vec::new(),
            read_opens: false,
            executable_memory: false,
            ignore_paths: Vec::new(),
            ignore_comms: Vec::new(),
            hash_max_bytes: 64 * 1024 * 1024,
            processes_max: TableLimits::default().live,
            own: Vec::new(),
            scope: None,
        }
    }
}

impl SensorConfig {
    /// The kinds to report.
    ///
    /// # Errors
    /// `config.invalid` names a word that is no kind.
    pub fn kinds(&self) -> Result<Vec<Kind>> {
        if self.kinds.is_empty() {
            return Ok(Kind::ALL.iter().copied().filter(|kind| kind.of_kernel()).collect());
        }
        let mut kinds = vec![Kind::Exec, Kind::Fork, Kind::Exit];
        for word in &self.kinds {
            let kind = Kind::from_word(word).filter(|kind| kind.of_kernel());
            let words: Vec<_> = Kind::ALL.iter().filter(|kind| kind.of_kernel()).map(|kind| kind.word()).collect();
            let wrong = || Fault::new(&INVALID).object("sensor.kinds").expected(words.join(", ")).found(word);
            let kind = kind.ok_or_else(wrong)?;
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        Ok(kinds)
    }

    /// Bounds of the process table.
    pub fn table_limits(&self) -> TableLimits {
        TableLimits { live: self.processes_max.clamp(64, 4 * 1024 * 1024), ..TableLimits::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ancestry_is_always_reported() {
        let config: SensorConfig = base::config::parse("kinds: [net, exec]\nhash_max_bytes: 5\n", "x.yaml").unwrap();
        assert_eq!(config.kinds().unwrap(), [Kind::Exec, Kind::Fork, Kind::Exit, Kind::Net]);
        assert_eq!(config.hash_max_bytes, 5);
        assert_eq!(
            SensorConfig::default().kinds().unwrap().len(),
            Kind::ALL.iter().filter(|kind| kind.of_kernel()).count()
        );
        let wrong = SensorConfig { kinds: vec!["nett".into()], ..SensorConfig::default() };
        assert!(wrong.kinds().unwrap_err().to_string().contains("nett"));
        assert!(base::config::parse::<SensorConfig>("ring: 5\n", "x.yaml").is_err());
    }
}

//! The agent's configuration: one YAML file, every key with a default that is safe on a host in service.

use base::Result;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// What the agent may do by itself when a rule asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Respond {
    /// Nothing: alerts only.
    Observe,
    /// Act only on processes that a drill started. The default: a first day must not surprise anyone.
    #[default]
    Drills,
    /// Act on every rule that has a `response:`.
    Enforce,
}

/// The file `agent.yml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where spool, journal, quarantine and evidence lie; 0700.
    pub state: PathBuf,
    /// What may be done without a person.
    pub respond: Respond,
    /// Folders of Sigma rules beside the ones built in.
    pub rules: Vec<PathBuf>,
    /// Whether to use the rules built into the program.
    pub builtin_rules: bool,
    /// Values of the placeholders (`expand`) of rules, by name without percent signs.
    pub placeholders: detect::Placeholders,
    /// Disk budget of the spool, bytes.
    pub spool_bytes: u64,
    /// Seconds between samples of host metrics; 0 switches them off.
    pub metrics_seconds: u64,
    /// Addresses and networks that must never be cut off, beside the ones the agent finds by itself.
    pub never_block: Vec<String>,
    /// Age at which an order that was on its way for too long is refused, seconds; 0 never.
    pub order_age_seconds: u64,
    /// The sensor.
    pub sensor: sensor::SensorConfig,
    /// Logs that are read and received.
    pub logs: logs::Config,
    /// Scans of files.
    pub scan: scan::ScanConfig,
    /// Watched files and the cross-view.
    pub integrity: integrity::IntegrityConfig,
    /// What is on the host.
    pub inventory: inventory::InventoryConfig,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            state: PathBuf::from("/var/lib/garrison-agent"),
            respond: Respond::default(),
            rules: vec![PathBuf::from("/etc/garrison/rules")],
            builtin_rules: true,
            placeholders: detect::Placeholders::new(),
            spool_bytes: 512 * 1024 * 1024,
            metrics_seconds: 1,
            never_block: Vec::new(),
            order_age_seconds: 600,
            sensor: sensor::SensorConfig::default(),
            logs: logs::Config::default(),
            scan: scan::ScanConfig::default(),
            integrity: integrity::IntegrityConfig::default(),
            inventory: inventory::InventoryConfig::default(),
        }
    }
}

impl Config {
    /// Reads the file, or takes the defaults when none is named.
    pub fn load(path: Option<&Path>) -> Result<Config> {
        path.map_or_else(|| Ok(Config::default()), base::config::read)
    }
}

//! Configuration of the inventory.

use serde::Deserialize;

/// The section `inventory:`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InventoryConfig {
    /// Whether the inventory is taken at all.
    pub enabled: bool,
    /// Seconds between two looks; at least 10.
    pub interval_s: u64,
    /// Hours after which everything is told again, so that the server loses nothing for good; 0 never.
    pub whole_hours: u64,
    /// Kinds that are left out: words of [`crate::kind::ALL`].
    pub exclude: Vec<String>,
}

impl Default for InventoryConfig {
    fn default() -> Self {
        InventoryConfig { enabled: true, interval_s: 300, whole_hours: 24, exclude: Vec::new() }
    }
}

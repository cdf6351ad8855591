//! Which requests of a site are kept whole.

use base::config::units;
use serde::Deserialize;

/// Which requests are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Keep {
    /// None.
    #[default]
    Off,
    /// Those that were not simply let through.
    Refused,
    /// All.
    All,
}

/// The audit records of a site: request and answer with their fields, the body, every rule that held. Kept on this machine alone.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Audit {
    /// Which requests are kept.
    pub keep: Keep,
    /// Bytes of a body that are kept, of those that the firewall judges.
    #[serde(deserialize_with = "units::size")]
    pub body: u64,
}

impl Default for Audit {
    fn default() -> Audit {
        Audit { keep: Keep::Off, body: 16 * 1024 }
    }
}

/// The files of audit records.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuditFiles {
    /// Bytes that they may take; the oldest go first.
    #[serde(deserialize_with = "units::size")]
    pub bytes: u64,
}

impl Default for AuditFiles {
    fn default() -> AuditFiles {
        AuditFiles { bytes: 256 << 20 }
    }
}

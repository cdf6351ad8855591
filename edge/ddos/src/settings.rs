//! What an operator may set.

use crate::Level;
use crate::metric::Rates;
use serde::{Deserialize, Serialize};

/// Settings of a destination's watch; the defaults suit a server on a link of 1 Gbit/s.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Rates below which nothing alarms.
    pub floors: Rates,
    /// Rates that alarm while nothing is known of the destination.
    pub ceilings: Rates,
    /// Deviations from usual that alarm.
    pub deviations: f32,
    /// Multiple of the week's 95th percentile that alarms in an hour not known yet.
    pub burst: f32,
    /// Requests a second below which no HTTP flood is seen.
    pub http_floor: f32,
    /// Packets a second below which the model alone does not alarm.
    pub model_floor: f32,
    /// What the link takes, bytes a second; above nine tenths of it filtering here is too late.
    pub link_bytes: f64,
    /// The highest level that is entered without a person.
    pub highest: Level,
    /// Quiet time before a level is left, seconds.
    pub quiet_s: u32,
    /// Time without attack traffic after which an attack is over, seconds.
    pub over_s: u32,
    /// Life of a signature that no longer hits, seconds.
    pub signature_s: u32,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            floors: Rates::FLOORS,
            ceilings: Rates::CEILINGS,
            deviations: 6.0,
            burst: 5.0,
            http_floor: 100.0,
            model_floor: 200.0,
            link_bytes: 125e6,
            highest: Level::Verified,
            quiet_s: 300,
            over_s: 30,
            signature_s: 600,
        }
    }
}

impl Settings {
    /// For a destination whose usual rates are a fraction of a busy server's: floors and ceilings times the factor.
    pub fn scaled(factor: f32) -> Settings {
        Settings::default().times(factor)
    }

    /// The same with floors and ceilings times a factor.
    pub fn times(self, factor: f32) -> Settings {
        Settings {
            floors: self.floors.scaled(factor),
            ceilings: self.ceilings.scaled(factor),
            http_floor: self.http_floor * factor,
            model_floor: self.model_floor * factor,
            ..self
        }
    }
}

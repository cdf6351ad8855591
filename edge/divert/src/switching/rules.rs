//! What bounds the moves of a name.

use crate::fault;
use base::{Fault, Micros, Result};
use serde::{Deserialize, Serialize};

/// Most places of a name.
const PLACES_MAX: usize = 16;

/// Who decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// It moves by itself.
    #[default]
    Auto,
    /// A person is asked before each move.
    Ask,
}

/// What bounds the moves of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SwitchingRules {
    /// Who decides.
    pub policy: Policy,
    /// How long the verdict "down" has to stand before a move, seconds. Health has its own hysteresis already.
    pub confirm_s: u32,
    /// How long home has to be up before the name moves back, seconds.
    pub hold_s: u32,
    /// Longest stay that a wish from outside may ask for, seconds; after it health alone decides.
    pub lease_s: u32,
    /// Moves within `window_s`, at most 255; what an attacker can make the name do.
    pub moves: u8,
    /// See `moves`, seconds.
    pub window_s: u32,
}

impl Default for SwitchingRules {
    /// By itself, at once; back after a minute; an hour; six moves in ten minutes.
    fn default() -> Self {
        SwitchingRules { policy: Policy::Auto, confirm_s: 0, hold_s: 60, lease_s: 3600, moves: 6, window_s: 600 }
    }
}

impl SwitchingRules {
    /// Whether they make sense for this many places.
    ///
    /// # Errors
    /// `divert.rules`.
    pub fn check(&self, places: usize) -> Result<()> {
        let fine = (2..=PLACES_MAX).contains(&places) && self.moves > 0 && self.window_s > 0 && self.lease_s > 0;
        let wanted = || Fault::new(&fault::RULES).expected("2 to 16 places, moves, window_s and lease_s above 0");
        if fine { Ok(()) } else { Err(wanted().found(format!("{places} places, {self:?}"))) }
    }

    /// The longest stay, µs.
    pub(crate) fn lease_us(&self) -> Micros {
        Micros::from(self.lease_s) * 1_000_000
    }
}

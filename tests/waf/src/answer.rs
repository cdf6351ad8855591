//! What an engine says of a request: the form in which both are compared.

use serde::Deserialize;

/// One engine's word on one request.
#[derive(Debug, Clone, Deserialize, PartialEq)]
pub struct Answer {
    /// Ids of the rules that held and are told of, in their order.
    pub rules: Vec<u64>,
    /// Whether it was stopped.
    pub intervention: Option<Stop>,
    /// CPU time of the transaction, microseconds.
    pub us: f64,
    /// What the log says, a line a rule; `None` where the engine does not tell.
    #[serde(default)]
    pub log: Option<String>,
}

/// Where a request was stopped.
#[derive(Debug, Clone, Copy, Deserialize, PartialEq, Eq)]
pub struct Stop {
    /// Status of the refusal.
    pub status: u16,
    /// Phase, 1 to 5.
    pub phase: u8,
}

impl Answer {
    /// Whether both say the same: the same rules in the same order, stopped alike.
    pub fn agrees(&self, other: &Answer) -> bool {
        self.rules == other.rules && self.intervention == other.intervention
    }
}

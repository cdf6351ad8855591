//! How far the agents are.

use super::Name;
use record::AgentId;

/// Content that an agent did not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The version.
    pub version: u64,
    /// Code of the agent's fault.
    pub code: String,
    /// Its outside text, in English.
    pub text: String,
}

/// How far an agent is with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The agent.
    pub agent: AgentId,
    /// The name.
    pub name: Name,
    /// Version in use at the agent; 0 when none.
    pub version: u64,
    /// Whether its link stands.
    pub connected: bool,
    /// Version on its way with bytes sent and bytes in all.
    pub sending: Option<(u64, u64, u64)>,
    /// The last version that it refused, until it takes a newer one.
    pub refused: Option<Refusal>,
    /// When the version in use last changed, µs since the Unix epoch, by the server's clock.
    pub since_us: i64,
}

/// How far the agents are with a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Agents that take the name.
    pub agents: usize,
    /// Of them those that hold this version.
    pub hold: usize,
    /// Of them those that refused it.
    pub refused: usize,
    /// Of them those whose link stands.
    pub connected: usize,
}

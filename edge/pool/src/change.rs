//! What can be done to a pool, as a record: kept in a log, a pool can be made again by applying them in order.

use crate::Range;
use crate::holder::Kind;
use serde::{Deserialize, Serialize};

/// One change. Each says who holds the addresses now, so that of two people who act at once one is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Change {
    /// New addresses, free.
    Add {
        /// Which.
        range: Range,
    },
    /// Free addresses leave the pool.
    Remove {
        /// Which.
        range: Range,
    },
    /// A new holder.
    AddHolder {
        /// Its name.
        name: String,
        /// What it is.
        kind: Kind,
    },
    /// A holder that holds nothing goes.
    RemoveHolder {
        /// Its name.
        name: String,
    },
    /// Free addresses get a holder.
    Assign {
        /// Which.
        range: Range,
        /// Who gets them.
        to: String,
    },
    /// Addresses go from one holder to another.
    Move {
        /// Which.
        range: Range,
        /// Who holds them.
        from: String,
        /// Who gets them.
        to: String,
    },
    /// Everything of one holder goes to another.
    MoveAll {
        /// Who holds it.
        from: String,
        /// Who gets it.
        to: String,
    },
    /// Addresses become free.
    Release {
        /// Which.
        range: Range,
        /// Who holds them.
        from: String,
    },
}

impl Change {
    /// The word of the deed.
    pub fn word(&self) -> &'static str {
        match self {
            Change::Add { .. } => "add",
            Change::Remove { .. } => "remove",
            Change::AddHolder { .. } => "add-holder",
            Change::RemoveHolder { .. } => "remove-holder",
            Change::Assign { .. } => "assign",
            Change::Move { .. } => "move",
            Change::MoveAll { .. } => "move-all",
            Change::Release { .. } => "release",
        }
    }
}

/// One run of a pool as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Which addresses.
    pub range: Range,
    /// Who holds them; nobody when none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
}

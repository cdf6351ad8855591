//! What an action is, and the one table of all actions.

use crate::{HostView, block, deny_exec, export, fault, freeze, isolate, kill_tree, quarantine};
use base::{Fault, Prefix, Result};
use record::{ActionKind, Order, ProcessKey};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// What an action would do.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The blast radius, one line each.
    pub touched: Vec<String>,
    /// Enough to take back whatever `apply` may have done when it is cut short at any point.
    pub record: Value,
}

/// What an action did.
#[derive(Debug, Clone, PartialEq)]
pub struct Applied {
    /// What was touched, one line each.
    pub touched: Vec<String>,
    /// Enough to read the effect back and to undo it, also after a restart of the agent.
    pub record: Value,
}

/// What became of an effect while the agent was away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Adopted {
    /// It is in force (again).
    Kept,
    /// It ended with what it acted on, for instance with a process at a restart of the host. The text says why.
    Over(String),
}

/// Makes a newer undo record durable while `apply` goes on; call it *before* the change that it describes.
pub type Progress<'a> = dyn FnMut(&Value) -> Result<()> + 'a;

/// One kind of action. An item of this crate is a file of its own and a row of [`ALL`]; a program that owns other things to
/// act on (maps of a packet filter, a BGP speaker) hands its own to [`crate::Hands::of`].
pub trait Action: Send + Sync {
    /// Which one.
    fn kind(&self) -> ActionKind;

    /// Whether it can be taken back; then every order needs a lease.
    fn undoable(&self) -> bool {
        self.kind().undoable()
    }

    /// Checks the order and the never-block list and says what would be touched. Changes nothing.
    fn plan(&self, order: &Order, host: &HostView) -> Result<Plan>;

    /// Does it. On a fault the caller undoes with the newest record that went to `progress`.
    fn apply(&self, order: &Order, plan: &Plan, host: &HostView, progress: &mut Progress<'_>) -> Result<Applied>;

    /// Reads the effect back from the kernel. A fault when it is not in force.
    fn verify(&self, host: &HostView, record: &Value) -> Result<Vec<String>>;

    /// Takes it back, also a half-done one, also twice. Returns what was read back.
    fn undo(&self, host: &HostView, record: &Value) -> Result<Vec<String>>;

    /// Takes over an effect that an earlier run of the agent left behind, `left_s` seconds before its lease ends.
    /// `same_boot` tells whether the host has not restarted since.
    fn adopt(&self, host: &HostView, record: &Value, left_s: u64, same_boot: bool) -> Result<Adopted> {
        let _ = (host, record, left_s, same_boot);
        Ok(Adopted::Kept)
    }

    /// Puts in force what [`Action::adopt`] took over, all orders of the kind at once; also what orders left behind that are
    /// over by now has to go.
    fn enforce(&self, host: &HostView) -> Result<()> {
        let _ = host;
        Ok(())
    }

    /// Whether somebody else may remove the effect: then it is read back every 15 s, and put in force again by
    /// [`Action::enforce`] when it is gone.
    fn watched(&self) -> bool {
        false
    }
}

/// Every action of a host, in the order of [`ActionKind::HOST`].
pub const ALL: &[&dyn Action] = &[
    &kill_tree::KillTree,
    &freeze::Freeze,
    &quarantine::Quarantine,
    &isolate::Isolate,
    &block::Block,
    &deny_exec::DenyExec,
    &export::Export,
];

/// A parameter that the order must carry.
///
/// # Errors
/// [`fault::BAD_ORDER`] when it is missing or empty.
pub fn parameter<'a>(order: &'a Order, name: &str) -> Result<&'a str> {
    let missing = || Fault::new(&fault::BAD_ORDER).object(format!("parameter `{name}`")).expected("a value");
    let value = order.parameters.get(name).filter(|value| !value.is_empty());
    value.map(String::as_str).ok_or_else(|| missing().found("none"))
}

/// The address or network of a parameter; [`fault::BAD_ORDER`] when it is missing or none.
pub fn network_of(order: &Order, name: &str) -> Result<Prefix> {
    parameter(order, name)?.parse().map_err(|cause: Fault| {
        let wrong = Fault::new(&fault::BAD_ORDER).object(format!("parameter `{name}`"));
        wrong.expected("an address or address/length").because(cause)
    })
}

/// The process that an order names. `boot`, when given, must be this start of the host: pid and start time
/// alone can come back after a restart.
pub(crate) fn process_of(order: &Order, host: &HostView) -> Result<ProcessKey> {
    let key: ProcessKey = parameter(order, "process")?.parse()?;
    if let Some(boot) = order.parameters.get("boot").filter(|boot| !boot.is_empty() && **boot != host.boot().id) {
        let gone = Fault::new(&fault::GONE).object(format!("process {key}"));
        return Err(gone.expected(format!("boot {boot}")).found(format!("boot {}", host.boot().id)));
    }
    Ok(key)
}

/// A record as JSON for the journal.
///
/// # Errors
/// [`fault::DAMAGED`] when it cannot be written as JSON.
pub fn pack<T: Serialize>(record: &T) -> Result<Value> {
    serde_json::to_value(record).map_err(|cause| Fault::new(&fault::DAMAGED).object("undo record").because(cause))
}

/// A record read back from the journal.
///
/// # Errors
/// [`fault::DAMAGED`] when it is not such a record.
pub fn unpack<T: DeserializeOwned>(record: &Value) -> Result<T> {
    T::deserialize(record).map_err(|cause| Fault::new(&fault::DAMAGED).object("undo record").because(cause))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_complete_and_in_order() {
        let kinds: Vec<ActionKind> = ALL.iter().map(|action| action.kind()).collect();
        assert_eq!(kinds, ActionKind::HOST);
        let forever: Vec<ActionKind> = ALL.iter().filter(|a| !a.undoable()).map(|a| a.kind()).collect();
        assert_eq!(forever, [ActionKind::KillTree, ActionKind::Export]);
    }
}

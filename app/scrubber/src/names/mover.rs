//! The keeper's hands: every move is an order, so it is journalled, has a lease, is read back and can be taken back.

use super::{MoveAsked, Names, Tell};
use crate::fault;
use crate::hands::Hands;
use crate::orders::{Orders, Reason};
use async_trait::async_trait;
use base::{Fault, Lang, Result};
use divert::{Found, Move, Note, Place, Protected, Swap};
use record::{Order, Receipt, ReceiptState};
use std::sync::Arc;
use std::time::Duration;

/// By whom the keeper's orders are.
pub(crate) const KEEPER: &str = "names";

/// See the module.
#[derive(Clone)]
pub(super) struct Mover {
    pub names: Arc<Names>,
    pub hands: Hands,
    pub orders: Orders,
    pub tell: Tell,
}

impl Mover {
    fn order(&self, number: usize, from: &Place, to: &Place, why: divert::Reason) -> Order {
        let row = self.names.at(number);
        let asked = MoveAsked { name: &row.name, from, to, reason: why, lease_s: self.lease_s(number) };
        let alert = self.names.alerts().get(&number).cloned().unwrap_or_default();
        let reason = Reason { by: KEEPER.into(), text: asked.why(Lang::En), alert };
        let standing = self.names.standing().get(&number).map(|standing| standing.order.clone());
        if let Some(standing) = standing.filter(|_| row.places.first() == Some(to)) {
            return self.orders.undo(&standing, &reason);
        }
        let lease = Duration::from_secs(self.lease_s(number));
        let way = (from.addresses.to_string(), to.addresses.to_string());
        self.orders.switch(&row.name.zone(), &row.name.name(), way, lease, &reason)
    }

    fn lease_s(&self, number: usize) -> u64 {
        u64::from(self.names.config.names[number].switching.lease_s)
    }

    /// A person is asked, who may not look at the status.
    fn ask(&self, number: usize, step: Move) {
        let row = self.names.at(number);
        if let (Some(from), Some(to)) = (row.places.get(step.from), row.places.get(step.to)) {
            let asked = MoveAsked { name: &row.name, from, to, reason: step.reason, lease_s: self.lease_s(number) };
            let alert = (self.tell)(&asked);
            self.names.alerts().insert(number, alert);
        }
    }

    /// What the receipts of an order mean for the keeper.
    fn outcome(&self, number: usize, receipts: &[Receipt], to: &Place) -> Result<Swap> {
        use ReceiptState::{Expired, Undone, Verified};
        let good = |receipt: &Receipt| matches!(receipt.state(), Verified | Undone | Expired);
        let failed = receipts.iter().find(|receipt| !good(receipt));
        let Some(failed) = failed.filter(|_| !receipts.is_empty()) else {
            // Taken back may mean left alone because somebody else had moved it: what is there says which.
            let found = self.names.read(number)?;
            return Ok(if found.addresses == to.addresses { Swap::Done } else { Swap::Changed(found) });
        };
        if failed.fault == divert::fault::CHANGED.id {
            return Ok(Swap::Changed(self.names.read(number)?));
        }
        let name = self.names.at(number).name.name();
        Err(Fault::new(&fault::NOT_IN_FORCE).object(name).found(&failed.message).because(&failed.fault))
    }

    fn carry(&self, number: usize, from: &Place, to: &Place, why: divert::Reason) -> Result<Swap> {
        let receipts = self.hands.carry(self.order(number, from, to, why))?;
        self.outcome(number, &receipts, to)
    }
}

#[async_trait]
impl divert::Hands for Mover {
    async fn swap(&self, name: &Protected, from: &Place, to: &Place, reason: divert::Reason) -> Result<Swap> {
        let number = self.names.row(&name.zone(), &name.name())?;
        let mover = self.clone();
        let (from, to) = (from.clone(), to.clone());
        let carried = tokio::task::spawn_blocking(move || mover.carry(number, &from, &to, reason)).await;
        carried.unwrap_or_else(|cause| Err(Fault::new(&fault::THREAD).object("names").because(cause)))
    }

    async fn read(&self, name: &Protected) -> Result<Found> {
        let row = self.names.at(self.names.row(&name.zone(), &name.name())?);
        row.records.read(&row.name).await
    }

    fn note(&self, number: usize, name: &Protected, note: &Note) {
        let name = name.name();
        match note {
            Note::Asked(step) => self.ask(number, *step),
            Note::Moved(_, Ok(_)) => drop(self.names.alerts().remove(&number)),
            _ => {}
        }
        match note {
            Note::Stands(phase) => tracing::info!(name, ?phase, "a name stands otherwise than before"),
            Note::Asked(step) => tracing::warn!(name, ?step, "a person has to agree before a name moves"),
            Note::Moved(step, Ok(swap)) => tracing::warn!(name, ?step, ?swap, "a name was moved"),
            Note::Moved(step, Err(fault)) => {
                tracing::error!(name, ?step, fault = %fault.inside(), "a name was not moved; it is tried again");
            }
            Note::Unread(fault) => tracing::warn!(name, fault = %fault.inside(), "a name could not be read"),
        }
    }
}

//! `scrub-filter`: packets of a signature are dropped, while the order is in force.

use super::{lease_us, not_in_force, parameter, until};
use crate::claims::Claims;
use crate::fault;
use crate::port::SharedPackets;
use action::{Action, Adopted, Applied, HostView, Plan, Progress, pack, unpack};
use base::{Clock, Fault, Result};
use ddos::{Prefix, Signature};
use record::{ActionKind, Order};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

/// See the module.
pub struct ScrubFilter {
    packets: SharedPackets,
    protected: RwLock<BTreeSet<Prefix>>,
    clock: Arc<dyn Clock>,
    claims: Mutex<Claims<u64, i64>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Record {
    order: String,
    signature: Signature,
}

impl ScrubFilter {
    /// Over a filter that protects these.
    pub fn new(packets: SharedPackets, protected: BTreeSet<Prefix>, clock: Arc<dyn Clock>) -> ScrubFilter {
        ScrubFilter { packets, protected: RwLock::new(protected), clock, claims: Mutex::default() }
    }

    /// Protects these from now on.
    pub fn protect(&self, protected: BTreeSet<Prefix>) {
        *self.protected.write().unwrap_or_else(PoisonError::into_inner) = protected;
    }

    fn claims(&self) -> MutexGuard<'_, Claims<u64, i64>> {
        self.claims.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Protected, or the range around a protected address: nothing of it holds for others, for they have no level.
    fn covers(&self, destination: Prefix) -> bool {
        let around = |protected: &Prefix| protected.is_single() && ddos::network(protected.address()) == destination;
        let protected = self.protected.read().unwrap_or_else(PoisonError::into_inner);
        protected.iter().any(|protected| protected.covers(destination) || around(protected))
    }

    /// Takes out every signature that no order in force wants: an adopted filter may hold those of orders that ended
    /// meanwhile.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn settle(&self) -> Result<()> {
        let mut packets = self.packets.lock();
        let claims = self.claims();
        for id in packets.signatures()?.into_keys().filter(|id| claims.most(id).is_none()) {
            packets.drop_signature(id)?;
        }
        Ok(())
    }

    fn put(&self, record: &Record) -> Result<()> {
        self.claims().add(&record.signature.id, &record.order, record.signature.expires_us);
        // Of several orders for one signature the longest counts.
        let expires_us = self.claims().most(&record.signature.id).unwrap_or(record.signature.expires_us);
        self.packets.lock().put_signature(&Signature { expires_us, ..record.signature.clone() })
    }
}

impl Action for ScrubFilter {
    fn kind(&self) -> ActionKind {
        ActionKind::ScrubFilter
    }

    fn plan(&self, order: &Order, _host: &HostView) -> Result<Plan> {
        let text: String = parameter(order, "signature", "a signature as JSON")?;
        let wrong = |cause: serde_json::Error| {
            Fault::new(&fault::PARAMETER).object("parameter `signature`").expected("a signature as JSON").found(cause)
        };
        let given: Signature = serde_json::from_str(&text).map_err(wrong)?;
        let expires_us = self.clock.wall().saturating_add(lease_us(order));
        // Made anew: id and order of terms are ours, whatever was sent.
        let signature = Signature::new(given.destination, given.terms, expires_us);
        if signature.terms.is_empty() {
            let fault = Fault::new(&fault::PARAMETER).object("parameter `signature`");
            return Err(fault.expected("at least one term").found("none"));
        }
        if !self.covers(signature.destination) {
            return Err(Fault::new(&fault::NOT_PROTECTED).object(signature.destination));
        }
        let touched = vec![format!("drop {signature}")];
        Ok(Plan { touched, record: pack(&Record { order: order.id.clone(), signature })? })
    }

    fn apply(&self, _order: &Order, plan: &Plan, _host: &HostView, _progress: &mut Progress<'_>) -> Result<Applied> {
        self.put(&unpack(&plan.record)?)?;
        Ok(Applied { touched: plan.touched.clone(), record: plan.record.clone() })
    }

    fn verify(&self, _host: &HostView, record: &Value) -> Result<Vec<String>> {
        let Record { signature, .. } = unpack(record)?;
        match self.packets.lock().signatures()?.get(&signature.id) {
            Some(hits) => Ok(vec![format!("signature {:016x} is in force, {hits} packets dropped", signature.id)]),
            None => Err(not_in_force(format!("signature {:016x}", signature.id), "not in the filter")),
        }
    }

    fn undo(&self, _host: &HostView, record: &Value) -> Result<Vec<String>> {
        let Record { order, signature } = unpack(record)?;
        self.claims().remove(&signature.id, &order);
        if self.claims().most(&signature.id).is_some() {
            return Ok(vec![format!("signature {:016x} stays: another order wants it", signature.id)]);
        }
        let mut packets = self.packets.lock();
        packets.drop_signature(signature.id)?;
        if packets.signatures()?.contains_key(&signature.id) {
            return Err(not_in_force(format!("the end of signature {:016x}", signature.id), "still in the filter"));
        }
        Ok(vec![format!("signature {:016x} is gone", signature.id)])
    }

    fn adopt(&self, _host: &HostView, record: &Value, left_s: u64, _same_boot: bool) -> Result<Adopted> {
        let mut record: Record = unpack(record)?;
        record.signature.expires_us = until(&*self.clock, left_s);
        if !self.covers(record.signature.destination) {
            return Ok(Adopted::Over(format!("{} is not protected any more", record.signature.destination)));
        }
        self.put(&record)?;
        Ok(Adopted::Kept)
    }
}

//! `block`: everything from a source is dropped, while the order is in force.

use super::{lease_us, not_in_force, parameter, until};
use crate::claims::Claims;
use crate::fault;
use crate::port::SharedPackets;
use action::{Action, Adopted, Applied, HostView, Plan, Progress, pack, unpack};
use base::{Clock, Fault, Micros, Result};
use ddos::Prefix;
use record::{ActionKind, Order};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

/// See the module.
pub struct Block {
    packets: SharedPackets,
    /// Sources that are never banned: the operator's, routers, name servers, the server.
    never: RwLock<Vec<Prefix>>,
    clock: Arc<dyn Clock>,
    claims: Mutex<Claims<IpAddr, Micros>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Record {
    order: String,
    source: IpAddr,
    until_us: Micros,
}

impl Block {
    /// Over a filter; `never` holds what must stay reachable.
    pub fn new(packets: SharedPackets, never: Vec<Prefix>, clock: Arc<dyn Clock>) -> Block {
        Block { packets, never: RwLock::new(never), clock, claims: Mutex::default() }
    }

    /// Spares these from now on. A ban that stands has no effect on what is on the allow list, and ends with its lease.
    pub fn spare(&self, never: Vec<Prefix>) {
        *self.never.write().unwrap_or_else(PoisonError::into_inner) = never;
    }

    fn claims(&self) -> MutexGuard<'_, Claims<IpAddr, Micros>> {
        self.claims.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn spares(&self, source: IpAddr) -> bool {
        let kept = source.is_loopback() || source.is_unspecified() || source.is_multicast();
        kept || self.never.read().unwrap_or_else(PoisonError::into_inner).iter().any(|never| never.has(source))
    }

    /// Ends every ban that no order in force wants: an adopted filter may hold those of orders that ended meanwhile.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn settle(&self) -> Result<()> {
        let mut packets = self.packets.lock();
        let claims = self.claims();
        for source in packets.banned_sources()?.into_iter().filter(|source| claims.most(source).is_none()) {
            packets.unban(source)?;
        }
        Ok(())
    }

    fn put(&self, record: &Record) -> Result<()> {
        self.claims().add(&record.source, &record.order, record.until_us);
        let until_us = self.claims().most(&record.source).unwrap_or(record.until_us);
        self.packets.lock().ban(record.source, until_us.saturating_sub(self.clock.wall()).max(0))
    }
}

impl Action for Block {
    fn kind(&self) -> ActionKind {
        ActionKind::Block
    }

    fn plan(&self, order: &Order, _host: &HostView) -> Result<Plan> {
        let source: IpAddr = parameter(order, "address", "one address, as 198.51.100.7")?;
        let source = source.to_canonical();
        if self.spares(source) {
            let fault = Fault::new(&fault::GUARDED).object(source);
            return Err(fault.expected("a source that is not on the allow list"));
        }
        let until_us = self.clock.wall().saturating_add(lease_us(order));
        let touched = vec![format!("drop everything from {source}")];
        Ok(Plan { touched, record: pack(&Record { order: order.id.clone(), source, until_us })? })
    }

    fn apply(&self, _order: &Order, plan: &Plan, _host: &HostView, _progress: &mut Progress<'_>) -> Result<Applied> {
        self.put(&unpack(&plan.record)?)?;
        Ok(Applied { touched: plan.touched.clone(), record: plan.record.clone() })
    }

    fn verify(&self, _host: &HostView, record: &Value) -> Result<Vec<String>> {
        let Record { source, .. } = unpack(record)?;
        if !self.packets.lock().banned(source)? {
            return Err(not_in_force(format!("the ban of {source}"), "not in the filter"));
        }
        Ok(vec![format!("{source} is banned")])
    }

    fn undo(&self, _host: &HostView, record: &Value) -> Result<Vec<String>> {
        let Record { order, source, .. } = unpack(record)?;
        self.claims().remove(&source, &order);
        if self.claims().most(&source).is_some() {
            return Ok(vec![format!("{source} stays banned: another order wants it")]);
        }
        let mut packets = self.packets.lock();
        packets.unban(source)?;
        if packets.banned(source)? {
            return Err(not_in_force(format!("the end of the ban of {source}"), "still in the filter"));
        }
        Ok(vec![format!("{source} is not banned any more")])
    }

    fn adopt(&self, _host: &HostView, record: &Value, left_s: u64, _same_boot: bool) -> Result<Adopted> {
        let record: Record = unpack(record)?;
        // The allow list may have grown meanwhile.
        if self.spares(record.source) {
            return Ok(Adopted::Over(format!("{} is on the allow list now", record.source)));
        }
        self.put(&Record { until_us: until(&*self.clock, left_s), ..record })?;
        Ok(Adopted::Kept)
    }
}

//! Block an address or network in both directions. Parameter `address`: `192.0.2.7`, `2001:db8::/48`.

use crate::action::{Action, Adopted, Applied, Plan, Progress, network_of, pack, unpack};
use crate::firewall::{self, BLOCKS_MAX};
use crate::{HostView, fault};
use base::{Fault, Micros, Prefix, Result};
use record::{ActionKind, Order};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// See the module.
pub struct Block;

#[derive(Serialize, Deserialize)]
struct Record {
    order: String,
    lease_s: u64,
    prefix: Prefix,
}

impl Record {
    fn want(&self, host: &HostView, left_s: u64) {
        let ends = host.clock.monotonic() + (left_s as Micros).saturating_mul(1_000_000);
        host.firewall.wanted().blocks.insert(self.order.clone(), (self.prefix, ends));
    }

    /// Seconds the element has left in the kernel.
    fn left(&self, host: &HostView) -> Result<Option<u64>> {
        let set = firewall::set_name(self.prefix.address().is_ipv4(), self.prefix.length());
        let table = host.firewall.read()?.unwrap_or_default();
        Ok(firewall::expires(&table, &set, &self.prefix.address().to_string()))
    }
}

impl Action for Block {
    fn kind(&self) -> ActionKind {
        ActionKind::Block
    }

    fn plan(&self, order: &Order, host: &HostView) -> Result<Plan> {
        let prefix: Prefix = network_of(order, "address")?;
        host.never().check_address(&prefix, host)?;
        let blocks = host.firewall.wanted().blocks.len();
        if blocks >= BLOCKS_MAX {
            let fault = Fault::new(&fault::TOO_LARGE).object("blocks in force");
            return Err(fault.expected(format!("fewer than {BLOCKS_MAX}")).found(blocks));
        }
        let record = Record { order: order.id.clone(), lease_s: order.lease_s, prefix };
        let touched = vec![format!("traffic from and to {prefix:#}, also connections that are open now")];
        Ok(Plan { touched, record: pack(&record)? })
    }

    fn apply(&self, _: &Order, plan: &Plan, host: &HostView, _: &mut Progress<'_>) -> Result<Applied> {
        let record: Record = unpack(&plan.record)?;
        // Once more at the very place of enforcement: the list may have changed since the plan.
        host.never().check_address(&record.prefix, host)?;
        record.want(host, record.lease_s);
        host.firewall.sync(host.clock.monotonic())?;
        Ok(Applied { touched: plan.touched.clone(), record: plan.record.clone() })
    }

    fn verify(&self, host: &HostView, record: &Value) -> Result<Vec<String>> {
        let record: Record = unpack(record)?;
        host.firewall.check_chains()?;
        match record.left(host)? {
            Some(left) => Ok(vec![format!("{:#} is in the kernel's set for {left} s more", record.prefix)]),
            None => {
                let fault = Fault::new(&fault::UNVERIFIED).object(format!("block of {:#}", record.prefix));
                Err(fault.expected("an element in table inet garrison").found("none"))
            }
        }
    }

    fn undo(&self, host: &HostView, record: &Value) -> Result<Vec<String>> {
        let record: Record = unpack(record)?;
        host.firewall.wanted().blocks.remove(&record.order);
        host.firewall.sync(host.clock.monotonic())?;
        let others = host.firewall.wanted().blocks.values().any(|(prefix, _)| *prefix == record.prefix);
        match (record.left(host)?.is_some(), others) {
            (true, true) => Ok(vec![format!("another order keeps {:#} blocked", record.prefix)]),
            (false, false) => Ok(vec![format!("{:#} is in no set of the kernel any more", record.prefix)]),
            (found, _) => {
                let fault = Fault::new(&fault::UNVERIFIED).object(format!("block of {:#}", record.prefix));
                Err(fault.found(if found { "still in the set" } else { "missing from the set" }))
            }
        }
    }

    fn adopt(&self, host: &HostView, record: &Value, left_s: u64, _: bool) -> Result<Adopted> {
        let record: Record = unpack(record)?;
        // The list may have grown while we were away.
        if let Err(refused) = host.never().check_address(&record.prefix, host) {
            return Ok(Adopted::Over(refused.to_string()));
        }
        record.want(host, left_s);
        Ok(Adopted::Kept)
    }

    fn enforce(&self, host: &HostView) -> Result<()> {
        host.firewall.sync(host.clock.monotonic())
    }

    fn watched(&self) -> bool {
        true
    }
}

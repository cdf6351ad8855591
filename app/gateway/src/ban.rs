//! Block a source: it gets no answer at any site of this gateway. Parameter `address`: `192.0.2.7`, `2001:db8::/48`.
//!
//! Refused where connections and requests come in ([`flood::Bans`]); the ban ends by its time even if nobody takes it back.

use crate::filter::Filter;
use crate::offence::Policies;
use action::{Action, Adopted, Applied, HostView, Plan, Progress, fault, network_of, pack, unpack};
use base::{Fault, Micros, Prefix, Result};
use flood::Bans;
use record::{ActionKind, Order};
use serde_json::{Value, json};
use std::sync::{Arc, PoisonError};

/// See the module.
pub struct Ban {
    /// Where it is enforced.
    pub bans: Arc<Bans>,
    /// Whom nobody may ban.
    pub policies: Policies,
    /// The packet filter that drops them too.
    pub filter: Filter,
}

/// Order, network and lease of a record.
fn parts(record: &Value) -> Result<(String, Prefix, u64)> {
    unpack(record)
}

impl Ban {
    /// Refuses what is on the never-block list of this machine or of the configuration.
    fn check(&self, network: &Prefix, host: &HostView) -> Result<()> {
        host.never().check_address(network, host)?;
        let policies = self.policies.read().unwrap_or_else(PoisonError::into_inner);
        let entry = policies.never.iter().find(|entry| entry.overlaps(*network));
        entry.map_or(Ok(()), |entry| {
            let refused = Fault::new(&fault::NEVER).object(format!("address {network:#}"));
            Err(refused.expected("a target outside the list").found(format!("entry `gateway configuration {entry:#}`")))
        })
    }

    fn put(&self, order: &str, network: &Prefix, host: &HostView, left_s: u64) -> Result<()> {
        let ends = host.clock.monotonic().saturating_add((left_s as Micros).saturating_mul(1_000_000));
        self.bans.put(order, *network, ends)?;
        self.filter.ban(network, left_s);
        Ok(())
    }
}

impl Action for Ban {
    fn kind(&self) -> ActionKind {
        ActionKind::Block
    }

    fn plan(&self, order: &Order, host: &HostView) -> Result<Plan> {
        let network = network_of(order, "address")?;
        self.check(&network, host)?;
        if let Some(destination) = order.parameters.get("destination").filter(|text| !text.is_empty()) {
            let unsupported = Fault::new(&fault::UNSUPPORTED).object("parameter `destination`");
            return Err(unsupported.expected("none: a source is banned from all sites").found(destination));
        }
        let touched = vec![format!("connections and requests from {network:#} to every site of this gateway")];
        Ok(Plan { touched, record: pack(&json!([order.id, network, order.lease_s]))? })
    }

    fn apply(&self, _: &Order, plan: &Plan, host: &HostView, _: &mut Progress<'_>) -> Result<Applied> {
        let (order, network, lease_s) = parts(&plan.record)?;
        self.check(&network, host)?;
        self.put(&order, &network, host, lease_s)?;
        Ok(Applied { touched: plan.touched.clone(), record: plan.record.clone() })
    }

    fn verify(&self, host: &HostView, record: &Value) -> Result<Vec<String>> {
        let (order, network, _) = parts(record)?;
        match self.bans.left(&order, host.clock.monotonic()) {
            Some(left) => Ok(vec![format!("{network:#} is banned for {} s more", left / 1_000_000)]),
            None => {
                let unverified = Fault::new(&fault::UNVERIFIED).object(format!("ban of {network:#}"));
                Err(unverified.expected("an entry in the table of bans").found("none"))
            }
        }
    }

    fn undo(&self, _: &HostView, record: &Value) -> Result<Vec<String>> {
        let (order, network, _) = parts(record)?;
        if self.bans.lift(&order) {
            return Ok(vec![format!("another order keeps {network:#} banned")]);
        }
        self.filter.unban(&network);
        Ok(vec![format!("{network:#} is served again")])
    }

    fn adopt(&self, host: &HostView, record: &Value, left_s: u64, _: bool) -> Result<Adopted> {
        let (order, network, _) = parts(record)?;
        // The list may have grown while we were away.
        if let Err(refused) = self.check(&network, host) {
            return Ok(Adopted::Over(refused.to_string()));
        }
        self.put(&order, &network, host, left_s)?;
        Ok(Adopted::Kept)
    }
}

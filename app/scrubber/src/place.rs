//! One protected destination: its watch, and which orders stand for what the watch wants.
//!
//! What is wanted and what stands are compared every second: what was refused, failed or ended with its lease is ordered
//! again while it is still wanted, and nothing is ordered twice.

use crate::config::{Decide, Protected};
use crate::orders::{CONTROLLER, Orders, Reason};
use base::Micros;
use ddos::{Counters, Level, Prefix, Signature, Watch};
use record::{Order, Receipt, ReceiptState};
use std::collections::BTreeMap;
use std::time::Duration;

/// Lease of a level; a longer attack renews it.
const LEVEL: Duration = Duration::from_secs(3600);
/// An order is renewed when its lease has less left than this, µs.
const RENEW_US: Micros = 60_000_000;
/// What was refused is not ordered again before, µs.
const AGAIN_US: Micros = 10_000_000;

/// An order that stands.
#[derive(Debug, Clone)]
struct Standing {
    order: String,
    ends_us: Micros,
}

/// See the module.
pub struct Place {
    /// Its name.
    pub name: String,
    /// Its address or range.
    pub prefix: Prefix,
    /// The level below which it never falls.
    pub lowest: Level,
    /// What judges it.
    pub watch: Watch,
    /// The last reading of each interface.
    pub last: Vec<Option<Counters>>,
    /// Alert of the attack under way, empty when there is none.
    pub alert: String,
    /// When its attack was last reported.
    pub reported_us: Micros,
    /// What the watch wants, whether or not it is carried out.
    pub wanted: BTreeMap<u64, Signature>,
    level: Option<(Level, Standing)>,
    signatures: BTreeMap<u64, Standing>,
    /// Do not order before.
    refused_until_us: Micros,
}

impl Place {
    /// A destination as it is configured.
    pub fn new(prefix: Prefix, entry: &Protected, watch: Watch, interfaces: usize) -> Place {
        Place {
            name: entry.name.clone(),
            prefix,
            lowest: entry.lowest,
            watch,
            last: vec![None; interfaces],
            alert: String::new(),
            reported_us: 0,
            wanted: BTreeMap::new(),
            level: None,
            signatures: BTreeMap::new(),
            refused_until_us: 0,
        }
    }

    /// What was counted on all interfaces since the last second.
    pub fn delta(&mut self, interface: usize, now: Counters) -> Option<Counters> {
        let last = self.last.get_mut(interface)?.replace(now)?;
        Some(now - last)
    }

    /// The orders that bring what stands to what is wanted.
    pub fn reconcile(&mut self, now: Micros, decide: Decide, why: &str, orders: &Orders) -> Vec<Order> {
        if decide != Decide::Auto || now < self.refused_until_us {
            return Vec::new();
        }
        let reason = Reason { by: CONTROLLER.into(), text: format!("{}: {why}", self.name), alert: self.alert.clone() };
        let mut given = Vec::new();
        self.reconcile_level(now, &reason, orders, &mut given);
        self.reconcile_signatures(now, &reason, orders, &mut given);
        given
    }

    fn reconcile_level(&mut self, now: Micros, reason: &Reason, orders: &Orders, given: &mut Vec<Order>) {
        let wanted = Some(self.watch.level()).filter(|level| *level > self.lowest);
        let fits = |(level, standing): &(Level, Standing)| Some(*level) == wanted && standing.ends_us - now > RENEW_US;
        if self.level.as_ref().is_some_and(fits) || (wanted.is_none() && self.level.is_none()) {
            return;
        }
        // The new order first: between the two the destination is never without defence.
        let old = self.level.take();
        if let Some(level) = wanted {
            let order = orders.level(self.prefix, level, LEVEL, reason);
            self.level = Some((level, standing(&order, now)));
            given.push(order);
        }
        given.extend(old.map(|(_, standing)| orders.undo(&standing.order, reason)));
    }

    fn reconcile_signatures(&mut self, now: Micros, reason: &Reason, orders: &Orders, given: &mut Vec<Order>) {
        let gone: Vec<u64> = self.signatures.keys().filter(|id| !self.wanted.contains_key(id)).copied().collect();
        for standing in gone.iter().filter_map(|id| self.signatures.remove(id)) {
            given.push(orders.undo(&standing.order, reason));
        }
        for (id, signature) in &self.wanted {
            let left = self.signatures.get(id).map_or(0, |standing| standing.ends_us - now);
            let life = signature.expires_us - now;
            // Renewed while it lives much longer than its order.
            if left >= life.min(RENEW_US) {
                continue;
            }
            let lease = Duration::from_micros(u64::try_from(life).unwrap_or(0)).max(Duration::from_secs(2));
            let order = orders.filter(signature, lease, reason);
            self.signatures.insert(*id, standing(&order, now));
            given.push(order);
        }
    }

    /// A receipt of one of its orders, if it is one: what is over does not stand.
    pub fn heard(&mut self, receipt: &Receipt, now: Micros) {
        use ReceiptState::{Expired, Failed, Refused, Undone};
        let state = ReceiptState::try_from(receipt.state).unwrap_or(ReceiptState::Planned);
        if !matches!(state, Refused | Failed | Expired | Undone) {
            return;
        }
        let before = (self.level.is_some(), self.signatures.len());
        self.level.take_if(|(_, standing)| standing.order == receipt.order);
        self.signatures.retain(|_, standing| standing.order != receipt.order);
        let ours = before != (self.level.is_some(), self.signatures.len());
        if ours && matches!(state, Refused | Failed) {
            self.refused_until_us = now + AGAIN_US;
        }
    }

    /// How many orders stand.
    pub fn standing(&self) -> usize {
        usize::from(self.level.is_some()) + self.signatures.len()
    }
}

fn standing(order: &Order, now: Micros) -> Standing {
    let lease = i64::try_from(order.lease_s.saturating_mul(1_000_000)).unwrap_or(i64::MAX);
    Standing { order: order.id.clone(), ends_us: now.saturating_add(lease) }
}

//! `switch-dns`: a name has the addresses of another of its places, while the order is in force. Taken back means home.
//!
//! Only from what it is believed to be, only to a configured place, and never back to a home that is known to be down: an
//! order whose lease ends then is owed until home answers. Of two orders about a name the later one holds it.

use super::{lease_us, not_in_force, parameter};
use crate::fault;
use crate::names::{KEEPER, Names};
use action::{Action, Adopted, Applied, HostView, Plan, Progress, pack, unpack};
use base::{Fault, Micros, Result};
use divert::{Addresses, Condition, Swap};
use record::{ActionKind, Order};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;

/// See the module.
pub struct SwitchDns {
    names: Arc<Names>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Record {
    order: String,
    zone: String,
    name: String,
    from: Addresses,
    to: Addresses,
    lease_us: Micros,
    /// Whether the keeper of the names gave it.
    #[serde(default)]
    own: bool,
}

impl SwitchDns {
    /// Over the name servers of a configuration.
    pub fn new(names: Arc<Names>) -> SwitchDns {
        SwitchDns { names }
    }

    fn read(&self, order: &Order) -> Result<(usize, Record)> {
        let addresses = "addresses of a place of the name, as 192.0.2.1, 2001:db8::1";
        let from: Addresses = parameter(order, "from", addresses)?;
        let to: Addresses = parameter(order, "to", addresses)?;
        let text = |name| order.parameters.get(name).cloned().unwrap_or_default();
        let (zone, name) = (text("zone"), text("name"));
        let number = self.names.row(&zone, &name)?;
        let places = &self.names.at(number).places;
        if from == to || !places.iter().any(|place| place.addresses == to) {
            let known = places.iter().map(|place| place.addresses.to_string()).collect::<Vec<_>>().join(" or ");
            return Err(Fault::new(&fault::GUARDED).object(name).expected(known).found(format!("{from} to {to}")));
        }
        let own = order.by == KEEPER;
        Ok((number, Record { order: order.id.clone(), zone, name, from, to, lease_us: lease_us(order), own }))
    }

    fn number(&self, record: &Record) -> Result<usize> {
        self.names.row(&record.zone, &record.name)
    }
}

/// Somebody else changed it.
fn changed(name: &str, expected: &Addresses, found: &Addresses) -> Fault {
    Fault::new(&divert::fault::CHANGED).object(name).expected(expected).found(found)
}

impl Action for SwitchDns {
    fn kind(&self) -> ActionKind {
        ActionKind::SwitchDns
    }

    fn plan(&self, order: &Order, _host: &HostView) -> Result<Plan> {
        let (number, record) = self.read(order)?;
        let found = self.names.read(number)?;
        if found.addresses != record.from && found.addresses != record.to {
            return Err(changed(&record.name, &record.from, &found.addresses));
        }
        let Record { name, from, to, .. } = &record;
        let touched = vec![
            format!("every client of {name}: from {from} to {to}"),
            format!("resolvers that asked just now keep the old addresses for up to {} s", found.ttl_s),
        ];
        Ok(Plan { touched, record: pack(&record)? })
    }

    fn apply(&self, _order: &Order, plan: &Plan, _host: &HostView, _progress: &mut Progress<'_>) -> Result<Applied> {
        let record: Record = unpack(&plan.record)?;
        let number = self.number(&record)?;
        match self.names.swap(number, &record.from, &record.to)? {
            Swap::Done | Swap::Already => {}
            Swap::Changed(found) => return Err(changed(&record.name, &record.from, &found.addresses)),
        }
        self.names.ordered(number, &record.order, &record.to, record.lease_us, record.own);
        Ok(Applied { touched: plan.touched.clone(), record: plan.record.clone() })
    }

    fn verify(&self, _host: &HostView, record: &Value) -> Result<Vec<String>> {
        let record: Record = unpack(record)?;
        let seen = self.names.verify(self.number(&record)?)?;
        let says = |seen: &divert::Seen| match &seen.found {
            Ok(found) => format!("{} says {} for {} s", seen.server, found.addresses, found.ttl_s),
            Err(fault) => format!("{} says nothing: {fault}", seen.server),
        };
        // The first is the primary server; witnesses may be resolvers, which keep the old answer for its time.
        match seen.first() {
            Some(primary) if primary.says(&record.to) => Ok(seen.iter().map(says).collect()),
            primary => Err(not_in_force(&record.name, primary.map_or_else(|| "nobody asked".into(), says))),
        }
    }

    fn undo(&self, _host: &HostView, record: &Value) -> Result<Vec<String>> {
        let record: Record = unpack(record)?;
        let number = self.number(&record)?;
        let Some(home) = self.names.at(number).places.first().map(|place| place.addresses.clone()) else {
            return Err(Fault::new(&fault::NOT_PROTECTED).object(&record.name));
        };
        let later = self.names.standing().get(&number).map(|standing| standing.order.clone());
        if let Some(later) = later.filter(|later| *later != record.order) {
            return Ok(vec![format!("{} is left where it is: order {later} came after this one", record.name)]);
        }
        if record.to != home && self.names.home(number) == Condition::Down {
            let fault = Fault::new(&fault::GUARDED).object(&record.name);
            return Err(fault
                .expected(format!("a home that answers before it goes back to {home}"))
                .found("home is down"));
        }
        let lines = match self.names.swap(number, &record.to, &home)? {
            Swap::Done => vec![format!("{} has {home} again", record.name)],
            Swap::Already => vec![format!("{} has {home}", record.name)],
            Swap::Changed(found) => {
                vec![format!("{} was changed by somebody else to {}, and left so", record.name, found.addresses)]
            }
        };
        self.names.over(number, &record.order);
        Ok(lines)
    }

    fn adopt(&self, _host: &HostView, record: &Value, left_s: u64, _same_boot: bool) -> Result<Adopted> {
        let record: Record = unpack(record)?;
        let number = match self.number(&record) {
            Ok(number) => number,
            Err(gone) => return Ok(Adopted::Over(gone.to_string())),
        };
        let lease_us = Micros::try_from(left_s.saturating_mul(1_000_000)).unwrap_or(Micros::MAX);
        self.names.ordered(number, &record.order, &record.to, lease_us, record.own);
        Ok(Adopted::Kept)
    }
}

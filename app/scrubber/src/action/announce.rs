//! `flowspec` and `blackhole`: routers upstream are told, while the order is in force.

use super::{lease_us, parameter, until};
use crate::fault;
use crate::upstream::Routers;
use action::{Action, Adopted, Applied, HostView, Plan, Progress, pack, unpack};
use base::{Clock, Fault, Micros, Result};
use bgp::{Announcement, Approval};
use ddos::Prefix;
use record::{ActionKind, Order};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// How long a neighbour is given to be told before it is read back.
const PATIENCE: Duration = Duration::from_secs(1);
/// Looks within that time.
const LOOKS: u32 = 50;

/// See the module.
pub struct Announce {
    kind: ActionKind,
    routers: Arc<Routers>,
    /// Prefixes inside which blackholes may lie.
    within: Vec<Prefix>,
    clock: Arc<dyn Clock>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Record {
    order: String,
    announcement: Announcement,
    approval: Approval,
    until_us: Micros,
}

impl Announce {
    /// FlowSpec rules to routers.
    pub fn flowspec(routers: Arc<Routers>, clock: Arc<dyn Clock>) -> Announce {
        Announce { kind: ActionKind::Flowspec, routers, within: Vec::new(), clock }
    }

    /// Blackholes to routers, inside these prefixes only.
    pub fn blackhole(routers: Arc<Routers>, within: Vec<Prefix>, clock: Arc<dyn Clock>) -> Announce {
        Announce { kind: ActionKind::Blackhole, routers, within, clock }
    }

    fn announcement(&self, order: &Order) -> Result<Announcement> {
        if self.kind == ActionKind::Flowspec {
            let text: String = parameter(order, "rule", "a FlowSpec announcement as JSON")?;
            let wrong = |found: String| {
                Fault::new(&fault::PARAMETER)
                    .object("parameter `rule`")
                    .expected("a FlowSpec announcement as JSON")
                    .found(found)
            };
            return match serde_json::from_str(&text) {
                Ok(announcement @ Announcement::FlowSpec { .. }) => Ok(announcement),
                Ok(other) => Err(wrong(other.to_string())),
                Err(cause) => Err(wrong(cause.to_string())),
            };
        }
        let prefix: Prefix = parameter(order, "prefix", "a protected address, as 203.0.113.10/32")?;
        if !self.within.iter().any(|within| within.holds(prefix)) {
            let fault = Fault::new(&fault::GUARDED).object(format!("a blackhole of {prefix}"));
            return Err(fault.expected("a prefix inside `policy.blackhole_within`"));
        }
        Ok(Announcement::blackhole(prefix.to_string().parse()?))
    }

    fn tell(&self, record: &Record) -> Result<()> {
        let left = u64::try_from(record.until_us - self.clock.wall()).unwrap_or(0);
        let lease = Duration::from_micros(left).max(Duration::from_millis(1));
        self.routers.announce(&record.order, &record.announcement, lease, record.approval.clone())
    }
}

/// Who approved an order: the person, or the policy that let the controller give it.
fn approval(order: &Order) -> Approval {
    if order.origin == record::Origin::Operator as i32 {
        Approval::Person(order.by.clone())
    } else {
        Approval::Policy(order.by.clone())
    }
}

impl Action for Announce {
    fn kind(&self) -> ActionKind {
        self.kind
    }

    fn plan(&self, order: &Order, _host: &HostView) -> Result<Plan> {
        let announcement = self.announcement(order)?;
        let touched = vec![format!("tell {} neighbours: {announcement}", self.routers.count())];
        let until_us = self.clock.wall().saturating_add(lease_us(order));
        let record = Record { order: order.id.clone(), announcement, approval: approval(order), until_us };
        Ok(Plan { touched, record: pack(&record)? })
    }

    fn apply(&self, _order: &Order, plan: &Plan, _host: &HostView, _progress: &mut Progress<'_>) -> Result<Applied> {
        self.tell(&unpack(&plan.record)?)?;
        Ok(Applied { touched: plan.touched.clone(), record: plan.record.clone() })
    }

    fn verify(&self, _host: &HostView, record: &Value) -> Result<Vec<String>> {
        let record: Record = unpack(record)?;
        // The speaker tells within milliseconds, on a task of its own.
        for _ in 1..LOOKS {
            match self.routers.holds(&record.order) {
                Ok(lines) => return Ok(lines),
                // Who is not connected will not be within that time.
                Err(fault) if !self.routers.ready() => return Err(fault),
                Err(_) => std::thread::park_timeout(PATIENCE / LOOKS),
            }
        }
        self.routers.holds(&record.order)
    }

    fn undo(&self, _host: &HostView, record: &Value) -> Result<Vec<String>> {
        let record: Record = unpack(record)?;
        self.routers.withdraw(&record.order);
        Ok(vec![format!("withdrawn: {}", record.announcement)])
    }

    fn adopt(&self, _host: &HostView, record: &Value, left_s: u64, _same_boot: bool) -> Result<Adopted> {
        let mut record: Record = unpack(record)?;
        // What the journal counts, not what the wall clock said then.
        record.until_us = until(&*self.clock, left_s);
        // The routers forgot it when the last session ended.
        match self.tell(&record) {
            Ok(()) => Ok(Adopted::Kept),
            Err(fault) => Ok(Adopted::Over(fault.to_string())),
        }
    }
}

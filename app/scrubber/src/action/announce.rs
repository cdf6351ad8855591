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
    /// FlowSpec rules to routers; one that drops everything is a blackhole and lies inside these prefixes.
    pub fn flowspec(routers: Arc<Routers>, within: Vec<Prefix>, clock: Arc<dyn Clock>) -> Announce {
        Announce { kind: ActionKind::Flowspec, routers, within, clock }
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
                Ok(announcement @ Announcement::FlowSpec { .. }) => match announcement.takes_off_the_net() {
                    Some(gone) => self.may_go(gone).map(|()| announcement),
                    None => Ok(announcement),
                },
                Ok(other) => Err(wrong(other.to_string())),
                Err(cause) => Err(wrong(cause.to_string())),
            };
        }
        let prefix: Prefix = parameter(order, "prefix", "a protected address, as 203.0.113.10/32")?;
        self.may_go(prefix)?;
        Ok(Announcement::blackhole(prefix))
    }

    /// Whether addresses may be taken off the net.
    fn may_go(&self, prefix: Prefix) -> Result<()> {
        if self.within.iter().any(|within| within.covers(prefix)) {
            return Ok(());
        }
        let fault = Fault::new(&fault::GUARDED).object(format!("a blackhole of {prefix}"));
        Err(fault.expected("a prefix inside `policy.blackhole_within`"))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use base::{SystemClock, SystemRandom};

    #[tokio::test]
    async fn a_rule_that_drops_everything_is_a_blackhole() {
        let yaml = "interfaces: [eth0]\nprotect: [{name: shop, prefix: 203.0.113.0/24}]\n";
        let config = Config::parse(yaml, "test.yaml").unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let random: Arc<dyn base::Random> = Arc::new(SystemRandom::new());
        let routers = Routers::start(&config, &tokio::runtime::Handle::current(), &clock, &random).unwrap();
        let flowspec = Announce::flowspec(Arc::new(routers), vec!["203.0.113.8/29".parse().unwrap()], clock);
        let order = |to: &str, tests: &str| {
            let field = if tests.is_empty() { String::new() } else { format!(",{tests}") };
            let rule = format!(
                r#"{{"kind":"flow-spec","rule":{{"ipv6":false,"components":[{{"match":"destination","prefix":"{to}"}}{field}]}},"action":{{"do":"discard"}}}}"#
            );
            Order { parameters: [("rule".to_string(), rule)].into(), ..Order::default() }
        };
        let udp = r#"{"match":"field","field":"protocol","tests":[{"compare":1,"value":17}]}"#;
        let any = r#"{"match":"field","field":"length","tests":[{"compare":3,"value":0}]}"#;
        for (to, tests, good) in [
            ("203.0.113.9/32", "", true),
            ("203.0.113.77/32", "", false),
            ("203.0.113.77/32", any, false),
            ("203.0.113.77/32", udp, true),
        ] {
            let read = flowspec.announcement(&order(to, tests));
            assert_eq!(read.is_ok(), good, "{to} {tests}: {read:?}");
            assert!(good || read.unwrap_err().is(&fault::GUARDED));
        }
    }
}

//! Cut the host off but for the management path. Optional parameter `without_management` (`yes`): also when nobody
//! on another machine could take it back; then its lease ends it.
//!
//! Open stay: loopback, the configured management addresses and ports, the logged-in operators' ssh, and by
//! configuration DNS and DHCP. See `firewall.rs` for how the lease is kept when the agent is dead.

use crate::action::{Action, Adopted, Applied, Plan, Progress, pack, unpack};
use crate::firewall::{self, Isolation};
use crate::never::{Direction, Management};
use crate::{HostView, fault};
use base::{Fault, Micros, Result};
use record::{ActionKind, Order};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// See the module.
pub struct Isolate;

#[derive(Serialize, Deserialize)]
struct Record {
    order: String,
    lease_s: u64,
    management: Vec<Management>,
}

impl Record {
    fn want(&self, host: &HostView, left_s: u64) {
        let ends = host.clock.monotonic() + (left_s as Micros).saturating_mul(1_000_000);
        let isolation = Isolation { management: self.management.clone(), ends };
        host.firewall.wanted().isolations.insert(self.order.clone(), isolation);
    }
}

fn line(path: &Management) -> String {
    let port = if path.port == 0 { "any port".to_string() } else { format!("port {}", path.port) };
    match path.direction {
        Direction::Outbound => format!("stays open: from here to {} {port}", path.address),
        Direction::Inbound => format!("stays open: from {} to {port} here", path.address),
    }
}

impl Action for Isolate {
    fn kind(&self) -> ActionKind {
        ActionKind::Isolate
    }

    fn plan(&self, order: &Order, host: &HostView) -> Result<Plan> {
        let management = host.never().management_now(host);
        // A server on this very host is no way in for the people elsewhere.
        let from_outside = management.iter().any(|path| !path.address.address().is_loopback());
        let anyway = order.parameters.get("without_management").is_some_and(|text| text == "yes");
        if !from_outside && !anyway {
            let fault = Fault::new(&fault::NO_WAY_BACK).object("this host");
            let fault = fault.expected("a server or a logged-in operator on another machine");
            return Err(fault.found(match management.len() {
                0 => "none configured and nobody logged in",
                _ => "loopback paths only",
            }));
        }
        let mut touched = vec!["all network traffic of this host: input, output, forward".to_string()];
        touched.extend(management.iter().map(line));
        if !from_outside {
            touched.push("NO management path from outside: only the end of the lease releases the host".to_string());
        }
        let record = Record { order: order.id.clone(), lease_s: order.lease_s, management };
        Ok(Plan { touched, record: pack(&record)? })
    }

    fn apply(&self, _: &Order, plan: &Plan, host: &HostView, _: &mut Progress<'_>) -> Result<Applied> {
        let record: Record = unpack(&plan.record)?;
        record.want(host, record.lease_s);
        host.firewall.sync(host.clock.monotonic())?;
        Ok(Applied { touched: plan.touched.clone(), record: plan.record.clone() })
    }

    fn verify(&self, host: &HostView, _: &Value) -> Result<Vec<String>> {
        let unverified = |found: &str| Fault::new(&fault::UNVERIFIED).object("isolation").found(found);
        let table = host.firewall.read()?.ok_or_else(|| unverified("no table inet garrison in the kernel"))?;
        let hooks = firewall::dropping_hooks(&table);
        let missing = ["input", "output", "forward"].iter().find(|hook| !hooks.contains(**hook));
        if let Some(hook) = missing {
            return Err(unverified(&format!("chain {hook} does not end in a drop")));
        }
        let left = |family| firewall::expires(&table, firewall::lease_set(), family);
        let (Some(v4), Some(v6)) = (left("ipv4"), left("ipv6")) else {
            return Err(unverified("the lease elements have expired in the kernel"));
        };
        host.firewall.compare(&table)?;
        Ok(vec![
            "chains input, output and forward of table inet garrison are as we wrote them and end in a drop"
                .to_string(),
            format!("the kernel releases IPv4 in {v4} s and IPv6 in {v6} s by itself"),
        ])
    }

    fn undo(&self, host: &HostView, record: &Value) -> Result<Vec<String>> {
        let record: Record = unpack(record)?;
        host.firewall.wanted().isolations.remove(&record.order);
        host.firewall.sync(host.clock.monotonic())?;
        let others = host.firewall.wanted().isolations.len();
        let table = host.firewall.read()?.unwrap_or_default();
        let cut = !firewall::dropping_hooks(&table).is_empty();
        if cut != (others > 0) {
            let found = if cut { "still cut off" } else { "not cut off" };
            return Err(Fault::new(&fault::UNVERIFIED).object("isolation").found(found));
        }
        Ok(vec![match others {
            0 => "no chain of table inet garrison drops everything any more".to_string(),
            others => format!("{others} other orders keep the host isolated"),
        }])
    }

    fn adopt(&self, host: &HostView, record: &Value, left_s: u64, _: bool) -> Result<Adopted> {
        unpack::<Record>(record)?.want(host, left_s);
        Ok(Adopted::Kept)
    }

    fn enforce(&self, host: &HostView) -> Result<()> {
        host.firewall.sync(host.clock.monotonic())
    }

    fn watched(&self) -> bool {
        true
    }
}

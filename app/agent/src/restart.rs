//! A denied execution on this host's kernel, across a restart of the agent's threads: put in force again at once,
//! read back from the kernel, and really allowed when it is taken back.

use crate::config::{Config, Respond};
use crate::outlet::Outlet;
use crate::service::Service;
use base::{Result, SystemClock};
use record::{ActionKind, Alert, Event, Order, OrderMode, Receipt, ReceiptState, Sample};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

struct Receipts(Sender<Receipt>);

impl Outlet for Receipts {
    fn events(&self, events: &mut Vec<Event>) {
        events.clear();
    }

    fn alert(&self, alert: Alert) -> Result<Alert> {
        Ok(alert)
    }

    fn receipt(&self, receipt: Receipt) -> Result<()> {
        // A test that is over listens no more.
        let _ = self.0.send(receipt);
        Ok(())
    }

    fn sample(&self, _: Sample) {}

    fn keep(&self) {}
}

fn start(state: &Path) -> Result<(Service, Receiver<Receipt>)> {
    let (sender, receipts) = channel();
    let quiet = crate::bench::config(state);
    let config = Config { respond: Respond::Observe, metrics_seconds: 0, ..quiet };
    let clock = Arc::new(SystemClock::default());
    Ok((Service::start(&config, Arc::new(Receipts(sender)), clock, Default::default())?, receipts))
}

fn runs(path: &Path) -> bool {
    Command::new(path).status().is_ok_and(|status| status.success())
}

#[test]
fn a_denied_file_stays_denied_when_the_agent_starts_again() {
    if !rustix::process::geteuid().is_root() {
        return println!("skipped: denying executions needs root");
    }
    let folder = std::env::temp_dir().join(format!("garrison-restart-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let folder = folder.canonicalize().unwrap();
    let evil = folder.join("evil");
    std::fs::copy("/bin/true", &evil).unwrap();
    let (service, receipts) = match start(&folder.join("state")) {
        Ok(started) => started,
        Err(fault) => {
            let _ = std::fs::remove_dir_all(&folder);
            return println!("skipped: the sensor does not start here: {fault}");
        }
    };
    let deny = Order {
        id: "deny".into(),
        action: ActionKind::DenyExec as i32,
        mode: OrderMode::Apply as i32,
        parameters: [("path".to_string(), evil.display().to_string())].into(),
        lease_s: 600,
        ..Order::default()
    };
    service.orders().send(deny).unwrap();
    let first = receipts.recv().unwrap();
    let before = runs(&evil);
    service.stop();
    let stopped = runs(&evil);
    let (service, receipts) = start(&folder.join("state")).unwrap();
    let again = runs(&evil);
    let undo = Order { id: "undo".into(), mode: OrderMode::Undo as i32, undoes: "deny".into(), ..Order::default() };
    service.orders().send(undo).unwrap();
    let undone = receipts.recv().unwrap();
    let after = runs(&evil);
    service.stop();
    let _ = std::fs::remove_dir_all(&folder);
    assert_eq!(first.state(), ReceiptState::Verified, "{first:?}");
    assert_eq!((undone.order.as_str(), undone.state()), ("undo", ReceiptState::Undone), "{undone:?}");
    assert_eq!([before, stopped, again, after], [false, true, false, true]);
    println!("{:?} {:?}", first.observed, undone.observed);
}

//! A program with an action of its own: the same journal, leases, read-back and never-block list, over a thing it owns.

use crate::scene::{Scene, dry, expect, order, undo};
use action::{Action, Adopted, Applied, ExecutorConfig, Hands, HostView, Plan, Progress, Sessions};
use action::{NeverList, fault, network_of, pack, unpack};
use base::{Fault, Prefix, Result};
use record::{ActionKind, Order, ReceiptState};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

/// Routes of a speaker, as its neighbours would see them.
#[derive(Default)]
struct Routes {
    announced: Mutex<BTreeSet<Prefix>>,
    /// Taken over after a restart and to be announced again.
    wanted: Mutex<BTreeSet<Prefix>>,
}

struct Announce(Arc<Routes>);

impl Action for Announce {
    fn kind(&self) -> ActionKind {
        ActionKind::Blackhole
    }

    fn plan(&self, order: &Order, host: &HostView) -> Result<Plan> {
        let prefix: Prefix = network_of(order, "prefix")?;
        host.never().check_address(&prefix, host)?;
        Ok(Plan { touched: vec![format!("all traffic to {prefix}")], record: pack(&prefix)? })
    }

    fn apply(&self, _: &Order, plan: &Plan, _: &HostView, _: &mut Progress<'_>) -> Result<Applied> {
        self.0.announced.lock().unwrap().insert(unpack(&plan.record)?);
        Ok(Applied { touched: plan.touched.clone(), record: plan.record.clone() })
    }

    fn verify(&self, _: &HostView, record: &Value) -> Result<Vec<String>> {
        let prefix: Prefix = unpack(record)?;
        match self.0.announced.lock().unwrap().contains(&prefix) {
            true => Ok(vec![format!("{prefix} is announced")]),
            false => Err(Fault::new(&fault::UNVERIFIED).object(prefix).found("not announced")),
        }
    }

    fn undo(&self, _: &HostView, record: &Value) -> Result<Vec<String>> {
        let prefix: Prefix = unpack(record)?;
        self.0.announced.lock().unwrap().remove(&prefix);
        Ok(vec![format!("{prefix} is withdrawn")])
    }

    fn adopt(&self, _: &HostView, record: &Value, _: u64, _: bool) -> Result<Adopted> {
        self.0.wanted.lock().unwrap().insert(unpack(record)?);
        Ok(Adopted::Kept)
    }

    fn enforce(&self, _: &HostView) -> Result<()> {
        let wanted = self.0.wanted.lock().unwrap().clone();
        self.0.announced.lock().unwrap().extend(wanted);
        Ok(())
    }

    fn watched(&self) -> bool {
        true
    }
}

/// A program that owns these routes.
fn scene(routes: &Arc<Routes>) -> Scene {
    let mut scene = Scene::new();
    let hands = Hands::of([Arc::new(Announce(Arc::clone(routes))) as Arc<dyn Action>]);
    scene.config = ExecutorConfig::edge(scene.path("edge"), hands);
    let addresses = vec!["192.0.2.0/24".parse().unwrap()];
    scene.config.never = NeverList { sessions: Sessions::None, addresses, ..NeverList::default() };
    scene
}

fn blackhole(id: &str, prefix: &str) -> Order {
    order(id, ActionKind::Blackhole, &[("prefix", prefix)], 600)
}

#[test]
fn an_action_of_a_program_has_dry_run_lease_read_back_and_undo() {
    let routes = Arc::new(Routes::default());
    let mut executor = scene(&routes).start();
    expect(&executor.execute(&dry(blackhole("plan", "198.51.100.7"))), ReceiptState::Planned);
    assert!(routes.announced.lock().unwrap().is_empty());
    let done = expect(&executor.execute(&blackhole("one", "198.51.100.7")), ReceiptState::Verified);
    assert_eq!(done.observed, ["198.51.100.7/32 is announced"]);
    assert!(done.lease_ends_us > 0);
    let refused = expect(&executor.execute(&blackhole("two", "192.0.2.9")), ReceiptState::Refused);
    assert_eq!(refused.fault, "action.never-list");
    expect(&executor.execute(&undo("back", "one")), ReceiptState::Undone);
    assert!(routes.announced.lock().unwrap().is_empty());
}

#[test]
fn what_a_host_can_do_is_refused_by_a_program_without_hands_for_it() {
    let mut executor = scene(&Arc::default()).start();
    let refused = expect(&executor.execute(&order("k", ActionKind::Isolate, &[], 60)), ReceiptState::Refused);
    assert_eq!(refused.fault, "action.no-hands");
    let of_host = expect(&Scene::new().start().execute(&blackhole("b", "198.51.100.7")), ReceiptState::Refused);
    assert_eq!(of_host.fault, "action.no-hands");
}

#[test]
fn a_restart_takes_over_and_puts_in_force_again_what_is_gone() {
    let routes = Arc::new(Routes::default());
    let scene = scene(&routes);
    expect(&scene.start().execute(&blackhole("one", "198.51.100.7")), ReceiptState::Verified);
    // The session with the neighbours ended with the program.
    routes.announced.lock().unwrap().clear();
    let mut executor = scene.start();
    assert_eq!(routes.announced.lock().unwrap().len(), 1);
    assert_eq!(executor.in_force().len(), 1);
    // Somebody withdraws it behind our back; the next look sees it.
    routes.announced.lock().unwrap().clear();
    let put_back = expect(&executor.tick(), ReceiptState::Verified);
    assert!(put_back.observed[0].contains("put back") && routes.announced.lock().unwrap().len() == 1);
}

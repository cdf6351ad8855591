//! Automatic response: a rule's `response:` becomes orders, within a budget.
//!
//! The budget keeps one bad rule from killing a whole host: so many orders of a kind a minute are carried out,
//! what is above becomes a dry run that says so. The same target gets the same order once a minute.

use base::{Clock, Micros};
use record::{ActionKind, Activity, Alert, Event, FileId, Order, OrderMode, Origin, Process, Response};
use std::collections::{BTreeMap, VecDeque};

/// Length of the budget's window, µs.
const MINUTE: Micros = 60_000_000;
/// Lease when the rule names none, seconds.
pub const LEASE_DEFAULT_S: u64 = 3600;
/// Targets remembered within the window.
const TARGETS: usize = 4096;
/// Most responses of one alert.
const RESPONSES: usize = 16;

/// Orders of a kind a minute that a host's rules may have carried out.
pub const BUDGET: &[(ActionKind, usize)] = &[
    (ActionKind::KillTree, 20),
    (ActionKind::Freeze, 20),
    (ActionKind::Quarantine, 10),
    (ActionKind::Isolate, 1),
    (ActionKind::Block, 30),
    (ActionKind::DenyExec, 10),
    (ActionKind::Export, 2),
];

/// Turns alerts into orders.
pub struct Reflex {
    budget: Vec<(ActionKind, usize)>,
    agent: String,
    boot: String,
    /// Our own mount namespace, 0 when unknown.
    mount_namespace: u32,
    spent: BTreeMap<ActionKind, VecDeque<Micros>>,
    recent: BTreeMap<String, Micros>,
}

impl Reflex {
    /// For this agent (32 hexadecimal digits), in this start of the host ([`crate::Boot::now`]).
    pub fn new(agent: impl Into<String>, boot: impl Into<String>, mount_namespace: u32) -> Reflex {
        let (agent, boot) = (agent.into(), boot.into());
        let (budget, spent, recent) = (BUDGET.to_vec(), BTreeMap::new(), BTreeMap::new());
        Reflex { budget, agent, boot, mount_namespace, spent, recent }
    }

    /// Another budget than [`BUDGET`]; kinds that it does not name come to dry runs.
    pub fn set_budget(&mut self, budget: Vec<(ActionKind, usize)>) {
        self.budget = budget;
    }

    /// The orders that the alert's rule asks for about this event, in the rule's order. A response without a
    /// target in the event (a block without an address) gives none.
    pub fn orders_for(&mut self, alert: &Alert, event: &Event, clock: &dyn Clock) -> Vec<Order> {
        let now = clock.monotonic();
        self.recent.retain(|_, at| now.saturating_sub(*at) < MINUTE);
        let mut orders = Vec::new();
        for response in alert.responses.iter().take(RESPONSES) {
            let Some(kind) = ActionKind::from_word(&response.action) else { continue };
            let Some(parameters) = self.parameters(kind, event) else { continue };
            let target = format!("{} {} {parameters:?}", alert.rule, kind.word());
            if self.recent.contains_key(&target) {
                continue;
            }
            if self.recent.len() < TARGETS {
                self.recent.insert(target.clone(), now);
            }
            let within = self.spend(kind, now);
            orders.push(self.order(alert, event, response, kind, parameters, (&target, within), clock));
        }
        orders
    }

    #[allow(clippy::too_many_arguments, reason = "each is a part of the order")]
    fn order(
        &self,
        alert: &Alert,
        event: &Event,
        response: &Response,
        kind: ActionKind,
        parameters: BTreeMap<String, String>,
        (target, within): (&str, bool),
        clock: &dyn Clock,
    ) -> Order {
        let lease_s = if kind.undoable() && response.lease_s == 0 { LEASE_DEFAULT_S } else { response.lease_s };
        let seed = format!("{} {} {} {target} {}", self.agent, self.boot, event.time_us, clock.wall());
        let surplus = if within { "" } else { " (dry run: the budget of this kind for the minute is spent)" };
        Order {
            id: format!("ord-{}", &crate::digest::hex_of(seed.as_bytes())[..20]),
            agent: self.agent.clone(),
            action: kind as i32,
            mode: if within { OrderMode::Apply } else { OrderMode::DryRun } as i32,
            parameters,
            lease_s,
            origin: Origin::Rule as i32,
            by: alert.rule.clone(),
            reason: format!("{}{surplus}", alert.title),
            alert: alert.id.clone(),
            incident: String::new(),
            issued_us: clock.wall(),
            undoes: String::new(),
        }
    }

    /// Whether the budget allows one more.
    fn spend(&mut self, kind: ActionKind, now: Micros) -> bool {
        let most = self.budget.iter().find(|(of, _)| *of == kind).map_or(0, |(_, most)| *most);
        let spent = self.spent.entry(kind).or_default();
        while spent.front().is_some_and(|at| now.saturating_sub(*at) >= MINUTE) {
            spent.pop_front();
        }
        let within = spent.len() < most;
        if within {
            spent.push_back(now);
        }
        within
    }

    fn parameters(&self, kind: ActionKind, event: &Event) -> Option<BTreeMap<String, String>> {
        let process = event.process.as_ref().map(|process| &process.info);
        let mut parameters = BTreeMap::new();
        match kind {
            ActionKind::KillTree | ActionKind::Freeze => self.name_process(&mut parameters, process?),
            ActionKind::Export => {
                if let Some(process) = process {
                    self.name_process(&mut parameters, process);
                }
            }
            ActionKind::Quarantine | ActionKind::DenyExec => {
                let file = match &event.activity {
                    Activity::File(file) => after(file),
                    // What was found and what was changed, never the program that wrote or scanned it.
                    Activity::Scan(scan) => scan.file.clone(),
                    Activity::Integrity(changed) => changed.file.clone(),
                    Activity::Log(_) | Activity::Asset(_) | Activity::Http(_) => return None,
                    _ => process?.exe.clone(),
                };
                self.name_file(&mut parameters, &file, process)?;
            }
            ActionKind::Block => {
                let address = match &event.activity {
                    Activity::Net(net) => net.remote()?,
                    Activity::Http(http) => http.client()?,
                    _ => return None,
                };
                parameters.insert("address".to_string(), address.to_string());
            }
            ActionKind::Isolate => {}
            // What a gateway decides is its own; no rule about one event asks for it.
            ActionKind::ScrubLevel
            | ActionKind::ScrubFilter
            | ActionKind::Flowspec
            | ActionKind::Blackhole
            | ActionKind::SwitchDns
            | ActionKind::Unknown => return None,
        }
        Some(parameters)
    }

    fn name_process(&self, parameters: &mut BTreeMap<String, String>, process: &Process) {
        parameters.insert("process".to_string(), process.key().to_string());
        parameters.insert("boot".to_string(), self.boot.clone());
    }

    fn name_file(
        &self,
        parameters: &mut BTreeMap<String, String>,
        file: &FileId,
        process: Option<&Process>,
    ) -> Option<()> {
        if !file.path.starts_with('/') || file.unlinked {
            return None;
        }
        parameters.insert("path".to_string(), file.path.clone());
        if file.inode != 0 {
            parameters.insert("inode".to_string(), file.inode.to_string());
            parameters.insert("device".to_string(), file.device.to_string());
        }
        let elsewhere = |process: &&Process| ![0, self.mount_namespace].contains(&process.namespaces.mnt);
        if let Some(process) = process.filter(elsewhere) {
            self.name_process(parameters, process);
        }
        Some(())
    }
}

/// The file as it is named after the activity.
fn after(activity: &record::FileActivity) -> FileId {
    use record::FileOp;
    let mut file = activity.file.clone();
    if activity.op == FileOp::Rename as i32 && !activity.target.is_empty() {
        file.path = activity.target.clone();
    }
    file
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::ManualClock;
    use record::{Exec, NetActivity, Proc};

    fn alert(actions: &[&str]) -> Alert {
        let responses = actions.iter().map(|action| Response { action: action.to_string(), lease_s: 0 }).collect();
        Alert { rule: "r".into(), title: "t".into(), responses, ..Alert::default() }
    }

    fn event(key: u64, activity: Activity) -> Event {
        let mut info = Process { key, ..Process::default() };
        info.exe = FileId { path: "/tmp/x".into(), inode: 5, device: 6, ..FileId::default() };
        Event { seq: 0, time_us: key as i64, process: Some(Proc::new(info, None)), activity }
    }

    #[test]
    fn each_response_finds_its_target() {
        let mut reflex = Reflex::new("ab", "boot", 7);
        let clock = ManualClock::at(1);
        let net = NetActivity { remote_ip: vec![192, 0, 2, 7], ..NetActivity::default() };
        let orders = reflex.orders_for(
            &alert(&["kill-tree", "block", "quarantine", "nonsense"]),
            &event(9, Activity::Net(net)),
            &clock,
        );
        let words: Vec<&str> = orders.iter().map(|order| order.action().word()).collect();
        assert_eq!(words, ["kill-tree", "block", "quarantine"]);
        assert_eq!(orders[1].parameters["address"], "192.0.2.7");
        assert_eq!((orders[1].lease_s, orders[0].lease_s), (LEASE_DEFAULT_S, 0));
        assert_eq!((orders[2].parameters["path"].as_str(), orders[2].parameters["inode"].as_str()), ("/tmp/x", "5"));
        assert!(orders.iter().all(|order| order.mode() == OrderMode::Apply && order.origin() == Origin::Rule));
        let none = reflex.orders_for(&alert(&["block"]), &event(9, Activity::Exec(Exec::default())), &clock);
        assert!(none.is_empty());
    }

    #[test]
    fn the_budget_turns_surplus_into_dry_runs_and_refills() {
        let mut reflex = Reflex::new("ab", "boot", 0);
        let clock = ManualClock::at(1);
        let mut modes = Vec::new();
        for key in 1..=25 {
            let orders =
                reflex.orders_for(&alert(&["kill-tree"]), &event(key, Activity::Exec(Exec::default())), &clock);
            modes.extend(orders.iter().map(|order| order.mode()));
        }
        assert_eq!(modes.iter().filter(|mode| **mode == OrderMode::Apply).count(), 20);
        assert!(modes[20..].iter().all(|mode| *mode == OrderMode::DryRun));
        let again = reflex.orders_for(&alert(&["kill-tree"]), &event(3, Activity::Exec(Exec::default())), &clock);
        assert!(again.is_empty(), "the same target within the minute");
        clock.advance(MINUTE);
        let later = reflex.orders_for(&alert(&["kill-tree"]), &event(3, Activity::Exec(Exec::default())), &clock);
        assert_eq!(later[0].mode(), OrderMode::Apply);
    }
}

//! Scenarios, and what holds for any series of alerts.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should say where")]

#[path = "it/follow.rs"]
mod follow;
#[path = "it/golden.rs"]
mod golden;
#[path = "it/ways.rs"]
mod ways;

use correlate::{Change, Correlator, Limits};
use proptest::prelude::*;
use record::*;
use std::collections::BTreeSet;
use std::sync::Arc;

const MINUTE_US: i64 = 60_000_000;

/// A process below `parent`; `/usr/sbin/nginx` leads its session, as daemons do.
fn proc(pid: u32, path: &str, parent: Option<&Arc<Proc>>) -> Arc<Proc> {
    let info = Process {
        key: ProcessKey::from_ticks(pid, u64::from(pid)).0,
        comm: path.rsplit('/').next().unwrap_or_default().into(),
        exe: FileId { path: path.into(), sha256: vec![path.len() as u8; 32], ..FileId::default() },
        user: User { uid: 33, name: "www-data".into(), loginuid: u32::MAX, ..User::default() },
        session: if path.ends_with("nginx") || path.ends_with("bash") { pid } else { 0 },
        ..Process::default()
    };
    Proc::new(info, parent.cloned())
}

fn with_user(proc: &Arc<Proc>, uid: u32) -> Arc<Proc> {
    let user = User { uid, loginuid: u32::MAX, ..User::default() };
    Proc::new(Process { user, ..proc.info.clone() }, proc.parent.clone())
}

fn host(name: &str) -> Host {
    Host { name: name.into(), boot_id: format!("boot of {name}"), ..Host::default() }
}

/// An alert at a minute on a host about a process, of one tactic.
struct Seen {
    minute: i64,
    host: &'static str,
    process: Option<Arc<Proc>>,
    activity: Activity,
    tactic: &'static str,
    drill: &'static str,
}

impl Seen {
    fn exec(minute: i64, host: &'static str, process: &Arc<Proc>, tactic: &'static str) -> Seen {
        let activity = Activity::Exec(Exec::default());
        Seen { minute, host, process: Some(process.clone()), activity, tactic, drill: "" }
    }

    fn connect(mut self, ip: [u8; 4]) -> Seen {
        let net = NetActivity { op: NetOp::Connect as i32, remote_ip: ip.to_vec(), ..NetActivity::default() };
        self.activity = Activity::Net(net);
        self
    }

    fn drill(mut self, drill: &'static str) -> Seen {
        self.drill = drill;
        self
    }

    fn alert(&self, number: usize) -> Alert {
        let time_us = self.minute * MINUTE_US;
        let event = Event { seq: 0, time_us, process: self.process.clone(), activity: self.activity.clone() };
        Alert {
            id: format!("a{number}"),
            rule: format!("rule {number}"),
            title: format!("alert {number}"),
            severity: Severity::Medium as i32,
            techniques: vec![Technique { id: format!("T{number}"), tactics: vec![self.tactic.into()] }],
            time_us,
            decided_us: time_us,
            evidence: Batch::pack(host(self.host), [&event]),
            agent: format!("agent of {}", self.host),
            drill: self.drill.into(),
            ..Alert::default()
        }
    }
}

fn feed(correlator: &mut Correlator, all: &[Seen]) -> Vec<Change> {
    let observe = |(number, seen): (usize, &Seen)| correlator.observe(&seen.alert(number + 1), &host(seen.host));
    all.iter().enumerate().map(observe).collect()
}

fn run(all: &[Seen]) -> (Correlator, Vec<Change>) {
    let mut correlator = Correlator::new(Limits::default());
    let changes = feed(&mut correlator, all);
    (correlator, changes)
}

/// Feeds the alerts; gives the incident of each.
fn ids(all: &[Seen]) -> Vec<String> {
    run(all).1.iter().map(|change| change.id().to_owned()).collect()
}

#[test]
fn alerts_join_by_what_they_share_and_by_nothing_else() {
    let init = proc(1, "/usr/lib/systemd/systemd", None);
    let sshd = proc(300, "/usr/sbin/sshd", Some(&init));
    let false_sshd = proc(301, "/tmp/sshd", Some(&init));
    let nginx = proc(400, "/usr/sbin/nginx", Some(&init));
    let shell = proc(500, "/bin/sh", Some(&nginx));
    let [curl, other] = [proc(501, "/usr/bin/curl", Some(&shell)), proc(502, "/usr/bin/id", Some(&nginx))];
    let [one, two] =
        [(601, &sshd), (602, &sshd)].map(|(pid, parent)| with_user(&proc(pid, "/bin/ls", Some(parent)), pid));
    let [three, four] = [701, 702].map(|pid| with_user(&proc(pid, "/bin/ls", Some(&false_sshd)), pid));
    let dropper = |pid| with_user(&proc(pid, "/tmp/.x/dropper", None), pid);
    let [tool, tool_other] = [800, 801].map(|pid| with_user(&proc(pid, "/usr/bin/curl", None), pid));
    let at = |minute, host, process| Seen::exec(minute, host, process, "execution");
    let (a, b) = ("web-1", "web-2");
    let far = 60 * 24;
    let cases: Vec<(&str, Seen, Seen, bool)> = vec![
        ("the same process, a day apart", at(0, a, &curl), at(far, a, &curl), true),
        ("child and parent, a day apart", at(0, a, &curl), at(far, a, &shell), true),
        ("parent and child, a day apart", at(0, a, &shell), at(far, a, &curl), true),
        ("below one daemon, soon", at(0, a, &curl), at(20, a, &with_user(&other, 0)), true),
        ("below one daemon, a day apart", at(0, a, &curl), at(far, a, &with_user(&other, 0)), false),
        ("below sshd", at(0, a, &one), at(0, a, &two), false),
        ("below a file that calls itself sshd", at(0, a, &three), at(0, a, &four), true),
        ("the same pid on another host", at(0, a, &tool), at(0, b, &tool), false),
        ("the same account, soon", at(0, a, &other), at(9, a, &proc(990, "/bin/ls", None)), true),
        ("the same account, later", at(0, a, &other), at(11, a, &proc(990, "/bin/ls", None)), false),
        ("the same account, another host", at(0, a, &other), at(0, b, &proc(990, "/bin/ls", None)), false),
        ("a dropped file on two hosts", at(0, a, &dropper(11)), at(59, b, &dropper(12)), true),
        ("a dropped file on two hosts, later", at(0, a, &dropper(11)), at(61, b, &dropper(12)), false),
        ("a system tool on two hosts", at(0, a, &tool), at(0, b, &tool_other), false),
        (
            "one address from two hosts",
            at(0, a, &tool).connect([203, 0, 113, 9]),
            at(5, b, &tool_other).connect([203, 0, 113, 9]),
            true,
        ),
        (
            "loopback on two hosts",
            at(0, a, &tool).connect([127, 0, 0, 1]),
            at(5, b, &tool_other).connect([127, 0, 0, 1]),
            false,
        ),
        ("a drill and an attack", at(0, a, &curl).drill("D1"), at(0, a, &curl), false),
        ("two drills", at(0, a, &curl).drill("D1"), at(0, a, &curl).drill("D2"), false),
        ("one drill", at(0, a, &curl).drill("D1"), at(0, a, &shell).drill("D1"), true),
    ];
    for (what, first, second, joined) in cases {
        let ids = ids(&[first, second]);
        assert_eq!(ids[0] == ids[1], joined, "{what}");
    }
}

#[test]
fn a_host_that_a_member_contacted_joins_it() {
    let [one, two] = [800, 801].map(|pid| with_user(&proc(pid, "/usr/bin/ssh", None), pid));
    let mut correlator = Correlator::new(Limits::default());
    let first = Seen::exec(0, "web-1", &one, "lateral-movement").connect([10, 0, 0, 2]);
    correlator.observe(&first.alert(1), &host("web-1"));
    let target = Host { addresses: vec!["10.0.0.2".into()], ..host("web-2") };
    let Change::Grown(incident) = correlator.observe(&Seen::exec(3, "web-2", &two, "execution").alert(2), &target)
    else {
        panic!("not joined")
    };
    assert_eq!(incident.reasons[1], "this host was contacted from web-1 within 60 min");
    assert_eq!(incident.title, "alert 1 on web-1 and another host");
}

#[test]
fn an_incident_tells_the_attack_in_its_order() {
    let nginx = proc(400, "/usr/sbin/nginx", None);
    let shell = proc(500, "/bin/sh", Some(&nginx));
    let dropper = proc(501, "/tmp/dropper", Some(&shell));
    let all = [
        Seen::exec(3, "web-1", &dropper, "command-and-control"),
        Seen::exec(1, "web-1", &shell, "initial-access"),
        Seen::exec(2, "web-1", &shell, "made-up"),
        Seen::exec(4, "web-1", &dropper, "execution"),
    ];
    let (correlator, changes) = run(&all);
    let incident = correlator.incident("INC-a1").unwrap();
    let stages: Vec<&str> = incident.stages.iter().map(|stage| stage.tactic.as_str()).collect();
    assert_eq!(stages, ["initial-access", "execution", "command-and-control", "made-up"]);
    assert_eq!(incident.alerts, ["a2", "a3", "a1", "a4"]);
    assert_eq!(incident.reasons[2], "first alert");
    assert_eq!(incident.reasons[0], "same process sh 500");
    assert_eq!((incident.first_us, incident.last_us), (MINUTE_US, 4 * MINUTE_US));
    assert_eq!(incident.accounts, ["www-data"]);
    let severities: Vec<Severity> = changes.iter().map(|change| change.incident().unwrap().severity).collect();
    // The made-up tactic does not count: the third tactic of the matrix comes with the fourth alert.
    assert_eq!(severities, [Severity::Medium, Severity::Medium, Severity::Medium, Severity::Critical]);
}

#[test]
fn one_rule_of_three_tactics_is_no_chain() {
    let shell = proc(900, "/bin/sh", None);
    let mut alert = Seen::exec(1, "web-1", &shell, "execution").alert(1);
    alert.techniques[0].tactics = ["execution", "persistence", "impact"].map(String::from).into();
    let mut correlator = Correlator::new(Limits::default());
    for number in 1..=4 {
        let again = Alert { id: format!("a{number}"), ..alert.clone() };
        let incident = correlator.observe(&again, &host("web-1")).incident().cloned().unwrap();
        assert_eq!((incident.id.as_str(), incident.severity), ("INC-a1", Severity::Medium));
    }
    for (number, expected) in [(5, Severity::Medium), (6, Severity::Critical)] {
        let other = Alert { id: format!("a{number}"), rule: format!("rule {number}"), ..alert.clone() };
        assert_eq!(correlator.observe(&other, &host("web-1")).incident().unwrap().severity, expected);
    }
}

#[test]
fn what_an_agent_writes_is_bounded() {
    let mut alert = Seen::exec(1, "web-1", &proc(900, "/bin/sh", None), "execution").alert(1);
    alert.title = "é".repeat(100_000);
    let long = Technique { id: "T".repeat(10_000), tactics: vec!["x".repeat(10_000); 1000] };
    alert.techniques = vec![long; 1000];
    let mut correlator = Correlator::new(Limits::default());
    let incident = correlator.observe(&alert, &host("web-1")).incident().cloned().unwrap();
    assert!(incident.title.len() < 1024 && incident.stages.iter().all(|stage| stage.tactic.len() <= 64));
    assert!(serde_json::to_string(&correlator.saved("INC-a1").unwrap()).unwrap().len() < 64 * 1024);
}

#[test]
fn a_key_that_gave_way_is_held_once() {
    // One account in more incidents than a key has places: the first one's place gives way, and comes back.
    let first = proc(5, "/tmp/tool", None);
    let others: Vec<Arc<Proc>> = (0..9).map(|number| proc(100 + number, "/tmp/other", None)).collect();
    let mut all = vec![Seen::exec(0, "web-1", &first, "execution")];
    all.extend((1..).zip(&others).map(|(turn, other)| Seen::exec(100 * turn, "web-1", other, "execution")));
    all.push(Seen::exec(0, "web-1", &first, "execution"));
    let (correlator, changes) = run(&all);
    assert_eq!(changes.last().unwrap().id(), "INC-a1");
    let saved = serde_json::to_value(correlator.saved("INC-a1").unwrap()).unwrap();
    let keys: Vec<String> = saved["track"]["keys"].as_array().unwrap().iter().map(ToString::to_string).collect();
    let once: std::collections::BTreeSet<&String> = keys.iter().collect();
    assert_eq!(once.len(), keys.len());
}

#[test]
fn three_tactics_of_three_trees_are_not_critical() {
    let trees = [901, 902, 903].map(|pid| proc(pid, "/bin/ls", None));
    let tactics = ["execution", "persistence", "discovery"];
    let all: Vec<Seen> =
        trees.iter().zip(tactics).map(|(process, tactic)| Seen::exec(1, "web-1", process, tactic)).collect();
    let (correlator, changes) = run(&all);
    assert!(changes.iter().all(|change| change.id() == "INC-a1"), "joined by account");
    assert_eq!(correlator.incident("INC-a1").unwrap().severity, Severity::Medium);
}

#[test]
fn an_alert_that_links_two_incidents_merges_the_younger_into_the_older() {
    let [one, two] = [901, 902].map(|pid| with_user(&proc(pid, "/bin/ls", None), pid));
    let access = ProcessAccess { call: "ptrace".into(), target: Some(two.info.clone()), ..ProcessAccess::default() };
    let mut reach = Seen::exec(90, "web-1", &one, "defense-evasion");
    reach.activity = Activity::Access(access);
    let all = [
        Seen::exec(0, "web-1", &one, "execution"),
        Seen::exec(60, "web-1", &two, "persistence"),
        reach,
        Seen::exec(900, "web-1", &two, "impact"),
    ];
    let (correlator, changes) = run(&all);
    let Change::Merged { into, gone } = &changes[2] else { panic!("{:?}", changes[2]) };
    assert_eq!((into.id.as_str(), gone.as_slice()), ("INC-a1", &["INC-a2".to_owned()][..]));
    assert_eq!(into.reasons[1], "first alert of INC-a2, merged");
    assert_eq!(into.severity, Severity::Critical, "one tree of three tactics");
    assert_eq!(changes[3].id(), "INC-a1", "the keys moved along");
    assert_eq!(correlator.open().collect::<Vec<_>>(), ["INC-a1"]);
}

fn order(id: &str, action: ActionKind, mode: OrderMode, alert: &str) -> Order {
    let undoes = if mode == OrderMode::Undo { "ord-1".into() } else { String::new() };
    Order { id: id.into(), action: action as i32, mode: mode as i32, alert: alert.into(), undoes, ..Order::default() }
}

fn receipt(order: &str, state: ReceiptState, time_us: i64) -> Receipt {
    Receipt { order: order.into(), state: state as i32, time_us, ..Receipt::default() }
}

#[test]
fn status_follows_what_was_read_back() {
    let shell = proc(500, "/bin/sh", None);
    let (mut correlator, _) = run(&[Seen::exec(1, "web-1", &shell, "execution")]);
    let status = |change: Option<Change>| change.unwrap().incident().unwrap().status;
    assert!(correlator.order_given("nothing", &order("ord-0", ActionKind::Block, OrderMode::Apply, "")).is_none());
    correlator.order_given("a1", &order("ord-0", ActionKind::Export, OrderMode::Apply, ""));
    assert_eq!(status(correlator.receipt(&receipt("ord-0", ReceiptState::Verified, 1))), IncidentStatus::Open);
    correlator.order_given("INC-a1", &order("ord-1", ActionKind::Isolate, OrderMode::Apply, ""));
    assert_eq!(status(correlator.receipt(&receipt("ord-1", ReceiptState::Applied, 1))), IncidentStatus::Open);
    let contained = correlator.receipt(&receipt("ord-1", ReceiptState::Verified, 2 * MINUTE_US));
    assert_eq!(status(contained), IncidentStatus::Contained);
    correlator.order_given("INC-a1", &order("ord-2", ActionKind::Isolate, OrderMode::Undo, ""));
    assert_eq!(status(correlator.receipt(&receipt("ord-2", ReceiptState::Verified, 3))), IncidentStatus::Open);

    // An order made on the host comes with its receipt.
    let local = Some(order("ord-3", ActionKind::KillTree, OrderMode::Apply, "a1"));
    let killed = Receipt { local_order: local, ..receipt("ord-3", ReceiptState::Verified, 4 * MINUTE_US) };
    assert_eq!(status(correlator.receipt(&killed)), IncidentStatus::Contained);
    let late = correlator.observe(&Seen::exec(3, "web-1", &shell, "execution").alert(7), &host("web-1"));
    assert_eq!(status(Some(late)), IncidentStatus::Contained, "it happened before the kill");
    let again = correlator.observe(&Seen::exec(5, "web-1", &shell, "execution").alert(8), &host("web-1"));
    assert_eq!(status(Some(again)), IncidentStatus::Open, "it went on");

    let closed = correlator.close("INC-a1").unwrap();
    assert_eq!((closed.status, closed.orders.len()), (IncidentStatus::Closed, 4));
    let next = correlator.observe(&Seen::exec(6, "web-1", &shell, "execution").alert(9), &host("web-1"));
    assert_eq!(next.id(), "INC-a9");
    assert!(correlator.close("INC-a1").is_none());
}

#[test]
fn a_full_incident_is_continued_and_a_repeated_alert_changes_nothing() {
    let shell = proc(500, "/bin/sh", None);
    let mut correlator = Correlator::new(Limits { members: 2, ..Limits::default() });
    let all: Vec<Seen> = (0..5).map(|minute| Seen::exec(minute, "web-1", &shell, "execution")).collect();
    let changes = feed(&mut correlator, &all);
    let ids: Vec<&str> = changes.iter().map(Change::id).collect();
    assert_eq!(ids, ["INC-a1", "INC-a1", "INC-a3", "INC-a3", "INC-a5"]);
    assert!(changes[2].incident().unwrap().reasons[0].starts_with("continues INC-a1"));
    assert_eq!(feed(&mut correlator, &all[..1]), [Change::Known("INC-a1".into())]);
}

#[test]
fn hostile_alerts_are_kept_and_join_nothing() {
    let mut correlator = Correlator::new(Limits::default());
    let mut alert = Seen::exec(0, "web-1", &proc(5, "/bin/sh", None), "execution").alert(1);
    if let Some(process) = alert.evidence.processes.first_mut() {
        process.parent = 99;
    }
    alert.time_us = i64::MIN;
    alert.severity = 77;
    assert!(matches!(correlator.observe(&alert, &host("web-1")), Change::Made(_)));
    let next = Alert { id: "a2".into(), time_us: i64::MAX, ..alert };
    assert!(matches!(correlator.observe(&next, &host("web-1")), Change::Made(_)));
}

/// Alerts over few processes, hosts, times and addresses, so that everything joins with everything now and then.
fn series() -> impl Strategy<Value = Vec<Seen>> {
    let one = (0..300_i64, 0..3_usize, 0..10_usize, 0..16_usize, 0..3_usize, 0..4_u8);
    prop::collection::vec(one, 0..60).prop_map(|all| {
        let nginx = proc(400, "/usr/sbin/nginx", None);
        let shell = proc(500, "/bin/sh", Some(&nginx));
        let mut procs = vec![proc(1, "/sbin/init", None), nginx.clone(), shell.clone()];
        procs.extend((510..513).map(|pid| with_user(&proc(pid, "/tmp/dropper", Some(&shell)), pid % 2)));
        procs.extend((520..524).map(|pid| with_user(&proc(pid, "/usr/bin/curl", None), pid % 3)));
        let seen = |(minute, host, place, tactic, drill, kind): (i64, usize, usize, usize, usize, u8)| {
            let tactic = correlate::TACTICS.get(tactic).copied().unwrap_or("");
            let seen = Seen::exec(minute, ["h1", "h2", "h3"][host], &procs[place], tactic).drill(["", "", "D1"][drill]);
            match kind {
                0 => seen.connect([203, 0, 113, (minute % 5) as u8]),
                1 => {
                    let target = Some(procs[(place * 7 + 3) % procs.len()].info.clone());
                    let access = ProcessAccess { call: "ptrace".into(), target, ..ProcessAccess::default() };
                    Seen { activity: Activity::Access(access), ..seen }
                }
                _ => seen,
            }
        };
        all.into_iter().map(seen).collect()
    })
}

impl std::fmt::Debug for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let pid = self.process.as_ref().map_or(0, |proc| proc.info.pid());
        write!(
            f,
            "{} min {} pid {pid} {} {:?} {:?}",
            self.minute,
            self.host,
            self.tactic,
            self.drill,
            self.activity.kind()
        )
    }
}

fn state(correlator: &Correlator) -> Vec<Incident> {
    correlator.open().filter_map(|id| correlator.incident(id)).collect()
}

proptest! {
    #[test]
    fn a_replay_gives_the_same_and_every_alert_is_in_exactly_one(all in series()) {
        let (one, changes) = run(&all);
        let (two, again) = run(&all);
        prop_assert_eq!(changes, again);
        let incidents = state(&one);
        prop_assert_eq!(&incidents, &state(&two));
        let members: Vec<&String> = incidents.iter().flat_map(|incident| &incident.alerts).collect();
        prop_assert_eq!(members.len(), all.len());
        prop_assert_eq!(members.iter().collect::<BTreeSet<_>>().len(), all.len());
        for incident in &incidents {
            prop_assert_eq!(incident.alerts.len(), incident.reasons.len());
            prop_assert!(incident.reasons.iter().all(|reason| !reason.is_empty()));
            let drills: BTreeSet<&str> = incident.alerts.iter()
                .filter_map(|id| id[1..].parse::<usize>().ok()).map(|number| all[number - 1].drill).collect();
            prop_assert_eq!(drills, BTreeSet::from([incident.drill.as_str()]), "drills stay apart");
            let ranks: Vec<usize> = incident.stages.iter().map(|stage| correlate::rank(&stage.tactic)).collect();
            prop_assert!(ranks.is_sorted());
        }
    }

    #[test]
    fn memory_is_bounded(all in series(), incidents in 1..5_usize, members in 1..5_usize, keys in 1..9_usize) {
        let mut correlator = Correlator::new(Limits { incidents, members, keys, ..Limits::default() });
        for (number, seen) in all.iter().enumerate() {
            correlator.observe(&seen.alert(number), &host(seen.host));
            let (open, held) = correlator.size();
            prop_assert!(open <= incidents && held <= incidents * keys, "{open} incidents, {held} keys");
            prop_assert!(state(&correlator).iter().all(|incident| incident.alerts.len() <= members));
        }
    }

    #[test]
    fn a_restart_changes_nothing(all in series(), cut in 0..60_usize) {
        let cut = cut.min(all.len());
        let (mut whole, _) = run(&all[..cut]);
        let saved: Vec<String> = whole.open().filter_map(|id| whole.saved(id))
            .map(|saved| serde_json::to_string(&saved).unwrap()).collect();
        let read = saved.iter().map(|text| serde_json::from_str(text).unwrap());
        let mut restored = Correlator::restore(Limits::default(), read);
        prop_assert_eq!(state(&whole), state(&restored));
        for (number, seen) in all.iter().enumerate().skip(cut) {
            let (alert, host) = (seen.alert(number + 1), host(seen.host));
            prop_assert_eq!(whole.observe(&alert, &host), restored.observe(&alert, &host));
        }
    }
}

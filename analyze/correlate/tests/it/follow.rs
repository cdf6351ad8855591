//! Alerts that tell more of an alert before them.

use correlate::{Change, Correlator, Limits, OF_SERVER};
use record::*;

fn alert(id: &str, agent: &str, follows: &str) -> Alert {
    let net = NetActivity { local_ip: vec![203, 0, 113, 10], ..NetActivity::default() };
    let event = Event { seq: 0, time_us: 1, process: None, activity: Activity::Net(net) };
    Alert {
        id: id.into(),
        rule: id.into(),
        agent: agent.into(),
        time_us: 1,
        matches: vec![Match { field: "alert".into(), value: follows.into() }],
        evidence: Batch::pack(host(agent), [&event]),
        ..Alert::default()
    }
}

fn host(name: &str) -> Host {
    Host { name: name.into(), ..Host::default() }
}

#[test]
fn the_reports_of_an_attack_and_the_hosts_that_took_part_are_one_incident() {
    let mut correlator = Correlator::new(Limits::default());
    let mut observe = |alert: Alert| correlator.observe(&alert, &host(&alert.agent.clone())).id().to_string();
    let attack = observe(alert("edge-1", "edge", ""));
    assert_eq!(observe(alert("edge-2", "edge", "edge-1")), attack, "its report");
    assert_eq!(observe(alert("edge-3", "edge", "edge-1")), attack, "the report of its end");
    assert_eq!(
        observe(alert(&format!("{OF_SERVER}1"), "web", "edge-1")),
        attack,
        "a host that took part, by the server's word"
    );
    // What no alert is, of another host by that host's own word, or of a drill, is its own affair.
    assert_ne!(observe(alert("edge-4", "edge", "edge-9")), attack);
    assert_ne!(observe(alert("liar-1", "liar", "edge-1")), attack);
    let drill = Alert { drill: "d".into(), ..alert("edge-5", "edge", "edge-1") };
    assert_ne!(observe(drill), attack);
    let joins = correlator.joins(&attack);
    assert_eq!(joins.len(), 1);
    assert_eq!((joins[0].from.as_str(), joins[0].to.as_str(), joins[0].kind), ("web", "edge", JoinKind::Address));
    assert_eq!(joins[0].reason, "web took part in the attack that edge reports");
}

#[test]
fn a_host_that_took_part_ties_its_own_trouble_to_the_attack() {
    let mut correlator = Correlator::new(Limits::default());
    let bot = Proc::new(Process { key: 77, comm: "bot".into(), ..Process::default() }, None);
    let trouble = |id: &str, follows: &str| {
        let exec = Activity::Exec(Exec::default());
        let event = Event { seq: 0, time_us: 1, process: Some(bot.clone()), activity: exec };
        Alert { evidence: Batch::pack(host("web"), [&event]), ..alert(id, "web", follows) }
    };
    let first = correlator.observe(&trouble("web-1", ""), &host("web")).id().to_string();
    let attack = correlator.observe(&alert("edge-1", "edge", ""), &host("edge")).id().to_string();
    assert_ne!(first, attack);
    let change = correlator.observe(&trouble(&format!("{OF_SERVER}1"), "edge-1"), &host("web"));
    let Change::Merged { into, gone } = change else { panic!("{change:?}") };
    assert_eq!((into.id.clone(), gone), (first, vec![attack]));
    assert_eq!(into.alerts.len(), 3);
}

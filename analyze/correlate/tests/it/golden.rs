//! Golden cases: a timeline of several hosts, and the incidents and chains that must come of it. A new case is a new file
//! in `tests/cases`.

use correlate::chain::{Finding, Material, Observed, build};
use correlate::{Correlator, Limits};
use record::*;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

const SECOND: i64 = 1_000_000;
/// 2026-01-01, µs since the Unix epoch.
const START_US: i64 = 1_767_225_600_000_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// What it shows.
    about: String,
    /// Whether telemetry may also come after every alert; not where innocent telemetry must be known first.
    #[serde(default = "yes")]
    late: bool,
    hosts: BTreeMap<String, Machine>,
    steps: Vec<Step>,
    expect: Vec<Expected>,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Machine {
    #[serde(default)]
    addresses: Vec<String>,
    #[serde(default)]
    processes: BTreeMap<String, Program>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Program {
    pid: u32,
    exe: String,
    #[serde(default)]
    parent: String,
    /// Seconds.
    #[serde(default)]
    started: i64,
    #[serde(default)]
    user: String,
    #[serde(default)]
    cmd: String,
    #[serde(default)]
    leads: bool,
    #[serde(default)]
    hash: u8,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    /// Seconds.
    at: i64,
    host: String,
    #[serde(default)]
    process: String,
    /// Id of the alert; an event alone when empty.
    #[serde(default)]
    alert: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    severity: String,
    /// Technique and tactic.
    #[serde(default)]
    techniques: BTreeMap<String, String>,
    #[serde(default)]
    matches: BTreeMap<String, String>,
    #[serde(default)]
    connect: String,
    #[serde(default)]
    accept: String,
    /// This host's end.
    #[serde(default)]
    local: String,
    #[serde(default)]
    write: String,
    #[serde(default)]
    hash: u8,
    #[serde(default)]
    source: String,
    #[serde(default)]
    log: BTreeMap<String, String>,
    /// So many times, so many seconds apart.
    #[serde(default)]
    times: i64,
    #[serde(default)]
    every: i64,
}

#[derive(Deserialize, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[serde(deny_unknown_fields)]
struct Expected {
    /// Alerts of one incident.
    alerts: BTreeSet<String>,
    /// `how host from technique`.
    #[serde(default)]
    entry: String,
    /// `from -> to technique`.
    #[serde(default)]
    spread: Vec<String>,
    /// `value why,why`.
    #[serde(default)]
    control: Vec<String>,
    /// `technique host`.
    #[serde(default)]
    impact: Vec<String>,
}

fn hash(number: u8) -> Vec<u8> {
    if number == 0 { Vec::new() } else { vec![number; 32] }
}

impl Case {
    fn host(&self, name: &str) -> Host {
        Host {
            name: name.into(),
            boot_id: format!("boot of {name}"),
            addresses: self.hosts[name].addresses.clone(),
            ..Host::default()
        }
    }

    fn proc(&self, host: &str, name: &str) -> Arc<Proc> {
        let program = self.hosts[host].processes.get(name).unwrap_or_else(|| panic!("no process {name} on {host}"));
        let parent = (!program.parent.is_empty()).then(|| self.proc(host, &program.parent));
        let mut info = Process {
            key: ProcessKey::from_ticks(program.pid, u64::from(program.pid)).0,
            parent_key: parent.as_ref().map_or(0, |parent| parent.info.key),
            comm: program.exe.rsplit('/').next().unwrap_or_default().into(),
            exe: FileId { path: program.exe.clone(), sha256: hash(program.hash), ..FileId::default() },
            user: User { name: program.user.clone(), loginuid: u32::MAX, ..User::default() },
            started_us: START_US + program.started * SECOND,
            session: if program.leads { program.pid } else { 0 },
            ..Process::default()
        };
        info.set_args(program.cmd.split(' ').filter(|word| !word.is_empty()));
        Proc::new(info, parent)
    }

    fn activity(step: &Step) -> Activity {
        let ends = |text: &str| {
            let end: SocketAddr = text.parse().unwrap_or_else(|_| panic!("no address and port: {text}"));
            let ip = match end.ip() {
                IpAddr::V4(ip) => ip.octets().to_vec(),
                IpAddr::V6(ip) => ip.octets().to_vec(),
            };
            (ip, u32::from(end.port()))
        };
        let (op, remote) =
            if step.connect.is_empty() { (NetOp::Accept, &step.accept) } else { (NetOp::Connect, &step.connect) };
        if !remote.is_empty() {
            let ((remote_ip, remote_port), local) = (ends(remote), (!step.local.is_empty()).then(|| ends(&step.local)));
            let (local_ip, local_port) = local.unwrap_or_default();
            return Activity::Net(NetActivity {
                op: op as i32,
                protocol: 6,
                remote_ip,
                remote_port,
                local_ip,
                local_port,
                ..NetActivity::default()
            });
        }
        if !step.write.is_empty() {
            let file = FileId { path: step.write.clone(), sha256: hash(step.hash), ..FileId::default() };
            return Activity::File(FileActivity { op: FileOp::Create as i32, file, ..FileActivity::default() });
        }
        if !step.log.is_empty() {
            let fields = step.log.iter().map(|(name, value)| Pair::new(name, value)).collect();
            return Activity::Log(Log { source: step.source.clone(), fields, ..Log::default() });
        }
        Activity::Exec(Exec::default())
    }

    fn event(&self, step: &Step, time_us: i64) -> Event {
        let process = (!step.process.is_empty()).then(|| self.proc(&step.host, &step.process));
        Event { seq: 0, time_us, process, activity: Case::activity(step) }
    }

    fn alert(&self, step: &Step, event: &Event) -> Alert {
        let technique = |(id, tactic): (&String, &String)| Technique { id: id.clone(), tactics: vec![tactic.clone()] };
        let one = |(field, value): (&String, &String)| Match { field: field.clone(), value: value.clone() };
        Alert {
            id: step.alert.clone(),
            rule: format!("rule of {}", step.alert),
            title: if step.title.is_empty() { step.alert.clone() } else { step.title.clone() },
            severity: Severity::from_word(&step.severity).unwrap_or(Severity::High) as i32,
            techniques: step.techniques.iter().map(technique).collect(),
            matches: step.matches.iter().map(one).collect(),
            time_us: event.time_us,
            decided_us: event.time_us,
            evidence: Batch::pack(self.host(&step.host), [event]),
            agent: step.host.clone(),
            ..Alert::default()
        }
    }
}

/// The steps of a case as they reach the server.
#[derive(Clone)]
enum Arrival {
    Event(Observed, Host),
    Alert(Finding),
}

fn arrivals(case: &Case) -> Vec<Arrival> {
    let mut list = Vec::new();
    for (number, step) in case.steps.iter().enumerate() {
        for turn in 0..step.times.max(1) {
            let event = case.event(step, START_US + (step.at + turn * step.every) * SECOND);
            let host = case.host(&step.host);
            if step.alert.is_empty() {
                let id = format!("e{number}.{turn}");
                list.push((event.time_us, Arrival::Event(Observed { id, agent: step.host.clone(), event }, host)));
            } else {
                let alert = case.alert(step, &event);
                list.push((event.time_us, Arrival::Alert(Finding { alert, host })));
            }
        }
    }
    list.sort_by_key(|(time, _)| *time);
    list.into_iter().map(|(_, arrival)| arrival).collect()
}

fn feed(correlator: &mut Correlator, arrivals: &[Arrival]) {
    for arrival in arrivals {
        match arrival {
            Arrival::Event(seen, host) => drop(correlator.event(&seen.agent, host, &seen.id, &seen.event)),
            Arrival::Alert(Finding { alert, host }) => {
                correlator.observe(alert, host);
                for event in alert.evidence.clone().unpack(0).unwrap() {
                    correlator.event(&alert.agent, host, &alert.id, &event);
                }
            }
        }
    }
}

fn told(case: &Case, correlator: &Correlator, arrivals: &[Arrival]) -> Vec<Expected> {
    let mut material = Material::default();
    for (name, machine) in &case.hosts {
        for address in &machine.addresses {
            material.owners.insert(address.parse().unwrap(), name.clone());
        }
    }
    let mut list = Vec::new();
    for id in correlator.open() {
        let incident = correlator.incident(id).unwrap();
        let mut own = material.clone();
        for arrival in arrivals {
            match arrival {
                Arrival::Event(seen, _) if incident.hosts.contains(&seen.agent) => own.events.push(seen.clone()),
                Arrival::Alert(finding) if incident.alerts.contains(&finding.alert.id) => {
                    own.findings.push(finding.clone())
                }
                _ => {}
            }
        }
        let chain = build(&incident, &own);
        let entry = chain.entry.as_ref().map(|entry| {
            format!("{} {} {} {}", entry.how, entry.host_name, entry.from, entry.technique)
                .replace("  ", " ")
                .trim()
                .to_owned()
        });
        list.push(Expected {
            alerts: incident.alerts.iter().cloned().collect(),
            entry: entry.unwrap_or_default(),
            spread: chain
                .spread
                .iter()
                .map(|step| format!("{} -> {} {}", step.from_name, step.to_name, step.technique))
                .collect(),
            control: chain.control.iter().map(|place| format!("{} {}", place.value, place.why.join(","))).collect(),
            impact: chain.impact.iter().map(|one| format!("{} {}", one.technique, one.host_name)).collect(),
        });
        whole(&chain);
    }
    list.sort();
    list
}

/// What holds for every chain.
fn whole(chain: &Chain) {
    let nodes: BTreeSet<&str> = chain.nodes.iter().map(|node| node.id.as_str()).collect();
    assert_eq!(nodes.len(), chain.nodes.len(), "a node stands twice");
    assert!(chain.edges.iter().all(|edge| nodes.contains(edge.from.as_str()) && nodes.contains(edge.to.as_str())));
    assert!(chain.edges.is_sorted_by_key(|edge| edge.time_us), "edges are in the order of time");
    assert!(chain.spread.is_sorted_by_key(|step| step.time_us));
    assert!(chain.control.iter().all(|place| !place.evidence.is_empty() && place.confidence <= 100));
}

#[test]
fn every_case_gives_its_chain() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 8, "cases are found");
    let mut wrong = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let mut case: Case =
            serde_saphyr::from_str(&text).unwrap_or_else(|cause| panic!("{}: {cause}", file.display()));
        case.expect.sort();
        let arrivals = arrivals(&case);
        let mut orders = vec![("as it happened", arrivals.clone())];
        if case.late {
            let (alerts, events): (Vec<_>, Vec<_>) =
                arrivals.iter().cloned().partition(|arrival| matches!(arrival, Arrival::Alert(_)));
            orders.push(("telemetry last", [alerts, events].concat()));
        }
        for (order, list) in orders {
            let mut correlator = Correlator::new(Limits::default());
            // Agents tell their addresses when they connect, long before anything happens.
            case.hosts.keys().for_each(|name| correlator.host(name, &case.host(name)));
            feed(&mut correlator, &list);
            let found = told(&case, &correlator, &arrivals);
            if found != case.expect {
                let joins: Vec<String> = correlator
                    .open()
                    .flat_map(|id| {
                        correlator
                            .joins(id)
                            .iter()
                            .map(|join| {
                                format!(
                                    "  {} {} -> {} {} {}",
                                    join.kind.word(),
                                    join.from,
                                    join.to,
                                    join.confidence,
                                    join.reason
                                )
                            })
                            .collect::<Vec<_>>()
                    })
                    .collect();
                wrong.push(format!(
                    "{} ({}), {order}:\nfound {found:#?}\nexpected {:#?}\njoins {}",
                    file.display(),
                    case.about,
                    case.expect,
                    joins.join("\n")
                ));
            }
            // The same again changes nothing: frames come twice after a crash.
            feed(&mut correlator, &list);
            assert_eq!(told(&case, &correlator, &arrivals), found, "{}: a replay changed something", file.display());
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

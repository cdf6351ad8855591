//! Alert storms: the same rule on the same process and target is told once a minute, with a count.

use base::Micros;
use record::{Activity, Alert, Event, Match};
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, Hash, Hasher, RandomState};

/// How long repeats are gathered.
const WINDOW: Micros = 60_000_000;
/// Findings remembered at a time; beyond it the oldest is told early. Stops an attacker's many targets from growing it.
const FINDINGS: usize = 512;

/// What is remembered of a finding.
struct Finding {
    since: Micros,
    /// Repeats since it was told.
    more: u64,
    /// The first of them.
    alert: Option<Box<Alert>>,
}

/// The findings of the last minute.
#[derive(Default)]
pub struct Storm {
    /// Its keys are not to be guessed: a finding must not be hidden behind another.
    keys: RandomState,
    findings: HashMap<u64, Finding>,
    /// Keys in the order of their beginning.
    order: VecDeque<u64>,
    /// Told early.
    due: Vec<Alert>,
}

impl Storm {
    /// Whether this finding was told within the last minute. `rule` is the rule's id and version: a changed rule is
    /// another one. `alert` is built for the first repeat only.
    pub fn repeats(
        &mut self,
        rule: (&str, &str),
        acts: bool,
        event: &Event,
        now: Micros,
        alert: impl FnOnce() -> Alert,
    ) -> bool {
        let key = self.key(rule, acts, event);
        if let Some(finding) = self.findings.get_mut(&key)
            && now.saturating_sub(finding.since) < WINDOW
        {
            finding.more += 1;
            finding.alert.get_or_insert_with(|| Box::new(alert()));
            return true;
        }
        self.end(key);
        if self.findings.len() >= FINDINGS
            && let Some(oldest) = self.order.front().copied()
        {
            self.end(oldest);
        }
        self.findings.insert(key, Finding { since: now, more: 0, alert: None });
        self.order.push_back(key);
        false
    }

    /// What was held back and is due: one alert a finding, with how often it came again.
    pub fn due(&mut self, now: Micros) -> Vec<Alert> {
        while let Some(oldest) = self.order.front().copied()
            && self.findings.get(&oldest).is_none_or(|finding| now.saturating_sub(finding.since) >= WINDOW)
        {
            self.end(oldest);
        }
        std::mem::take(&mut self.due)
    }

    fn end(&mut self, key: u64) {
        let Some(finding) = self.findings.remove(&key) else { return };
        self.order.retain(|other| *other != key);
        if let Some(mut alert) = finding.alert {
            alert.matches.push(Match { field: "repeats".into(), value: finding.more.to_string() });
            self.due.push(*alert);
        }
    }

    /// Rule, process and target. A new program is a new process each time: its parent and command line stand for it,
    /// unless the rule acts, for then every single one has to be answered.
    fn key(&self, rule: (&str, &str), acts: bool, event: &Event) -> u64 {
        let mut hasher = self.keys.build_hasher();
        rule.hash(&mut hasher);
        let info = event.process.as_deref().map(|proc| &proc.info);
        match (&event.activity, info) {
            (Activity::Exec(_), Some(info)) if !acts => {
                (info.parent_key, &info.exe.path, &info.cmd_line).hash(&mut hasher)
            }
            (_, info) => info.map_or(0, |info| info.key).hash(&mut hasher),
        }
        target(&event.activity, &mut hasher);
        hasher.finish()
    }
}

fn target(activity: &Activity, hasher: &mut impl Hasher) {
    activity.kind().hash(hasher);
    match activity {
        Activity::File(file) => (file.op, &file.file.path, &file.target).hash(hasher),
        Activity::Mount(mount) => (mount.removed, &mount.source, &mount.target).hash(hasher),
        Activity::Net(net) => (net.op, &net.remote_ip, net.remote_port).hash(hasher),
        Activity::Dns(dns) => (&dns.name, dns.query_type).hash(hasher),
        Activity::Access(access) => (&access.call, access.request, access.target_pid).hash(hasher),
        Activity::Memory(memory) => (&memory.call, &memory.name).hash(hasher),
        Activity::Privilege(change) => (&change.call, change.after.euid).hash(hasher),
        Activity::Namespace(change) => (&change.call, change.flags).hash(hasher),
        Activity::Module(module) => (&module.call, &module.name).hash(hasher),
        Activity::Bpf(call) => (call.command, call.program_type, &call.name).hash(hasher),
        Activity::IoUring(ring) => (ring.opcode, &ring.path).hash(hasher),
        Activity::Signal(signal) => (signal.signal, signal.target_pid).hash(hasher),
        Activity::Lost(lost) => (&lost.class, &lost.place).hash(hasher),
        Activity::Log(log) => (&log.source, &log.origin, &log.message).hash(hasher),
        Activity::Scan(scan) => (&scan.name, &scan.file.path, &scan.member, scan.pid).hash(hasher),
        Activity::Integrity(file) => (&file.change, &file.file.path).hash(hasher),
        Activity::Asset(asset) => (&asset.kind, &asset.change, &asset.key).hash(hasher),
        Activity::Http(http) => (&http.method, &http.host, &http.path).hash(hasher),
        Activity::Exec(_) | Activity::Fork(_) | Activity::Exit(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::{Exec, FileActivity, Proc, Process};

    fn write(path: &str, key: u64) -> Event {
        let mut file = FileActivity::default();
        file.file.path = path.into();
        let process = Some(Proc::new(Process { key, ..Process::default() }, None));
        Event { seq: 0, time_us: 0, process, activity: Activity::File(file) }
    }

    #[test]
    fn the_first_is_told_at_once_and_the_others_as_one() {
        let mut storm = Storm::default();
        let alert = || Alert { rule: "r".into(), ..Alert::default() };
        let told = (0..1000).filter(|now| !storm.repeats(("1", ""), false, &write("/a", 7), *now, alert)).count();
        assert_eq!(told, 1);
        for other in [write("/b", 7), write("/a", 8)] {
            assert!(!storm.repeats(("1", ""), false, &other, 5, alert), "another target or process");
        }
        assert!(!storm.repeats(("2", ""), false, &write("/a", 7), 5, alert), "another rule");
        assert!(storm.due(WINDOW - 1).is_empty());
        let due = storm.due(WINDOW);
        assert_eq!(due.len(), 1);
        assert_eq!((due[0].matches[0].field.as_str(), due[0].matches[0].value.as_str()), ("repeats", "999"));
        assert!(!storm.repeats(("1", ""), false, &write("/a", 7), WINDOW, alert), "a minute later it is told again");
    }

    #[test]
    fn programs_of_one_parent_are_one_unless_the_rule_acts() {
        let program = |key| {
            let info = Process { key, parent_key: 1, cmd_line: "cat /etc/shadow".into(), ..Process::default() };
            Event {
                seq: 0,
                time_us: 0,
                process: Some(Proc::new(info, None)),
                activity: Activity::Exec(Exec::default()),
            }
        };
        let mut storm = Storm::default();
        assert!(!storm.repeats(("1", ""), false, &program(2), 0, Alert::default));
        assert!(storm.repeats(("1", ""), false, &program(3), 0, Alert::default));
        assert!(!storm.repeats(("2", ""), true, &program(2), 0, Alert::default));
        assert!(!storm.repeats(("2", ""), true, &program(3), 0, Alert::default), "each has to be answered");
    }

    #[test]
    fn many_targets_do_not_grow_it_and_lose_no_count() {
        let mut storm = Storm::default();
        for number in 0..FINDINGS * 3 {
            for _ in 0..2 {
                storm.repeats(("1", ""), false, &write(&format!("/{number}"), 7), 0, Alert::default);
            }
            assert!(storm.findings.len() <= FINDINGS && storm.order.len() == storm.findings.len());
        }
        assert_eq!(storm.due(WINDOW).len(), FINDINGS * 3);
    }
}

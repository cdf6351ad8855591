//! Judges events on the spot: rules into alerts, and whether a drill made them.

mod storm;

use crate::indicators::Spotter;
use crate::live::{Live, Reader};
use crate::rules::RuleSet;
use base::Clock;
use detect::correlation::CorrelationHit;
use detect::{RuleIndex, Scratch};
use drill::{FOLDER_PREFIX, Mark};
use record::{Activity, AgentId, Alert, Event, Host, Proc, Process};
use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;
pub use storm::Storm;

/// Drills remembered at a time; they run one after the other.
const DRILLS: usize = 64;
/// Our programs that run drills.
const PROGRAMS: [&str; 2] = ["garrison", "garrison-agent"];

/// Rules with what they need to speak.
pub struct Judge {
    rules: Reader<RuleSet>,
    spotter: Option<Spotter>,
    scratch: Scratch,
    hits: Vec<RuleIndex>,
    host: Host,
    agent: AgentId,
    clock: Arc<dyn Clock>,
    storm: Storm,
    /// The program we are, and the folder of its siblings.
    own: PathBuf,
    /// Who may own a drill's folder: whoever runs the agent.
    owner: u32,
    /// Names of drills by the key of their script's process: the folder is gone when the last events come.
    drills: HashMap<u64, String>,
}

impl Judge {
    /// A judge over these rules.
    pub fn new(rules: &Arc<Live<RuleSet>>, host: Host, agent: AgentId, clock: Arc<dyn Clock>) -> Judge {
        Judge {
            rules: rules.reader(),
            spotter: None,
            scratch: Scratch::new(),
            hits: Vec::new(),
            host,
            agent,
            clock,
            storm: Storm::default(),
            own: std::env::current_exe().unwrap_or_default(),
            owner: rustix::process::geteuid().as_raw(),
            drills: HashMap::new(),
        }
    }

    /// Looks for indicators as well.
    pub fn with(self, spotter: Spotter) -> Judge {
        Judge { spotter: Some(spotter), ..self }
    }

    /// Takes over rules and indicators that were replaced; between events, and often.
    pub fn renew(&mut self) -> bool {
        if let Some(spotter) = &mut self.spotter {
            spotter.renew();
        }
        self.rules.renew()
    }

    /// The rules it judges by.
    pub fn rules(&self) -> &RuleSet {
        &self.rules
    }

    /// The rules that the last event fits.
    pub fn hits(&self) -> &[RuleIndex] {
        &self.hits
    }

    /// Finds the rules that an event fits, and raises nothing.
    pub fn evaluate(&mut self, event: &Event) {
        self.rules.engine.evaluate(event, &mut self.scratch, &mut self.hits);
    }

    /// The alerts that this event raises; most raise none and cost no allocation.
    pub fn judge(&mut self, event: &Event, mut raise: impl FnMut(Alert)) {
        // The script of a drill is looked at when it starts, while its runner and its folder are there.
        if let (Activity::Exec(_), Some(proc)) = (&event.activity, &event.process)
            && proc.info.cmd_line.contains(FOLDER_PREFIX)
        {
            self.drill(proc);
        }
        if self.spotter.as_mut().is_some_and(|spotter| spotter.look(event)) {
            let drill = self.drill_of(event);
            self.spotter.iter_mut().for_each(|spotter| spotter.tell(event, &drill));
        }
        self.evaluate(event);
        for place in 0..self.hits.len() {
            let index = self.hits[place];
            // It only counts for correlations.
            if self.rules.correlations.silences(index) {
                continue;
            }
            let drill = self.drill_of(event);
            let (engine, host, wall) = (&self.rules.engine, &self.host, self.clock.wall());
            let alert =
                || Alert { drill, rule_set: self.rules.version, ..engine.alert(index, event, host, self.agent, wall) };
            let rule = engine.rule(index);
            let mut alert = Some(alert);
            let mut build = || alert.take().map(|alert| alert()).unwrap_or_default();
            let (key, acts) = ((rule.id.as_str(), rule.version.as_str()), !rule.responses.is_empty());
            if !self.storm.repeats(key, acts, event, self.clock.monotonic(), &mut build) {
                raise(build());
            }
        }
    }

    /// The alert about a correlation.
    pub fn correlated(&mut self, hit: &CorrelationHit) -> Alert {
        let drill = hit.events.last().map(|event| self.drill_of(event)).unwrap_or_default();
        let alert = self.rules.correlations.alert(hit, &self.host, self.agent, self.clock.wall());
        Alert { drill, rule_set: self.rules.version, ..alert }
    }

    /// The drill that made an event; empty when none did.
    pub fn drill_of(&mut self, event: &Event) -> String {
        event.process.as_deref().and_then(|proc| self.drill(proc)).unwrap_or_default()
    }

    /// Repeats that were held back and are due: one alert a finding, with their number. They ask for nothing.
    pub fn overdue(&mut self) -> Vec<Alert> {
        self.storm.due(self.clock.monotonic())
    }

    /// The drill below which a process runs.
    fn drill(&mut self, proc: &Proc) -> Option<String> {
        let chain: Vec<&Proc> = std::iter::once(proc).chain(proc.ancestors().map(Arc::as_ref)).collect();
        for pair in chain.windows(2) {
            let [script, starter] = pair else { continue };
            if let Some(name) = self.drills.get(&script.info.key) {
                return Some(name.clone());
            }
            let mark = script.info.args().nth(1).and_then(Mark::of);
            if let Some(mark) = mark.filter(|mark| self.believes(mark, &starter.info)) {
                if self.drills.len() >= DRILLS {
                    self.drills.clear();
                }
                self.drills.insert(script.info.key, mark.name.clone());
                return Some(mark.name);
            }
        }
        None
    }

    /// Whether a script was started by one of our own programs to run a drill. Its arguments and its name are said by
    /// whoever starts it; its private folder and the file it runs from are not.
    fn believes(&self, mark: &Mark, starter: &Process) -> bool {
        if !starter.args().any(|argument| argument == "drill") {
            return false;
        }
        let Some(runner) = mark.runner(self.owner) else { return false };
        let same = runner.ticks == starter.key().ticks() && [starter.pid(), starter.ns_pid].contains(&runner.pid);
        let file = |path: PathBuf| std::fs::metadata(path).ok().map(|found| (found.dev(), found.ino()));
        let Some(runs) = file(PathBuf::from(format!("/proc/{}/exe", runner.pid))) else { return false };
        let siblings = PROGRAMS.iter().map(|name| self.own.with_file_name(name));
        same && runner.alive() && siblings.chain([self.own.clone()]).filter_map(file).any(|ours| ours == runs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::ManualClock;
    use drill::Runner;
    use record::ProcessKey;
    use std::os::unix::fs::PermissionsExt;

    fn judge() -> Judge {
        Judge::new(
            &Live::new(RuleSet::default()),
            Host::default(),
            AgentId::default(),
            Arc::new(ManualClock::default()),
        )
    }

    /// A script below a runner.
    fn script(args: &[&str], runner: ProcessKey, runner_args: &[&str]) -> Arc<Proc> {
        let mut starter = Process { key: runner.0, ..Process::default() };
        starter.set_args(runner_args.iter().copied());
        let mut script = Process { key: ProcessKey::from_ticks(4_000_000, 9).0, ..Process::default() };
        script.set_args(args.iter().copied());
        Proc::new(script, Some(Proc::new(starter, None)))
    }

    #[test]
    fn a_drill_is_believed_by_its_private_folder_and_our_own_program() {
        let folder = std::env::temp_dir().join(format!("{FOLDER_PREFIX}judge-test.{}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o700)).unwrap();
        let own = Runner::own().unwrap();
        let noted = |pid, ticks| std::fs::write(folder.join("runner"), format!("{pid} {ticks}\n")).unwrap();
        let path = folder.join("run.sh").display().to_string();
        let key = ProcessKey::from_ticks(own.pid, own.ticks);
        let seen = |args: &[&str], key, runner: &[&str]| judge().drill(&script(args, key, runner));
        let bash = ["bash", path.as_str()];
        let drill = ["garrison", "drill", "run", "--all"];
        assert_eq!(seen(&bash, key, &drill), None, "the folder names nobody");
        noted(own.pid, own.ticks);
        assert_eq!(seen(&bash, key, &drill).as_deref(), Some("judge-test"));
        assert_eq!(seen(&bash, key, &["garrison", "events"]), None, "it runs no drill");
        assert_eq!(seen(&["bash", "-c", path.as_str()], key, &drill), None, "named, not run");
        let other = ProcessKey::from_ticks(own.pid, own.ticks + 1);
        assert_eq!(seen(&bash, other, &drill), None, "another process of that id");
        noted(own.pid, own.ticks + 1);
        assert_eq!(seen(&bash, other, &drill), None, "a runner that is gone");
        noted(std::os::unix::process::parent_id(), 0);
        assert_eq!(seen(&bash, ProcessKey::from_ticks(std::os::unix::process::parent_id(), 0), &drill), None);
        noted(own.pid, own.ticks);
        let mut judge = judge();
        assert!(judge.drill(&script(&bash, key, &drill)).is_some());
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(judge.drill(&script(&bash, key, &drill)).is_some(), "known after its folder is gone");
    }
}

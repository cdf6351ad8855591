//! Judges events on the spot: rules into alerts, and whether a drill made them.

use base::Clock;
use detect::{Engine, RuleIndex, Scratch};
use record::{AgentId, Alert, Event, Host, Proc};
use std::path::PathBuf;
use std::sync::Arc;

/// Rules with what they need to speak.
pub struct Judge {
    engine: Engine,
    scratch: Scratch,
    hits: Vec<RuleIndex>,
    host: Host,
    agent: AgentId,
    clock: Arc<dyn Clock>,
    /// Folder of our programs: only they can start a drill.
    programs: PathBuf,
}

impl Judge {
    /// A judge over these rules.
    pub fn new(engine: Engine, host: Host, agent: AgentId, clock: Arc<dyn Clock>) -> Judge {
        let own = std::env::current_exe().unwrap_or_default();
        let programs = own.parent().map(PathBuf::from).unwrap_or_default();
        let scratch = Scratch::new();
        Judge { engine, scratch, hits: Vec::new(), host, agent, clock, programs }
    }

    /// The alerts that this event raises; most raise none and cost no allocation.
    pub fn judge(&mut self, event: &Event, mut raise: impl FnMut(Alert)) {
        self.hits.clear();
        self.engine.evaluate(event, &mut self.scratch, &mut self.hits);
        for index in &self.hits {
            let mut alert = self.engine.alert(*index, event, &self.host, self.agent, self.clock.wall());
            alert.drill = self.drill(event).unwrap_or_default();
            raise(alert);
        }
    }

    /// The drill below which the event's process runs: a script of a drill's folder, started by our own program.
    fn drill(&self, event: &Event) -> Option<String> {
        let proc = event.process.as_deref()?;
        let chain: Vec<&Proc> = std::iter::once(proc).chain(proc.ancestors().map(Arc::as_ref)).collect();
        chain.windows(2).find_map(|pair| {
            let [script, starter] = pair else { return None };
            let name = script.info.args().find_map(drill::drill_of)?;
            let exe = PathBuf::from(&starter.info.exe.path);
            let ours = exe.parent() == Some(self.programs.as_path())
                && exe.file_name().is_some_and(|file| file.to_string_lossy().starts_with("garrison"));
            ours.then(|| name.to_string())
        })
    }
}

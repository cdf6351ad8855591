//! The scanner as the agent sees it: rules in, files in, findings out; started again after a crash, with pauses that grow.

use crate::child::{Child, Patience};
use crate::fault;
use crate::limits::{DETAILS, FILE_CPU_US, FILE_WALL_US, FINDINGS, PAUSE_MAX_US, PAUSE_US, RULES_CPU_US, TEXT_BYTES};
use crate::protocol::{Answer, Ask, Done, FaultText, Loaded, Look, RuleSet};
use base::{Clock, Fault, Micros, Result};
use std::os::fd::BorrowedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// What happened to scanners since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Health {
    /// Scanners started.
    pub started: u64,
    /// Scanners that ended in the middle of something.
    pub crashed: u64,
    /// Scanners that were stopped because they took too long.
    pub hung: u64,
}

/// See the module.
pub struct Client {
    program: PathBuf,
    rules: RuleSet,
    clock: Arc<dyn Clock>,
    child: Option<Child>,
    loaded: Loaded,
    /// Faults that came with the rules and nobody took yet.
    faults: Vec<Fault>,
    not_before: Micros,
    pause: Micros,
    file: Patience,
    health: Health,
    ending: Arc<AtomicBool>,
}

impl Client {
    /// A client of this program with these rules. Nothing is started before there is something to do.
    pub fn new(program: PathBuf, rules: RuleSet, clock: Arc<dyn Clock>) -> Client {
        let file = Patience { cpu_us: FILE_CPU_US, wall_us: FILE_WALL_US };
        Client {
            program,
            rules,
            clock,
            child: None,
            loaded: Loaded::default(),
            faults: Vec::new(),
            not_before: Micros::MIN,
            pause: PAUSE_US,
            file,
            health: Health::default(),
            ending: Arc::default(),
        }
    }

    /// How long one file may take, in place of the defaults.
    pub fn patience(mut self, file: Patience) -> Client {
        self.file = file;
        self
    }

    /// A mark that ends a wait for an answer: whoever stops the agent does not wait for a slow file.
    pub fn ending(&self) -> Arc<AtomicBool> {
        self.ending.clone()
    }

    /// Other rules from now on: the next scanner has them.
    pub fn set_rules(&mut self, rules: RuleSet) {
        self.rules = rules;
        self.child = None;
        self.not_before = Micros::MIN;
    }

    /// Starts the scanner if it does not run and gives the name of the rules in force.
    ///
    /// # Errors
    /// [`fault::RESTING`] during a pause; what starting and loading say.
    pub fn version(&mut self) -> Result<&str> {
        if self.child.is_none() {
            self.start()?;
        }
        Ok(&self.loaded.version)
    }

    /// Rules in force.
    pub fn rules(&self) -> u32 {
        self.loaded.rules
    }

    /// How long the scanner still rests, µs.
    pub fn resting(&self) -> Micros {
        if self.child.is_some() { 0 } else { self.not_before.saturating_sub(self.clock.monotonic()).max(0) }
    }

    /// Has a file, or the content of `look`, looked at.
    ///
    /// # Errors
    /// [`fault::CRASHED`], [`fault::HUNG`]: this file is to be left alone. [`fault::RESTING`]: ask again later.
    pub fn look(&mut self, look: Look, descriptor: Option<BorrowedFd<'_>>) -> Result<Done> {
        self.version()?;
        let (patience, name) = (self.file, look.name.clone());
        match self.ask(Ask::Look(look), descriptor, patience).map_err(|fault| fault.object(name))? {
            Answer::Done(done) => {
                self.pause = PAUSE_US;
                Ok(bounded(done))
            }
            other => Err(self.refuse(other)),
        }
    }

    /// What was wrong with the rules, once.
    pub fn take_faults(&mut self) -> Vec<Fault> {
        std::mem::take(&mut self.faults)
    }

    /// Counts since the start.
    pub fn health(&self) -> Health {
        self.health
    }

    /// Process id of the scanner.
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::pid)
    }

    fn start(&mut self) -> Result<()> {
        if self.resting() > 0 {
            return Err(Fault::new(&fault::RESTING).object(self.program.display()));
        }
        match Child::start(&self.program) {
            Ok(child) => self.child = Some(child),
            Err(fault) => {
                self.rest();
                return Err(fault);
            }
        }
        self.health.started += 1;
        let patience = Patience { cpu_us: RULES_CPU_US, wall_us: RULES_CPU_US * 4 };
        match self.ask(Ask::Rules(self.rules.clone()), None, patience)? {
            Answer::Loaded(loaded) => {
                self.faults = loaded.faults.iter().map(FaultText::fault).collect();
                self.loaded = loaded;
                Ok(())
            }
            other => Err(self.refuse(other)),
        }
    }

    /// Asks; a scanner that failed is ended and rests.
    fn ask(&mut self, ask: Ask, descriptor: Option<BorrowedFd<'_>>, patience: Patience) -> Result<Answer> {
        let Some(child) = &mut self.child else { return Err(Fault::new(&fault::RESTING)) };
        let asked = child.ask(ask, descriptor, patience, &*self.clock, &self.ending);
        if let Err(fault) = &asked
            && !fault.is(&fault::LIMIT)
        {
            if fault.is(&fault::HUNG) {
                self.health.hung += 1;
            } else if !fault.is(&fault::RESTING) {
                self.health.crashed += 1;
            }
            self.child = None;
            self.rest();
        }
        asked
    }

    fn rest(&mut self) {
        self.not_before = self.clock.monotonic() + self.pause;
        self.pause = (self.pause * 2).min(PAUSE_MAX_US);
    }

    /// A fault that was answered, or an answer to another question: then the scanner is not to be trusted.
    fn refuse(&mut self, answer: Answer) -> Fault {
        if let Answer::Fault(text) = answer {
            let fault = text.fault();
            if fault.is(&fault::CONFINE) {
                self.child = None;
                self.rest();
            }
            return fault;
        }
        self.child = None;
        self.rest();
        Fault::new(&fault::BAD_MESSAGE).object("reply").expected("an answer to what was asked")
    }
}

/// An answer within the limits, whatever the scanner says.
fn bounded(mut done: Done) -> Done {
    let cut = |text: &mut String| {
        if text.len() > TEXT_BYTES {
            text.truncate(text.floor_char_boundary(TEXT_BYTES));
        }
    };
    done.findings.truncate(FINDINGS);
    for scan in &mut done.findings {
        scan.details.truncate(DETAILS);
        scan.score = scan.score.min(100);
        for text in [&mut scan.engine, &mut scan.name, &mut scan.family, &mut scan.member] {
            cut(text);
        }
        for pair in &mut scan.details {
            cut(&mut pair.name);
            cut(&mut pair.value);
        }
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::ManualClock;
    use record::{Pair, Scan};

    #[test]
    fn a_program_that_is_not_there_is_tried_again_with_growing_pauses() {
        let clock = Arc::new(ManualClock::default());
        let mut client = Client::new("/nowhere/garrison-scanner".into(), RuleSet::default(), clock.clone());
        for pause in [1, 2, 4, 8, 16, 32, 60, 60] {
            assert!(client.version().unwrap_err().is(&fault::NO_SCANNER));
            assert!(client.version().unwrap_err().is(&fault::RESTING));
            assert_eq!(client.resting(), pause * 1_000_000);
            clock.advance(pause * 1_000_000);
        }
    }

    #[test]
    fn a_program_that_ends_at_once_is_a_crash() {
        let clock = Arc::new(ManualClock::default());
        let mut client = Client::new("/bin/true".into(), RuleSet::default(), clock);
        assert!(client.version().unwrap_err().is(&fault::CRASHED));
        assert_eq!(client.health(), Health { started: 1, crashed: 1, hung: 0 });
    }

    #[test]
    fn an_answer_without_measure_is_cut() {
        let long = "ü".repeat(TEXT_BYTES);
        let scan = Scan {
            name: long.clone(),
            score: 1000,
            details: vec![Pair::new("a", long); DETAILS + 1],
            ..Scan::default()
        };
        let done = bounded(Done { findings: vec![scan; FINDINGS + 1], ..Done::default() });
        assert_eq!((done.findings.len(), done.findings[0].details.len()), (FINDINGS, DETAILS));
        assert!(done.findings[0].name.len() <= TEXT_BYTES && done.findings[0].score == 100);
        assert!(done.findings[0].details[0].value.len() <= TEXT_BYTES);
    }
}

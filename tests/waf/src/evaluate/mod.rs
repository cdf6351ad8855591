//! The parts of `make eval-waf`: each prints its tables and gives rows of figures.

pub mod corpora;
pub mod hidden;
pub mod learned;
pub mod mutants;
pub mod profile;
pub mod suite;

use crate::answer::Answer;
use crate::corpus;
use crate::difference;
use crate::explain::{Explainer, Reason};
use crate::oracle;
use crate::ours::Ours;
use crate::request::Request;
use crate::rules::{Mode, Rules};
use kit::figures::Row;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Name of the peer in tables and figures.
pub const PEER: &str = "libmodsecurity 3.0.15";

/// What an evaluation runs with.
pub struct Options {
    /// Python with libmodsecurity; without it our figures stand alone, and each row says so.
    pub python: Option<PathBuf>,
    /// Every n-th case of each corpus; 1 is all.
    pub every: usize,
    /// Differences that are shown with an example.
    pub examples: usize,
    /// Another rule set than the installed one, and its setup where that is elsewhere.
    pub rules: Option<PathBuf>,
    /// See `rules`.
    pub setup: Option<PathBuf>,
    /// The regression tests of that rule set.
    pub tests: Option<PathBuf>,
}

impl Options {
    /// The rules of the regression suite.
    ///
    /// # Errors
    /// When the rule set that was asked for is incomplete.
    pub fn suite_rules(&self) -> Result<Rules, String> {
        match &self.rules {
            Some(folder) => Rules::of_directory(folder, self.setup.as_deref(), Mode::Suite),
            None => Ok(Rules::new(Mode::Suite)),
        }
    }

    /// The folder of the regression tests: the one asked for, that of the rule set's release, or that of the corpora.
    pub fn suite_tests(&self) -> PathBuf {
        let release = self.rules.as_ref().map(|folder| folder.join("tests/regression/tests"));
        let asked = self.tests.clone().or(release.filter(|folder| folder.is_dir()));
        asked.unwrap_or_else(|| corpus::data().join("crs-3.3.4-tests"))
    }
}

/// Both engines' answers; the peer's are empty where it is absent.
pub struct Both {
    /// Our engine's.
    pub ours: Vec<Answer>,
    /// The peer's.
    pub theirs: Vec<Answer>,
}

/// Lets both engines judge the same requests under the same rules.
pub fn judge(options: &Options, rules: &Rules, requests: &[&Request]) -> Result<Both, String> {
    let engine = Ours::load(rules)?;
    std::thread::scope(|scope| {
        let peer = options.python.as_ref().map(|python| scope.spawn(|| oracle::run(python, rules, requests, 2)));
        let ours = requests.iter().map(|request| engine.answer(request)).collect();
        let theirs = match peer {
            None => Vec::new(),
            Some(peer) => peer.join().map_err(|_| "the oracle's thread panicked".to_string())??,
        };
        Ok(Both { ours, theirs })
    })
}

/// Requests on which the engines differ.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Differing {
    /// For no known reason.
    pub open: usize,
    /// For a known one.
    pub explained: BTreeMap<Reason, usize>,
}

impl Differing {
    /// The row of figures.
    pub fn row(&self, id: String, data: String) -> Row {
        let explained: Vec<String> =
            self.explained.iter().map(|(reason, count)| format!("{count}: {}", reason.text())).collect();
        let beside =
            if explained.is_empty() { String::new() } else { format!(" (explained beside: {})", explained.join("; ")) };
        Row {
            id,
            what: format!("requests on which the list of rule ids is not libmodsecurity's, unexplained{beside}"),
            ours: vec![self.open as f64],
            unit: "requests",
            peer: Vec::new(),
            peer_name: String::new(),
            goal: "0".into(),
            met: self.open == 0,
            data,
        }
    }
}

/// Prints what differs: known reasons counted, each other kind with its first example.
pub fn print_differences(
    rules: &Rules,
    both: &Both,
    requests: &[&Request],
    names: &[String],
    examples: usize,
) -> Result<Differing, String> {
    let mut differing = Differing::default();
    if both.theirs.is_empty() {
        return Ok(differing);
    }
    let explainer = Explainer::load(rules)?;
    let (mut ours, mut theirs, mut numbers) = (Vec::new(), Vec::new(), Vec::new());
    for (number, (our, their)) in
        both.ours.iter().zip(&both.theirs).enumerate().filter(|(_, (our, their))| !our.agrees(their))
    {
        match explainer.reason(requests[number], our, their) {
            Some(reason) => *differing.explained.entry(reason).or_default() += 1,
            None => {
                ours.push(our.clone());
                theirs.push(their.clone());
                numbers.push(number);
            }
        }
    }
    differing.open = numbers.len();
    println!("  rule by rule: {} of {} requests differ", differing.open, requests.len());
    for (reason, count) in &differing.explained {
        println!("    explained: {count}: {}", reason.text());
    }
    let mut shown = BTreeSet::new();
    for item in difference::between(&ours, &theirs).1.iter().take(examples) {
        let number = numbers[item.first];
        println!("    {} {}: {} requests, first {}", item.rule, item.kind.text(), item.count, names[number]);
        if shown.insert(number) {
            let (our, their) = (&both.ours[number], &both.theirs[number]);
            println!("      ours {:?} {:?}", our.rules, our.intervention.map(|stop| stop.status));
            println!("      theirs {:?} {:?}", their.rules, their.intervention.map(|stop| stop.status));
            println!("      {}", requests[number].line());
        }
    }
    Ok(differing)
}

//! The parts of `make eval-waf`: each prints its tables and gives rows of figures.

pub mod corpora;
pub mod mutants;
pub mod suite;

use crate::answer::Answer;
use crate::difference::{self, Kind};
use crate::ours::Ours;
use crate::request::Request;
use crate::rules::Rules;
use crate::{oracle, request};
use std::collections::BTreeSet;
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

/// Prints what differs, and gives the number of requests that do. Where both engines could not read the body (rule
/// 200002), what they say beyond that is counted apart: the request is refused either way.
pub fn print_differences(both: &Both, requests: &[&request::Request], names: &[String], examples: usize) -> Differing {
    if both.theirs.is_empty() {
        return Differing::default();
    }
    let unread = |answer: &Answer| answer.rules.contains(&200_002);
    let pairs = both.ours.iter().zip(&both.theirs);
    let beyond = pairs.filter(|(our, their)| !our.agrees(their) && unread(our) && unread(their)).count();
    let (all, list) = difference::between(&both.ours, &both.theirs);
    let differing = Differing { plain: all - beyond, beyond };
    println!(
        "  rule by rule: {} of {} requests differ, {beyond} more beyond an unreadable body",
        differing.plain,
        requests.len()
    );
    let mut shown = BTreeSet::new();
    for item in list.iter().filter(|item| !unread(&both.theirs[item.first])).take(examples) {
        let kind = match item.kind {
            Kind::OnlyOurs => "only ours",
            Kind::OnlyTheirs => "only theirs",
            Kind::Order => "order",
            Kind::Stop => "stopped otherwise",
        };
        println!("    {} {kind}: {} requests, first {}", item.rule, item.count, names[item.first]);
        if shown.insert(item.first) {
            let (our, their) = (&both.ours[item.first], &both.theirs[item.first]);
            println!("      ours {:?} {:?}", our.rules, our.intervention.map(|stop| stop.status));
            println!("      theirs {:?} {:?}", their.rules, their.intervention.map(|stop| stop.status));
            println!("      {}", requests[item.first].line());
        }
    }
    differing
}

/// Requests on which the engines differ.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Differing {
    /// Plainly.
    pub plain: usize,
    /// Beyond a body that both call unreadable.
    pub beyond: usize,
}

//! Correlations, compiled: what they name is looked up, and each knows whom it feeds.

use super::access::Access;
use super::condition::{Bound, Condition, Expression};
use super::fault;
use super::limits::{CHAIN, CORRELATIONS, COUNT};
use super::lookup::{Lookup, Target};
use super::read::{self, Asked, Draft, Measure, Word};
use super::window::Plan;
use crate::compile::OFF;
use crate::condition::{self, Problem};
use crate::fault as common;
use crate::rule::{Rule, Status};
use crate::yaml::{self, Document, Place};
use crate::{Engine, RuleIndex, Unrouted};
use base::{Fault, Result};
use std::collections::HashSet;
use std::sync::Arc;

/// A correlation of a [`Compiled`], by its place. Good for that one only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CorrelationIndex(pub u32);

/// Where a rule or correlation counts: a correlation, and its place among the rules that it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Feed {
    pub correlation: u32,
    pub place: u8,
}

/// How the events of one rule give group and values.
#[derive(Debug)]
pub(super) struct Input {
    pub group: Vec<Access>,
    pub fields: Vec<Access>,
}

#[derive(Debug)]
pub(super) struct Correlation {
    pub rule: Rule,
    pub word: &'static str,
    pub timespan: String,
    pub plan: Plan,
    pub condition: Condition,
    /// Names of the group's values.
    pub group: Vec<String>,
    /// One for each rule that it names.
    pub inputs: Vec<Input>,
    /// Whom it feeds.
    pub feeds: Vec<Feed>,
    /// Whether its hits are told.
    pub told: bool,
    generate: bool,
    /// The rules at the bottom of it, and how many correlations are on the longest way there.
    leaves: Vec<u32>,
    depth: usize,
}

#[derive(Debug, Default)]
pub(super) struct Inner {
    /// Those that are named stand before those that name them.
    pub correlations: Vec<Correlation>,
    /// Per rule of the engine whom it feeds.
    pub feeds: Vec<Vec<Feed>>,
    silenced: Vec<bool>,
    unrouted: Vec<Unrouted>,
}

/// Compiled correlations, for the engine they were compiled with. Immutable; a clone is the same one.
#[derive(Debug, Clone, Default)]
pub struct Compiled(pub(super) Arc<Inner>);

impl Compiled {
    /// How many correlations there are.
    pub fn len(&self) -> usize {
        self.0.correlations.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.correlations.is_empty()
    }

    /// Every correlation that runs; one that names another stands behind it.
    pub fn rules(&self) -> impl Iterator<Item = (CorrelationIndex, &Rule)> {
        (0..).map(CorrelationIndex).zip(self.0.correlations.iter().map(|one| &one.rule))
    }

    /// A correlation as people read it; its log source is empty. An index of another [`Compiled`] gives the last or
    /// panics when there is none.
    pub fn rule(&self, index: CorrelationIndex) -> &Rule {
        &self.at(index).rule
    }

    /// The names of its group's values.
    pub fn group(&self, index: CorrelationIndex) -> &[String] {
        &self.at(index).group
    }

    /// The rules of single events that it stands on, also through other correlations.
    pub fn bases(&self, index: CorrelationIndex) -> impl Iterator<Item = RuleIndex> {
        self.at(index).leaves.iter().copied().map(RuleIndex)
    }

    /// Its type: `event_count` …
    pub fn kind(&self, index: CorrelationIndex) -> &'static str {
        self.at(index).word
    }

    /// Its time span as written: `5m`.
    pub fn timespan(&self, index: CorrelationIndex) -> &str {
        &self.at(index).timespan
    }

    /// Whether a rule raises no alert of its own: correlations name it, and none of them says `generate: true`.
    pub fn silences(&self, rule: RuleIndex) -> bool {
        self.0.silenced.get(rule.0 as usize).copied().unwrap_or(false)
    }

    /// Correlations that are sound and do not run, for their status says so.
    pub fn unrouted(&self) -> &[Unrouted] {
        &self.0.unrouted
    }

    fn at(&self, index: CorrelationIndex) -> &Correlation {
        &self.0.correlations[(index.0 as usize).min(self.len().saturating_sub(1))]
    }
}

/// A correlation that waits for those it names.
struct Waiting<'s> {
    draft: Draft,
    place: Place<'s>,
}

/// Compiles the correlations that an engine was given ([`Engine::correlations`]). Every fault names `file:line` and takes
/// out only its own correlation and those that name it.
pub fn compile(engine: &Engine) -> (Compiled, Vec<Fault>) {
    let (mut inner, mut faults) = (Inner::default(), Vec::new());
    let mut lookup = Lookup::new(engine);
    let mut waiting = Vec::new();
    let mut ids: HashSet<String> = engine.rules().iter().map(|rule| rule.id.clone()).collect();
    for source in engine.correlations() {
        let place = Place { name: &source.name };
        for document in yaml::documents(&source.text) {
            // The engine keeps the numbers of lines by empty lines before; they are no part of the text.
            let empty = document.text.bytes().take_while(|byte| *byte == b'\n').count();
            let document = Document { text: &document.text[empty..], before: document.before + empty };
            match read::read(&document, place) {
                Err(fault) => faults.push(fault),
                Ok(draft) if !ids.insert(draft.rule.id.clone()) => {
                    faults.push(Fault::new(&common::DUPLICATE).object(&draft.rule.place).found(&draft.rule.id));
                }
                Ok(draft) if waiting.len() == CORRELATIONS => {
                    let fault = Fault::new(&common::LIMIT).object(&draft.rule.place);
                    faults.push(fault.expected(format!("at most {CORRELATIONS} correlations")));
                }
                Ok(Draft { rule, .. }) if matches!(rule.status, Some(Status::Deprecated | Status::Unsupported)) => {
                    let word = rule.status.map_or("", Status::word);
                    let reason = format!("its status is {word}: kept to read, not run");
                    lookup.idle(&rule, &reason);
                    inner.unrouted.push(Unrouted { rule, reason });
                }
                Ok(Draft { rule, .. }) if engine.off.contains(&rule.id) => {
                    lookup.idle(&rule, OFF);
                    inner.unrouted.push(Unrouted { rule, reason: OFF.to_owned() });
                }
                Ok(draft) => {
                    lookup.add(&draft.rule, Target::Correlation(waiting.len()));
                    waiting.push(Waiting { draft, place });
                }
            }
        }
    }
    inner.feeds = vec![Vec::new(); engine.rules().len()];
    inner.silenced = vec![false; engine.rules().len()];
    settle(&mut inner, waiting, &lookup, engine, &mut faults);
    silence(&mut inner);
    (Compiled(Arc::new(inner)), faults)
}

/// Compiles those whose own correlations are compiled, again and again; what is left names itself in the end.
fn settle(inner: &mut Inner, waiting: Vec<Waiting<'_>>, lookup: &Lookup, engine: &Engine, faults: &mut Vec<Fault>) {
    let mut states = vec![State::Waiting; waiting.len()];
    let mut waiting: Vec<Option<Waiting<'_>>> = waiting.into_iter().map(Some).collect();
    let mut moved = true;
    while std::mem::take(&mut moved) {
        for at in 0..waiting.len() {
            let Some(one) = &waiting[at] else { continue };
            let found = match targets(&one.draft, one.place, lookup, &states) {
                Ok(Some(found)) => Ok(found),
                Ok(None) => continue,
                Err(fault) => Err(fault),
            };
            let Some(one) = waiting[at].take() else { continue };
            moved = true;
            let place = one.place;
            match found.and_then(|found| finish(one.draft, place, &found, inner, lookup, engine)) {
                Ok((correlation, found)) => {
                    let own = inner.correlations.len() as u32;
                    for (place, target) in (0..).zip(found) {
                        let feed = Feed { correlation: own, place };
                        match target {
                            Target::Rule(rule) => inner.feeds[rule as usize].push(feed),
                            Target::Correlation(below) => inner.correlations[below].feeds.push(feed),
                        }
                    }
                    states[at] = State::Done(own as usize);
                    inner.correlations.push(correlation);
                }
                Err(fault) => {
                    states[at] = State::Refused;
                    faults.push(fault);
                }
            }
        }
    }
    for one in waiting.iter().flatten() {
        let left = |word: &&Word| matches!(lookup.find(&word.text), Ok(Some(Target::Correlation(at))) if waiting[at].is_some());
        let word = one.draft.references.iter().find(left).or(one.draft.references.first());
        let (line, found) = word.map_or((1, String::new()), |word| (word.line, format!("`{}`", word.text)));
        faults.push(one.place.fault(&fault::CYCLE, line).found(found));
    }
}

/// What became of a correlation that was read.
#[derive(Clone, Copy)]
enum State {
    Waiting,
    Done(usize),
    Refused,
}

/// What a correlation names, compiled; nothing when one of them still waits.
fn targets(draft: &Draft, place: Place<'_>, lookup: &Lookup, states: &[State]) -> Result<Option<Vec<Target>>> {
    let mut found = Vec::new();
    for word in &draft.references {
        let missing = |found: String| {
            let fault = place.fault(&fault::REFERENCE, word.line).expected("the id or name of a rule");
            Err(fault.found(found))
        };
        let target = match lookup.find(&word.text) {
            Err(count) => {
                let fault = place.fault(&fault::AMBIGUOUS, word.line).expected("one rule");
                return Err(fault.found(format!("`{}` for {count}", word.text)));
            }
            Ok(None) => match lookup.reason(&word.text) {
                Some(reason) => return missing(format!("`{}`: {reason}", word.text)),
                None => return missing(format!("`{}`", word.text)),
            },
            Ok(Some(Target::Rule(rule))) => Target::Rule(rule),
            Ok(Some(Target::Correlation(at))) => match states[at] {
                State::Waiting => return Ok(None),
                State::Refused => return missing(format!("`{}`, which was refused", word.text)),
                State::Done(at) => Target::Correlation(at),
            },
        };
        if found.contains(&target) {
            let fault = place.fault(&common::FORM, word.line).expected("each rule once");
            return Err(fault.found(format!("`{}` by id and by name", word.text)));
        }
        found.push(target);
    }
    Ok(Some(found))
}

/// Resolves fields and condition.
fn finish(
    draft: Draft,
    place: Place<'_>,
    targets: &[Target],
    inner: &Inner,
    lookup: &Lookup,
    engine: &Engine,
) -> Result<(Correlation, Vec<Target>)> {
    let condition = condition_of(&draft, place)?;
    check_aliases(&draft, place, targets, lookup)?;
    let (mut leaves, mut depth) = (Vec::new(), 1);
    for target in targets {
        match target {
            Target::Rule(rule) => leaves.push(*rule),
            Target::Correlation(below) => {
                leaves.extend(&inner.correlations[*below].leaves);
                depth = depth.max(inner.correlations[*below].depth + 1);
            }
        }
    }
    leaves.sort_unstable();
    leaves.dedup();
    if depth > CHAIN {
        let line = draft.references.first().map_or(1, |word| word.line);
        let expected = format!("at most {CHAIN} correlations one above the other");
        return Err(place.fault(&common::LIMIT, line).expected(expected));
    }
    let mut inputs = Vec::new();
    for (reference, target) in draft.references.iter().zip(targets) {
        let below = match target {
            Target::Correlation(below) => Some(&inner.correlations[*below]),
            Target::Rule(_) => None,
        };
        let access = |word: &Word| -> Result<Access> {
            let field = aliased(&draft, word, reference, *target, place, lookup)?;
            if let Some(at) = below.and_then(|below| below.group.iter().position(|name| *name == field.text)) {
                return Ok(Access::Below(at));
            }
            let own: &[u32] = match target {
                Target::Rule(rule) => std::slice::from_ref(rule),
                Target::Correlation(below) => &inner.correlations[*below].leaves,
            };
            let rules = own.iter().map(|rule| &engine.rules()[*rule as usize]);
            Access::new(&field.text, rules).ok_or_else(|| {
                let expected = format!("a field of the events of `{}`", reference.text);
                place.fault(&common::FIELD, field.line).expected(expected).found(format!("`{}`", field.text))
            })
        };
        let all = |words: &[Word]| words.iter().map(access).collect::<Result<Vec<_>>>();
        inputs.push(Input { group: all(&draft.group)?, fields: all(&draft.fields)? });
    }
    let plan = Plan::new(draft.measure, draft.span_us, condition.greatest().min(COUNT as f64), targets.len());
    let correlation = Correlation {
        rule: draft.rule,
        word: draft.word,
        timespan: draft.timespan,
        plan,
        condition,
        group: draft.group.into_iter().map(|word| word.text).collect(),
        inputs,
        feeds: Vec::new(),
        told: true,
        generate: draft.generate,
        leaves,
        depth,
    };
    Ok((correlation, targets.to_vec()))
}

/// The condition, when it can hold at all.
fn condition_of(draft: &Draft, place: Place<'_>) -> Result<Condition> {
    let references = draft.references.len();
    let every = u64::MAX >> (64 - references.clamp(1, 64));
    let never = |line: usize, found: &str| Err(place.fault(&common::NEVER, line).found(found));
    match &draft.condition {
        None => Ok(Condition::Bounds(vec![Bound::GreaterOrEqual(references as f64)])),
        Some(Asked::Bounds(bounds, line)) => {
            let condition = Condition::Bounds(bounds.clone());
            let possible = match draft.measure {
                Measure::Order => condition.holds(references as f64, every),
                Measure::Together => condition.possible(references as u64),
                Measure::Events | Measure::Distinct => condition.possible(COUNT + 1),
                _ => true,
            };
            if possible { Ok(condition) } else { never(*line, "a condition that no number satisfies") }
        }
        Some(Asked::Text(word)) => {
            let wrong = |expected: &str, found: String| {
                place.fault(&common::CONDITION, word.line).expected(expected).found(found)
            };
            let tree = condition::parse(&word.text).map_err(|problem| match problem {
                Problem::Form(expected, found) => wrong(expected, found),
                Problem::Aggregation => wrong("names of rules, and, or, not", "`|`".to_owned()),
            })?;
            let names: Vec<String> = draft.references.iter().map(|word| word.text.clone()).collect();
            let expression = Expression::new(&tree, &names)
                .map_err(|name| wrong("names of the rules listed", format!("`{name}`")))?;
            if draft.measure == Measure::Order && !expression.holds(every) {
                return never(word.line, "a condition that is false when all its rules fitted");
            }
            Ok(Condition::Rules(expression))
        }
    }
}

/// Aliases may name only rules of the correlation.
fn check_aliases(draft: &Draft, place: Place<'_>, targets: &[Target], lookup: &Lookup) -> Result<()> {
    for (rule, _) in draft.aliases.iter().flat_map(|alias| &alias.fields) {
        let same =
            |(word, target): (&Word, &Target)| word.text == rule.text || lookup.same(&rule.text, &word.text, *target);
        if !draft.references.iter().zip(targets).any(same) {
            let fault = place.fault(&common::FORM, rule.line).expected("a rule of this correlation");
            return Err(fault.found(format!("`{}`", rule.text)));
        }
    }
    Ok(())
}

/// The field that a name stands for in the events of a rule.
fn aliased<'d>(
    draft: &'d Draft,
    word: &'d Word,
    reference: &Word,
    target: Target,
    place: Place<'_>,
    lookup: &Lookup,
) -> Result<&'d Word> {
    let Some(alias) = draft.aliases.iter().find(|alias| alias.name.text == word.text) else { return Ok(word) };
    let own = |rule: &Word| rule.text == reference.text || lookup.same(&rule.text, &reference.text, target);
    match alias.fields.iter().find(|(rule, _)| own(rule)) {
        Some((_, field)) => Ok(field),
        // The correlation below may have the alias in its own group.
        None if matches!(target, Target::Correlation(_)) => Ok(word),
        None => {
            let expected = format!("a field for `{}` in the alias `{}`", reference.text, word.text);
            Err(place.fault(&common::FORM, alias.name.line).expected(expected).found("none"))
        }
    }
}

/// Finds which rules and correlations speak only through others.
fn silence(inner: &mut Inner) {
    let speaks: Vec<bool> = inner.correlations.iter().map(|one| one.generate).collect();
    let silent = |feeds: &[Feed]| !feeds.is_empty() && !feeds.iter().any(|feed| speaks[feed.correlation as usize]);
    for (silenced, feeds) in inner.silenced.iter_mut().zip(&inner.feeds) {
        *silenced = silent(feeds);
    }
    for correlation in &mut inner.correlations {
        correlation.told = !silent(&correlation.feeds);
    }
}

//! Rules tried on the past: the lake's events of the kinds they are about, oldest first, through the engine that runs
//! on agents.
//!
//! Memory is bounded: a part of the window is read at a time, as long as about [`BATCH`] events take. One test runs at a
//! time; what came before it goes on being told for a while.

use super::change::{ExceptionOf, every, told};
use super::tally::{Restored, Tally};
use super::{Rules, blocking};
use crate::fault;
use api::rules::{RuleTest, RuleTestRequest};
use base::{Fault, Result};
use detect::correlation::{CorrelationHit, CorrelationIndex, Limits, Tracker};
use detect::{Engine, RuleIndex, Scratch};
use lake::Lake;
use port::{Query, QueryLimits};
use record::{AgentId, Kind};
use ruleset::{Compiled, Exception, Ground, PUBLISHED, Published};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

/// Events read at a time, about.
const BATCH: usize = 20_000;
/// Tests remembered, and of them those that may wait or run.
const TESTS: usize = 32;
const WAITING: usize = 4;
/// Most rules of one test.
const RULES_MOST: usize = 500;
/// Most hosts whose correlations are followed.
const HOSTS_MOST: usize = 1000;
/// Bounds of a host's correlations, smaller than on the host itself: there are many.
const LIMITS: Limits = Limits { groups: 5_000, bytes: 4 << 20, evidence: 1, evidence_bytes: 1 << 20 };
/// Where texts stand that are tried and not in the set.
const TRIED: &str = "published/tried/";
const DAY_US: f64 = 86_400e6;

/// A test under way or done.
struct Job {
    report: Mutex<RuleTest>,
    cancel: AtomicBool,
}

impl Job {
    fn report(&self) -> MutexGuard<'_, RuleTest> {
        self.report.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// The tests.
pub struct Tests {
    jobs: Mutex<BTreeMap<String, Arc<Job>>>,
    one: tokio::sync::Semaphore,
}

impl Default for Tests {
    fn default() -> Tests {
        Tests { jobs: Mutex::default(), one: tokio::sync::Semaphore::new(1) }
    }
}

impl Tests {
    fn jobs(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Job>>> {
        self.jobs.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn find(&self, id: &str) -> Result<Arc<Job>> {
        let missing = || Fault::new(&api::fault::MISSING).object(format!("test {id}"));
        self.jobs().get(id).cloned().ok_or_else(missing)
    }

    fn add(&self, report: RuleTest) -> Result<Arc<Job>> {
        let mut jobs = self.jobs();
        let running = |job: &Arc<Job>| job.report().state == "running";
        if jobs.values().filter(|job| running(job)).count() >= WAITING {
            return Err(Fault::new(&fault::RULE_TESTS).expected(format!("at most {WAITING}")));
        }
        while jobs.len() >= TESTS {
            let oldest = jobs.iter().filter(|(_, job)| !running(job)).min_by_key(|(_, job)| job.report().until_us);
            let Some(id) = oldest.map(|(id, _)| id.clone()) else { break };
            jobs.remove(&id);
        }
        let id = report.id.clone();
        let job = Arc::new(Job { report: Mutex::new(report), cancel: AtomicBool::new(false) });
        jobs.insert(id, job.clone());
        Ok(job)
    }
}

/// An exception whose effect is measured: rules with it, and where it holds.
struct Excepted {
    engine: Engine,
    scratch: Scratch,
    hits: Vec<RuleIndex>,
    /// Agents that it is for; none for every one.
    agents: Option<HashSet<AgentId>>,
    rules: Vec<String>,
    whole: bool,
}

impl Excepted {
    /// Whether it silences this hit of a rule.
    fn silences(&mut self, rule: &str, (id, _, event): &Restored) -> bool {
        if !self.rules.iter().any(|known| known == rule) {
            return false;
        }
        if self.agents.as_ref().is_some_and(|agents| !agents.contains(&id.agent)) {
            return false;
        }
        self.whole || {
            self.engine.evaluate(event, &mut self.scratch, &mut self.hits);
            !self.hits.iter().any(|index| self.engine.rule(*index).id == rule)
        }
    }
}

/// What judges, and what it found.
struct Judging {
    compiled: Compiled,
    scratch: Scratch,
    hits: Vec<RuleIndex>,
    found: Vec<CorrelationHit>,
    singles: HashMap<RuleIndex, Tally>,
    groups: HashMap<CorrelationIndex, Tally>,
    trackers: HashMap<AgentId, Tracker>,
    excepted: Option<Excepted>,
    samples: usize,
    judged: u64,
}

impl Judging {
    /// Judges events, oldest first.
    fn judge(&mut self, events: &[Restored]) {
        for restored in events {
            self.judged += 1;
            let (id, host, event) = restored;
            self.compiled.engine.evaluate(event, &mut self.scratch, &mut self.hits);
            for place in 0..self.hits.len() {
                let index = self.hits[place];
                let Some(tally) = self.singles.get_mut(&index) else { continue };
                let engine = &self.compiled.engine;
                let silenced = self.excepted.as_mut().is_some_and(|one| one.silences(&engine.rule(index).id, restored));
                tally.hit(restored, silenced, self.samples, || {
                    let matches = engine.explain(index, event);
                    matches.iter().map(|one| format!("{}={}", one.field, one.value)).collect::<Vec<_>>().join(" ")
                });
            }
            if self.groups.is_empty() || self.hits.is_empty() {
                continue;
            }
            if !self.trackers.contains_key(&id.agent) && self.trackers.len() >= HOSTS_MOST {
                continue;
            }
            let new = || Tracker::new(&self.compiled.correlations, LIMITS);
            let tracker = self.trackers.entry(id.agent).or_insert_with(new);
            self.found.clear();
            tracker.observe(event, &host.name, &self.hits, &mut self.found);
            for hit in &self.found {
                let Some(tally) = self.groups.get_mut(&hit.rule) else { continue };
                tally.hit(restored, false, self.samples, || {
                    let names = self.compiled.correlations.group(hit.rule).iter().zip(&hit.group);
                    let group: Vec<String> = names.map(|(name, value)| format!("{name}={value}")).collect();
                    format!("{} {} {}", self.compiled.correlations.kind(hit.rule), hit.value, group.join(" "))
                });
            }
        }
    }

    fn tell(&self, report: &mut RuleTest) {
        let days = (report.until_us - report.held_from_us.max(report.since_us)) as f64 / DAY_US;
        let engine = &self.compiled.engine;
        let singles = self.singles.iter().map(|(index, tally)| {
            let silent = self.compiled.correlations.silences(*index);
            tally.tell(engine.rule(*index), silent, days, report.hosts)
        });
        let groups = self.groups.iter();
        let groups =
            groups.map(|(index, tally)| tally.tell(self.compiled.correlations.rule(*index), false, days, report.hosts));
        report.rules = singles.chain(groups).collect();
        report.rules.sort_by(|one, other| (other.hits, &one.id).cmp(&(one.hits, &other.id)));
        report.judged = self.judged;
    }
}

fn invalid(object: &str) -> Fault {
    Fault::new(&api::fault::INVALID).object(object)
}

impl Rules {
    /// Begins a test.
    pub(super) async fn begin(self: &Arc<Self>, asked: RuleTestRequest) -> Result<RuleTest> {
        let (judging, kinds) = self.judging(&asked).await?;
        let until_us = self.base.clock.wall();
        let span = i64::try_from(asked.since_s).unwrap_or(i64::MAX).saturating_mul(1_000_000);
        // An exception may well name rules that are not tried.
        let doubts = judging.compiled.engine.doubts().iter().filter(|doubt| doubt.named().starts_with(TRIED));
        let report = RuleTest {
            id: self.uuid(),
            state: "running".into(),
            since_us: until_us.saturating_sub(span).max(0),
            until_us,
            kinds: kinds.iter().map(|kind| kind.word().to_owned()).collect(),
            warnings: doubts.map(told).collect(),
            ..RuleTest::default()
        };
        let job = self.tests.add(report.clone())?;
        let rules = self.clone();
        tokio::spawn(async move {
            let begun = Instant::now();
            let done = rules.walk(&job, judging, &begun).await;
            let mut report = job.report();
            match done {
                Ok(()) if job.cancel.load(Ordering::Relaxed) => report.state = "cancelled".into(),
                Ok(()) => report.state = "done".into(),
                Err(fault) => {
                    tracing::warn!(fault = %fault.inside(), "a test of rules failed");
                    (report.state, report.fault) = ("failed".into(), Some(told(&fault)));
                }
            }
        });
        Ok(report)
    }

    pub(super) fn test_of(&self, id: &str) -> Result<RuleTest> {
        Ok(self.tests.find(id)?.report().clone())
    }

    pub(super) fn end_test(&self, id: &str) -> Result<()> {
        self.tests.find(id)?.cancel.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Reads the window part by part.
    async fn walk(&self, job: &Job, judging: Judging, begun: &Instant) -> Result<()> {
        let _one = self.tests.one.acquire().await.map_err(|cause| Fault::new(&api::fault::BUG).because(cause))?;
        let lake = &self.base.lake;
        let (since, until, kinds) = {
            let report = job.report();
            (report.since_us, report.until_us, report.kinds.clone())
        };
        let kinds: Vec<String> = kinds.iter().map(|kind| format!("'{kind}'")).collect();
        let kinds = format!("kind IN ({})", kinds.join(", "));
        let (first, events, hosts) = held(lake, &kinds, since, until).await?;
        {
            let mut report = job.report();
            (report.held_from_us, report.events, report.hosts) = (first, events, hosts);
        }
        let mut judging = judging;
        let window = until - first;
        let mut span = (window as f64 * BATCH as f64 / (2.0 * events.max(1) as f64)).clamp(1.0, 86_400e6) as i64;
        let mut from = if events == 0 { until } else { first };
        while from < until && !job.cancel.load(Ordering::Relaxed) {
            let to = from.saturating_add(span).min(until);
            let condition =
                format!("{kinds} AND time >= to_timestamp_micros({from}) AND time < to_timestamp_micros({to})");
            let mut found = match lake.restore(&condition, BATCH + 1).await {
                Err(fault) if fault.is(&lake::fault::TOO_MUCH_MEMORY) && span > 1 => {
                    span = (span / 4).max(1);
                    continue;
                }
                found => found?,
            };
            if found.len() > BATCH && span > 1 {
                span = (span / 4).max(1);
                continue;
            }
            if found.len() < BATCH / 4 {
                span = span.saturating_mul(2);
            }
            found.reverse();
            judging = blocking(move || {
                judging.judge(&found);
                judging
            })
            .await?;
            from = to;
            let took = begun.elapsed();
            let mut report = job.report();
            judging.tell(&mut report);
            report.took_ms = took.as_millis().try_into().unwrap_or(u64::MAX);
            report.events_per_s = (judging.judged as f64 / took.as_secs_f64().max(1e-6)) as u64;
        }
        judging.tell(&mut job.report());
        Ok(())
    }

    /// Compiles what is to be tried; says which kinds of events it is about.
    async fn judging(&self, asked: &RuleTestRequest) -> Result<(Judging, Vec<Kind>)> {
        if asked.files.is_empty() && asked.ids.is_empty() {
            return Err(invalid("rules").expected("files or ids of rules"));
        }
        if asked.files.len() + asked.ids.len() > RULES_MOST {
            return Err(invalid("rules").expected(format!("at most {RULES_MOST}")));
        }
        let excepted: Option<Exception> = asked.exception.clone().map(|form| ExceptionOf::from(form).0);
        let (published, wanted) = self.tried(asked)?;
        let whole = published.whole;
        let ground = move || Ground { builtin: whole, ..Ground::default() };
        let with = excepted.as_ref().and_then(|exception| {
            let mut published = published.clone();
            published.texts.push(("exceptions/tried.yml".into(), exception.filter()?));
            Some(published)
        });
        let work = move || (ruleset::compile(&published, ground()), with.map(|with| ruleset::compile(&with, ground())));
        let (compiled, with) = blocking(work).await?;
        for one in [Some(&compiled), with.as_ref()].into_iter().flatten() {
            // A rule of the set that gives way to one that is tried is none.
            let wrong = |fault: &&Fault| {
                let tried = fault.named().starts_with(TRIED);
                tried || fault.named().starts_with(PUBLISHED) && !fault.is(&detect::fault::DUPLICATE)
            };
            if let Some(fault) = one.faults.iter().find(wrong) {
                return Err(super::change::by_name(fault));
            }
        }
        let is_wanted = |id: &str, place: &str| match wanted.is_empty() {
            true => place.starts_with(TRIED),
            false => wanted.contains(id) || place.starts_with(TRIED),
        };
        let engine = &compiled.engine;
        let mut kinds: BTreeSet<Kind> = BTreeSet::new();
        let (mut singles, mut groups) = (HashMap::new(), HashMap::new());
        for (index, rule) in (0..).map(RuleIndex).zip(engine.rules()) {
            if is_wanted(&rule.id, &rule.place) {
                kinds.extend(engine.kinds(index));
                singles.insert(index, Tally::default());
            }
        }
        for (index, rule) in compiled.correlations.rules() {
            if is_wanted(&rule.id, &rule.place) {
                kinds.extend(compiled.correlations.bases(index).flat_map(|base| engine.kinds(base)));
                groups.insert(index, Tally::default());
            }
        }
        if singles.is_empty() && groups.is_empty() {
            let idle = every(&compiled).find(|rule| is_wanted(&rule.id, &rule.place));
            let reasons = engine.unrouted().iter().chain(compiled.correlations.unrouted());
            let why = reasons.into_iter().find(|one| idle.is_some_and(|rule| rule.id == one.rule.id));
            let why = why.map_or_else(|| "none".to_owned(), |one| format!("{}: {}", one.rule.title, one.reason));
            return Err(invalid("rules").expected("a rule that can run").found(why));
        }
        let excepted = excepted.map(|exception| self.excepted(exception, with));
        let judging = Judging {
            compiled,
            scratch: Scratch::new(),
            hits: Vec::new(),
            found: Vec::new(),
            singles,
            groups,
            trackers: HashMap::new(),
            excepted,
            samples: asked.limit,
            judged: 0,
        };
        Ok((judging, kinds.into_iter().collect()))
    }

    /// The texts of a test, and the ids that are tried besides those of its files. Where a correlation is among them
    /// everything is compiled, for it may name any rule; the set is then marked as whole.
    fn tried(&self, asked: &RuleTestRequest) -> Result<(Published, HashSet<String>)> {
        let (present, now) = (self.present(), self.base.clock.wall());
        let mut published = Published::default();
        for (number, file) in asked.files.iter().enumerate() {
            published
                .texts
                .push((format!("tried/{number}/{}", file.name.replace(['/', '\\'], "_")), file.text.clone()));
        }
        let mut names = BTreeSet::new();
        let mut correlates = asked.files.iter().any(|file| file.text.contains("correlation:"));
        for id in &asked.ids {
            let rule = present.rule(id)?;
            correlates |= present.compiled.correlations.rules().any(|(_, one)| one.id == *id);
            if let Some((name, text)) = present.file(rule)
                && names.insert(name.clone())
            {
                published.texts.push((name, text));
            }
        }
        if correlates {
            let others = present.set.rules.iter().filter(|own| !names.contains(&own.path()));
            published.texts.extend(others.map(|own| (own.path(), own.text.clone())));
            published.whole = true;
        }
        // Those for some hosts only are left out: what they hide elsewhere is to be seen.
        let general = |one: &&Exception| one.hosts.is_empty() && one.groups.is_empty() && !one.over(now);
        for exception in present.set.exceptions.iter().filter(general) {
            let filter = exception.filter().map(|filter| (format!("exceptions/{}.yml", exception.id), filter));
            published.texts.extend(filter);
        }
        Ok((published, asked.ids.iter().cloned().collect()))
    }

    fn excepted(&self, exception: Exception, with: Option<Compiled>) -> Excepted {
        let everyone = exception.hosts.is_empty() && exception.groups.is_empty();
        let meant = |agent: &api::view::Agent| {
            exception.groups.contains(&agent.group)
                || exception.hosts.iter().any(|host| host.eq_ignore_ascii_case(&agent.host) || *host == agent.id)
        };
        let agents =
            || self.base.hub.list().iter().filter(|agent| meant(agent)).filter_map(|one| one.id.parse().ok()).collect();
        Excepted {
            agents: if everyone { None } else { Some(agents()) },
            whole: exception.fields.is_empty(),
            rules: exception.rules,
            engine: with.map_or_else(|| Engine::compile(&[]).0, |with| with.engine),
            scratch: Scratch::new(),
            hits: Vec::new(),
        }
    }
}

/// The first event of these kinds in a window, how many there are, and of how many agents.
async fn held(lake: &Lake, kinds: &str, since: i64, until: i64) -> Result<(i64, u64, u64)> {
    let statement = format!(
        "SELECT CAST(min(time) AS BIGINT), count(*), count(DISTINCT agent) FROM events WHERE {kinds} \
         AND time >= to_timestamp_micros({since}) AND time < to_timestamp_micros({until})"
    );
    let rows = lake.sql(&statement, QueryLimits { rows: 1, millis: 60_000 }).await?.rows;
    let cell = |at: usize| rows.first().and_then(|row| row.get(at)).and_then(serde_json::Value::as_i64).unwrap_or(0);
    Ok((cell(0), cell(1).max(0) as u64, cell(2).max(0) as u64))
}

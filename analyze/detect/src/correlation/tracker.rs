//! The state of all correlations: told of events, it answers with hits.

use super::access::{Access, Seen};
use super::compile::{Compiled, Correlation, CorrelationIndex, Feed};
use super::evidence::Evidence;
use super::group::{self, Groups};
use super::hit::CorrelationHit;
use super::limits::{LATE, Limits, SLACK_US};
use super::read::Measure;
use super::window::{Measured, Plan, Taken, Window};
use crate::RuleIndex;
use record::Event;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

/// What was given up or left out, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dropped {
    /// Groups given up while they still counted.
    pub groups: u64,
    /// Entries of a group cut while they still counted.
    pub entries: u64,
    /// Events older than the time span of their group, or too old to be put in order.
    pub late: u64,
    /// Events that lack a field to group by, or the value that is measured.
    pub absent: u64,
    /// Events not kept to be shown, for lack of room.
    pub evidence: u64,
}

/// What is known of one group.
#[derive(Debug)]
struct State {
    window: Window,
    evidence: Evidence,
    /// Time of its newest event.
    newest: i64,
    /// Time of its last hit.
    hit: Option<i64>,
    /// Late events since the last one in time.
    late: u8,
    /// The last event that counted here, by the tracker's number.
    event: u64,
    /// Bytes accounted for.
    bytes: usize,
}

impl State {
    fn new(plan: &Plan, time: i64) -> State {
        State {
            window: Window::new(plan),
            evidence: Evidence::default(),
            newest: time,
            hit: None,
            late: 0,
            event: 0,
            bytes: 0,
        }
    }

    /// Goes on to the time of an event; says the bytes of events that were let go, nothing when it comes too late.
    fn admit(&mut self, time: i64, plan: &Plan) -> Option<usize> {
        let mut free = 0;
        if time < self.newest.saturating_sub(plan.span_us) {
            self.late += 1;
            if self.late < LATE {
                return None;
            }
            // The newest time was wrong, not all of these.
            free = self.evidence.expire(i64::MAX);
            (self.window, self.newest, self.hit) = (Window::new(plan), time, None);
        }
        self.late = 0;
        self.newest = self.newest.max(time);
        Some(free + self.evidence.expire(self.newest.saturating_sub(plan.span_us)))
    }
}

/// The groups of one correlation.
#[derive(Debug, Default)]
struct Ground {
    groups: Groups<State>,
    bytes: usize,
}

/// Something that counts for a correlation.
#[derive(Debug)]
struct Task {
    feed: Feed,
    /// The group of the correlation below that holds.
    below: Option<Arc<[u8]>>,
    /// Whether that one hits, and does not only hold.
    hits: bool,
}

/// Correlations with what they remember. One tracker sees the events of one stream, in about the order of their times.
#[derive(Debug)]
pub struct Tracker {
    compiled: Compiled,
    limits: Limits,
    grounds: Vec<Ground>,
    bytes: usize,
    evidence_bytes: usize,
    dropped: Dropped,
    /// How many events were observed.
    number: u64,
    hasher: RandomState,
    tasks: Vec<Task>,
    key: Vec<u8>,
    value: Vec<u8>,
}

impl Tracker {
    /// A tracker that has seen nothing.
    pub fn new(compiled: &Compiled, limits: Limits) -> Tracker {
        Tracker {
            compiled: compiled.clone(),
            limits,
            grounds: (0..compiled.len()).map(|_| Ground::default()).collect(),
            bytes: 0,
            evidence_bytes: 0,
            dropped: Dropped::default(),
            number: 0,
            hasher: RandomState::new(),
            tasks: Vec::new(),
            key: Vec::new(),
            value: Vec::new(),
        }
    }

    /// The correlations, to read a hit and to make its alert.
    pub fn compiled(&self) -> &Compiled {
        &self.compiled
    }

    /// What was given up so far.
    pub fn dropped(&self) -> Dropped {
        self.dropped
    }

    /// Groups remembered, and bytes that they hold with their events, about.
    pub fn size(&self) -> (usize, usize) {
        let groups = self.grounds.iter().map(|ground| ground.groups.len()).sum();
        (groups, self.bytes + self.evidence_bytes)
    }

    /// Goes over to new correlations: what is known of those that did not change (same id and text, and the same rules
    /// named) stays, so that a change of content is no pause for an attack.
    pub fn renew(mut self, compiled: &Compiled) -> Tracker {
        let mut next = Tracker::new(compiled, self.limits);
        (next.dropped, next.number, next.hasher) = (self.dropped, self.number, self.hasher.clone());
        for (at, new) in compiled.0.correlations.iter().enumerate() {
            let same = |old: &Correlation| {
                old.rule.id == new.rule.id
                    && old.rule.version == new.rule.version
                    && old.inputs.len() == new.inputs.len()
            };
            if let Some(old) = self.compiled.0.correlations.iter().position(same) {
                next.grounds[at] = std::mem::take(&mut self.grounds[old]);
                next.bytes += next.grounds[at].bytes;
            }
        }
        next.evidence_bytes = next.grounds.iter().map(Ground::evidence).sum();
        next
    }

    /// Tells of an event and of the rules that it fits ([`Engine::evaluate`](crate::Engine::evaluate) of the engine that
    /// the correlations were compiled with); hits are added to `hits`. `host` names the host that the event is of. An
    /// event that fits no rule costs nothing.
    pub fn observe(&mut self, event: &Event, host: &str, rules: &[RuleIndex], hits: &mut Vec<CorrelationHit>) {
        let compiled = self.compiled.clone();
        self.tasks.clear();
        for rule in rules {
            let feeds = compiled.0.feeds.get(rule.0 as usize).map_or(&[][..], Vec::as_slice);
            self.tasks.extend(feeds.iter().map(|feed| Task { feed: *feed, below: None, hits: true }));
        }
        if self.tasks.is_empty() {
            return;
        }
        self.number += 1;
        self.tasks.sort_by_key(|task| task.feed);
        let mut shared = None;
        let mut at = 0;
        // Who is fed stands behind who feeds it, so tasks that are added belong behind this one.
        while at < self.tasks.len() {
            let Task { feed, below, hits: counted } = &self.tasks[at];
            let (feed, below, counted) = (*feed, below.clone(), *counted);
            at += 1;
            let Some(correlation) = compiled.0.correlations.get(feed.correlation as usize) else { continue };
            if !counted && !correlation.plan.measure.repeats() {
                continue;
            }
            let seen = Seen { event, host, below: below.as_deref() };
            let Some((key, told)) = self.count(correlation, feed, seen, &mut shared) else { continue };
            for feed in &correlation.feeds {
                let task = Task { feed: *feed, below: Some(key.clone()), hits: told.is_some() };
                let behind = self.tasks[at..].partition_point(|other| other.feed <= *feed);
                self.tasks.insert(at + behind, task);
            }
            hits.extend(told.filter(|_| correlation.told));
        }
        self.tasks.clear();
    }

    /// Counts an event for a correlation. When it holds for the group: the group, and the hit unless it is quiet.
    fn count(
        &mut self,
        correlation: &Correlation,
        feed: Feed,
        seen: Seen<'_>,
        shared: &mut Option<Arc<Event>>,
    ) -> Option<(Arc<[u8]>, Option<CorrelationHit>)> {
        let plan = &correlation.plan;
        let input = correlation.inputs.get(usize::from(feed.place))?;
        let mut taken = Taken { time: seen.event.time_us, place: feed.place, hash: 0, number: 0.0 };
        let given = self.group(&input.group, seen) && self.measured(plan.measure, &input.fields, seen, &mut taken);
        if !given {
            self.dropped.absent += 1;
            return None;
        }
        let ground = self.grounds.get_mut(feed.correlation as usize)?;
        let place = ground.groups.enter(&self.key, || State::new(plan, taken.time)).0;
        let (key, state) = ground.groups.at(place)?;
        // An event that fits two rules of a count is one event.
        let again = state.event == self.number && !plan.measure.of_rules() && plan.measure != Measure::Distinct;
        state.event = self.number;
        if again {
            return None;
        }
        let Some(free) = state.admit(taken.time, plan) else {
            self.dropped.late += 1;
            return None;
        };
        self.evidence_bytes -= free;
        let cutoff = state.newest.saturating_sub(plan.span_us);
        let cut = state.window.take(taken, plan, cutoff);
        match plan.measure {
            Measure::Order => self.dropped.late += cut,
            _ => self.dropped.entries += cut,
        }
        let measured = state
            .window
            .measure(plan, cutoff)
            .filter(|measured| correlation.condition.holds(measured.value, measured.seen));
        let quiet = state.hit.is_some_and(|hit| state.newest.saturating_sub(hit) < plan.span_us);
        let told = measured.filter(|_| !quiet).map(|measured| {
            state.hit = Some(state.newest);
            hit(
                feed,
                key,
                measured,
                state,
                self.limits.evidence,
                shared.get_or_insert_with(|| Arc::new(seen.event.clone())),
            )
        });
        let latest = plan.measure.of_rules();
        if !state.evidence.offer(seen.event, feed.place, latest, &self.limits, &mut self.evidence_bytes, shared) {
            self.dropped.evidence += 1;
        }
        // Twice the key: in the map and in its slot; and about as much again as the map keeps free.
        let bytes = size_of::<State>() + 2 * key.len() + 96 + state.window.bytes();
        let before = std::mem::replace(&mut state.bytes, bytes);
        ground.bytes = ground.bytes + bytes - before;
        self.bytes = self.bytes + bytes - before;
        let held = measured.map(|_| (key.clone(), told));
        self.shed(feed.correlation as usize, taken.time);
        held
    }

    /// Writes the group of an event into `self.key`; false when it lacks a field.
    fn group(&mut self, fields: &[Access], seen: Seen<'_>) -> bool {
        self.key.clear();
        fields.iter().all(|field| {
            self.value.clear();
            let given = field.text(seen, &mut self.value);
            group::append(&mut self.key, &self.value, &self.hasher);
            given
        })
    }

    /// Takes the value that is measured; false when the event has none.
    fn measured(&mut self, measure: Measure, fields: &[Access], seen: Seen<'_>, taken: &mut Taken) -> bool {
        match (measure, fields) {
            (Measure::Distinct, fields) => {
                self.value.clear();
                let given = fields.iter().all(|field| {
                    // Each value begins with room for its length, so that two lists never look alike.
                    let begin = self.value.len();
                    self.value.extend_from_slice(&[0; 4]);
                    let given = field.text(seen, &mut self.value);
                    let length = (self.value.len() - begin - 4) as u32;
                    self.value[begin..begin + 4].copy_from_slice(&length.to_le_bytes());
                    given
                });
                taken.hash = self.hasher.hash_one(&self.value);
                given
            }
            (_, [field]) => match field.number(seen) {
                Some(number) => {
                    taken.number = number;
                    true
                }
                None => false,
            },
            _ => true,
        }
    }

    /// Lets go of what is over, and gives up what is too much.
    fn shed(&mut self, correlation: usize, now: i64) {
        let span = self.compiled.0.correlations[correlation].plan.span_us;
        // Up to four a call, more than can come; an event from the future ends no more than these.
        for _ in 0..2 {
            let groups = &mut self.grounds[correlation].groups;
            let over = groups.oldest().map(|place| {
                place.filter(|place| {
                    groups.at(*place).is_some_and(|(_, state)| now.saturating_sub(state.newest) > span + SLACK_US)
                })
            });
            if over == [None, None] {
                break;
            }
            over.into_iter().flatten().for_each(|place| {
                self.remove(correlation, Some(place));
            });
        }
        while self.grounds[correlation].groups.len() > self.limits.groups {
            let victim = self.grounds[correlation].groups.victim();
            if !self.remove(correlation, victim) {
                break;
            }
            self.dropped.groups += 1;
        }
        while self.bytes > self.limits.bytes {
            let Some(most) = (0..self.grounds.len()).max_by_key(|at| self.grounds[*at].bytes) else { break };
            let victim = self.grounds[most].groups.victim();
            if !self.remove(most, victim) {
                break;
            }
            self.dropped.groups += 1;
        }
    }

    fn remove(&mut self, correlation: usize, place: Option<u32>) -> bool {
        let ground = &mut self.grounds[correlation];
        let Some((_, state)) = place.and_then(|place| ground.groups.remove(place)) else { return false };
        ground.bytes -= state.bytes;
        self.bytes -= state.bytes;
        self.evidence_bytes -= state.evidence.bytes();
        true
    }
}

impl Ground {
    /// Bytes of the events kept.
    fn evidence(&self) -> usize {
        self.groups.states().map(|state| state.evidence.bytes()).sum()
    }
}

fn hit(feed: Feed, key: &[u8], measured: Measured, state: &State, most: usize, event: &Arc<Event>) -> CorrelationHit {
    let mut events = state.evidence.events();
    // An event that fits two rules is kept for the first when the second completes the hit.
    events.retain(|kept| !Arc::ptr_eq(kept, event));
    events.truncate(most.saturating_sub(1));
    events.push(event.clone());
    CorrelationHit {
        rule: CorrelationIndex(feed.correlation),
        group: group::values(key).map(|value| String::from_utf8_lossy(value).into_owned()).collect(),
        value: measured.value,
        at_least: measured.cut,
        first_us: measured.first,
        last_us: state.newest,
        events,
    }
}

//! When a name moves, and when it moves back: a state machine that time, verdicts and outcomes are passed into. Pure.
//!
//! Place 0 is home. A name moves to another place when the one it is at is down, or when it is asked to (an attack, an
//! operator); it moves back when home has been up for `hold_s` and nothing keeps it away. It never moves to a place that
//! is not known to be up, never has two changes under way, and keeps its hands off when somebody else put the name to
//! an address that is none of its places.

mod rules;

pub use rules::{Policy, SwitchingRules};

use crate::health::Condition;
use base::{Micros, Result};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

const SECOND_US: Micros = 1_000_000;
/// Longest pause between attempts that fail, seconds.
const PAUSE_MAX_S: i64 = 30;
/// After this a change whose outcome nobody told counts as failed, seconds.
const FLIGHT_MAX_S: i64 = 30;

/// Why a name is moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The place it is at does not answer.
    Dead,
    /// The place it is at is attacked.
    Attack,
    /// Somebody asked for it.
    Operator,
    /// Home is well again.
    Home,
}

/// One move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// From this place.
    pub from: usize,
    /// To this one.
    pub to: usize,
    /// Why.
    pub reason: Reason,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Change the name, and tell [`Switching::done`].
    Swap(Move),
    /// Ask a person, who may answer with [`Switching::approve`]. Said once for each move.
    Ask(Move),
}

/// What came of a swap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The name is where it was to go.
    There,
    /// It was not where it was believed to be, and was not changed: it is at this place, or at none of them.
    Elsewhere(Option<usize>),
    /// It is not known, or nothing was done.
    Failed,
}

/// How a name stands, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// At home, and home is not down.
    Healthy,
    /// The place it is at is down; not yet long enough, or the pace of moves or of failures holds it.
    Suspected,
    /// The place it is at is down and no other is up.
    Stranded,
    /// A person is asked.
    Asking,
    /// A change is under way.
    Switching,
    /// At another place.
    Switched,
    /// At another place, and home is up but not yet for long enough.
    Recovering,
    /// Somebody else put it to an address that is none of its places.
    Foreign,
}

/// A stay away from home.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stay {
    reason: Reason,
    until: Micros,
}

/// The state machine of one name.
#[derive(Debug, Clone)]
pub struct Switching {
    rules: SwitchingRules,
    places: usize,
    at: usize,
    foreign: bool,
    stay: Option<Stay>,
    /// A wish from outside: where to, why, and until when.
    wish: Option<(usize, Stay)>,
    flight: Option<(Move, Micros)>,
    /// Changes that began or ended.
    epoch: u64,
    asked: Option<Move>,
    approved: Option<Move>,
    /// Since when each place is up or down without a break.
    since: Vec<(Condition, Micros)>,
    /// When it moved lately.
    moves: VecDeque<Micros>,
    failures: u32,
    not_before: Micros,
}

impl Switching {
    /// A name at home, with this many places. Times are of the monotonic clock, µs.
    ///
    /// # Errors
    /// `divert.rules`.
    pub fn new(rules: SwitchingRules, places: usize, now_us: Micros) -> Result<Switching> {
        rules.check(places)?;
        Ok(Switching {
            rules,
            places,
            at: 0,
            foreign: false,
            stay: None,
            wish: None,
            flight: None,
            epoch: 0,
            asked: None,
            approved: None,
            since: vec![(Condition::Unknown, now_us); places],
            moves: VecDeque::new(),
            failures: 0,
            not_before: now_us,
        })
    }

    /// The place it is at, as far as is known.
    pub fn at(&self) -> usize {
        self.at
    }

    /// What keeps it away from home, and until when (monotonic µs).
    pub fn stay(&self) -> Option<(Reason, Micros)> {
        self.stay.map(|stay| (stay.reason, stay.until))
    }

    /// The move that a person is asked for.
    pub fn asked(&self) -> Option<Move> {
        self.asked
    }

    /// One second: the verdict on each place in order; what is to be done.
    pub fn second(&mut self, now_us: Micros, verdicts: &[Condition]) -> Option<Step> {
        self.listen(now_us, verdicts);
        if self.flight.is_some_and(|(_, since)| now_us - since > FLIGHT_MAX_S * SECOND_US) {
            self.done(now_us, Outcome::Failed);
        }
        if self.flight.is_some() || self.foreign {
            return None;
        }
        let Some(step) = self.wanted(now_us) else {
            (self.asked, self.approved) = (None, None);
            return None;
        };
        if now_us < self.not_before || !self.pace(now_us, step.reason) {
            return None;
        }
        if self.rules.policy == Policy::Ask && step.reason != Reason::Operator && self.approved != Some(step) {
            let new = self.asked != Some(step);
            self.asked = Some(step);
            return new.then_some(Step::Ask(step));
        }
        (self.asked, self.approved) = (None, None);
        self.flight = Some((step, now_us));
        self.epoch += 1;
        Some(Step::Swap(step))
    }

    /// Notes since when each place is what it is, and ends what time ends.
    fn listen(&mut self, now_us: Micros, verdicts: &[Condition]) {
        for (place, since) in self.since.iter_mut().enumerate() {
            let verdict = verdicts.get(place).copied().unwrap_or_default();
            if since.0 != verdict {
                *since = (verdict, now_us);
            }
        }
        if self.wish.is_some_and(|(_, stay)| now_us >= stay.until) {
            self.wish = None;
        }
        let lease_us = self.rules.lease_us();
        if let Some(stay) = &mut self.stay
            && now_us >= stay.until
        {
            // The reason of the beginning is over; what keeps it away from now on is home alone.
            *stay = Stay { reason: Reason::Dead, until: now_us + lease_us };
        }
    }

    fn is(&self, place: usize, condition: Condition) -> bool {
        self.since.get(place).is_some_and(|since| since.0 == condition)
    }

    fn long(&self, place: usize, condition: Condition, now_us: Micros, seconds: u32) -> bool {
        self.is(place, condition) && now_us - self.since[place].1 >= Micros::from(seconds) * SECOND_US
    }

    /// The move that should be made now.
    fn wanted(&self, now_us: Micros) -> Option<Move> {
        let go = |to, reason| Some(Move { from: self.at, to, reason });
        if let Some((to, stay)) = self.wish.filter(|(to, _)| *to != self.at && self.is(*to, Condition::Up)) {
            return go(to, stay.reason);
        }
        // A place that is attacked is left although it may still answer, so home does not count while that lasts.
        let avoid_home = self.stay.is_some_and(|stay| stay.reason != Reason::Dead)
            || self.wish.is_some_and(|(to, _)| to != 0 && self.at == 0);
        if self.long(self.at, Condition::Down, now_us, self.rules.confirm_s) {
            let mut others = (0..self.places).filter(|place| *place != self.at && (*place != 0 || !avoid_home));
            return others.find(|place| self.is(*place, Condition::Up)).and_then(|to| go(to, Reason::Dead));
        }
        let back = self.at != 0 && !avoid_home && self.long(0, Condition::Up, now_us, self.rules.hold_s);
        if back { go(0, Reason::Home) } else { None }
    }

    /// Whether the pace of moves allows one more. A person is not held up.
    fn pace(&mut self, now_us: Micros, reason: Reason) -> bool {
        let window_us = Micros::from(self.rules.window_s) * SECOND_US;
        while self.moves.front().is_some_and(|at| now_us - at > window_us) {
            self.moves.pop_front();
        }
        reason == Reason::Operator || self.moves.len() < usize::from(self.rules.moves)
    }

    /// Asks for a move to a place for a time, because of an attack or by an operator. It is made as soon as that place is
    /// up. False when there is no such place.
    pub fn request(&mut self, now_us: Micros, to: usize, reason: Reason, lease_us: Micros) -> bool {
        if to >= self.places {
            return false;
        }
        let stay = Stay { reason, until: now_us + lease_us.clamp(SECOND_US, self.rules.lease_us()) };
        if to == self.at && to != 0 {
            self.stay = Some(stay);
        }
        if to == 0 {
            self.stay = None;
        }
        self.wish = Some((to, stay));
        true
    }

    /// Somebody moved it through the same hands, to a place and for a time: an operator's order. A change of our own that is
    /// under way is not disturbed.
    pub fn taken(&mut self, now_us: Micros, place: usize, reason: Reason, lease_us: Micros) {
        if self.flight.is_none() && self.request(now_us, place, reason, lease_us) {
            self.epoch += 1;
            self.arrive(now_us, place, reason);
        }
    }

    /// Ends what was asked for: home counts again, by its health alone.
    pub fn release(&mut self) {
        self.wish = None;
        if let Some(stay) = &mut self.stay {
            stay.reason = Reason::Dead;
        }
    }

    /// A person agrees to a move that was asked for. False when it is not asked for any more.
    pub fn approve(&mut self, step: Move) -> bool {
        let asked = self.asked == Some(step);
        if asked {
            self.approved = Some(step);
        }
        asked
    }

    /// What came of the swap under way.
    pub fn done(&mut self, now_us: Micros, outcome: Outcome) {
        let Some((step, _)) = self.flight.take() else { return };
        self.epoch += 1;
        if outcome != Outcome::Failed {
            self.failures = 0;
        }
        match outcome {
            Outcome::There => {
                self.moves.push_back(now_us);
                // A person's moves are not held up, so they may push the oldest out.
                if self.moves.len() > usize::from(u8::MAX) {
                    self.moves.pop_front();
                }
                self.arrive(now_us, step.to, step.reason);
            }
            Outcome::Elsewhere(Some(place)) => self.arrive(now_us, place, Reason::Dead),
            Outcome::Elsewhere(None) => self.foreign = true,
            Outcome::Failed => {
                let pause_s = (1_i64 << self.failures.min(5)).min(PAUSE_MAX_S);
                self.failures = self.failures.saturating_add(1);
                self.not_before = now_us + pause_s * SECOND_US;
            }
        }
    }

    /// Grows with each change that begins or ends: a reading is of no use when it grew meanwhile.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// What the name was read as: at this place, or at none of them; `epoch` as it was when the reading began.
    pub fn observed(&mut self, now_us: Micros, epoch: u64, place: Option<usize>) {
        if self.flight.is_some() || epoch != self.epoch {
            return;
        }
        self.foreign = place.is_none();
        if let Some(place) = place.filter(|place| *place < self.places && *place != self.at) {
            self.arrive(now_us, place, Reason::Dead);
        }
    }

    fn arrive(&mut self, now_us: Micros, place: usize, reason: Reason) {
        self.at = place;
        self.foreign = false;
        let asked_for = self.wish.filter(|(to, _)| *to == place).map(|(_, stay)| stay);
        let stay = asked_for.unwrap_or(Stay { reason, until: now_us + self.rules.lease_us() });
        self.stay = (place != 0).then_some(stay);
        if asked_for.is_some() {
            self.wish = None;
        }
    }

    /// How it stands.
    pub fn phase(&self) -> Phase {
        let others_up = (0..self.places).any(|place| place != self.at && self.is(place, Condition::Up));
        match self {
            _ if self.foreign => Phase::Foreign,
            _ if self.flight.is_some() => Phase::Switching,
            _ if self.asked.is_some() => Phase::Asking,
            _ if self.is(self.at, Condition::Down) && !others_up => Phase::Stranded,
            _ if self.is(self.at, Condition::Down) => Phase::Suspected,
            _ if self.at == 0 => Phase::Healthy,
            _ if self.is(0, Condition::Up) => Phase::Recovering,
            _ => Phase::Switched,
        }
    }
}

#[cfg(test)]
mod tests;

//! The rules of an installation at the server: the set and its versions, changes, roll-out, and tests on the past.
//!
//! One writer at a time ([`Rules::change`]): the set is compiled, then stored, then put on the shelf. What is on the
//! shelf follows from the tables alone, so a server that starts again offers the same bytes under the same version.
//!
//! Invariants
//! - A set that does not compile is never stored, and so never offered.
//! - A version is never used for another set, also after a trial that was withdrawn.
//! - A test changes nothing.

mod change;
mod desk;
mod past;
mod propose;
mod show;
pub mod store;
mod tally;

use crate::hub::Hub;
use api::rules::{RuleAudience, RuleChangeRequest, RuleChanged, RuleRollout, RuleStanding};
use base::{Clock, Fault, Random, Result};
use fleet::content::{Audience, Files, Name, Shelf};
use lake::Lake;
use port::Tables;
use record::AgentId;
use ruleset::{Compiled, Ground, Set};
use std::collections::HashMap;
use std::sync::{Arc, RwLock};
use store::{Facts, Stored};

pub use desk::RulesDesk;

/// What the rules stand on.
#[derive(Clone)]
pub struct Base {
    /// State.
    pub tables: Arc<dyn Tables>,
    /// The past.
    pub lake: Arc<Lake>,
    /// Agents.
    pub hub: Arc<Hub>,
    /// What agents are offered.
    pub shelf: Shelf,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub random: Arc<dyn Random>,
}

/// Everyone's set, compiled with the built-in rules; swapped as a whole.
#[derive(Clone)]
struct Present {
    facts: Facts,
    set: Arc<Set>,
    compiled: Arc<Compiled>,
}

/// Rules of this installation.
pub struct Rules {
    base: Base,
    present: RwLock<Present>,
    /// One writer at a time.
    turn: tokio::sync::Mutex<()>,
    tests: past::Tests,
}

/// Compiles a set as it runs on every host, away from the threads that must not wait.
async fn compiled(set: Arc<Set>) -> Result<Compiled> {
    let work = move || ruleset::compile(&set.everywhere(), Ground { builtin: true, ..Ground::default() });
    blocking(work).await
}

/// Work that takes milliseconds and more.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|cause| Fault::new(&api::fault::BUG).object("rules").because(cause))
}

impl Rules {
    /// Opens what is stored and offers it to agents.
    pub async fn open(base: Base) -> Result<Arc<Rules>> {
        let (facts, _) = store::facts(&*base.tables).await?;
        let set = Arc::new(store::read(&*base.tables, facts.live).await?.set);
        let compiled = Arc::new(compiled(set.clone()).await?);
        let present = RwLock::new(Present { facts: facts.clone(), set: set.clone(), compiled });
        let rules = Arc::new(Rules { base, present, turn: Default::default(), tests: Default::default() });
        rules.offer(facts.live, &set, None).await?;
        if let Some((version, to)) = &facts.trial {
            let set = store::read(&*rules.base.tables, *version).await?.set;
            // Hosts that are gone since take nobody else out.
            let audience = rules.audience(to).unwrap_or_default();
            rules.offer(*version, &set, Some(audience)).await?;
        }
        Ok(rules)
    }

    fn present(&self) -> Present {
        self.present.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    /// Puts a set on the shelf.
    async fn offer(&self, version: u64, set: &Set, to: Option<Audience>) -> Result<()> {
        if version == 0 {
            return Ok(());
        }
        let (shelf, content) = (self.base.shelf.clone(), Files::of(set.texts()).bytes());
        blocking(move || match to {
            None => shelf.publish(Name::Rules, version, &content),
            Some(audience) => shelf.offer(Name::Rules, version, &content, audience),
        })
        .await??;
        Ok(())
    }

    /// An audience by agents' ids.
    fn audience(&self, to: &RuleAudience) -> Result<Audience> {
        let mut audience = Audience { percent: to.percent.min(100), groups: to.groups.clone(), agents: Vec::new() };
        let known = self.base.hub.list();
        for host in &to.hosts {
            let before = audience.agents.len();
            let named = known.iter().filter(|agent| agent.host.eq_ignore_ascii_case(host) || agent.id == *host);
            audience.agents.extend(named.filter_map(|agent| agent.id.parse::<AgentId>().ok()));
            if audience.agents.len() == before {
                return Err(Fault::new(&api::fault::MISSING).object(format!("host {host}")));
            }
        }
        Ok(audience)
    }

    /// Makes a change: compiled, stored, offered.
    async fn make(&self, asked: &RuleChangeRequest, who: &str) -> Result<RuleChanged> {
        let _turn = self.turn.lock().await;
        let (facts, document) = store::facts(&*self.base.tables).await?;
        let planned = self.plan(asked, who, &facts).await?;
        let mut after = facts.clone();
        let audience = planned.to.as_ref().map(|to| self.audience(to)).transpose()?;
        let stored = planned.stored.as_ref();
        match (stored, planned.to) {
            // What was on trial is everyone's now, or nobody's.
            (None, _) => {
                let promoted = facts.trial.as_ref().filter(|_| planned.promotes).map(|(version, _)| *version);
                after.live = promoted.unwrap_or(facts.live);
                after.trial = None;
            }
            (Some(stored), Some(to)) => (after.last, after.trial) = (stored.version, Some((stored.version, to))),
            (Some(stored), None) => (after.last, after.live) = (stored.version, stored.version),
        }
        store::commit(&*self.base.tables, stored, &after, document).await?;
        match stored {
            Some(stored) => self.offer(stored.version, &stored.set, audience).await?,
            None if planned.promotes => drop(self.base.shelf.promote(Name::Rules)?),
            None => drop(self.base.shelf.withdraw(Name::Rules)?),
        }
        let live = after.live;
        let version = after.trial.as_ref().map_or(live, |(version, _)| *version);
        let trial = after.trial.is_some();
        self.swap(after, planned.set, planned.compiled, trial);
        tracing::info!(version, trial, who, what = planned.what, "the rules changed");
        Ok(RuleChanged { version, trial, ids: planned.ids, warnings: planned.warnings })
    }

    fn swap(&self, facts: Facts, set: Arc<Set>, compiled: Arc<Compiled>, trial: bool) {
        let mut present = self.present.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        if !trial {
            (present.set, present.compiled) = (set, compiled);
        }
        present.facts = facts;
    }

    /// How far the agents are.
    fn standing(&self) -> RuleRollout {
        let facts = self.present().facts;
        let trial = facts.trial.as_ref().map(|(version, to)| (*version, self.audience(to).unwrap_or_default()));
        let seats = self.base.shelf.status().into_iter().filter(|one| one.name == Name::Rules);
        let seats: HashMap<String, _> = seats.map(|one| (one.agent.to_string(), one)).collect();
        let mut rollout = RuleRollout { version: facts.live, ..RuleRollout::default() };
        (rollout.trial, rollout.to) = facts.trial.map_or((0, None), |(version, to)| (version, Some(to)));
        for agent in self.base.hub.list() {
            let id: AgentId = agent.id.parse().unwrap_or_default();
            let on_trial = trial.as_ref().filter(|(_, audience)| audience.holds(id, &agent.group));
            let wanted = on_trial.map_or(facts.live, |(version, _)| *version);
            let mut row = RuleStanding {
                agent: agent.id.clone(),
                host: agent.host,
                connected: agent.connected,
                wanted,
                ..RuleStanding::default()
            };
            if let Some(seat) = seats.get(&agent.id) {
                (row.version, row.since_us) = (seat.version, seat.since_us);
                if let Some(refusal) = &seat.refused {
                    row.refused = refusal.version;
                    (row.code, row.fault) = (refusal.code.clone(), refusal.text.clone());
                }
            }
            rollout.agents += 1;
            rollout.hold += usize::from(row.version == wanted);
            rollout.refused += usize::from(wanted > 0 && row.refused == wanted);
            rollout.standings.push(row);
        }
        rollout
    }

    /// A fresh id (RFC 9562, version 4).
    fn uuid(&self) -> String {
        let mut bytes = [0u8; 16];
        self.base.random.fill(&mut bytes);
        (bytes[6], bytes[8]) = (bytes[6] & 0x0f | 0x40, bytes[8] & 0x3f | 0x80);
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }
}

/// What a change comes to.
struct Planned {
    /// What was done.
    what: &'static str,
    /// The version to store; none when a trial ends.
    stored: Option<Stored>,
    /// Whether the trial becomes everyone's.
    promotes: bool,
    /// Who gets it first.
    to: Option<RuleAudience>,
    /// Everyone's set, or the one on trial, after it.
    set: Arc<Set>,
    compiled: Arc<Compiled>,
    ids: Vec<String>,
    warnings: Vec<api::rules::Told>,
}

#[cfg(test)]
mod tests;

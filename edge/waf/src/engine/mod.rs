//! The engine at work: one transaction, phase by phase.

mod act;
pub(crate) mod expand;
mod given;
mod inside;
pub(crate) mod intern;
mod judge;
mod looked;
mod memo;
mod phase;
mod request;
mod response;
mod state;
mod values;

pub use given::{Part, Show};

use crate::collection::Collections;
use crate::compile::{self, Program};
use crate::limits;
use crate::operator::Matcher;
use crate::operator::rx::Dialect;
use crate::variable::{List, Single};
use crate::verdict::{Intervention, Verdict, Work};
use base::Result;
use seclang::{Phase, Ruleset, Settings};
use state::State;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// Tests that macros made, by operator and argument; none when the argument is not one.
type Built = Mutex<HashMap<(&'static str, Vec<u8>), Option<Arc<dyn Matcher>>>>;

/// Rules compiled, shared by all threads.
pub struct Engine {
    program: Program,
    #[allow(clippy::vec_box, reason = "a state moves between here and its transaction by its pointer")]
    pool: Mutex<Vec<Box<State>>>,
    built: Built,
}

/// The two ends of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connection {
    /// Who asks.
    pub client: SocketAddr,
    /// Where it was asked.
    pub server: SocketAddr,
}

/// What was compiled, for people.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Rules, links of chains not counted.
    pub rules: usize,
    /// Distinct tests made at load.
    pub tests: usize,
    /// Distinct pipelines of transformations, beginnings of longer ones counted.
    pub pipelines: usize,
    /// Distinct questions, a test behind a pipeline each, that are kept from values by what is known of them.
    pub questions: usize,
    /// Distinct regular expressions that run in linear time as they were written.
    pub native: usize,
    /// Those that do after they were written anew.
    pub rewritten: usize,
    /// Those that run by bounded backtracking.
    pub backtracking: usize,
}

/// One request and its response.
pub struct Transaction {
    engine: Arc<Engine>,
    collections: Arc<dyn Collections>,
    /// Always there but while it is given back.
    state: Option<Box<State>>,
}

/// What a transaction does not change.
struct Context<'c> {
    program: &'c Program,
    built: &'c Built,
    collections: &'c dyn Collections,
}

impl Engine {
    /// Compiles rules.
    ///
    /// # Errors
    /// When an argument, a selector or a name is not one of this engine.
    pub fn compile(ruleset: &Ruleset) -> Result<Engine> {
        Ok(Engine { program: compile::compile(ruleset)?, pool: Mutex::default(), built: Mutex::default() })
    }

    /// Begins a transaction. `now`: microseconds since 1970.
    pub fn begin(
        self: &Arc<Engine>,
        connection: Connection,
        collections: &Arc<dyn Collections>,
        now: u64,
    ) -> Transaction {
        let pooled = self.pool.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut state = pooled.unwrap_or_else(|| Box::new(State::new()));
        state.begin(&self.program, now);
        let mut begun =
            Transaction { engine: Arc::clone(self), collections: Arc::clone(collections), state: Some(state) };
        begun.connect(connection);
        begun
    }

    /// Settings beside rules.
    pub fn settings(&self) -> &Settings {
        &self.program.settings
    }

    /// Values on which an expression went too far back and was said not to match, since the rules were compiled.
    pub fn gave_up(&self) -> u64 {
        self.program.tests.iter().map(|test| test.matcher.gave_up()).sum()
    }

    /// What was compiled.
    pub fn summary(&self) -> Summary {
        let dialects = || self.program.tests.iter().filter_map(|test| test.matcher.dialect());
        let count = |wanted: Dialect| dialects().filter(|dialect| *dialect == wanted).count();
        Summary {
            native: count(Dialect::Native),
            rewritten: count(Dialect::Rewritten),
            backtracking: count(Dialect::Backtracking),
            rules: self.program.phases.iter().map(Vec::len).sum(),
            tests: self.program.tests.len(),
            pipelines: self.program.pipelines.len(),
            questions: self.program.questions.len(),
        }
    }
}

impl Transaction {
    /// Lets hits tell how values came to be, and rules with `nolog` be recorded.
    pub fn explain(&mut self) {
        self.run(|state, _| state.explain = true);
    }

    /// Gives the request a name: `UNIQUE_ID`.
    pub fn unique_id(&mut self, id: &[u8]) {
        self.set(Single::UniqueId, id);
    }

    /// Tells rules something that only the caller knows: `ENV:name` (a fingerprint, a country, a site).
    pub fn environment(&mut self, name: &[u8], value: &[u8]) {
        self.add(List::Env, name, value);
    }

    /// Runs phase 5 and ends the transaction.
    pub fn finish(mut self) -> Verdict {
        self.walk(Phase::Logging);
        self.run(|state, cx| Verdict {
            hits: std::mem::take(&mut state.hits),
            intervention: state.intervention.take(),
            inbound: state.score(&cx.program.scores[0]),
            outbound: state.score(&cx.program.scores[1]),
            exceeded: state.exceeded(),
            left_out: state.left_out,
            fault: None,
            work: Work {
                strings: state.memo.arena.added().0 as u64,
                string_bytes: state.memo.arena.added().1 as u64,
                ..state.memo.work
            },
        })
        .unwrap_or_default()
    }

    fn run<R>(&mut self, run: impl FnOnce(&mut State, &Context<'_>) -> R) -> Option<R> {
        let state = self.state.as_deref_mut()?;
        let cx = Context {
            program: &self.engine.program,
            built: &self.engine.built,
            collections: self.collections.as_ref(),
        };
        Some(run(state, &cx))
    }

    /// Runs a phase; the refusal that stands after it.
    fn walk(&mut self, phase: Phase) -> Option<Intervention> {
        self.run(|state, cx| {
            state.walk(cx, phase);
            state.intervention.clone()
        })
        .flatten()
    }

    fn set(&mut self, single: Single, text: &[u8]) {
        self.run(|state, _| {
            let id = state.memo.arena.intern(text);
            state.store.set(single, id);
        });
    }

    fn add(&mut self, list: List, name: &[u8], value: &[u8]) -> bool {
        let added = self.run(|state, _| {
            let (name, value) = (state.memo.arena.intern(name), state.memo.arena.intern(value));
            state.store.add(list, name, value)
        });
        added.unwrap_or(false)
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if let Some(state) = self.state.take() {
            let mut pool = self.engine.pool.lock().unwrap_or_else(PoisonError::into_inner);
            if pool.len() < limits::POOL {
                pool.push(state);
            }
        }
    }
}

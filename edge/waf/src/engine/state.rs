//! State of one transaction. It is kept and used again: a request allocates little.

use super::intern::Id;
use super::looked::Looked;
use super::memo::Memo;
use super::values::Value;
use crate::compile::Program;
use crate::compile::rule::Allow;
use crate::compile::scan::Bits;
use crate::limits;
use crate::operator::Matcher;
use crate::variable::store::Store;
use crate::verdict::{Hit, Intervention};
use seclang::{Collection, EngineMode, Settings};
use std::sync::Arc;

/// All that is known and done in a transaction.
pub(crate) struct State {
    pub memo: Memo,
    pub store: Store,
    /// `TX` by number.
    pub tx: Vec<Id>,
    /// `TX` by names that macros made.
    pub made: Vec<(Id, Id)>,
    /// Keys of collections that `initcol` opened.
    pub keys: Vec<(Collection, Vec<u8>)>,
    pub looked: Looked,
    /// Values of the set that is looked at, when it is not kept.
    pub loose: Vec<Value>,
    /// Values that matched since a rule last did not.
    pub matched: Vec<Value>,
    /// Rules that `ctl` took away.
    pub removed: Bits,
    /// Whether it took any.
    pub removing: bool,
    /// Targets that `ctl` took away.
    pub removals: Vec<u32>,
    pub allow: Option<Allow>,
    /// Marker that a phase ended without finding.
    pub pending: Option<u32>,
    pub mode: EngineMode,
    /// Number of the rule that runs.
    pub rule: u32,
    pub note: Note,
    /// Lowest severity number of the rules that held.
    pub severity: Option<u8>,
    pub hits: Vec<Hit>,
    pub intervention: Option<Intervention>,
    /// Hits tell all.
    pub explain: bool,
    /// What hides inside values is looked for.
    pub inside: bool,
    /// Hidden values that were found and not shown to the rules.
    pub left_out: usize,
    /// Microseconds since 1970.
    pub now: u64,
    pub request_body: Vec<u8>,
    pub response_body: Vec<u8>,
    /// What `ctl` or the content type said.
    pub body: BodyPlan,
    pub arguments_size: usize,
    /// Tests of arguments with macros as they were last made: arguments seldom change from one request to the next.
    pub last_made: Vec<Option<LastMade>>,
    /// Working memory for texts.
    pub scratch: Vec<u8>,
}

/// An argument, and its test if it is one of the operator.
pub(crate) type LastMade = (Vec<u8>, Option<Arc<dyn Matcher>>);

/// How bodies are treated.
#[derive(Default, Clone)]
pub(crate) struct BodyPlan {
    /// `ctl:requestBodyProcessor`, if it is one that the content type does not choose (`JSON`, `XML`).
    pub forced: Option<String>,
    /// What the content type chose.
    pub by_type: Option<&'static str>,
    /// `ctl:requestBodyAccess`.
    pub access: Option<bool>,
    /// `ctl:responseBodyAccess`.
    pub response_access: Option<bool>,
    /// `ctl:requestBodyLimit`.
    pub limit: Option<u64>,
    /// `ctl:forceRequestBodyVariable`.
    pub kept: bool,
    /// More follows than was given.
    pub cut: bool,
    /// The body was read as XML without a fault and declares no types of its own: rules see its text and attributes,
    /// not its tags. `REQUEST_BODY` is empty then, as the manual of ModSecurity says and the tests of CRS expect;
    /// libmodsecurity fills it.
    pub in_elements: bool,
}

/// What the rule that runs has to tell so far.
#[derive(Default)]
pub(crate) struct Note {
    /// Value of the head that matched last.
    pub value: Option<Value>,
    /// The same as the operator saw it.
    pub seen: Option<Id>,
    pub message: Vec<u8>,
    pub data: Vec<u8>,
}

impl Note {
    /// Ready for the next rule.
    pub fn clear(&mut self) {
        self.value = None;
        self.seen = None;
        self.message.clear();
        self.data.clear();
    }
}

impl State {
    pub fn new() -> State {
        State {
            memo: Memo::new(),
            store: Store::new(),
            tx: Vec::new(),
            made: Vec::new(),
            keys: Vec::new(),
            looked: Looked::default(),
            loose: Vec::new(),
            matched: Vec::new(),
            removed: Vec::new(),
            removing: false,
            removals: Vec::new(),
            allow: None,
            pending: None,
            mode: EngineMode::On,
            rule: 0,
            note: Note::default(),
            severity: None,
            hits: Vec::new(),
            intervention: None,
            explain: false,
            inside: false,
            left_out: 0,
            now: 0,
            request_body: Vec::new(),
            response_body: Vec::new(),
            body: BodyPlan::default(),
            arguments_size: 0,
            last_made: Vec::new(),
            scratch: Vec::new(),
        }
    }

    /// Makes it ready for a transaction.
    pub fn begin(&mut self, program: &Program, now: u64) {
        self.memo.begin();
        self.store.clear();
        self.tx.clear();
        self.tx.resize(program.names.len(), Id::NONE);
        self.made.clear();
        self.keys.clear();
        self.looked.begin(program);
        self.matched.clear();
        self.removed.clear();
        self.removed.resize(program.rules.len().div_ceil(64), 0);
        self.removing = false;
        self.removals.clear();
        self.allow = None;
        self.pending = None;
        self.mode = program.settings.engine;
        self.note.clear();
        self.severity = None;
        self.hits.clear();
        self.intervention = None;
        self.explain = false;
        self.inside = false;
        self.left_out = 0;
        self.now = now;
        for body in [&mut self.request_body, &mut self.response_body] {
            body.clear();
            body.shrink_to(limits::KEPT_BYTES);
        }
        self.body = BodyPlan::default();
        self.arguments_size = 0;
        self.last_made.resize_with(program.made_tests as usize, || None);
    }

    /// Lets go of what was resolved from values that changed since.
    pub fn refresh(&mut self, program: &Program) {
        let changed = self.store.take_changed();
        if changed != 0 {
            self.looked.refresh(program, changed);
        }
    }

    /// Whether a bound was reached.
    pub fn exceeded(&self) -> bool {
        self.store.exceeded || self.unseen()
    }

    /// Whether a bound kept a part of the request from the rules.
    pub fn unseen(&self) -> bool {
        self.store.unseen || self.memo.arena.exceeded
    }

    /// How a body is limited, bytes.
    pub fn body_limit(&self, settings: &Settings) -> u64 {
        self.body.limit.unwrap_or(settings.request_body_limit)
    }
}

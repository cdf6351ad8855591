//! What a person is asked before routers are told: told as an alert, shown in the status, agreed to over the socket.

use crate::config::Decide;
use crate::fault;
use crate::status;
use crate::tell::{Proposal, Teller};
use base::{Fault, Lang, Micros, Result};
use ddos::Prefix;
use record::ActionKind;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard};

/// Questions that may stand at a time; what is beyond them is asked when one is answered or over.
const QUESTIONS: usize = 256;
/// How long a question stands when it is not wanted any more, µs: a link is not full in every second of a flood, and nobody
/// shall be asked twice, or answer what is gone when he has read it.
const LINGERS_US: Micros = 10_000_000;

/// Something that routers could be told of a destination: the destination, and the rule as JSON, empty for a blackhole.
pub(super) type What = (Prefix, String);

/// Why routers should be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// More comes than the link takes.
    Full,
    /// It does so although everything was done against it.
    StaysFull,
    /// Routers were told, and the time of it is not over.
    Stands,
}

impl Why {
    /// For people.
    pub fn text(self, lang: Lang) -> &'static str {
        match self {
            Why::Full => lang.pick("the link is full", "链路已满"),
            Why::StaysFull => lang.pick("the link stays full; the address is given up", "链路持续被占满，放弃该地址"),
            Why::Stands => lang.pick("its time is not over", "有效期未到"),
        }
    }
}

/// A question as it is put.
pub(super) struct Question<'q> {
    /// Of what.
    pub what: &'q What,
    /// What routers would be told, readable.
    pub text: String,
    /// Name of the destination.
    pub name: &'q str,
    /// Why.
    pub why: Why,
    /// Alert of the attack.
    pub alert: &'q str,
    /// For how long it would stand, seconds.
    pub lease_s: u64,
}

struct Row {
    id: String,
    shown: status::Asked,
    decide: Decide,
    agreed: Option<String>,
    /// When it was last wanted.
    wanted_us: Micros,
}

/// See the module.
pub struct Asked {
    teller: Arc<Teller>,
    rows: Mutex<BTreeMap<What, Row>>,
}

impl Asked {
    /// Nothing is asked yet.
    pub fn new(teller: Arc<Teller>) -> Asked {
        Asked { teller, rows: Mutex::default() }
    }

    fn rows(&self) -> MutexGuard<'_, BTreeMap<What, Row>> {
        self.rows.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Who agreed to it. Asks when nobody was asked yet; where policy only observes, it is told and nobody can agree.
    pub(super) fn agreed(&self, question: &Question<'_>, decide: Decide, now: Micros) -> Option<String> {
        let mut rows = self.rows();
        if let Some(row) = rows.get(question.what) {
            return row.agreed.clone();
        }
        if rows.len() >= QUESTIONS {
            return None;
        }
        let id = id(question.what);
        let action = if question.what.1.is_empty() { ActionKind::Blackhole } else { ActionKind::Flowspec };
        let shown = status::Asked {
            id: if decide == Decide::Ask { id.clone() } else { String::new() },
            action: action.word().into(),
            name: question.name.into(),
            what: question.text.clone(),
            why: status::Said { en: question.why.text(Lang::En).into(), zh: question.why.text(Lang::Zh).into() },
            since_us: now,
        };
        self.teller.proposed(&Proposal {
            name: question.name,
            destination: question.what.0.address(),
            action,
            text: &question.text,
            why: (&shown.why.en, &shown.why.zh),
            approve: &shown.id,
            lease_s: question.lease_s,
            alert: question.alert,
            at_us: now,
        });
        tracing::warn!(what = question.text, id, ?decide, "routers would be told");
        rows.insert(question.what.clone(), Row { id, shown, decide, agreed: None, wanted_us: now });
        None
    }

    /// What is not wanted any more is not asked any more, and what was agreed to holds no longer.
    pub(super) fn keep(&self, wanted: &BTreeSet<What>, now: Micros) {
        self.rows().retain(|what, row| {
            if wanted.contains(what) {
                row.wanted_us = now;
            }
            now - row.wanted_us <= LINGERS_US
        });
    }

    /// It was done once, and is asked again when it is wanted again.
    pub(super) fn done(&self, what: &What) {
        self.rows().remove(what);
    }

    /// A person agrees; gives what to.
    ///
    /// # Errors
    /// [`fault::NOT_ASKED`] when this is not asked (any more).
    pub fn approve(&self, id: &str, who: &str) -> Result<status::Asked> {
        let mut rows = self.rows();
        let found = rows.values_mut().find(|row| row.id == id && row.decide == Decide::Ask);
        let row = found.ok_or_else(|| Fault::new(&fault::NOT_ASKED).object(id))?;
        row.agreed.get_or_insert_with(|| who.to_string());
        tracing::warn!(what = row.shown.what, who, "a person agreed that routers are told");
        Ok(row.shown.clone())
    }

    /// The questions that wait for an answer, and what policy only observes.
    pub fn shown(&self) -> Vec<status::Asked> {
        self.rows().values().filter(|row| row.agreed.is_none()).map(|row| row.shown.clone()).collect()
    }
}

/// A short name for something: the same after a restart, so that nobody agrees to another thing than was read.
fn id(what: &What) -> String {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    format!("{:08x}", hasher.finish() >> 32)
}

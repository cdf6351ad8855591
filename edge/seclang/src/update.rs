//! `SecRuleRemove*` and `SecRuleUpdate*`: they hold for all rules of the load, those before them and those behind.
//!
//! Tags and messages are compared as a whole, as libmodsecurity does (2.x took them for expressions). A rule is removed by
//! those of the first rule of its chain; targets are changed of the very link that has them.

use crate::action::Action;
use crate::fault::SIZE;
use crate::limits;
use crate::model::{Place, Target};
use crate::names::fault;
use crate::rule::Draft;
use base::{Fault, Result};
use std::collections::{BTreeMap, HashMap};

/// Which rules.
#[derive(Debug, Clone)]
pub(crate) enum Which {
    /// Ranges of numbers, both ends included.
    Ids(Vec<(u64, u64)>),
    Tag(String),
    Message(String),
}

/// What is done to them.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    Remove,
    /// Targets are added (excluding ones, too) and others taken away.
    Targets {
        added: Vec<Target>,
        replaced: Vec<Target>,
    },
    /// Actions are added to a link of the chain (0: the head).
    Actions {
        link: usize,
        added: Vec<Action>,
    },
}

/// One directive of them.
#[derive(Debug, Clone)]
pub(crate) struct Update {
    pub(crate) place: Place,
    pub(crate) which: Which,
    pub(crate) change: Change,
}

/// Rules by what updates name them by: (chain, link).
struct Index {
    ids: BTreeMap<u64, usize>,
    tags: HashMap<String, Vec<(usize, usize)>>,
    messages: HashMap<String, Vec<(usize, usize)>>,
}

impl Index {
    fn new(chains: &[Option<Vec<Draft>>]) -> Index {
        let mut index = Index { ids: BTreeMap::new(), tags: HashMap::new(), messages: HashMap::new() };
        for (at, chain) in chains.iter().enumerate() {
            let drafts = chain.iter().flatten().enumerate();
            index.ids.extend(chain.iter().flatten().next().and_then(Draft::id).map(|id| (id, at)));
            for (link, action) in
                drafts.flat_map(|(link, draft)| draft.actions.iter().map(move |action| (link, action)))
            {
                match action {
                    Action::Tag(text) => index.tags.entry(text.to_string()).or_default().push((at, link)),
                    Action::Message(text) => index.messages.entry(text.to_string()).or_default().push((at, link)),
                    _ => {}
                }
            }
        }
        index
    }

    fn find(&self, which: &Which) -> Vec<(usize, usize)> {
        let mut found: Vec<(usize, usize)> = match which {
            Which::Ids(ranges) => {
                ranges.iter().flat_map(|(from, to)| self.ids.range(*from..=*to).map(|(_, at)| (*at, 0))).collect()
            }
            Which::Tag(tag) => self.tags.get(tag).cloned().unwrap_or_default(),
            Which::Message(text) => self.messages.get(text).cloned().unwrap_or_default(),
        };
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// Applies all updates; `chains` are heads with their links, `None` once removed.
pub(crate) fn apply(updates: Vec<Update>, chains: &mut [Option<Vec<Draft>>], faults: &mut Vec<Fault>) {
    let index = Index::new(chains);
    let mut budget = limits::UPDATES;
    for update in updates {
        for (at, link) in index.find(&update.which) {
            let Some(chain) = chains.get_mut(at) else { continue };
            if let Err(cause) = change(chain, link, &update, &mut budget) {
                faults.push(cause);
                return;
            }
        }
    }
}

fn change(chain: &mut Option<Vec<Draft>>, link: usize, update: &Update, budget: &mut usize) -> Result<()> {
    let cost = match &update.change {
        Change::Remove => 1,
        Change::Targets { added, .. } => added.len().max(1),
        Change::Actions { added, .. } => added.len().max(1),
    };
    let Some(left) = budget.checked_sub(cost) else {
        let most = format!("at most {} rules, targets and actions changed by updates", limits::UPDATES);
        return Err(fault(&SIZE, &update.place).expected(most));
    };
    *budget = left;
    match &update.change {
        Change::Remove if link == 0 => *chain = None,
        Change::Remove => {}
        Change::Targets { added, replaced } => {
            if let Some(draft) = chain.as_mut().and_then(|chain| chain.get_mut(link)) {
                draft.targets.retain(|target| !replaced.contains(target));
                draft.targets.extend(added.iter().cloned());
            }
        }
        Change::Actions { link, added } => {
            if let Some(draft) = chain.as_mut().and_then(|chain| chain.get_mut(*link)) {
                draft.actions.extend(added.iter().cloned());
            }
        }
    }
    Ok(())
}

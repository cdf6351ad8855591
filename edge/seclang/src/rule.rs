//! A rule put together: default actions, its own, and those of updates, one after the other.

use crate::action::Action;
use crate::fault::{CHAIN, DEFAULT, SIZE};
use crate::limits;
use crate::model::{Actions, Disruptive, Operator, Phase, Place, Rule, Target};
use crate::names::fault;
use base::{Fault, Result};
use std::sync::Arc;

/// A rule or a link of a chain as read, before defaults and updates.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) place: Place,
    pub(crate) targets: Vec<Target>,
    pub(crate) operator: Option<Operator>,
    pub(crate) actions: Vec<Action>,
}

impl Draft {
    /// Whether the next rule is its link.
    pub(crate) fn chained(&self) -> bool {
        self.actions.iter().any(|action| matches!(action, Action::Chain))
    }

    /// The last number given.
    pub(crate) fn id(&self) -> Option<u64> {
        self.actions.iter().rev().find_map(|action| if let Action::Id(id) = action { Some(*id) } else { None })
    }

    /// The last phase given; libmodsecurity takes the first phase when there is none.
    pub(crate) fn phase(&self) -> Phase {
        let given = self.actions.iter().rev().find_map(|action| match action {
            Action::Phase(phase) => Some(*phase),
            _ => None,
        });
        given.unwrap_or(Phase::RequestHeaders)
    }

    /// Whether the rule may stand as a link of this phase's chain.
    pub(crate) fn check_link(&self, phase: Phase) -> Result<()> {
        let wrong = self.actions.iter().find_map(|action| match action {
            Action::Disruptive(_) => Some("pass, block, deny, drop, allow or redirect in a link"),
            Action::Id(_) => Some("id in a link"),
            Action::Phase(given) if *given != phase => Some("another phase in a link"),
            _ => None,
        });
        match wrong {
            Some(found) => Err(fault(&CHAIN, &self.place).expected("it in the first rule").found(found)),
            None => Ok(()),
        }
    }
}

/// `SecDefaultAction` of one phase.
#[derive(Debug, Clone)]
pub(crate) struct Defaults {
    pub(crate) place: Place,
    pub(crate) actions: Vec<Action>,
}

impl Defaults {
    /// Checks that these may be defaults, and of which phase (the first when none is named).
    pub(crate) fn new(place: Place, actions: Vec<Action>) -> Result<(Phase, Defaults)> {
        let wrong = actions.iter().find_map(|action| match action {
            Action::Id(_) => Some("id"),
            Action::Chain => Some("chain"),
            Action::Transformation(None) => Some("t:none"),
            Action::Skip(_) | Action::SkipAfter(_) => Some("skip or skipAfter"),
            Action::Disruptive(None) => Some("block"),
            _ => None,
        });
        if let Some(found) = wrong {
            return Err(fault(&DEFAULT, &place).found(found));
        }
        if !actions.iter().any(|action| matches!(action, Action::Disruptive(_))) {
            return Err(fault(&DEFAULT, &place).expected("pass, deny, drop or redirect").found("none of them"));
        }
        let draft = Draft { place, targets: Vec::new(), operator: None, actions };
        let phase = draft.phase();
        Ok((phase, Defaults { place: draft.place, actions: draft.actions }))
    }
}

/// Makes a rule of a head and its links.
pub(crate) fn build(chain: Vec<Draft>, defaults: Option<&Defaults>, faults: &mut Vec<Fault>) -> Option<Arc<Rule>> {
    let phase = chain.first()?.phase();
    let last = chain.len() - 1;
    let mut next = None;
    for (at, draft) in chain.into_iter().enumerate().rev() {
        if draft.targets.len() > limits::TARGETS || draft.actions.len() > limits::ACTIONS {
            let most = format!("at most {} targets and {} actions", limits::TARGETS, limits::ACTIONS);
            let found = format!("{} and {}", draft.targets.len(), draft.actions.len());
            faults.push(fault(&SIZE, &draft.place).expected(most).found(found));
            return None;
        }
        debug_assert!(next.is_some() || at == last);
        let id = draft.id().unwrap_or(0);
        let (actions, transformations) = fold(defaults, &draft.actions, at == 0);
        let (place, targets, operator) = (draft.place, draft.targets, draft.operator);
        next = Some(Arc::new(Rule { id, phase, place, targets, operator, transformations, actions, next }));
    }
    next
}

/// Actions in order: those of the phase's default first. A link takes only transformations from the default.
fn fold(defaults: Option<&Defaults>, own: &[Action], head: bool) -> (Actions, Vec<&'static str>) {
    let mut result = Fold::default();
    for action in defaults.iter().flat_map(|defaults| &defaults.actions) {
        if head || matches!(action, Action::Transformation(_)) {
            result.take(action);
        }
    }
    let default = std::mem::take(&mut result.actions.disruptive);
    result.actions.disruptive_given = false;
    result.block = false;
    for action in own {
        result.take(action);
    }
    if result.block {
        result.actions.disruptive = default;
    }
    (result.actions, result.transformations)
}

#[derive(Default)]
struct Fold {
    actions: Actions,
    transformations: Vec<&'static str>,
    /// The last word was `block`.
    block: bool,
}

impl Fold {
    fn take(&mut self, action: &Action) {
        let actions = &mut self.actions;
        match action {
            Action::Id(_) | Action::Phase(_) | Action::Chain => {}
            Action::Disruptive(given) => {
                actions.disruptive_given = true;
                self.block = given.is_none();
                actions.disruptive = given.clone().unwrap_or(Disruptive::Pass);
            }
            Action::Status(status) => actions.status = Some(*status),
            Action::Message(text) => actions.message = Some(text.clone()),
            Action::LogData(text) => actions.log_data = Some(text.clone()),
            Action::Severity(number) => actions.severity = Some(*number),
            Action::Tag(text) => actions.tags.push(text.clone()),
            Action::Version(text) => actions.version = Some(text.clone()),
            Action::Revision(text) => actions.revision = Some(text.clone()),
            Action::Maturity(number) => actions.maturity = Some(*number),
            Action::Accuracy(number) => actions.accuracy = Some(*number),
            // The audit record follows the log until something is said of it.
            Action::Log(log) => (actions.log, actions.audit_log) = (Some(*log), Some(*log)),
            Action::AuditLog(log) => actions.audit_log = Some(*log),
            Action::Capture => actions.capture = true,
            Action::MultiMatch => actions.multi_match = true,
            Action::Skip(rules) => actions.skip = *rules,
            Action::SkipAfter(name) => actions.skip_after = Some(name.clone()),
            Action::SetVar(set) => actions.set_vars.push(set.clone()),
            Action::Expire(ttl) => actions.expire_vars.push(ttl.clone()),
            Action::Init(collection, key) => actions.init_collections.push((*collection, key.clone())),
            Action::Ctl(ctl) => actions.ctls.push(ctl.clone()),
            Action::Sanitise(name) => actions.sanitise.push(name.clone()),
            Action::Transformation(None) => self.transformations.clear(),
            Action::Transformation(Some(name)) => self.transformations.push(name),
        }
    }
}

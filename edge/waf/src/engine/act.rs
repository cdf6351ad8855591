//! Actions done.

use super::Context;
use super::expand::expand;
use super::intern::Id;
use super::state::State;
use crate::compile::rule::{Actions, After, Disruptive, Key, Rule, SetVar};
use crate::compile::scan::has;
use crate::compile::text::Template;
use crate::limits;
use crate::variable::{List, Single};
use crate::verdict::{Hit, Intervention, Refusal, Step};
use atoms::number::integer;
use seclang::{Collection, EngineMode, SetOp};

impl State {
    fn text(&mut self, cx: &Context<'_>, template: &Template) -> Vec<u8> {
        let mut text = Vec::new();
        expand(self, cx, template, &mut text);
        text
    }

    /// The string of a text.
    pub(super) fn text_id(&mut self, cx: &Context<'_>, template: &Template) -> Id {
        if let Some(slot) = template.slot() {
            let value = self.tx[slot as usize];
            if !value.is_some() {
                return Id::EMPTY;
            }
            if self.memo.arena.get(value).len() <= limits::TEXT_BYTES {
                return value;
            }
        }
        let mut text = std::mem::take(&mut self.scratch);
        text.clear();
        expand(self, cx, template, &mut text);
        let id = self.memo.arena.intern(&text);
        self.scratch = text;
        id
    }

    /// `setvar`.
    pub(super) fn set_var(&mut self, cx: &Context<'_>, set_var: &SetVar) {
        match set_var.collection {
            Collection::Tx => self.set_tx(cx, set_var),
            Collection::Env => self.set_env(cx, set_var),
            _ => self.set_stored(cx, set_var),
        }
    }

    fn set_tx(&mut self, cx: &Context<'_>, set_var: &SetVar) {
        let (slot, name) = match &set_var.key {
            Key::Slot(slot) => (Some(*slot), Id::EMPTY),
            Key::Text(template) => {
                let name = self.text_id(cx, template);
                (self.memo.slot(cx.program, name), name)
            }
        };
        let before = match slot {
            Some(slot) => self.tx[slot as usize],
            None => self.made_at(name).map_or(Id::NONE, |at| self.made[at].1),
        };
        let after = match set_var.op {
            SetOp::Unset => Id::NONE,
            SetOp::Set => match set_var.constant {
                Some(constant) => self.memo.constant(cx.program, constant),
                None => self.text_id(cx, &set_var.value),
            },
            SetOp::Add | SetOp::Sub => {
                let delta = match set_var.constant {
                    Some(constant) => cx.program.constants[constant as usize].number,
                    None => {
                        let text = self.text_id(cx, &set_var.value);
                        integer(self.memo.arena.get(text))
                    }
                };
                let before = integer(self.memo.arena.get(before));
                self.memo.number(if set_var.op == SetOp::Add { before + delta } else { before - delta })
            }
        };
        match slot {
            Some(slot) => self.tx[slot as usize] = after,
            None => self.set_made(name, after),
        }
    }

    /// Where a name stands among those that macros made, ASCII case aside.
    fn made_at(&self, name: Id) -> Option<usize> {
        let arena = &self.memo.arena;
        let same = |key: Id| key == name || arena.get(key).eq_ignore_ascii_case(arena.get(name));
        self.made.iter().position(|(key, _)| same(*key))
    }

    fn set_made(&mut self, name: Id, value: Id) {
        match (self.made_at(name), value.is_some()) {
            (Some(at), true) => self.made[at].1 = value,
            (Some(at), false) => {
                self.made.remove(at);
            }
            (None, true) if self.made.len() < limits::MADE_NAMES => self.made.push((name, value)),
            (None, true) => self.store.exceeded = true,
            (None, false) => {}
        }
    }

    fn set_env(&mut self, cx: &Context<'_>, set_var: &SetVar) {
        if let Key::Text(template) = &set_var.key {
            let (name, value) = (self.text(cx, template), self.text(cx, &set_var.value));
            let (name, value) = (self.memo.arena.intern(&name), self.memo.arena.intern(&value));
            self.store.add(List::Env, name, value);
        }
    }

    /// A collection that no `initcol` opened has no key: nothing is written.
    fn set_stored(&mut self, cx: &Context<'_>, set_var: &SetVar) {
        let Key::Text(template) = &set_var.key else { return };
        let (name, value) = (self.text(cx, template), self.text(cx, &set_var.value));
        let collection = set_var.collection;
        let Some((_, key)) = self.keys.iter().find(|(known, _)| *known == collection) else { return };
        match set_var.op {
            SetOp::Set => cx.collections.set(collection, key, &name, &value, self.now),
            SetOp::Unset => cx.collections.unset(collection, key, &name),
            SetOp::Add => {
                cx.collections.add(collection, key, &name, integer(&value), self.now);
            }
            SetOp::Sub => {
                cx.collections.add(collection, key, &name, -integer(&value), self.now);
            }
        }
    }

    /// Actions of a rule or link whose whole chain held.
    pub(super) fn act(&mut self, cx: &Context<'_>, rule: &Rule) {
        for after in &rule.actions.after {
            self.after(cx, after);
        }
        self.disrupt(cx, rule);
    }

    fn after(&mut self, cx: &Context<'_>, after: &After) {
        match after {
            After::Expire(collection, key, seconds) => self.expire(cx, *collection, key, seconds),
            After::Init(collection, template) => {
                let key = self.text(cx, template);
                self.keys.retain(|(known, _)| known != collection);
                self.keys.push((*collection, key));
            }
            After::Engine(mode) => self.mode = *mode,
            After::Remove(rules) => {
                self.removing = true;
                self.removed.iter_mut().zip(rules).for_each(|(all, rules)| *all |= rules);
            }
            After::RemoveTarget(removal) => {
                if !self.removals.contains(removal) {
                    self.removals.push(*removal);
                }
            }
            After::Processor(name) => {
                let id = self.memo.arena.intern(name.as_bytes());
                self.store.set(Single::ReqbodyProcessor, id);
                match crate::body::ALL.iter().find(|processor| processor.name() == name) {
                    Some(known) if matches!(known.name(), "URLENCODED" | "MULTIPART") => {
                        self.body.by_type = Some(known.name());
                    }
                    _ => self.body.forced = Some(name.clone()),
                }
            }
            After::BodyAccess(on) => self.body.access = Some(*on),
            After::ResponseBodyAccess(on) => self.body.response_access = Some(*on),
            After::BodyVariable(kept) => self.body.kept = *kept,
            After::BodyLimit(bytes) => self.body.limit = Some(*bytes),
        }
    }

    fn expire(&mut self, cx: &Context<'_>, collection: Collection, key: &Key, seconds: &Template) {
        // Values of a transaction end with it.
        let Key::Text(template) = key else { return };
        let (name, seconds) = (self.text(cx, template), integer(&self.text(cx, seconds)));
        if let Some((_, key)) = self.keys.iter().find(|(known, _)| *known == collection) {
            let at = self.now.saturating_add(u64::try_from(seconds).unwrap_or(0).saturating_mul(1_000_000));
            cx.collections.expire(collection, key, &name, at);
        }
    }

    fn disrupt(&mut self, cx: &Context<'_>, rule: &Rule) {
        let kind = match &rule.actions.disruptive {
            Disruptive::Pass => return,
            _ if self.mode != EngineMode::On => return,
            Disruptive::Allow(allow) => {
                self.allow = Some(*allow);
                return;
            }
            Disruptive::Deny => Refusal::Deny,
            Disruptive::Drop => Refusal::Drop,
            Disruptive::Redirect(to) => Refusal::Redirect(self.text(cx, to)),
        };
        if self.intervention.is_none() {
            let status = rule.actions.status;
            self.intervention = Some(Intervention { rule: rule.id, phase: rule.phase, kind, status });
        }
    }

    /// Records a hit.
    pub(super) fn record(&mut self, cx: &Context<'_>, rule: &Rule) {
        let actions = &rule.actions;
        // As in libmodsecurity, a `SecAction` without a message says nothing.
        let silent = rule.set.is_none() && self.note.message.is_empty();
        if (!actions.log || silent) && !self.explain {
            return;
        }
        if self.hits.len() >= limits::HITS {
            self.store.exceeded = true;
            return;
        }
        let mut hit = Hit {
            id: rule.id,
            phase: rule.phase,
            message: self.note.message.clone(),
            data: self.note.data.clone(),
            severity: actions.severity,
            tags: self.tags(cx, actions),
            file: rule.place.file.clone(),
            line: rule.place.line,
            logged: actions.log && !silent,
            audited: actions.audit,
            ..Hit::default()
        };
        if let (Some(value), Some(seen)) = (self.note.value, self.note.seen) {
            hit.variable = value.variable.name;
            hit.key = self.memo.arena.get(value.key).to_vec();
            hit.value = shown(self.memo.arena.get(value.value));
            hit.transformed = shown(self.memo.arena.get(seen));
            if self.explain {
                hit.steps = self.steps(cx, rule.node, value.value);
            }
        }
        if self.explain {
            hit.score = self.score(&cx.program.scores[0]);
        }
        self.hits.push(hit);
    }

    fn tags(&mut self, cx: &Context<'_>, actions: &Actions) -> Vec<String> {
        let tags = actions.tags.iter();
        tags.map(|tag| String::from_utf8_lossy(&self.text(cx, tag)).into_owned()).collect()
    }

    fn steps(&mut self, cx: &Context<'_>, node: u32, value: Id) -> Vec<Step> {
        let mut steps = Vec::new();
        for at in cx.program.pipelines.chain(node) {
            let seen = self.memo.transform(cx.program, value, *at);
            let transformation = cx.program.pipelines.node(*at).name();
            steps.push(Step { transformation, value: shown(self.memo.arena.get(seen)) });
        }
        steps
    }

    /// The first of these slots of `TX` that has a value.
    pub(super) fn score(&self, slots: &[u32]) -> i64 {
        let found = slots.iter().map(|slot| self.tx[*slot as usize]).find(|id| id.is_some());
        found.map_or(0, |id| integer(self.memo.arena.get(id)))
    }

    /// Whether `ctl` took a rule away.
    pub(super) fn is_removed(&self, rule: u32) -> bool {
        self.removing && has(&self.removed, rule)
    }
}

fn shown(text: &[u8]) -> Vec<u8> {
    text[..text.len().min(limits::SHOWN_BYTES)].to_vec()
}

//! A phase walked.

use super::Context;
use super::state::State;
use crate::compile::index;
use crate::compile::rule::Allow;
use seclang::{EngineMode, Phase};

impl State {
    /// Runs the rules of a phase.
    pub(super) fn walk(&mut self, cx: &Context<'_>, phase: Phase) {
        let logging = phase == Phase::Logging;
        if self.mode == EngineMode::Off || (self.intervention.is_some() && !logging) {
            return;
        }
        match self.allow {
            Some(Allow::All) if !logging => return,
            Some(Allow::Request) if phase <= Phase::RequestBody => return,
            _ => self.allow = None,
        }
        self.refresh(cx.program);
        let steps = &cx.program.phases[index(phase)];
        let mut at = 0;
        if let Some(marker) = self.pending.take() {
            at = self.skip_to(cx, phase, marker, 0, steps.len());
        }
        while let Some(step) = steps.get(at) {
            at += 1;
            self.memo.work.rules += 1;
            if self.is_removed(step.rule) {
                continue;
            }
            if step.asks.is_some_and(|asks| !self.may(cx, asks)) {
                self.memo.work.passed += 1;
                self.matched.clear();
                continue;
            }
            if !self.rule(cx, step) {
                continue;
            }
            if (self.intervention.is_some() && !logging) || self.allow.is_some() {
                break;
            }
            let actions = &cx.program.rules[step.rule as usize].actions;
            if let Some(marker) = self.skip_after(cx, step.rule) {
                at = self.skip_to(cx, phase, marker, at, steps.len());
            }
            at += actions.skip as usize;
        }
    }

    /// The marker that a rule or a link of its chain skips to.
    fn skip_after(&self, cx: &Context<'_>, head: u32) -> Option<u32> {
        let mut link = Some(head);
        let mut marker = None;
        while let Some(rule) = link.and_then(|number| cx.program.rules.get(number as usize)) {
            marker = rule.actions.skip_after.or(marker);
            link = rule.next;
        }
        marker
    }

    /// The step behind a marker; when it does not come any more, the phase ends and the next ones go on looking.
    fn skip_to(&mut self, cx: &Context<'_>, phase: Phase, marker: u32, from: usize, end: usize) -> usize {
        let places = &cx.program.markers[marker as usize][index(phase)];
        match places.iter().map(|place| *place as usize).find(|place| *place >= from) {
            Some(place) => place,
            None => {
                self.pending = Some(marker);
                end
            }
        }
    }
}

//! A phase walked.

use super::Context;
use super::state::State;
use crate::compile::index;
use crate::compile::rule::Allow;
use crate::compile::step::{Gate, Kind};
use crate::limits;
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
            let first = cx.program.markers[marker as usize][index(phase)].first().copied();
            at = self.behind(marker, first, steps.len());
        }
        while let Some(step) = steps.get(at) {
            at += 1;
            self.memo.work.rules += 1;
            if self.is_removed(step.rule) {
                continue;
            }
            let held = match &step.kind {
                Kind::Asks(asks) if !self.may(cx, *asks) => {
                    self.memo.work.passed += 1;
                    self.matched.clear();
                    false
                }
                Kind::Gate(gate) => self.gate(cx, gate).unwrap_or_else(|| self.rule(cx, step)),
                _ => self.rule(cx, step),
            };
            if !held {
                continue;
            }
            if (self.intervention.is_some() && !logging) || self.allow.is_some() {
                break;
            }
            if let Some(jump) = step.jump {
                at = self.behind(jump.marker, jump.step, steps.len());
            }
            at += step.skip as usize;
        }
    }

    /// A rule that tests a number in `TX`: whether it held, when all was done; nothing when the rule itself must run.
    fn gate(&mut self, cx: &Context<'_>, gate: &Gate) -> Option<bool> {
        let Some(value) = self.quick_value(cx, &gate.quick, gate.negated) else {
            self.matched.clear();
            return Some(false);
        };
        let (begin, end) = gate.sets.filter(|_| !self.explain && self.removals.is_empty())?;
        if self.matched.len() < limits::VALUES {
            self.matched.push(value);
        }
        for (slot, constant) in &cx.program.presets[begin as usize..end as usize] {
            self.tx[*slot as usize] = self.memo.constant(cx.program, *constant);
        }
        Some(true)
    }

    /// The step behind a marker; when it does not come any more, the phase ends and the next ones go on looking.
    fn behind(&mut self, marker: u32, step: Option<u32>, end: usize) -> usize {
        match step {
            Some(step) => step as usize,
            None => {
                self.pending = Some(marker);
                end
            }
        }
    }
}

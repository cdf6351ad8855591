//! Targets looked up: which values they have now.

use super::Context;
use super::expand::expand;
use super::intern::Id;
use super::memo::Memo;
use super::state::State;
use crate::compile::target::{Pick, Target};
use crate::limits;
use crate::variable::{Clock, List, Matched, Part, Source, Variable};
use seclang::Collection;
use std::borrow::Cow;

/// A value of a target.
#[derive(Clone, Copy)]
pub(crate) struct Value {
    /// Its variable.
    pub variable: &'static Variable,
    /// Its key within a collection, or none.
    pub key: Id,
    /// The value.
    pub value: Id,
    /// Whether the target takes all of its variable.
    pub whole: bool,
}

/// Values as they are found.
struct Out<'o> {
    values: &'o mut Vec<Value>,
    variable: &'static Variable,
    whole: bool,
    limit: usize,
}

impl Out<'_> {
    fn push(&mut self, key: Id, value: Id) -> bool {
        self.values.push(Value { variable: self.variable, key, value, whole: self.whole });
        self.values.len() < self.limit
    }
}

impl State {
    /// Appends the values of a target, at most up to `limit` values in all.
    pub(super) fn resolve(&mut self, cx: &Context<'_>, target: &Target, limit: usize, values: &mut Vec<Value>) {
        let before = values.len();
        let mut out =
            Out { values, variable: target.variable, whole: target.pick.is_all(), limit: limit.min(limits::VALUES) };
        if out.values.len() >= out.limit {
            self.store.unseen |= out.limit == limits::VALUES;
            return;
        }
        match target.source {
            Source::Single(single) => {
                if let Some(value) = self.store.get(single) {
                    out.push(Id::NONE, value);
                }
            }
            Source::Entries(lists, part) => self.entries(cx, target, lists, part, &mut out),
            Source::Tx => self.tx(cx, target, &mut out),
            Source::Stored(collection) => self.stored(cx, target, collection, &mut out),
            Source::Matched(which) => self.matched_values(target, which, &mut out),
            Source::Rule => self.of_rule(cx, &target.pick, &mut out),
            Source::Clock(part) => {
                let text = clock(self.now, part);
                let id = self.memo.arena.intern(text.as_bytes());
                out.push(Id::NONE, id);
            }
            // Time stands still while a request is judged.
            Source::Duration => {
                out.push(Id::NONE, self.memo.number(0));
            }
            Source::HighestSeverity => {
                let id = self.memo.number(self.severity.map_or(255, i64::from));
                out.push(Id::NONE, id);
            }
            Source::Nothing => {}
        }
        if target.count {
            let count = values.len() - before;
            values.truncate(before);
            let value = self.memo.number(count as i64);
            values.push(Value { variable: target.variable, key: Id::NONE, value, whole: target.pick.is_all() });
        }
    }

    fn entries(&mut self, cx: &Context<'_>, target: &Target, lists: &[List], part: Part, out: &mut Out<'_>) {
        let wanted = self.wanted(cx, &target.pick);
        let (store, memo) = (&self.store, &mut self.memo);
        for entry in lists.iter().flat_map(|list| store.list(*list)) {
            let picked = match &wanted {
                Some(wanted) => wanted.eq_ignore_ascii_case(memo.arena.get(entry.name)),
                None => memo.takes(&target.pick, entry.name),
            };
            if picked && !target.except.iter().any(|except| memo.takes(except, entry.name)) {
                let value = if part == Part::Name { entry.name } else { entry.value };
                if !out.push(entry.name, value) {
                    break;
                }
            }
        }
    }

    /// The name that a selector with macros means now.
    fn wanted<'p>(&mut self, cx: &Context<'_>, pick: &'p Pick) -> Option<Cow<'p, [u8]>> {
        match pick {
            Pick::Name(name) => Some(Cow::Borrowed(name)),
            Pick::Made(template) => {
                let mut text = Vec::new();
                expand(self, cx, template, &mut text);
                Some(Cow::Owned(text))
            }
            _ => None,
        }
    }

    fn tx(&mut self, cx: &Context<'_>, target: &Target, out: &mut Out<'_>) {
        let slot = match &target.pick {
            Pick::Slot(slot) => Some(*slot),
            Pick::Made(_) => {
                let name = self.wanted(cx, &target.pick).unwrap_or_default();
                match cx.program.names.find(&name) {
                    Some(slot) => Some(slot),
                    None => return self.made_tx(target, Some(&name), out),
                }
            }
            _ => None,
        };
        if let Some(slot) = slot {
            return self.slot(cx, slot, out);
        }
        let except = |slot: u32, name: &[u8]| {
            target.except.iter().any(|pick| match pick {
                Pick::Slot(other) => *other == slot,
                Pick::Pattern(pattern) => pattern.slots.contains(&slot),
                other => other.takes(name),
            })
        };
        let all: Vec<u32>;
        let slots = match &target.pick {
            Pick::Pattern(pattern) => &pattern.slots,
            _ => {
                all = (0..self.tx.len() as u32).collect();
                &all
            }
        };
        for slot in slots.iter().filter(|slot| !except(**slot, cx.program.names.name(**slot))) {
            self.slot(cx, *slot, out);
        }
        self.made_tx(target, None, out);
    }

    fn slot(&mut self, cx: &Context<'_>, slot: u32, out: &mut Out<'_>) {
        let value = self.tx[slot as usize];
        if value.is_some() {
            let key = self.memo.name(cx.program, slot);
            out.push(key, value);
        }
    }

    /// Names of `TX` that macros made.
    fn made_tx(&mut self, target: &Target, wanted: Option<&[u8]>, out: &mut Out<'_>) {
        for (key, value) in &self.made {
            let picked = match wanted {
                Some(wanted) => wanted.eq_ignore_ascii_case(self.memo.arena.get(*key)),
                None => self.memo.takes(&target.pick, *key),
            };
            if picked && !target.except.iter().any(|except| self.memo.takes(except, *key)) {
                out.push(*key, *value);
            }
        }
    }

    fn stored(&mut self, cx: &Context<'_>, target: &Target, collection: Collection, out: &mut Out<'_>) {
        let wanted = self.wanted(cx, &target.pick);
        let Some((_, key)) = self.keys.iter().find(|(known, _)| *known == collection) else { return };
        let found = match &wanted {
            Some(name) => cx
                .collections
                .get(collection, key, name, self.now)
                .map(|value| vec![(name.to_vec(), value)])
                .unwrap_or_default(),
            None => cx.collections.all(collection, key, self.now),
        };
        for (name, value) in found {
            if (wanted.is_some() || target.pick.takes(&name)) && !target.except.iter().any(|except| except.takes(&name))
            {
                let (key, value) = (self.memo.arena.intern(&name), self.memo.arena.intern(&value));
                out.push(key, value);
            }
        }
    }

    fn matched_values(&mut self, target: &Target, which: Matched, out: &mut Out<'_>) {
        if self.matched.is_empty() && matches!(which, Matched::Var | Matched::VarName) {
            out.push(Id::NONE, Id::EMPTY);
        }
        let last = self.matched.len().saturating_sub(1);
        let from = if matches!(which, Matched::Var | Matched::VarName) { last } else { 0 };
        for at in from..self.matched.len() {
            let value = self.matched[at];
            let key = label(&mut self.memo, value);
            let name = self.memo.arena.get(key);
            if !target.pick.takes(name) || target.except.iter().any(|except| except.takes(name)) {
                continue;
            }
            let more = match which {
                Matched::Var => out.push(Id::NONE, value.value),
                Matched::VarName => out.push(Id::NONE, key),
                Matched::Vars => out.push(key, value.value),
                Matched::VarsNames => out.push(key, key),
            };
            if !more {
                break;
            }
        }
    }

    fn of_rule(&mut self, cx: &Context<'_>, pick: &Pick, out: &mut Out<'_>) {
        let (Pick::Name(name), Some(rule)) = (pick, cx.program.rules.get(self.rule as usize)) else { return };
        let text = match name.to_ascii_lowercase().as_slice() {
            b"id" => rule.id.to_string().into_bytes(),
            b"severity" => rule.actions.severity.map(|severity| severity.to_string()).unwrap_or_default().into_bytes(),
            b"rev" => rule.actions.revision.clone().into_bytes(),
            b"msg" => self.note.message.clone(),
            b"logdata" => self.note.data.clone(),
            _ => return,
        };
        let (key, value) = (self.memo.arena.intern(name), self.memo.arena.intern(&text));
        out.push(key, value);
    }
}

/// `ARGS:name`, as `MATCHED_VAR_NAME` has it.
pub(super) fn label(memo: &mut Memo, value: Value) -> Id {
    let mut text = value.variable.name.as_bytes().to_vec();
    if value.key.is_some() {
        text.push(b':');
        text.extend_from_slice(memo.arena.get(value.key));
    }
    memo.arena.intern(&text)
}

/// A part of the time (UTC), of microseconds since 1970. Civil date: H. Hinnant, "chrono-Compatible Low-Level Date
/// Algorithms".
fn clock(now: u64, part: Clock) -> String {
    let seconds = now / 1_000_000;
    let (days, of_day) = (seconds / 86_400, seconds % 86_400);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    let era_day = days + 719_468;
    let (era, day_of_era) = (era_day / 146_097, era_day % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = (shifted + 2) % 12;
    let year = era * 400 + year_of_era + u64::from(month < 2);
    match part {
        Clock::Time => format!("{hour:02}:{minute:02}:{second:02}"),
        Clock::Day => day.to_string(),
        Clock::Epoch => seconds.to_string(),
        Clock::Hour => hour.to_string(),
        Clock::Minute => minute.to_string(),
        Clock::Month => month.to_string(),
        Clock::Second => second.to_string(),
        Clock::Weekday => ((days + 4) % 7).to_string(),
        Clock::Year => year.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_has_its_parts() {
        // 2024-02-29 23:59:58 UTC, a Thursday.
        let now = 1_709_251_198_000_000;
        let all = [Clock::Time, Clock::Day, Clock::Month, Clock::Year, Clock::Weekday, Clock::Hour, Clock::Epoch];
        let parts: Vec<String> = all.into_iter().map(|part| clock(now, part)).collect();
        assert_eq!(parts, ["23:59:58", "29", "1", "2024", "4", "23", "1709251198"]);
        assert_eq!(clock(0, Clock::Weekday), "4");
        assert_eq!(clock(951_782_400_000_000, Clock::Day), "29", "2000 was a leap year");
    }
}

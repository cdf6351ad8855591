//! Addresses as runs: neighbours with one holder are one entry, and no two entries that touch have one holder.
//!
//! Two ordered trees, by first address and by holder. A pool that is cut into single addresses costs most, and is measured.

use std::collections::{BTreeMap, BTreeSet};

/// An address as a number.
pub(crate) trait Number: Copy + Ord {
    const LEAST: Self;
    const MOST: Self;
    fn before(self) -> Option<Self>;
    fn after(self) -> Option<Self>;
    /// The address that many after this one.
    fn plus(self, count: u128) -> Option<Self>;
}

impl Number for u32 {
    const LEAST: u32 = 0;
    const MOST: u32 = u32::MAX;
    fn before(self) -> Option<u32> {
        self.checked_sub(1)
    }
    fn after(self) -> Option<u32> {
        self.checked_add(1)
    }
    fn plus(self, count: u128) -> Option<u32> {
        self.checked_add(u32::try_from(count).ok()?)
    }
}

impl Number for u128 {
    const LEAST: u128 = 0;
    const MOST: u128 = u128::MAX;
    fn before(self) -> Option<u128> {
        self.checked_sub(1)
    }
    fn after(self) -> Option<u128> {
        self.checked_add(1)
    }
    fn plus(self, count: u128) -> Option<u128> {
        self.checked_add(count)
    }
}

/// A holder as a number; [`FREE`] is nobody.
pub(crate) type Slot = u32;
/// The holder of what nobody holds.
pub(crate) const FREE: Slot = 0;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run<K> {
    last: K,
    slot: Slot,
}

/// Why a range is not what was expected: at this address, held by this one, or not in the pool at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Other<K> {
    pub at: K,
    pub slot: Option<Slot>,
}

/// Runs of one family.
#[derive(Debug, Clone)]
pub(crate) struct Runs<K> {
    by_first: BTreeMap<K, Run<K>>,
    by_slot: BTreeSet<(Slot, K)>,
}

impl<K> Default for Runs<K> {
    fn default() -> Self {
        Runs { by_first: BTreeMap::new(), by_slot: BTreeSet::new() }
    }
}

impl<K: Number> Runs<K> {
    pub(crate) fn len(&self) -> usize {
        self.by_first.len()
    }

    /// The holder of an address; none when it is not in the pool.
    pub(crate) fn slot(&self, at: K) -> Option<Slot> {
        self.around(at).map(|(_, run)| run.slot)
    }

    fn around(&self, at: K) -> Option<(K, Run<K>)> {
        let (first, run) = self.by_first.range(..=at).next_back()?;
        (run.last >= at).then_some((*first, *run))
    }

    /// Runs that begin at an address or behind it, in order: first, last, holder.
    pub(crate) fn from(&self, from: K) -> impl Iterator<Item = (K, K, Slot)> {
        self.by_first.range(from..).map(|(first, run)| (*first, run.last, run.slot))
    }

    /// Runs of one holder that end at or behind an address, in order.
    pub(crate) fn of(&self, slot: Slot, from: K) -> impl Iterator<Item = (K, K)> {
        let start = self.around(from).map_or(from, |(first, _)| first);
        let firsts = self.by_slot.range((slot, start)..=(slot, K::MOST)).map(|(_, first)| *first);
        firsts.filter_map(|first| self.by_first.get(&first).map(|run| (first, run.last)))
    }

    /// Whether every address of a range has this holder; the first that has not otherwise.
    pub(crate) fn check(&self, first: K, last: K, slot: Slot) -> Result<(), Other<K>> {
        let mut at = first;
        loop {
            let Some((_, run)) = self.around(at) else { return Err(Other { at, slot: None }) };
            if run.slot != slot {
                return Err(Other { at, slot: Some(run.slot) });
            }
            match run.last.after() {
                Some(next) if run.last < last => at = next,
                _ => return Ok(()),
            }
        }
    }

    /// Whether no address of a range is here; the first that is otherwise.
    pub(crate) fn check_absent(&self, first: K, last: K) -> Result<(), Other<K>> {
        let inside = self.by_first.range(first..=last).next().map(|(at, run)| (*at, *run));
        match self.around(first).map(|(_, run)| (first, run)).or(inside) {
            Some((at, run)) => Err(Other { at, slot: Some(run.slot) }),
            None => Ok(()),
        }
    }

    fn put(&mut self, first: K, last: K, slot: Slot) {
        self.by_first.insert(first, Run { last, slot });
        self.by_slot.insert((slot, first));
    }

    fn take(&mut self, first: K) -> Option<Run<K>> {
        let run = self.by_first.remove(&first)?;
        self.by_slot.remove(&(run.slot, first));
        Some(run)
    }

    /// How many runs there are more once a range that lies in one run, or in none, has this holder (`None`: is out of the
    /// pool).
    pub(crate) fn growth(&self, first: K, last: K, slot: Option<Slot>) -> isize {
        let around = self.around(first);
        if around.is_some_and(|(_, run)| Some(run.slot) == slot) {
            return 0;
        }
        let sticks_out = around.map_or([false; 2], |(start, run)| [start < first, run.last > last]);
        let neighbours = [first.before(), last.after()].map(|at| at.and_then(|at| self.slot(at)));
        let joined = neighbours.iter().filter(|neighbour| slot.is_some() && **neighbour == slot).count();
        let made = sticks_out.iter().filter(|out| **out).count() + usize::from(slot.is_some());
        made as isize - joined as isize - isize::from(around.is_some())
    }

    /// What most changes are, without taking trees apart: a whole run gets a holder that neither of its neighbours has.
    /// False when the change is another, and nothing was done.
    fn hand_over(&mut self, first: K, last: K, slot: Slot) -> bool {
        let touches = |end: K, next: K| end.after() == Some(next);
        let before = self.by_first.range(..first).next_back();
        if before.is_some_and(|(_, run)| run.slot == slot && touches(run.last, first)) {
            return false;
        }
        let mut from = self.by_first.range_mut(first..);
        let Some((start, run)) = from.next().filter(|(start, run)| **start == first && run.last == last) else {
            return false;
        };
        if from.next().is_some_and(|(next, run)| run.slot == slot && touches(last, *next)) {
            return false;
        }
        let old = std::mem::replace(&mut run.slot, slot);
        self.by_slot.remove(&(old, *start));
        self.by_slot.insert((slot, *start));
        true
    }

    /// Gives a range to a holder, or takes it out of the pool (`None`), whatever was there.
    pub(crate) fn set(&mut self, mut first: K, mut last: K, slot: Option<Slot>) {
        if slot.is_some_and(|slot| self.hand_over(first, last, slot)) {
            return;
        }
        // What sticks out on both sides stays with its holder.
        if let Some((start, run)) = self.around(first)
            && start < first
        {
            self.take(start);
            first.before().into_iter().for_each(|end| self.put(start, end, run.slot));
            if run.last > last {
                last.after().into_iter().for_each(|next| self.put(next, run.last, run.slot));
            }
        }
        let inside: Vec<K> = self.by_first.range(first..=last).map(|(start, _)| *start).collect();
        for start in inside {
            if let Some(run) = self.take(start)
                && run.last > last
            {
                last.after().into_iter().for_each(|next| self.put(next, run.last, run.slot));
            }
        }
        let Some(slot) = slot else { return };
        // Neighbours of the same holder become one run with it.
        if let Some((start, run)) = first.before().and_then(|end| self.around(end))
            && run.slot == slot
        {
            self.take(start);
            first = start;
        }
        if let Some((start, run)) = last.after().and_then(|next| self.around(next))
            && run.slot == slot
        {
            self.take(start);
            last = run.last;
        }
        self.put(first, last, slot);
    }
}

/// Runs that are put together in order, one after the other.
#[derive(Debug)]
pub(crate) struct Building<K>(Vec<(K, Run<K>)>);

impl<K> Default for Building<K> {
    fn default() -> Self {
        Building(Vec::new())
    }
}

impl<K: Number> Building<K> {
    /// One more run; false when it does not stand behind the last one.
    pub(crate) fn push(&mut self, first: K, last: K, slot: Slot) -> bool {
        let behind = self.0.last().is_none_or(|(_, before)| before.last < first);
        if !behind || last < first {
            return false;
        }
        match self.0.last_mut() {
            // Rows may be cut where runs are not.
            Some((_, before)) if before.slot == slot && before.last.after() == Some(first) => before.last = last,
            _ => self.0.push((first, Run { last, slot })),
        }
        true
    }

    pub(crate) fn finish(self) -> Runs<K> {
        let mut order: Vec<(Slot, K)> = self.0.iter().map(|(first, run)| (run.slot, *first)).collect();
        order.sort_unstable();
        Runs { by_first: self.0.into_iter().collect(), by_slot: order.into_iter().collect() }
    }
}

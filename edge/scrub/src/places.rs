//! Protected destinations: levels, rates, counters.

use crate::address::Net;
use crate::counts::counters;
use crate::layout::{Counts, Place, PlaceBucket};
use crate::plan::Rate;
use crate::{Filter, fault};
use base::{Fault, Result};
use ddos::{Counters, Level, Prefix, Reason};
use libbpf_rs::MapCore;
use std::collections::{BTreeMap, BTreeSet};

/// What holds for a destination, read back from the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Defence {
    /// The level.
    pub level: Level,
    /// Most packets to it from sources that are not allowed, from [`Level::Limit`] on; `None` for no limit.
    pub rate: Option<Rate>,
}

/// What was dropped in all, by reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dropped {
    /// Packets.
    pub packets: [u64; Reason::COUNT],
    /// Bytes.
    pub bytes: [u64; Reason::COUNT],
}

impl Filter {
    /// Protects these destinations, each at its level, and no others. Those that stay keep rate and counters. Of several
    /// prefixes that hold an address the longest counts.
    ///
    /// # Errors
    /// [`fault::FULL`] when there are more than the table holds (nothing changes then), [`fault::MAP`].
    pub fn protect(&mut self, wanted: &[(Prefix, Level)]) -> Result<()> {
        let wanted: BTreeMap<Prefix, Level> = wanted.iter().copied().collect();
        // Slot 0 is for all that is not protected.
        let room = self.maps.counts.handle.max_entries() as usize - 1;
        if wanted.len() > room {
            let fault = Fault::new(&fault::FULL).object("protected destinations");
            return Err(fault.expected(format!("{room} at most")).found(wanted.len()));
        }
        let gone: Vec<Prefix> = self.slots.keys().filter(|prefix| !wanted.contains_key(prefix)).copied().collect();
        if !gone.is_empty() {
            let removed = gone.into_iter().try_for_each(|prefix| self.remove_place(prefix));
            // Before a slot is given to another: a processor that remembered it would count there.
            self.forget()?;
            removed?;
        }
        let changed = wanted.into_iter().try_for_each(|(prefix, level)| {
            if !self.slots.contains_key(&prefix) {
                return self.add_place(prefix, level);
            }
            let place = self.place(prefix)?;
            let level = level.number().into();
            if place.level == level { Ok(()) } else { self.put_place(prefix, Place { level, ..place }) }
        });
        self.forget()?;
        changed
    }

    fn add_place(&mut self, prefix: Prefix, level: Level) -> Result<()> {
        let full = || Fault::new(&fault::FULL).object("protected destinations");
        let slot = *self.free.last().ok_or_else(full)?;
        self.maps.counts.clear_each(slot)?;
        self.maps.place_buckets.put(&slot, &PlaceBucket { all: 0, sizes: 0 })?;
        self.put_place(prefix, Place { slot, level: level.number().into(), step: 0, window: 0 })?;
        self.free.pop();
        self.slots.insert(prefix, slot);
        Ok(())
    }

    fn remove_place(&mut self, prefix: Prefix) -> Result<()> {
        match Net::of(prefix) {
            Net::V4(net) => self.maps.places4.remove(&net)?,
            Net::V6(net) => self.maps.places6.remove(&net)?,
        };
        self.free.extend(self.slots.remove(&prefix));
        Ok(())
    }

    /// Writes to the tries; what the processors remember has to be forgotten then.
    fn put_place(&self, prefix: Prefix, place: Place) -> Result<()> {
        match Net::of(prefix) {
            Net::V4(net) => self.maps.places4.put(&net, &place),
            Net::V6(net) => self.maps.places6.put(&net, &place),
        }
    }

    /// Makes every processor forget what it remembers of destinations; the tries are already what they shall be.
    fn forget(&mut self) -> Result<()> {
        self.settings.generation = self.settings.generation.checked_add(1).unwrap_or(1);
        self.write()
    }

    /// The slots that are nobody's, those to be given away first at the end.
    pub(crate) fn free_slots(slots: &BTreeMap<Prefix, u32>, end: u32) -> Vec<u32> {
        let used: BTreeSet<u32> = slots.values().copied().collect();
        (1..end).rev().filter(|slot| !used.contains(slot)).collect()
    }

    fn place(&self, prefix: Prefix) -> Result<Place> {
        let missing = || Fault::new(&fault::NOT_PROTECTED).object(prefix);
        // A trie also answers with a shorter prefix.
        let slot = self.slots.get(&prefix).ok_or_else(missing)?;
        let found = match Net::of(prefix) {
            Net::V4(net) => self.maps.places4.get::<Place>(&net)?,
            Net::V6(net) => self.maps.places6.get::<Place>(&net)?,
        };
        found.filter(|place| place.slot == *slot).ok_or_else(missing)
    }

    /// Changes the level of a protected destination.
    ///
    /// # Errors
    /// [`fault::NOT_PROTECTED`], [`fault::MAP`].
    pub fn set_level(&mut self, prefix: Prefix, level: Level) -> Result<()> {
        let place = self.place(prefix)?;
        self.put_place(prefix, Place { level: level.number().into(), ..place })?;
        self.forget()
    }

    /// Limits what a protected destination gets, from [`Level::Limit`] on.
    ///
    /// # Errors
    /// [`fault::NOT_PROTECTED`], [`fault::MAP`].
    pub fn set_rate(&mut self, prefix: Prefix, rate: Option<Rate>) -> Result<()> {
        let place = self.place(prefix)?;
        let (step, window) = Rate::step_and_window(rate);
        self.put_place(prefix, Place { step, window, ..place })?;
        self.forget()
    }

    /// What holds for a protected destination, read back from the kernel.
    ///
    /// # Errors
    /// [`fault::NOT_PROTECTED`], [`fault::MAP`].
    pub fn defence(&self, prefix: Prefix) -> Result<Defence> {
        let place = self.place(prefix)?;
        let level = u8::try_from(place.level).ok().and_then(Level::from_number).unwrap_or_default();
        Ok(Defence { level, rate: Rate::from_step((place.step, place.window)) })
    }

    /// The protected destinations.
    pub fn protected(&self) -> impl Iterator<Item = Prefix> + '_ {
        self.slots.keys().copied()
    }

    /// What arrived for each protected destination since it became one, all processors together: one call of the kernel
    /// for all.
    ///
    /// # Errors
    /// [`fault::MAP`].
    pub fn counters(&self) -> Result<Vec<(Prefix, Counters)>> {
        let all = self.slots_counters()?;
        let of = |slot: u32| all.get(slot as usize).copied().unwrap_or_default();
        Ok(self.slots.iter().map(|(prefix, slot)| (*prefix, of(*slot))).collect())
    }

    /// What arrived for destinations that are not protected, and what no address could be read of.
    ///
    /// # Errors
    /// [`fault::MAP`].
    pub fn rest(&self) -> Result<Counters> {
        Ok(self.first_counters(1)?.first().copied().unwrap_or_default())
    }

    /// What was dropped for the protected destinations and for all others, by reason.
    ///
    /// # Errors
    /// [`fault::MAP`].
    pub fn dropped(&self) -> Result<Dropped> {
        let mut sum = Dropped::default();
        for counters in self.slots_counters()? {
            for reason in 0..Reason::COUNT {
                sum.packets[reason] += counters.dropped[reason];
                sum.bytes[reason] += counters.dropped_bytes[reason];
            }
        }
        Ok(sum)
    }

    fn slots_counters(&self) -> Result<Vec<Counters>> {
        self.first_counters(self.slots.values().max().copied().unwrap_or(0) + 1)
    }

    /// Counters of the first slots.
    fn first_counters(&self, slots: u32) -> Result<Vec<Counters>> {
        let processors = self.maps.counts.first_values::<Counts>(slots)?;
        Ok(processors.iter().map(|counts| counters(counts)).collect())
    }

    /// Slots of the protected prefixes, as the maps say.
    pub(crate) fn read_slots(&self) -> Result<BTreeMap<Prefix, u32>> {
        let four = self.maps.places4.entries()?.into_iter();
        let four = four.filter_map(|(net, place): (_, Place)| Some((Net::prefix4(net)?, place.slot)));
        let six = self.maps.places6.entries()?.into_iter();
        let six = six.filter_map(|(net, place): (_, Place)| Some((Net::prefix6(net)?, place.slot)));
        Ok(four.chain(six).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::calls;
    use crate::{Plan, Sizes};

    fn prefixes(count: u32, level: Level) -> Vec<(Prefix, Level)> {
        let address = |n: u32| std::net::Ipv4Addr::from(0x0a00_0000 + n);
        (0..count).map(|n| (Prefix::single(address(n).into()), level)).collect()
    }

    /// Calls of the kernel that some work costs.
    fn cost(filter: &mut Filter, wanted: &[(Prefix, Level)]) -> u64 {
        let before = calls();
        filter.protect(wanted).unwrap();
        calls() - before
    }

    #[test]
    fn destinations_cost_a_few_calls_each_however_many_there_are() {
        if !rustix::process::geteuid().is_root() {
            println!("skipped: needs root");
            return;
        }
        let sizes = Sizes { places: 4_096, prefixes: 16, bans: 16, confirmed: 16, ..Sizes::default() };
        let plan = Plan { sizes, ..Plan::new(0, "/unused".into()) };
        let mut filter = Filter::load(&plan, &base::SystemRandom::new()).unwrap();
        for count in [64, 4_096] {
            let each = u64::from(count);
            assert!(cost(&mut filter, &prefixes(count, Level::Clean)) <= 3 * each + 2, "{count} come");
            assert!(cost(&mut filter, &prefixes(count, Level::Clean)) <= each + 2, "{count} stay");
            assert!(cost(&mut filter, &prefixes(count, Level::Limit)) <= 2 * each + 2, "{count} change");
            assert_eq!((filter.slots.len(), filter.free.len()), (count as usize, 4_096 - count as usize));
            assert!(cost(&mut filter, &[]) <= each + 2, "{count} go");
        }
        assert_eq!(filter.free.len(), 4_096);
    }

    #[test]
    fn a_slot_is_given_away_once() {
        let taken: BTreeMap<Prefix, u32> =
            prefixes(3, Level::Clean).into_iter().map(|(prefix, _)| prefix).zip([2, 5, 1]).collect();
        assert_eq!(Filter::free_slots(&taken, 7), [6, 4, 3]);
    }
}

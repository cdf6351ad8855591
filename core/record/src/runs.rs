//! Sets of numbers that come mostly without holes.

use crate::fault;
use base::{Fault, Result};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// Runs kept; with more, the two lowest are joined. Holes are rare: each is a gap that the agent reported or a batch that
/// was refused. Without a bound a hostile agent that numbers every second record would take all memory.
pub const RUNS: usize = 1024;

/// Which numbers of one lane of one start have been taken, as sorted runs that do not touch.
///
/// A greatest number would not do: a batch may fail while a later one is taken, and it must not count as a repetition
/// when it is sent again. Its text is `1-8,12-20`; a bare number, as older programs stored it, means all up to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Runs(BTreeMap<u64, u64>);

impl Runs {
    /// Whether it has this number.
    pub fn contains(&self, number: u64) -> bool {
        self.holds(number, number)
    }

    /// Whether it has every number from `first` to `last`. With `last` below `first` there is none to miss.
    pub fn holds(&self, first: u64, last: u64) -> bool {
        last < first || self.0.range(..=first).next_back().is_some_and(|(_, end)| *end >= last)
    }

    /// Whether it has any number from `first` to `last`.
    pub fn meets(&self, first: u64, last: u64) -> bool {
        first <= last && self.0.range(..=last).next_back().is_some_and(|(_, end)| *end >= first)
    }

    /// Adds the numbers from `first` to `last`.
    pub fn add(&mut self, first: u64, last: u64) {
        if last < first {
            return;
        }
        let (mut first, mut last) = (first, last);
        while let Some((begin, end)) = self.0.range(..=last.saturating_add(1)).next_back() {
            let (begin, end) = (*begin, *end);
            if end.saturating_add(1) < first {
                break;
            }
            self.0.remove(&begin);
            (first, last) = (first.min(begin), last.max(end));
        }
        self.0.insert(first, last);
        while self.0.len() > RUNS
            && let Some((begin, _)) = self.0.pop_first()
            && let Some((_, end)) = self.0.pop_first()
        {
            self.0.insert(begin, end);
        }
    }

    /// The number up to which nothing from 1 on is missing; 0 when 1 is missing.
    pub fn unbroken(&self) -> u64 {
        self.0.first_key_value().filter(|(first, _)| **first <= 1).map_or(0, |(_, last)| *last)
    }

    /// The runs in order: first and last number of each.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.0.iter().map(|(first, last)| (*first, *last))
    }

    /// Whether it has no number.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Runs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (first, last)) in self.iter().enumerate() {
            let comma = if place > 0 { "," } else { "" };
            write!(f, "{comma}{first}-{last}")?;
        }
        Ok(())
    }
}

impl FromStr for Runs {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Runs> {
        let wrong =
            || Fault::new(&fault::BAD_ID).object("numbers taken").expected("runs such as 1-8,12-20").found(text);
        let mut runs = Runs::default();
        if text.is_empty() {
            return Ok(runs);
        }
        if let Ok(last) = text.parse() {
            runs.add(1, last);
            return Ok(runs);
        }
        for run in text.split(',') {
            let (first, last) = run.split_once('-').ok_or_else(wrong)?;
            let (first, last) = (first.parse().map_err(|_| wrong())?, last.parse().map_err(|_| wrong())?);
            if last < first {
                return Err(wrong());
            }
            runs.add(first, last);
        }
        Ok(runs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_text_reads_back_and_an_old_text_means_all_up_to_it() {
        let runs: Runs = "1-8,12-20".parse().unwrap();
        assert_eq!((runs.to_string().as_str(), runs.unbroken()), ("1-8,12-20", 8));
        assert_eq!("8".parse::<Runs>().unwrap().to_string(), "1-8");
        assert!("0".parse::<Runs>().unwrap().is_empty() && "".parse::<Runs>().unwrap().is_empty());
        for bad in ["x", "1-", "-1", "9-3", "1-2,", "1-2,5", "1-2;4-5", "1-99999999999999999999"] {
            assert!(bad.parse::<Runs>().unwrap_err().is(&fault::BAD_ID), "{bad}");
        }
    }

    #[test]
    fn memory_is_bounded_and_the_latest_holes_stay() {
        let mut runs = Runs::default();
        for number in 1..5000 {
            runs.add(number * 10, number * 10);
        }
        assert_eq!(runs.iter().count(), RUNS);
        assert!(runs.contains(49_990) && !runs.contains(49_985) && runs.contains(15));
        runs.add(u64::MAX - 1, u64::MAX);
        assert!(runs.contains(u64::MAX));
    }

    proptest! {
        #[test]
        fn runs_are_the_set_that_they_stand_for(adds in prop::collection::vec((0u64..60, 0u64..8), 0..40)) {
            let (mut runs, mut set) = (Runs::default(), BTreeSet::new());
            for (first, more) in adds {
                let numbers = first..=first + more;
                prop_assert_eq!(runs.holds(first, first + more), numbers.clone().all(|number| set.contains(&number)));
                prop_assert_eq!(runs.meets(first, first + more), numbers.clone().any(|number| set.contains(&number)));
                runs.add(first, first + more);
                set.extend(numbers);
                let stood_for: BTreeSet<u64> = runs.iter().flat_map(|(first, last)| first..=last).collect();
                prop_assert_eq!(&stood_for, &set);
                let ends: Vec<(u64, u64)> = runs.iter().collect();
                prop_assert!(ends.windows(2).all(|two| two[0].1 + 1 < two[1].0), "runs touch: {:?}", ends);
                prop_assert_eq!(&runs.to_string().parse::<Runs>().unwrap(), &runs);
            }
        }
    }
}

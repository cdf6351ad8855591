//! Shares of attacks stopped and of harmless requests stopped, by source and class.

use crate::answer::Answer;
use crate::request::Case;
use std::collections::BTreeMap;

/// Requests of one source and class, and how many were stopped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rate {
    /// All.
    pub all: usize,
    /// Stopped.
    pub stopped: usize,
}

impl Rate {
    /// Share of stopped requests, 0 to 1; 0 of none.
    pub fn share(self) -> f64 {
        if self.all == 0 { 0.0 } else { self.stopped as f64 / self.all as f64 }
    }
}

/// Key of a row: (source, class).
pub type Group = (String, String);

/// Counts what was stopped, by source and class.
pub fn rates(cases: &[Case], stopped: impl Fn(usize) -> bool) -> BTreeMap<Group, Rate> {
    let mut rates: BTreeMap<Group, Rate> = BTreeMap::new();
    for (number, case) in cases.iter().enumerate() {
        let rate = rates.entry((case.source.clone(), case.class.clone())).or_default();
        rate.all += 1;
        rate.stopped += usize::from(stopped(number));
    }
    rates
}

/// Stopped by an engine's own rules.
pub fn by_rules(answers: &[Answer]) -> impl Fn(usize) -> bool + '_ {
    |number| answers.get(number).is_some_and(|answer| answer.intervention.is_some())
}

/// All groups of one class joined.
pub fn of_class(rates: &BTreeMap<Group, Rate>, class: &str) -> Rate {
    let mut sum = Rate::default();
    for rate in rates.iter().filter(|((_, of), _)| of == class).map(|(_, rate)| rate) {
        sum.all += rate.all;
        sum.stopped += rate.stopped;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Request;

    #[test]
    fn shares_are_counted_by_source_and_class() {
        let case = |source: &str, class: &str| Case {
            source: source.into(),
            class: class.into(),
            attack: class != "benign",
            name: String::new(),
            request: Request::browser("GET", "/"),
        };
        let cases = [case("a", "sqli"), case("a", "sqli"), case("b", "sqli"), case("b", "benign")];
        let rates = rates(&cases, |number| number != 1);
        assert_eq!(rates[&("a".to_string(), "sqli".to_string())], Rate { all: 2, stopped: 1 });
        assert_eq!(of_class(&rates, "sqli"), Rate { all: 3, stopped: 2 });
        assert!((of_class(&rates, "benign").share() - 1.0).abs() < f64::EPSILON);
    }
}

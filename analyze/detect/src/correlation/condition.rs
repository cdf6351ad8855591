//! When a correlation holds: bounds on a number, or a text over the rules it names.

use crate::condition::{Condition as Tree, chosen};

/// How a measure stands to a number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Bound {
    Less(f64),
    LessOrEqual(f64),
    Greater(f64),
    GreaterOrEqual(f64),
    Equal(f64),
    Differs(f64),
}

impl Bound {
    /// The bound of a key of the condition.
    pub(super) fn new(key: &str, number: f64) -> Option<Bound> {
        Some(match key {
            "lt" => Bound::Less(number),
            "lte" => Bound::LessOrEqual(number),
            "gt" => Bound::Greater(number),
            "gte" => Bound::GreaterOrEqual(number),
            "eq" => Bound::Equal(number),
            "neq" => Bound::Differs(number),
            _ => return None,
        })
    }

    fn holds(self, measured: f64) -> bool {
        match self {
            Bound::Less(number) => measured < number,
            Bound::LessOrEqual(number) => measured <= number,
            Bound::Greater(number) => measured > number,
            Bound::GreaterOrEqual(number) => measured >= number,
            Bound::Equal(number) => measured == number,
            Bound::Differs(number) => measured != number,
        }
    }

    /// Its number.
    pub(super) fn number(self) -> f64 {
        match self {
            Bound::Less(number)
            | Bound::LessOrEqual(number)
            | Bound::Greater(number)
            | Bound::GreaterOrEqual(number)
            | Bound::Equal(number)
            | Bound::Differs(number) => number,
        }
    }
}

/// A condition over the rules that a correlation names, each by its place among them.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expression {
    All(Vec<Expression>),
    Any(Vec<Expression>),
    Not(Box<Expression>),
    Rule(u8),
}

impl Expression {
    /// Whether it holds when the rules of these bits fitted.
    pub(super) fn holds(&self, seen: u64) -> bool {
        match self {
            Expression::All(parts) => parts.iter().all(|part| part.holds(seen)),
            Expression::Any(parts) => parts.iter().any(|part| part.holds(seen)),
            Expression::Not(inner) => !inner.holds(seen),
            Expression::Rule(place) => seen >> place & 1 == 1,
        }
    }

    /// Puts places for names; a name that is none of them is returned.
    pub(super) fn new(tree: &Tree, names: &[String]) -> Result<Expression, String> {
        let list =
            |parts: &[Tree]| parts.iter().map(|part| Expression::new(part, names)).collect::<Result<Vec<_>, _>>();
        Ok(match tree {
            Tree::And(parts) => Expression::All(list(parts)?),
            Tree::Or(parts) => Expression::Any(list(parts)?),
            Tree::Not(inner) => Expression::Not(Box::new(Expression::new(inner, names)?)),
            Tree::Name(name) => {
                let place = names.iter().position(|known| known == name).ok_or_else(|| name.clone())?;
                Expression::Rule(place as u8)
            }
            Tree::Of { all, pattern } => {
                let places: Vec<Expression> = (0..)
                    .zip(names)
                    .filter(|(_, name)| chosen(pattern, name))
                    .map(|(place, _)| Expression::Rule(place))
                    .collect();
                match places.is_empty() {
                    true => return Err(pattern.clone()),
                    false if *all => Expression::All(places),
                    false => Expression::Any(places),
                }
            }
        })
    }
}

/// When a correlation holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Condition {
    /// Every bound holds.
    Bounds(Vec<Bound>),
    /// The expression holds.
    Rules(Expression),
}

impl Condition {
    /// Whether it holds for a measure; `seen` are the rules that fitted, for those that look at them.
    pub(super) fn holds(&self, measured: f64, seen: u64) -> bool {
        match self {
            Condition::Bounds(bounds) => bounds.iter().all(|bound| bound.holds(measured)),
            Condition::Rules(expression) => expression.holds(seen),
        }
    }

    /// The greatest number it compares with, 0 without one.
    pub(super) fn greatest(&self) -> f64 {
        match self {
            Condition::Bounds(bounds) => bounds.iter().fold(0.0, |most, bound| bound.number().max(most)),
            Condition::Rules(_) => 0.0,
        }
    }

    /// Whether some whole number from 1 to `most` satisfies it. Only what lies beside a bound needs to be tried.
    pub(super) fn possible(&self, most: u64) -> bool {
        let Condition::Bounds(bounds) = self else { return true };
        let around = bounds.iter().flat_map(|bound| {
            let number = bound.number().clamp(0.0, most as f64) as u64;
            [number.saturating_sub(1), number, number + 1]
        });
        around.chain([1, most]).any(|count| (1..=most).contains(&count) && self.holds(count as f64, 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::condition;

    #[test]
    fn impossible_bounds_are_found() {
        let bounds = |bounds: &[(&str, f64)]| {
            Condition::Bounds(bounds.iter().filter_map(|(key, number)| Bound::new(key, *number)).collect())
        };
        for (given, most, possible) in [
            (vec![("gte", 3.0)], 100, true),
            (vec![("gte", 3.0)], 2, false),
            (vec![("gt", 5.0), ("lt", 6.0)], 100, false),
            (vec![("gt", 5.0), ("lte", 6.0)], 100, true),
            (vec![("lt", 1.0)], 100, false),
            (vec![("eq", 0.0)], 100, false),
            (vec![("neq", 1.0)], 1, false),
            (vec![("neq", 1.0)], 2, true),
            (vec![("lte", 100.0), ("neq", 1.0)], 100, true),
        ] {
            assert_eq!(bounds(&given).possible(most), possible, "{given:?}");
        }
    }

    #[test]
    fn names_become_places() {
        let names = ["fail_a".to_owned(), "fail_b".to_owned(), "ok".to_owned()];
        let read = |text: &str| condition::parse(text).map(|tree| Expression::new(&tree, &names));
        let holds = |text: &str, seen| read(text).unwrap().unwrap().holds(seen);
        assert!(holds("1 of fail_* and ok", 0b101) && !holds("all of fail_* and ok", 0b101));
        assert!(holds("fail_a AND NOT ok", 0b001) && !holds("fail_a and not ok", 0b101));
        assert_eq!(read("fail_a and missing").unwrap(), Err("missing".to_owned()));
        assert_eq!(read("1 of none*").unwrap(), Err("none*".to_owned()));
    }
}

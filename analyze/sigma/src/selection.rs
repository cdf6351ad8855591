//! The `detection` of a rule as a tree of tests, independent of any sensor.

use crate::condition::{self, Condition};
use crate::modifier::{Operator, Order, Placeholders, Plan, Problem, TimePart};
use crate::yaml::{Data, Entry, Node, Place};
use crate::{fault, limits, text};
use base::{Fault, Prefix, Result};
use pattern::{Expression, Piece};

/// A test of one field.
#[derive(Debug, Clone)]
pub enum Test {
    /// Text with wildcards, number, flag or address: as the field is.
    Text {
        /// The text.
        pieces: Vec<Piece>,
        /// Case matters.
        cased: bool,
    },
    /// A regular expression.
    Expression(Expression),
    /// A range of addresses.
    Prefix(Prefix),
    /// A number.
    Order {
        /// How the found number stands to the given one.
        order: Order,
        /// The given one.
        number: f64,
        /// The part of a time that is compared; the number itself without.
        part: Option<TimePart>,
    },
    /// The field is there.
    Exists,
    /// Another field.
    Reference {
        /// Its place in [`Detection::fields`].
        field: usize,
        /// Where in ours it stands.
        place: pattern::Place,
        /// Case matters.
        cased: bool,
    },
}

/// Tests joined.
#[derive(Debug, Clone)]
pub enum Tree {
    /// All of them.
    All(Vec<Tree>),
    /// Any of them.
    Any(Vec<Tree>),
    /// The opposite.
    Not(Box<Tree>),
    /// A selection, by its place in [`Detection::selections`].
    Selection(usize),
    /// A test of a field.
    Item {
        /// Its place in [`Detection::fields`].
        field: usize,
        /// The test.
        test: Box<Test>,
    },
}

/// A field a rule names, and the line it first does so. An empty name stands for keywords.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Its name, without modifiers.
    pub name: String,
    /// The line, from 1.
    pub line: usize,
}

/// What a rule tests.
#[derive(Debug, Clone)]
pub struct Detection {
    /// Every field it names, each once.
    pub fields: Vec<Named>,
    /// The selections, in the order written.
    pub selections: Vec<Tree>,
    /// How they are joined.
    pub condition: Tree,
}

/// Reads the `detection` map of a rule.
pub fn read(node: &Node, place: Place<'_>, placeholders: &Placeholders) -> Result<Detection> {
    read_but(node, &["condition", "timeframe"], place, placeholders)
}

/// Reads a map of selections with a condition, leaving out keys that are no selections.
pub fn read_but(node: &Node, others: &[&str], place: Place<'_>, placeholders: &Placeholders) -> Result<Detection> {
    let Some(entries) = node.entries() else {
        return Err(place.fault(&fault::FORM, node.line).expected("detection as a map").found(node.form()));
    };
    let mut reader = Reader { place, placeholders, fields: Vec::new(), tests: 0 };
    let mut names = Vec::new();
    let mut selections = Vec::new();
    for entry in entries.iter().filter(|entry| !others.contains(&entry.key.as_str())) {
        names.push(entry.key.as_str());
        selections.push(reader.selection(&entry.value)?);
    }
    let Some(conditions) = node.get("condition") else {
        return Err(place.fault(&fault::FORM, node.line).expected("a condition in detection").found("none"));
    };
    let mut trees = Vec::new();
    for one in conditions.items() {
        trees.push(condition(one, &names, place)?);
    }
    let condition = if trees.len() == 1 { trees.remove(0) } else { Tree::Any(trees) };
    Ok(Detection { fields: reader.fields, selections, condition })
}

fn condition(node: &Node, names: &[&str], place: Place<'_>) -> Result<Tree> {
    let Some(written) = node.text().filter(|_| !node.is_null()) else {
        return Err(place.fault(&fault::CONDITION, node.line).expected("a text").found(node.form()));
    };
    let parsed = condition::parse(written).map_err(|problem| match problem {
        condition::Problem::Form(expected, found) => {
            place.fault(&fault::CONDITION, node.line).expected(expected).found(found)
        }
        condition::Problem::Aggregation => {
            place.fault(&fault::UNSUPPORTED, node.line).expected("a condition without `|`").found(written)
        }
    })?;
    resolve(&parsed, names).map_err(|name| {
        let expected = format!("one of {}", names.join(", "));
        place.fault(&fault::CONDITION, node.line).expected(expected).found(format!("`{name}`"))
    })
}

/// Replaces names by their selections; a name that stands for nothing is returned.
fn resolve(condition: &Condition, names: &[&str]) -> std::result::Result<Tree, String> {
    let each = |parts: &[Condition]| {
        parts.iter().map(|part| resolve(part, names)).collect::<std::result::Result<Vec<Tree>, String>>()
    };
    match condition {
        Condition::And(parts) => Ok(Tree::All(each(parts)?)),
        Condition::Or(parts) => Ok(Tree::Any(each(parts)?)),
        Condition::Not(inner) => Ok(Tree::Not(Box::new(resolve(inner, names)?))),
        Condition::Name(name) => {
            names.iter().position(|known| known == name).map(Tree::Selection).ok_or_else(|| name.clone())
        }
        Condition::Of { all, pattern } => {
            let chosen: Vec<Tree> = (0..names.len())
                .filter(|index| condition::chosen(pattern, names[*index]))
                .map(Tree::Selection)
                .collect();
            match (chosen.is_empty(), all) {
                (true, _) => Err(pattern.clone()),
                (false, true) => Ok(Tree::All(chosen)),
                (false, false) => Ok(Tree::Any(chosen)),
            }
        }
    }
}

struct Reader<'n> {
    place: Place<'n>,
    placeholders: &'n Placeholders,
    fields: Vec<Named>,
    tests: usize,
}

impl Reader<'_> {
    fn selection(&mut self, node: &Node) -> Result<Tree> {
        match &node.data {
            Data::Map(entries) if !entries.is_empty() => {
                let parts: Result<Vec<Tree>> = entries.iter().map(|entry| self.entry(entry)).collect();
                Ok(Tree::All(parts?))
            }
            Data::List(items) if !items.is_empty() => {
                let parts: Result<Vec<Tree>> = items
                    .iter()
                    .map(|item| match &item.data {
                        Data::List(_) => Err(self.wrong(item, "a value or a map in this list")),
                        _ => self.selection(item),
                    })
                    .collect();
                Ok(Tree::Any(parts?))
            }
            Data::Scalar { .. } if !node.is_null() => {
                let plan = Plan::new([]).map_err(|found| self.place.fault(&fault::MODIFIER, node.line).found(found))?;
                self.value("", &plan, node)
            }
            _ => Err(self.wrong(node, "a map, a list or a value")),
        }
    }

    fn wrong(&self, node: &Node, expected: &str) -> Fault {
        self.place.fault(&fault::FORM, node.line).expected(expected).found(node.form())
    }

    fn entry(&mut self, entry: &Entry) -> Result<Tree> {
        let mut words = entry.key.split('|');
        let name = words.next().unwrap_or("").trim();
        let plan = Plan::new(words.map(str::trim)).map_err(|found| {
            self.place.fault(&fault::MODIFIER, entry.line).found(format!("{found} in `{}`", entry.key))
        })?;
        if matches!(&entry.value.data, Data::List(items) if items.is_empty()) {
            return Err(self.wrong(&entry.value, "at least one value"));
        }
        let parts: Result<Vec<Tree>> = entry.value.items().iter().map(|item| self.value(name, &plan, item)).collect();
        let mut parts = parts?;
        let tree = match (parts.len(), plan.all) {
            (1, _) => parts.remove(0),
            (_, true) => Tree::All(parts),
            (_, false) => Tree::Any(parts),
        };
        Ok(if plan.differs { Tree::Not(Box::new(tree)) } else { tree })
    }

    /// The tests of one value of a field.
    fn value(&mut self, name: &str, plan: &Plan, node: &Node) -> Result<Tree> {
        let Some(written) = node.text() else { return Err(self.wrong(node, "a value")) };
        let field = self.field(name, node.line);
        let wrong = |expected: &str| {
            self.place.fault(&fault::VALUE, node.line).expected(expected).found(format!("`{written}`"))
        };
        let textual = matches!(plan.operator, Operator::Same | Operator::Expression(_));
        if name.is_empty() && (written.is_empty() || node.is_null() || !textual) {
            return Err(wrong("text as keyword"));
        }
        if node.is_null() {
            if plan.operator != Operator::Same || plan.changes_text() {
                return Err(wrong("a value for this modifier"));
            }
            self.count(1, node)?;
            return Ok(Tree::Not(Box::new(Tree::Item { field, test: Box::new(Test::Exists) })));
        }
        let tests = self.tests(name, plan, written, node)?;
        self.count(tests.len(), node)?;
        let mut parts: Vec<Tree> = tests
            .into_iter()
            .map(|(test, holds)| {
                let item = Tree::Item { field, test: Box::new(test) };
                if holds { item } else { Tree::Not(Box::new(item)) }
            })
            .collect();
        Ok(if parts.len() == 1 { parts.remove(0) } else { Tree::Any(parts) })
    }

    fn count(&mut self, more: usize, node: &Node) -> Result<()> {
        self.tests += more;
        if self.tests > limits::TESTS {
            let expected = format!("at most {} tests", limits::TESTS);
            return Err(self.place.fault(&fault::LIMIT, node.line).expected(expected));
        }
        Ok(())
    }

    fn field(&mut self, name: &str, line: usize) -> usize {
        if let Some(index) = self.fields.iter().position(|field| field.name == name) {
            return index;
        }
        self.fields.push(Named { name: name.to_owned(), line });
        self.fields.len() - 1
    }

    /// The tests a value stands for, any of which is enough, each with whether it has to hold.
    fn tests(&mut self, name: &str, plan: &Plan, written: &str, node: &Node) -> Result<Vec<(Test, bool)>> {
        let value = |expected: &str| {
            self.place.fault(&fault::VALUE, node.line).expected(expected).found(format!("`{written}`"))
        };
        let problem = |problem| self.problem(problem, node.line);
        match plan.operator {
            Operator::Same => {
                let texts = plan.texts(written, self.placeholders, limits::EXPANSIONS).map_err(problem)?;
                let keyword = |mut pieces| {
                    if name.is_empty() {
                        text::open_start(&mut pieces);
                        text::open_end(&mut pieces);
                    }
                    (Test::Text { pieces, cased: plan.cased }, true)
                };
                Ok(texts.into_iter().map(keyword).collect())
            }
            Operator::Expression(flags) => {
                let one = |text: String| {
                    let named = |fault: Fault| {
                        let object = format!("{}:{}: {}", self.place.name, node.line, fault.named());
                        fault.object(object)
                    };
                    Expression::new(&text, flags).map(|expression| (Test::Expression(expression), true)).map_err(named)
                };
                plan.raw(written, self.placeholders).map_err(problem)?.into_iter().map(one).collect()
            }
            Operator::Prefix => {
                let one = |text: String| {
                    let prefix = text.parse().map_err(|_| value("an address range such as 192.0.2.0/24"))?;
                    Ok((Test::Prefix(prefix), true))
                };
                plan.raw(written, self.placeholders).map_err(problem)?.into_iter().map(one).collect()
            }
            Operator::Order(order) => {
                let number = number(written).ok_or_else(|| value("a number"))?;
                Ok(vec![(Test::Order { order, number, part: plan.part }, true)])
            }
            Operator::Exists => {
                let wanted = boolean(written).ok_or_else(|| value("true or false"))?;
                Ok(vec![(Test::Exists, wanted)])
            }
            Operator::Reference(place) => {
                let field = self.field(written, node.line);
                Ok(vec![(Test::Reference { field, place, cased: plan.cased }, true)])
            }
        }
    }

    fn problem(&self, problem: Problem, line: usize) -> Fault {
        match problem {
            Problem::Limit(limit) => {
                self.place.fault(&fault::LIMIT, line).expected(format!("a value that becomes at most {limit} texts"))
            }
            Problem::Value(found) => self.place.fault(&fault::VALUE, line).found(found),
            Problem::Placeholder(name) => self.place.fault(&fault::PLACEHOLDER, line).found(name),
        }
    }
}

/// A whole number: decimal, `0x…` or `0o…`.
pub fn integer(text: &str) -> Option<i64> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let radix =
        |digits: &str, radix| i64::from_str_radix(digits, radix).ok().filter(|_| !digits.starts_with(['+', '-']));
    let number = match digits.get(..2) {
        Some("0x" | "0X") => radix(&digits[2..], 16),
        Some("0o" | "0O") => radix(&digits[2..], 8),
        _ => radix(digits, 10),
    };
    number.map(|number| sign * number)
}

fn number(text: &str) -> Option<f64> {
    integer(text).map(|number| number as f64).or_else(|| text.parse().ok().filter(|number: &f64| number.is_finite()))
}

/// Yes or no as rules write it.
pub fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "1" => Some(true),
        "false" | "no" | "0" => Some(false),
        _ => None,
    }
}

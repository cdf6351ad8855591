//! Filters (Sigma specification 2.1): exceptions for rules that others wrote, as data.
//!
//! ```yaml
//! title: Backups may read the shadow file
//! logsource: {product: linux, category: file_access}
//! filter:
//!   rules: [9d6b5e5a-2f0c-4b3e-9f5e-0b3e8f0f6a11]   # ids, names or titles; `any` or nothing: every rule of the log source
//!   backup: {Image: /usr/bin/restic}
//!   condition: not backup
//! ```
//!
//! The condition is joined to that of each rule by `and`, so an exception is `not selection`. Where the filter names a
//! product, category or service, only rules with the same are touched. A filter that names a rule which is not there is
//! a doubt; one that names a field which its rule's events do not have is a fault, and the rule runs without it.

use crate::modifier::Placeholders;
use crate::rule::{LogSource, Rule};
use crate::selection::{self, Detection, Named, Test, Tree};
use crate::yaml::{Document, Node, Place};
use crate::{fault, limits, reader};
use base::{Fault, Result};
use std::collections::{HashMap, HashSet};

/// A filter, read.
#[derive(Debug, Clone)]
pub struct Filter {
    /// UUID; for a filter without one, `sigma-` and its version.
    pub id: String,
    /// Source and line.
    pub place: String,
    source: LogSource,
    /// Ids, names or titles of rules; empty for every rule.
    rules: Vec<String>,
    /// What it tests.
    pub detection: Detection,
    /// First 16 hexadecimal digits of the SHA-256 of its text.
    pub version: String,
}

/// Reads a document with a `filter`.
pub fn read(
    node: &Node,
    part: &Node,
    document: &Document<'_>,
    place: Place<'_>,
    placeholders: &Placeholders,
) -> Result<Filter> {
    if part.entries().is_none() {
        return Err(place.fault(&fault::FORM, part.line).expected("filter as a map").found(part.form()));
    }
    let head = reader::describe(node, document, place)?;
    let mut rules = reader::texts(part, "rules", place)?;
    if let [any] = &rules[..]
        && any.eq_ignore_ascii_case("any")
    {
        rules.clear();
    }
    if rules.len() > limits::FILTERED {
        let expected = format!("at most {} rules named by a filter", limits::FILTERED);
        return Err(place.fault(&fault::LIMIT, part.line).expected(expected).found(rules.len()));
    }
    let source = if node.get("logsource").is_some() { reader::source(node, place)? } else { LogSource::default() };
    let detection = selection::read_but(part, &["condition", "timeframe", "rules"], place, placeholders)?;
    Ok(Filter { id: head.id, place: head.place, source, rules, detection, version: head.version })
}

impl Filter {
    /// Whether the log source it is about holds the rule's.
    fn holds(&self, source: &LogSource) -> bool {
        let within = |ours: &Option<String>, theirs: &Option<String>| match (ours, theirs) {
            (None, _) => true,
            (Some(ours), Some(theirs)) => ours.eq_ignore_ascii_case(theirs),
            (Some(_), None) => false,
        };
        within(&self.source.product, &source.product)
            && within(&self.source.category, &source.category)
            && within(&self.source.service, &source.service)
    }

    /// Joins its condition to a rule's.
    pub fn join(&self, rule: &mut Rule, detection: &mut Detection) {
        let fields: Vec<usize> = self.detection.fields.iter().map(|named| place_of(named, detection)).collect();
        let base = detection.selections.len();
        detection.selections.extend(self.detection.selections.iter().map(|tree| moved(tree, &fields, base)));
        let ours = moved(&self.detection.condition, &fields, base);
        let theirs = std::mem::replace(&mut detection.condition, Tree::All(Vec::new()));
        detection.condition = Tree::All(vec![theirs, ours]);
        rule.version = reader::version(format!("{} {}", rule.version, self.version).as_bytes());
        rule.filters.push(self.id.clone());
    }
}

/// Filters by the rules they name.
pub struct Filters {
    all: Vec<Filter>,
    by_word: HashMap<String, Vec<usize>>,
    /// Those for every rule.
    every: Vec<usize>,
}

/// The words that a filter may call a rule by.
fn words(rule: &Rule) -> [&str; 3] {
    [&rule.id, &rule.name, &rule.title]
}

impl Filters {
    /// From filters, in their order.
    pub fn new(all: Vec<Filter>) -> Filters {
        let (mut by_word, mut every): (HashMap<String, Vec<usize>>, _) = (HashMap::new(), Vec::new());
        for (index, filter) in all.iter().enumerate() {
            filter.rules.iter().for_each(|word| by_word.entry(word.clone()).or_default().push(index));
            every.extend(filter.rules.is_empty().then_some(index));
        }
        Filters { all, by_word, every }
    }

    /// The filters that bear on a rule, in the order given.
    pub fn of<'f>(&'f self, rule: &Rule) -> impl Iterator<Item = &'f Filter> + use<'f> {
        let named = words(rule).into_iter().filter(|word| !word.is_empty()).filter_map(|word| self.by_word.get(word));
        let mut places: Vec<usize> = named.flatten().chain(&self.every).copied().collect();
        places.sort_unstable();
        places.dedup();
        let source = rule.source.clone();
        places.into_iter().map(|place| &self.all[place]).filter(move |filter| filter.holds(&source))
    }

    /// The doubts about filters that name rules which are not there.
    pub fn strangers<'r>(&self, rules: impl Iterator<Item = &'r Rule>) -> Vec<Fault> {
        let there: HashSet<&str> = rules.flat_map(words).collect();
        let mut doubts = Vec::new();
        for filter in &self.all {
            for word in filter.rules.iter().filter(|word| !there.contains(word.as_str())) {
                let fault = Fault::new(&fault::DOUBT).object(&filter.place).expected("the id, name or title of a rule");
                doubts.push(fault.found(format!("the filter names `{word}`")));
            }
        }
        doubts
    }
}

/// The place of a field in a rule's list, which it joins if it is not there.
fn place_of(named: &Named, detection: &mut Detection) -> usize {
    if let Some(place) = detection.fields.iter().position(|field| field.name == named.name) {
        return place;
    }
    detection.fields.push(named.clone());
    detection.fields.len() - 1
}

/// A tree whose fields and selections stand in another rule's lists.
fn moved(tree: &Tree, fields: &[usize], base: usize) -> Tree {
    let each = |parts: &[Tree]| parts.iter().map(|part| moved(part, fields, base)).collect();
    match tree {
        Tree::All(parts) => Tree::All(each(parts)),
        Tree::Any(parts) => Tree::Any(each(parts)),
        Tree::Not(inner) => Tree::Not(Box::new(moved(inner, fields, base))),
        Tree::Selection(place) => Tree::Selection(base + place),
        Tree::Item { field, test } => {
            let test = match &**test {
                Test::Reference { field, place, cased } => {
                    Test::Reference { field: fields[*field], place: *place, cased: *cased }
                }
                other => other.clone(),
            };
            Tree::Item { field: fields[*field], test: Box::new(test) }
        }
    }
}

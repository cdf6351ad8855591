//! A correlation rule as it is written, read whole.

use super::condition::Bound;
use super::limits::{ALIASES, COUNT, FIELDS, REFERENCES};
use super::{fault, time};
use crate::fault as common;
use crate::reader;
use crate::rule::Rule;
use crate::yaml::{self, Document, Node, Place};
use base::Result;

/// What a correlation measures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Measure {
    Events,
    Distinct,
    Sum,
    Mean,
    Percentile(f64),
    Together,
    Order,
}

/// The types, by their words.
const TYPES: &[(&str, Measure)] = &[
    ("event_count", Measure::Events),
    ("value_count", Measure::Distinct),
    ("value_sum", Measure::Sum),
    ("value_avg", Measure::Mean),
    ("value_percentile", Measure::Percentile(50.0)),
    ("value_min", Measure::Percentile(0.0)),
    ("value_median", Measure::Percentile(50.0)),
    ("value_max", Measure::Percentile(100.0)),
    ("temporal", Measure::Together),
    ("temporal_ordered", Measure::Order),
];

impl Measure {
    /// Whether it measures the values of a field.
    pub(super) fn of_values(self) -> bool {
        matches!(self, Measure::Distinct | Measure::Sum | Measure::Mean | Measure::Percentile(_))
    }

    /// Whether it looks at which rules fitted.
    pub(super) fn of_rules(self) -> bool {
        matches!(self, Measure::Together | Measure::Order)
    }

    /// Whether a correlation below counts each time it holds; otherwise each time it hits.
    pub(super) fn repeats(self) -> bool {
        self.of_rules() || self == Measure::Distinct
    }

    /// Whether it is a whole number.
    fn counts(self) -> bool {
        self.of_rules() || matches!(self, Measure::Events | Measure::Distinct)
    }
}

/// A word and the line it stands in.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Word {
    pub text: String,
    pub line: usize,
}

/// A name for other fields in the events of each rule.
#[derive(Debug)]
pub(super) struct Alias {
    pub name: Word,
    /// The rule as it is named, and its field.
    pub fields: Vec<(Word, Word)>,
}

/// The condition as written.
#[derive(Debug)]
pub(super) enum Asked {
    Bounds(Vec<Bound>, usize),
    Text(Word),
}

/// A correlation, read; what it names is not looked up yet.
#[derive(Debug)]
pub(super) struct Draft {
    pub rule: Rule,
    /// The word of its type.
    pub word: &'static str,
    pub measure: Measure,
    pub references: Vec<Word>,
    pub group: Vec<Word>,
    /// Fields whose values it measures.
    pub fields: Vec<Word>,
    pub aliases: Vec<Alias>,
    pub span_us: i64,
    pub timespan: String,
    pub condition: Option<Asked>,
    pub generate: bool,
}

/// Reads a correlation.
pub(super) fn read(document: &Document<'_>, place: Place<'_>) -> Result<Draft> {
    let node = yaml::parse(document, place)?;
    let rule = reader::describe(&node, document, place)?;
    let form = |line: usize, expected: &str| place.fault(&common::FORM, line).expected(expected);
    let part = node.get("correlation").ok_or_else(|| form(node.line, "the key `correlation`"))?;
    let entries = part.entries().ok_or_else(|| form(part.line, "correlation as a map").found(part.form()))?;
    const KEYS: [&str; 8] = ["type", "rules", "group-by", "timespan", "timeframe", "condition", "aliases", "generate"];
    if let Some(entry) = entries.iter().find(|entry| !KEYS.contains(&entry.key.as_str())) {
        return Err(form(entry.line, &format!("only {}", KEYS.join(", "))).found(format!("`{}`", entry.key)));
    }
    let kind = word(part, "type", place)?;
    let known = || TYPES.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
    let (type_word, measure) = TYPES
        .iter()
        .find(|(word, _)| *word == kind.text)
        .copied()
        .ok_or_else(|| form(kind.line, &format!("a type among {}", known())).found(format!("`{}`", kind.text)))?;
    let references = words(part, "rules", REFERENCES, place)?;
    if references.is_empty() {
        return Err(form(part.line, "the key `rules` with at least one rule").found("none"));
    }
    let timespan = word(part, if part.get("timespan").is_some() { "timespan" } else { "timeframe" }, place)
        .map_err(|_| form(part.line, "the key `timespan`").found("none"))?;
    let span_us = time::span_us(&timespan.text)
        .ok_or_else(|| place.fault(&fault::TIMESPAN, timespan.line).found(format!("`{}`", timespan.text)))?;
    let (measure, condition, fields) = condition(part, type_word, measure, place)?;
    Ok(Draft {
        rule,
        word: type_word,
        measure,
        references,
        group: words(part, "group-by", FIELDS, place)?,
        fields,
        aliases: aliases(part, place)?,
        span_us,
        timespan: timespan.text,
        condition,
        generate: flag(&node, part, place)?,
    })
}

/// A key with one word.
fn word(part: &Node, key: &str, place: Place<'_>) -> Result<Word> {
    let missing = || place.fault(&common::FORM, part.line).expected(format!("the key `{key}`")).found("none");
    let node = part.get(key).filter(|node| !node.is_null()).ok_or_else(missing)?;
    text(node, key, place)
}

fn text(node: &Node, key: &str, place: Place<'_>) -> Result<Word> {
    match node.text().map(str::trim).filter(|text| !text.is_empty()) {
        Some(text) => Ok(Word { text: text.to_owned(), line: node.line }),
        None => Err(place.fault(&common::FORM, node.line).expected(format!("{key} as text")).found(node.form())),
    }
}

/// A key with a list of different words, empty when absent.
fn words(part: &Node, key: &str, most: usize, place: Place<'_>) -> Result<Vec<Word>> {
    let Some(node) = part.get(key).filter(|node| !node.is_null()) else { return Ok(Vec::new()) };
    if node.items().len() > most {
        let fault = place.fault(&common::LIMIT, node.line).expected(format!("at most {most} in `{key}`"));
        return Err(fault.found(node.items().len()));
    }
    let mut found: Vec<Word> = Vec::new();
    for item in node.items() {
        let word = text(item, key, place)?;
        if found.iter().any(|other| other.text == word.text) {
            let fault = place.fault(&common::FORM, word.line).expected(format!("each of `{key}` once"));
            return Err(fault.found(format!("`{}` twice", word.text)));
        }
        found.push(word);
    }
    Ok(found)
}

/// `generate`, of the document or of its section; false when absent.
fn flag(node: &Node, part: &Node, place: Place<'_>) -> Result<bool> {
    let Some(given) = node.get("generate").or_else(|| part.get("generate")).filter(|given| !given.is_null()) else {
        return Ok(false);
    };
    given.text().and_then(crate::selection::boolean).ok_or_else(|| {
        place.fault(&common::FORM, given.line).expected("generate: true or false").found(given.text().unwrap_or("none"))
    })
}

fn aliases(part: &Node, place: Place<'_>) -> Result<Vec<Alias>> {
    let Some(node) = part.get("aliases").filter(|node| !node.is_null()) else { return Ok(Vec::new()) };
    let map = |node: &Node, expected: &str| place.fault(&common::FORM, node.line).expected(expected).found(node.form());
    let entries = node.entries().ok_or_else(|| map(node, "aliases as a map"))?;
    if entries.len() > ALIASES {
        let fault = place.fault(&common::LIMIT, node.line).expected(format!("at most {ALIASES} aliases"));
        return Err(fault.found(entries.len()));
    }
    let one = |entry: &yaml::Entry| {
        let fields = entry.value.entries().ok_or_else(|| map(&entry.value, "a map from rule to field"))?;
        let pair = |entry: &yaml::Entry| {
            let rule = Word { text: entry.key.trim().to_owned(), line: entry.line };
            Ok((rule, text(&entry.value, "the field", place)?))
        };
        let name = Word { text: entry.key.trim().to_owned(), line: entry.line };
        Ok(Alias { name, fields: fields.iter().map(pair).collect::<Result<_>>()? })
    };
    entries.iter().map(one).collect()
}

/// The condition with the fields it takes values of.
fn condition(
    part: &Node,
    type_word: &str,
    measure: Measure,
    place: Place<'_>,
) -> Result<(Measure, Option<Asked>, Vec<Word>)> {
    let form = |line: usize, expected: &str| place.fault(&common::FORM, line).expected(expected);
    let Some(node) = part.get("condition").filter(|node| !node.is_null()) else {
        return match measure.of_rules() {
            true => Ok((measure, None, Vec::new())),
            false => Err(form(part.line, "the key `condition`").found("none")),
        };
    };
    if let Some(written) = node.text() {
        return match measure.of_rules() {
            true => Ok((measure, Some(Asked::Text(Word { text: written.to_owned(), line: node.line })), Vec::new())),
            false => Err(form(node.line, "a condition as a map such as `gte: 10`").found("a text")),
        };
    }
    let entries = node.entries().ok_or_else(|| form(node.line, "condition as a map").found(node.form()))?;
    let (mut measure, mut bounds) = (measure, Vec::new());
    for entry in entries {
        let given = entry.value.text().unwrap_or("").trim();
        let number = given.parse::<f64>().ok().filter(|number| number.is_finite());
        let wrong = |expected: &str| {
            let fault = place.fault(&common::VALUE, entry.line).expected(format!("{}: {expected}", entry.key));
            fault.found(format!("`{given}`"))
        };
        match entry.key.as_str() {
            "field" => {}
            key if !["gt", "gte", "lt", "lte", "eq", "neq", "percentile"].contains(&key) => {
                return Err(form(entry.line, "gt, gte, lt, lte, eq, neq or field").found(format!("`{key}`")));
            }
            "percentile" if type_word == "value_percentile" => {
                let rank = number.filter(|rank| (0.0..=100.0).contains(rank));
                measure = Measure::Percentile(rank.ok_or_else(|| wrong("a number from 0 to 100"))?);
            }
            key => {
                let whole = |number: &f64| number.fract() == 0.0 && *number >= 0.0;
                let number = number.filter(|number| !measure.counts() || whole(number));
                let number = number.ok_or_else(|| wrong("a number"))?;
                let bound = Bound::new(key, number)
                    .ok_or_else(|| form(entry.line, "gt, gte, lt, lte, eq, neq or field").found(format!("`{key}`")))?;
                if measure.counts() && number > COUNT as f64 {
                    let fault = place.fault(&common::LIMIT, entry.line).expected(format!("a count up to {COUNT}"));
                    return Err(fault.found(number));
                }
                bounds.push(bound);
            }
        }
    }
    if bounds.is_empty() {
        return Err(form(node.line, "a condition with gt, gte, lt, lte, eq or neq").found("none"));
    }
    let fields = words(node, "field", FIELDS, place)?;
    match (measure, fields.len()) {
        (_, 1) if measure.of_values() => {}
        (Measure::Distinct, 2..) => {}
        (_, 0) if !measure.of_values() => {}
        (_, 0) => return Err(form(node.line, "`field` in the condition").found("none")),
        _ if measure.of_values() => return Err(form(node.line, "one field").found(fields.len())),
        _ => return Err(form(node.line, &format!("no `field`: {type_word} takes no values")).found("`field`")),
    }
    Ok((measure, Some(Asked::Bounds(bounds, node.line)), fields))
}

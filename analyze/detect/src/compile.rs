//! From texts to rules that are ready to be built into an engine: reading, filters, routing, checks.

use crate::engine::{Source, Unrouted};
use crate::field_map::{self, Origin, Sort};
use crate::lower::{About, can_match, lower};
use crate::route::{self, Reach, SLOTS, Slots};
use crate::scan::Needles;
use crate::view;
use crate::{fault, limits};
use base::{Fault, Result};
use record::Field;
use sigma::filter::Filters;
use sigma::modifier::Placeholders;
use sigma::reader::{self, Read};
use sigma::rule::{Rule, Status};
use sigma::selection::{Detection, Named, Test, Tree, boolean, integer};
use sigma::text;
use sigma::yaml::{self, Document, Place};
use std::collections::HashSet;
use std::net::IpAddr;

/// Why a rule does not run that people switched off.
pub(crate) const OFF: &str = "it is switched off";

/// A rule that is read and has a place to run.
pub(crate) struct Ready {
    pub rule: Rule,
    pub detection: Detection,
    pub reach: Reach,
}

/// Everything that texts hold.
#[derive(Default)]
pub(crate) struct Texts {
    pub ready: Vec<Ready>,
    pub unrouted: Vec<Unrouted>,
    pub correlations: Vec<Source>,
    pub faults: Vec<Fault>,
    pub doubts: Vec<Fault>,
}

/// A rule as read, with the source it stands in.
struct Rough<'s> {
    rule: Rule,
    detection: Detection,
    source: &'s str,
}

/// Reads texts and prepares their rules. Every fault takes only its own document out.
pub(crate) fn compile(sources: &[Source], placeholders: &Placeholders, off: &HashSet<String>) -> Texts {
    let mut texts = Texts::default();
    let (mut rough, mut filters) = (Vec::new(), Vec::new());
    for source in sources {
        let place = Place { name: &source.name };
        for (number, document) in yaml::documents(&source.text).iter().enumerate() {
            if number == sigma::limits::DOCUMENTS || rough.len() == limits::RULES {
                let expected = format!("at most {} rules a file, {} in all", sigma::limits::DOCUMENTS, limits::RULES);
                texts.faults.push(place.fault(&fault::LIMIT, document.before + 1).expected(expected));
                break;
            }
            let full = |what: &str, most: usize| {
                place.fault(&fault::LIMIT, document.before + 1).expected(format!("at most {most} {what}"))
            };
            match reader::read_any(document, place, placeholders, &mut texts.doubts) {
                Ok(Read::Rule(read)) => {
                    let (rule, detection) = *read;
                    rough.push(Rough { rule, detection, source: &source.name });
                }
                Ok(Read::Filter(_)) if filters.len() == limits::FILTERS => {
                    texts.faults.push(full("filters", limits::FILTERS));
                }
                Ok(Read::Filter(filter)) => filters.push(*filter),
                Ok(Read::Correlation) if texts.correlations.len() == limits::CORRELATIONS => {
                    texts.faults.push(full("correlation rules", limits::CORRELATIONS));
                }
                Ok(Read::Correlation) => texts.correlations.push(alone(source, document)),
                Err(fault) => texts.faults.push(fault),
            }
        }
    }
    let filters = Filters::new(filters);
    texts.doubts.extend(filters.strangers(rough.iter().map(|one| &one.rule)));
    let (mut ids, mut words) = (HashSet::new(), HashSet::new());
    for one in rough {
        if off.contains(&one.rule.id) && ids.insert(one.rule.id.clone()) {
            texts.unrouted.push(Unrouted { rule: one.rule, reason: OFF.to_owned() });
            continue;
        }
        texts.take(one, &filters, &mut ids, &mut words);
    }
    texts
}

/// A document as a source of its own whose lines keep their numbers.
fn alone(source: &Source, document: &Document<'_>) -> Source {
    let mut text = "\n".repeat(document.before);
    text.push_str(document.text);
    Source { name: source.name.clone(), text }
}

impl Texts {
    fn take(&mut self, rough: Rough<'_>, filters: &Filters, ids: &mut HashSet<String>, words: &mut HashSet<String>) {
        let id = rough.rule.id.clone();
        if ids.contains(&id) {
            self.faults.push(Fault::new(&fault::DUPLICATE).object(&rough.rule.place).found(&id));
            return;
        }
        let prepared = prepare(rough, filters, &mut self.faults).and_then(|prepared| match prepared {
            Ok(ready) => {
                words.extend(ready.reach.logs.words.iter().cloned());
                if words.len() > limits::LOG_WORDS {
                    let expected = format!("at most {} kinds of logs named by all rules", limits::LOG_WORDS);
                    return Err(Fault::new(&fault::LIMIT).object(&ready.rule.place).expected(expected));
                }
                Ok(Ok(ready))
            }
            unrouted => Ok(unrouted),
        });
        match prepared {
            Ok(Ok(one)) => self.ready.push(one),
            Ok(Err(one)) => self.unrouted.push(one),
            Err(fault) => return self.faults.push(fault),
        }
        ids.insert(id);
    }
}

/// Routes a rule, joins its filters and checks its fields against the map.
fn prepare(
    rough: Rough<'_>,
    filters: &Filters,
    faults: &mut Vec<Fault>,
) -> Result<std::result::Result<Ready, Unrouted>> {
    let Rough { mut rule, mut detection, source } = rough;
    let place = Place { name: source };
    if let Some(status @ (Status::Deprecated | Status::Unsupported)) = rule.status {
        return Ok(Err(Unrouted { rule, reason: format!("its status is {}: kept to read, not run", status.word()) }));
    }
    let mut reach = match route::route(&rule.source) {
        Ok(reach) => reach,
        Err(reason) => return Ok(Err(Unrouted { rule, reason })),
    };
    settle(&mut reach, &rule, &detection);
    let category = rule.source.category.clone();
    if let Some(field) = stranger(&reach, category.as_deref(), &detection.fields) {
        return Err(unknown(place.fault(&fault::FIELD, field.line), category.as_deref(), field));
    }
    for filter in filters.of(&rule) {
        match stranger(&reach, category.as_deref(), &filter.detection.fields) {
            Some(field) => {
                let fault = Fault::new(&fault::FIELD).object(&filter.place);
                faults.push(unknown(fault, category.as_deref(), field));
            }
            None => filter.join(&mut rule, &mut detection),
        }
    }
    if typed(&reach) {
        for tree in detection.selections.iter().chain([&detection.condition]) {
            check_values(tree, &detection, category.as_deref(), place)?;
        }
    }
    let about = About { category: category.as_deref(), reach: &reach };
    let slots = narrowed(&detection, about);
    if slots == Slots::default() {
        return Err(Fault::new(&fault::NEVER).object(&rule.place));
    }
    reach.slots = slots;
    if !slots.has(route::LOG) {
        reach.drop_logs();
    }
    cost(&rule, &detection, About { category: category.as_deref(), reach: &reach })?;
    Ok(Ok(Ready { rule, detection, reach }))
}

/// Whether a rule is about typed events, whose fields and their kinds are known.
fn typed(reach: &Reach) -> bool {
    !reach.audit && reach.slots.0 & !(1 << route::LOG) != 0
}

/// A rule about `product: linux` and no more is about logs when it has keywords or names that only logs have, and
/// about our own events when these have all its names.
fn settle(reach: &mut Reach, rule: &Rule, detection: &Detection) {
    if !reach.logs.linux {
        return;
    }
    let category = rule.source.category.as_deref();
    let keywords = detection.fields.iter().any(|field| field.name.is_empty());
    if named(&detection.fields).any(|field| !known(category, &field.name)) {
        reach.slots = Slots(1 << route::LOG);
    } else if !keywords {
        reach.drop_logs();
    }
}

/// The fields with a name; the one without stands for keywords.
fn named(fields: &[Named]) -> impl Iterator<Item = &Named> {
    fields.iter().filter(|field| !field.name.is_empty())
}

fn known(category: Option<&str>, name: &str) -> bool {
    field_map::origin(category, false, name).is_some() || view::detail(category, name).is_some()
}

/// A field that the rule's events do not have.
fn stranger<'d>(reach: &Reach, category: Option<&str>, fields: &'d [Named]) -> Option<&'d Named> {
    named(fields).find(|field| typed(reach) && !known(category, &field.name))
}

fn unknown(fault: Fault, category: Option<&str>, field: &Named) -> Fault {
    let expected = format!("one of {}", field_map::known(category).join(", "));
    fault.expected(expected).found(format!("`{}`", field.name))
}

/// The slots in which a rule that tests what a slot fixes (`file.op: read`, an audit record's type) can match at all;
/// none when it can match in no slot.
fn narrowed(detection: &Detection, about: About<'_>) -> Slots {
    let fixed = [Field::FileOp, Field::NetOp, Field::NetOutbound, Field::Kind];
    let names = |field: &Named| match field_map::origin(about.category, false, &field.name) {
        Some(Origin::Field(field)) => fixed.contains(&field),
        _ => false,
    };
    let slots = about.reach.slots;
    let all = || (0..SLOTS).filter(|slot| slots.has(*slot));
    if about.reach.audit || detection.fields.iter().any(names) {
        return Slots(all().filter(|slot| can_match(detection, about, *slot)).fold(0, |bits, slot| bits | 1 << slot));
    }
    let live = all().next().is_some_and(|first| !lower(detection, about, first, &mut Needles::default()).never());
    if live { slots } else { Slots::default() }
}

/// Refuses a rule that costs too much to run.
fn cost(rule: &Rule, detection: &Detection, about: About<'_>) -> Result<()> {
    let audit = [record::Kind::Exec as usize, route::LOG];
    let first = (0..SLOTS).find(|slot| about.reach.slots.has(*slot));
    let slots = first.into_iter().chain(audit).filter(|slot| about.reach.slots.has(*slot));
    let most = slots.map(|slot| lower(detection, about, slot, &mut Needles::default()).cost()).max().unwrap_or(0);
    if most > limits::COST {
        let expected = format!("a condition that costs at most {} tests an event", limits::COST);
        return Err(Fault::new(&fault::LIMIT).object(&rule.place).expected(expected).found(most));
    }
    Ok(())
}

/// Values that fit their field: parts of a time are taken of times only, and a text that is no number is never a port.
fn check_values(tree: &Tree, detection: &Detection, category: Option<&str>, place: Place<'_>) -> Result<()> {
    match tree {
        Tree::All(parts) | Tree::Any(parts) => {
            parts.iter().try_for_each(|part| check_values(part, detection, category, place))
        }
        Tree::Not(inner) => check_values(inner, detection, category, place),
        Tree::Selection(_) => Ok(()),
        Tree::Item { field, test } => {
            let named = &detection.fields[*field];
            let Some(origin) = field_map::origin(category, false, &named.name) else { return Ok(()) };
            let wrong = |expected: &str| {
                Err(place.fault(&fault::VALUE, named.line).expected(expected).found(format!("`{}`", named.name)))
            };
            match &**test {
                Test::Order { part: Some(_), .. } if origin != Origin::Time => wrong("the field `timestamp`"),
                Test::Prefix(_) if matches!(origin.sort(), Sort::Flag | Sort::Hex) => wrong("a field with addresses"),
                Test::Text { pieces, .. } => match text::plain(pieces).map(String::from_utf8_lossy) {
                    Some(written) if !written.is_empty() => misfit(origin, &written).map_or(Ok(()), |expected| {
                        let found = format!("`{}: {written}`", named.name);
                        Err(place.fault(&fault::VALUE, named.line).expected(expected).found(found))
                    }),
                    _ => Ok(()),
                },
                _ => Ok(()),
            }
        }
    }
}

/// What a whole text without wildcards must be to equal a value of this field, when it is not that.
fn misfit(origin: Origin, written: &str) -> Option<&'static str> {
    let (fits, expected) = match origin.sort() {
        Sort::Number => (integer(written).or_else(|| origin.number_of(written)).is_some(), "a whole number"),
        Sort::Flag => (boolean(written).is_some(), "true or false"),
        Sort::Address => (written.parse::<IpAddr>().is_ok(), "an address, or `cidr` with a range"),
        Sort::Text | Sort::Hex => (true, ""),
    };
    (!fits).then_some(expected)
}

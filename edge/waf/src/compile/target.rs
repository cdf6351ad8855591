//! Targets of a rule, ready to be looked up.

use super::names::Names;
use super::text::Template;
use crate::fault;
use crate::variable::{self, List, Part, Source, Variable};
use base::{Fault, Result};
use regex::bytes::{Regex, RegexBuilder};
use seclang::{Place, Selector};

/// One target.
pub(crate) struct Target {
    /// Its variable.
    pub variable: &'static Variable,
    /// Where the values are; for `XML` the path has chosen.
    pub source: Source,
    /// Which of them.
    pub pick: Pick,
    /// `&`: their number.
    pub count: bool,
    /// Which of them not.
    pub except: Vec<Pick>,
}

/// Which values of a collection.
#[derive(Debug)]
pub(crate) enum Pick {
    /// All.
    All,
    /// Of this name, ASCII case aside.
    Name(Box<[u8]>),
    /// `TX` of this name, by its number.
    Slot(u32),
    /// Whose name matches.
    Pattern(Pattern),
    /// Of a name with macros.
    Made(Template),
}

/// A pattern of names, ASCII case aside.
#[derive(Debug)]
pub(crate) struct Pattern {
    /// The expression.
    pub regex: Regex,
    /// Numbers of the fixed names of `TX` that it takes.
    pub slots: Vec<u32>,
    /// Its own number among patterns.
    pub number: u32,
}

/// What several rules look at.
pub(crate) struct TargetSet {
    /// Numbers of its targets, in the order written.
    pub targets: Vec<u32>,
    /// Whether all of them stand still while a phase runs.
    pub stable: bool,
    /// Whether all of them are entries of lists: where these are empty there is nothing to look at.
    pub entries: bool,
    /// What they read, see [`Source::bits`].
    pub bits: u128,
}

const PATTERN_BYTES: usize = 4 << 20;

/// Compiles the targets of one rule, each with a key that equal ones share.
pub(crate) fn compile(targets: &[seclang::Target], names: &mut Names, place: &Place) -> Result<Vec<(String, Target)>> {
    let mut all = Vec::new();
    for target in targets.iter().filter(|target| !target.exclude) {
        let mut compiled = one(target, names, place)?;
        let taken: Vec<&seclang::Target> =
            targets.iter().filter(|other| other.exclude && other.variable == target.variable).collect();
        if taken.iter().any(|other| other.selector == Selector::All) && compiled.pick.is_all() {
            continue;
        }
        let key = format!("{target:?}{taken:?}");
        for other in taken {
            compiled.except.push(pick(compiled.variable, &other.selector, names, place)?);
        }
        all.push((key, compiled));
    }
    Ok(all)
}

/// One target without its exceptions.
pub(crate) fn one(target: &seclang::Target, names: &mut Names, place: &Place) -> Result<Target> {
    let variable = lookup(target.variable, place)?;
    let mut source = variable.source;
    let mut chosen = Pick::All;
    if variable.name == "XML" {
        source = Source::Entries(xml(&target.selector, place)?, Part::Value);
    } else {
        chosen = pick(variable, &target.selector, names, place)?;
    }
    names.reads |= source.bits();
    Ok(Target { variable, source, pick: chosen, count: target.count, except: Vec::new() })
}

/// A variable that a macro names.
pub(crate) fn of_macro(name: &str, key: &str, names: &mut Names, place: &Place) -> Result<Target> {
    let variable = lookup(name, place)?;
    names.reads |= variable.source.bits();
    let chosen = if key.is_empty() { Pick::All } else { named(variable, key.as_bytes(), names) };
    Ok(Target { variable, source: variable.source, pick: chosen, count: false, except: Vec::new() })
}

fn lookup(name: &str, place: &Place) -> Result<&'static Variable> {
    variable::find(name)
        .ok_or_else(|| Fault::new(&fault::UNKNOWN).object(format_args!("{}:{}", place.file, place.line)).found(name))
}

fn xml(selector: &Selector, place: &Place) -> Result<&'static [List]> {
    let refused = |found: String| {
        let object = format!("{}:{}", place.file, place.line);
        Fault::new(&fault::SELECTOR).object(object).expected("XML:/* or XML://@*").found(found)
    };
    match selector {
        Selector::All => Ok(&[List::XmlText]),
        Selector::Name(text) => match text.fixed() {
            Some(b"/*") => Ok(&[List::XmlText]),
            Some(b"//@*") => Ok(&[List::XmlAttributes]),
            other => Err(refused(String::from_utf8_lossy(other.unwrap_or(b"a macro")).into_owned())),
        },
        Selector::Pattern(pattern) => Err(refused(format!("/{pattern}/"))),
    }
}

pub(crate) fn pick(variable: &Variable, selector: &Selector, names: &mut Names, place: &Place) -> Result<Pick> {
    match selector {
        Selector::All => Ok(Pick::All),
        Selector::Name(text) => match text.fixed() {
            Some(name) => Ok(named(variable, name, names)),
            None => Ok(Pick::Made(Template::compile(text, names, place)?)),
        },
        Selector::Pattern(pattern) => {
            let regex = RegexBuilder::new(pattern)
                .case_insensitive(true)
                .unicode(false)
                .size_limit(PATTERN_BYTES)
                .dfa_size_limit(PATTERN_BYTES)
                .build();
            let regex = regex.map_err(|cause| {
                let object = format!("{}:{}", place.file, place.line);
                Fault::new(&fault::SELECTOR).object(object).found(pattern).because(cause)
            })?;
            names.patterns += 1;
            Ok(Pick::Pattern(Pattern { regex, slots: Vec::new(), number: names.patterns - 1 }))
        }
    }
}

fn named(variable: &Variable, name: &[u8], names: &mut Names) -> Pick {
    match variable.source {
        Source::Tx => Pick::Slot(names.slot(name)),
        _ => Pick::Name(name.into()),
    }
}

impl Pick {
    pub fn is_all(&self) -> bool {
        matches!(self, Pick::All)
    }

    /// Whether it takes a name; macros in it were expanded by the caller, `TX` is asked by slot.
    pub fn takes(&self, name: &[u8]) -> bool {
        match self {
            Pick::All => true,
            Pick::Name(wanted) => wanted.eq_ignore_ascii_case(name),
            Pick::Pattern(pattern) => pattern.regex.is_match(name),
            Pick::Slot(_) | Pick::Made(_) => false,
        }
    }
}

impl Target {
    /// Whether its values stand still while a phase runs: its source does, and no macro decides what is picked.
    pub fn stable(&self) -> bool {
        let made = |pick: &Pick| matches!(pick, Pick::Made(_));
        self.source.stable() && !made(&self.pick) && !self.except.iter().any(made)
    }

    /// When all fixed names of `TX` are known: which of them a pattern takes.
    pub fn settle(&mut self, names: &Names) {
        if self.source == Source::Tx {
            for pick in std::iter::once(&mut self.pick).chain(&mut self.except) {
                if let Pick::Pattern(pattern) = pick {
                    pattern.slots = names.matching(&pattern.regex);
                }
            }
        }
    }
}

//! The shared matchers: one look at a field answers for every rule of the bucket.

use crate::lower::{rarity, weight};
use crate::names::Names;
use crate::view::{Spot, Subject};
use base::{Prefix, Result};
use pattern::{Bits, Literal, LiteralSet, Place, PrefixSet};
use record::Value;
use std::collections::HashMap;
use std::fmt::Write as _;

/// What the rules of a bucket look for, while it is collected.
#[derive(Debug, Default)]
pub(crate) struct Needles {
    fields: Vec<FieldNeedles>,
    /// Where each of `fields` stands.
    places: HashMap<Spot, usize>,
    /// Per atom a guess how rarely it is set, 0 to 1.
    pub rarity: Vec<f32>,
    /// The names among the spots.
    pub names: Names,
}

#[derive(Debug)]
struct FieldNeedles {
    spot: Spot,
    literals: HashMap<(Vec<u8>, Place, bool), u32>,
    numbers: HashMap<i64, u32>,
    prefixes: HashMap<Prefix, u32>,
}

impl Needles {
    fn field(&mut self, spot: Spot) -> usize {
        *self.places.entry(spot).or_insert_with(|| {
            self.fields.push(FieldNeedles {
                spot,
                literals: HashMap::new(),
                numbers: HashMap::new(),
                prefixes: HashMap::new(),
            });
            self.fields.len() - 1
        })
    }

    fn next(rarity: &mut Vec<f32>, guess: f32) -> u32 {
        rarity.push(guess);
        rarity.len() as u32 - 1
    }

    /// The atom of a literal in a field.
    pub(crate) fn literal(&mut self, spot: Spot, text: &[u8], place: Place, cased: bool) -> (u32, u32) {
        let index = self.field(spot);
        let key = (if cased { text.to_vec() } else { text.to_ascii_lowercase() }, place, cased);
        let rarities = &mut self.rarity;
        let atom = self.fields[index].literals.entry(key);
        (index as u32, *atom.or_insert_with(|| Needles::next(rarities, rarity(spot, text, place))))
    }

    /// The atom of a number, or of a flag as 0 or 1.
    pub(crate) fn number(&mut self, spot: Spot, number: i64) -> (u32, u32) {
        let index = self.field(spot);
        let guess = if matches!(number, 0 | 1) { 0.3 } else { 0.01 };
        let rarities = &mut self.rarity;
        let atom = self.fields[index].numbers.entry(number);
        (index as u32, *atom.or_insert_with(|| Needles::next(rarities, guess * weight(spot))))
    }

    /// The atom of an address range.
    pub(crate) fn prefix(&mut self, spot: Spot, prefix: Prefix) -> (u32, u32) {
        let index = self.field(spot);
        let rarities = &mut self.rarity;
        let atom = self.fields[index].prefixes.entry(prefix);
        (index as u32, *atom.or_insert_with(|| Needles::next(rarities, 0.05)))
    }

    /// The matchers, and the names among their spots.
    pub(crate) fn build(mut self) -> Result<(Vec<Scan>, Names)> {
        self.names.finish();
        Ok((self.fields.into_iter().map(Scan::new).collect::<Result<_>>()?, self.names))
    }
}

/// The matcher of one field.
#[derive(Debug)]
pub(crate) struct Scan {
    pub spot: Spot,
    literals: LiteralSet,
    numbers: Vec<(i64, u32)>,
    prefixes: PrefixSet,
}

impl Scan {
    fn new(needles: FieldNeedles) -> Result<Scan> {
        let mut literals: Vec<Literal<'_>> = needles
            .literals
            .iter()
            .map(|((text, place, cased), atom)| Literal { text, place: *place, cased: *cased, answer: *atom })
            .collect();
        literals.sort_unstable_by_key(|literal| literal.answer);
        let mut numbers: Vec<(i64, u32)> = needles.numbers.into_iter().collect();
        numbers.sort_unstable();
        Ok(Scan {
            spot: needles.spot,
            literals: LiteralSet::new(&literals)?,
            numbers,
            prefixes: PrefixSet::new(needles.prefixes),
        })
    }

    /// Sets the atoms of the field's values.
    pub(crate) fn run(&self, subject: &Subject<'_>, atoms: &mut Bits, buffer: &mut String) {
        self.spot.any(subject, |value| {
            self.look(value, atoms, buffer);
            false
        });
    }

    fn look(&self, value: Value<'_>, atoms: &mut Bits, buffer: &mut String) {
        let number = match value {
            Value::Number(number) => Some(number),
            Value::Flag(flag) => Some(i64::from(flag)),
            Value::Ip(address) => {
                self.prefixes.scan(address, atoms);
                None
            }
            _ => None,
        };
        if let Some(number) = number
            && let Ok(at) = self.numbers.binary_search_by_key(&number, |(known, _)| *known)
        {
            atoms.insert(self.numbers[at].1);
        }
        if !self.literals.is_empty() {
            any_text(value, buffer, |text| {
                self.literals.scan(text, atoms);
                false
            });
        }
    }
}

/// Tries a value's texts until one passes. Numbers, flags, addresses and bytes are written into the buffer first.
pub(crate) fn any_text(value: Value<'_>, buffer: &mut String, mut test: impl FnMut(&[u8]) -> bool) -> bool {
    buffer.clear();
    // Writing into a String cannot fail.
    let _ = match value {
        Value::None => return false,
        Value::Text(text) => return test(text.as_bytes()),
        Value::Ancestors(proc) => {
            return proc
                .ancestors()
                .any(|above| !above.info.exe.path.is_empty() && test(above.info.exe.path.as_bytes()));
        }
        Value::Number(number) => write!(buffer, "{number}"),
        Value::Flag(flag) => write!(buffer, "{flag}"),
        Value::Ip(address) => write!(buffer, "{address}"),
        Value::Hex(bytes) => bytes.iter().try_for_each(|byte| write!(buffer, "{byte:02x}")),
    };
    test(buffer.as_bytes())
}

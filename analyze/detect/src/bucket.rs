//! The rules about one slot of events, compiled together.

use crate::field_map::Origin;
use crate::moment;
use crate::program::{How, Node, OnDemand, Program};
use crate::scan::{Needles, Scan, any_text};
use base::Result;
use pattern::{Bits, Place};
use record::{Event, Value};

/// Scratch space of one thread, reused from event to event so that judging allocates nothing.
#[derive(Debug, Default)]
pub struct Scratch {
    atoms: Bits,
    tried: Bits,
    /// Scans that have run, one bit each.
    scanned: u64,
    buffer: String,
    other: String,
}

impl Scratch {
    /// Empty scratch space; it grows to the engine's size at the first event of each kind.
    pub fn new() -> Scratch {
        Scratch { buffer: String::with_capacity(128), other: String::with_capacity(128), ..Scratch::default() }
    }
}

/// Compiled rules with their shared matchers.
#[derive(Debug)]
pub(crate) struct Bucket {
    scans: Vec<Scan>,
    /// The scans whose atoms are witnesses: they run for every event, the others on demand.
    eager: u64,
    atoms: usize,
    /// Per atom the end of its range in `witnessed`.
    ends: Vec<u32>,
    /// Programs to try when an atom is set.
    witnessed: Vec<u32>,
    /// Programs without a witness.
    always: Vec<u32>,
    pub programs: Vec<(u32, Program)>,
}

impl Bucket {
    /// From programs (with the index of their rule) and what they look for.
    pub(crate) fn new(programs: Vec<(u32, Program)>, needles: Needles) -> Result<Bucket> {
        let mut by_atom: Vec<Vec<u32>> = vec![Vec::new(); needles.rarity.len()];
        let mut always = Vec::new();
        for (index, (_, program)) in (0..).zip(&programs) {
            match program.witness(&needles.rarity) {
                None => always.push(index),
                Some(atoms) => atoms.iter().for_each(|atom| by_atom[*atom as usize].push(index)),
            }
        }
        let mut bucket = Bucket {
            scans: Vec::new(),
            eager: 0,
            atoms: by_atom.len(),
            ends: Vec::with_capacity(by_atom.len()),
            witnessed: Vec::new(),
            always,
            programs,
        };
        for (_, program) in &bucket.programs {
            for node in &program.nodes {
                if let Node::Atom { scan, atom } = node
                    && !by_atom[*atom as usize].is_empty()
                {
                    bucket.eager |= 1 << scan;
                }
            }
        }
        for programs in by_atom {
            bucket.witnessed.extend(programs);
            bucket.ends.push(bucket.witnessed.len() as u32);
        }
        bucket.scans = needles.build()?;
        Ok(bucket)
    }

    /// Reports the rules that an event fits.
    pub(crate) fn judge(&self, event: &Event, scratch: &mut Scratch, mut hit: impl FnMut(u32)) {
        self.begin(event, scratch);
        let set = scratch.atoms.order().len();
        for place in 0..set {
            let atom = scratch.atoms.order()[place] as usize;
            let from = atom.checked_sub(1).map_or(0, |before| self.ends[before]);
            for index in &self.witnessed[from as usize..self.ends[atom] as usize] {
                if scratch.tried.insert(*index) {
                    self.try_one(*index, event, scratch, &mut hit);
                }
            }
        }
        for index in &self.always {
            self.try_one(*index, event, scratch, &mut hit);
        }
    }

    fn try_one(&self, index: u32, event: &Event, scratch: &mut Scratch, hit: &mut impl FnMut(u32)) {
        let (rule, program) = &self.programs[index as usize];
        if self.holds(program, program.root, event, scratch) {
            hit(*rule);
        }
    }

    /// Clears the scratch space and runs the eager scans.
    pub(crate) fn begin(&self, event: &Event, scratch: &mut Scratch) {
        scratch.atoms.clear();
        scratch.tried.clear();
        scratch.atoms.grow(self.atoms);
        scratch.tried.grow(self.programs.len());
        scratch.scanned = self.eager;
        let mut rest = self.eager;
        while rest != 0 {
            self.scans[rest.trailing_zeros() as usize].run(event, &mut scratch.atoms, &mut scratch.buffer);
            rest &= rest - 1;
        }
    }

    /// Whether a node holds. The depth of programs is bounded by that of documents and conditions.
    pub(crate) fn holds(&self, program: &Program, node: u32, event: &Event, scratch: &mut Scratch) -> bool {
        match &program.nodes[node as usize] {
            Node::True => true,
            Node::False => false,
            Node::All(children) => children.iter().all(|child| self.holds(program, *child, event, scratch)),
            Node::Any(children) => children.iter().any(|child| self.holds(program, *child, event, scratch)),
            Node::Not(child) => !self.holds(program, *child, event, scratch),
            Node::Atom { scan, atom } => {
                if scratch.scanned >> scan & 1 == 0 {
                    scratch.scanned |= 1 << scan;
                    self.scans[*scan as usize].run(event, &mut scratch.atoms, &mut scratch.buffer);
                }
                scratch.atoms.has(*atom)
            }
            Node::Test(test) => on_demand(&program.tests[*test as usize], event, scratch),
        }
    }

    /// Where the value of a leaf comes from.
    pub(crate) fn origin(&self, program: &Program, node: u32) -> Option<Origin> {
        match &program.nodes[node as usize] {
            Node::Atom { scan, .. } => self.scans.get(*scan as usize).map(|scan| scan.origin),
            Node::Test(test) => program.tests.get(*test as usize).map(|test| test.origin),
            _ => None,
        }
    }
}

fn on_demand(test: &OnDemand, event: &Event, scratch: &mut Scratch) -> bool {
    let value = test.origin.of(event);
    match &test.how {
        How::Glob(glob) => any_text(value, &mut scratch.buffer, |text| glob.fits(text)),
        How::Expression(expression) => any_text(value, &mut scratch.buffer, |text| expression.fits(text)),
        How::Exists => match value {
            Value::Ancestors(_) => any_text(value, &mut scratch.buffer, |_| true),
            value => value != Value::None,
        },
        How::Prefix(prefix) => match value {
            Value::Ip(address) => prefix.has(address),
            value => any_text(value, &mut scratch.buffer, |text| {
                std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).is_some_and(|found| prefix.has(found))
            }),
        },
        How::Order { order, number, part } => match (value, part) {
            (Value::Number(found), Some(part)) => order.holds(moment::part(found, *part) as f64, *number),
            (Value::Number(found), None) => order.holds(found as f64, *number),
            (Value::Flag(found), None) => order.holds(f64::from(u8::from(found)), *number),
            (value, None) => any_text(value, &mut scratch.buffer, |text| {
                let found = std::str::from_utf8(text).ok().and_then(|text| text.trim().parse().ok());
                found.is_some_and(|found| order.holds(found, *number))
            }),
            _ => false,
        },
        How::Reference { other, place, cased } => {
            let (buffer, second) = (&mut scratch.buffer, &mut scratch.other);
            any_text(value, buffer, |ours| {
                any_text(other.of(event), second, |theirs| stands(ours, theirs, *place, *cased))
            })
        }
    }
}

/// Whether `needle` stands at this place of `text`.
fn stands(text: &[u8], needle: &[u8], place: Place, cased: bool) -> bool {
    let same = |part: &[u8]| if cased { part == needle } else { part.eq_ignore_ascii_case(needle) };
    match place {
        Place::Whole => same(text),
        Place::Start => text.get(..needle.len()).is_some_and(same),
        Place::End => text.len().checked_sub(needle.len()).is_some_and(|from| same(&text[from..])),
        Place::Anywhere => needle.is_empty() || text.windows(needle.len()).any(same),
    }
}

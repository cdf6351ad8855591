//! The rules about one slot of events, compiled together.

use crate::code::{Ask, Code};
use crate::names::{Found, Names};
use crate::program::{How, Node, OnDemand, Program};
use crate::reference::stands;
use crate::scan::{Needles, Scan, any_text};
use crate::view::{Spot, Subject};
use base::Result;
use pattern::Bits;
use record::{Event, Value};
use sigma::moment;

/// Scratch space of one thread, reused from event to event so that judging allocates nothing.
#[derive(Debug, Default)]
pub struct Scratch {
    found: Found,
    work: Work,
}

#[derive(Debug, Default)]
pub(crate) struct Work {
    atoms: Bits,
    tried: Bits,
    /// Scans that have run on demand.
    scanned: Bits,
    buffer: String,
    other: String,
    /// Two texts in one case, compared.
    pub folded: [String; 2],
}

impl Scratch {
    /// Empty scratch space; it grows to the engine's size at the first event of each kind.
    pub fn new() -> Scratch {
        let work = Work { buffer: String::with_capacity(128), other: String::with_capacity(128), ..Work::default() };
        Scratch { work, ..Scratch::default() }
    }
}

/// Compiled rules with their shared matchers.
#[derive(Debug)]
pub(crate) struct Bucket {
    scans: Vec<Scan>,
    names: Names,
    /// Per scan whether its atoms are witnesses: such scans run for every event, the others on demand.
    eager: Vec<bool>,
    /// The eager scans of typed fields.
    fixed: Vec<u32>,
    /// Per named field its eager scan plus one; 0 is none.
    named: Vec<u32>,
    atoms: usize,
    /// Per atom the end of its range in `witnessed`.
    ends: Vec<u32>,
    /// Programs to try when an atom is set.
    witnessed: Vec<u32>,
    /// Programs without a witness.
    always: Vec<u32>,
    code: Code,
    /// Per program its first step in the code.
    roots: Vec<u32>,
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
        let (scans, names) = needles.build()?;
        let mut bucket = Bucket {
            eager: vec![false; scans.len()],
            scans,
            names,
            fixed: Vec::new(),
            named: Vec::new(),
            atoms: by_atom.len(),
            ends: Vec::with_capacity(by_atom.len()),
            witnessed: Vec::new(),
            always,
            code: Code::default(),
            roots: Vec::with_capacity(programs.len()),
            programs,
        };
        for (_, program) in &bucket.programs {
            for node in &program.nodes {
                if let Node::Atom { scan, atom } = node
                    && !by_atom[*atom as usize].is_empty()
                {
                    bucket.eager[*scan as usize] = true;
                }
            }
        }
        for (number, (_, program)) in (0..).zip(&bucket.programs) {
            bucket.roots.push(bucket.code.add(number, program, &bucket.eager));
        }
        bucket.sort_eager();
        for programs in by_atom {
            bucket.witnessed.extend(programs);
            bucket.ends.push(bucket.witnessed.len() as u32);
        }
        Ok(bucket)
    }

    /// Eager scans of named fields run only for records that have the name.
    fn sort_eager(&mut self) {
        for (index, scan) in (0..).zip(&self.scans) {
            match scan.spot {
                _ if !self.eager[index as usize] => {}
                Spot::Name(number) => {
                    let number = number as usize;
                    self.named.resize(self.named.len().max(number + 1), 0);
                    self.named[number] = index + 1;
                }
                _ => self.fixed.push(index),
            }
        }
    }

    /// Reports the rules that an event fits.
    pub(crate) fn judge(&self, event: &Event, scratch: &mut Scratch, mut hit: impl FnMut(u32)) {
        self.begin(event, scratch);
        let (subject, work) = (Subject { event, found: &scratch.found }, &mut scratch.work);
        let set = work.atoms.order().len();
        for place in 0..set {
            let atom = work.atoms.order()[place] as usize;
            let from = atom.checked_sub(1).map_or(0, |before| self.ends[before]);
            for index in &self.witnessed[from as usize..self.ends[atom] as usize] {
                if work.tried.insert(*index) {
                    self.try_one(*index, &subject, work, &mut hit);
                }
            }
        }
        for index in &self.always {
            self.try_one(*index, &subject, work, &mut hit);
        }
    }

    fn try_one(&self, index: u32, subject: &Subject<'_>, work: &mut Work, hit: &mut impl FnMut(u32)) {
        if self.code.holds(self.roots[index as usize], &mut Asked { bucket: self, subject, work }) {
            hit(self.programs[index as usize].0);
        }
    }

    fn run(&self, scan: u32, subject: &Subject<'_>, work: &mut Work) {
        if !self.eager[scan as usize] && work.scanned.insert(scan) {
            self.scans[scan as usize].run(subject, &mut work.atoms, &mut work.buffer);
        }
    }

    /// Clears the scratch space, finds the named fields and runs the eager scans.
    fn begin(&self, event: &Event, scratch: &mut Scratch) {
        let Scratch { found, work } = scratch;
        work.atoms.clear();
        work.tried.clear();
        work.scanned.clear();
        work.atoms.grow(self.atoms);
        work.tried.grow(self.programs.len());
        work.scanned.grow(self.scans.len());
        found.fill(event, &self.names);
        let subject = Subject { event, found };
        let named = subject
            .found
            .touched()
            .iter()
            .filter_map(|number| self.named.get(*number as usize).and_then(|scan| scan.checked_sub(1)));
        for scan in self.fixed.iter().copied().chain(named) {
            self.scans[scan as usize].run(&subject, &mut work.atoms, &mut work.buffer);
        }
    }

    /// Runs something over one program and one event.
    pub(crate) fn with<R>(&self, event: &Event, then: impl FnOnce(&Subject<'_>, &mut Work) -> R) -> R {
        let mut scratch = Scratch::new();
        self.begin(event, &mut scratch);
        then(&Subject { event, found: &scratch.found }, &mut scratch.work)
    }

    /// Whether a node holds: slower than the code, but it knows the nodes of the rule. The depth of programs is bounded by that of documents and conditions.
    pub(crate) fn holds(&self, program: &Program, node: u32, subject: &Subject<'_>, work: &mut Work) -> bool {
        match &program.nodes[node as usize] {
            Node::True => true,
            Node::False => false,
            Node::All(children) => children.iter().all(|child| self.holds(program, *child, subject, work)),
            Node::Any(children) => children.iter().any(|child| self.holds(program, *child, subject, work)),
            Node::Not(child) => !self.holds(program, *child, subject, work),
            Node::Atom { scan, atom } => {
                self.run(*scan, subject, work);
                work.atoms.has(*atom)
            }
            Node::Test(test) => on_demand(&program.tests[*test as usize], subject, work),
        }
    }

    /// Where the value of a leaf comes from.
    pub(crate) fn spot(&self, program: &Program, node: u32) -> Option<Spot> {
        match &program.nodes[node as usize] {
            Node::Atom { scan, .. } => self.scans.get(*scan as usize).map(|scan| scan.spot),
            Node::Test(test) => program.tests.get(*test as usize).map(|test| test.spot),
            _ => None,
        }
    }
}

/// A program that runs over an event.
struct Asked<'a, 'e> {
    bucket: &'a Bucket,
    subject: &'a Subject<'e>,
    work: &'a mut Work,
}

impl Ask for Asked<'_, '_> {
    fn scan(&mut self, scan: u32) {
        self.bucket.run(scan, self.subject, self.work);
    }

    fn bits(&self) -> &Bits {
        &self.work.atoms
    }

    fn test(&mut self, program: u32, test: u32) -> bool {
        on_demand(&self.bucket.programs[program as usize].1.tests[test as usize], self.subject, self.work)
    }
}

fn on_demand(test: &OnDemand, subject: &Subject<'_>, work: &mut Work) -> bool {
    let Work { buffer, other: second, folded, .. } = work;
    test.spot.any(subject, |value| match &test.how {
        How::Glob(glob) => any_text(value, buffer, |text| glob.fits(text)),
        How::Expression(expression) => any_text(value, buffer, |text| expression.fits(text)),
        How::Exists => match value {
            Value::Ancestors(_) => any_text(value, buffer, |_| true),
            value => value != Value::Text(""),
        },
        How::Prefix(prefix) => match value {
            Value::Ip(address) => prefix.has(address),
            value => any_text(value, buffer, |text| {
                std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).is_some_and(|found| prefix.has(found))
            }),
        },
        How::Order { order, number, part } => match (value, part) {
            (Value::Number(found), Some(part)) => order.holds(moment::part(found, *part) as f64, *number),
            (Value::Number(found), None) => order.holds(found as f64, *number),
            (Value::Text(text), Some(part)) => {
                moment::parse(text.trim()).is_some_and(|found| order.holds(moment::part(found, *part) as f64, *number))
            }
            (Value::Flag(found), None) => order.holds(f64::from(u8::from(found)), *number),
            (value, None) => any_text(value, buffer, |text| {
                let found = std::str::from_utf8(text).ok().and_then(|text| text.trim().parse().ok());
                found.is_some_and(|found| order.holds(found, *number))
            }),
            _ => false,
        },
        How::Reference { other, place, cased } => any_text(value, buffer, |ours| {
            other.any(subject, |value| any_text(value, second, |theirs| stands(ours, theirs, *place, *cased, folded)))
        }),
    })
}

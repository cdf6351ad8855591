//! The programs of a bucket as they run: leaves that are bits are tested a word at a time, and steps of all programs lie in
//! one place.

use crate::program::{Node, Program};
use pattern::Bits;
use std::collections::BTreeMap;

/// A step, by its place in [`Code::steps`]. Ranges are of `children` or `masks`.
#[derive(Debug, Clone, Copy)]
enum Step {
    Constant(bool),
    All(u32, u32),
    Any(u32, u32),
    Not(u32),
    /// Every bit of these masks is set.
    AllBits(u32, u32),
    /// One bit of these masks is set.
    AnyBit(u32, u32),
    /// The scan first, then the step.
    After {
        scan: u32,
        step: u32,
    },
    /// A test of a program, on demand.
    Test {
        program: u32,
        test: u32,
    },
}

/// What a step asks of the event beside bits that are already known.
pub(crate) trait Ask {
    /// Runs a scan unless it has run.
    fn scan(&mut self, scan: u32);
    /// The bits known by now.
    fn bits(&self) -> &Bits;
    /// Runs a test of a program.
    fn test(&mut self, program: u32, test: u32) -> bool;
}

/// The steps of all programs.
#[derive(Debug, Default)]
pub(crate) struct Code {
    steps: Vec<Step>,
    children: Vec<u32>,
    /// Number of the word of [`Bits`], and bits in it.
    masks: Vec<(u32, u64)>,
}

/// One program on its way into the code.
struct Draft<'p> {
    number: u32,
    program: &'p Program,
    /// Per scan whether it runs for every event.
    eager: &'p [bool],
    /// Per node its step: nodes may be named by several parents.
    known: Vec<Option<u32>>,
}

impl Code {
    /// Adds a program; gives its first step.
    pub(crate) fn add(&mut self, number: u32, program: &Program, eager: &[bool]) -> u32 {
        let mut draft = Draft { number, program, eager, known: vec![None; program.nodes.len()] };
        self.node(&mut draft, program.root)
    }

    fn push(&mut self, step: Step) -> u32 {
        self.steps.push(step);
        self.steps.len() as u32 - 1
    }

    fn node(&mut self, draft: &mut Draft<'_>, node: u32) -> u32 {
        if let Some(step) = draft.known[node as usize] {
            return step;
        }
        let program = draft.program;
        let step = match &program.nodes[node as usize] {
            Node::True => self.push(Step::Constant(true)),
            Node::False => self.push(Step::Constant(false)),
            Node::Test(test) => self.push(Step::Test { program: draft.number, test: *test }),
            Node::Not(child) => {
                let child = self.node(draft, *child);
                self.push(Step::Not(child))
            }
            Node::Atom { scan, atom } => {
                let bits = self.bits([*atom].into_iter(), false);
                self.after(draft.eager, *scan, bits)
            }
            Node::All(children) => self.join(draft, children, true),
            Node::Any(children) => self.join(draft, children, false),
        };
        draft.known[node as usize] = Some(step);
        step
    }

    /// Bits that are known come first, then those of scans on demand, then the rest in the order of its cost.
    fn join(&mut self, draft: &mut Draft<'_>, children: &[u32], all: bool) -> u32 {
        let (mut known, mut later, mut rest) = (Vec::new(), BTreeMap::<u32, Vec<u32>>::new(), Vec::new());
        for child in children {
            match &draft.program.nodes[*child as usize] {
                Node::Atom { scan, atom } if draft.eager[*scan as usize] => known.push(*atom),
                Node::Atom { scan, atom } => later.entry(*scan).or_default().push(*atom),
                _ => rest.push(*child),
            }
        }
        let mut steps = Vec::new();
        if !known.is_empty() {
            steps.push(self.bits(known.into_iter(), all));
        }
        for (scan, atoms) in later {
            let bits = self.bits(atoms.into_iter(), all);
            steps.push(self.after(draft.eager, scan, bits));
        }
        steps.extend(rest.into_iter().map(|child| self.node(draft, child)).collect::<Vec<_>>());
        if let [only] = steps[..] {
            return only;
        }
        let from = self.children.len() as u32;
        self.children.extend(steps);
        let to = self.children.len() as u32;
        self.push(if all { Step::All(from, to) } else { Step::Any(from, to) })
    }

    fn bits(&mut self, atoms: impl Iterator<Item = u32>, all: bool) -> u32 {
        let mut words = BTreeMap::<u32, u64>::new();
        atoms.for_each(|atom| *words.entry(atom / 64).or_default() |= 1 << (atom % 64));
        let from = self.masks.len() as u32;
        self.masks.extend(words);
        let to = self.masks.len() as u32;
        self.push(if all { Step::AllBits(from, to) } else { Step::AnyBit(from, to) })
    }

    fn after(&mut self, eager: &[bool], scan: u32, step: u32) -> u32 {
        if eager[scan as usize] { step } else { self.push(Step::After { scan, step }) }
    }

    /// Whether a step holds. The depth of programs is bounded by that of documents and conditions.
    pub(crate) fn holds(&self, step: u32, ask: &mut impl Ask) -> bool {
        match self.steps[step as usize] {
            Step::Constant(value) => value,
            Step::All(from, to) => self.children[from as usize..to as usize].iter().all(|step| self.holds(*step, ask)),
            Step::Any(from, to) => self.children[from as usize..to as usize].iter().any(|step| self.holds(*step, ask)),
            Step::Not(step) => !self.holds(step, ask),
            Step::AllBits(from, to) => {
                let bits = ask.bits();
                self.masks[from as usize..to as usize].iter().all(|(word, mask)| bits.word(*word) & mask == *mask)
            }
            Step::AnyBit(from, to) => {
                let bits = ask.bits();
                self.masks[from as usize..to as usize].iter().any(|(word, mask)| bits.word(*word) & mask != 0)
            }
            Step::After { scan, step } => {
                ask.scan(scan);
                self.holds(step, ask)
            }
            Step::Test { program, test } => ask.test(program, test),
        }
    }
}

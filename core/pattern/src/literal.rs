//! Many literal texts in one pass.

use crate::{Bits, fault};
use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::{Anchored, MatchKind, dfa, nfa::contiguous};
use base::{Fault, Result};
use std::collections::HashMap;

/// Bytes of needles up to which the dense automaton is built. It needs about 70 table bytes a needle byte; above this
/// it leaves the second-level cache and the contiguous one is as fast with a tenth of the memory.
const DENSE_BYTES: usize = 16 * 1024;

/// Where a literal has to stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// Somewhere.
    Anywhere,
    /// At the beginning.
    Start,
    /// At the end.
    End,
    /// It is the whole text.
    Whole,
}

/// A literal to look for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Literal<'t> {
    /// The text; an empty one stands nowhere, but for [`Place::Whole`] in the empty text.
    pub text: &'t [u8],
    /// Where.
    pub place: Place,
    /// Whether ASCII case matters.
    pub cased: bool,
    /// The number reported when it is there.
    pub answer: u32,
}

/// What a needle stands for.
#[derive(Debug, Clone, Copy)]
struct Use {
    place: Place,
    /// Exact bytes in `exact`, when case matters.
    exact: Option<(u32, u32)>,
    answer: u32,
}

#[derive(Debug)]
enum Machine {
    None,
    Dense(dfa::DFA),
    Compact(contiguous::NFA),
}

/// Literals of all kinds in one automaton. ASCII case is folded in the automaton; where it matters the bytes are
/// compared again at the place found.
#[derive(Debug)]
pub struct LiteralSet {
    machine: Machine,
    /// Per needle of the automaton: length, and its range in `uses`.
    needles: Vec<(u32, u32, u32)>,
    uses: Vec<Use>,
    exact: Vec<u8>,
    empty: Vec<u32>,
}

impl LiteralSet {
    /// Builds the set. Equal texts share a needle, so repeating one costs nothing.
    pub fn new(literals: &[Literal<'_>]) -> Result<LiteralSet> {
        let mut places: HashMap<Vec<u8>, usize> = HashMap::new();
        let mut texts: Vec<Vec<u8>> = Vec::new();
        let mut by_needle: Vec<Vec<Use>> = Vec::new();
        let (mut exact, mut empty) = (Vec::new(), Vec::new());
        for literal in literals {
            if literal.text.is_empty() {
                if literal.place == Place::Whole {
                    empty.push(literal.answer);
                }
                continue;
            }
            let folded = literal.text.to_ascii_lowercase();
            let needle = *places.entry(folded).or_insert_with_key(|folded| {
                texts.push(folded.clone());
                by_needle.push(Vec::new());
                texts.len() - 1
            });
            let range = literal.cased.then(|| (exact.len() as u32, (exact.len() + literal.text.len()) as u32));
            if literal.cased {
                exact.extend_from_slice(literal.text);
            }
            by_needle[needle].push(Use { place: literal.place, exact: range, answer: literal.answer });
        }
        let mut set = LiteralSet {
            machine: machine(&texts)?,
            needles: Vec::with_capacity(texts.len()),
            uses: Vec::new(),
            exact,
            empty,
        };
        for (text, uses) in texts.iter().zip(by_needle) {
            let first = set.uses.len() as u32;
            set.uses.extend(uses);
            set.needles.push((text.len() as u32, first, set.uses.len() as u32));
        }
        Ok(set)
    }

    /// Whether it holds no literal.
    pub fn is_empty(&self) -> bool {
        self.needles.is_empty() && self.empty.is_empty()
    }

    /// Memory of the automaton and its tables, bytes.
    pub fn bytes(&self) -> usize {
        let machine = match &self.machine {
            Machine::None => 0,
            Machine::Dense(machine) => machine.memory_usage(),
            Machine::Compact(machine) => machine.memory_usage(),
        };
        machine + self.needles.len() * 12 + self.uses.len() * size_of::<Use>() + self.exact.len()
    }

    /// Reports every literal that stands in the text.
    #[inline]
    pub fn scan(&self, text: &[u8], answers: &mut Bits) {
        if text.is_empty() {
            self.empty.iter().for_each(|answer| _ = answers.insert(*answer));
            return;
        }
        match &self.machine {
            Machine::None => {}
            Machine::Dense(machine) => self.walk(machine, text, answers),
            Machine::Compact(machine) => self.walk(machine, text, answers),
        }
    }

    fn walk<A: Automaton>(&self, machine: &A, text: &[u8], answers: &mut Bits) {
        let Ok(mut state) = machine.start_state(Anchored::No) else { return };
        for (index, byte) in text.iter().enumerate() {
            state = machine.next_state(Anchored::No, state, *byte);
            if machine.is_special(state) && machine.is_match(state) {
                self.report(machine, state, text, index + 1, answers);
            }
        }
    }

    fn report<A: Automaton>(&self, machine: &A, state: StateID, text: &[u8], end: usize, answers: &mut Bits) {
        for number in 0..machine.match_len(state) {
            let (length, first, last) = self.needles[machine.match_pattern(state, number).as_usize()];
            let start = end - length as usize;
            for one in &self.uses[first as usize..last as usize] {
                let placed = match one.place {
                    Place::Anywhere => true,
                    Place::Start => start == 0,
                    Place::End => end == text.len(),
                    Place::Whole => start == 0 && end == text.len(),
                };
                let same = |(from, to): (u32, u32)| self.exact[from as usize..to as usize] == text[start..end];
                if placed && one.exact.is_none_or(same) {
                    answers.insert(one.answer);
                }
            }
        }
    }
}

fn machine(texts: &[Vec<u8>]) -> Result<Machine> {
    let too_many = |cause: aho_corasick::BuildError| {
        Fault::new(&fault::TOO_MANY).object("literals").found(format!("{} texts", texts.len())).because(cause)
    };
    if texts.is_empty() {
        return Ok(Machine::None);
    }
    if texts.iter().map(Vec::len).sum::<usize>() <= DENSE_BYTES {
        let mut builder = dfa::DFA::builder();
        builder.match_kind(MatchKind::Standard).ascii_case_insensitive(true).prefilter(false);
        return builder.build(texts).map(Machine::Dense).map_err(too_many);
    }
    let mut builder = contiguous::NFA::builder();
    builder.match_kind(MatchKind::Standard).ascii_case_insensitive(true).prefilter(false);
    builder.build(texts).map(Machine::Compact).map_err(too_many)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn holds(literal: &Literal<'_>, text: &[u8]) -> bool {
        let (mut needle, mut text) = (literal.text.to_vec(), text.to_vec());
        if !literal.cased {
            needle.make_ascii_lowercase();
            text.make_ascii_lowercase();
        }
        match literal.place {
            Place::Whole => needle == text,
            _ if needle.is_empty() => false,
            Place::Anywhere => text.windows(needle.len()).any(|window| window == needle),
            Place::Start => text.starts_with(&needle),
            Place::End => text.ends_with(&needle),
        }
    }

    const PLACES: [Place; 4] = [Place::Anywhere, Place::Start, Place::End, Place::Whole];

    fn check(needles: &[(Vec<u8>, usize, bool)], text: &[u8]) {
        let literals: Vec<Literal<'_>> = needles
            .iter()
            .enumerate()
            .map(|(answer, (text, place, cased))| Literal {
                text,
                place: PLACES[place % 4],
                cased: *cased,
                answer: answer as u32,
            })
            .collect();
        let set = LiteralSet::new(&literals).unwrap();
        let mut answers = Bits::new(literals.len());
        set.scan(text, &mut answers);
        for literal in &literals {
            assert_eq!(answers.has(literal.answer), holds(literal, text), "{literal:?} in {text:?}");
        }
    }

    proptest! {
        #[test]
        fn one_pass_finds_what_one_by_one_finds(
            needles in prop::collection::vec(("[aAbB/]{0,4}".prop_map(String::into_bytes), 0..4usize, any::<bool>()), 0..20),
            text in "[aAbB/]{0,24}",
        ) {
            check(&needles, text.as_bytes());
        }
    }

    #[test]
    fn a_large_set_finds_the_same() {
        let mut needles: Vec<(Vec<u8>, usize, bool)> =
            (0..5000).map(|number| (format!("needle-{number}").into_bytes(), number, number % 3 == 0)).collect();
        needles.push((b"XMR".to_vec(), 0, true));
        for text in ["needle-17", "NEEDLE-300 and needle-4", "a needle-4999", "xmr", "XMR"] {
            check(&needles, text.as_bytes());
        }
    }
}

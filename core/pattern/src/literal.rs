//! Many literal texts in one pass.

use crate::{Bits, fault};
use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::{Anchored, MatchKind, StartKind, dfa, nfa::contiguous};
use base::{Fault, Result};
use std::collections::HashMap;

/// Bytes of needles up to which the dense automaton is built. It needs about 70 table bytes a needle byte; above this
/// it leaves the second-level cache and the contiguous one is as fast with a tenth of the memory.
const DENSE_BYTES: usize = 256 * 1024;

/// Texts from this length on are walked in two parts, bytes.
const LONG: usize = 12;
/// Texts from this length on are walked in four parts, bytes.
const LONGER: usize = 32;
/// States kept of the beginning of each part: most walkers meet the next one within a few bytes.
const TRAIL: usize = 8;

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

/// How an automaton goes over a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Anywhere,
    Forward,
    Backward,
}

/// What a needle stands for.
#[derive(Debug, Clone, Copy)]
struct Use {
    /// Only when it is the whole text.
    whole: bool,
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

/// The literals of one way of looking, in one automaton. ASCII case is folded in the automaton; where it matters the bytes
/// are compared again at the place found.
#[derive(Debug)]
struct Needles {
    machine: Machine,
    /// Per needle of the automaton: length, and its range in `uses`.
    needles: Vec<(u32, u32, u32)>,
    uses: Vec<Use>,
    exact: Vec<u8>,
}

/// Literals of all kinds. Those that stand anywhere are found in one pass; those bound to an end of the text are walked
/// from there, as far as any of them goes, which is a few bytes.
#[derive(Debug)]
pub struct LiteralSet {
    anywhere: Needles,
    /// Bound to the beginning.
    starts: Needles,
    /// Bound to the end, back to front.
    ends: Needles,
    empty: Vec<u32>,
}

impl Needles {
    /// Builds the automaton. Equal texts share a needle.
    fn new(literals: &[&Literal<'_>], way: Way) -> Result<Needles> {
        let mut places: HashMap<Vec<u8>, usize> = HashMap::new();
        let mut texts: Vec<Vec<u8>> = Vec::new();
        let mut by_needle: Vec<Vec<Use>> = Vec::new();
        let mut exact = Vec::new();
        for literal in literals {
            let mut folded = literal.text.to_ascii_lowercase();
            if way == Way::Backward {
                folded.reverse();
            }
            let needle = *places.entry(folded).or_insert_with_key(|folded| {
                texts.push(folded.clone());
                by_needle.push(Vec::new());
                texts.len() - 1
            });
            let range = literal.cased.then(|| (exact.len() as u32, (exact.len() + literal.text.len()) as u32));
            if literal.cased {
                exact.extend_from_slice(literal.text);
            }
            by_needle[needle].push(Use { whole: literal.place == Place::Whole, exact: range, answer: literal.answer });
        }
        let mut set = Needles { machine: machine(&texts, way)?, needles: Vec::new(), uses: Vec::new(), exact };
        for (text, uses) in texts.iter().zip(by_needle) {
            let first = set.uses.len() as u32;
            set.uses.extend(uses);
            set.needles.push((text.len() as u32, first, set.uses.len() as u32));
        }
        Ok(set)
    }

    fn bytes(&self) -> usize {
        let machine = match &self.machine {
            Machine::None => 0,
            Machine::Dense(machine) => machine.memory_usage(),
            Machine::Compact(machine) => machine.memory_usage(),
        };
        machine + self.needles.len() * 12 + self.uses.len() * size_of::<Use>() + self.exact.len()
    }

    #[inline]
    fn anywhere(&self, text: &[u8], answers: &mut Bits) {
        match &self.machine {
            Machine::None => {}
            Machine::Dense(machine) => self.pass(machine, text, answers),
            Machine::Compact(machine) => self.pass(machine, text, answers),
        }
    }

    /// One pass over the whole text. A step waits for the one before it, so a long text is cut and its parts are walked side
    /// by side; each walker goes on past its end until it is in the state of the one that began there.
    fn pass<A: Automaton>(&self, machine: &A, text: &[u8], answers: &mut Bits) {
        match text.len() {
            0..LONG => self.side_by_side::<A, 1>(machine, text, answers),
            LONG..LONGER => self.side_by_side::<A, 2>(machine, text, answers),
            LONGER.. => self.side_by_side::<A, 4>(machine, text, answers),
        }
    }

    #[inline]
    #[allow(clippy::needless_range_loop, reason = "a walker is a part of the text, a state and a trail")]
    fn side_by_side<A: Automaton, const WALKERS: usize>(&self, machine: &A, text: &[u8], answers: &mut Bits) {
        let Ok(start) = machine.start_state(Anchored::No) else { return };
        let mut look = |state: StateID, place: usize| {
            if machine.is_match(state) {
                self.report(machine, state, text, |length| Some(place + 1 - length), answers);
            }
        };
        let (part, mut states) = (text.len() / WALKERS, [start; WALKERS]);
        // The states that each walker was in first.
        let mut trail = [[start; TRAIL]; WALKERS];
        for step in 0..part {
            for walker in 0..WALKERS {
                let place = walker * part + step;
                states[walker] = machine.next_state(Anchored::No, states[walker], text[place]);
                if machine.is_special(states[walker]) {
                    look(states[walker], place);
                }
                if step < TRAIL {
                    trail[walker][step] = states[walker];
                }
            }
        }
        for walker in 0..WALKERS {
            let (from, mut state) = ((walker + 1) * part, states[walker]);
            // States that are equal at one place stay so: what follows was reported there.
            let next = trail.get(walker + 1).map_or(&[][..], |trail| &trail[..TRAIL.min(part)]);
            for (place, byte) in text.iter().enumerate().skip(from) {
                state = machine.next_state(Anchored::No, state, *byte);
                if next.get(place - from) == Some(&state) {
                    break;
                }
                if machine.is_special(state) {
                    look(state, place);
                }
            }
        }
    }

    #[inline]
    fn starts(&self, text: &[u8], answers: &mut Bits) {
        let (bytes, start) = (text.iter(), |_| 0);
        match &self.machine {
            Machine::None => {}
            Machine::Dense(machine) => self.walk(machine, text, bytes, start, answers),
            Machine::Compact(machine) => self.walk(machine, text, bytes, start, answers),
        }
    }

    #[inline]
    fn ends(&self, text: &[u8], answers: &mut Bits) {
        let (bytes, start) = (text.iter().rev(), |length| text.len() - length);
        match &self.machine {
            Machine::None => {}
            Machine::Dense(machine) => self.walk(machine, text, bytes, start, answers),
            Machine::Compact(machine) => self.walk(machine, text, bytes, start, answers),
        }
    }

    /// From one end of the text until no needle goes on.
    #[inline]
    fn walk<'t, A: Automaton>(
        &self,
        machine: &A,
        text: &[u8],
        bytes: impl Iterator<Item = &'t u8>,
        start: impl Fn(usize) -> usize + Copy,
        answers: &mut Bits,
    ) {
        let Ok(mut state) = machine.start_state(Anchored::Yes) else { return };
        for (byte, walked) in bytes.zip(1..) {
            state = machine.next_state(Anchored::Yes, state, *byte);
            if machine.is_special(state) {
                if machine.is_dead(state) {
                    return;
                }
                if machine.is_match(state) {
                    // The state also names needles that end here and began later.
                    let start = |length| (length == walked).then(|| start(length));
                    self.report(machine, state, text, start, answers);
                }
            }
        }
    }

    /// Reports the needles of a state; `start` says where one of a length begins in the text, if it counts.
    fn report<A: Automaton>(
        &self,
        machine: &A,
        state: StateID,
        text: &[u8],
        start: impl Fn(usize) -> Option<usize>,
        answers: &mut Bits,
    ) {
        for number in 0..machine.match_len(state) {
            let (length, first, last) = self.needles[machine.match_pattern(state, number).as_usize()];
            let Some(from) = start(length as usize) else { continue };
            let found = &text[from..from + length as usize];
            for one in &self.uses[first as usize..last as usize] {
                let same = |(from, to): (u32, u32)| &self.exact[from as usize..to as usize] == found;
                if (!one.whole || found.len() == text.len()) && one.exact.is_none_or(same) {
                    answers.insert(one.answer);
                }
            }
        }
    }
}

impl LiteralSet {
    /// Builds the set. Equal texts share a needle, so repeating one costs nothing.
    pub fn new(literals: &[Literal<'_>]) -> Result<LiteralSet> {
        let whole_and_empty = |literal: &&Literal<'_>| literal.text.is_empty() && literal.place == Place::Whole;
        let at = |places: &[Place]| -> Vec<&Literal<'_>> {
            literals.iter().filter(|literal| !literal.text.is_empty() && places.contains(&literal.place)).collect()
        };
        Ok(LiteralSet {
            anywhere: Needles::new(&at(&[Place::Anywhere]), Way::Anywhere)?,
            starts: Needles::new(&at(&[Place::Start]), Way::Forward)?,
            // A whole text is told by its end as well as by its beginning, and ends differ sooner.
            ends: Needles::new(&at(&[Place::End, Place::Whole]), Way::Backward)?,
            empty: literals.iter().filter(whole_and_empty).map(|literal| literal.answer).collect(),
        })
    }

    /// Whether it holds no literal.
    pub fn is_empty(&self) -> bool {
        self.empty.is_empty() && [&self.anywhere, &self.starts, &self.ends].iter().all(|part| part.needles.is_empty())
    }

    /// Memory of the automata and their tables, bytes.
    pub fn bytes(&self) -> usize {
        self.anywhere.bytes() + self.starts.bytes() + self.ends.bytes()
    }

    /// Reports every literal that stands in the text.
    #[inline]
    pub fn scan(&self, text: &[u8], answers: &mut Bits) {
        if text.is_empty() {
            self.empty.iter().for_each(|answer| _ = answers.insert(*answer));
            return;
        }
        self.anywhere.anywhere(text, answers);
        self.starts.starts(text, answers);
        self.ends.ends(text, answers);
    }
}

fn machine(texts: &[Vec<u8>], way: Way) -> Result<Machine> {
    let too_many = |cause: aho_corasick::BuildError| {
        Fault::new(&fault::TOO_MANY).object("literals").found(format!("{} texts", texts.len())).because(cause)
    };
    if texts.is_empty() {
        return Ok(Machine::None);
    }
    if texts.iter().map(Vec::len).sum::<usize>() <= DENSE_BYTES {
        let start = if way == Way::Anywhere { StartKind::Unanchored } else { StartKind::Anchored };
        let mut builder = dfa::DFA::builder();
        builder.match_kind(MatchKind::Standard).ascii_case_insensitive(true).prefilter(false).start_kind(start);
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

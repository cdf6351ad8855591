//! Questions: a test of a value behind a pipeline, as steps ask it. Each has a bit in what is known of a value, so that a
//! value which none of its rules can match costs a look at a few words, however many rules there are.

use super::pipeline::Pipelines;
use super::rule::Compare;
use super::scan::{Bits, set};
use std::collections::HashMap;

/// Pipelines that questions may be asked behind: bits of a mask.
const ENDS: usize = 128;

/// All questions.
#[derive(Default)]
pub(crate) struct Questions {
    /// By number.
    all: Vec<Question>,
    numbers: HashMap<Question, u32>,
    /// By bit: the node that is asked behind.
    ends: Vec<u32>,
    /// By test: where its questions begin and end in `scanned`.
    of_test: Vec<(u32, u32)>,
    /// Nodes that it is asked behind, and number of the question.
    scanned: Vec<(u128, u32)>,
    /// By bit of a node: questions that a scan rules out of no value.
    unsure: Vec<Bits>,
    /// By byte: nodes whose pipelines may change a value that holds it.
    changing: Vec<u128>,
}

/// What is asked of a value.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum What {
    /// A test made at load that holds only of values that the scan lets through.
    Scanned(u32),
    /// One that the scan says nothing about, or that is to hold of none.
    Test(u32, bool),
    /// The comparison of a number, and whether it is negated.
    Number(Compare, i64, bool),
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Question {
    what: What,
    /// Nodes behind any of which it is asked.
    ends: u128,
}

impl Questions {
    /// The number of a question that is asked behind any of some nodes, and the bits of these; none when there are too
    /// many nodes.
    pub fn ask(&mut self, what: What, nodes: &[u32]) -> Option<(u32, u128)> {
        let mut ends = 0;
        for node in nodes {
            ends |= 1 << self.end(*node)?;
        }
        let question = Question { what, ends };
        let next = self.all.len() as u32;
        let number = *self.numbers.entry(question).or_insert(next);
        if number == next {
            self.all.push(question);
        }
        Some((number, ends))
    }

    fn end(&mut self, node: u32) -> Option<usize> {
        if let Some(end) = self.ends.iter().position(|known| *known == node) {
            return Some(end);
        }
        self.ends.push(node);
        (self.ends.len() <= ENDS).then(|| self.ends.len() - 1)
    }

    /// When all are asked.
    pub fn settle(&mut self, tests: usize, pipelines: &Pipelines) {
        let words = self.words();
        self.ends.truncate(ENDS);
        self.unsure = vec![vec![0; words]; self.ends.len()];
        let mut by_test: Vec<Vec<(u128, u32)>> = vec![Vec::new(); tests];
        for (question, number) in self.all.iter().zip(0..) {
            match question.what {
                What::Scanned(test) => by_test[test as usize].push((question.ends, number)),
                _ => bits(question.ends).for_each(|end| set(&mut self.unsure[end as usize], number)),
            }
        }
        for mut questions in by_test {
            let begin = self.scanned.len() as u32;
            self.scanned.append(&mut questions);
            self.of_test.push((begin, self.scanned.len() as u32));
        }
        self.changing = vec![0; 256];
        for (end, node) in self.ends.iter().enumerate().filter(|(_, node)| **node != 0) {
            let triggers = &pipelines.node(*node).all_triggers;
            let bytes = (0..256_usize).filter(|byte| triggers[byte / 64] & 1 << (byte % 64) != 0);
            bytes.for_each(|byte| self.changing[byte] |= 1 << end);
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Words of a row.
    pub fn words(&self) -> usize {
        self.all.len().div_ceil(64).max(1)
    }

    /// The node of a bit.
    pub fn node(&self, end: u32) -> u32 {
        self.ends[end as usize]
    }

    /// Nodes of `ends` whose pipelines may change a value of these bytes.
    pub fn changing(&self, bytes: &[u64; 4], ends: u128) -> u128 {
        let mut changing = 0;
        for (word, of_bytes) in bytes.iter().zip(self.changing.chunks(64)) {
            let mut rest = *word;
            while rest != 0 {
                changing |= of_bytes[rest.trailing_zeros() as usize];
                rest &= rest - 1;
            }
        }
        changing & ends
    }

    /// Opens in a row what no scan rules out behind these nodes.
    pub fn unsure(&self, ends: u128, row: &mut [u64]) {
        for end in bits(ends) {
            row.iter_mut().zip(&self.unsure[end as usize]).for_each(|(row, unsure)| *row |= unsure);
        }
    }

    /// Opens in a row what a test that may hold is asked behind these nodes.
    pub fn open(&self, test: u32, ends: u128, row: &mut [u64]) {
        let (begin, end) = self.of_test[test as usize];
        for (behind, question) in &self.scanned[begin as usize..end as usize] {
            if ends & behind != 0 {
                set(row, *question);
            }
        }
    }
}

/// Numbers of the bits that are set.
pub(crate) fn bits(mask: u128) -> impl Iterator<Item = u32> {
    let mut rest = mask;
    std::iter::from_fn(move || {
        let bit = (rest != 0).then(|| rest.trailing_zeros())?;
        rest &= rest - 1;
        Some(bit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use seclang::{Place, Settings};

    #[test]
    fn questions_are_numbered_once_and_opened_behind_their_nodes() {
        let mut pipelines = Pipelines::new();
        let mut questions = Questions::default();
        let place = Place { file: "a.conf".into(), line: 1 };
        let lower = pipelines.add(&["lowercase"], &Settings::default(), &place).unwrap();
        let plain = questions.ask(What::Scanned(0), &[0]).unwrap();
        assert_eq!(questions.ask(What::Scanned(0), &[0]), Some(plain));
        let folded = questions.ask(What::Scanned(0), &[lower]).unwrap();
        let negated = questions.ask(What::Test(0, true), &[lower]).unwrap();
        let any = questions.ask(What::Scanned(0), &[0, lower]).unwrap();
        assert_eq!([plain, folded, negated, any], [(0, 1), (1, 2), (2, 2), (3, 3)]);
        questions.settle(1, &pipelines);
        let opened = |ends: u128| {
            let mut row = vec![0; questions.words()];
            questions.unsure(ends, &mut row);
            questions.open(0, ends, &mut row);
            row[0]
        };
        assert_eq!([opened(0), opened(1), opened(2), opened(3)], [0, 0b1001, 0b1110, 0b1111]);
        let bytes = super::super::scan::present(b"abC");
        assert_eq!(questions.changing(&bytes, 3), 2, "capitals are folded, and nothing is done before");
        assert_eq!(questions.changing(&super::super::scan::present(b"abc"), 3), 0);
        let many: Vec<u32> = (0..129).collect();
        assert_eq!(questions.ask(What::Scanned(0), &many), None, "more nodes than bits");
        assert_eq!(bits(1 << 127 | 5).collect::<Vec<_>>(), [0, 2, 127]);
    }
}

//! One automaton over what all operators need: a string is scanned once, and only operators that it may hold of are run.

use crate::fault;
use crate::operator::Guard;
use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use base::{Fault, Result};
use std::collections::HashMap;

/// Bits of operators, 64 a word.
pub(crate) type Bits = Vec<u64>;

/// Sets a bit.
pub(crate) fn set(bits: &mut [u64], at: u32) {
    bits[at as usize / 64] |= 1 << (at % 64);
}

/// Whether a bit is set.
pub(crate) fn has(bits: &[u64], at: u32) -> bool {
    bits[at as usize / 64] & (1 << (at % 64)) != 0
}

/// The guards of all operators.
pub(crate) struct Scan {
    automaton: Option<AhoCorasick>,
    /// By pattern: where its operators stand in `needing`.
    needs: Vec<(u32, u32)>,
    needing: Vec<u32>,
    /// Operators without literals.
    always: Bits,
    /// Operators of which a literal in the string is proof.
    exact: Bits,
    /// Bytes of which one must be there, and who needs that.
    byte_sets: Vec<([u64; 4], Bits)>,
    /// Length that must be there, and who needs that; longest first.
    lengths: Vec<(usize, Bits)>,
    words: usize,
}

/// What a scan finds, per string.
pub(crate) struct Found<'r> {
    /// Operators that may hold.
    pub may: &'r mut [u64],
    /// Operators that do hold.
    pub does: &'r mut [u64],
}

impl Scan {
    /// Of guards, one an operator.
    pub fn new(guards: &[Guard]) -> Result<Scan> {
        let words = guards.len().div_ceil(64).max(1);
        let empty = || vec![0; words];
        let (mut always, mut exact) = (empty(), empty());
        let mut literals: HashMap<Vec<u8>, Vec<u32>> = HashMap::new();
        let mut byte_sets: HashMap<[u64; 4], Bits> = HashMap::new();
        let mut lengths: HashMap<usize, Bits> = HashMap::new();
        for (guard, operator) in guards.iter().zip(0_u32..) {
            match &guard.literals {
                Some(needed) if needed.iter().all(|literal| !literal.is_empty()) => {
                    for literal in needed {
                        literals.entry(literal.to_ascii_lowercase()).or_default().push(operator);
                    }
                    if guard.exact {
                        set(&mut exact, operator);
                    }
                }
                _ => set(&mut always, operator),
            }
            if let Some(bytes) = &guard.bytes {
                set(byte_sets.entry(packed(bytes)).or_insert_with(empty), operator);
            }
            if guard.length > 0 {
                set(lengths.entry(guard.length).or_insert_with(empty), operator);
            }
        }
        let mut patterns: Vec<(Vec<u8>, Vec<u32>)> = literals.into_iter().collect();
        patterns.sort_unstable();
        let (mut needs, mut needing) = (Vec::new(), Vec::new());
        for (_, operators) in &mut patterns {
            operators.dedup();
            needs.push((needing.len() as u32, operators.len() as u32));
            needing.append(operators);
        }
        let mut lengths: Vec<(usize, Bits)> = lengths.into_iter().collect();
        lengths.sort_unstable_by(|one, other| other.cmp(one));
        let mut byte_sets: Vec<([u64; 4], Bits)> = byte_sets.into_iter().collect();
        byte_sets.sort_unstable();
        let automaton = automaton(patterns.iter().map(|(literal, _)| literal.as_slice()))?;
        Ok(Scan { automaton, needs, needing, always, exact, byte_sets, lengths, words })
    }

    /// Words of a row.
    pub fn words(&self) -> usize {
        self.words
    }

    /// Scans a string. `seen` is working memory.
    pub fn run(&self, text: &[u8], seen: &mut Vec<u64>, found: Found<'_>) {
        let Found { may, does } = found;
        may.copy_from_slice(&self.always);
        does.fill(0);
        if let Some(automaton) = &self.automaton {
            seen.clear();
            seen.resize(self.needs.len().div_ceil(64), 0);
            for hit in automaton.find_overlapping_iter(text) {
                let pattern = hit.pattern().as_u32();
                if !has(seen, pattern) {
                    set(seen, pattern);
                    let (start, count) = self.needs[pattern as usize];
                    for operator in &self.needing[start as usize..][..count as usize] {
                        set(may, *operator);
                    }
                }
            }
        }
        let present = present(text);
        for (bytes, needing) in &self.byte_sets {
            if bytes.iter().zip(present).all(|(needed, present)| needed & present == 0) {
                without(may, needing);
            }
        }
        for (_, needing) in self.lengths.iter().take_while(|(length, _)| *length > text.len()) {
            without(may, needing);
        }
        for ((does, may), exact) in does.iter_mut().zip(may.iter()).zip(&self.exact) {
            *does = may & exact;
        }
    }
}

fn automaton<'p>(patterns: impl Iterator<Item = &'p [u8]>) -> Result<Option<AhoCorasick>> {
    let patterns: Vec<&[u8]> = patterns.collect();
    if patterns.is_empty() {
        return Ok(None);
    }
    let built = AhoCorasick::builder()
        .kind(Some(AhoCorasickKind::ContiguousNFA))
        .match_kind(MatchKind::Standard)
        .ascii_case_insensitive(true)
        .build(&patterns);
    let object = format!("{} texts", patterns.len());
    built.map(Some).map_err(|cause| Fault::new(&fault::TOO_MANY).object(object).because(cause))
}

fn without(bits: &mut [u64], taken: &[u64]) {
    for (bits, taken) in bits.iter_mut().zip(taken) {
        *bits &= !taken;
    }
}

fn packed(bytes: &[bool; 256]) -> [u64; 4] {
    let mut packed = [0; 4];
    for at in (0..256_u32).filter(|at| bytes[*at as usize]) {
        set(&mut packed, at);
    }
    packed
}

fn present(text: &[u8]) -> [u64; 4] {
    let mut present = [0; 4];
    for byte in text {
        present[usize::from(byte >> 6)] |= 1 << (byte & 63);
    }
    present
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(literals: &[&str], exact: bool, bytes: &str, length: usize) -> Guard {
        let set = (!bytes.is_empty()).then(|| {
            let mut set = Box::new([false; 256]);
            bytes.bytes().for_each(|byte| set[usize::from(byte)] = true);
            set
        });
        let literals =
            (!literals.is_empty()).then(|| literals.iter().map(|literal| literal.as_bytes().to_vec()).collect());
        Guard { literals, exact, bytes: set, length }
    }

    fn scan(guards: &[Guard], text: &str) -> (Vec<u32>, Vec<u32>) {
        let scan = Scan::new(guards).unwrap();
        let (mut may, mut does) = (vec![0; scan.words()], vec![0; scan.words()]);
        scan.run(text.as_bytes(), &mut Vec::new(), Found { may: &mut may, does: &mut does });
        let all = |bits: &[u64]| (0..guards.len() as u32).filter(|at| has(bits, *at)).collect();
        (all(&may), all(&does))
    }

    #[test]
    fn only_operators_whose_needs_are_met_may_hold() {
        let guards = [
            guard(&["select", "union"], false, "", 0),
            guard(&["SLEEP("], true, "", 0),
            guard(&[], false, "<=", 0),
            guard(&[], false, "", 9),
            guard(&[], false, "", 0),
            guard(&["elec"], true, "'", 0),
        ];
        assert_eq!(scan(&guards, "a SELECT b"), (vec![0, 3, 4], vec![]));
        assert_eq!(scan(&guards, "sleep(1)"), (vec![1, 4], vec![1]));
        assert_eq!(scan(&guards, "<a"), (vec![2, 4], vec![]));
        assert_eq!(scan(&guards, "'select'"), (vec![0, 4, 5], vec![5]));
        assert_eq!(scan(&guards, ""), (vec![4], vec![]));
    }
}

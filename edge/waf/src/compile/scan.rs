//! What all operators need, looked for at once: a string is scanned once, and only operators that it may hold of are run.

use super::literals::Literals;
use crate::operator::Guard;
use base::Result;
use std::collections::{BTreeMap, HashMap};

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
    literals: Literals,
    /// By pattern: where its operators stand in `needing`.
    needs: Vec<(u32, u32)>,
    needing: Vec<u32>,
    /// Operators without literals.
    always: Bits,
    /// Operators of which a literal in the string is proof.
    exact: Bits,
    /// Operators without a set of bytes.
    any_bytes: Bits,
    /// By byte, a row each: operators with a set that holds it.
    having: Vec<u64>,
    /// Length that must be there, and who needs that; longest first.
    lengths: Vec<(usize, Bits)>,
    words: usize,
}

impl Scan {
    /// Of guards, one an operator; of one without nothing is said.
    pub fn new(guards: &[Option<Guard>]) -> Result<Scan> {
        let words = guards.len().div_ceil(64).max(1);
        let empty = || vec![0; words];
        let (mut always, mut exact, mut any_bytes) = (empty(), empty(), empty());
        let mut literals: HashMap<Vec<u8>, Vec<u32>> = HashMap::new();
        let mut having = vec![0; 256 * words];
        let mut lengths: BTreeMap<usize, Bits> = BTreeMap::new();
        for (guard, operator) in guards.iter().zip(0_u32..) {
            let Some(guard) = guard else { continue };
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
            match &guard.bytes {
                Some(bytes) => {
                    let rows = having.chunks_mut(words).zip(bytes.iter()).filter(|(_, in_it)| **in_it);
                    rows.for_each(|(row, _)| set(row, operator));
                }
                None => set(&mut any_bytes, operator),
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
        let patterns: Vec<Vec<u8>> = patterns.into_iter().map(|(literal, _)| literal).collect();
        let literals = Literals::new(&patterns);
        let lengths = lengths.into_iter().rev().collect();
        Ok(Scan { literals, needs, needing, always, exact, any_bytes, having, lengths, words })
    }

    /// Words of a row.
    pub fn words(&self) -> usize {
        self.words
    }

    /// Operators one of whose literals stands in a string. `seen` is working memory.
    pub fn literals(&self, text: &[u8], present: &[u64; 4], seen: &mut Vec<u64>, hit: &mut [u64]) {
        hit.fill(0);
        seen.clear();
        seen.resize(self.needs.len().div_ceil(64), 0);
        self.literals.find(text, present, seen, |literal| {
            let (start, count) = self.needs[literal as usize];
            self.needing[start as usize..][..count as usize].iter().for_each(|operator| set(hit, *operator));
        });
    }

    /// Operators that may hold of a string, and those that do, from its literals, bytes and length.
    pub fn judge(&self, hit: &[u64], present: &[u64; 4], length: usize, may: &mut [u64], does: &mut [u64]) {
        may.copy_from_slice(&self.any_bytes);
        for (word, having) in present.iter().zip(self.having.chunks(64 * self.words)) {
            let mut rest = *word;
            while rest != 0 {
                let row = &having[rest.trailing_zeros() as usize * self.words..][..self.words];
                may.iter_mut().zip(row).for_each(|(may, row)| *may |= row);
                rest &= rest - 1;
            }
        }
        for ((may, hit), always) in may.iter_mut().zip(hit).zip(&self.always) {
            *may &= hit | always;
        }
        for (_, needing) in self.lengths.iter().take_while(|(needed, _)| *needed > length) {
            may.iter_mut().zip(needing).for_each(|(may, needing)| *may &= !needing);
        }
        for ((does, may), exact) in does.iter_mut().zip(may.iter()).zip(&self.exact) {
            *does = may & exact;
        }
    }
}

/// A set of bytes as bits.
pub(crate) fn packed(bytes: &[bool; 256]) -> [u64; 4] {
    let mut packed = [0; 4];
    for at in (0..256_u32).filter(|at| bytes[*at as usize]) {
        set(&mut packed, at);
    }
    packed
}

/// The bytes of a string as bits.
pub(crate) fn present(text: &[u8]) -> [u64; 4] {
    let mut present = [0; 4];
    if text.len() < 256 {
        // In registers; the upper half is looked at only where something is in it.
        let (mut low, mut high, mut above) = (0_u64, 0_u64, 0_u8);
        for byte in text {
            let bit = 1 << (byte & 63);
            let upper = u64::from(byte >> 6 & 1).wrapping_neg();
            low |= bit & !upper;
            high |= bit & upper;
            above |= byte;
        }
        if above < 128 {
            return [low, high, 0, 0];
        }
        for byte in text {
            present[usize::from(byte >> 6)] |= 1 << (byte & 63);
        }
        return present;
    }
    // Stores that do not wait for each other.
    let mut seen = [false; 256];
    text.iter().for_each(|byte| seen[usize::from(*byte)] = true);
    packed(&seen)
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

    fn scan(guards: &[Option<Guard>], text: &str) -> (Vec<u32>, Vec<u32>) {
        let scan = Scan::new(guards).unwrap();
        let (mut may, mut does) = (vec![0; scan.words()], vec![0; scan.words()]);
        let mut hit = vec![0; scan.words()];
        scan.literals(text.as_bytes(), &present(text.as_bytes()), &mut Vec::new(), &mut hit);
        scan.judge(&hit, &present(text.as_bytes()), text.len(), &mut may, &mut does);
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
        let mut guards = guards.map(Some).to_vec();
        guards.push(None);
        assert_eq!(scan(&guards, "a SELECT b"), (vec![0, 3, 4], vec![]));
        assert_eq!(scan(&guards, "sleep(1)"), (vec![1, 4], vec![1]));
        assert_eq!(scan(&guards, "<a"), (vec![2, 4], vec![]));
        assert_eq!(scan(&guards, "'select'"), (vec![0, 4, 5], vec![5]));
        assert_eq!(scan(&guards, ""), (vec![4], vec![]));
    }
}

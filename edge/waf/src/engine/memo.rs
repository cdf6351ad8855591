//! What a transaction has already found out: strings, what transformations make of them, which operators hold of them.

use super::intern::{Arena, Id};
use crate::compile::Program;
use crate::compile::scan::{has, present, set};
use crate::limits;
use crate::verdict::Work;

/// No row yet.
const NONE: u32 = u32::MAX;

/// Memory of one transaction.
pub(crate) struct Memo {
    /// All strings.
    pub arena: Arena,
    /// By string: its row in `made`.
    made_row: Vec<u32>,
    /// A row a string that was transformed, a cell a node of the pipelines: what came out.
    made: Vec<Id>,
    /// By string: its row in `found`.
    found_row: Vec<u32>,
    /// Three parts of a row: operators that may hold, that do, that were asked.
    found: Vec<u64>,
    /// By string: its row in `hits`, that of a string which differs in the case of letters alone.
    hits_row: Vec<u32>,
    /// By string: the string that it was before a transformation that only folds the case of letters.
    unfolded: Vec<u32>,
    /// Operators of which a literal was found.
    hits: Vec<u64>,
    /// By string: its bytes as bits; nothing when they were not looked at.
    bytes: Vec<[u64; 4]>,
    seen: Vec<u64>,
    buffer: Vec<u8>,
    /// Work done.
    pub work: Work,
}

impl Memo {
    pub fn new() -> Memo {
        Memo {
            arena: Arena::new(limits::STRING_BYTES),
            made_row: Vec::new(),
            made: Vec::new(),
            found_row: Vec::new(),
            found: Vec::new(),
            hits_row: Vec::new(),
            unfolded: Vec::new(),
            hits: Vec::new(),
            bytes: Vec::new(),
            seen: Vec::new(),
            buffer: Vec::new(),
            work: Work::default(),
        }
    }

    /// Forgets all but keeps the memory.
    pub fn clear(&mut self) {
        self.arena.clear();
        self.made_row.clear();
        self.found_row.clear();
        self.made.clear();
        self.found.clear();
        self.hits_row.clear();
        self.unfolded.clear();
        self.hits.clear();
        self.bytes.clear();
        self.made.shrink_to(limits::KEPT_BYTES / 4);
        self.found.shrink_to(limits::KEPT_BYTES / 8);
        self.buffer.shrink_to(limits::KEPT_BYTES);
        self.work = Work::default();
    }

    /// The bytes of a string as bits.
    fn bytes(&mut self, value: Id) -> [u64; 4] {
        let at = value.0 as usize;
        if at >= self.bytes.len() {
            self.bytes.resize(at + 1, [0; 4]);
        }
        if self.bytes[at] == [0; 4] {
            self.bytes[at] = present(self.arena.get(value));
        }
        self.bytes[at]
    }

    /// A value after a pipeline.
    pub fn transform(&mut self, program: &Program, value: Id, node: u32) -> Id {
        if node == 0 || disjoint(&self.bytes(value), &program.pipelines.node(node).all_triggers) {
            return value;
        }
        let row = row(&mut self.made_row, value, || {
            let row = self.made.len() as u32;
            self.made.resize(self.made.len() + program.pipelines.len(), Id::NONE);
            row
        });
        let done = self.made[(row + node) as usize];
        if done.is_some() {
            return done;
        }
        let mut at = value;
        for step in program.pipelines.chain(node) {
            let cell = (row + step) as usize;
            if !self.made[cell].is_some() {
                self.made[cell] = self.apply(program, at, *step);
            }
            at = self.made[cell];
        }
        at
    }

    /// A value after one transformation.
    fn apply(&mut self, program: &Program, value: Id, node: u32) -> Id {
        let node = program.pipelines.node(node);
        if disjoint(&self.bytes(value), &node.triggers) {
            return value;
        }
        self.work.transformed += 1;
        self.buffer.clear();
        if !node.transformation().apply(self.arena.get(value), &mut self.buffer) {
            return value;
        }
        let made = self.arena.intern(&self.buffer);
        if node.folds {
            // Literals are looked for without regard to case: what was found in one stands in the other.
            let before = self.unfold(value);
            if before != made {
                row(&mut self.unfolded, made, || before.0);
            }
        }
        made
    }

    /// The first string that this one is but for the case of letters.
    fn unfold(&self, value: Id) -> Id {
        let mut same = value;
        while let Some(before) = self.unfolded.get(same.0 as usize).filter(|before| **before != NONE) {
            same = Id(*before);
        }
        same
    }

    /// Operators that may hold of a string, bit by bit.
    pub fn may(&mut self, program: &Program, value: Id) -> &[u64] {
        let (row, words) = (self.row(program, value), program.scan.words());
        &self.found[row..row + words]
    }

    fn row(&mut self, program: &Program, value: Id) -> usize {
        if let Some(row) = self.found_row.get(value.0 as usize).filter(|row| **row != NONE) {
            return *row as usize;
        }
        let words = program.scan.words();
        let hits = self.literals(program, value);
        let bytes = self.bytes(value);
        let start = self.found.len();
        self.found.resize(start + 3 * words, 0);
        let (may, rest) = self.found[start..].split_at_mut(words);
        let (does, asked) = rest.split_at_mut(words);
        let length = self.arena.get(value).len();
        program.scan.judge(&self.hits[hits..hits + words], &bytes, length, may, does);
        asked.copy_from_slice(does);
        row(&mut self.found_row, value, || start as u32) as usize
    }

    /// The row of the literals in a string, scanned once for all that differ in case alone.
    fn literals(&mut self, program: &Program, value: Id) -> usize {
        let same = self.unfold(value);
        let words = program.scan.words();
        let hits = row(&mut self.hits_row, same, || {
            let start = self.hits.len();
            self.hits.resize(start + words, 0);
            let text = self.arena.get(same);
            self.work.scanned += text.len() as u64;
            program.scan.literals(text, &mut self.seen, &mut self.hits[start..]);
            start as u32
        });
        hits as usize
    }

    /// Whether a test made at load holds of a string; it is run at most once a string.
    pub fn holds(&mut self, program: &Program, test: u32, value: Id) -> bool {
        let made = &program.tests[test as usize];
        if !made.heavy {
            self.work.confirmed += 1;
            return made.matcher.holds(self.arena.get(value), None);
        }
        let (row, words) = (self.row(program, value), program.scan.words());
        if !has(&self.found[row..row + words], test) {
            return false;
        }
        if !has(&self.found[row + 2 * words..row + 3 * words], test) {
            let text = self.arena.get(value);
            self.work.confirmed += 1;
            self.work.confirmed_bytes += text.len() as u64;
            set(&mut self.found[row + 2 * words..row + 3 * words], test);
            if made.matcher.holds(text, None) {
                set(&mut self.found[row + words..row + 2 * words], test);
            }
        }
        has(&self.found[row + words..row + 2 * words], test)
    }

    /// Number of a number's text.
    pub fn number(&mut self, number: i64) -> Id {
        let mut text = [0_u8; 20];
        let mut at = text.len();
        let mut rest = number.unsigned_abs();
        loop {
            at -= 1;
            text[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        if number < 0 {
            at -= 1;
            text[at] = b'-';
        }
        self.arena.intern(&text[at..])
    }
}

fn disjoint(one: &[u64; 4], other: &[u64; 4]) -> bool {
    one.iter().zip(other).all(|(one, other)| one & other == 0)
}

/// The row of a string, made when it has none.
fn row(rows: &mut Vec<u32>, value: Id, make: impl FnOnce() -> u32) -> u32 {
    let at = value.0 as usize;
    if at >= rows.len() {
        rows.resize(at + 1, NONE);
    }
    if rows[at] == NONE {
        rows[at] = make();
    }
    rows[at]
}

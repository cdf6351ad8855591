//! What is known of strings: what transformations make of them, which operators hold of them, which questions of rules
//! are open. It is a matter of the rules and the string alone, so it stays from one transaction to the next as long as
//! the strings do.

use super::intern::{Arena, Id};
use crate::compile::Program;
use crate::compile::question::bits;
use crate::compile::scan::{has, present, set};
use crate::compile::target::Pick;
use crate::limits;
use crate::operator::Captures;
use crate::verdict::Work;
use rapidhash::fast::RandomState;
use std::collections::HashMap;

/// No row yet.
const NONE: u32 = u32::MAX;
/// A name that is none of `TX`.
const FOREIGN: u32 = u32::MAX - 1;
/// Numbers whose texts are kept.
const NUMBERS: usize = 64;

/// The memory.
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
    /// By string: its row in `open` and `answered`.
    open_row: Vec<u32>,
    /// Questions that may be answered with yes; a question found to be answered with no is closed.
    open: Vec<u64>,
    /// By row: behind which nodes its questions were looked at.
    looked: Vec<u128>,
    /// Nodes, and the questions that are open behind them of any value: those of the last mask.
    unsure: (u128, Vec<u64>),
    /// What nodes make of the value that is looked at.
    images: Vec<(Id, u128)>,
    /// By number of a text of the rules: its string.
    constants: Vec<Id>,
    /// By number of a name of `TX`: its string.
    names: Vec<Id>,
    /// By string: the number of the name of `TX` that it is.
    slots: Vec<u32>,
    /// By string: patterns of names that were asked whether they take it, and those that do.
    taken: Vec<[u64; 2]>,
    /// By small number: its text.
    numbers: [Id; NUMBERS],
    /// What groups took, by test and string: where it begins and ends in `groups`.
    captured: HashMap<(u32, Id), (u32, u32), RandomState>,
    groups: Vec<Id>,
    /// Whether a test made of an argument holds of a string: by number of the test, argument and string.
    answers: HashMap<(u32, Id, Id), bool, RandomState>,
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
            open_row: Vec::new(),
            open: Vec::new(),
            looked: Vec::new(),
            unsure: (0, Vec::new()),
            images: Vec::new(),
            constants: Vec::new(),
            names: Vec::new(),
            slots: Vec::new(),
            taken: Vec::new(),
            numbers: [Id::NONE; NUMBERS],
            captured: HashMap::default(),
            groups: Vec::new(),
            answers: HashMap::default(),
            seen: Vec::new(),
            buffer: Vec::new(),
            work: Work::default(),
        }
    }

    /// Begins a transaction; what is known stays while it is little.
    pub fn begin(&mut self) {
        self.work = Work::default();
        if self.arena.begin() {
            self.clear();
        }
    }

    /// Forgets all but keeps the memory.
    fn clear(&mut self) {
        self.made_row.clear();
        self.found_row.clear();
        self.made.clear();
        self.found.clear();
        self.hits_row.clear();
        self.unfolded.clear();
        self.hits.clear();
        self.bytes.clear();
        self.open_row.clear();
        self.open.clear();
        self.looked.clear();
        self.constants.clear();
        self.names.clear();
        self.slots.clear();
        self.taken.clear();
        self.numbers = [Id::NONE; NUMBERS];
        self.captured.clear();
        self.groups.clear();
        self.answers.clear();
        self.made.shrink_to(limits::KEPT_BYTES / 4);
        self.found.shrink_to(limits::KEPT_BYTES / 8);
        self.open.shrink_to(limits::KEPT_BYTES / 8);
        self.buffer.shrink_to(limits::KEPT_BYTES);
    }

    /// The string of a text of the rules.
    pub fn constant(&mut self, program: &Program, number: u32) -> Id {
        let at = number as usize;
        if at >= self.constants.len() {
            self.constants.resize(program.constants.len(), Id::NONE);
        }
        if !self.constants[at].is_some() {
            self.constants[at] = self.arena.intern(&program.constants[at].text);
        }
        self.constants[at]
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

    /// The questions that are open of a value, those behind `ends` among them, bit by bit.
    pub fn open(&mut self, program: &Program, value: Id, ends: u128) -> &[u64] {
        let words = program.questions.words();
        let row = row(&mut self.open_row, value, || {
            self.looked.push(0);
            self.open.resize(self.looked.len() * words, 0);
            self.looked.len() as u32 - 1
        }) as usize;
        let missing = ends & !self.looked[row];
        if missing != 0 {
            self.looked[row] |= missing;
            self.look(program, value, missing, row * words);
        }
        &self.open[row * words..][..words]
    }

    /// Opens the questions of a value behind `ends` that what was scanned does not rule out, in the row that begins at
    /// `start`.
    fn look(&mut self, program: &Program, value: Id, ends: u128, start: usize) {
        let questions = &program.questions;
        let changing = questions.changing(&self.bytes(value), ends);
        let mut images = std::mem::take(&mut self.images);
        images.clear();
        images.push((value, ends & !changing));
        for end in bits(changing) {
            let made = self.transform(program, value, questions.node(end));
            match images.iter_mut().find(|(image, _)| *image == made) {
                Some((_, ends)) => *ends |= 1 << end,
                None => images.push((made, 1 << end)),
            }
        }
        if self.unsure.0 != ends {
            self.unsure.1.clear();
            self.unsure.1.resize(questions.words(), 0);
            questions.unsure(ends, &mut self.unsure.1);
            self.unsure.0 = ends;
        }
        let (words, rows) = (program.scan.words(), questions.words());
        for (image, ends) in images.iter().filter(|(_, ends)| *ends != 0) {
            let found = self.row(program, *image);
            let open = &mut self.open[start..start + rows];
            for at in 0..words {
                // What was asked of this string before and does not hold is no question.
                let (may, does) = (self.found[found + at], self.found[found + words + at]);
                let mut tests = may & (does | !self.found[found + 2 * words + at]);
                while tests != 0 {
                    questions.open(64 * at as u32 + tests.trailing_zeros(), *ends, open);
                    tests &= tests - 1;
                }
            }
        }
        let open = &mut self.open[start..start + rows];
        open.iter_mut().zip(&self.unsure.1).for_each(|(open, unsure)| *open |= unsure);
        self.images = images;
    }

    /// Whether a question is open of a value that was looked at.
    pub fn is_open(&self, program: &Program, value: Id, question: u32) -> bool {
        let row = self.open_row[value.0 as usize] as usize * program.questions.words();
        has(&self.open[row..], question)
    }

    /// Closes a question: it was answered with no.
    pub fn close(&mut self, program: &Program, value: Id, question: u32) {
        let row = self.open_row[value.0 as usize] as usize * program.questions.words();
        self.open[row + question as usize / 64] &= !(1 << (question % 64));
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
        let bytes = self.bytes(same);
        let words = program.scan.words();
        let hits = row(&mut self.hits_row, same, || {
            let start = self.hits.len();
            self.hits.resize(start + words, 0);
            let text = self.arena.get(same);
            self.work.scanned += text.len() as u64;
            program.scan.literals(text, &bytes, &mut self.seen, &mut self.hits[start..]);
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

    /// Whether a test made of an argument holds of a string, asked at most once.
    pub fn answer(&mut self, key: (u32, Id, Id), ask: impl FnOnce(&Arena) -> bool) -> bool {
        if let Some(known) = self.answers.get(&key) {
            return *known;
        }
        if self.answers.len() >= limits::KNOWN_STRINGS {
            self.answers.clear();
        }
        self.work.confirmed += 1;
        let holds = ask(&self.arena);
        self.answers.insert(key, holds);
        holds
    }

    /// The string of a name of `TX`.
    pub fn name(&mut self, program: &Program, slot: u32) -> Id {
        let at = slot as usize;
        if at >= self.names.len() {
            self.names.resize(program.names.len(), Id::NONE);
        }
        if !self.names[at].is_some() {
            self.names[at] = self.arena.intern(program.names.name(slot));
        }
        self.names[at]
    }

    /// The number of the name of `TX` that a string is.
    pub fn slot(&mut self, program: &Program, name: Id) -> Option<u32> {
        let slot = row(&mut self.slots, name, || program.names.find(self.arena.get(name)).unwrap_or(FOREIGN));
        (slot != FOREIGN).then_some(slot)
    }

    /// Whether a selector takes a name.
    pub fn takes(&mut self, pick: &Pick, name: Id) -> bool {
        let Pick::Pattern(pattern) = pick else { return pick.takes(self.arena.get(name)) };
        let Some(bit) = 1_u64.checked_shl(pattern.number) else { return pick.takes(self.arena.get(name)) };
        let at = name.0 as usize;
        if at >= self.taken.len() {
            self.taken.resize(at + 1, [0; 2]);
        }
        let [asked, takes] = &mut self.taken[at];
        if *asked & bit == 0 {
            *asked |= bit;
            if pick.takes(self.arena.get(name)) {
                *takes |= bit;
            }
        }
        *takes & bit != 0
    }

    /// What the groups of a test made at load take of a string that it holds of; nothing for a group that took no part.
    pub fn captures(&mut self, program: &Program, test: u32, value: Id) -> &[Id] {
        if let Some((begin, end)) = self.captured.get(&(test, value)) {
            return &self.groups[*begin as usize..*end as usize];
        }
        if self.captured.len() >= limits::KNOWN_STRINGS {
            self.captured.clear();
            self.groups.clear();
        }
        let mut captures = Captures::default();
        program.tests[test as usize].matcher.holds(self.arena.get(value), Some(&mut captures));
        let begin = self.groups.len();
        for group in &captures.0 {
            self.groups.push(group.as_ref().map_or(Id::NONE, |text| self.arena.intern(text)));
        }
        self.captured.insert((test, value), (begin as u32, self.groups.len() as u32));
        &self.groups[begin..]
    }

    /// Number of a number's text.
    pub fn number(&mut self, number: i64) -> Id {
        let Some(known) = usize::try_from(number).ok().filter(|at| *at < NUMBERS) else { return self.written(number) };
        if !self.numbers[known].is_some() {
            self.numbers[known] = self.written(number);
        }
        self.numbers[known]
    }

    fn written(&mut self, number: i64) -> Id {
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

//! From tests as written to programs over the shared matchers of a bucket.

use crate::field_map::Sort;
use crate::program::{How, Program};
use crate::route::{self, Reach};
use crate::scan::Needles;
use crate::view::{CALL_NAMES, Meaning, Spot, View};
use pattern::{Expression, Flags, Glob, Piece, Place};
use record::Field;
use sigma::modifier::Order;
use sigma::selection::{Detection, Test, Tree, boolean, integer};
use sigma::text;
use std::net::IpAddr;

/// Algorithms of Sigma's `Hashes` that no sensor of ours measures.
const OTHER_HASHES: &[&[u8]] = &[b"md5=", b"sha1=", b"imphash=", b"sha512="];

/// What a rule is about, beside its tests.
#[derive(Debug, Clone, Copy)]
pub(crate) struct About<'r> {
    pub category: Option<&'r str>,
    pub reach: &'r Reach,
}

/// Compiles a rule for the events of a slot, adding what it looks for to the bucket's needles.
pub(crate) fn lower(detection: &Detection, about: About<'_>, slot: usize, needles: &mut Needles) -> Program {
    compile(detection, about, slot, needles, false)
}

/// Whether a rule can match an event of a slot, as far as the slot itself tells.
pub(crate) fn can_match(detection: &Detection, about: About<'_>, slot: usize) -> bool {
    !compile(detection, about, slot, &mut Needles::default(), true).never()
}

/// `fold` replaces tests of what a slot fixes (`file.op`) by their answer; a bucket serves several slots and must not.
fn compile(detection: &Detection, about: About<'_>, slot: usize, needles: &mut Needles, fold: bool) -> Program {
    let calls = detection.fields.iter().any(|field| CALL_NAMES.contains(&field.name.as_str()));
    let mut program = Program::default();
    let mut roots = Vec::new();
    for view in about.reach.views(slot, calls) {
        let mut lowering = Lowering::new(detection, about, view, slot, needles, program);
        lowering.fold = fold;
        let selections: Vec<u32> = detection.selections.iter().map(|tree| lowering.tree(tree, &[])).collect();
        roots.push(lowering.tree(&detection.condition, &selections));
        program = lowering.program;
    }
    // One rule has one answer, whichever view gives it.
    program.root = program.any(roots);
    program
}

struct Lowering<'b> {
    slot: usize,
    fold: bool,
    /// `field: ''` fits an absent field too: our sensors leave out what they do not know. A record of a log says which
    /// of the two it is.
    empty_is_absent: bool,
    meanings: Vec<Meaning>,
    needles: &'b mut Needles,
    program: Program,
}

impl<'b> Lowering<'b> {
    fn new(
        detection: &Detection,
        about: About<'_>,
        view: View,
        slot: usize,
        needles: &'b mut Needles,
        program: Program,
    ) -> Lowering<'b> {
        let mut meaning = |name: &str| view.meaning(about.category, slot, name, &mut needles.names);
        let meanings = detection.fields.iter().map(|field| meaning(&field.name)).collect();
        Lowering { slot, fold: false, empty_is_absent: view != View::Log, meanings, needles, program }
    }

    fn tree(&mut self, tree: &Tree, selections: &[u32]) -> u32 {
        match tree {
            Tree::All(parts) => {
                let children = parts.iter().map(|part| self.tree(part, selections)).collect();
                self.program.all(children)
            }
            Tree::Any(parts) => {
                let children = parts.iter().map(|part| self.tree(part, selections)).collect();
                self.program.any(children)
            }
            Tree::Not(inner) => {
                let child = self.tree(inner, selections);
                self.program.not(child)
            }
            Tree::Selection(index) => match selections.get(*index) {
                Some(node) => *node,
                None => self.program.constant(false),
            },
            Tree::Item { field, test } => match &self.meanings[*field] {
                Meaning::Any(spots) => {
                    let spots = spots.clone();
                    let children = spots.into_iter().map(|spot| self.test(spot, test, *field as u32)).collect();
                    self.program.any(children)
                }
                Meaning::Constant(text) => {
                    let holds = holds(test, Some(text));
                    self.program.constant(holds)
                }
                Meaning::Absent => {
                    let holds = holds(test, None);
                    self.program.constant(holds)
                }
            },
        }
    }

    fn test(&mut self, spot: Spot, test: &Test, label: u32) -> u32 {
        if self.fold
            && let (Spot::Field(field), Test::Text { pieces, cased }) = (spot, test)
            && let Some(fixed) = route::constant(self.slot, field)
        {
            return self.program.constant(text_fits(pieces, *cased, fixed));
        }
        match test {
            Test::Text { pieces, cased } => self.text(spot, pieces, *cased, label),
            Test::Expression(expression) => self.expression(spot, expression, label),
            Test::Prefix(prefix) if spot.sort() == Sort::Address => self.prefix(spot, *prefix, label),
            Test::Prefix(prefix) => self.program.test(spot, How::Prefix(*prefix), label),
            Test::Order { order, number, part: None } if *order == Order::Equal && number.fract() == 0.0 => {
                self.number(spot, *number as i64, label)
            }
            Test::Order { order, number, part } => {
                self.program.test(spot, How::Order { order: *order, number: *number, part: *part }, label)
            }
            Test::Exists => self.program.test(spot, How::Exists, label),
            Test::Reference { field, place, cased } => match &self.meanings[*field] {
                Meaning::Any(spots) => {
                    let how = |other: &Spot| How::Reference { other: *other, place: *place, cased: *cased };
                    let tests: Vec<How> = spots.iter().map(how).collect();
                    let children = tests.into_iter().map(|how| self.program.test(spot, how, label)).collect();
                    self.program.any(children)
                }
                _ => self.program.constant(false),
            },
        }
    }

    /// A value without modifiers that change the comparison: what it means depends on the field.
    fn text(&mut self, spot: Spot, pieces: &[Piece], cased: bool, label: u32) -> u32 {
        let written = text::plain(pieces).and_then(|bytes| std::str::from_utf8(bytes).ok());
        match (spot.sort(), written) {
            (_, Some("")) if self.empty_is_absent => {
                let exists = self.program.test(spot, How::Exists, label);
                return self.program.not(exists);
            }
            (Sort::Number, Some(written)) => {
                if let Some(number) = integer(written).or_else(|| spot.origin()?.number_of(written)) {
                    return self.number(spot, number, label);
                }
            }
            (Sort::Flag, Some(written)) => {
                if let Some(flag) = boolean(written) {
                    return self.number(spot, i64::from(flag), label);
                }
            }
            (Sort::Address, Some(written)) => {
                if let Ok(address) = written.parse::<IpAddr>() {
                    return self.prefix(spot, base::Prefix::single(address), label);
                }
            }
            (Sort::Hex, _) => {
                let Some(pieces) = digits(pieces) else { return self.program.constant(false) };
                return self.pieces(spot, &pieces, cased, label);
            }
            _ => {}
        }
        self.pieces(spot, pieces, cased, label)
    }

    /// Text with wildcards: one literal where its form allows, else a glob behind its longest literal.
    fn pieces(&mut self, spot: Spot, pieces: &[Piece], cased: bool, label: u32) -> u32 {
        // The automata fold ASCII only; a letter beyond it has its other case in Unicode's table.
        if !cased && let Some(expression) = unicode(pieces) {
            return self.expression(spot, &expression, label);
        }
        let literal = match pieces {
            [] => return self.literal(spot, &[], Place::Whole, cased, label),
            [Piece::Text(text)] => Some((text, Place::Whole)),
            [Piece::Any, Piece::Text(text)] => Some((text, Place::End)),
            [Piece::Text(text), Piece::Any] => Some((text, Place::Start)),
            [Piece::Any, Piece::Text(text), Piece::Any] => Some((text, Place::Anywhere)),
            _ if pieces.iter().all(|piece| *piece == Piece::Any) => {
                // A star takes an empty text too.
                let how = if self.empty_is_absent { How::Exists } else { How::Glob(Glob::new(pieces, cased)) };
                return self.program.test(spot, how, label);
            }
            _ => None,
        };
        if let Some((text, place)) = literal {
            return self.literal(spot, text, place, cased, label);
        }
        let glob = self.program.test(spot, How::Glob(Glob::new(pieces, cased)), label);
        let texts = pieces.iter().enumerate().filter_map(|(at, piece)| match piece {
            Piece::Text(text) => Some((at, text)),
            _ => None,
        });
        let Some((at, longest)) = texts.max_by_key(|(_, text)| text.len()) else { return glob };
        let place = match at {
            0 => Place::Start,
            at if at + 1 == pieces.len() => Place::End,
            _ => Place::Anywhere,
        };
        let guard = self.literal(spot, longest, place, cased, label);
        self.program.all(vec![guard, glob])
    }

    fn literal(&mut self, spot: Spot, text: &[u8], place: Place, cased: bool, label: u32) -> u32 {
        let (scan, atom) = self.needles.literal(spot, text, place, cased);
        self.program.atom(scan, atom, label)
    }

    fn expression(&mut self, spot: Spot, expression: &Expression, label: u32) -> u32 {
        let test = self.program.test(spot, How::Expression(expression.clone()), label);
        let Some(guards) = expression.guards() else { return test };
        let atoms = guards.iter().map(|guard| self.literal(spot, guard, Place::Anywhere, false, label)).collect();
        let guard = self.program.any(atoms);
        self.program.all(vec![guard, test])
    }

    fn number(&mut self, spot: Spot, number: i64, label: u32) -> u32 {
        if !matches!(spot.sort(), Sort::Number | Sort::Flag) {
            let how = How::Order { order: Order::Equal, number: number as f64, part: None };
            return self.program.test(spot, how, label);
        }
        let (scan, atom) = self.needles.number(spot, number);
        self.program.atom(scan, atom, label)
    }

    fn prefix(&mut self, spot: Spot, prefix: base::Prefix, label: u32) -> u32 {
        let (scan, atom) = self.needles.prefix(spot, prefix);
        self.program.atom(scan, atom, label)
    }
}

/// Whether a test holds for a fixed text, or for nothing.
fn holds(test: &Test, fixed: Option<&str>) -> bool {
    match (test, fixed) {
        (Test::Text { pieces, cased }, Some(fixed)) => Glob::new(pieces, *cased).fits(fixed.as_bytes()),
        // As in our own events, an empty text is an absent one.
        (Test::Text { pieces, .. }, None) => pieces.is_empty(),
        (Test::Expression(expression), Some(fixed)) => expression.fits(fixed.as_bytes()),
        (Test::Exists, fixed) => fixed.is_some(),
        _ => false,
    }
}

/// Whether a written value fits a fixed text. `yes` and `1` are ways to write `true`.
fn text_fits(pieces: &[Piece], cased: bool, fixed: &str) -> bool {
    let written = text::plain(pieces).and_then(|bytes| std::str::from_utf8(bytes).ok());
    match (written.and_then(boolean), boolean(fixed)) {
        (Some(written), Some(fixed)) => written == fixed,
        _ => Glob::new(pieces, cased).fits(fixed.as_bytes()),
    }
}

/// The expression of a text with letters beyond ASCII, any case; `None` for other texts.
fn unicode(pieces: &[Piece]) -> Option<Expression> {
    let folds =
        |letter: char| !(letter.is_ascii() || letter.to_lowercase().eq([letter]) && letter.to_uppercase().eq([letter]));
    let beyond = |piece: &Piece| match piece {
        Piece::Text(text) => std::str::from_utf8(text).is_ok_and(|text| text.chars().any(folds)),
        _ => false,
    };
    if !pieces.iter().any(beyond) {
        return None;
    }
    let mut pattern = String::from("(?isu)^");
    for piece in pieces {
        match piece {
            Piece::Text(text) => pattern.push_str(&pattern::escape(std::str::from_utf8(text).ok()?)),
            Piece::Any => pattern.push_str(".*"),
            Piece::One => pattern.push('.'),
        }
    }
    pattern.push('$');
    Expression::new(&pattern, Flags::default()).ok()
}

/// A hash as we show it: without `SHA256=`; `None` for a hash of another algorithm.
fn digits(pieces: &[Piece]) -> Option<Vec<Piece>> {
    const OURS: &[u8] = b"sha256=";
    let mut cut = Vec::with_capacity(pieces.len());
    for piece in pieces {
        match piece {
            Piece::Text(text) => {
                let folded = text.to_ascii_lowercase();
                if OTHER_HASHES.iter().any(|name| folded.starts_with(name)) {
                    return None;
                }
                let from = if folded.starts_with(OURS) { OURS.len() } else { 0 };
                cut.push(Piece::Text(text[from..].to_vec()));
            }
            other => cut.push(other.clone()),
        }
    }
    Some(cut)
}

/// How rarely a literal is seen in a field, 0 to 1, as a guess: long, anchored texts in the event's own fields are
/// rare. Wrong guesses cost time, never hits.
pub(crate) fn rarity(spot: Spot, text: &[u8], place: Place) -> f32 {
    let length = text.len().min(16) as f32;
    let placed = match place {
        Place::Whole => 0.02,
        Place::End => 0.05,
        Place::Start => 0.2,
        Place::Anywhere => 0.4,
    };
    // System folders are long and common.
    let common = [&b"/usr/"[..], b"/bin/", b"/etc/", b"/lib", b"/proc/", b"/sys/"];
    let folder = if common.iter().any(|folder| text.starts_with(folder)) && text.len() < 14 { 8.0 } else { 1.0 };
    placed * folder * 0.7f32.powf(length) * weight(spot) + 1e-4
}

/// How much dearer it is to look at a field for every event: fields of the event itself are looked at anyway.
pub(crate) fn weight(spot: Spot) -> f32 {
    match spot {
        Spot::Field(Field::AncestorExes) => 60.0,
        Spot::Field(Field::ParentCmdLine | Field::ProcessSha256) => 30.0,
        Spot::Field(Field::ParentExe | Field::ParentComm | Field::ProcessCwd | Field::ProcessUser) => 10.0,
        _ => 1.0,
    }
}

//! From tests as written to programs over the shared matchers of a bucket.

use crate::field_map::{self, Origin, Sort};
use crate::modifier::Order;
use crate::program::{How, Program};
use crate::rule::LogSource;
use crate::scan::Needles;
use crate::selection::{Detection, Test, Tree, boolean, integer};
use crate::{route, text};
use pattern::{Expression, Flags, Glob, Piece, Place, Prefix};
use record::Field;
use std::net::IpAddr;

/// Algorithms of Sigma's `Hashes` that no sensor of ours measures.
const OTHER_HASHES: &[&[u8]] = &[b"md5=", b"sha1=", b"imphash=", b"sha512="];

/// Compiles a rule for the events of a slot, adding what it looks for to the bucket's needles.
pub(crate) fn lower(detection: &Detection, source: &LogSource, slot: usize, needles: &mut Needles) -> Program {
    compile(detection, source, slot, needles, false)
}

/// Whether a rule can match an event of a slot, as far as the slot itself tells.
pub(crate) fn can_match(detection: &Detection, source: &LogSource, slot: usize) -> bool {
    !compile(detection, source, slot, &mut Needles::default(), true).never()
}

/// `fold` replaces tests of what a slot fixes (`file.op`) by their answer; a bucket serves several slots and must not.
fn compile(detection: &Detection, source: &LogSource, slot: usize, needles: &mut Needles, fold: bool) -> Program {
    let origins = detection
        .fields
        .iter()
        .map(|field| field_map::origin(source.category.as_deref(), route::turned(slot), &field.name))
        .collect();
    let mut lowering = Lowering { slot, fold, origins, needles, program: Program::default() };
    let selections: Vec<u32> = detection.selections.iter().map(|tree| lowering.tree(tree, &[])).collect();
    let root = lowering.tree(&detection.condition, &selections);
    lowering.program.root = root;
    lowering.program
}

struct Lowering<'b> {
    slot: usize,
    fold: bool,
    origins: Vec<Option<Origin>>,
    needles: &'b mut Needles,
    program: Program,
}

impl Lowering<'_> {
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
            Tree::Item { field, test } => match self.origins[*field] {
                Some(origin) => self.test(origin, test, *field as u32),
                // Keywords: in every text of the event itself.
                None => {
                    let fields = field_map::keyword_fields(route::kind(self.slot));
                    let children =
                        fields.iter().map(|one| self.test(Origin::Field(*one), test, *field as u32)).collect();
                    self.program.any(children)
                }
            },
        }
    }

    fn test(&mut self, origin: Origin, test: &Test, label: u32) -> u32 {
        if self.fold
            && let (Origin::Field(field), Test::Text { pieces, cased }) = (origin, test)
            && let Some(fixed) = route::constant(self.slot, field)
        {
            return self.program.constant(text_fits(pieces, *cased, fixed));
        }
        match test {
            Test::Text { pieces, cased } => self.text(origin, pieces, *cased, label),
            Test::Expression(expression) => self.expression(origin, expression, label),
            Test::Prefix(prefix) if origin.sort() == Sort::Address => self.prefix(origin, *prefix, label),
            Test::Prefix(prefix) => self.program.test(origin, How::Prefix(*prefix), label),
            Test::Order { order, number, part: None } if *order == Order::Equal && number.fract() == 0.0 => {
                self.number(origin, *number as i64, label)
            }
            Test::Order { order, number, part } => {
                self.program.test(origin, How::Order { order: *order, number: *number, part: *part }, label)
            }
            Test::Exists => self.program.test(origin, How::Exists, label),
            Test::Reference { field, place, cased } => match self.origins[*field] {
                Some(other) => self.program.test(origin, How::Reference { other, place: *place, cased: *cased }, label),
                None => self.program.constant(false),
            },
        }
    }

    /// A value without modifiers that change the comparison: what it means depends on the field.
    fn text(&mut self, origin: Origin, pieces: &[Piece], cased: bool, label: u32) -> u32 {
        let written = text::plain(pieces).and_then(|bytes| std::str::from_utf8(bytes).ok());
        match (origin.sort(), written) {
            (_, Some("")) => {
                let exists = self.program.test(origin, How::Exists, label);
                return self.program.not(exists);
            }
            (Sort::Number, Some(written)) => {
                if let Some(number) = integer(written).or_else(|| origin.number_of(written)) {
                    return self.number(origin, number, label);
                }
            }
            (Sort::Flag, Some(written)) => {
                if let Some(flag) = boolean(written) {
                    return self.number(origin, i64::from(flag), label);
                }
            }
            (Sort::Address, Some(written)) => {
                if let Ok(address) = written.parse::<IpAddr>() {
                    return self.prefix(origin, Prefix::single(address), label);
                }
            }
            (Sort::Hex, _) => {
                let Some(pieces) = digits(pieces) else { return self.program.constant(false) };
                return self.pieces(origin, &pieces, cased, label);
            }
            _ => {}
        }
        self.pieces(origin, pieces, cased, label)
    }

    /// Text with wildcards: one literal where its form allows, else a glob behind its longest literal.
    fn pieces(&mut self, origin: Origin, pieces: &[Piece], cased: bool, label: u32) -> u32 {
        // The automata fold ASCII only; a letter beyond it has its other case in Unicode's table.
        if !cased && let Some(expression) = unicode(pieces) {
            return self.expression(origin, &expression, label);
        }
        let literal = match pieces {
            [Piece::Text(text)] => Some((text, Place::Whole)),
            [Piece::Any, Piece::Text(text)] => Some((text, Place::End)),
            [Piece::Text(text), Piece::Any] => Some((text, Place::Start)),
            [Piece::Any, Piece::Text(text), Piece::Any] => Some((text, Place::Anywhere)),
            _ if pieces.iter().all(|piece| *piece == Piece::Any) => {
                return self.program.test(origin, How::Exists, label);
            }
            _ => None,
        };
        if let Some((text, place)) = literal {
            return self.literal(origin, text, place, cased, label);
        }
        let glob = self.program.test(origin, How::Glob(Glob::new(pieces, cased)), label);
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
        let guard = self.literal(origin, longest, place, cased, label);
        self.program.all(vec![guard, glob])
    }

    fn literal(&mut self, origin: Origin, text: &[u8], place: Place, cased: bool, label: u32) -> u32 {
        let (scan, atom) = self.needles.literal(origin, text, place, cased);
        self.program.atom(scan, atom, label)
    }

    fn expression(&mut self, origin: Origin, expression: &Expression, label: u32) -> u32 {
        let test = self.program.test(origin, How::Expression(expression.clone()), label);
        let Some(guards) = expression.guards() else { return test };
        let atoms = guards.iter().map(|guard| self.literal(origin, guard, Place::Anywhere, false, label)).collect();
        let guard = self.program.any(atoms);
        self.program.all(vec![guard, test])
    }

    fn number(&mut self, origin: Origin, number: i64, label: u32) -> u32 {
        if !matches!(origin.sort(), Sort::Number | Sort::Flag) {
            let how = How::Order { order: Order::Equal, number: number as f64, part: None };
            return self.program.test(origin, how, label);
        }
        let (scan, atom) = self.needles.number(origin, number);
        self.program.atom(scan, atom, label)
    }

    fn prefix(&mut self, origin: Origin, prefix: Prefix, label: u32) -> u32 {
        let (scan, atom) = self.needles.prefix(origin, prefix);
        self.program.atom(scan, atom, label)
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
pub(crate) fn rarity(origin: Origin, text: &[u8], place: Place) -> f32 {
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
    placed * folder * 0.7f32.powf(length) * weight(origin) + 1e-4
}

/// How much dearer it is to look at a field for every event: fields of the event itself are looked at anyway.
pub(crate) fn weight(origin: Origin) -> f32 {
    match origin {
        Origin::Field(Field::AncestorExes) => 60.0,
        Origin::Field(Field::ParentCmdLine | Field::ProcessSha256) => 30.0,
        Origin::Field(Field::ParentExe | Field::ParentComm | Field::ProcessCwd | Field::ProcessUser) => 10.0,
        _ => 1.0,
    }
}

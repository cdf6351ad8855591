//! The modifiers behind a field name: what they do to values, and how the values are compared.

use crate::text;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pattern::{Flags, Piece, Place};
use std::collections::BTreeMap;

/// Values of placeholders (`expand`), by name without percent signs.
pub type Placeholders = BTreeMap<String, Vec<String>>;

/// How a value is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// Text with wildcards, number, flag or address: as the field is.
    Same,
    /// A regular expression.
    Expression(Flags),
    /// A range of addresses.
    Prefix,
    /// A number.
    Order(Order),
    /// Whether the field is there.
    Exists,
    /// Another field of the event, at this place of ours.
    Reference(Place),
}

/// How numbers are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the comparison of the same name")]
pub enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Order {
    /// Whether `found` stands so to `given`.
    pub fn holds(self, found: f64, given: f64) -> bool {
        match self {
            Order::Equal => found == given,
            Order::Less => found < given,
            Order::LessOrEqual => found <= given,
            Order::Greater => found > given,
            Order::GreaterOrEqual => found >= given,
        }
    }
}

/// A part of a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the part of the same name; weeks are those of ISO 8601")]
pub enum TimePart {
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Year,
}

/// A change of the value, in the order written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Contains,
    Start,
    End,
    Dash,
    Base64,
    Base64Offset,
    Utf16 { big: bool, mark: bool },
    Expand,
}

/// What the modifiers of one field ask for.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    changes: Vec<Change>,
    /// How a value is compared.
    pub operator: Operator,
    /// The part of the time that is compared.
    pub part: Option<TimePart>,
    /// Every value must fit, not any.
    pub all: bool,
    /// Case matters.
    pub cased: bool,
    /// The comparison must fail.
    pub differs: bool,
}

impl Plan {
    /// From the words behind the field; a text says what is wrong.
    pub fn new<'w>(words: impl IntoIterator<Item = &'w str>) -> Result<Plan, String> {
        let mut plan = Plan {
            changes: Vec::new(),
            operator: Operator::Same,
            part: None,
            all: false,
            cased: false,
            differs: false,
        };
        for word in words {
            plan.add(word)?;
        }
        plan.settle()?;
        Ok(plan)
    }

    fn add(&mut self, word: &str) -> Result<(), String> {
        let change = match word {
            "contains" => Change::Contains,
            "startswith" => Change::Start,
            "endswith" => Change::End,
            "windash" => Change::Dash,
            "base64" => Change::Base64,
            "base64offset" => Change::Base64Offset,
            "wide" | "utf16le" => Change::Utf16 { big: false, mark: false },
            "utf16be" => Change::Utf16 { big: true, mark: false },
            "utf16" => Change::Utf16 { big: false, mark: true },
            "expand" => Change::Expand,
            other => return self.add_other(other),
        };
        self.changes.push(change);
        Ok(())
    }

    fn add_other(&mut self, word: &str) -> Result<(), String> {
        match word {
            "all" => self.all = true,
            "cased" => self.cased = true,
            "neq" => self.differs = true,
            "minute" => self.part = Some(TimePart::Minute),
            "hour" => self.part = Some(TimePart::Hour),
            "day" => self.part = Some(TimePart::Day),
            "week" => self.part = Some(TimePart::Week),
            "month" => self.part = Some(TimePart::Month),
            "year" => self.part = Some(TimePart::Year),
            "i" | "m" | "s" => {
                let Operator::Expression(flags) = &mut self.operator else {
                    return Err(format!("`{word}` without `re` before it"));
                };
                match word {
                    "i" => flags.ignore_case = true,
                    "m" => flags.multi_line = true,
                    _ => flags.dot_all = true,
                }
            }
            other => self.operate(other)?,
        }
        Ok(())
    }

    fn operate(&mut self, word: &str) -> Result<(), String> {
        let operator = match word {
            "re" => Operator::Expression(Flags::default()),
            "cidr" => Operator::Prefix,
            "lt" => Operator::Order(Order::Less),
            "lte" => Operator::Order(Order::LessOrEqual),
            "gt" => Operator::Order(Order::Greater),
            "gte" => Operator::Order(Order::GreaterOrEqual),
            "exists" => Operator::Exists,
            "fieldref" => Operator::Reference(Place::Whole),
            other => return Err(format!("`{other}`")),
        };
        if self.operator != Operator::Same {
            return Err(format!("`{word}` beside another comparison"));
        }
        self.operator = operator;
        Ok(())
    }

    /// Whether a value is changed before it is compared.
    pub fn changes_text(&self) -> bool {
        !self.changes.is_empty()
    }

    /// Checks that the modifiers go together.
    fn settle(&mut self) -> Result<(), String> {
        if let Operator::Reference(place) = &mut self.operator {
            for change in self.changes.drain(..) {
                *place = match change {
                    Change::Contains => Place::Anywhere,
                    Change::Start => Place::Start,
                    Change::End => Place::End,
                    other => return Err(format!("`fieldref` beside {other:?}")),
                };
            }
        }
        let only_expand = self.changes.iter().all(|change| *change == Change::Expand);
        match self.operator {
            Operator::Same | Operator::Reference(_) => {}
            Operator::Expression(_) | Operator::Prefix if only_expand => {}
            _ if self.changes.is_empty() => {}
            _ => return Err(format!("{:?} beside {:?}", self.operator, self.changes[0])),
        }
        if self.part.is_some() {
            match self.operator {
                Operator::Same if self.changes.is_empty() => self.operator = Operator::Order(Order::Equal),
                Operator::Order(_) => {}
                _ => return Err("a part of a time beside a comparison of text".to_owned()),
            }
        }
        Ok(())
    }

    /// The texts that a value becomes. `limit` bounds their number; a text says what is wrong.
    pub fn texts(&self, value: &str, placeholders: &Placeholders, limit: usize) -> Result<Vec<Vec<Piece>>, Problem> {
        let start =
            if self.changes.contains(&Change::Expand) { expand(value, placeholders)? } else { vec![value.to_owned()] };
        let mut texts: Vec<Vec<Piece>> = start.iter().map(|text| text::parse(text)).collect();
        for change in &self.changes {
            let mut next = Vec::with_capacity(texts.len());
            for text in texts {
                apply(*change, text, &mut next, limit)?;
                if next.len() > limit {
                    return Err(Problem::Limit(limit));
                }
            }
            texts = next;
        }
        Ok(texts)
    }

    /// The values of an operator that takes them as written (`re`, `cidr`).
    pub fn raw(&self, value: &str, placeholders: &Placeholders) -> Result<Vec<String>, Problem> {
        if self.changes.contains(&Change::Expand) { expand(value, placeholders) } else { Ok(vec![value.to_owned()]) }
    }
}

/// Why a value cannot be changed as asked.
#[derive(Debug, PartialEq)]
pub enum Problem {
    /// It becomes more texts than this.
    Limit(usize),
    /// What is wrong.
    Value(String),
    /// This placeholder has no value.
    Placeholder(String),
}

fn apply(change: Change, mut pieces: Vec<Piece>, out: &mut Vec<Vec<Piece>>, limit: usize) -> Result<(), Problem> {
    match change {
        Change::Contains | Change::End | Change::Start => {
            if change != Change::Start {
                text::open_start(&mut pieces);
            }
            if change != Change::End {
                text::open_end(&mut pieces);
            }
            out.push(pieces);
        }
        Change::Expand => out.push(pieces),
        Change::Dash => dashes(&pieces, out, limit)?,
        Change::Utf16 { big, mark } => {
            for piece in &mut pieces {
                if let Piece::Text(text) = piece {
                    *text = utf16(text, big)?;
                }
            }
            if mark {
                pieces.insert(0, Piece::Text(vec![0xff, 0xfe]));
                join(&mut pieces);
            }
            out.push(pieces);
        }
        Change::Base64 => out.push(vec![Piece::Text(STANDARD.encode(whole(&pieces)?).into_bytes())]),
        Change::Base64Offset => {
            let bytes = whole(&pieces)?;
            out.extend((0..3).map(|offset| vec![Piece::Text(shifted(bytes, offset))]));
        }
    }
    Ok(())
}

fn whole(pieces: &[Piece]) -> Result<&[u8], Problem> {
    let wrong = || Problem::Value("base64 of a value with wildcards; put `contains` after it".to_owned());
    text::plain(pieces).filter(|text| !text.is_empty()).ok_or_else(wrong)
}

/// Joins neighbouring texts.
fn join(pieces: &mut Vec<Piece>) {
    let mut joined: Vec<Piece> = Vec::with_capacity(pieces.len());
    for piece in pieces.drain(..) {
        match (joined.last_mut(), piece) {
            (Some(Piece::Text(before)), Piece::Text(text)) => before.extend(text),
            (_, piece) => joined.push(piece),
        }
    }
    *pieces = joined;
}

fn utf16(text: &[u8], big: bool) -> Result<Vec<u8>, Problem> {
    let text = std::str::from_utf8(text).map_err(|_| Problem::Value("text that is encoded already".to_owned()))?;
    let unit = |unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() };
    Ok(text.encode_utf16().flat_map(unit).collect())
}

/// The digits of base64 that do not depend on what stands around the value, when it begins `offset` bytes into a group
/// of three (RFC 4648, 4).
fn shifted(bytes: &[u8], offset: usize) -> Vec<u8> {
    let mut padded = vec![0; offset];
    padded.extend_from_slice(bytes);
    let digits = STANDARD.encode(&padded).into_bytes();
    // 8·offset bits come before; the first digit that they do not touch:
    let first = [0, 2, 3][offset];
    // Whole digits of 6 bits that the value fills to their end:
    let last = padded.len() * 8 / 6;
    digits.get(first..last).unwrap_or(&[]).to_vec()
}

/// The dash-like characters that Windows programs take for each other: hyphen, slash, en dash, em dash, horizontal bar.
const DASHES: [&str; 5] = ["-", "/", "\u{2013}", "\u{2014}", "\u{2015}"];

/// Every choice of dash at every place where an option begins: before a word and not after one.
fn dashes(pieces: &[Piece], out: &mut Vec<Vec<Piece>>, limit: usize) -> Result<(), Problem> {
    let mut made: Vec<Vec<Piece>> = vec![Vec::new()];
    for piece in pieces {
        let Piece::Text(text) = piece else {
            made.iter_mut().for_each(|pieces| pieces.push(piece.clone()));
            continue;
        };
        let word = |byte: Option<&u8>| {
            byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_' || !byte.is_ascii())
        };
        for (index, byte) in text.iter().enumerate() {
            let option = matches!(byte, b'-' | b'/')
                && !word(index.checked_sub(1).and_then(|before| text.get(before)))
                && word(text.get(index + 1));
            if !option {
                made.iter_mut().for_each(|pieces| push(pieces, &[*byte]));
                continue;
            }
            if made.len() * DASHES.len() > limit {
                return Err(Problem::Limit(limit));
            }
            made = made
                .iter()
                .flat_map(|pieces| {
                    DASHES.map(|dash| {
                        let mut pieces = pieces.clone();
                        push(&mut pieces, dash.as_bytes());
                        pieces
                    })
                })
                .collect();
        }
    }
    out.extend(made);
    Ok(())
}

fn push(pieces: &mut Vec<Piece>, bytes: &[u8]) {
    match pieces.last_mut() {
        Some(Piece::Text(text)) => text.extend_from_slice(bytes),
        _ => pieces.push(Piece::Text(bytes.to_vec())),
    }
}

/// Replaces `%name%` by each of its values; `\%` is a percent sign.
fn expand(value: &str, placeholders: &Placeholders) -> Result<Vec<String>, Problem> {
    let mut made = vec![String::new()];
    let mut rest = value;
    while let Some(at) = rest.find('%') {
        if rest[..at].ends_with('\\') {
            made.iter_mut().for_each(|text| {
                text.push_str(&rest[..at - 1]);
                text.push('%');
            });
            rest = &rest[at + 1..];
            continue;
        }
        let Some(end) = rest[at + 1..].find('%') else { break };
        let name = &rest[at + 1..at + 1 + end];
        let values = placeholders.get(name).ok_or_else(|| Problem::Placeholder(format!("%{name}%")))?;
        if made.len().saturating_mul(values.len()) > crate::limits::EXPANSIONS {
            return Err(Problem::Limit(crate::limits::EXPANSIONS));
        }
        made = made
            .iter()
            .flat_map(|text| values.iter().map(move |value| format!("{text}{}{value}", &rest[..at])))
            .collect();
        rest = &rest[at + end + 2..];
    }
    made.iter_mut().for_each(|text| text.push_str(rest));
    Ok(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(words: &[&str], value: &str) -> Vec<String> {
        let show = |pieces: Vec<Piece>| {
            let one = |piece: &Piece| match piece {
                Piece::Text(text) => String::from_utf8_lossy(text).into_owned(),
                Piece::Any => "*".to_owned(),
                Piece::One => "?".to_owned(),
            };
            pieces.iter().map(one).collect::<String>()
        };
        let plan = Plan::new(words.iter().copied()).unwrap();
        plan.texts(value, &Placeholders::new(), 1024).unwrap().into_iter().map(show).collect()
    }

    #[test]
    fn values_change_in_the_order_written() {
        assert_eq!(texts(&["contains"], "a"), ["*a*"]);
        assert_eq!(texts(&["endswith"], "*a"), ["*a"]);
        assert_eq!(texts(&["base64"], "foobar"), ["Zm9vYmFy"]);
        assert_eq!(texts(&["wide", "base64"], "cmd"), ["YwBtAGQA"]);
        assert_eq!(texts(&["utf16be"], "a"), ["\0a"]);
        assert_eq!(texts(&["windash", "contains"], " -c x-y").len(), 5);
        assert_eq!(texts(&["contains", "windash"], "-a /b").len(), 25);
    }

    #[test]
    fn shifted_base64_is_found_at_every_offset() {
        let secret = "/bin/bash -i";
        let wanted = texts(&["base64offset", "contains"], secret);
        assert_eq!(wanted.len(), 3);
        for before in 0..7 {
            for after in 0..4 {
                let text = STANDARD.encode(format!("{}{secret}{}", "x".repeat(before), "y".repeat(after)));
                assert!(wanted.iter().any(|want| text.contains(want.trim_matches('*'))), "{before} {after}");
            }
        }
    }

    #[test]
    fn placeholders_give_each_value() {
        let plan = Plan::new(["expand"]).unwrap();
        let values = Placeholders::from([("host".to_owned(), vec!["a".to_owned(), "b*".to_owned()])]);
        assert_eq!(plan.texts("x%host%", &values, 9).unwrap().len(), 2);
        assert_eq!(plan.texts(r"\%plain 5% off", &values, 9).unwrap(), [[Piece::Text(b"%plain 5% off".to_vec())]]);
        assert_eq!(plan.texts("%other%", &values, 9), Err(Problem::Placeholder("%other%".to_owned())));
    }

    #[test]
    fn modifiers_that_do_not_go_together_are_refused() {
        for words in [
            &["bogus"][..],
            &["i"],
            &["re", "contains"],
            &["cidr", "re"],
            &["lt", "windash"],
            &["fieldref", "base64"],
            &["hour", "re"],
        ] {
            assert!(Plan::new(words.iter().copied()).is_err(), "{words:?}");
        }
    }
}

//! What a value looks like: its kind, its characters.

use serde::{Deserialize, Serialize};

/// What a value is, the narrowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// `true` or `false`.
    Boolean,
    /// Digits, at most 19, perhaps with a minus.
    Integer,
    /// A decimal number, perhaps with an exponent.
    Number,
    /// A UUID (RFC 9562).
    Uuid,
    /// A day: `2026-11-27`.
    Date,
    /// A moment (RFC 3339).
    DateTime,
    /// A mail address, as browsers check it.
    Email,
    /// Any text.
    #[default]
    Text,
}

impl Kind {
    /// Every kind but text, the narrowest first.
    pub const NARROW: &[Kind] =
        &[Kind::Boolean, Kind::Integer, Kind::Number, Kind::Uuid, Kind::Date, Kind::DateTime, Kind::Email];

    /// OpenAPI's `type` and `format`.
    pub fn names(self) -> (&'static str, Option<&'static str>) {
        match self {
            Kind::Boolean => ("boolean", None),
            Kind::Integer => ("integer", None),
            Kind::Number => ("number", None),
            Kind::Uuid => ("string", Some("uuid")),
            Kind::Date => ("string", Some("date")),
            Kind::DateTime => ("string", Some("date-time")),
            Kind::Email => ("string", Some("email")),
            Kind::Text => ("string", None),
        }
    }

    /// Whether a value is of the kind.
    pub fn holds(self, value: &[u8]) -> bool {
        match self {
            Kind::Boolean => matches!(value, b"true" | b"false"),
            Kind::Integer => is_integer(value),
            Kind::Number => is_number(value),
            Kind::Uuid => fits(value, b"xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"),
            Kind::Date => is_date(value),
            Kind::DateTime => is_date_time(value),
            Kind::Email => is_email(value),
            Kind::Text => true,
        }
    }
}

/// Whether a value fits a picture: `x` a hexadecimal digit, `0` a decimal one, all else itself.
fn fits(value: &[u8], picture: &[u8]) -> bool {
    let one = |(byte, place): (&u8, &u8)| match place {
        b'x' => byte.is_ascii_hexdigit(),
        b'0' => byte.is_ascii_digit(),
        same => byte == same,
    };
    value.len() == picture.len() && value.iter().zip(picture).all(one)
}

fn is_integer(value: &[u8]) -> bool {
    let digits = value.strip_prefix(b"-").unwrap_or(value);
    (1..=19).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit)
}

fn is_number(value: &[u8]) -> bool {
    // The standard library also takes `inf` and `nan`.
    let plain = value.iter().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(byte));
    let text = std::str::from_utf8(value).unwrap_or_default();
    plain && value.len() <= 40 && text.parse::<f64>().is_ok()
}

fn is_date(value: &[u8]) -> bool {
    let two = |at: usize| (value[at] - b'0') * 10 + value[at + 1] - b'0';
    fits(value, b"0000-00-00") && (1..=12).contains(&two(5)) && (1..=31).contains(&two(8))
}

fn is_date_time(value: &[u8]) -> bool {
    let Some((date, time)) = value.split_at_checked(10) else { return false };
    let Some((clock, rest)) = time.split_at_checked(9) else { return false };
    if !is_date(date) || !(fits(clock, b"T00:00:00") || fits(clock, b"t00:00:00") || fits(clock, b" 00:00:00")) {
        return false;
    }
    let rest = match rest.strip_prefix(b".") {
        Some(fraction) => {
            let end = fraction.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(fraction.len());
            if end == 0 || end > 9 {
                return false;
            }
            &fraction[end..]
        }
        None => rest,
    };
    matches!(rest, b"Z" | b"z") || fits(rest, b"+00:00") || fits(rest, b"-00:00")
}

fn is_email(value: &[u8]) -> bool {
    let Some(at) = value.iter().position(|byte| *byte == b'@') else { return false };
    let (local, host) = (&value[..at], &value[at + 1..]);
    let label = |label: &[u8]| {
        let plain = label.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-');
        !label.is_empty() && label.len() <= 63 && plain && !label.starts_with(b"-") && !label.ends_with(b"-")
    };
    (1..=64).contains(&local.len())
        && local.iter().all(|byte| byte.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(byte))
        && host.len() <= 253
        && host.contains(&b'.')
        && host.split(|byte| *byte == b'.').all(label)
}

/// Punctuation that counts one by one; the blank is one of them.
const SINGLE: &[u8] = b" !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

/// A set of characters: letters, digits, each punctuation mark, white space beside the blank, other controls, all beyond
/// ASCII.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
pub struct Characters(pub u64);

impl Characters {
    /// Letters of ASCII.
    pub const LETTER: u8 = 0;
    /// Digits.
    pub const DIGIT: u8 = 1;
    /// Tab and line breaks.
    pub const SPACE: u8 = 2;
    /// Other control characters.
    pub const CONTROL: u8 = 3;
    /// Bytes beyond ASCII.
    pub const WIDE: u8 = 4;
    /// The first punctuation mark.
    const MARK: u8 = 5;

    /// The class of a byte.
    pub fn class(byte: u8) -> u8 {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => Characters::LETTER,
            b'0'..=b'9' => Characters::DIGIT,
            b'\t' | b'\r' | b'\n' => Characters::SPACE,
            0x80.. => Characters::WIDE,
            mark => match SINGLE.iter().position(|single| *single == mark) {
                Some(at) => Characters::MARK + at as u8,
                None => Characters::CONTROL,
            },
        }
    }

    /// The classes of a value.
    pub fn of(value: &[u8]) -> Characters {
        Characters(value.iter().fold(0, |set, byte| set | 1 << Characters::class(*byte)))
    }

    /// The same with a class.
    pub fn with(self, class: u8) -> Characters {
        Characters(self.0 | 1 << class)
    }

    /// Whether a class is in it.
    pub fn has(self, class: u8) -> bool {
        self.0 & 1 << class != 0
    }

    /// What is in it.
    pub fn classes(self) -> impl Iterator<Item = u8> {
        (0..Characters::MARK + SINGLE.len() as u8).filter(move |class| self.has(*class))
    }

    /// What of this is not in the other.
    pub fn beyond(self, other: Characters) -> Characters {
        Characters(self.0 & !other.0)
    }

    /// The set in words: `letters, digits, '`.
    pub fn words(self) -> String {
        let word = |class: u8| match class {
            Characters::LETTER => "letters".to_string(),
            Characters::DIGIT => "digits".to_string(),
            Characters::SPACE => "line breaks".to_string(),
            Characters::CONTROL => "control characters".to_string(),
            Characters::WIDE => "letters beyond ASCII".to_string(),
            mark => match SINGLE.get(usize::from(mark - Characters::MARK)) {
                Some(b' ') | None => "blank".to_string(),
                Some(mark) => char::from(*mark).to_string(),
            },
        };
        self.classes().map(word).collect::<Vec<_>>().join(" ")
    }

    /// The set as a regular expression: `^[a-zA-Z0-9_]*$`.
    pub fn pattern(self) -> String {
        let mut inside = String::new();
        for class in self.classes() {
            match class {
                Characters::LETTER => inside.push_str("a-zA-Z"),
                Characters::DIGIT => inside.push_str("0-9"),
                Characters::SPACE => inside.push_str("\\t\\r\\n"),
                Characters::CONTROL => inside.push_str("\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f"),
                Characters::WIDE => inside.push_str("\\u0080-\\uffff"),
                mark => {
                    let mark = SINGLE.get(usize::from(mark - Characters::MARK)).map_or(' ', |mark| char::from(*mark));
                    if matches!(mark, '[' | ']' | '\\' | '^' | '-') {
                        inside.push('\\');
                    }
                    inside.push(mark);
                }
            }
        }
        format!("^[{inside}]*$")
    }

    /// Reads a pattern that is one class of characters with `*` or `+` and both anchors; none for any other, and for one
    /// that takes a part of a class.
    pub fn from_pattern(pattern: &str) -> Option<Characters> {
        let inside = pattern.strip_prefix("^[")?;
        let inside = inside.strip_suffix("]*$").or_else(|| inside.strip_suffix("]+$"))?;
        let mut taken = [false; 128];
        let mut wide = false;
        for (first, last) in ranges(inside)? {
            for point in first..=last.min(127) {
                taken[point as usize] = true;
            }
            if last > 127 {
                if first > 128 || last < 0xffff {
                    return None;
                }
                wide = true;
            }
        }
        let mut set = Characters::default();
        if wide {
            set = set.with(Characters::WIDE);
        }
        for (byte, _) in (0u8..).zip(taken).filter(|(_, taken)| *taken) {
            set = set.with(Characters::class(byte));
        }
        let whole = (0u8..).zip(taken).all(|(byte, taken)| taken == set.has(Characters::class(byte)));
        whole.then_some(set)
    }
}

/// Ranges of code points that the inside of a class names, ends included.
fn ranges(inside: &str) -> Option<Vec<(u32, u32)>> {
    let mut rest = inside.chars();
    let mut ranges = Vec::new();
    if inside.is_empty() || inside.starts_with('^') {
        return None;
    }
    while let Some(letter) = rest.next() {
        let first = match atom(letter, &mut rest)? {
            Atom::Class(class) => {
                ranges.extend_from_slice(class);
                continue;
            }
            Atom::Point(first) => first,
        };
        let mut ahead = rest.clone();
        match (ahead.next(), ahead.next()) {
            (Some('-'), Some(letter)) => match atom(letter, &mut ahead)? {
                Atom::Point(last) if last >= first => {
                    ranges.push((first, last));
                    rest = ahead;
                }
                _ => return None,
            },
            _ => ranges.push((first, first)),
        }
    }
    Some(ranges)
}

/// One piece of a class.
enum Atom {
    Point(u32),
    Class(&'static [(u32, u32)]),
}

fn atom(letter: char, rest: &mut std::str::Chars) -> Option<Atom> {
    if letter != '\\' {
        return (!matches!(letter, '[' | ']')).then_some(Atom::Point(letter.into()));
    }
    let escaped = rest.next()?;
    let mut number = |digits: usize| {
        let text: String = rest.by_ref().take(digits).collect();
        (text.len() == digits).then(|| u32::from_str_radix(&text, 16).ok().map(Atom::Point)).flatten()
    };
    match escaped {
        'x' => number(2),
        'u' => number(4),
        't' => Some(Atom::Point(9)),
        'n' => Some(Atom::Point(10)),
        'r' => Some(Atom::Point(13)),
        'd' => Some(Atom::Class(&[(0x30, 0x39)])),
        'w' => Some(Atom::Class(&[(0x30, 0x39), (0x41, 0x5a), (0x5f, 0x5f), (0x61, 0x7a)])),
        's' => Some(Atom::Class(&[(0x09, 0x0a), (0x0d, 0x0d), (0x20, 0x20)])),
        mark if !mark.is_ascii_alphanumeric() => Some(Atom::Point(mark.into())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn kinds_hold_of_what_they_should() {
        for (kind, good, bad) in [
            (
                Kind::Integer,
                &["0", "-12", "9223372036854775807"][..],
                &["", "-", "+1", "1.0", "12345678901234567890", "1 "][..],
            ),
            (Kind::Number, &["1", "-1.5", "1e5", ".5"], &["", "inf", "nan", "1e", "0x1", "1,5"]),
            (Kind::Uuid, &["550e8400-e29b-41d4-a716-446655440000"], &["550e8400e29b41d4a716446655440000", ""]),
            (Kind::Date, &["2026-11-27"], &["2026-13-01", "2026-1-1", "27.11.2026"]),
            (
                Kind::DateTime,
                &["2026-11-27T09:00:00Z", "2026-11-27T09:00:00.123+08:00", "2026-11-27 09:00:00Z"],
                &["2026-11-27", "2026-11-27T09:00:00", "2026-11-27T09:00:00.Z", "2026-11-27T09:00:00Z'"],
            ),
            (
                Kind::Email,
                &["a.b+c@example.org"],
                &["a@b", "@example.org", "a b@example.org", "a@-x.org", "a@example..org"],
            ),
            (Kind::Boolean, &["true", "false"], &["TRUE", "1", ""]),
        ] {
            good.iter().for_each(|value| assert!(kind.holds(value.as_bytes()), "{kind:?} {value}"));
            bad.iter().for_each(|value| assert!(!kind.holds(value.as_bytes()), "{kind:?} {value}"));
        }
    }

    #[test]
    fn patterns_of_others_are_read_when_they_are_whole_classes() {
        let text = |pattern| Characters::from_pattern(pattern).map(Characters::words);
        assert_eq!(text("^[A-Za-z0-9_-]+$").as_deref(), Some("letters digits - _"));
        assert_eq!(text(r"^[\w\s.]*$").as_deref(), Some("letters digits line breaks blank . _"));
        assert_eq!(text(r"^[\w.]*$").as_deref(), Some("letters digits . _"));
        for other in [
            "^[a-z]*$",
            "[a-zA-Z]*",
            "^[^a]*$",
            "^[a-zA-Z]{3}$",
            "^a+$",
            "^[]*$",
            "^[z-a]*$",
            "^[[:alpha:]]*$",
            "^[\\]*$",
        ] {
            assert_eq!(text(other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn a_pattern_reads_back(bits in any::<u64>()) {
            let set = Characters(bits & ((1 << 38) - 1));
            prop_assume!(set.0 != 0);
            prop_assert_eq!(Characters::from_pattern(&set.pattern()), Some(set), "{}", set.pattern());
        }

        #[test]
        fn any_pattern_is_read_without_panic(pattern in any::<String>()) {
            Characters::from_pattern(&pattern);
            Characters::from_pattern(&format!("^[{pattern}]*$"));
        }

        #[test]
        fn any_value_has_classes(value in proptest::collection::vec(any::<u8>(), 0..40)) {
            let set = Characters::of(&value);
            prop_assert_eq!(Characters(set.classes().fold(0, |bits, class| bits | 1 << class)), set);
            for kind in Kind::NARROW {
                kind.holds(&value);
            }
        }
    }
}

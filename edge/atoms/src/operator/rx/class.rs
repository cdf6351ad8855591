//! Bracketed classes and class escapes of PCRE, as sets of bytes.

use std::fmt::Write as _;

/// A set of bytes.
#[derive(Clone)]
pub(super) struct Set(pub [bool; 256]);

impl Set {
    /// Of the bytes that a test names.
    pub fn of(test: impl Fn(u8) -> bool) -> Set {
        let mut set = [false; 256];
        (0..=255_u8).for_each(|byte| set[usize::from(byte)] = test(byte));
        Set(set)
    }

    fn add(&mut self, other: &Set) {
        self.0.iter_mut().zip(other.0).for_each(|(held, new)| *held |= new);
    }

    /// As a class of Rust's dialect, every byte in hexadecimal.
    pub fn written(&self, negated: bool) -> String {
        let mut text = String::from(if negated { "[^" } else { "[" });
        let mut byte = 0;
        while byte < 256 {
            let length = self.0[byte..].iter().take_while(|held| **held).count();
            if length > 0 {
                let _ = write!(text, "\\x{byte:02x}");
            }
            if length > 1 {
                let _ = write!(text, "-\\x{:02x}", byte + length - 1);
            }
            byte += length + 1;
        }
        // Rust's dialect has no empty brackets.
        match text.as_str() {
            "[" => "[^\\x00-\\xff]".to_string(),
            "[^" => "[\\x00-\\xff]".to_string(),
            _ => text + "]",
        }
    }
}

/// The set of an escape that stands for a class: `\d`, `\h`, `\N` … `None` for any other letter.
pub(super) fn escape(letter: u8) -> Option<Set> {
    let negated = letter.is_ascii_uppercase();
    let set = match letter.to_ascii_lowercase() {
        b'd' => Set::of(|byte| byte.is_ascii_digit()),
        b'w' => Set::of(|byte| byte.is_ascii_alphanumeric() || byte == b'_'),
        b's' => Set::of(|byte| matches!(byte, b' ' | 9..=13)),
        b'h' => Set::of(|byte| matches!(byte, b' ' | b'\t' | 0xa0)),
        b'v' => Set::of(|byte| matches!(byte, 10..=13 | 0x85)),
        b'n' if negated => Set::of(|byte| byte == b'\n'),
        _ => return None,
    };
    Some(if negated { Set::of(|byte| !set.0[usize::from(byte)]) } else { set })
}

/// The set of a name between `[:` and `:]`.
fn posix(name: &[u8]) -> Option<Set> {
    let (name, negated) = name.strip_prefix(b"^").map_or((name, false), |name| (name, true));
    let test: fn(&u8) -> bool = match name {
        b"alnum" => u8::is_ascii_alphanumeric,
        b"alpha" => u8::is_ascii_alphabetic,
        b"ascii" => u8::is_ascii,
        b"blank" => |byte| matches!(byte, b' ' | b'\t'),
        b"cntrl" => u8::is_ascii_control,
        b"digit" => u8::is_ascii_digit,
        b"graph" => u8::is_ascii_graphic,
        b"lower" => u8::is_ascii_lowercase,
        b"print" => |byte| matches!(byte, b' '..=b'~'),
        b"punct" => u8::is_ascii_punctuation,
        b"space" => |byte| matches!(byte, b' ' | 9..=13),
        b"upper" => u8::is_ascii_uppercase,
        b"word" => |byte| byte.is_ascii_alphanumeric() || *byte == b'_',
        b"xdigit" => u8::is_ascii_hexdigit,
        _ => return None,
    };
    Some(Set::of(|byte| test(&byte) != negated))
}

/// One piece between the brackets.
enum Piece {
    Byte(u8),
    Set(Box<Set>),
}

/// Reads a class whose `[` stands before `at`: whether it is negated, its set, and where it ends.
pub(super) fn bracketed(pattern: &[u8], mut at: usize) -> Result<(bool, Set, usize), String> {
    let negated = pattern.get(at) == Some(&b'^');
    at += usize::from(negated);
    let (mut set, first) = (Set::of(|_| false), at);
    loop {
        if pattern.get(at) == Some(&b']') && at > first {
            return Ok((negated, set, at + 1));
        }
        let (piece, next) = piece(pattern, at)?;
        at = next;
        let Piece::Byte(low) = piece else {
            if let Piece::Set(other) = piece {
                set.add(&other);
            }
            continue;
        };
        set.0[usize::from(low)] = true;
        // A dash makes a range only between two bytes.
        if pattern.get(at) == Some(&b'-') && pattern.get(at + 1).is_some_and(|next| *next != b']') {
            match self::piece(pattern, at + 1)? {
                (Piece::Byte(high), next) if low <= high => {
                    set.0[usize::from(low)..=usize::from(high)].fill(true);
                    at = next;
                }
                (Piece::Byte(_), _) => return Err("a range of a class runs backwards".into()),
                (Piece::Set(other), next) => {
                    set.0[usize::from(b'-')] = true;
                    set.add(&other);
                    at = next;
                }
            }
        }
    }
}

fn piece(pattern: &[u8], at: usize) -> Result<(Piece, usize), String> {
    match &pattern[at.min(pattern.len())..] {
        [] => Err("a class is not closed".into()),
        [b'[', b':', rest @ ..] => {
            let name = memchr::memmem::find(rest, b":]");
            match name.and_then(|end| Some((posix(&rest[..end])?, end))) {
                Some((set, end)) => Ok((Piece::Set(Box::new(set)), at + end + 4)),
                None => Ok((Piece::Byte(b'['), at + 1)),
            }
        }
        [b'\\', letter, ..] => match escape(*letter) {
            Some(set) => Ok((Piece::Set(Box::new(set)), at + 2)),
            None => byte(pattern, at + 1, true).map(|(byte, next)| (Piece::Byte(byte), next)),
        },
        [byte, ..] => Ok((Piece::Byte(*byte), at + 1)),
    }
}

/// The byte that an escape stands for, its letter at `at`, and where it ends. Within a class every number is octal, and
/// `\b` is a backspace.
pub(super) fn byte(pattern: &[u8], at: usize, in_class: bool) -> Result<(u8, usize), String> {
    let Some(&letter) = pattern.get(at) else { return Err("a backslash at the end".into()) };
    let plain = |byte| Ok((byte, at + 1));
    match letter {
        b'a' => plain(7),
        b'b' if in_class => plain(8),
        b'e' => plain(27),
        b'f' => plain(12),
        b'n' => plain(10),
        b'r' => plain(13),
        b't' => plain(9),
        b'c' => match pattern.get(at + 1) {
            Some(letter) if letter.is_ascii() => Ok((letter.to_ascii_uppercase() ^ 0x40, at + 2)),
            _ => Err("\\c without a letter".into()),
        },
        b'x' if pattern.get(at + 1) == Some(&b'{') => braced(pattern, at + 2, 16),
        b'o' if pattern.get(at + 1) == Some(&b'{') => braced(pattern, at + 2, 8),
        b'x' => Ok(number(pattern, at + 1, 2, 16)),
        b'0'..=b'7' => Ok(number(pattern, at, 3, 8)),
        letter => plain(letter),
    }
}

/// Up to `most` digits from `at`; the low byte.
fn number(pattern: &[u8], at: usize, most: usize, base: u32) -> (u8, usize) {
    let digits = pattern[at..].iter().take(most).map_while(|byte| char::from(*byte).to_digit(base));
    let (value, count) = digits.fold((0, 0), |(value, count), digit| (value * base + digit, count + 1));
    (value as u8, at + count)
}

fn braced(pattern: &[u8], at: usize, base: u32) -> Result<(u8, usize), String> {
    let end = memchr::memchr(b'}', &pattern[at..]).map(|end| at + end);
    let text = end.and_then(|end| std::str::from_utf8(&pattern[at..end]).ok());
    match (text.and_then(|text| u32::from_str_radix(text, base).ok()), end) {
        (Some(value), Some(end)) if value < 256 => Ok((value as u8, end + 1)),
        _ => Err("a number in braces that is no byte".into()),
    }
}

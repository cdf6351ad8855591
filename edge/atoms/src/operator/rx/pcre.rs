//! From PCRE's dialect, in which rules are written, to that of the engine that runs them.
//!
//! Rust's dialect reads some of PCRE's text differently without saying so: `\v` (one byte instead of five), `\<` (a word's
//! begin instead of a bracket), `a++` (twice repeated instead of possessive), `[` within a class (a class in the class).
//! So nothing is passed through: what a pattern says is read here and written anew, classes as sets of bytes.

use super::class::{self, Set};

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// The pattern, as the linear engine can run it when nothing in it is [`Written::beyond`] that.
    Linear,
    /// The pattern, as the backtracking engine runs it, to the letter.
    Exact,
    /// A pattern for the linear engine that matches wherever the pattern does, and maybe elsewhere.
    Loose,
}

/// A pattern written anew.
#[derive(Debug)]
pub(super) struct Written {
    /// The pattern.
    pub text: String,
    /// It needs more than the linear engine has: look-around, back-references, possessive or atomic groups.
    pub beyond: bool,
    /// It looks at the begin of lines, which PCRE does not see behind a line feed that ends the text.
    pub line_begin: bool,
}

/// Flags that change how the text itself is read.
#[derive(Clone, Copy)]
struct Flags {
    /// `x`: blanks and comments do not count.
    extended: bool,
    /// `m`: `^` and `$` are of lines; on unless a pattern says otherwise.
    lines: bool,
}

struct Writer<'p> {
    pattern: &'p [u8],
    at: usize,
    target: Target,
    out: String,
    /// Of each open group: the flags outside of it, and whether it is a look-around.
    groups: Vec<(Flags, bool)>,
    flags: Flags,
    /// Open look-arounds that are left out.
    muted: usize,
    /// Capturing groups of the whole pattern, for telling back-references from octal numbers.
    captures: usize,
    beyond: bool,
    line_begin: bool,
}

/// Writes a pattern for a target.
pub(super) fn write(pattern: &[u8], target: Target) -> Result<Written, String> {
    let flags = Flags { extended: false, lines: true };
    let captures = captures(pattern)?;
    let (groups, out) = (Vec::new(), String::with_capacity(2 * pattern.len()));
    let mut writer =
        Writer { pattern, at: 0, target, out, groups, flags, muted: 0, captures, beyond: false, line_begin: false };
    while let Some(&byte) = pattern.get(writer.at) {
        writer.at += 1;
        writer.token(byte)?;
    }
    if writer.groups.is_empty() {
        Ok(Written { text: writer.out, beyond: writer.beyond, line_begin: writer.line_begin })
    } else {
        Err("a group is not closed".into())
    }
}

/// Counts the capturing groups.
fn captures(pattern: &[u8]) -> Result<usize, String> {
    let (mut at, mut count) = (0, 0);
    while let Some(&byte) = pattern.get(at) {
        at += 1;
        match byte {
            b'\\' => at += 1,
            b'[' => at = class::bracketed(pattern, at)?.2,
            b'(' => match &pattern[at..] {
                [b'?', b'P', b'<', ..] | [b'?', b'\'', ..] => count += 1,
                [b'?', b'<', next, ..] if !matches!(next, b'=' | b'!') => count += 1,
                [b'?' | b'*', ..] => {}
                _ => count += 1,
            },
            _ => {}
        }
    }
    Ok(count)
}

impl Writer<'_> {
    fn put(&mut self, text: &str) {
        if self.muted == 0 {
            self.out.push_str(text);
        }
    }

    /// What only the backtracking engine can do, and what the loose pattern has instead.
    fn beyond(&mut self, exact: &str, loose: &str) {
        self.beyond = true;
        self.put(if self.target == Target::Loose { loose } else { exact });
    }

    fn literal(&mut self, byte: u8) {
        match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'_' => self.put(char::from(byte).encode_utf8(&mut [0; 4])),
            // The backtracking engine would take the escape of a high byte for a character.
            0x80.. => self.put(&Set::of(|other| other == byte).written(false)),
            byte => self.put(&format!("\\x{byte:02x}")),
        }
    }

    fn token(&mut self, byte: u8) -> Result<(), String> {
        match byte {
            b'\\' => self.escape()?,
            b'[' => {
                let (negated, set, end) = class::bracketed(self.pattern, self.at)?;
                self.at = end;
                self.put(&set.written(negated));
            }
            b'(' => self.open()?,
            b')' => self.close()?,
            b'|' => self.put("|"),
            b'.' => self.put("."),
            b'^' if !self.flags.lines => self.put("\\A"),
            b'^' => {
                self.line_begin |= self.muted == 0;
                self.put(if self.target == Target::Exact { "(?:\\A|(?<=\\n)(?!\\z))" } else { "^" });
            }
            b'$' if !self.flags.lines => self.beyond("(?=\\n?\\z)", "(?:)"),
            b'$' => self.put("$"),
            b'*' | b'+' | b'?' => self.quantifier(char::from(byte).encode_utf8(&mut [0; 4])),
            b'{' => match repeat(&self.pattern[self.at..]) {
                Some((text, length)) => {
                    self.at += length;
                    self.quantifier(&text);
                }
                None => self.literal(byte),
            },
            b' ' | 9..=13 if self.flags.extended => {}
            b'#' if self.flags.extended => {
                let rest = &self.pattern[self.at..];
                self.at += memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
            }
            byte => self.literal(byte),
        }
        Ok(())
    }

    /// A quantifier, with what follows it: lazy, possessive or neither.
    fn quantifier(&mut self, text: &str) {
        self.put(text);
        match self.pattern.get(self.at) {
            Some(b'?') => self.put("?"),
            Some(b'+') => self.beyond("+", ""),
            _ => return,
        }
        self.at += 1;
    }

    fn push(&mut self, look: bool) {
        self.groups.push((self.flags, look));
        self.muted += usize::from(look);
    }

    fn close(&mut self) -> Result<(), String> {
        let Some((flags, look)) = self.groups.pop() else { return Err("a group is closed that is not open".into()) };
        self.flags = flags;
        self.muted -= usize::from(look);
        if !look {
            self.put(")");
        }
        Ok(())
    }

    /// Behind `(`.
    fn open(&mut self) -> Result<(), String> {
        let rest = &self.pattern[self.at..];
        let (taken, look) = match rest {
            [b'*', ..] => return Err("verbs such as (*SKIP) are not supported".into()),
            [b'?', b'#', ..] => {
                let end = memchr::memchr(b')', rest).ok_or("a comment is not closed")?;
                self.at += end + 1;
                return Ok(());
            }
            [b'?', b'<', b'=' | b'!', ..] => (3, true),
            [b'?', b'=' | b'!', ..] => (2, true),
            [b'?', b'>', ..] => {
                self.beyond("(?>", "(?:");
                (2, false)
            }
            [b'?', b'P', b'=', ..] => return self.named_reference(3, b')'),
            [b'?', b'P', b'<', ..] => (self.named(3, b'>')?, false),
            [b'?', b'<', ..] => (self.named(2, b'>')?, false),
            [b'?', b'\'', ..] => (self.named(2, b'\'')?, false),
            [b'?', ..] => return self.inline_flags(),
            _ => {
                self.put(if self.target == Target::Loose { "(?:" } else { "(" });
                (0, false)
            }
        };
        if look {
            let text = format!("({}", String::from_utf8_lossy(&rest[..taken]));
            self.beyond(&text, "(?:)");
        }
        self.at += taken;
        self.push(look && self.target == Target::Loose);
        Ok(())
    }

    /// A group with a name, which begins behind `skip` bytes and ends with `end`.
    fn named(&mut self, skip: usize, end: u8) -> Result<usize, String> {
        let (name, length) = self.name(skip, end)?;
        self.put(&if self.target == Target::Loose { "(?:".to_string() } else { format!("(?P<{name}>") });
        Ok(length)
    }

    fn name(&self, skip: usize, end: u8) -> Result<(String, usize), String> {
        let rest = &self.pattern[self.at + skip..];
        let length = memchr::memchr(end, rest).ok_or("a name is not closed")?;
        let name = String::from_utf8_lossy(&rest[..length]).into_owned();
        let good = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if good { Ok((name, skip + length + 1)) } else { Err(format!("`{name}` is no name of a group")) }
    }

    fn named_reference(&mut self, skip: usize, end: u8) -> Result<(), String> {
        let (name, length) = self.name(skip, end)?;
        self.at += length;
        self.beyond(&format!("(?:\\k<{name}>)"), "(?:[\\x00-\\xff]*)");
        Ok(())
    }

    /// Behind `(` at `?`: `(?i)`, `(?i-s:`, `(?:`.
    fn inline_flags(&mut self) -> Result<(), String> {
        let letters =
            self.pattern[self.at + 1..].iter().take_while(|byte| byte.is_ascii_alphabetic() || **byte == b'-');
        let letters: Vec<u8> = letters.copied().collect();
        let end = self.pattern.get(self.at + 1 + letters.len()).copied();
        let (mut flags, mut on, mut kept) = (self.flags, true, String::new());
        for &letter in &letters {
            match letter {
                b'-' => on = false,
                b'x' => flags.extended = on,
                b'm' => flags.lines = on,
                b'i' | b's' | b'U' => {}
                letter => return Err(format!("the group (?{} is not supported", char::from(letter))),
            }
            // What this writer has dealt with is not said again.
            if !matches!(letter, b'x' | b'm') {
                kept.push(char::from(letter));
            }
        }
        let kept = kept.trim_end_matches('-');
        self.at += 2 + letters.len();
        match end {
            Some(b':') => {
                self.put(&format!("(?{kept}:"));
                self.push(false);
                self.flags = flags;
            }
            Some(b')') if !letters.is_empty() => {
                self.flags = flags;
                if !kept.is_empty() {
                    self.put(&format!("(?{kept})"));
                }
            }
            _ => return Err("this kind of group is not supported".into()),
        }
        Ok(())
    }

    /// Behind a backslash.
    fn escape(&mut self) -> Result<(), String> {
        let Some(&letter) = self.pattern.get(self.at) else { return Err("a backslash at the end".into()) };
        if let Some(set) = class::escape(letter) {
            self.at += 1;
            self.put(&set.written(false));
            return Ok(());
        }
        match letter {
            b'b' | b'B' | b'A' | b'z' => {
                self.at += 1;
                self.put(&format!("\\{}", char::from(letter)));
            }
            b'Z' | b'K' | b'G' | b'R' | b'C' | b'Q' | b'E' => {
                self.at += 1;
                self.special(letter);
            }
            b'k' => match self.pattern.get(self.at + 1) {
                Some(b'<') => self.named_reference(2, b'>')?,
                Some(b'{') => self.named_reference(2, b'}')?,
                Some(b'\'') => self.named_reference(2, b'\'')?,
                _ => return Err("\\k without a name".into()),
            },
            b'p' | b'P' | b'X' => return Err("Unicode properties are not supported: values are bytes".into()),
            b'g' => return Err("\\g is not supported: write the number of the group".into()),
            b'1'..=b'9' if self.reference() => {}
            _ => {
                let (byte, end) = class::byte(self.pattern, self.at, false)?;
                self.at = end;
                self.literal(byte);
            }
        }
        Ok(())
    }

    fn special(&mut self, letter: u8) {
        let lines = Set::of(|byte| matches!(byte, 10..=13 | 0x85)).written(false);
        match letter {
            b'Z' => self.beyond("(?=\\n?\\z)", "(?:)"),
            b'K' => self.beyond("\\K", "(?:)"),
            b'G' => self.put("\\A"),
            b'R' => self.beyond(&format!("(?>\\r\\n|{lines})"), &format!("(?:\\r\\n|{lines})")),
            b'C' => self.put("[\\x00-\\xff]"),
            b'Q' => {
                let rest = &self.pattern[self.at..];
                let length = memchr::memmem::find(rest, b"\\E").unwrap_or(rest.len());
                for at in self.at..self.at + length {
                    self.literal(self.pattern[at]);
                }
                self.at += (length + 2).min(rest.len());
            }
            _ => {}
        }
    }

    /// A back-reference, if the number is one: below ten, or not beyond the groups there are.
    fn reference(&mut self) -> bool {
        let digits = self.pattern[self.at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let text = String::from_utf8_lossy(&self.pattern[self.at..self.at + digits]).into_owned();
        let number: usize = text.parse().unwrap_or(usize::MAX);
        if number > 9 && number > self.captures {
            return false;
        }
        self.at += digits;
        self.beyond(&format!("(?:\\{number})"), "(?:[\\x00-\\xff]*)");
        true
    }
}

/// What stands behind a brace, `n}`, `n,}`, `n,m}` or `,m}`, written without blanks, and its length; `None` when the brace
/// is only a letter.
fn repeat(rest: &[u8]) -> Option<(String, usize)> {
    let end = memchr::memchr(b'}', &rest[..rest.len().min(24)])?;
    let text = std::str::from_utf8(&rest[..end]).ok()?;
    let blank = |letter| matches!(letter, ' ' | '\t');
    let (least, most) =
        text.split_once(',').map_or((text, None), |(least, most)| (least, Some(most.trim_matches(blank))));
    let least = least.trim_matches(blank);
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let open = |text: &str| text.is_empty() || number(text);
    match most {
        None if number(least) => Some((format!("{{{least}}}"), end + 1)),
        Some(most) if open(least) && open(most) && (number(least) || number(most)) => {
            Some((format!("{{{},{most}}}", if least.is_empty() { "0" } else { least }), end + 1))
        }
        _ => None,
    }
}

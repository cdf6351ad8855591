//! Text with wildcards.

/// A part of a [`Glob`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Piece {
    /// These bytes.
    Text(Vec<u8>),
    /// `*`: any characters, none too.
    Any,
    /// `?`: one character (one byte where the text is not UTF-8).
    One,
}

/// One step of the matcher: a byte, or a wildcard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Byte(u8),
    Any,
    One,
}

/// A text with wildcards, matched against a whole text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob {
    steps: Vec<Step>,
    cased: bool,
}

impl Glob {
    /// From its pieces. `cased`: whether ASCII case matters.
    pub fn new(pieces: &[Piece], cased: bool) -> Glob {
        let mut steps = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Text(text) if cased => steps.extend(text.iter().copied().map(Step::Byte)),
                Piece::Text(text) => steps.extend(text.iter().map(|byte| Step::Byte(byte.to_ascii_lowercase()))),
                Piece::Any if steps.last() == Some(&Step::Any) => {}
                Piece::Any => steps.push(Step::Any),
                Piece::One => steps.push(Step::One),
            }
        }
        Glob { steps, cased }
    }

    /// Whether the whole text fits. At most text × pattern steps: only the last `*` is ever tried again.
    pub fn fits(&self, text: &[u8]) -> bool {
        let (mut at, mut step) = (0, 0);
        let mut again: Option<(usize, usize)> = None;
        loop {
            let taken = match self.steps.get(step) {
                None if at == text.len() => return true,
                None => 0,
                Some(Step::Any) => {
                    step += 1;
                    again = Some((step, at));
                    continue;
                }
                Some(Step::One) => character(&text[at..]),
                Some(Step::Byte(byte)) => usize::from(text.get(at).is_some_and(|found| self.fold(*found) == *byte)),
            };
            if taken > 0 {
                (at, step) = (at + taken, step + 1);
                continue;
            }
            match &mut again {
                Some((after, from)) if *from < text.len() => {
                    // A whole character: a `?` behind the `*` must not begin inside one.
                    *from += character(&text[*from..]);
                    (at, step) = (*from, *after);
                }
                _ => return false,
            }
        }
    }

    fn fold(&self, byte: u8) -> u8 {
        if self.cased { byte } else { byte.to_ascii_lowercase() }
    }
}

/// Length of the first character, 0 at the end.
fn character(text: &[u8]) -> usize {
    let length = match text.first() {
        None => return 0,
        Some(0xc2..=0xdf) => 2,
        Some(0xe0..=0xef) => 3,
        Some(0xf0..=0xf4) => 4,
        Some(_) => 1,
    };
    let whole = text.get(1..length).is_some_and(|rest| rest.iter().all(|byte| byte & 0xc0 == 0x80));
    if whole { length } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pieces(pattern: &str) -> Vec<Piece> {
        let one = |letter: char| match letter {
            '*' => Piece::Any,
            '?' => Piece::One,
            letter => Piece::Text(letter.to_string().into_bytes()),
        };
        pattern.chars().map(one).collect()
    }

    fn naive(pattern: &[char], text: &[char]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, None) => true,
            (None, Some(_)) => false,
            (Some(('*', rest)), None) => naive(rest, text),
            (Some(('*', rest)), Some((_, after))) => naive(rest, text) || naive(pattern, after),
            (Some(_), None) => false,
            (Some((want, rest)), Some((have, after))) => {
                (*want == '?' || want.eq_ignore_ascii_case(have)) && naive(rest, after)
            }
        }
    }

    proptest! {
        #[test]
        fn fits_what_the_naive_matcher_fits(pattern in "[abAé*?]{0,9}", text in "[abBAé漢]{0,12}") {
            let (plain, chars): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
            prop_assert_eq!(Glob::new(&pieces(&pattern), false).fits(text.as_bytes()), naive(&plain, &chars));
        }

        #[test]
        fn hostile_bytes_do_not_panic(pattern in "[a*?]{0,9}", text in prop::collection::vec(any::<u8>(), 0..40)) {
            Glob::new(&pieces(&pattern), true).fits(&text);
        }
    }

    #[test]
    fn one_is_a_character_and_not_a_byte_behind_a_star() {
        let fits = |pattern: &str, text: &str| Glob::new(&pieces(pattern), false).fits(text.as_bytes());
        assert!(!fits("a*??", "a漢") && fits("a*?", "a漢") && fits("a*??", "a漢字"));
    }

    #[test]
    fn many_stars_stay_cheap() {
        let glob = Glob::new(&pieces(&"*a".repeat(200)), true);
        assert!(!glob.fits(&[b'b'; 8192]));
        assert!(Glob::new(&pieces("a*"), true).fits(b"a") && !Glob::new(&pieces("a*"), true).fits(b"A"));
    }
}

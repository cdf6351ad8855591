//! What drawing needs to know, and the width of text on a terminal.

use super::words::{self, Word};
use super::zone::Zone;
use base::Lang;

/// How to draw.
#[derive(Debug, Clone)]
pub struct Screen {
    /// Language of words.
    pub lang: Lang,
    /// Whether colours may be used.
    pub colour: bool,
    /// Columns of the terminal; `None` when the output is no terminal and nothing is cut.
    pub width: Option<usize>,
    /// Zone of the times shown.
    pub zone: Zone,
    /// Now, µs since the Unix epoch.
    pub now_us: i64,
}

/// A colour or weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// For headings.
    Bold,
    /// For what matters less.
    Dim,
    /// Bad.
    Red,
    /// Doubtful.
    Yellow,
    /// Good.
    Green,
}

impl Screen {
    /// The text of a word in this language.
    pub fn word(&self, word: Word) -> &'static str {
        word.text(self.lang)
    }

    /// A word of the API in this language.
    pub fn api<'w>(&self, word: &'w str) -> &'w str {
        words::api(word, self.lang)
    }

    /// The text in this colour (ECMA-48 select graphic rendition), if colours may be used.
    pub fn paint(&self, paint: Paint, text: &str) -> String {
        if !self.colour || text.is_empty() {
            return text.to_string();
        }
        let code = match paint {
            Paint::Bold => 1,
            Paint::Dim => 2,
            Paint::Red => 31,
            Paint::Yellow => 33,
            Paint::Green => 32,
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }

    /// A severity word in its colour.
    pub fn severity(&self, word: &str) -> String {
        let text = self.api(word);
        match word {
            "critical" | "high" => self.paint(Paint::Red, text),
            "medium" => self.paint(Paint::Yellow, text),
            _ => text.to_string(),
        }
    }

    /// A moment, a dash for none.
    pub fn time(&self, micros: i64) -> String {
        if micros == 0 { "-".into() } else { self.zone.show(micros) }
    }

    /// How long ago, in words.
    pub fn ago(&self, micros: i64) -> String {
        if micros == 0 {
            return self.word(Word::Never).into();
        }
        let span = super::duration::words((self.now_us - micros) / 1_000_000);
        format!("{span}{}", self.word(Word::Ago))
    }

    /// The text cut to so many columns less than the screen has; whole where nothing is cut.
    pub fn fit(&self, text: &str, taken: usize) -> String {
        match self.width {
            Some(width) => cut(text, width.saturating_sub(taken).max(10)),
            None => text.to_string(),
        }
    }
}

/// Text from outside made safe for a terminal: control characters, also those that turn the direction of writing,
/// show as `·`, so that a file name cannot repaint the operator's screen.
pub fn plain(text: &str) -> String {
    let unsafe_here = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|letter| if unsafe_here(letter) { '·' } else { letter }).collect()
}

/// Columns that a text takes; colours take none.
pub fn width(text: &str) -> usize {
    let mut columns = 0;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter == '\x1b' {
            letters.find(|letter| *letter == 'm');
        } else {
            columns += columns_of(letter);
        }
    }
    columns
}

/// Columns of a character: East Asian wide and full-width ones take two, combining marks none (Unicode TR 11).
fn columns_of(letter: char) -> usize {
    match u32::from(letter) {
        0x0300..=0x036f | 0x200b..=0x200f | 0xfe00..=0xfe0f => 0,
        0x1100..=0x115f
        | 0x2e80..=0x303e
        | 0x3041..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1f64f
        | 0x1f900..=0x1f9ff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

/// The text in at most so many columns; what is cut is marked by `…`. Not for coloured text.
pub fn cut(text: &str, most: usize) -> String {
    if width(text) <= most {
        return text.to_string();
    }
    let (mut kept, mut columns) = (String::new(), 0);
    for letter in text.chars() {
        if columns + columns_of(letter) > most.saturating_sub(1) {
            break;
        }
        columns += columns_of(letter);
        kept.push(letter);
    }
    kept + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_letters_count_twice_and_colours_nothing() {
        assert_eq!(width("abc"), 3);
        assert_eq!(width("告警 a"), 6);
        assert_eq!(width("\x1b[31mred\x1b[0m"), 3);
        assert_eq!(cut("告警告警", 5), "告警…");
        assert_eq!(cut("告警告警", 6), "告警…");
        assert_eq!(cut("short", 10), "short");
    }

    #[test]
    fn a_name_cannot_repaint_the_screen() {
        assert_eq!(plain("a\x1b[2Jb\n\u{202e}c"), "a·[2Jb··c");
    }
}

//! The value as HTML: whether it would run script, tags, attributes, handlers of events.

use super::{Group, scaled};
use crate::category::Counts;
use crate::text::Text;

pub(super) struct Html;

const NAMES: &[&str] =
    &["html_script", "html_script_plain", "html_tags", "html_attributes", "html_handlers", "html_schemes"];

impl Group for Html {
    fn names(&self) -> Vec<String> {
        NAMES.iter().map(ToString::to_string).collect()
    }

    fn measure(&self, text: &Text<'_>, _: &Counts, row: &mut Vec<f32>) {
        let follows = |at: usize| text.lower[at..].iter().find(|byte| !byte.is_ascii_whitespace()).copied();
        let tags = text.lower.windows(2).filter(|pair| pair[0] == b'<' && matches!(pair[1], b'a'..=b'z' | b'/' | b'!'));
        let (mut attributes, mut handlers, mut schemes) = (0, 0, 0);
        for (word, end) in text.words() {
            match follows(end) {
                Some(b'=') => {
                    attributes += 1;
                    handlers += u32::from(word.starts_with(b"on") && word.len() > 4);
                }
                Some(b':') => schemes += u32::from(matches!(word, b"javascript" | b"vbscript" | b"data")),
                _ => {}
            }
        }
        row.extend([
            f32::from(u8::from(text.spoken().raw_script)),
            f32::from(u8::from(text.spoken().plain_script)),
            scaled(tags.count() as u32),
            scaled(attributes),
            scaled(handlers),
            scaled(schemes),
        ]);
    }
}

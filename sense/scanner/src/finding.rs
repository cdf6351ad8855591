//! A finding, before the agent says which file it is in.

use record::{Pair, Scan};
use scan::limits::{DETAILS, TEXT_BYTES};

/// A finding of one engine.
pub fn finding(engine: &str, name: &str, family: &str, score: u32) -> Scan {
    Scan {
        engine: engine.to_owned(),
        name: text(name.as_bytes()),
        family: text(family.as_bytes()),
        score: score.min(100),
        ..Scan::default()
    }
}

/// Adds a reason, within the limit.
pub fn detail(scan: &mut Scan, name: &str, value: impl AsRef<[u8]>) {
    if scan.details.len() < DETAILS {
        scan.details.push(Pair::new(name, text(value.as_ref())));
    }
}

/// Bytes as text for people: at most [`TEXT_BYTES`], what is no text shown as `?`-like marks.
pub fn text(bytes: &[u8]) -> String {
    let mut text = String::from_utf8_lossy(&bytes[..bytes.len().min(TEXT_BYTES)]).into_owned();
    if text.len() > TEXT_BYTES {
        text.truncate(text.floor_char_boundary(TEXT_BYTES));
    }
    text
}

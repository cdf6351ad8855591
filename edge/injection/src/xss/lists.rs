//! What may run script: tags, attributes, schemes of addresses. From the tables of libinjection.

use std::sync::LazyLock;

/// Tags that are refused, beside everything that begins with `svg` or `xsl`.
const TAGS: &[&[u8]] = &[
    b"APPLET",
    b"BASE",
    b"COMMENT",
    b"EMBED",
    b"FRAME",
    b"FRAMESET",
    b"HANDLER",
    b"IFRAME",
    b"IMPORT",
    b"ISINDEX",
    b"LINK",
    b"LISTENER",
    b"META",
    b"NOSCRIPT",
    b"OBJECT",
    b"SCRIPT",
    b"STYLE",
    b"VMLFRAME",
    b"XML",
    b"XSS",
];

/// What an attribute may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attribute {
    /// Nothing of interest.
    Plain,
    /// Refused with any value.
    Refused,
    /// Its value is an address.
    Address,
    /// Its value names an attribute (SVG).
    Indirect,
}

const ATTRIBUTES: &[(&[u8], Attribute)] = &[
    (b"ACTION", Attribute::Address),
    (b"ATTRIBUTENAME", Attribute::Indirect),
    (b"BY", Attribute::Address),
    (b"BACKGROUND", Attribute::Address),
    (b"DATAFORMATAS", Attribute::Refused),
    (b"DATASRC", Attribute::Refused),
    (b"DYNSRC", Attribute::Address),
    (b"FILTER", Attribute::Refused),
    (b"FORMACTION", Attribute::Address),
    (b"FOLDER", Attribute::Address),
    (b"FROM", Attribute::Address),
    (b"HANDLER", Attribute::Address),
    (b"HREF", Attribute::Address),
    (b"LOWSRC", Attribute::Address),
    (b"POSTER", Attribute::Address),
    (b"SRC", Attribute::Address),
    (b"STYLE", Attribute::Refused),
    (b"TO", Attribute::Address),
    (b"VALUES", Attribute::Address),
    (b"XLINK:HREF", Attribute::Address),
];

/// Names of events by their first letter.
static EVENTS: LazyLock<[Vec<&'static [u8]>; 26]> = LazyLock::new(|| {
    let mut events: [Vec<&'static [u8]>; 26] = Default::default();
    let text = include_str!("../../data/events.txt");
    for name in text.lines().filter(|line| !line.starts_with("##")).flat_map(|line| line.split('\t')) {
        if let Some(first) = name.bytes().next().filter(u8::is_ascii_uppercase) {
            events[usize::from(first - b'A')].push(name.as_bytes());
        }
    }
    events
});

/// Whether the bytes, NULs passed over and case aside, are exactly the word.
fn is_word(bytes: impl Iterator<Item = u8>, word: &[u8]) -> bool {
    bytes.filter(|byte| *byte != 0).map(|byte| byte.to_ascii_uppercase()).eq(word.iter().copied())
}

fn is_one(bytes: &[u8], word: &[u8]) -> bool {
    is_word(bytes.iter().copied(), word)
}

/// Whether a tag may run script.
pub(super) fn is_refused_tag(name: &[u8]) -> bool {
    let Some(head) = name.get(..3) else { return false };
    TAGS.iter().any(|tag| is_one(name, tag)) || head.eq_ignore_ascii_case(b"SVG") || head.eq_ignore_ascii_case(b"XSL")
}

/// What an attribute may do, by its name. `value` holds the name from `start` to `end`: the names of events are compared
/// over their own length, also past the end of a shorter name.
pub(super) fn attribute(value: &[u8], start: usize, end: usize) -> Attribute {
    let name = &value[start..end];
    if name.len() < 2 {
        return Attribute::Plain;
    }
    if name.len() >= 5 {
        let is_event = name[..2].eq_ignore_ascii_case(b"ON") && begins_with_event(&value[start + 2..]);
        if is_event || is_one(&name[..5], b"XMLNS") || is_one(&name[..5], b"XLINK") {
            return Attribute::Refused;
        }
    }
    ATTRIBUTES.iter().find(|(known, _)| is_one(name, known)).map_or(Attribute::Plain, |(_, attribute)| *attribute)
}

fn begins_with_event(rest: &[u8]) -> bool {
    let Some(first) = rest.iter().find(|byte| **byte != 0).map(u8::to_ascii_uppercase) else { return false };
    let Some(events) = EVENTS.get(usize::from(first.wrapping_sub(b'A'))) else { return false };
    events.iter().any(|event| is_word(rest.iter().copied().take(event.len()), event))
}

/// Whether a comment is one that old browsers run: a backtick, `[if`, `xml`, `IMPORT`, `ENTITY`.
pub(super) fn is_refused_comment(text: &[u8]) -> bool {
    if memchr::memchr(b'`', text).is_some() {
        return true;
    }
    let begins = |word: &[u8]| text.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word));
    if text.len() > 3 && (begins(b"[IF") || begins(b"XML")) {
        return true;
    }
    text.len() > 5 && (is_one(&text[..6], b"IMPORT") || is_one(&text[..6], b"ENTITY"))
}

/// Whether an address runs script: `data:`, `view-source:`, `java…`, `vbscript:`, in any disguise of entities, NULs and
/// line feeds.
pub(super) fn is_refused_address(text: &[u8]) -> bool {
    let blank = text.iter().take_while(|byte| !(33..127).contains(*byte)).count();
    let schemes: [&[u8]; 4] = [b"DATA", b"VIEW-SOURCE", b"JAVA", b"VBSCRIPT"];
    schemes.iter().any(|scheme| begins_decoded(&text[blank..], scheme))
}

/// Whether text, its entities read, begins with a word. White space before it, NULs and line feeds do not count.
fn begins_decoded(mut text: &[u8], word: &[u8]) -> bool {
    let mut matched = 0;
    while matched < word.len() {
        if text.is_empty() {
            return false;
        }
        let (character, length) = decoded(text);
        text = &text[length..];
        if (matched == 0 && character <= 32) || character == 0 || character == 10 {
            continue;
        }
        let upper = if (97..=122).contains(&character) { character - 32 } else { character };
        if upper as u8 != word[matched] {
            return false;
        }
        matched += 1;
    }
    true
}

/// The first character of the text, a numeric entity read, and its length in bytes. Text must not be empty.
fn decoded(text: &[u8]) -> (u32, usize) {
    let plain = (u32::from(text[0]), 1);
    let (radix, start) = match text {
        [b'&', b'#', b'x' | b'X', ..] => (16, 3),
        [b'&', b'#', ..] => (10, 2),
        _ => return plain,
    };
    let mut value = 0;
    for (index, byte) in text.iter().enumerate().skip(start) {
        match char::from(*byte).to_digit(radix) {
            Some(digit) => value = value * radix + digit,
            None if index == start => return plain,
            None => return (value, index + usize::from(*byte == b';')),
        }
        // Above what browsers take it is no entity.
        if value > 0x10_00FF {
            return plain;
        }
    }
    if text.len() == start { plain } else { (value, text.len()) }
}

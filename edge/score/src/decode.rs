//! Layers that attackers wrap a value in, taken off: percent signs, entities, escapes, base64, letters of other widths.
//!
//! The rules' own transformations do this a step at a time and say exactly when; here it is done to the end, within
//! limits, and how much there was to take off is itself telling.

/// Rounds of decoding. A value wrapped deeper is seen as what the last round left.
const ROUNDS: usize = 3;
/// Shortest text that is tried as base64, bytes.
const BASE64: usize = 16;

/// What was taken off.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Layers {
    /// Percent-encoded bytes.
    pub percent: u32,
    /// Character references of HTML.
    pub entities: u32,
    /// `\x27`, `\u0027`, `\047`.
    pub escapes: u32,
    /// The value was base64 of a text.
    pub base64: bool,
    /// Full-width forms and overlong sequences that stand for ASCII.
    pub disguised: u32,
    /// NULs.
    pub nuls: u32,
}

/// Takes off the layers of a value.
pub(crate) fn decode(raw: &[u8]) -> (Vec<u8>, Layers) {
    let mut layers = Layers::default();
    let mut text = match base64(raw) {
        Some(inside) => {
            layers.base64 = true;
            inside
        }
        None => raw.to_vec(),
    };
    for _ in 0..ROUNDS {
        let before = (layers.percent, layers.entities, layers.escapes);
        text = step(&text, b'%', &mut layers.percent, percent);
        text = step(&text, b'&', &mut layers.entities, entity);
        text = step(&text, b'\\', &mut layers.escapes, escape);
        if before == (layers.percent, layers.entities, layers.escapes) {
            break;
        }
    }
    (undisguised(text, &mut layers), layers)
}

/// A decoder of what begins with its mark: the character and the bytes it took.
type Decoder = fn(&[u8]) -> Option<(u32, usize)>;

fn step(text: &[u8], mark: u8, count: &mut u32, decoder: Decoder) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memchr(mark, rest) {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at..];
        match decoder(rest) {
            Some((character, taken)) => {
                *count += 1;
                push(&mut out, character);
                rest = &rest[taken..];
            }
            None => {
                out.push(mark);
                rest = &rest[1..];
            }
        }
    }
    out.extend_from_slice(rest);
    out
}

/// Up to 255 a byte, as forms carry them; above, UTF-8.
fn push(out: &mut Vec<u8>, character: u32) {
    match (u8::try_from(character), char::from_u32(character)) {
        (Ok(byte), _) => out.push(byte),
        (_, Some(character)) => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        _ => out.push(b'?'),
    }
}

/// So many digits as a number.
fn digits(text: &[u8], from: usize, count: usize, radix: u32) -> Option<u32> {
    let digits = text.get(from..from + count)?;
    digits
        .iter()
        .try_fold(0, |number: u32, digit| number.checked_mul(radix)?.checked_add(char::from(*digit).to_digit(radix)?))
}

fn percent(text: &[u8]) -> Option<(u32, usize)> {
    match text.get(1)? {
        b'u' | b'U' => Some((digits(text, 2, 4, 16)?, 6)),
        _ => Some((digits(text, 1, 2, 16)?, 3)),
    }
}

fn escape(text: &[u8]) -> Option<(u32, usize)> {
    match text.get(1)? {
        b'x' | b'X' => Some((digits(text, 2, 2, 16)?, 4)),
        b'u' | b'U' => Some((digits(text, 2, 4, 16)?, 6)),
        b'0'..=b'3' => Some((digits(text, 1, 3, 8)?, 4)),
        _ => None,
    }
}

fn entity(text: &[u8]) -> Option<(u32, usize)> {
    const NAMED: &[(&[u8], u8)] = &[
        (b"&lt;", b'<'),
        (b"&gt;", b'>'),
        (b"&quot;", b'"'),
        (b"&apos;", b'\''),
        (b"&amp;", b'&'),
        (b"&lpar;", b'('),
        (b"&rpar;", b')'),
        (b"&colon;", b':'),
        (b"&sol;", b'/'),
        (b"&tab;", b'\t'),
        (b"&newline;", b'\n'),
    ];
    let named = |name: &[u8]| text.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name));
    if let Some((name, byte)) = NAMED.iter().find(|(name, _)| named(name)) {
        return Some((u32::from(*byte), name.len()));
    }
    let (radix, start) = match text {
        [b'&', b'#', b'x' | b'X', ..] => (16, 3),
        [b'&', b'#', ..] => (10, 2),
        _ => return None,
    };
    // Any number of zeros may stand before it.
    let zeros = text[start..].iter().take_while(|byte| **byte == b'0').count();
    let count = text[start + zeros..].iter().take(8).take_while(|byte| char::from(**byte).is_digit(radix)).count();
    let number = digits(text, start + zeros, count, radix).filter(|_| zeros + count > 0)?;
    let end = start + zeros + count;
    Some((number, end + usize::from(text.get(end) == Some(&b';'))))
}

/// Full-width forms (U+FF01 to U+FF5E) and overlong two-byte sequences become the ASCII they stand for; NULs go.
fn undisguised(text: Vec<u8>, layers: &mut Layers) -> Vec<u8> {
    if !text.iter().any(|byte| matches!(byte, 0 | 0xC0 | 0xC1 | 0xEF)) {
        return text;
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_slice();
    while let [first, tail @ ..] = rest {
        let (byte, taken) = match rest {
            [0, ..] => {
                layers.nuls += 1;
                (None, 1)
            }
            [0xEF, 0xBC, third @ 0x81..=0xBF, ..] => (Some(third - 0x81 + b'!'), 3),
            [0xEF, 0xBD, third @ 0x80..=0x9E, ..] => (Some(third - 0x80 + b'`'), 3),
            [lead @ (0xC0 | 0xC1), next @ 0x80..=0xBF, ..] => (Some((lead & 1) << 6 | (next & 0x3F)), 2),
            _ => {
                out.push(*first);
                rest = tail;
                continue;
            }
        };
        layers.disguised += u32::from(taken > 1);
        out.extend(byte);
        rest = &rest[taken..];
    }
    out
}

/// The text inside base64 (RFC 4648, either alphabet), when it is one: printable to nine tenths.
fn base64(raw: &[u8]) -> Option<Vec<u8>> {
    let text = raw.trim_ascii();
    let body = text.strip_suffix(b"==").or_else(|| text.strip_suffix(b"=")).unwrap_or(text);
    if text.len() < BASE64 || body.len() % 4 == 1 {
        return None;
    }
    let mut out = Vec::with_capacity(body.len() / 4 * 3 + 3);
    let (mut bits, mut held) = (0_u32, 0);
    for byte in body {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(six);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held) as u8);
        }
    }
    let printable = out.iter().filter(|byte| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~')).count();
    (printable * 10 >= out.len() * 9).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn layers_are_taken_off() {
        for (raw, plain) in [
            ("a%27%20or%201", "a' or 1"),
            ("%2527", "'"),
            ("%u0027", "'"),
            ("&#39;&#x27;&quot;&LT;", "''\"<"),
            ("\\x27\\u0027\\047", "'''"),
            ("&#00000000000039;&#x0000000000000000027", "''"),
            ("&#00000000000039;&#x0000000000000000027", "''"),
            ("\u{ff07} \u{ff4f}r", "' or"),
            ("MSBPUiAxPTEgdW5pb24gc2VsZWN0", "1 OR 1=1 union select"),
            ("100% &co; \\n", "100% &co; \\n"),
            ("plain", "plain"),
        ] {
            assert_eq!(String::from_utf8_lossy(&decode(raw.as_bytes()).0), plain, "{raw}");
        }
        assert_eq!(decode(b"\xC0\xA7\0x").0, b"'x");
        let (_, layers) = decode(b"MSBPUiAxPTEgdW5pb24gc2VsZWN0");
        assert!(layers.base64);
        assert!(!decode(b"d41d8cd98f00b204e9800998ecf8427e").1.base64);
    }

    proptest! {
        #[test]
        fn any_bytes_are_decoded(raw in prop::collection::vec(any::<u8>(), 0..200), text in "[%&\\\\#xu0-9a-f;]{0,60}") {
            for raw in [raw.as_slice(), text.as_bytes()] {
                // A character above 255 takes at most three bytes of six.
                prop_assert!(decode(raw).0.len() <= raw.len() + 4);
            }
        }
    }
}

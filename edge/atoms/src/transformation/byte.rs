//! Letters as C sees them in its own locale, numbers as libmodsecurity reads them, and the commonest changes.

/// `isspace`: blank, tab, line feed, vertical tab, form feed, carriage return.
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | 9..=13)
}

/// One of `0` to `7`.
pub(super) fn is_octal(byte: u8) -> bool {
    matches!(byte, b'0'..=b'7')
}

/// Value of a hexadecimal digit. Of any other byte it is what libmodsecurity's arithmetic makes of it (`hexDecode` shows it).
pub(super) fn digit(byte: u8) -> u8 {
    if byte >= b'A' { (byte & 0xdf).wrapping_sub(b'A').wrapping_add(10) } else { byte.wrapping_sub(b'0') }
}

/// The byte that two hexadecimal digits write.
pub(super) fn pair(high: u8, low: u8) -> u8 {
    digit(high).wrapping_mul(16).wrapping_add(digit(low))
}

/// Whether `count` hexadecimal digits stand at `at`.
pub(super) fn hex_at(input: &[u8], at: usize, count: usize) -> bool {
    input.get(at..at + count).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
}

/// The byte that four hexadecimal digits mean: the low half, and ASCII for the full-width forms U+FF01 to U+FF5E.
pub(super) fn narrow(digits: &[u8]) -> u8 {
    let &[first, second, third, fourth] = digits else { return 0 };
    let low = pair(third, fourth);
    let full_width =
        first.eq_ignore_ascii_case(&b'f') && second.eq_ignore_ascii_case(&b'f') && (1..0x5f).contains(&low);
    if full_width { low + 0x20 } else { low }
}

/// A letter behind a backslash that stands for a control character.
pub(super) fn control(letter: u8) -> Option<u8> {
    Some(match letter {
        b'a' => 7,
        b'b' => 8,
        b't' => 9,
        b'n' => 10,
        b'v' => 11,
        b'f' => 12,
        b'r' => 13,
        _ => return None,
    })
}

/// Up to three octal digits: how many, and their number.
pub(super) fn octal(input: &[u8], most: usize) -> (usize, u16) {
    let digits = input.iter().take(most).take_while(|byte| is_octal(**byte));
    digits.fold((0, 0), |(count, number), byte| (count + 1, number * 8 + u16::from(byte - b'0')))
}

/// The input without some bytes.
pub(super) fn without(input: &[u8], out: &mut Vec<u8>, gone: impl Fn(u8) -> bool) -> bool {
    let Some(first) = input.iter().position(|byte| gone(*byte)) else { return false };
    out.extend_from_slice(&input[..first]);
    out.extend(input[first..].iter().copied().filter(|byte| !gone(*byte)));
    true
}

/// The input with each byte put through a map.
pub(super) fn mapped(input: &[u8], out: &mut Vec<u8>, map: impl Fn(u8) -> u8) -> bool {
    let Some(first) = input.iter().position(|byte| map(*byte) != *byte) else { return false };
    out.extend_from_slice(&input[..first]);
    out.extend(input[first..].iter().map(|byte| map(*byte)));
    true
}

/// The input with each backslash and what stands behind it put through a reader: the byte meant, and its length behind the
/// backslash.
pub(super) fn unescaped(input: &[u8], out: &mut Vec<u8>, escape: impl Fn(&[u8]) -> (u8, usize)) -> bool {
    let Some(mut at) = memchr::memchr(b'\\', input) else { return false };
    out.extend_from_slice(&input[..at]);
    let start = at;
    while let Some(&letter) = input.get(at) {
        let (decoded, taken) = if letter == b'\\' { escape(&input[at + 1..]) } else { (letter, 0) };
        out.push(decoded);
        at += 1 + taken;
    }
    out[start..] != input[start..]
}

/// The input with `+` as a blank and `%hh` as its byte; `other` may read what else stands behind a `%`: the byte meant, and its
/// length with the `%`.
pub(super) fn url_decoded(input: &[u8], out: &mut Vec<u8>, other: impl Fn(&[u8]) -> Option<(u8, usize)>) -> bool {
    let Some(mut at) = memchr::memchr2(b'%', b'+', input) else { return false };
    out.extend_from_slice(&input[..at]);
    let mut changed = false;
    while let Some(&letter) = input.get(at) {
        let (decoded, taken) = match letter {
            b'+' => (b' ', 1),
            b'%' if hex_at(input, at + 1, 2) => (pair(input[at + 1], input[at + 2]), 3),
            b'%' => other(&input[at + 1..]).unwrap_or((letter, 1)),
            letter => (letter, 1),
        };
        out.push(decoded);
        changed |= taken > 1 || decoded != letter;
        at += taken;
    }
    changed
}

//! Which bytes may stand where in a head (RFC 9110 section 5.5 and 5.6.2, RFC 9112 section 3).

/// `tchar`: what methods and field names are made of.
pub(crate) const TOKEN: u8 = 1;
/// `field-vchar`, SP and HTAB: what field values are made of; bytes from 0x80 on are opaque there.
pub(crate) const VALUE: u8 = 2;
/// What a request target may hold. Bytes from 0x80 on are not in the grammar, but browsers and programs send them and no
/// framing depends on them, so they are left for the rules to judge. `#` would begin a fragment, which is never sent.
pub(crate) const TARGET: u8 = 4;
/// What a host with port may hold: names, addresses, brackets, percent-encoding (RFC 3986 section 3.2).
pub(crate) const HOST: u8 = 8;

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        let byte = at as u8;
        let alphanumeric = byte.is_ascii_alphanumeric();
        let mut class = 0;
        if alphanumeric || contains(b"!#$%&'*+-.^_`|~", byte) {
            class |= TOKEN;
        }
        if byte == b'\t' || (byte >= b' ' && byte != 0x7f) {
            class |= VALUE;
        }
        if byte > b' ' && byte != 0x7f && byte != b'#' {
            class |= TARGET;
        }
        if alphanumeric || contains(b"-._~%!$&'()*+,;=:[]", byte) {
            class |= HOST;
        }
        table[at] = class;
        at += 1;
    }
    table
}

const fn contains(set: &[u8], byte: u8) -> bool {
    let mut at = 0;
    while at < set.len() {
        if set[at] == byte {
            return true;
        }
        at += 1;
    }
    false
}

static CLASSES: [u8; 256] = classes();

/// Whether every byte is of the class.
pub(crate) fn all(text: &[u8], class: u8) -> bool {
    match class {
        // Most bytes of a head are looked at for these two; said so, the compiler looks at many at once.
        VALUE => text.iter().fold(true, |sound, byte| sound & (((*byte >= b' ') & (*byte != 0x7f)) | (*byte == b'\t'))),
        TARGET => text.iter().fold(true, |sound, byte| sound & (*byte > b' ') & (*byte != 0x7f) & (*byte != b'#')),
        _ => text.iter().fold(class, |seen, byte| seen & CLASSES[usize::from(*byte)]) & class != 0,
    }
}

/// Without the optional white space (SP, HTAB) around it.
pub(crate) fn trim(text: &[u8]) -> &[u8] {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let begin = text.iter().position(|byte| !blank(byte)).unwrap_or(text.len());
    let end = text.iter().rposition(|byte| !blank(byte)).map_or(begin, |last| last + 1);
    &text[begin..end]
}

/// A number of decimal digits alone; `None` for anything else and above 2⁶³ − 1.
pub(crate) fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 19 || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = text.iter().fold(0_u64, |value, digit| value * 10 + u64::from(digit - b'0'));
    (value <= i64::MAX as u64).then_some(value)
}

/// A number of at most 16 hexadecimal digits alone; `None` for anything else and above 2⁶³ − 1.
pub(crate) fn hexadecimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 16 {
        return None;
    }
    let mut value = 0_u64;
    for digit in text {
        value = value << 4 | u64::from((*digit as char).to_digit(16)?);
    }
    (value <= i64::MAX as u64).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_those_of_the_grammar() {
        assert!(all(b"Content-Type", TOKEN) && !all(b"Content Type", TOKEN) && !all(b"a:b", TOKEN));
        assert!(all(b"a \t\xff", VALUE) && !all(b"a\0", VALUE) && !all(b"a\x7f", VALUE) && !all(b"a\x0b", VALUE));
        assert!(all(b"/a?b=%20\xe4\xbd\xa0", TARGET) && !all(b"/a#b", TARGET) && !all(b"/a b", TARGET));
        assert!(all(b"[::1]:80", HOST) && !all(b"a/b", HOST) && !all(b"a@b", HOST) && all(b"", HOST));
    }

    #[test]
    fn what_is_said_twice_is_the_same() {
        for byte in 0..=u8::MAX {
            for class in [VALUE, TARGET] {
                assert_eq!(all(&[byte], class), CLASSES[usize::from(byte)] & class != 0, "{byte}");
            }
        }
    }

    #[test]
    fn numbers_are_digits_alone_and_never_overflow() {
        assert_eq!(decimal(b"9223372036854775807"), Some(i64::MAX as u64));
        for bad in ["", "9223372036854775808", "99999999999999999999", "+1", "-1", "1 ", "0x1", "1,1", "1_0"] {
            assert_eq!(decimal(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(hexadecimal(b"7fffffffffffffff"), Some(i64::MAX as u64));
        assert_eq!(hexadecimal(b"0000000000000aBc"), Some(0xabc));
        for bad in ["", "8000000000000000", "00000000000000001", "0x1", "1;", "g", " 1", "+1"] {
            assert_eq!(hexadecimal(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn white_space_around_goes_and_inside_stays() {
        assert_eq!(trim(b" \ta b\t "), b"a b");
        assert_eq!(trim(b" \t "), b"");
    }
}

//! Forms in which corpora hand a value over.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// As in a query or a form: letters, digits and `-_.~` stay, a blank becomes `+`.
pub fn query(value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len() + value.len() / 2);
    for byte in value {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(*byte),
            b' ' => out.push(b'+'),
            _ => out.extend(format!("%{byte:02X}").into_bytes()),
        }
    }
    out
}

/// The other way; `None` where a `%` is not followed by two hexadecimal digits.
pub fn unquery(value: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match first {
            b'+' => out.push(b' '),
            b'%' => {
                let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok())?;
                if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                    return None;
                }
                out.push(u8::from_str_radix(digits, 16).ok()?);
                rest = &after[2..];
            }
            other => out.push(*other),
        }
    }
    Some(out)
}

/// As [`unquery`], but what is no escape stays as it is.
pub fn unquery_lenient(value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((first, after)) = rest.split_first() {
        let taken = if *first == b'%' { 3 } else { 1 };
        match rest.get(..taken).and_then(unquery) {
            Some(bytes) => {
                out.extend(bytes);
                rest = &rest[taken..];
            }
            None => {
                out.push(*first);
                rest = after;
            }
        }
    }
    out
}

/// Base64 without padding.
pub fn base64_flat(value: &[u8]) -> Vec<u8> {
    STANDARD_NO_PAD.encode(value).into_bytes()
}

/// Every UTF-16 unit as `\uXXXX`.
pub fn js_unicode(value: &str) -> String {
    value.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect()
}

/// With the characters escaped that XML gives a meaning.
pub fn xml_entity(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for character in value.chars() {
        match character {
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\t' => out.push_str("&#x9;"),
            '\n' => out.push_str("&#xA;"),
            '\r' => out.push_str("&#xD;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_comes_back() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(unquery(&query(&all)), Some(all));
        assert_eq!(query(b"a b&c"), b"a+b%26c");
        assert_eq!(unquery(b"%4"), None);
        assert_eq!(unquery(b"%+1"), None);
        assert_eq!(unquery_lenient(b"100%+%41%"), b"100% A%");
    }

    #[test]
    fn other_forms() {
        assert_eq!(base64_flat(b"a"), b"YQ");
        assert_eq!(js_unicode("a\u{1f600}"), "\\u0061\\ud83d\\ude00");
        assert_eq!(xml_entity("<a>&'"), "&lt;a&gt;&amp;&#39;");
    }
}

//! JSON taken apart into dotted names, straight from the text: no tree is built, numbers keep their digits.
//!
//! `{"a":{"b":[1,{"c":"x"}]},"d":null}` gives `a.b=1`, `a.b.c=x`. Elements of a list share their name, `null` gives
//! nothing, and what lies deeper than [`DEPTH`] stays as text. Control characters within strings are let through, since
//! real logs have them; everything else is RFC 8259.

use super::Fields;
use crate::limits::{DEPTH, NAME_BYTES};
use memchr::memchr2;
use std::borrow::Cow;

/// An element of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element<'l> {
    /// Its text.
    Text(&'l str),
    /// There is none any more.
    End,
    /// It is no JSON.
    Broken,
}

/// Reads JSON from the front of a text.
pub struct Flatten<'l, 'w> {
    text: &'l str,
    at: usize,
    path: String,
    /// Names whose objects and lists are also given as their text, for rules that search all of it.
    whole: &'w [&'w str],
}

impl<'l, 'w> Flatten<'l, 'w> {
    /// A reader at the front of `text`.
    pub fn new(text: &'l str, whole: &'w [&'w str]) -> Self {
        Flatten { text, at: 0, path: String::new(), whole }
    }

    /// The value at the front, as fields; `None` where it is no JSON. Fields found before the fault stay.
    pub fn value(&mut self, fields: &mut Fields) -> Option<()> {
        self.path.clear();
        self.any(fields, 0)
    }

    /// Whether only white space is left.
    pub fn at_end(&mut self) -> bool {
        self.space();
        self.at == self.text.len()
    }

    /// If the value at the front is a list, or an object whose first key is one of `keys` with a list as its value,
    /// steps into that list and says so.
    pub fn enter(&mut self, keys: &[&str]) -> bool {
        let start = self.at;
        let mut step = || {
            if self.next()? == b'[' {
                return Some(());
            }
            self.at -= 1;
            self.expect(b'{')?;
            loop {
                self.expect(b'"')?;
                let key = self.string()?;
                self.expect(b':')?;
                if keys.contains(&key.as_ref()) {
                    return self.expect(b'[');
                }
                self.skip()?;
                self.expect(b',')?;
            }
        };
        let entered = step().is_some();
        if !entered {
            self.at = start;
        }
        entered
    }

    /// The next element of the list entered, as fields and its text.
    pub fn element(&mut self, fields: &mut Fields) -> Element<'l> {
        match self.next() {
            Some(b']') => return Element::End,
            Some(b',') => self.space(),
            Some(_) => self.at -= 1,
            None => return Element::Broken,
        }
        let start = self.at;
        self.path.clear();
        match self.any(fields, 0) {
            Some(()) => Element::Text(&self.text[start..self.at]),
            None => Element::Broken,
        }
    }

    fn space(&mut self) {
        let bytes = self.text.as_bytes();
        while matches!(bytes.get(self.at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    /// The next byte that is no white space, passed over.
    fn next(&mut self) -> Option<u8> {
        self.space();
        let byte = *self.text.as_bytes().get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn expect(&mut self, wanted: u8) -> Option<()> {
        (self.next()? == wanted).then_some(())
    }

    fn any(&mut self, fields: &mut Fields, depth: usize) -> Option<()> {
        let opening = self.next()?;
        let start = self.at - 1;
        match opening {
            b'"' => {
                let value = self.string()?;
                fields.put(&self.path, &value);
            }
            b'{' | b'[' if depth >= DEPTH => {
                self.at = start;
                self.skip()?;
                fields.put(&self.path, &self.text[start..self.at]);
            }
            b'{' => self.object(fields, depth)?,
            b'[' => self.list(fields, depth)?,
            _ => {
                self.at = start;
                let word = self.word()?;
                if word != "null" {
                    fields.put(&self.path, word);
                }
            }
        }
        Some(())
    }

    fn object(&mut self, fields: &mut Fields, depth: usize) -> Option<()> {
        let mut byte = self.next()?;
        if byte == b'}' {
            return Some(());
        }
        let length = self.path.len();
        loop {
            if byte != b'"' {
                return None;
            }
            let key = self.string()?;
            self.expect(b':')?;
            if length > 0 {
                self.path.push('.');
            }
            // One byte past the longest name, so that the cut is seen and counted.
            self.path.push_str(super::fields::head(&key, (NAME_BYTES + 4).saturating_sub(self.path.len())));
            self.space();
            let start = self.at;
            let read = self.any(fields, depth + 1);
            // What failed to read may have ended within a character.
            if let Some(text) = read.and_then(|()| self.text.get(start..self.at))
                && text.starts_with(['{', '['])
                && self.whole.contains(&self.path.as_str())
            {
                fields.put(&self.path, text);
            }
            self.path.truncate(length);
            read?;
            match self.next()? {
                b',' => byte = self.next()?,
                b'}' => return Some(()),
                _ => return None,
            }
        }
    }

    fn list(&mut self, fields: &mut Fields, depth: usize) -> Option<()> {
        if self.next()? == b']' {
            return Some(());
        }
        self.at -= 1;
        loop {
            self.any(fields, depth + 1)?;
            match self.next()? {
                b',' => {}
                b']' => return Some(()),
                _ => return None,
            }
        }
    }

    /// Passes over a value of any depth without a stack: only strings and brackets count.
    fn skip(&mut self) -> Option<()> {
        let mut open = 0_usize;
        loop {
            match self.next()? {
                b'"' => drop(self.string()?),
                b'{' | b'[' => open += 1,
                b'}' | b']' => open = open.checked_sub(1)?,
                b',' | b':' if open > 0 => continue,
                _ => {
                    self.at -= 1;
                    self.word()?;
                }
            }
            if open == 0 {
                return Some(());
            }
        }
    }

    /// A number, `true`, `false` or `null`, as it stands.
    fn word(&mut self) -> Option<&'l str> {
        let rest = &self.text[self.at..];
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
        let end = rest.bytes().position(|byte| !is_part(byte)).unwrap_or(rest.len());
        let word = &rest[..end];
        self.at += end;
        (matches!(word, "true" | "false" | "null") || is_number(word)).then_some(word)
    }

    /// The rest of a string whose quote was passed over.
    fn string(&mut self) -> Option<Cow<'l, str>> {
        let rest = &self.text[self.at..];
        let end = memchr2(b'"', b'\\', rest.as_bytes())?;
        if rest.as_bytes()[end] == b'"' {
            self.at += end + 1;
            return Some(Cow::Borrowed(&rest[..end]));
        }
        self.escaped().map(Cow::Owned)
    }

    fn escaped(&mut self) -> Option<String> {
        let mut value = String::new();
        loop {
            let rest = &self.text[self.at..];
            let end = memchr2(b'"', b'\\', rest.as_bytes())?;
            value.push_str(&rest[..end]);
            self.at += end + 1;
            if rest.as_bytes()[end] == b'"' {
                return Some(value);
            }
            let escape = *self.text.as_bytes().get(self.at)?;
            self.at += 1;
            value.push(match escape {
                b'"' | b'\\' | b'/' => char::from(escape),
                b'b' => '\u{8}',
                b'f' => '\u{c}',
                b'n' => '\n',
                b'r' => '\r',
                b't' => '\t',
                b'u' => self.unicode()?,
                _ => return None,
            });
        }
    }

    /// The rest of `\uXXXX`, with its second half where it is a surrogate; a lone half is replaced.
    fn unicode(&mut self) -> Option<char> {
        let first = self.hex()?;
        if (0xD800..0xDC00).contains(&first) && self.text[self.at..].starts_with("\\u") {
            let back = self.at;
            self.at += 2;
            let second = self.hex()?;
            if (0xDC00..0xE000).contains(&second) {
                return char::from_u32(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00));
            }
            self.at = back;
        }
        Some(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn hex(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4)?;
        self.at += 4;
        digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok())?
    }
}

/// Whether a word is a number of RFC 8259.
fn is_number(word: &str) -> bool {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let rest = word.strip_prefix('-').unwrap_or(word);
    let whole = digits(rest);
    if whole == 0 || (whole > 1 && rest.starts_with('0')) {
        return false;
    }
    let mut rest = &rest[whole..];
    if let Some(fraction) = rest.strip_prefix('.') {
        let count = digits(fraction);
        rest = &fraction[count..];
        if count == 0 {
            return false;
        }
    }
    if let Some(power) = rest.strip_prefix(['e', 'E']) {
        let power = power.strip_prefix(['+', '-']).unwrap_or(power);
        let count = digits(power);
        return count > 0 && count == power.len();
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn flat(text: &str, whole: &[&str]) -> Option<Vec<(String, String)>> {
        let mut fields = Fields::default();
        let mut json = Flatten::new(text, whole);
        json.value(&mut fields)?;
        json.at_end().then(|| fields.finish().into_iter().map(|pair| (pair.name, pair.value)).collect())
    }

    #[test]
    fn names_are_dotted_and_lists_repeat_them() {
        let text = r#" {"a":{"b":[1,{"c":"x\u00e9\ud83d\ude00\n"}],"e":[]},"d":null,"f":-1.50e3,"g":"","h":{}} "#;
        let flat = flat(text, &["a.b"]).unwrap();
        let expected = [
            ("a.b", "1"),
            ("a.b.c", "xé😀\n"),
            ("a.b", r#"[1,{"c":"x\u00e9\ud83d\ude00\n"}]"#),
            ("f", "-1.50e3"),
            ("g", ""),
        ];
        let expected: Vec<_> = expected.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        assert_eq!(flat, expected);
    }

    #[test]
    fn lists_of_records_are_walked() {
        for text in [r#"{"v":{"Records":1},"Records":[{"a":1}, {"a":2}]}"#, r#"[{"a":1}, {"a":2}]"#] {
            let mut json = Flatten::new(text, &[]);
            assert!(json.enter(&["Records"]));
            for expected in [r#"{"a":1}"#, r#"{"a":2}"#] {
                assert_eq!(json.element(&mut Fields::default()), Element::Text(expected));
            }
            assert_eq!(json.element(&mut Fields::default()), Element::End);
        }
        assert!(!Flatten::new(r#"{"a":1}"#, &[]).enter(&["Records"]));
    }

    #[test]
    fn deep_nesting_stays_text_and_is_linear() {
        let deep = format!("{}1{}", "[".repeat(300_000), "]".repeat(300_000));
        assert_eq!(flat(&deep, &[]).unwrap().len(), 2);
        assert_eq!(flat(&"[".repeat(300_000), &[]), None);
        assert_eq!(flat(&"{\"a\":".repeat(100_000), &[]), None);
    }

    fn value() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            "\\PC{0,12}".prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
                proptest::collection::vec(("[a-c\"é]{0,3}", inner), 0..6)
                    .prop_map(|pairs| serde_json::Value::Object(pairs.into_iter().collect())),
            ]
        })
    }

    fn walk(value: &serde_json::Value, path: &str, out: &mut Vec<(String, String)>) {
        match value {
            serde_json::Value::Null => {}
            serde_json::Value::String(text) => out.push((path.into(), text.clone())),
            serde_json::Value::Array(list) => list.iter().for_each(|value| walk(value, path, out)),
            serde_json::Value::Object(map) => {
                for (key, value) in map {
                    let name = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                    walk(value, &name, out);
                }
            }
            other => out.push((path.into(), other.to_string())),
        }
    }

    proptest! {
        #[test]
        fn what_serde_reads_we_read_the_same(value in value(), pretty in any::<bool>()) {
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
            let mut expected = Vec::new();
            walk(&value, "", &mut expected);
            prop_assert_eq!(flat(&text.unwrap(), &[]), Some(expected));
        }

        #[test]
        fn hostile_json_never_panics(text in "[\\[\\]{}:,\"\\\\u0-9a-fé tn-]{0,60}") {
            let ours = flat(&text, &[]);
            let theirs = serde_json::from_str::<serde_json::Value>(&text);
            prop_assert!(ours.is_some() || theirs.is_err(), "{} reads elsewhere", text);
        }
    }
}

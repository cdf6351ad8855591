//! A list of actions into names and values: `id:1,msg:'a, b',deny`.

use crate::fault::SYNTAX;
use crate::names::shown;
use base::{Fault, Result};

/// One action of a list, not yet understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    /// As written.
    pub(crate) name: String,
    /// Behind the colon, quotes taken away, `\'` and `\"` read as the quote.
    pub(crate) value: Option<String>,
}

/// Cuts at commas outside of single quotes. Empty parts (`a,,b`) are passed by. A fault has no object yet.
pub(crate) fn split(list: &str) -> impl Iterator<Item = Result<Part>> {
    let mut rest = list;
    std::iter::from_fn(move || {
        loop {
            rest = rest.trim_start();
            let first = rest.chars().next()?;
            if first != ',' {
                break;
            }
            rest = &rest[1..];
        }
        let (part, after) = part(rest);
        rest = after;
        Some(part)
    })
}

fn part(text: &str) -> (Result<Part>, &str) {
    let end = text.find([':', ',']).unwrap_or(text.len());
    let (name, behind) = (text[..end].trim().to_string(), &text[end..]);
    let Some(behind) = behind.strip_prefix(':') else {
        return (Ok(Part { name, value: None }), behind);
    };
    let value = behind.trim_start();
    let Some(inside) = value.strip_prefix('\'') else {
        let end = value.find(',').unwrap_or(value.len());
        let value_text = unescape(value[..end].trim_end());
        return (Ok(Part { name, value: Some(value_text) }), &value[end..]);
    };
    let Some(end) = closing(inside) else {
        let fault = Fault::new(&SYNTAX).expected("a closing single quote").found(shown(text));
        return (Err(fault), "");
    };
    let after = inside[end + 1..].trim_start();
    if !after.is_empty() && !after.starts_with(',') {
        let next = after.find(',').map_or("", |at| &after[at..]);
        let fault = Fault::new(&SYNTAX).expected("a comma behind the closing quote").found(shown(after));
        return (Err(fault), next);
    }
    (Ok(Part { name, value: Some(unescape(&inside[..end])) }), after)
}

/// Where the quote closes.
fn closing(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'\'' => return Some(at),
            _ => at += 1,
        }
    }
    None
}

fn unescape(text: &str) -> String {
    if text.contains('\\') { text.replace("\\'", "'").replace("\\\"", "\"") } else { text.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(list: &str) -> Vec<(String, Option<String>)> {
        split(list).map(|part| part.unwrap()).map(|part| (part.name, part.value)).collect()
    }

    #[test]
    fn commas_quotes_and_escapes() {
        let found = read("id:1, phase : '2' ,msg:'a, \\'b\\' \\\"c\\\"',deny,,tag:x y , t:none,");
        let expected: Vec<(String, Option<String>)> = [
            ("id", Some("1")),
            ("phase", Some("2")),
            ("msg", Some("a, 'b' \"c\"")),
            ("deny", None),
            ("tag", Some("x y")),
            ("t", Some("none")),
        ]
        .map(|(name, value): (&str, Option<&str>)| (name.to_string(), value.map(str::to_string)))
        .to_vec();
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_not_closed_is_told() {
        for list in ["msg:'a", "msg:'a\\'", "msg:'a'b,deny", "msg:'"] {
            assert!(split(list).any(|part| part.is_err_and(|fault| fault.is(&SYNTAX))), "{list}");
        }
        assert_eq!(split("msg:'a'b,deny").filter(|part| part.is_ok()).count(), 1);
    }
}

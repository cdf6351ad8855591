//! Targets: `ARGS:name|!ARGS:'/^a|b$/'|&REQUEST_HEADERS:host|XML:/*`.

use crate::fault::VARIABLE;
use crate::model::{Place, Selector, Target, Text, Vocabulary};
use crate::names::{canonical, fault, nearest, shown};
use crate::text;
use base::Result;

/// Reads a list of targets, joined by `|` or `,`.
pub(crate) fn parse(list: &str, vocabulary: &Vocabulary<'_>, place: &Place) -> Result<Vec<Target>> {
    each(list, vocabulary, place).collect()
}

/// Reads a list of targets one by one, so that every wrong one can be told.
pub(crate) fn each(list: &str, vocabulary: &Vocabulary<'_>, place: &Place) -> impl Iterator<Item = Result<Target>> {
    split(list).into_iter().map(move |one| target(one, vocabulary, place))
}

/// Cuts at `|` and `,` outside of single quotes and of `/expression/`.
fn split(list: &str) -> Vec<&str> {
    let bytes = list.as_bytes();
    let (mut parts, mut start, mut at, mut quoted) = (Vec::new(), 0, 0, false);
    // Once no expression closes any more, none behind it does: looked for once only.
    let mut closes = true;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if quoted => at += 1,
            b'\'' => quoted = !quoted,
            b'/' if closes && begins_expression(list, start, at) => match closing(bytes, at + 1) {
                Some(end) => at = end,
                None => closes = false,
            },
            b'|' | b',' if !quoted => {
                parts.push(&list[start..at]);
                start = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    parts.push(&list[start..]);
    parts
}

/// Whether the slash at `at` is the first character of a selector that is not an XPath.
fn begins_expression(list: &str, start: usize, at: usize) -> bool {
    let name = list.get(start..at).and_then(|before| before.strip_suffix(':'));
    name.is_some_and(|name| {
        !name.contains(':') && !name.trim_start_matches(['!', '&', ' ']).eq_ignore_ascii_case("XML")
    })
}

/// The slash that ends an expression: one with a separator or nothing behind it.
fn closing(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            b'/' if matches!(bytes.get(at + 1), None | Some(b'|' | b',' | b' ')) => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

fn target(one: &str, vocabulary: &Vocabulary<'_>, place: &Place) -> Result<Target> {
    let trimmed = one.trim();
    let (exclude, rest) = trimmed.strip_prefix('!').map_or((false, trimmed), |rest| (true, rest.trim_start()));
    let (count, rest) = rest.strip_prefix('&').map_or((false, rest), |rest| (true, rest));
    let (name, key) = rest.split_once(':').map_or((rest, None), |(name, key)| (name, Some(key)));
    let Some(variable) = canonical(vocabulary, vocabulary.variables, name) else {
        let near = nearest(vocabulary.variables.iter().copied(), name);
        return Err(fault(&VARIABLE, place).expected(near).found(shown(trimmed)));
    };
    let selector = match key {
        None => Selector::All,
        Some(key) => selector(variable, key, vocabulary, place)?,
    };
    Ok(Target { variable, selector, count, exclude })
}

fn selector(variable: &str, key: &str, vocabulary: &Vocabulary<'_>, place: &Place) -> Result<Selector> {
    let quoted = key.strip_prefix('\'').and_then(|key| key.strip_suffix('\'')).filter(|_| key.len() > 1);
    let key = quoted.map_or_else(|| key.to_string(), |key| key.replace("\\'", "'"));
    if key.is_empty() || (quoted.is_none() && key.contains('\'')) {
        return Err(fault(&VARIABLE, place).expected("a name, a quoted name or '/expression/'").found(shown(&key)));
    }
    // An XPath begins with a slash, too.
    let pattern = key.strip_prefix('/').and_then(|key| key.strip_suffix('/')).filter(|_| variable != "XML");
    match pattern {
        Some(pattern) => Ok(Selector::Pattern(pattern.to_string())),
        None => Ok(Selector::Name(text::parse(&key, vocabulary, place)?)),
    }
}

/// A target without macros, spelt out as it would be read again.
impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (exclude, count) = (if self.exclude { "!" } else { "" }, if self.count { "&" } else { "" });
        write!(f, "{exclude}{count}{}", self.variable)?;
        match &self.selector {
            Selector::All => Ok(()),
            Selector::Name(name) if name.fixed().is_some_and(|name| name.iter().all(plain)) => write!(f, ":{name}"),
            Selector::Name(name) => write!(f, ":'{}'", name.to_string().replace('\'', "\\'")),
            Selector::Pattern(pattern) => write!(f, ":'/{}/'", pattern.replace('\'', "\\'")),
        }
    }
}

/// Whether a byte of a name needs no quotes around it.
fn plain(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-.:/*@[]$".contains(byte) || *byte >= 0x80
}

impl std::fmt::Display for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        use crate::model::Piece;
        for piece in &self.0 {
            match piece {
                Piece::Literal(bytes) => f.write_str(&String::from_utf8_lossy(bytes))?,
                Piece::Macro { variable, key } if key.is_empty() => write!(f, "%{{{variable}}}")?,
                Piece::Macro { variable, key } => write!(f, "%{{{variable}.{key}}}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: Vocabulary<'static> = Vocabulary {
        operators: &[],
        transformations: &[],
        variables: &["ARGS", "XML", "TX", "REQUEST_COOKIES"],
        aliases: &[],
    };

    fn read(list: &str) -> Result<Vec<Target>> {
        parse(list, &WORDS, &Place { file: "f".into(), line: 1 })
    }

    #[test]
    fn every_form() {
        let list = "args|!ARGS:a.b|&TX:x|REQUEST_COOKIES:/^_pk/|ARGS:'/a|b,\\'c/'|XML:/*|XML://@*|TX:'p q'|TX:k_%{TX.1}|ARGS:/a{1,2}|b\\/|c/|TX:/d/";
        let found = read(list).unwrap();
        let spelt: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(
            spelt,
            [
                "ARGS",
                "!ARGS:a.b",
                "&TX:x",
                "REQUEST_COOKIES:'/^_pk/'",
                "ARGS:'/a|b,\\'c/'",
                "XML:/*",
                "XML://@*",
                "TX:'p q'",
                "TX:'k_%{TX.1}'",
                "ARGS:'/a{1,2}|b\\/|c/'",
                "TX:'/d/'"
            ]
        );
        assert_eq!(found[4].selector, Selector::Pattern("a|b,'c".into()));
        assert_eq!(read(&spelt.join("|")).unwrap(), found);
    }

    #[test]
    fn what_is_no_target_is_told() {
        for (list, near) in [("ARG", "ARGS"), ("ARGS||TX", ""), ("ARGS:/a|b", ""), ("", "")] {
            let fault = read(list).unwrap_err();
            assert!(fault.is(&VARIABLE), "{list}: {fault}");
            assert!(fault.wanted().contains(near), "{list}: {fault}");
        }
        assert!(read("ARGS:").is_err() && read("ARGS:'a").is_err());
    }
}

//! `Content-Disposition: form-data; name="…"; filename="…"` (RFC 7578 §4.2), read as strictly as backends differ.

/// What the header says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Disposition {
    pub name: Vec<u8>,
    pub filename: Vec<u8>,
    /// A quote stands where none may, or single ones are used.
    pub odd_quotes: bool,
    /// Why the rest could not be read.
    pub broken: Option<&'static str>,
}

/// Reads the header's value; what came before a mistake is kept.
pub(super) fn disposition(value: &[u8]) -> Disposition {
    let mut read = Disposition::default();
    read.broken = parameters(value, &mut read).err();
    read
}

fn parameters(value: &[u8], read: &mut Disposition) -> Result<(), &'static str> {
    let rest = value.strip_prefix(b"form-data").ok_or("a part's disposition is not form-data")?;
    let mut rest = blank(rest);
    while let Some((mark, after)) = rest.split_first() {
        if *mark != b';' {
            return Err("a part's disposition lacks a semicolon");
        }
        if after.is_empty() {
            break;
        }
        let end = parameter(blank(after), read)?;
        rest = blank(end);
        if !rest.is_empty() && !rest.starts_with(b";") {
            let before = value[..value.len() - rest.len()].last();
            read.odd_quotes |= matches!(before, Some(b'"' | b'\''));
            return Err("something follows a parameter of a part's disposition");
        }
    }
    Ok(())
}

/// One `name = value`; returns what follows.
fn parameter<'v>(text: &'v [u8], read: &mut Disposition) -> Result<&'v [u8], &'static str> {
    let cut = memchr::memchr3(b'=', b' ', b'\t', text).ok_or("a parameter of a part's disposition has no value")?;
    let (name, rest) = text.split_at(cut);
    let rest = blank(rest).strip_prefix(b"=").ok_or("a parameter of a part's disposition has no value")?;
    let rest = blank(rest);
    let (value, rest) = match rest.first() {
        None => return Err("a parameter of a part's disposition has no value"),
        Some(quote @ (b'"' | b'\'')) => {
            read.odd_quotes |= *quote == b'\'';
            quoted(&rest[1..], *quote, read)?
        }
        Some(_) => {
            let end = rest.iter().position(|byte| !token(*byte)).unwrap_or(rest.len());
            (rest[..end].to_vec(), &rest[end..])
        }
    };
    let place = match name {
        b"name" => &mut read.name,
        b"filename" => &mut read.filename,
        _ => return Err("a part's disposition has an unknown parameter"),
    };
    if !place.is_empty() {
        return Err("a part's disposition names the same twice");
    }
    *place = value;
    Ok(rest)
}

/// The text up to the quote; `\` takes away the meaning of a quote and of itself, before others it is a letter.
fn quoted<'v>(text: &'v [u8], quote: u8, read: &mut Disposition) -> Result<(Vec<u8>, &'v [u8]), &'static str> {
    let mut value = Vec::new();
    let mut rest = text;
    loop {
        match rest {
            [] => {
                read.odd_quotes |= !text.is_empty();
                return Err("a quote in a part's disposition does not end");
            }
            [b'\\'] => return Err("a part's disposition ends in an escape"),
            [b'\\', next, tail @ ..] if *next == quote || *next == b'\\' => {
                value.push(*next);
                rest = tail;
            }
            [byte, tail @ ..] if *byte == quote => return Ok((value, tail)),
            [byte, tail @ ..] => {
                value.push(*byte);
                rest = tail;
            }
        }
    }
}

fn blank(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|byte| !matches!(byte, b' ' | b'\t'));
    &text[start.unwrap_or(text.len())..]
}

/// A character of a token (RFC 2045 §5.1).
pub(super) fn token(byte: u8) -> bool {
    (33..127).contains(&byte) && !b"()<>@,;:\\\"/[]?=".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dispositions_are_read_as_the_oracle_reads_them() {
        for (text, name, filename, odd, good) in [
            ("form-data; name=\"a\"", "a", "", false, true),
            ("form-data;name=tok; filename=b.c", "tok", "b.c", false, true),
            ("form-data; name='q'", "q", "", true, true),
            ("form-data; name=\"q\\\"r\\\\s\\t\"", "q\"r\\s\\t", "", false, true),
            ("form-data; name=\"q\";", "q", "", false, true),
            ("form-data; name=\"q\"; ", "q", "", false, false),
            ("form-data; name=\"q\"; name=\"r\"", "q", "", false, false),
            ("form-data;name=\"q\"filename=\"x\"", "q", "", true, false),
            ("form-data; name=\"q", "", "", true, false),
            ("form-data; name=\"", "", "", false, false),
            ("form-data; name=\"q\\", "", "", false, false),
            ("form-data; name=q r", "q", "", false, false),
            ("form-data; name=\"q\"; filename*=UTF-8''x", "q", "", false, false),
            ("Form-Data; name=\"q\"", "", "", false, false),
            ("form-data;; name=\"q\"", "", "", false, false),
            ("form-data name=\"q\"", "", "", false, false),
            ("form-data", "", "", false, true),
        ] {
            let read = disposition(text.as_bytes());
            let found = (read.name.as_slice(), read.filename.as_slice(), read.odd_quotes, read.broken.is_none());
            assert_eq!(found, (name.as_bytes(), filename.as_bytes(), odd, good), "{text}");
        }
    }
}

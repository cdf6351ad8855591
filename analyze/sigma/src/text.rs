//! Sigma's text values: wildcards `*` and `?`, escaped by a backslash.

use pattern::Piece;

/// Reads a value. `\*`, `\?` and `\\` stand for the character itself; a backslash before anything else is a backslash.
pub fn parse(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut run = Vec::new();
    let mut bytes = text.bytes().peekable();
    while let Some(byte) = bytes.next() {
        let wild = match byte {
            b'*' => Piece::Any,
            b'?' => Piece::One,
            b'\\' => {
                run.push(bytes.next_if(|next| matches!(next, b'*' | b'?' | b'\\')).unwrap_or(byte));
                continue;
            }
            byte => {
                run.push(byte);
                continue;
            }
        };
        if !run.is_empty() {
            pieces.push(Piece::Text(std::mem::take(&mut run)));
        }
        pieces.push(wild);
    }
    if !run.is_empty() {
        pieces.push(Piece::Text(run));
    }
    pieces
}

/// The bytes of a value without wildcards; an empty value has none.
pub fn plain(pieces: &[Piece]) -> Option<&[u8]> {
    match pieces {
        [] => Some(&[]),
        [Piece::Text(text)] => Some(text),
        _ => None,
    }
}

/// Puts `*` before a value unless it begins with one.
pub fn open_start(pieces: &mut Vec<Piece>) {
    if pieces.first() != Some(&Piece::Any) {
        pieces.insert(0, Piece::Any);
    }
}

/// Puts `*` behind a value unless it ends with one.
pub fn open_end(pieces: &mut Vec<Piece>) {
    if pieces.last() != Some(&Piece::Any) || pieces.len() == 1 {
        pieces.push(Piece::Any);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let one = |piece: Piece| match piece {
            Piece::Text(text) => format!("[{}]", String::from_utf8_lossy(&text)),
            Piece::Any => "ANY".to_owned(),
            Piece::One => "ONE".to_owned(),
        };
        parse(text).into_iter().map(one).collect()
    }

    #[test]
    fn backslashes_escape_wildcards_and_themselves_only() {
        for (text, expected) in [
            ("", ""),
            (r"a*b?c", "[a]ANY[b]ONE[c]"),
            (r"a\*b\?c", "[a*b?c]"),
            (r"a\\*b", r"[a\]ANY[b]"),
            (r"C:\Windows\x", r"[C:\Windows\x]"),
            (r"a\\\*", r"[a\*]"),
            (r"end\", r"[end\]"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }
}

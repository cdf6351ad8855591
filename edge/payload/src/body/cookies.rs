//! The header `Cookie` (RFC 6265 §4.2): no body, but taken apart by the same hands.

/// Pairs of one `Cookie` header, in order, nothing decoded. White space before a name and at the very end is dropped,
/// other white space belongs to name or value; a piece without a name is passed over.
pub fn split_cookies(header: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let header = header.strip_suffix(b";").unwrap_or(header);
    let end = header.iter().rposition(|byte| !space(*byte)).map_or(0, |last| last + 1);
    header[..end].split(|byte| *byte == b';').filter_map(|piece| {
        let cut = memchr::memchr(b'=', piece).unwrap_or(piece.len());
        let name = trim_start(&piece[..cut]);
        (!name.is_empty()).then(|| (name, piece.get(cut + 1..).unwrap_or_default()))
    })
}

/// Without white space in front, the vertical tab among it.
fn trim_start(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|byte| !space(*byte));
    &text[start.unwrap_or(text.len())..]
}

fn space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_cut_as_the_oracle_cuts_them() {
        for (header, expected) in [
            ("a=1;  b = 2 ;c", "[a=1][b = 2 ][c=]"),
            ("a=\"x;y\"; b", "[a=\"x][y\"=][b=]"),
            ("=x; a", "[a=]"),
            ("a==b; ;;c=1", "[a==b][c=1]"),
            ("%41=%42+c", "[%41=%42+c]"),
            ("a=1 ; b=2 ", "[a=1 ][b=2]"),
            ("a = ", "[a =]"),
            ("a\t;", "[a=]"),
            (" ", ""),
        ] {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let pairs =
                split_cookies(header.as_bytes()).map(|(name, value)| format!("[{}={}]", text(name), text(value)));
            assert_eq!(pairs.collect::<String>(), expected, "{header}");
        }
    }
}

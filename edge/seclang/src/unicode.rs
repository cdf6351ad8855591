//! `unicode.mapping`: which byte of a code page a code point looks like.
//!
//! Form: a line that begins with the code page's number and its name in parentheses, then a line of pairs `hhhh:hh`.
//! Source: file `unicode.mapping` of ModSecurity, made from Windows best-fit tables.

use std::collections::BTreeMap;

/// The pairs of one code page; `None` when the file has no such page.
pub(crate) fn read(text: &str, page: u32) -> Option<BTreeMap<u32, u8>> {
    let wanted = format!("{page} ");
    let mut map = None;
    for line in text.lines().map(str::trim) {
        if line.contains('(') {
            if map.is_some() {
                break;
            }
            map = line.starts_with(&wanted).then(BTreeMap::new);
        } else if let Some(map) = &mut map {
            map.extend(line.split_ascii_whitespace().filter_map(pair));
        }
    }
    map
}

fn pair(text: &str) -> Option<(u32, u8)> {
    let (point, byte) = text.split_once(':')?;
    Some((u32::from_str_radix(point, 16).ok()?, u8::from_str_radix(byte, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pairs_of_one_page() {
        let text = "\n1250  (ANSI - Central Europe)\n00a1:21 00a2:63\n\n20127 (US-ASCII)\n00a0:20 ff41:61 zz:1\n\n20261 (T.61)\n00a0:99\n";
        assert_eq!(read(text, 20127), Some(BTreeMap::from([(0xa0, 0x20), (0xff41, 0x61)])));
        assert_eq!(read(text, 1250).map(|map| map.len()), Some(2));
        assert_eq!(read(text, 7), None);
    }
}

//! `ar` (ar(5)), the outer form of a Debian package. Names of the GNU variant end with a slash.

use super::Allowance;

const HEADER: usize = 60;

/// Visits the members.
pub fn members(bytes: &[u8], allowance: &mut Allowance, visit: &mut dyn FnMut(&str, &[u8], &mut Allowance)) {
    let mut rest = bytes.get(8..).unwrap_or_default();
    while let Some((header, body)) = rest.split_first_chunk::<HEADER>() {
        let length = std::str::from_utf8(&header[48..58]).ok().and_then(|text| text.trim_end().parse::<usize>().ok());
        let (Some(length), b"`\n") = (length, &header[58..]) else {
            return allowance.leave_out();
        };
        if !allowance.member() {
            return;
        }
        let content = &body[..length.min(body.len())];
        let name = String::from_utf8_lossy(&header[..16]);
        let name = name.trim_end().trim_end_matches('/');
        // The tables of symbols and of long names are no members.
        if !name.is_empty() {
            let content = allowance.stored(content);
            visit(name, content, allowance);
        }
        rest = body.get(length.saturating_add(length % 2)..).unwrap_or_default();
    }
}

#[cfg(test)]
pub(super) mod tests {
    use crate::archive::listed;
    use crate::kind::Kind;

    pub fn ar(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut bytes = b"!<arch>\n".to_vec();
        for (name, content) in members {
            bytes.extend(format!("{name:<16}0           0     0     100644  {:<10}`\n", content.len()).bytes());
            bytes.extend_from_slice(content);
            if content.len() % 2 == 1 {
                bytes.push(b'\n');
            }
        }
        bytes
    }

    #[test]
    fn members_are_read_and_the_symbol_table_is_none() {
        let bytes = ar(&[("/", b"table"), ("data.tar.xz", b"abc"), ("b/", b"d")]);
        let (all, _) = listed(Kind::Ar, &bytes);
        let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!((names, all[1].1.as_slice()), (vec!["data.tar.xz", "b"], &b"d"[..]));
    }
}

//! tar (POSIX ustar and pax, GNU long names). Members lie there as they are: nothing is copied.

use super::Allowance;

const BLOCK: usize = 512;
/// Longest name taken from an extended header, bytes.
const NAME: usize = 4096;

/// Visits the regular files.
pub fn members(bytes: &[u8], allowance: &mut Allowance, visit: &mut dyn FnMut(&str, &[u8], &mut Allowance)) {
    let (mut rest, mut long_name) = (bytes, None);
    while let Some((header, body)) = rest.split_first_chunk::<BLOCK>() {
        if header.iter().all(|byte| *byte == 0) {
            rest = body;
            continue;
        }
        let Some(length) = number(&header[124..136]).filter(|_| sum_holds(header)) else {
            return allowance.leave_out();
        };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let content = &body[..length.min(body.len())];
        match header[156] {
            b'L' => long_name = Some(until_zero(&content[..content.len().min(NAME)]).to_vec()),
            b'x' => long_name = pax_path(&content[..content.len().min(NAME * 4)]).or(long_name),
            0 | b'0' | b'7' => {
                if !allowance.member() {
                    return;
                }
                let name = long_name.take().unwrap_or_else(|| name(header));
                let content = allowance.stored(content);
                visit(&String::from_utf8_lossy(&name), content, allowance);
            }
            // Directories, links, devices and headers of the whole archive.
            _ => long_name = None,
        }
        rest = body.get(length.saturating_add(BLOCK - 1) / BLOCK * BLOCK..).unwrap_or_default();
    }
}

fn until_zero(bytes: &[u8]) -> &[u8] {
    &bytes[..memchr::memchr(0, bytes).unwrap_or(bytes.len())]
}

/// Octal digits, or GNU's big-endian binary form for large ones.
fn number(field: &[u8]) -> Option<u64> {
    if field[0] & 0x80 != 0 {
        let bytes = &field[field.len() - 8..];
        return Some(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)));
    }
    let text = std::str::from_utf8(until_zero(field)).ok()?.trim();
    if text.is_empty() { Some(0) } else { u64::from_str_radix(text, 8).ok() }
}

/// The sum of all bytes, those of the sum itself taken as spaces.
fn sum_holds(header: &[u8; BLOCK]) -> bool {
    let all: u64 = header.iter().map(|byte| u64::from(*byte)).sum();
    let own: u64 = header[148..156].iter().map(|byte| u64::from(*byte)).sum();
    number(&header[148..156]) == Some(all - own + 8 * u64::from(b' '))
}

fn name(header: &[u8; BLOCK]) -> Vec<u8> {
    let (name, prefix) = (until_zero(&header[..100]), until_zero(&header[345..500]));
    // GNU uses the place of the prefix for other things.
    if prefix.is_empty() || &header[257..263] != b"ustar\0" { name.to_vec() } else { [prefix, b"/", name].concat() }
}

/// The path of a pax header: records of `length key=value\n`.
fn pax_path(mut records: &[u8]) -> Option<Vec<u8>> {
    while let Some(space) = memchr::memchr(b' ', &records[..records.len().min(20)]) {
        let length: usize = std::str::from_utf8(&records[..space]).ok()?.parse().ok()?;
        let record = records.get(space + 1..length)?;
        if let Some(path) = record.strip_prefix(b"path=") {
            return Some(path.strip_suffix(b"\n").unwrap_or(path).to_vec());
        }
        records = &records[length..];
    }
    None
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::archive::listed;
    use crate::kind::Kind;

    fn header(name: &str, kind: u8, length: usize) -> Vec<u8> {
        let mut header = vec![0; BLOCK];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[124..136].copy_from_slice(format!("{length:011o}\0").as_bytes());
        header[156] = kind;
        header[257..263].copy_from_slice(b"ustar\0");
        header[148..156].fill(b' ');
        let sum: u64 = header.iter().map(|byte| u64::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        header
    }

    fn member(bytes: &mut Vec<u8>, name: &str, kind: u8, content: &[u8]) {
        bytes.extend(header(name, kind, content.len()));
        bytes.extend_from_slice(content);
        bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
    }

    pub fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (name, content) in members {
            member(&mut bytes, name, b'0', content);
        }
        bytes.resize(bytes.len() + 2 * BLOCK, 0);
        bytes
    }

    #[test]
    fn long_names_are_joined_and_what_is_no_file_is_passed_over() {
        let mut bytes = Vec::new();
        member(&mut bytes, "d/", b'5', b"");
        member(&mut bytes, "././@LongLink", b'L', b"a/very/long/name\0");
        member(&mut bytes, "cut", b'0', b"one");
        member(&mut bytes, "pax", b'x', "9 mtime=\n13 path=é/x\n".as_bytes());
        member(&mut bytes, "cut", b'0', b"two");
        member(&mut bytes, "link", b'2', b"");
        member(&mut bytes, "last", 0, b"three");
        let (all, _) = listed(Kind::Tar, &bytes);
        let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["a/very/long/name", "é/x", "last"]);
        assert_eq!(all[2].1, b"three");
    }

    #[test]
    fn a_header_that_does_not_add_up_ends_it() {
        let mut bytes = tar(&[("a", b"1"), ("b", b"2")]);
        bytes[2 * BLOCK] ^= 1;
        let (all, allowance) = listed(Kind::Tar, &bytes);
        assert_eq!((all.len(), allowance.left_out), (1, 1));
        let mut huge = header("a", b'0', 0);
        huge[124..136].copy_from_slice(&[0xff; 12]);
        huge[148..156].fill(b' ');
        let sum: u64 = huge.iter().map(|byte| u64::from(*byte)).sum();
        huge[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        assert_eq!(listed(Kind::Tar, &huge).0.len(), 1, "a length past everything");
    }
}

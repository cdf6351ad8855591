//! zip, read from its central directory (APPNOTE.TXT of PKWARE; ZIP64 included). Methods stored and deflate.
//!
//! The directory says what the members are; a member whose bytes another one uses too is how a small archive is made to
//! give without end.

use super::{Allowance, Bomb};
use flate2::read::DeflateDecoder;

/// Length of the end record, and of the longest comment behind it.
const END: usize = 22;
const COMMENT: usize = 65_535;
/// Length of an entry of the directory, and of a member's own header, without their variable parts.
const ENTRY: usize = 46;
const LOCAL: usize = 30;
/// Flag of a member that is encrypted.
const ENCRYPTED: u16 = 1;

struct Entry<'b> {
    name: &'b [u8],
    flags: u16,
    method: u16,
    packed: u64,
    offset: u64,
}

/// Visits the members.
pub fn members(bytes: &[u8], allowance: &mut Allowance, visit: &mut dyn FnMut(&str, &[u8], &mut Allowance)) {
    let mut taken: u64 = 0;
    let Some((mut directory, base)) = directory(bytes) else {
        return allowance.leave_out();
    };
    while let Some((entry, rest)) = entry(directory) {
        directory = rest;
        if entry.name.ends_with(b"/") {
            continue;
        }
        if !allowance.member() {
            return;
        }
        let place = entry.offset.saturating_add(base);
        let Some(content) = packed(bytes, place, entry.packed) else {
            allowance.leave_out();
            continue;
        };
        // Members side by side can never add up to more than the file they are in.
        taken = taken.saturating_add(content.len() as u64);
        if taken > bytes.len() as u64 {
            allowance.bomb = Some(Bomb::Overlap);
            return;
        }
        let name = String::from_utf8_lossy(entry.name);
        match (entry.flags & ENCRYPTED, entry.method) {
            (0, 0) => {
                let content = allowance.stored(content);
                visit(&name, content, allowance);
            }
            (0, 8) => match allowance.unpack(DeflateDecoder::new(content), content.len() as u64) {
                Some(content) => visit(&name, &content, allowance),
                None => allowance.leave_out(),
            },
            _ => allowance.leave_out(),
        }
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().copied().map(u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().copied().map(u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().copied().map(u64::from_le_bytes)
}

/// The central directory, and how many bytes stand before the archive (a program that unpacks itself).
fn directory(bytes: &[u8]) -> Option<(&[u8], u64)> {
    let from = bytes.len().saturating_sub(END + COMMENT);
    let end = from + memchr::memmem::rfind(&bytes[from..], b"PK\x05\x06")?;
    let (mut length, mut offset) = (u64::from(u32_at(bytes, end + 12)?), u64::from(u32_at(bytes, end + 16)?));
    let mut behind = end as u64;
    if let Some(locator) = end.checked_sub(20).filter(|at| bytes[*at..].starts_with(b"PK\x06\x07")) {
        let large = usize::try_from(u64_at(bytes, locator + 8)?).ok()?;
        if bytes.get(large..)?.starts_with(b"PK\x06\x06") {
            (length, offset, behind) = (u64_at(bytes, large + 40)?, u64_at(bytes, large + 48)?, large as u64);
        }
    }
    let begun = behind.checked_sub(length)?;
    let directory = bytes.get(begun as usize..behind as usize)?;
    Some((directory, begun.saturating_sub(offset)))
}

fn entry(directory: &[u8]) -> Option<(Entry<'_>, &[u8])> {
    if !directory.starts_with(b"PK\x01\x02") {
        return None;
    }
    let length = |at| u16_at(directory, at).map(usize::from);
    let (name, extra, comment) = (length(28)?, length(30)?, length(32)?);
    let (packed, unpacked) = (u32_at(directory, 20)?, u32_at(directory, 24)?);
    let mut entry = Entry {
        flags: u16_at(directory, 8)?,
        method: u16_at(directory, 10)?,
        packed: u64::from(packed),
        offset: u64::from(u32_at(directory, 42)?),
        name: directory.get(ENTRY..ENTRY + name)?,
    };
    let mut extras = directory.get(ENTRY + name..ENTRY + name + extra)?;
    while let (Some(id), Some(size)) = (u16_at(extras, 0), u16_at(extras, 2)) {
        let Some(body) = extras.get(4..4 + usize::from(size)) else { break };
        if id == 1 {
            // ZIP64: those of the three that did not fit, in this order.
            let mut at = if unpacked == u32::MAX { 8 } else { 0 };
            if packed == u32::MAX {
                entry.packed = u64_at(body, at)?;
                at += 8;
            }
            if entry.offset == u64::from(u32::MAX) {
                entry.offset = u64_at(body, at)?;
            }
        }
        extras = &extras[4 + usize::from(size)..];
    }
    Some((entry, directory.get(ENTRY + name + extra + comment..).unwrap_or_default()))
}

/// The packed bytes of the member whose own header stands at this place.
fn packed(bytes: &[u8], place: u64, length: u64) -> Option<&[u8]> {
    let local = bytes.get(usize::try_from(place).ok()?..)?;
    if !local.starts_with(b"PK\x03\x04") {
        return None;
    }
    let begun = LOCAL + usize::from(u16_at(local, 26)?) + usize::from(u16_at(local, 28)?);
    let content = local.get(begun..)?;
    Some(&content[..usize::try_from(length).ok()?.min(content.len())])
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::archive::listed;
    use crate::kind::Kind;
    use std::io::Write;

    fn deflated(content: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    fn put(bytes: &mut Vec<u8>, numbers: &[(u64, usize)]) {
        for (number, length) in numbers {
            bytes.extend_from_slice(&number.to_le_bytes()[..*length]);
        }
    }

    fn local(bytes: &mut Vec<u8>, name: &str, method: u64, packed: &[u8]) {
        bytes.extend(b"PK\x03\x04");
        put(
            bytes,
            &[(20, 2), (0, 2), (method, 2), (0, 8), (packed.len() as u64, 4), (0, 4), (name.len() as u64, 2), (0, 2)],
        );
        bytes.extend(name.bytes());
        bytes.extend_from_slice(packed);
    }

    fn central(bytes: &mut Vec<u8>, name: &str, flags: u64, method: u64, packed: usize, offset: usize) {
        bytes.extend(b"PK\x01\x02");
        let numbers = [(20, 2), (20, 2), (flags, 2), (method, 2), (0, 8), (packed as u64, 4), (0, 4)];
        put(bytes, &numbers);
        put(bytes, &[(name.len() as u64, 2), (0, 2), (0, 2), (0, 2), (0, 2), (0, 4), (offset as u64, 4)]);
        bytes.extend(name.bytes());
    }

    fn end(bytes: &mut Vec<u8>, count: usize, begun: usize) {
        let length = bytes.len() - begun;
        bytes.extend(b"PK\x05\x06");
        put(bytes, &[(0, 4), (count as u64, 2), (count as u64, 2), (length as u64, 4), (begun as u64, 4), (0, 2)]);
    }

    /// An archive of members, each deflated or stored.
    pub fn zip(members: &[(&str, &[u8], bool)]) -> Vec<u8> {
        let (mut bytes, mut directory) = (Vec::new(), Vec::new());
        for (name, content, deflate) in members {
            let (method, packed) = if *deflate { (8, deflated(content)) } else { (0, content.to_vec()) };
            central(&mut directory, name, 0, method, packed.len(), bytes.len());
            local(&mut bytes, name, method, &packed);
        }
        let begun = bytes.len();
        bytes.extend(directory);
        end(&mut bytes, members.len(), begun);
        bytes
    }

    #[test]
    fn members_are_read_also_behind_something_else() {
        let archive = zip(&[("a/", b"", false), ("a/b", b"one", true), ("c", b"two", false)]);
        let with_head = [b"#!/bin/sh\nexec unzip\n".as_slice(), &archive, b""].concat();
        for bytes in [archive, with_head] {
            let (all, allowance) = listed(Kind::Zip, &bytes);
            assert_eq!(all, [("a/b".to_owned(), b"one".to_vec()), ("c".to_owned(), b"two".to_vec())]);
            assert_eq!(allowance.left_out, 0);
        }
    }

    #[test]
    fn what_is_encrypted_or_of_another_method_is_counted() {
        let mut bytes = Vec::new();
        local(&mut bytes, "a", 0, b"secret");
        let begun = bytes.len();
        central(&mut bytes, "a", 1, 0, 6, 0);
        central(&mut bytes, "b", 0, 12, 0, 0);
        central(&mut bytes, "c", 0, 0, 6, 999);
        end(&mut bytes, 3, begun);
        let (all, allowance) = listed(Kind::Zip, &bytes);
        assert_eq!((all.len(), allowance.left_out), (0, 3));
    }

    #[test]
    fn members_that_share_their_bytes_are_a_bomb() {
        let mut bytes = Vec::new();
        let packed = deflated(&[0; 100_000]);
        local(&mut bytes, "x", 8, &packed);
        let begun = bytes.len();
        for _ in 0..200 {
            central(&mut bytes, "x", 0, 8, packed.len(), 0);
        }
        end(&mut bytes, 200, begun);
        let (all, allowance) = listed(Kind::Zip, &bytes);
        assert_eq!(allowance.bomb, Some(Bomb::Overlap));
        assert!(all.len() < 100);
    }
}

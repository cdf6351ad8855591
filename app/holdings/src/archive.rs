//! The JSON files of a ZIP archive as one stream, a line's end between them: how OSV publishes an ecosystem.
//!
//! Only what such archives use is read: stored and deflated members, ZIP64 for the number of members (APPNOTE 6.3.10).

use base::{Fault, Result};
use flate2::read::DeflateDecoder;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

/// Largest directory read, bytes: some two million members.
const DIRECTORY_BYTES: u64 = 256 << 20;
/// Where the end record may begin before the end: its own size and the longest comment.
const TAIL_BYTES: u64 = 22 + 65_535 + 20;

/// A member: where its header stands, its packed size, its method.
struct Member {
    offset: u64,
    packed: u64,
    method: u16,
}

/// Members still to be read, the last one first.
pub struct Members {
    file: File,
    left: Vec<Member>,
    current: Option<Box<dyn Read + Send>>,
}

fn damaged(why: &str) -> Fault {
    Fault::new(&posture::fault::BROKEN).object("ZIP archive").found(why)
}

fn small(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?)))
}

fn word(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?)))
}

fn long(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

/// Opens an archive.
///
/// # Errors
/// [`posture::fault::BROKEN`] when its directory does not read.
pub fn open(mut file: File) -> Result<Members> {
    let directory = directory(&mut file).map_err(|cause| damaged("its end does not read").because(cause))?;
    let directory = directory.ok_or_else(|| damaged("it has no directory, or one that is too large"))?;
    let (mut left, mut at) = (Vec::new(), 0);
    while at < directory.len() {
        at = member(&directory, at, &mut left).ok_or_else(|| damaged("its directory is cut off"))?;
    }
    left.reverse();
    Ok(Members { file, left, current: None })
}

/// The central directory.
fn directory(file: &mut File) -> io::Result<Option<Vec<u8>>> {
    let length = file.seek(SeekFrom::End(0))?;
    let begin = length.saturating_sub(TAIL_BYTES);
    let tail = part(file, begin, length - begin)?;
    let Some(end) = tail.windows(4).rposition(|mark| mark == b"PK\x05\x06") else { return Ok(None) };
    let (mut size, mut offset) = (word(&tail, end + 12), word(&tail, end + 16));
    // The locator of ZIP64 stands right before.
    if let Some(locator) = end.checked_sub(20).and_then(|at| tail.get(at..end))
        && locator.starts_with(b"PK\x06\x07")
        && let Some(place) = long(locator, 8)
    {
        let record = part(file, place, 56)?;
        (size, offset) = (long(&record, 40), long(&record, 48));
    }
    match (size, offset) {
        (Some(size), Some(offset)) if size <= DIRECTORY_BYTES => part(file, offset, size).map(Some),
        _ => Ok(None),
    }
}

fn part(file: &mut File, offset: u64, length: u64) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Takes one entry of the directory; where the next begins.
fn member(directory: &[u8], at: usize, left: &mut Vec<Member>) -> Option<usize> {
    directory.get(at..)?.starts_with(b"PK\x01\x02").then_some(())?;
    let name = small(directory, at + 28)? as usize;
    let (extra, comment) = (small(directory, at + 30)? as usize, small(directory, at + 32)? as usize);
    let named = directory.get(at + 46..at + 46 + name)?;
    if named.ends_with(b".json") {
        let (method, packed) = (small(directory, at + 10)? as u16, word(directory, at + 20)?);
        left.push(Member { offset: word(directory, at + 42)?, packed, method });
    }
    Some(at + 46 + name + extra + comment)
}

impl Members {
    fn next(&mut self) -> io::Result<bool> {
        let Some(member) = self.left.pop() else { return Ok(false) };
        let bad = |why: &str| io::Error::new(io::ErrorKind::InvalidData, why.to_owned());
        let head = part(&mut self.file, member.offset, 30)?;
        let lengths = Some(&head).filter(|head| head.starts_with(b"PK\x03\x04"));
        let lengths = lengths.and_then(|head| Some((small(head, 26)?, small(head, 28)?)));
        let (name, extra) = lengths.ok_or_else(|| bad("a member's header does not read"))?;
        self.file.seek(SeekFrom::Start(member.offset + 30 + name + extra))?;
        let packed = self.file.try_clone()?.take(member.packed);
        let content: Box<dyn Read + Send> = match member.method {
            0 => Box::new(packed),
            8 => Box::new(DeflateDecoder::new(packed)),
            _ => return Err(bad("a member is packed in a way that is not read")),
        };
        self.current = Some(Box::new(content.chain(&b"\n"[..])));
        Ok(true)
    }
}

impl Read for Members {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if let Some(current) = &mut self.current {
                let length = current.read(buffer)?;
                if length > 0 {
                    return Ok(length);
                }
                self.current = None;
            }
            if !self.next()? {
                return Ok(0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::DeflateEncoder;
    use std::io::Write;

    /// An archive of these members, every second one deflated.
    fn archive(members: &[(&str, &str)]) -> Vec<u8> {
        let (mut bytes, mut directory) = (Vec::new(), Vec::new());
        for (place, (name, text)) in members.iter().enumerate() {
            let method = if place % 2 == 1 { 8u16 } else { 0 };
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(text.as_bytes()).unwrap();
            let data = if method == 8 { encoder.finish().unwrap() } else { text.as_bytes().to_vec() };
            let offset = bytes.len() as u32;
            let mut rest = method.to_le_bytes().to_vec();
            rest.extend([0; 8]);
            rest.extend((data.len() as u32).to_le_bytes());
            rest.extend((text.len() as u32).to_le_bytes());
            rest.extend((name.len() as u16).to_le_bytes());
            bytes.extend(b"PK\x03\x04\x14\0\0\0");
            bytes.extend(&rest);
            bytes.extend([0; 2]);
            bytes.extend(name.as_bytes());
            bytes.extend(data);
            directory.extend(b"PK\x01\x02\x14\0\x14\0\0\0");
            directory.extend(&rest);
            directory.extend([0; 12]);
            directory.extend(offset.to_le_bytes());
            directory.extend(name.as_bytes());
        }
        let (size, offset) = (directory.len() as u32, bytes.len() as u32);
        bytes.extend(directory);
        bytes.extend(b"PK\x05\x06");
        bytes.extend([0; 4]);
        bytes.extend((members.len() as u16).to_le_bytes());
        bytes.extend((members.len() as u16).to_le_bytes());
        bytes.extend(size.to_le_bytes());
        bytes.extend(offset.to_le_bytes());
        bytes.extend([0; 2]);
        bytes
    }

    fn read(bytes: &[u8]) -> Result<String> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        let mut text = String::new();
        open(file)?.read_to_string(&mut text).map_err(|cause| damaged("x").because(cause))?;
        Ok(text)
    }

    #[test]
    fn members_come_out_in_order_and_damage_is_a_fault() {
        let whole = archive(&[("a.json", "{\"id\":1}"), ("b.json", "{\"id\":2}"), ("README", "no"), ("c.json", "{}")]);
        assert_eq!(read(&whole).unwrap(), "{\"id\":1}\n{\"id\":2}\n{}\n");
        assert_eq!(read(&archive(&[])).unwrap(), "");
        for end in 0..whole.len() - 2 {
            // Cut anywhere: never a panic; without its end it is no archive.
            assert!(read(&whole[..end]).is_err(), "{end}");
        }
        for place in 0..whole.len() {
            let mut bent = whole.clone();
            bent[place] ^= 0x55;
            let _ = read(&bent);
        }
    }
}

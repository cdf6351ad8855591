//! The journal's export format (systemd, `JOURNAL_EXPORT_FORMATS`): `NAME=value` lines, or `NAME`, a line feed, a
//! little-endian length of 64 bits and the bytes for values that are no plain text; an empty line ends an entry.

use crate::limits::{JOURNAL_FIELD_BYTES, JOURNAL_FIELDS};
use memchr::memchr;

/// One field.
pub type Field = (String, Vec<u8>);

/// Longest name of a field, bytes (`journal_field_valid` says 64).
const NAME_BYTES: usize = 64;

/// What the parser is in the middle of.
#[derive(Debug, Default)]
enum State {
    /// At the beginning of a field or of an empty line.
    #[default]
    Start,
    /// In a binary value: so many bytes of it are still to come, then a line feed. Of a value that is too long, or
    /// whose name is none, nothing is kept.
    Value { name: String, value: Vec<u8>, left: u64, kept: bool },
    /// In a text line that is too long: passed over up to its end.
    Skip,
}

/// Reads the format from pieces of any size.
#[derive(Debug, Default)]
pub struct Export {
    buffer: Vec<u8>,
    state: State,
    fields: Vec<Field>,
    skipped: u64,
}

impl Export {
    /// Adds bytes and gives each entry that they end to `each`.
    pub fn feed(&mut self, bytes: &[u8], each: &mut dyn FnMut(Vec<Field>)) {
        self.buffer.extend_from_slice(bytes);
        let mut at = 0;
        while let Some(taken) = self.step(at, each) {
            at += taken;
        }
        self.buffer.drain(..at);
    }

    /// How many fields and values were passed over: too long, too many, or of no form.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// One step at a place of the buffer; `None` where more bytes are needed.
    fn step(&mut self, at: usize, each: &mut dyn FnMut(Vec<Field>)) -> Option<usize> {
        let rest = &self.buffer[at..];
        match &mut self.state {
            State::Skip => {
                let end = memchr(b'\n', rest);
                if end.is_some() {
                    self.state = State::Start;
                }
                Some(end.map_or(rest.len(), |end| end + 1)).filter(|taken| *taken > 0)
            }
            State::Value { name, value, left, kept } => {
                let here = rest.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                if *left > 0 {
                    if *kept {
                        value.extend_from_slice(&rest[..here]);
                    }
                    *left -= here as u64;
                    return Some(here).filter(|taken| *taken > 0);
                }
                rest.first()?;
                let field = (std::mem::take(name), std::mem::take(value));
                let kept = *kept;
                self.state = State::Start;
                if kept {
                    self.keep(field)
                } else {
                    self.skipped += 1
                }
                // The line feed behind the value.
                Some(1)
            }
            State::Start => self.line(at, each),
        }
    }

    fn line(&mut self, at: usize, each: &mut dyn FnMut(Vec<Field>)) -> Option<usize> {
        let rest = &self.buffer[at..];
        let Some(end) = memchr(b'\n', rest) else {
            if rest.len() > JOURNAL_FIELD_BYTES + NAME_BYTES {
                self.state = State::Skip;
                self.skipped += 1;
                return Some(rest.len());
            }
            return None;
        };
        let line = &rest[..end];
        if line.is_empty() {
            let fields = std::mem::take(&mut self.fields);
            if !fields.is_empty() {
                each(fields);
            }
            return Some(1);
        }
        if let Some(equals) = memchr(b'=', line) {
            match name(&line[..equals]) {
                Some(name) if line.len() - equals <= JOURNAL_FIELD_BYTES => {
                    let field = (name, line[equals + 1..].to_vec());
                    self.keep(field);
                }
                _ => self.skipped += 1,
            }
            return Some(end + 1);
        }
        let length = rest.get(end + 1..end + 9)?;
        let left = length.try_into().map_or(0, u64::from_le_bytes);
        let name = name(line);
        let kept = name.is_some() && left <= JOURNAL_FIELD_BYTES as u64;
        self.state = State::Value { name: name.unwrap_or_default(), value: Vec::new(), left, kept };
        Some(end + 9)
    }

    fn keep(&mut self, field: Field) {
        if self.fields.len() < JOURNAL_FIELDS { self.fields.push(field) } else { self.skipped += 1 }
    }
}

/// A name of a field: upper-case letters, digits and `_`.
fn name(bytes: &[u8]) -> Option<String> {
    let is_part = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_';
    let fits = !bytes.is_empty() && bytes.len() <= NAME_BYTES && bytes.iter().all(is_part);
    fits.then(|| String::from_utf8_lossy(bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(pieces: &[&[u8]]) -> (Vec<Vec<Field>>, u64) {
        let mut export = Export::default();
        let mut entries = Vec::new();
        pieces.iter().for_each(|piece| export.feed(piece, &mut |entry| entries.push(entry)));
        (entries, export.skipped())
    }

    fn written(entries: &[Vec<Field>]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for entry in entries {
            for (name, value) in entry {
                bytes.extend(name.as_bytes());
                if value.iter().any(|byte| *byte < b' ') {
                    bytes.push(b'\n');
                    bytes.extend((value.len() as u64).to_le_bytes());
                } else {
                    bytes.push(b'=');
                }
                bytes.extend(value);
                bytes.push(b'\n');
            }
            bytes.push(b'\n');
        }
        bytes
    }

    #[test]
    fn what_is_too_long_is_passed_over() {
        let long = vec![b'x'; JOURNAL_FIELD_BYTES + 100];
        let mut bytes = b"A=1\nCOREDUMP\n".to_vec();
        bytes.extend((long.len() as u64).to_le_bytes());
        bytes.extend(&long);
        bytes.extend(b"\nLONG=");
        bytes.extend(&long);
        bytes.extend(b"\nbad name=1\nB=2\n\nC=3\n\n");
        let pieces: Vec<&[u8]> = bytes.chunks(4096).collect();
        let (entries, skipped) = read(&pieces);
        let names: Vec<Vec<&str>> =
            entries.iter().map(|entry| entry.iter().map(|(name, _)| name.as_str()).collect()).collect();
        assert_eq!((names, skipped), (vec![vec!["A", "B"], vec!["C"]], 3));
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(
            entries in proptest::collection::vec(
                proptest::collection::vec(("[A-Z_][A-Z0-9_]{0,8}", proptest::collection::vec(any::<u8>(), 0..40)), 1..5), 0..5),
            cut in 1_usize..20,
        ) {
            let bytes = written(&entries);
            let pieces: Vec<&[u8]> = bytes.chunks(cut).collect();
            prop_assert_eq!(read(&pieces), (entries, 0));
        }

        #[test]
        fn hostile_bytes_never_panic(bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'='), Just(b'A'), any::<u8>()], 0..300), cut in 1_usize..9) {
            let pieces: Vec<&[u8]> = bytes.chunks(cut).collect();
            let _ = read(&pieces);
        }
    }
}

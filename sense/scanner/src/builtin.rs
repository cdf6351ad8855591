//! The rules of `content/yara`, built in.

use flate2::read::DeflateDecoder;
use scan::protocol::RuleFile;
use std::io::Read;

const PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/rules.bin"));

/// Every file of them, in the order of their names.
pub fn rules() -> Vec<RuleFile> {
    let mut bytes = Vec::new();
    let mut files = Vec::new();
    // Packed by our own build; a test reads it.
    if DeflateDecoder::new(PACKED).read_to_end(&mut bytes).is_ok() {
        let mut rest = bytes.as_slice();
        while let Some((name, more)) = part(rest)
            && let Some((text, more)) = part(more)
        {
            files.push(RuleFile { name: String::from_utf8_lossy(name).into_owned(), text: text.to_vec() });
            rest = more;
        }
    }
    files
}

fn part(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(u32::from_le_bytes(*length) as usize)
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_was_packed_is_there() {
        let files = super::rules();
        assert!(files.len() >= 8, "{}", files.len());
        assert!(files.iter().all(|file| file.name.ends_with(".yar") && !file.text.is_empty()));
    }
}

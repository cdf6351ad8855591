//! Content that is a set of texts: rules, YARA rules, inputs.

use crate::fault;
use base::{Fault, Result};
use prost::Message;

/// Most texts in a set; more is a mistake.
const FILES: usize = 50_000;
/// Longest name of a text, bytes.
const NAME_BYTES: usize = 1024;

/// One text.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct File {
    /// Its name in faults, a relative path: `host/shell.yml`.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Its text.
    #[prost(string, tag = "2")]
    pub text: String,
}

/// A set of texts.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Files {
    /// The texts, in an order that the publisher keeps: the same set gives the same bytes.
    #[prost(message, repeated, tag = "1")]
    pub files: Vec<File>,
}

impl Files {
    /// A set of names and texts.
    pub fn of<N: Into<String>, T: Into<String>>(files: impl IntoIterator<Item = (N, T)>) -> Files {
        let file = |(name, text): (N, T)| File { name: name.into(), text: text.into() };
        Files { files: files.into_iter().map(file).collect() }
    }

    /// The bytes to publish.
    pub fn bytes(&self) -> Vec<u8> {
        self.encode_to_vec()
    }

    /// The set in content that was taken.
    ///
    /// # Errors
    /// [`fault::CONTENT_MALFORMED`] for bytes that are no set, too many texts, or a name that leads out of a folder.
    pub fn read(bytes: &[u8]) -> Result<Files> {
        let wrong = || Fault::new(&fault::CONTENT_MALFORMED).object("set of texts");
        let files = Files::decode(bytes).map_err(|cause| wrong().because(cause))?;
        if files.files.len() > FILES {
            return Err(wrong().expected(format!("at most {FILES} texts")).found(files.files.len()));
        }
        for file in &files.files {
            let steps_out = file.name.split('/').any(|step| matches!(step, "" | "." | ".."));
            if steps_out || file.name.len() > NAME_BYTES || file.name.contains(['\0', '\\']) {
                return Err(wrong().expected("names that are relative paths"));
            }
        }
        Ok(files)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_reads_back_and_a_bad_one_is_a_fault() {
        let files = Files::of([("a/b.yml", "title: t"), ("c.yml", "")]);
        assert_eq!(Files::read(&files.bytes()).unwrap(), files);
        for name in ["../x", "/x", "a//b", "", "a/./b", "a\\b", &"n".repeat(NAME_BYTES + 1)] {
            let fault = Files::read(&Files::of([(name, "")]).bytes()).unwrap_err();
            assert!(fault.is(&fault::CONTENT_MALFORMED), "{name}");
        }
        let many = Files::of((0..=FILES).map(|number| (number.to_string(), "")));
        assert!(Files::read(&many.bytes()).unwrap_err().is(&fault::CONTENT_MALFORMED));
        let mut bytes = files.bytes();
        for at in 0..bytes.len() {
            bytes[at] ^= 0xff;
            // Any outcome but a panic.
            let _ = Files::read(&bytes);
            bytes[at] ^= 0xff;
        }
    }
}

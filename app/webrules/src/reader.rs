//! Files of rules on disk.

use crate::fault;
use base::{Fault, Result};
use seclang::{Reader, matches};
use std::io::{ErrorKind, Read};
use std::path::Path;

/// Largest file, bytes: the largest of OWASP CRS has a quarter of a megabyte, lists of addresses some more.
const FILE_BYTES: u64 = 16 * 1024 * 1024;
/// Most names of a folder that are looked at.
const NAMES: usize = 10_000;

/// Reads from the file system, and from texts under the names given.
#[derive(Debug, Default)]
pub struct DiskReader {
    texts: Vec<(String, Vec<u8>)>,
}

impl DiskReader {
    /// Lets a name stand for a text.
    pub fn put(&mut self, name: &str, text: impl Into<Vec<u8>>) {
        self.texts.push((name.into(), text.into()));
    }
}

impl Reader for DiskReader {
    fn read(&mut self, name: &str) -> Result<Option<Vec<u8>>> {
        if let Some((_, text)) = self.texts.iter().find(|(known, _)| known == name) {
            return Ok(Some(text.clone()));
        }
        let failed = |cause: std::io::Error| Fault::new(&fault::UNREADABLE).object(name).because(cause);
        let file = match std::fs::File::open(name) {
            Ok(file) => file,
            Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(failed(cause)),
        };
        let mut content = Vec::new();
        file.take(FILE_BYTES + 1).read_to_end(&mut content).map_err(failed)?;
        if content.len() as u64 > FILE_BYTES {
            return Err(Fault::new(&fault::TOO_BIG).object(name).expected(format!("at most {FILE_BYTES} bytes")));
        }
        Ok(Some(content))
    }

    fn list(&mut self, pattern: &str) -> Result<Vec<String>> {
        let (folder, _) = pattern.rsplit_once('/').unwrap_or((".", pattern));
        // A star in the name of a folder is not followed: nobody keeps rules so, and it could walk the whole disk.
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(cause) => return Err(Fault::new(&fault::UNREADABLE).object(folder).because(cause)),
        };
        let join = |name: &std::ffi::OsStr| Path::new(folder).join(name).to_string_lossy().into_owned();
        let names = entries.take(NAMES).filter_map(|entry| Some(join(&entry.ok()?.file_name())));
        let mut names: Vec<String> = names.filter(|name| matches(pattern, name)).collect();
        names.sort();
        Ok(names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_read_by_name_and_a_missing_file_is_none() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.conf", "a.conf", "c.data"] {
            std::fs::write(folder.path().join(name), name).unwrap();
        }
        let mut reader = DiskReader::default();
        let pattern = format!("{}/*.conf", folder.path().display());
        let names = reader.list(&pattern).unwrap();
        assert!(names.len() == 2 && names[0].ends_with("/a.conf"), "{names:?}");
        assert_eq!(reader.read(&names[0]).unwrap().unwrap(), b"a.conf");
        assert_eq!(reader.read(&format!("{}/none", folder.path().display())).unwrap(), None);
        assert!(reader.list("/nowhere-at-all/*.conf").unwrap().is_empty());
        reader.put("made", "x");
        assert_eq!(reader.read("made").unwrap().unwrap(), b"x");
    }
}

//! Files of audit records: one is written to its size, then the next; the oldest go when there is no more room.

use crate::fault;
use base::{Fault, Result};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Parts that the room is made of: so much of it is lost when the oldest goes.
const PARTS: u64 = 8;
/// Longest record, bytes.
const LINE_BYTES: usize = 4 << 20;

/// The files of a folder.
pub struct Files {
    folder: PathBuf,
    most: u64,
    file: Option<File>,
    written: u64,
    number: u64,
}

/// The files of a folder, the oldest first, with their numbers.
pub fn list(folder: &Path) -> Vec<(u64, PathBuf)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<(u64, PathBuf)> = entries
        .filter_map(|entry| {
            let number = entry.file_name().to_str()?.strip_prefix("audit-")?.strip_suffix(".jsonl")?.parse().ok()?;
            Some((number, entry.path()))
        })
        .collect();
    files.sort();
    files
}

impl Files {
    /// Goes on behind what is there; at most `most` bytes altogether.
    pub fn new(folder: PathBuf, most: u64) -> Files {
        let number = list(&folder).last().map_or(0, |(number, _)| *number);
        Files { folder, most, file: None, written: 0, number }
    }

    /// Writes one record.
    ///
    /// # Errors
    /// When it is too long or the disk does not take it.
    pub fn append(&mut self, line: &str) -> Result<()> {
        let folder = self.folder.display().to_string();
        let failed = |cause: std::io::Error| Fault::new(&fault::STATE_FILE).object(&folder).because(cause);
        if line.len() > LINE_BYTES {
            let long = Fault::new(&fault::STATE_FILE).object("audit record");
            return Err(long.expected(format!("at most {LINE_BYTES} bytes")).found(line.len()));
        }
        let bytes = line.len() as u64 + 1;
        let full = self.written > 0 && self.written.saturating_add(bytes) > self.most / PARTS;
        let file = match self.file.take().filter(|_| !full) {
            Some(file) => self.file.insert(file),
            None => {
                let next = self.next().map_err(failed)?;
                self.file.insert(next)
            }
        };
        let written = file.write_all(format!("{line}\n").as_bytes());
        if let Err(cause) = written {
            // Cut off what is torn and go on in this file: one file more for each record that a full disk does not take would
            // push out those that are whole.
            if file.set_len(self.written).is_err() {
                self.file = None;
            }
            return Err(failed(cause));
        }
        self.written += bytes;
        Ok(())
    }

    fn next(&mut self) -> std::io::Result<File> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let known = list(&self.folder);
        let old = known.len().saturating_sub(usize::try_from(PARTS - 1).unwrap_or(usize::MAX));
        for (_, path) in known.iter().take(old) {
            std::fs::remove_file(path)?;
        }
        self.number += 1;
        self.written = 0;
        let path = self.folder.join(format!("audit-{:010}.jsonl", self.number));
        OpenOptions::new().append(true).create(true).mode(0o600).open(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn files_are_bounded_private_and_the_oldest_go() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("audit");
        let mut files = Files::new(folder.clone(), 8 * 100);
        for number in 0..100 {
            files.append(&format!("{number:040}")).unwrap();
        }
        let known = list(&folder);
        let bytes: u64 = known.iter().map(|(_, path)| path.metadata().unwrap().len()).sum();
        assert!(known.len() == 8 && bytes <= 800, "{known:?} {bytes}");
        let newest = std::fs::read_to_string(&known.last().unwrap().1).unwrap();
        assert!(newest.ends_with(&format!("{:040}\n", 99)));
        assert_eq!(known[0].1.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(folder.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        let mut again = Files::new(folder.clone(), 8 * 100);
        again.append("x").unwrap();
        assert_eq!(list(&folder).last().unwrap().0, known.last().unwrap().0 + 1);
        assert!(again.append(&"x".repeat(LINE_BYTES + 1)).is_err());
    }
}

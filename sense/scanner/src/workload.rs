//! Work for a bench that holds the clock: a folder in memory, and the engines over it.

use crate::engine::Engine;
use crate::look::Looker;
use std::path::{Path, PathBuf};

/// A file in memory.
pub struct Sample {
    /// Its path.
    pub path: PathBuf,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// What a round did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Round {
    /// Files.
    pub files: u64,
    /// Bytes of the files, without what came out of archives.
    pub bytes: u64,
    /// Rules that matched, or findings.
    pub found: u64,
}

/// The regular files below a folder, in the order of their names, until so many bytes are there. No link is followed.
pub fn samples(folder: &Path, most_bytes: u64) -> Vec<Sample> {
    let (mut samples, mut bytes, mut folders) = (Vec::new(), 0, vec![folder.to_path_buf()]);
    while let Some(folder) = folders.pop() {
        let mut entries: Vec<_> = std::fs::read_dir(&folder).into_iter().flatten().flatten().collect();
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.file_name()));
        for entry in entries {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                Ok(kind) if kind.is_file() && bytes < most_bytes => {
                    if let Ok(content) = std::fs::read(entry.path()) {
                        bytes += content.len() as u64;
                        samples.push(Sample { path: entry.path(), bytes: content });
                    }
                }
                _ => {}
            }
        }
    }
    samples
}

/// The YARA rules alone, as `yara` does it.
pub fn rules_alone(engine: &Engine, samples: &[Sample]) -> Round {
    let (mut scanner, mut round) = (engine.scanner(), Round::default());
    for sample in samples {
        round.found += scanner.count(&sample.bytes);
        round.files += 1;
        round.bytes += sample.bytes.len() as u64;
    }
    round
}

/// Every engine, archives opened.
pub fn everything(engine: &Engine, samples: &[Sample]) -> Round {
    let (mut looker, mut round) = (Looker::new(engine), Round::default());
    for sample in samples {
        let length = sample.bytes.len() as u64;
        round.found += looker.look(&sample.path.to_string_lossy(), &sample.bytes, length).findings.len() as u64;
        round.files += 1;
        round.bytes += length;
    }
    round
}

#[cfg(test)]
mod tests {
    use super::*;
    use scan::protocol::RuleFile;

    #[test]
    fn a_folder_is_read_and_scanned() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("d")).unwrap();
        std::fs::write(folder.path().join("d/a"), "needle").unwrap();
        std::fs::write(folder.path().join("b"), "hay").unwrap();
        let samples = samples(folder.path(), 1000);
        let rule = RuleFile { name: "t".into(), text: b"rule a { strings: $a = \"needle\" condition: $a }".to_vec() };
        let (engine, _) = Engine::compile(&[rule]);
        let expected = Round { files: 2, bytes: 9, found: 1 };
        assert_eq!((rules_alone(&engine, &samples), everything(&engine, &samples)), (expected, expected));
    }
}

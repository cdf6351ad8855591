//! Files of YARA rules in folders, read with limits: what cannot be read is a fault and takes no other with it.

use crate::config::ScanConfig;
use crate::fault;
use crate::limits::{RULE_DEPTH, RULE_FILES, RULES_BYTES};
use crate::protocol::{RuleFile, RuleSet};
use base::limits::CONFIG_BYTES;
use base::{Fault, Result};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// The rules that a configuration names, and what could not be read.
pub fn read(config: &ScanConfig) -> (RuleSet, Vec<Fault>) {
    let mut set = RuleSet { builtin: config.builtin_rules, files: Vec::new() };
    let (mut faults, mut bytes) = (Vec::new(), 0);
    for folder in &config.rules {
        read_folder(folder, RULE_DEPTH, &mut set.files, &mut bytes, &mut faults);
    }
    (set, faults)
}

fn read_folder(folder: &Path, depth: usize, files: &mut Vec<RuleFile>, bytes: &mut usize, faults: &mut Vec<Fault>) {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        // The folder of the defaults need not be there.
        Err(cause) if cause.kind() == ErrorKind::NotFound => return,
        Err(cause) => return faults.push(Fault::new(&fault::NO_FILE).object(folder.display()).because(cause)),
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let yara = path.extension().is_some_and(|ending| ending == "yar" || ending == "yara");
        if path.is_dir() {
            if depth > 0 {
                read_folder(&path, depth - 1, files, bytes, faults);
            }
        } else if yara {
            match read_file(&path, files.len(), *bytes) {
                Ok(file) => {
                    *bytes += file.text.len();
                    files.push(file);
                }
                Err(fault) => faults.push(fault),
            }
        }
    }
}

/// A pipe would hold the start up for good, a device would never end.
fn read_file(path: &Path, files: usize, bytes: usize) -> Result<RuleFile> {
    let name = path.display().to_string();
    let unreadable = |cause: std::io::Error| Fault::new(&fault::NO_FILE).object(&name).because(cause);
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(Fault::new(&fault::NO_FILE).object(&name).expected("a regular file").found("something else"));
    }
    let mut text = Vec::new();
    std::fs::File::open(path).map_err(unreadable)?.take(CONFIG_BYTES + 1).read_to_end(&mut text).map_err(unreadable)?;
    let over = |expected: String| Err(Fault::new(&fault::LIMIT).object(&name).expected(expected));
    if text.len() as u64 > CONFIG_BYTES {
        return over(format!("at most {CONFIG_BYTES} bytes"));
    }
    if files >= RULE_FILES {
        return over(format!("at most {RULE_FILES} files"));
    }
    if bytes + text.len() > RULES_BYTES {
        return over(format!("at most {RULES_BYTES} bytes of rules"));
    }
    Ok(RuleFile { name, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_a_fault_and_the_rest_is_read() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("below")).unwrap();
        std::fs::write(folder.path().join("below/b.yara"), "rule b { condition: true }").unwrap();
        std::fs::write(folder.path().join("a.yar"), "rule a { condition: true }").unwrap();
        std::fs::write(folder.path().join("notes.txt"), "no rule").unwrap();
        std::fs::write(folder.path().join("big.yar"), vec![b' '; CONFIG_BYTES as usize + 1]).unwrap();
        let pipe = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(rustix::fs::CWD, folder.path().join("pipe.yar"), pipe, rustix::fs::Mode::RUSR, 0).unwrap();
        let rules = vec![folder.path().to_path_buf(), folder.path().join("absent")];
        let (set, faults) = read(&ScanConfig { rules, ..ScanConfig::default() });
        let names: Vec<bool> = set.files.iter().map(|file| file.name.ends_with("/a.yar")).collect();
        assert_eq!((names, set.builtin), (vec![true, false], true));
        assert_eq!(faults.len(), 2, "{faults:?}");
    }
}

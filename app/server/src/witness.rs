//! Heads of the ledger kept in a file of their own: what shows that the end of the ledger was cut off or rewritten
//! while no server ran.

use super::fault;
use base::{Fault, Result};
use ledger::Head;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

/// Lines at which the file is written anew. The newest head alone proves all before it.
const LINES_MOST: usize = 4096;
/// Newest lines that stay then.
const LINES_KEPT: usize = 256;
/// Lines that stay because a later one contradicts them: the evidence of a cut.
const EVIDENCE_KEPT: usize = 64;

/// The file: one line a head, `number hash`, synced.
#[derive(Debug)]
pub struct Witness {
    path: PathBuf,
    open: Mutex<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    lines: usize,
}

impl Witness {
    /// Opens the file, making an empty one when there is none.
    pub fn open(path: &Path) -> Result<Witness> {
        let kept = heads(path)?;
        let file = append(path)?;
        let witness = Witness { path: path.to_path_buf(), open: Mutex::new(Open { file, lines: kept.len() }) };
        if kept.len() >= LINES_MOST {
            witness.shorten(&mut witness.lock(), &kept)?;
        } else if !kept.is_empty() {
            // A line that a crash cut off must not swallow the next one.
            witness.write(&mut witness.lock().file, "\n")?;
        }
        Ok(witness)
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Adds a head; it is durable on return.
    pub fn note(&self, head: &Head) -> Result<()> {
        let mut open = self.lock();
        if open.lines >= LINES_MOST {
            let kept = heads(&self.path)?;
            self.shorten(&mut open, &kept)?;
        }
        self.write(&mut open.file, &line(head))?;
        open.lines += 1;
        Ok(())
    }

    /// Every head that was kept, the oldest first.
    pub fn heads(&self) -> Result<Vec<Head>> {
        heads(&self.path)
    }

    fn write(&self, file: &mut File, text: &str) -> Result<()> {
        file.write_all(text.as_bytes()).and_then(|()| file.sync_data()).map_err(|cause| failed(&self.path, cause))
    }

    fn shorten(&self, open: &mut Open, all: &[Head]) -> Result<()> {
        let kept = shortened(all);
        let fresh = self.path.with_extension("new");
        let _ = std::fs::remove_file(&fresh);
        let mut file = append(&fresh)?;
        self.write(&mut file, &kept.iter().map(line).collect::<String>())?;
        std::fs::rename(&fresh, &self.path).map_err(|cause| failed(&self.path, cause))?;
        *open = Open { file, lines: kept.len() };
        Ok(())
    }
}

/// What stays of a long file: the newest heads, and those that a later line contradicts. Pure.
fn shortened(all: &[Head]) -> Vec<Head> {
    let (old, new) = all.split_at(all.len().saturating_sub(LINES_KEPT));
    let after = |index: usize| all.get(index + 1).map_or(u64::MAX, |next| next.seq);
    let contradicted = old.iter().enumerate().filter(|(index, head)| after(*index) <= head.seq);
    let evidence: Vec<Head> = contradicted.map(|(_, head)| head.clone()).take(EVIDENCE_KEPT).collect();
    evidence.into_iter().chain(new.iter().cloned()).collect()
}

fn line(head: &Head) -> String {
    format!("{} {}\n", head.seq, head.hash)
}

fn heads(path: &Path) -> Result<Vec<Head>> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(cause) => return Err(failed(path, cause)),
    };
    let parse = |line: &str| {
        let (seq, hash) = line.split_once(' ')?;
        // A line that a crash cut off is no head.
        (hash.len() == 64).then_some(Head { seq: seq.parse().ok()?, hash: hash.into() })
    };
    Ok(text.lines().filter_map(parse).collect())
}

fn append(path: &Path) -> Result<File> {
    let opened = std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path);
    opened.map_err(|cause| failed(path, cause))
}

fn failed(path: &Path, cause: std::io::Error) -> Fault {
    Fault::new(&fault::DATA_DIRECTORY).object(path.display()).because(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(seq: u64, letter: &str) -> Head {
        Head { seq, hash: letter.repeat(64) }
    }

    #[test]
    fn a_torn_line_is_passed_over_and_the_next_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("heads");
        Witness::open(&path).unwrap().note(&head(1, "a")).unwrap();
        std::fs::write(&path, format!("{}2 bbbb", line(&head(1, "a")))).unwrap();
        let witness = Witness::open(&path).unwrap();
        witness.note(&head(2, "c")).unwrap();
        assert_eq!(witness.heads().unwrap(), [head(1, "a"), head(2, "c")]);
    }

    #[test]
    fn a_long_file_is_shortened_and_keeps_the_evidence() {
        let mut all: Vec<Head> = (1..=1000).map(|seq| head(seq, "a")).collect();
        all.extend((500..=3000).map(|seq| head(seq, "b")));
        let kept = shortened(&all);
        assert_eq!(kept.len(), LINES_KEPT + 1);
        assert_eq!((&kept[0], kept.last().unwrap()), (&head(1000, "a"), &head(3000, "b")));
    }
}

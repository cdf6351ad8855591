//! The files of an installation: read, and read again when they were replaced.

use crate::{Database, Origin, fault};
use base::{Fault, Result};
use std::io::Read;
use std::net::IpAddr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Most files.
pub const FILES: usize = 8;
/// Largest file, bytes: those of cities have about 120 MB.
const BYTES: u64 = 512 << 20;

/// What tells that a file is another one than before: device, inode, length, modification time in ns.
type Stamp = (u64, u64, u64, i128);

/// Databases in force; clones share them.
#[derive(Debug, Clone, Default)]
pub struct Set(Vec<Arc<Database>>);

impl Set {
    /// Where an address is announced from; `None` when nobody says.
    pub fn lookup(&self, address: IpAddr) -> Option<Origin> {
        let mut known = Origin::default();
        for database in &self.0 {
            if let Some(origin) = database.lookup(address) {
                known.complete(origin);
            }
        }
        (!known.is_empty()).then_some(known)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What became of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// Its path.
    pub path: PathBuf,
    /// What its maker calls the database in force; empty when there is none.
    pub kind: String,
    /// When that was made, seconds since 1970.
    pub built_s: u64,
    /// Why the newest form of the file is not in force, in both languages; empty when it is.
    pub fault: [String; 2],
}

struct File {
    path: PathBuf,
    stamp: Option<Stamp>,
    database: Option<Arc<Database>>,
    fault: Option<Fault>,
}

/// The files.
pub struct Origins(Vec<File>);

impl Origins {
    /// These files, at most [`FILES`]; none is read before [`Origins::refresh`].
    pub fn new(paths: &[PathBuf]) -> Origins {
        let file = |path: &PathBuf| File { path: path.clone(), stamp: None, database: None, fault: None };
        Origins(paths.iter().take(FILES).map(file).collect())
    }

    /// Reads what is new or was replaced; the faults that are new. A file that cannot be used leaves the form before in force.
    pub fn refresh(&mut self) -> Vec<&Fault> {
        let mut fresh = Vec::new();
        for file in &mut self.0 {
            if file.refresh() {
                fresh.extend(&file.fault);
            }
        }
        fresh
    }

    /// The databases in force.
    pub fn set(&self) -> Set {
        Set(self.0.iter().filter_map(|file| file.database.clone()).collect())
    }

    /// How each file is.
    pub fn states(&self) -> Vec<State> {
        let text = |file: &File, lang| file.fault.as_ref().map_or_else(String::new, |fault| fault.outside(lang));
        let state = |file: &File| State {
            path: file.path.clone(),
            kind: file.database.as_ref().map_or_else(String::new, |database| database.kind()),
            built_s: file.database.as_ref().map_or(0, |database| database.built_s()),
            fault: [text(file, base::Lang::En), text(file, base::Lang::Zh)],
        };
        self.0.iter().map(state).collect()
    }
}

impl File {
    /// Whether it was looked into, with what came of it in `database` and `fault`.
    fn refresh(&mut self) -> bool {
        let stamp = stamp(&self.path);
        if stamp.is_some() && stamp == self.stamp {
            return false;
        }
        // One that is still missing says so once.
        if stamp.is_none() && self.stamp.is_none() && self.fault.is_some() {
            return false;
        }
        self.stamp = stamp;
        match read(&self.path) {
            Ok(database) => (self.database, self.fault) = (Some(Arc::new(database)), None),
            Err(fault) => self.fault = Some(fault),
        }
        true
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let meta = std::fs::metadata(path).ok()?;
    let modified = i128::from(meta.mtime()) * 1_000_000_000 + i128::from(meta.mtime_nsec());
    Some((meta.dev(), meta.ino(), meta.len(), modified))
}

fn read(path: &Path) -> Result<Database> {
    let name = path.display().to_string();
    let failed = |cause: std::io::Error| Fault::new(&fault::FILE).object(&name).because(cause);
    let file = std::fs::File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    let mut bytes = Vec::with_capacity(length.min(BYTES) as usize);
    file.take(BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > BYTES {
        let fault = Fault::new(&fault::FILE).object(&name);
        return Err(fault.expected(format!("at most {BYTES} bytes")).found(format!("{length} bytes")));
    }
    Database::read(bytes, &name)
}

//! Changes that a package manager made: who is one, and whether what lies there now is what its package says.
//!
//! Neither alone is enough. A manager is known by the file it runs (device and inode of the program at its usual place,
//! not its name), and a file of a package by its hash in the package database.

pub mod apk;
pub mod dpkg;

use crate::entry::{self, Entry};
use crate::limits::PACKAGE_BYTES;
use crate::watched::Watched;
use record::{Proc, ProcessKey};
use rustix::fs::FileType;
use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Programs that install packages, at their usual places, with a word for each.
const MANAGERS: &[(&str, &str)] = &[
    ("/usr/bin/dpkg", "dpkg"),
    ("/usr/bin/apt", "apt"),
    ("/usr/bin/apt-get", "apt"),
    ("/usr/bin/aptitude", "apt"),
    ("/usr/bin/unattended-upgrade", "apt"),
    ("/sbin/apk", "apk"),
    ("/usr/sbin/apk", "apk"),
    ("/usr/bin/apk", "apk"),
    ("/usr/bin/rpm", "rpm"),
    ("/usr/bin/dnf5", "rpm"),
    ("/usr/bin/zypper", "rpm"),
];

/// A package manager at work.
#[derive(Debug, Clone)]
pub struct Manager {
    /// Its word.
    pub word: &'static str,
    /// The topmost manager of the tree: the work is done when it ends.
    pub top: ProcessKey,
}

/// The package manager below which a process works, if it is one by the file that it runs. `accepted` gives the state of
/// a program that was accepted: a manager that has just replaced itself still runs the old one.
pub fn manager<'e>(process: &Arc<Proc>, accepted: impl Fn(&str) -> Option<&'e Entry>) -> Option<Manager> {
    let chain = std::iter::once(process).chain(process.ancestors());
    let mut found: Option<Manager> = None;
    for one in chain {
        let exe = &one.info.exe;
        let Some((path, word)) = MANAGERS.iter().find(|(path, _)| *path == exe.path) else { continue };
        let place = |inode: u64, device: u32| exe.inode != 0 && (exe.inode, exe.device) == (inode, device);
        let now = entry::stat(Path::new(path)).is_some_and(|stat| place(stat.st_ino, entry::device(&stat)));
        let before = || accepted(path).is_some_and(|entry| place(entry.inode, entry.device));
        if now || before() {
            let word = found.as_ref().map_or(*word, |found| found.word);
            found = Some(Manager { word, top: one.info.key() });
        }
    }
    found
}

/// Whether a process still runs: same pid, same start.
pub fn alive(key: ProcessKey) -> bool {
    let text = std::fs::read_to_string(format!("/proc/{}/stat", key.pid())).unwrap_or_default();
    // Field 22, counted behind the name, which may hold anything.
    let ticks = text.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(19)?.parse::<u64>().ok());
    ticks == Some(key.ticks())
}

/// What the package database says about a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is as this package installed it, or gone with it.
    Package(String),
    /// The named package has another content for it.
    Differs(String),
    /// No package has it.
    Unlisted,
}

/// How a package says what is in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sum {
    /// MD5 of the content.
    Md5([u8; 16]),
    /// SHA-1 of the content.
    Sha1([u8; 20]),
    /// It is listed, without a sum: a folder, a link.
    Listed,
}

/// A listed path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its package.
    pub package: String,
    /// Its content.
    pub sum: Sum,
}

/// Package databases, read when they changed.
pub struct Databases {
    roots: Vec<PathBuf>,
    read: HashMap<PathBuf, (i64, HashMap<String, Listed>)>,
}

impl Databases {
    /// Databases below these folders.
    pub fn new(roots: &[PathBuf]) -> Databases {
        Databases { roots: roots.to_vec(), read: HashMap::new() }
    }

    /// What is known of a path whose state now is `now` (`None`: it is gone).
    pub fn verdict(&mut self, path: &str, now: Option<&Entry>, watched: &Watched) -> Verdict {
        let Some((root, within)) = self.place(path) else { return Verdict::Unlisted };
        self.renew(&root, watched);
        let listed = self.read.get(&root).and_then(|(_, list)| names(&within).find_map(|name| list.get(&name)));
        match (listed, now) {
            (None, _) => Verdict::Unlisted,
            (Some(listed), None) => Verdict::Differs(listed.package.clone()),
            (Some(listed), Some(entry)) if fits(&listed.sum, entry, Path::new(path)) => {
                Verdict::Package(listed.package.clone())
            }
            (Some(listed), Some(_)) => Verdict::Differs(listed.package.clone()),
        }
    }

    /// Forgets what was read, to give back its memory.
    pub fn forget(&mut self) {
        self.read.clear();
    }

    /// The deepest root that a path is below, and the path as its database names it.
    fn place(&self, path: &str) -> Option<(PathBuf, String)> {
        let below = self.roots.iter().filter_map(|root| {
            let rest = Path::new(path).strip_prefix(root).ok()?;
            Some((root.clone(), format!("/{}", rest.to_str()?)))
        });
        below.max_by_key(|(root, _)| root.as_os_str().len())
    }

    fn renew(&mut self, root: &Path, watched: &Watched) {
        let stamp = dpkg::stamp(root).max(apk::stamp(root));
        if self.read.get(root).is_none_or(|(read, _)| *read != stamp) {
            // Packages have hundreds of thousands of paths; those that are not watched would only cost memory.
            let above = root.display().to_string();
            let above = above.trim_end_matches('/');
            let keep = |path: &str| watched.covers(&watched.resolved(&format!("{above}{path}")));
            let mut list = dpkg::read(root, &keep);
            list.extend(apk::read(root));
            list.retain(|path, _| keep(path));
            self.read.insert(root.to_path_buf(), (stamp, list));
        }
    }
}

/// The names that a database may have for a path: packages from before the merge of `/usr` list `/bin/ls`.
fn names(path: &str) -> impl Iterator<Item = String> {
    let old = path
        .strip_prefix("/usr")
        .filter(|rest| rest.starts_with("/bin") || rest.starts_with("/sbin") || rest.starts_with("/lib"));
    std::iter::once(path.to_owned()).chain(old.map(str::to_owned))
}

/// Whether a file is what the sum says. It is read again: only its SHA-256 was kept.
fn fits(sum: &Sum, entry: &Entry, path: &Path) -> bool {
    use md5::{Digest, Md5};
    let content = || {
        let mut bytes = Vec::new();
        let file = std::fs::File::open(path).ok()?;
        file.take(PACKAGE_BYTES).read_to_end(&mut bytes).ok()?;
        // It must be the content that is told.
        let same = ring::digest::digest(&ring::digest::SHA256, &bytes).as_ref() == entry.sha256;
        same.then_some(bytes)
    };
    match sum {
        Sum::Listed => entry.file_type() != FileType::RegularFile,
        Sum::Md5(sum) => content().is_some_and(|bytes| Md5::digest(&bytes)[..] == sum[..]),
        Sum::Sha1(sum) => match entry.file_type() {
            FileType::RegularFile => content().is_some_and(|bytes| sha1(&bytes) == *sum),
            _ => sha1(entry.target.as_bytes()) == *sum,
        },
    }
}

fn sha1(bytes: &[u8]) -> [u8; 20] {
    let mut sum = [0; 20];
    sum.copy_from_slice(ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref());
    sum
}

/// Last change of a file or folder, ns; 0 when it is not there.
fn changed(path: &Path) -> i64 {
    entry::stat(path).map_or(0, |stat| entry::changed_ns(&stat))
}

/// A text of a database, cut at [`PACKAGE_BYTES`].
fn text(path: &Path) -> String {
    let mut bytes = Vec::new();
    if let Ok(file) = std::fs::File::open(path) {
        // What does not read verifies nothing.
        let _ = file.take(PACKAGE_BYTES).read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::{FileId, Process};

    fn process(path: &str, inode: u64, device: u32, parent: Option<Arc<Proc>>) -> Arc<Proc> {
        let exe = FileId { path: path.into(), inode, device, ..FileId::default() };
        Proc::new(Process { key: 7, exe, comm: "dpkg".into(), ..Process::default() }, parent)
    }

    #[test]
    fn a_manager_is_the_file_it_runs_and_not_its_name() {
        let none = |_: &str| None;
        for fake in ["/tmp/dpkg", "/usr/bin/dpkg", "/usr/local/bin/dpkg"] {
            assert!(manager(&process(fake, 1, 1, None), none).is_none(), "{fake}");
        }
        let accepted = Entry { inode: 5, device: 6, ..Entry::default() };
        let known = |path: &str| (path == "/usr/bin/dpkg").then_some(&accepted);
        let dpkg = process("/usr/bin/dpkg", 5, 6, None);
        let script = process("/bin/sh", 9, 9, Some(dpkg));
        assert_eq!(manager(&script, known).map(|manager| manager.word), Some("dpkg"));
        assert!(manager(&process("/usr/bin/dpkg", 5, 7, None), known).is_none());
    }

    #[test]
    fn a_process_is_alive_by_pid_and_start() {
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
        let ticks = stat.rsplit_once(')').unwrap().1.split_whitespace().nth(19).unwrap().parse().unwrap();
        assert!(alive(ProcessKey::from_ticks(std::process::id(), ticks)));
        assert!(!alive(ProcessKey::from_ticks(std::process::id(), ticks + 1)));
    }
}

//! The walk over trees of files, in the order of their names, that goes on after the last file when it was cut off.

use crate::limits::{WALK_DEPTH, WALK_NAMES};
use rustix::fs::{CWD, Dir, FileType, Mode, OFlags, ResolveFlags, fstat, fstatfs, openat2};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// A name in a directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The name.
    pub name: OsString,
    /// Whether it is a directory; it is a regular file otherwise.
    pub folder: bool,
}

/// What a directory holds.
#[derive(Debug, Default)]
pub struct Listing {
    /// Directories and regular files, in any order.
    pub entries: Vec<Entry>,
    /// Names that were left out because there were too many.
    pub left_out: u64,
}

/// Where the directories are read from.
pub trait Tree: Send {
    /// Reads a directory, at most so many names. One that cannot be read, or is of no file system of files, is empty.
    fn list(&mut self, folder: &Path, most: usize) -> Listing;
}

/// The host's own files.
#[derive(Debug, Default)]
pub struct HostTree {
    /// Whether the file system of a device has files worth a scan, for the device asked last.
    last: Option<(u64, bool)>,
}

/// File systems without files of the host's own: what the kernel shows, and what lies on other hosts (`statfs(2)`).
const PASSED_OVER: &[(u32, &str)] = &[
    (0x9fa0, "proc"),
    (0x6265_6572, "sysfs"),
    (0x6462_6720, "debugfs"),
    (0x7472_6163, "tracefs"),
    (0x7363_6673, "securityfs"),
    (0x0027_e0eb, "cgroup"),
    (0x6367_7270, "cgroup2"),
    (0xcafe_4a11, "bpf"),
    (0x6165_676c, "pstore"),
    (0x1cd1, "devpts"),
    (0x1980_0202, "mqueue"),
    (0x6265_6570, "configfs"),
    (0x4249_4e4d, "binfmt_misc"),
    (0x6969, "nfs"),
    (0xff53_4d42, "cifs"),
    (0xfe53_4d42, "smb2"),
    (0x6573_5546, "fuse"),
    (0x0102_1997, "9p"),
    (0x00c3_6400, "ceph"),
];

impl Tree for HostTree {
    fn list(&mut self, folder: &Path, most: usize) -> Listing {
        let mut listing = Listing::default();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let resolve = ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        // A directory that went meanwhile, or that we may not read, is no matter of the walk.
        let Ok(opened) = openat2(CWD, folder, flags, Mode::empty(), resolve) else { return listing };
        let device = fstat(&opened).map_or(0, |stat| stat.st_dev);
        let worth = match self.last {
            Some((last, worth)) if last == device => worth,
            _ => {
                let kind = fstatfs(&opened).map_or(0, |stat| stat.f_type as u32);
                !PASSED_OVER.iter().any(|(passed, _)| *passed == kind)
            }
        };
        self.last = Some((device, worth));
        if !worth {
            return listing;
        }
        let Ok(entries) = Dir::read_from(&opened) else { return listing };
        for entry in entries.flatten() {
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            let kind = match entry.file_type() {
                // Some file systems do not say.
                FileType::Unknown => {
                    let stat = rustix::fs::statat(&opened, name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW);
                    stat.map_or(FileType::Unknown, |stat| FileType::from_raw_mode(stat.st_mode))
                }
                kind => kind,
            };
            if name == "." || name == ".." || !matches!(kind, FileType::Directory | FileType::RegularFile) {
                continue;
            }
            if listing.entries.len() >= most {
                listing.left_out += 1;
                continue;
            }
            listing.entries.push(Entry { name: name.to_owned(), folder: kind == FileType::Directory });
        }
        listing
    }
}

/// A directory on the way.
struct Level {
    folder: PathBuf,
    /// What is left of it, the next one last.
    rest: Vec<Entry>,
}

/// A walk.
pub struct Walk {
    /// Roots that are left, the next one last.
    roots: Vec<PathBuf>,
    levels: Vec<Level>,
    /// Names held by all levels together.
    held: usize,
    /// The last file of the walk that was cut off.
    after: Option<PathBuf>,
    /// Names and directories left out because of a limit.
    pub left_out: u64,
}

impl Walk {
    /// Over these roots in this order, after this file.
    pub fn new(roots: &[PathBuf], after: Option<PathBuf>) -> Walk {
        let mut roots: Vec<PathBuf> = roots.iter().rev().cloned().collect();
        // Roots before the one that holds the file are done.
        if let Some(at) = after.as_ref().and_then(|after| roots.iter().position(|root| after.starts_with(root))) {
            roots.truncate(at + 1);
        }
        Walk { roots, levels: Vec::new(), held: 0, after, left_out: 0 }
    }

    /// The next file; directories that `skip` names are not entered. At most `steps` names are looked at, so that a
    /// caller keeps its turn: [`Step::More`] when there are more.
    pub fn next(&mut self, tree: &mut dyn Tree, skip: &dyn Fn(&Path) -> bool, steps: usize) -> Step {
        for _ in 0..steps {
            let Some(level) = self.levels.last_mut() else {
                match self.roots.pop() {
                    Some(root) if skip(&root) => continue,
                    Some(root) => self.enter(root, tree),
                    None => return Step::End,
                }
                continue;
            };
            let Some(entry) = level.rest.pop() else {
                self.levels.pop();
                continue;
            };
            self.held -= 1;
            let path = level.folder.join(&entry.name);
            if skip(&path) {
                continue;
            }
            if !entry.folder {
                // The way back to where the walk was cut off ends with the first file after it.
                self.after = None;
                return Step::File(path);
            }
            self.enter(path, tree);
        }
        Step::More
    }

    fn enter(&mut self, folder: PathBuf, tree: &mut dyn Tree) {
        if self.levels.len() >= WALK_DEPTH || self.held >= WALK_NAMES {
            self.left_out += 1;
            return;
        }
        let listing = tree.list(&folder, WALK_NAMES - self.held);
        self.left_out += listing.left_out;
        let mut rest = listing.entries;
        if let Some(after) = self.after.as_ref().and_then(|after| after.strip_prefix(&folder).ok()) {
            let mut parts = after.iter();
            if let Some(first) = parts.next() {
                let more = parts.next().is_some();
                rest.retain(|entry| entry.name.as_os_str() > first || (more && entry.folder && entry.name == first));
            }
        }
        rest.sort_unstable_by(|one, other| other.cmp(one));
        self.held += rest.len();
        self.levels.push(Level { folder, rest });
    }
}

/// A step of the walk.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// A file.
    File(PathBuf),
    /// Nothing yet.
    More,
    /// The walk is over.
    End,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    /// A tree of paths.
    #[derive(Default)]
    pub(crate) struct Paper(pub(crate) BTreeSet<PathBuf>);

    impl Paper {
        pub(crate) fn of(paths: &[&str]) -> Paper {
            Paper(paths.iter().map(PathBuf::from).collect())
        }
    }

    impl Tree for Paper {
        fn list(&mut self, folder: &Path, most: usize) -> Listing {
            let below = self.0.iter().filter_map(|path| path.strip_prefix(folder).ok());
            let entries: BTreeSet<Entry> = below
                .filter_map(|rest| {
                    let mut parts = rest.iter();
                    Some(Entry { name: parts.next()?.to_owned(), folder: parts.next().is_some() })
                })
                .collect();
            let left_out = entries.len().saturating_sub(most) as u64;
            Listing { entries: entries.into_iter().take(most).collect(), left_out }
        }
    }

    fn all(walk: &mut Walk, tree: &mut dyn Tree, skip: &dyn Fn(&Path) -> bool) -> Vec<String> {
        let mut files = Vec::new();
        loop {
            match walk.next(tree, skip, 3) {
                Step::File(path) => files.push(path.display().to_string()),
                Step::More => {}
                Step::End => return files,
            }
        }
    }

    #[test]
    fn every_file_is_visited_but_those_that_are_excluded() {
        let mut tree = Paper::of(&["/a/1", "/a/b/2", "/a.x", "/c/3", "/proc/4"]);
        let skip = |path: &Path| path.starts_with("/proc");
        let files = all(&mut Walk::new(&["/".into()], None), &mut tree, &skip);
        assert_eq!(files, ["/a/1", "/a/b/2", "/a.x", "/c/3"]);
    }

    #[test]
    fn roots_that_are_done_are_not_walked_again() {
        let mut tree = Paper::of(&["/a/1", "/b/2", "/b/3", "/c/4"]);
        let roots: Vec<PathBuf> = ["/a", "/b", "/c"].iter().map(PathBuf::from).collect();
        let files = all(&mut Walk::new(&roots, Some("/b/2".into())), &mut tree, &|_| false);
        assert_eq!(files, ["/b/3", "/c/4"]);
    }

    #[test]
    fn the_hosts_files_are_listed_and_what_the_kernel_shows_is_not() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("d")).unwrap();
        std::fs::write(folder.path().join("f"), "x").unwrap();
        std::os::unix::fs::symlink("f", folder.path().join("link")).unwrap();
        let mut tree = HostTree::default();
        let mut entries = tree.list(&folder.path().canonicalize().unwrap(), 10).entries;
        entries.sort();
        let entry = |name: &str, folder| Entry { name: name.into(), folder };
        assert_eq!(entries, [entry("d", true), entry("f", false)]);
        assert_eq!(tree.list(folder.path(), 1).left_out, 1);
        assert!(tree.list(Path::new("/proc"), 10).entries.is_empty());
        assert!(tree.list(&folder.path().join("link"), 10).entries.is_empty());
    }

    proptest! {
        #[test]
        fn a_walk_cut_off_anywhere_goes_on_with_the_next_file(
            paths in proptest::collection::btree_set("/[ab.]{1,2}(/[ab-]{1,2}){0,3}", 1..20), cut in 0usize..20,
        ) {
            // A path is a file or a directory, not both.
            let files: BTreeSet<PathBuf> = paths.iter().map(PathBuf::from)
                .filter(|path| !paths.iter().any(|other| Path::new(other) != path && Path::new(other).starts_with(path)))
                .filter(|path| path.components().all(|part| !matches!(part, std::path::Component::CurDir | std::path::Component::ParentDir)))
                .collect();
            let mut tree = Paper(files);
            let whole = all(&mut Walk::new(&["/".into()], None), &mut tree, &|_| false);
            if let Some(last) = whole.get(cut) {
                let rest = all(&mut Walk::new(&["/".into()], Some(last.into())), &mut tree, &|_| false);
                prop_assert_eq!(&rest, &whole[cut + 1..]);
            }
        }
    }
}

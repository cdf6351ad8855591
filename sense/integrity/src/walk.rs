//! The way over the watched trees, one path at a time, and the budget of what it reads.

use crate::limits::{DEPTH, NAMES};
use crate::watched::Watched;
use base::Micros;
use std::path::PathBuf;

/// Why everything is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The agent starts: changes were made while it was off.
    Start,
    /// Events were lost.
    Lost,
    /// It is time: contents are read even where nothing seems to have changed.
    Schedule,
}

/// See the module. Links are not followed.
pub struct Walk {
    open: Vec<(PathBuf, usize)>,
    /// Why.
    pub cause: Cause,
    /// Names left out because of a limit or because they are no text.
    pub left_out: u64,
}

impl Walk {
    /// A walk over these trees.
    pub fn new(trees: Vec<PathBuf>, cause: Cause) -> Walk {
        Walk { open: trees.into_iter().rev().map(|path| (path, 0)).collect(), cause, left_out: 0 }
    }

    /// The next path that is watched.
    pub fn next(&mut self, watched: &Watched) -> Option<String> {
        loop {
            let (path, depth) = self.open.pop()?;
            let Some(text) = path.to_str().map(str::to_owned) else {
                self.left_out += 1;
                continue;
            };
            if watched.excludes(&text) {
                continue;
            }
            if path.symlink_metadata().is_ok_and(|found| found.is_dir()) {
                self.enter(path, depth);
            }
            if watched.covers(&text) {
                return Some(text);
            }
        }
    }

    fn enter(&mut self, folder: PathBuf, depth: usize) {
        let mut names: Vec<PathBuf> =
            std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        let most = if depth < DEPTH { NAMES } else { 0 };
        self.left_out += names.len().saturating_sub(most) as u64;
        names.sort_unstable_by(|one, other| other.cmp(one));
        self.open.extend(names.into_iter().rev().take(most).rev().map(|path| (path, depth + 1)));
    }
}

/// Bytes a second: what was read is a debt that time pays off.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    per_second: u64,
    free: Micros,
}

impl Budget {
    /// So many bytes a second.
    pub fn new(per_second: u64) -> Budget {
        Budget { per_second: per_second.max(1), free: Micros::MIN }
    }

    /// How long to wait before more may be read, 0 for not at all. `now` is monotonic.
    pub fn wait(&self, now: Micros) -> Micros {
        self.free.saturating_sub(now).max(0)
    }

    /// Writes down what was read.
    pub fn charge(&mut self, bytes: u64, now: Micros) {
        let cost = (bytes as f64 / self.per_second as f64 * 1e6) as Micros;
        self.free = self.free.max(now).saturating_add(cost);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::IntegrityConfig;

    #[test]
    fn every_watched_path_comes_once_in_order_and_no_link_is_followed() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for path in ["b/c", "a"] {
            std::fs::create_dir_all(root.join(path)).unwrap();
        }
        for path in ["b/c/f", "b/x.swp", "z"] {
            std::fs::write(root.join(path), "").unwrap();
        }
        std::os::unix::fs::symlink("/", root.join("a/up")).unwrap();
        let config = IntegrityConfig { paths: vec![root.display().to_string()], ..IntegrityConfig::default() };
        let watched = Watched::new(&config).unwrap();
        let mut walk = Walk::new(watched.trees(), Cause::Start);
        let found: Vec<String> = std::iter::from_fn(|| walk.next(&watched)).collect();
        let wanted = ["", "/a", "/a/up", "/b", "/b/c", "/b/c/f", "/z"];
        assert_eq!(found, wanted.map(|path| format!("{}{path}", root.display())));
    }

    #[test]
    fn what_was_read_is_paid_off_by_time() {
        let mut budget = Budget::new(1000);
        assert_eq!(budget.wait(0), 0);
        budget.charge(500, 0);
        assert_eq!((budget.wait(0), budget.wait(500_000)), (500_000, 0));
    }
}

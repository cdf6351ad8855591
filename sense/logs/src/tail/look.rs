//! Looking for files: new ones, rotated ones, and copies of truncated ones.

use super::follow::{self, Follow};
use super::position::{Head, Key, Position};
use super::{Tailer, glob};
use crate::fault;
use crate::limits::{FILES, HEAD_BYTES};
use crate::stats::Count;
use base::{Fault, Micros};
use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

impl Tailer {
    /// Looks at every pattern: opens what is new, marks what was rotated away, finds what rotation made meanwhile.
    pub(super) fn look(&mut self) {
        let now = self.settings.clock.monotonic();
        let listed = self.listed();
        let names: HashSet<&Path> = listed.iter().map(|(_, path)| path.as_path()).collect();
        let mut seen = HashSet::new();
        let mut live = Vec::new();
        for (source, path) in &listed {
            // Of `access.log` and `access.log.1` the second is the first one's past, not a log of its own.
            if is_past_of_another(path, &names) {
                continue;
            }
            let links = self.settings.sources[*source].input.follow_links;
            let meta = if links { std::fs::metadata(path) } else { std::fs::symlink_metadata(path) };
            let Ok(meta) = meta else { continue };
            if meta.is_dir() || !seen.insert(Key::of(&meta)) {
                continue;
            }
            live.push((*source, path));
            match self.files.iter_mut().find(|file| file.key == Key::of(&meta)) {
                Some(file) => {
                    file.path.clone_from(path);
                    file.origin = path.to_string_lossy().into_owned();
                    file.rotated_at = None;
                }
                None => {
                    if let Some(key) = self.open_live(*source, path, now) {
                        seen.insert(key);
                    }
                }
            }
        }
        for file in self.files.iter_mut().filter(|file| !seen.contains(&file.key)) {
            file.rotated_at.get_or_insert(now);
        }
        for (source, path) in live {
            self.beside(source, path, now);
        }
        if self.is_new {
            self.lost_of_last_run(now);
        }
        self.is_new = false;
        self.first.fill(false);
        for (index, source) in self.settings.sources.iter().enumerate() {
            source.counters.set_open(self.files.iter().filter(|file| file.source == index).count());
        }
    }

    /// Paths of all patterns that may be logs, each with its input.
    fn listed(&self) -> Vec<(usize, PathBuf)> {
        let sources = self.settings.sources.iter().enumerate();
        let patterns = sources.flat_map(|(index, source)| source.input.paths.iter().map(move |path| (index, path)));
        let paths =
            patterns.flat_map(|(index, pattern)| glob::paths(pattern).into_iter().map(move |path| (index, path)));
        // Positions are kept as text, so a name that is none cannot be followed.
        paths.filter(|(_, path)| !glob::is_compressed(path) && path.to_str().is_some()).collect()
    }

    /// Opens a file, or counts and tells why not.
    fn open_file(&self, source: usize, path: &Path, links: bool) -> Option<(File, Metadata)> {
        let counters = &self.settings.sources[source].counters;
        let found = match follow::open(path, links) {
            Ok(_) if self.files.len() >= FILES => format!("{FILES} files followed already"),
            Ok(opened) => return Some(opened),
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return None,
            Err(cause) => cause.to_string(),
        };
        counters.add(Count::Refused, 1);
        tracing::debug!(fault = Fault::new(&fault::UNREADABLE).object(path.display()).found(found).inside(), "log");
        None
    }

    /// Opens what a path leads to, at its kept position where it has one.
    fn open_live(&mut self, source: usize, path: &Path, now: Micros) -> Option<Key> {
        let links = self.settings.sources[source].input.follow_links;
        let (file, meta) = self.open_file(source, path, links)?;
        let key = Key::of(&meta);
        if self.is_followed(key) {
            return Some(key);
        }
        let kept = self
            .past
            .iter()
            .position(|past| past.key == key && (past.head.is_of(&file) || (past.path == path && !past.finished)));
        let follow = Follow::new(file, &meta, path, source, now);
        let follow = match kept {
            // If it was truncated meanwhile, its turn sees that by its first bytes.
            Some(place) => {
                let past = self.past.remove(place);
                follow.at(past.offset, past.head)
            }
            None if self.first[source] && !self.settings.backlog => {
                let end = last_line_end(&follow.file, meta.len());
                let head = Head::read(&follow.file, end.min(HEAD_BYTES as u64)).unwrap_or_default();
                follow.at(end, head)
            }
            None => follow,
        };
        self.files.push(follow);
        self.is_dirty = true;
        Some(key)
    }

    /// Looks beside a path for what rotation made of it since the last look.
    fn beside(&mut self, source: usize, path: &Path, now: Micros) {
        for (sibling, meta) in rotations(path) {
            if meta.len() > 0 && !self.is_followed(Key::of(&meta)) && !self.is_read(&meta) {
                self.sibling(source, path, &sibling, now);
            }
        }
    }

    /// Whether a file was read and has not changed since.
    fn is_read(&self, meta: &Metadata) -> bool {
        self.past.iter().any(|past| past.finished && past.key == Key::of(meta) && past.offset == meta.len())
    }

    /// Decides about a rotated file that is not followed.
    fn sibling(&mut self, source: usize, path: &Path, sibling: &Path, now: Micros) {
        let Some((file, meta)) = self.open_file(source, sibling, false) else { return };
        let (key, size) = (Key::of(&meta), meta.len());
        let resumes = |past: &Position| {
            past.key == key && (past.head.is_of(&file) || (!past.finished && past.offset == 0 && past.path == path))
        };
        if let Some(place) = self.past.iter().position(resumes) {
            let past = self.past.remove(place);
            return self.follow_past(file, &meta, path, source, (past.offset.min(size), past.head), now);
        }
        let is_same = |past: &Position| {
            past.finished && past.head.is_of(&file) && (past.head.bytes == HEAD_BYTES as u64 || past.offset == size)
        };
        if self.first[source] || self.past.iter().any(is_same) {
            let head = Head::read(&file, size.min(HEAD_BYTES as u64)).unwrap_or_default();
            return self.remember(Position { path: path.into(), key, offset: size, head, finished: true });
        }
        // A copy of what is followed is read from there; if that is truncated later, the rest is read from the copy.
        if self.files.iter().any(|other| other.path == path && is_copy(other, &file, size)) {
            return;
        }
        self.follow_past(file, &meta, path, source, (0, Head::default()), now);
    }

    fn follow_past(&mut self, file: File, meta: &Metadata, path: &Path, source: usize, at: (u64, Head), now: Micros) {
        let mut follow = Follow::new(file, meta, path, source, now).at(at.0, at.1);
        follow.rotated_at = Some(now);
        self.files.push(follow);
        self.is_dirty = true;
    }

    /// A file has other content than the one whose offset is held: the rest of the old content is looked for in a copy,
    /// and the file is read from its beginning.
    pub(super) fn replaced(&mut self, index: usize) {
        let now = self.settings.clock.monotonic();
        let file = &self.files[index];
        let (path, source, head, offset) = (file.path.clone(), file.source, file.head, file.next);
        self.files[index].restart();
        self.is_dirty = true;
        if head.bytes == 0 {
            return;
        }
        let mut copies: Vec<(PathBuf, Metadata)> = rotations(&path);
        copies.retain(|(_, meta)| meta.len() >= offset && !self.is_followed(Key::of(meta)) && !self.is_read(meta));
        copies.sort_by_key(|(_, meta)| std::cmp::Reverse((meta.mtime(), meta.mtime_nsec())));
        for (copy, _) in copies {
            let Some((file, meta)) = self.open_file(source, &copy, false) else { continue };
            if head.is_of(&file) {
                return self.follow_past(file, &meta, &path, source, (offset, head), now);
            }
        }
    }

    /// Files of the last run whose path leads nowhere now: their rest is looked for beside it. What is not found was
    /// removed or compressed.
    fn lost_of_last_run(&mut self, now: Micros) {
        let mut open: Vec<PathBuf> =
            self.past.iter().filter(|past| !past.finished).map(|past| past.path.clone()).collect();
        open.sort();
        open.dedup();
        for path in open {
            let covers = |pattern: &String| glob::covers(pattern, &path);
            let source = self.settings.sources.iter().position(|source| source.input.paths.iter().any(covers));
            if let Some(source) = source {
                self.beside(source, &path, now);
            }
        }
        self.past.retain(|past| past.finished);
        self.is_dirty = true;
    }
}

/// Rotated files of a path, not compressed, sorted by name.
fn rotations(path: &Path) -> Vec<(PathBuf, Metadata)> {
    let (Some(folder), Some(base)) = (path.parent(), path.file_name()) else { return Vec::new() };
    let names = glob::names(folder, |name| glob::is_rotation_of(name, base));
    let files = names.into_iter().filter(|name| !glob::is_compressed(name) && name.to_str().is_some());
    let files = files.filter_map(|name| std::fs::symlink_metadata(&name).ok().map(|meta| (name, meta)));
    files.filter(|(_, meta)| meta.is_file()).collect()
}

/// Whether a listed path is what rotation made of another listed one.
fn is_past_of_another(path: &Path, names: &HashSet<&Path>) -> bool {
    let Some(name) = path.file_name().map(OsStr::as_bytes) else { return false };
    let ends = name.iter().enumerate().skip(1).filter(|(_, byte)| matches!(byte, b'.' | b'-'));
    ends.into_iter().any(|(end, _)| names.contains(path.with_file_name(OsStr::from_bytes(&name[..end])).as_path()))
}

/// Whether a file begins as a followed one does, or did when it was last read.
fn is_copy(followed: &Follow, file: &File, size: u64) -> bool {
    if followed.head.is_of(file) {
        return true;
    }
    let stands = followed.file.metadata().map_or(0, |meta| meta.len());
    let bytes = stands.min(size).min(HEAD_BYTES as u64);
    bytes > 0 && Head::read(&followed.file, bytes) == Head::read(file, bytes)
}

/// The end of the last whole line of a file, so that reading does not begin in the middle of one.
fn last_line_end(file: &File, size: u64) -> u64 {
    let mut tail = [0; 64 * 1024];
    let from = size.saturating_sub(tail.len() as u64);
    let slice = &mut tail[..(size - from) as usize];
    match file.read_exact_at(slice, from) {
        Ok(()) => memchr::memrchr(b'\n', slice).map_or(size, |end| from + end as u64 + 1),
        Err(_) => size,
    }
}

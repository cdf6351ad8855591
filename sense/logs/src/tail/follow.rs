//! One file that is followed.

use super::position::{Head, Key, Position};
use base::Micros;
use rustix::fs::{Mode, OFlags};
use std::fs::{File, Metadata};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

/// A file and how far it was read.
#[derive(Debug)]
pub struct Follow {
    /// Held open: a file that was renamed or removed is still read to its end.
    pub file: File,
    /// Which file.
    pub key: Key,
    /// The path it belongs to.
    pub path: PathBuf,
    /// That path as text, for events.
    pub origin: String,
    /// Its input.
    pub source: usize,
    /// Where the next line begins.
    pub next: u64,
    /// How far was looked for the end of that line.
    pub seen: u64,
    /// Everything before this byte was taken by the sink.
    pub taken: u64,
    /// Its first bytes.
    pub head: Head,
    /// Its size when it was last looked at.
    pub size: u64,
    /// Its last change as the file system says it, seconds and nanoseconds.
    pub modified: (i64, i64),
    /// When it last changed, µs of the monotonic clock.
    pub changed_at: Micros,
    /// Since when its path no longer leads to it.
    pub rotated_at: Option<Micros>,
}

/// Opens a regular file for reading, without waiting on a pipe and without following a link unless asked to.
pub fn open(path: &Path, follow_links: bool) -> std::io::Result<(File, Metadata)> {
    let link = if follow_links { OFlags::empty() } else { OFlags::NOFOLLOW };
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY | link;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    let meta = file.metadata()?;
    if !meta.is_file() {
        return Err(std::io::Error::from(std::io::ErrorKind::InvalidInput));
    }
    Ok((file, meta))
}

impl Follow {
    /// A file from an offset on.
    pub fn new(file: File, meta: &Metadata, path: &Path, source: usize, now: Micros) -> Follow {
        Follow {
            file,
            key: Key::of(meta),
            path: path.to_path_buf(),
            origin: path.to_string_lossy().into_owned(),
            source,
            next: 0,
            seen: 0,
            taken: 0,
            head: Head::default(),
            size: 0,
            modified: (0, 0),
            changed_at: now,
            rotated_at: None,
        }
    }

    /// Starts at an offset.
    pub fn at(mut self, offset: u64, head: Head) -> Follow {
        (self.next, self.seen, self.taken, self.head) = (offset, offset, offset, head);
        self
    }

    /// Goes back to what the sink has taken.
    pub fn step_back(&mut self) {
        (self.next, self.seen) = (self.taken, self.taken);
        // Looked at anew even if it does not change any more.
        self.modified = (0, 0);
    }

    /// Begins again, as another file.
    pub fn restart(&mut self) {
        (self.next, self.seen, self.taken, self.head) = (0, 0, 0, Head::default());
    }

    /// Looks at size and time; whether anything is new, or something seen was not read yet.
    pub fn stat(&mut self, now: Micros) -> std::io::Result<bool> {
        let meta = self.file.metadata()?;
        let modified = (meta.mtime(), meta.mtime_nsec());
        let is_changed = meta.len() != self.size || modified != self.modified;
        if is_changed {
            (self.size, self.modified, self.changed_at) = (meta.len(), modified, now);
        }
        Ok(is_changed || !self.is_caught_up())
    }

    /// Whether it is no longer the file whose offset we hold: shorter, or with other first bytes.
    pub fn is_replaced(&self) -> bool {
        self.size < self.next || (self.head.bytes > 0 && !self.head.is_of(&self.file))
    }

    /// Whether everything was looked at.
    pub fn is_caught_up(&self) -> bool {
        self.seen >= self.size
    }

    /// Whether a line without its end waits.
    pub fn has_half(&self) -> bool {
        self.seen > self.next
    }

    /// Its last bytes as far as they were seen.
    pub fn end(&self) -> [u8; 8] {
        let mut end = [b' '; 8];
        // A file that cannot be read ends in nothing of interest.
        let _ = self.file.read_at(&mut end, self.seen.saturating_sub(8).max(self.next));
        end
    }

    /// Its position, as far as the sink has taken it.
    pub fn position(&self) -> Position {
        Position { path: self.path.clone(), key: self.key, offset: self.taken, head: self.head, finished: false }
    }
}

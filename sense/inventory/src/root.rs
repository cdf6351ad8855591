//! The tree that is looked at: the host's own, a made-up one, or that of a container. Reads are bounded and never hang.

use crate::limits::{COMMAND_BYTES, ENTRIES, FILE_BYTES, HEAD_BYTES, SMALL_BYTES};
use rustix::fs::OFlags;
use std::cell::Cell;
use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

/// How long a program may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A tree. Paths are absolute within it.
pub struct Root {
    prefix: PathBuf,
    cut: Cell<u64>,
}

/// What a file is, without its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meta {
    /// Owner.
    pub uid: u32,
    /// Type and permissions.
    pub mode: u32,
    /// Whether it is a folder.
    pub dir: bool,
}

impl Root {
    /// The tree below a folder; `/` for this host.
    pub fn new(prefix: impl Into<PathBuf>) -> Root {
        Root { prefix: prefix.into(), cut: Cell::new(0) }
    }

    /// Where a path lies.
    pub fn place(&self, path: &str) -> PathBuf {
        self.prefix.join(path.trim_start_matches('/'))
    }

    /// How often something was left out because it was too much.
    pub fn cut(&self) -> u64 {
        self.cut.get()
    }

    /// Counts that something was left out.
    pub fn leave_out(&self) {
        self.cut.set(self.cut.get() + 1);
    }

    /// A file that may be large, as text.
    pub fn large(&self, path: &str) -> Option<String> {
        self.read(path, FILE_BYTES, true)
    }

    /// A file, as text.
    pub fn text(&self, path: &str) -> Option<String> {
        self.read(path, SMALL_BYTES, true)
    }

    /// The beginning of a file, as text.
    pub fn head(&self, path: &str) -> Option<String> {
        self.read(path, HEAD_BYTES, false)
    }

    fn read(&self, path: &str, most: u64, whole: bool) -> Option<String> {
        // A pipe somebody left where a file should be must not hold the inventory up.
        let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits() as i32;
        let file = OpenOptions::new().read(true).custom_flags(flags).open(self.place(path)).ok()?;
        if !file.metadata().ok()?.is_file() {
            return None;
        }
        self.take(file, most, whole)
    }

    fn take(&self, source: impl Read, most: u64, whole: bool) -> Option<String> {
        let mut bytes = Vec::new();
        source.take(most + 1).read_to_end(&mut bytes).ok()?;
        if bytes.len() as u64 > most {
            bytes.truncate(most as usize);
            if whole {
                self.leave_out();
            }
        }
        Some(match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(cause) => String::from_utf8_lossy(cause.as_bytes()).into_owned(),
        })
    }

    /// Names in a folder, in order.
    pub fn list(&self, path: &str) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.place(path)) else { return Vec::new() };
        let mut names: Vec<String> =
            entries.flatten().take(ENTRIES + 1).filter_map(|entry| entry.file_name().into_string().ok()).collect();
        if names.len() > ENTRIES {
            self.leave_out();
            names.truncate(ENTRIES);
        }
        names.sort();
        names
    }

    /// Paths of a pattern whose parts may be `*`: `/usr/lib/python3*/dist-packages`.
    pub fn glob(&self, pattern: &str) -> Vec<String> {
        let mut found = vec![String::new()];
        for part in pattern.split('/').filter(|part| !part.is_empty()) {
            let mut next = Vec::new();
            for path in found {
                match part.split_once('*') {
                    None => next.push(format!("{path}/{part}")),
                    Some((before, after)) => {
                        let names = self.list(if path.is_empty() { "/" } else { &path });
                        let fits = |name: &&String| {
                            name.len() >= before.len() + after.len()
                                && name.starts_with(before)
                                && name.ends_with(after)
                                && (!name.starts_with('.') || before.starts_with('.'))
                        };
                        next.extend(names.iter().filter(fits).map(|name| format!("{path}/{name}")));
                    }
                }
                if next.len() > ENTRIES {
                    self.leave_out();
                    next.truncate(ENTRIES);
                }
            }
            found = next;
        }
        found.retain(|path| self.meta(path).is_some());
        found
    }

    /// Where a link leads, as it is written.
    pub fn link(&self, path: &str) -> Option<String> {
        std::fs::read_link(self.place(path)).ok()?.into_os_string().into_string().ok()
    }

    /// What a path is, links followed.
    pub fn meta(&self, path: &str) -> Option<Meta> {
        let meta = std::fs::metadata(self.place(path)).ok()?;
        Some(Meta { uid: meta.uid(), mode: meta.mode(), dir: meta.is_dir() })
    }

    /// Whether a path is there.
    pub fn has(&self, path: &str) -> bool {
        self.meta(path).is_some()
    }

    /// What `rpm` of this host answers about this tree; `None` without it, or when it takes too long.
    pub fn rpm(&self, arguments: &[&str]) -> Option<String> {
        let mut command = Command::new("/usr/bin/rpm");
        command.arg("--root").arg(&self.prefix).args(arguments);
        let streams = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = streams.env_clear().env("LC_ALL", "C").spawn().ok()?;
        let out = child.stdout.take()?;
        let (ended, end) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let read = out.take(COMMAND_BYTES).read_to_end(&mut bytes).map(|_| bytes);
            // Nobody waits any more when it took too long.
            let _ = ended.send(read);
        });
        let read = end.recv_timeout(PATIENCE);
        if read.is_err() {
            let _ = child.kill();
        }
        let good = child.wait().is_ok_and(|status| status.success());
        let (true, Ok(Ok(bytes))) = (good, read) else {
            self.leave_out();
            return None;
        };
        self.take(&bytes[..], COMMAND_BYTES, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_find_and_pipes_do_not_hang() {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::new(folder.path());
        for path in ["usr/lib/python3.9/x", "usr/lib/python3/x", "usr/lib/perl/x"] {
            std::fs::create_dir_all(folder.path().join(path)).unwrap();
        }
        assert_eq!(root.glob("/usr/lib/python3*/x"), ["/usr/lib/python3/x", "/usr/lib/python3.9/x"]);
        assert_eq!(root.glob("/nowhere/*/x"), Vec::<String>::new());
        let pipe = folder.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        assert_eq!(root.text("/pipe"), None);
        std::fs::write(folder.path().join("big"), vec![b'a'; HEAD_BYTES as usize + 5]).unwrap();
        assert_eq!(root.head("/big").unwrap().len(), HEAD_BYTES as usize);
        assert_eq!(root.cut(), 0, "the beginning was all that was wanted");
    }
}

//! A file kept open and read from its start each time.

use std::fs::File;
use std::os::unix::fs::FileExt;

/// Largest file read, bytes: `/proc/stat` of a machine with many interrupts is about this long.
const LARGEST: usize = 256 * 1024;

/// The file, opened at the first read.
#[derive(Debug)]
pub(super) struct Kept {
    path: String,
    file: Option<File>,
}

impl Kept {
    pub(super) fn new(path: impl Into<String>) -> Kept {
        let path = path.into();
        let file = File::open(&path).ok();
        Kept { path, file }
    }

    /// Whether the file was there.
    pub(super) fn is_open(&self) -> bool {
        self.file.is_some()
    }

    /// The content now, in the buffer. `None` when it cannot be read.
    pub(super) fn read<'b>(&self, buffer: &'b mut Vec<u8>) -> Option<&'b [u8]> {
        let file = self.file.as_ref()?;
        if buffer.is_empty() {
            buffer.resize(8 * 1024, 0);
        }
        let mut filled = 0;
        loop {
            if filled == buffer.len() {
                if filled >= LARGEST {
                    break;
                }
                buffer.resize(filled * 2, 0);
            }
            match file.read_at(&mut buffer[filled..], filled as u64) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(cause) if cause.kind() == std::io::ErrorKind::Interrupted => {}
                Err(cause) => {
                    tracing::trace!(path = %self.path, %cause, "metric file does not read");
                    return None;
                }
            }
        }
        buffer.get(..filled)
    }
}

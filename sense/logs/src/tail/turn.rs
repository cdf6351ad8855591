//! A file's turn: its whole lines, up to a bound.

use super::Tailer;
use crate::limits::TURN_BYTES;
use crate::sink::Sink;
use base::Result;
use base::limits::LOG_RECORD_BYTES;
use memchr::{memchr, memchr_iter};
use std::fs::File;
use std::os::unix::fs::FileExt;

/// Bytes read at once.
const CHUNK: usize = 128 * 1024;

/// Reads until the buffer is full or the file ends. A file that cannot be read reads as ended: it is tried again.
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> usize {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(cause) if cause.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    filled
}

/// A line without the NULs before it. They are the hole that a writer leaves which goes on at its old offset after a
/// truncation.
fn without_hole(line: &[u8]) -> &[u8] {
    let start = line.iter().position(|byte| *byte != 0).unwrap_or(line.len());
    &line[start..]
}

impl Tailer {
    /// Reads a file up to [`TURN_BYTES`]; gives how many bytes were looked at.
    pub(super) fn turn(&mut self, index: usize, sink: &dyn Sink) -> Result<usize> {
        let now = self.settings.clock.monotonic();
        if !self.files[index].stat(now).unwrap_or(false) {
            return Ok(0);
        }
        if self.files[index].is_replaced() {
            // What is in hand belongs to the old content, and its position with it.
            self.flush(sink)?;
            self.replaced(index);
        }
        let mut chunk = std::mem::take(&mut self.chunk);
        chunk.resize(CHUNK, 0);
        let read = self.read(index, &mut chunk, sink);
        self.chunk = chunk;
        read
    }

    fn read(&mut self, index: usize, chunk: &mut [u8], sink: &dyn Sink) -> Result<usize> {
        let mut total = 0;
        while total < TURN_BYTES {
            let file = &self.files[index];
            // A truncated half line: what was seen of it is gone.
            let seen = file.seen.min(file.size).max(file.next);
            let is_long = (seen - file.next) as usize > CHUNK / 2;
            let from = if is_long { seen } else { file.next };
            let count = read_at(&file.file, chunk, from);
            self.files[index].seen = seen;
            if count == 0 || (!is_long && from + count as u64 <= seen) {
                break;
            }
            let data = &chunk[..count];
            if is_long {
                self.long(index, data, sink)?
            } else {
                self.lines(index, data, sink)?
            }
            total += count;
            if count < chunk.len() {
                break;
            }
        }
        let file = &mut self.files[index];
        // It may have grown since its size was taken; it is never caught up beyond what was seen.
        file.size = file.size.max(file.seen);
        Ok(total)
    }

    /// Takes the whole lines of what stands at `next`.
    fn lines(&mut self, index: usize, data: &[u8], sink: &dyn Sink) -> Result<()> {
        let base = self.files[index].next;
        let mut start = 0;
        for end in memchr_iter(b'\n', data) {
            self.emit(index, without_hole(&data[start..end]), false);
            start = end + 1;
            let file = &mut self.files[index];
            file.next = base + start as u64;
            file.seen = file.next;
            if self.is_full() {
                self.flush(sink)?;
            }
        }
        let rest = &data[start..];
        let file = &mut self.files[index];
        file.next = base + (data.len() - without_hole(rest).len()) as u64;
        file.seen = base + data.len() as u64;
        Ok(())
    }

    /// Looks for the end of a line that is longer than a chunk; only its beginning will be kept.
    fn long(&mut self, index: usize, data: &[u8], sink: &dyn Sink) -> Result<()> {
        let Some(end) = memchr(b'\n', data) else {
            self.files[index].seen += data.len() as u64;
            return Ok(());
        };
        let end = self.files[index].seen + end as u64;
        self.take(index, end);
        let file = &mut self.files[index];
        (file.next, file.seen) = (end + 1, end + 1);
        if self.is_full() { self.flush(sink) } else { Ok(()) }
    }

    /// Takes the half line as it stands.
    pub(super) fn take_half(&mut self, index: usize) {
        let end = self.files[index].seen;
        self.take(index, end);
        self.files[index].next = end;
    }

    /// Takes what stands between `next` and `end` as one record, cut to its limit.
    fn take(&mut self, index: usize, end: u64) {
        let file = &self.files[index];
        let length = usize::try_from(end - file.next).unwrap_or(usize::MAX);
        let mut line = vec![0; length.min(LOG_RECORD_BYTES)];
        let count = read_at(&file.file, &mut line, file.next);
        line.truncate(count);
        self.emit(index, &line, length > LOG_RECORD_BYTES);
    }
}

//! `normalisePath`, `normalisePathWin`: a path without self-references, back-references and double slashes.

use super::Transformation;

/// One of the two. What ends in `..` is a back-reference, be it a whole segment or not, as libmodsecurity has it.
pub struct NormalisePath {
    name: &'static str,
    windows: bool,
}

impl NormalisePath {
    /// `t:normalisePath`.
    pub const UNIX: NormalisePath = NormalisePath { name: "normalisepath", windows: false };
    /// `t:normalisePathWin`: backslashes are slashes.
    pub const WINDOWS: NormalisePath = NormalisePath { name: "normalisepathwin", windows: true };

    fn next_slash(&self, text: &[u8]) -> Option<usize> {
        if self.windows { memchr::memchr2(b'/', b'\\', text) } else { memchr::memchr(b'/', text) }
    }

    fn slash(&self, byte: u8) -> bool {
        byte == b'/' || self.windows && byte == b'\\'
    }
}

impl Transformation for NormalisePath {
    fn name(&self) -> &'static str {
        self.name
    }

    fn apply(&self, input: &[u8], out: &mut Vec<u8>) -> bool {
        let (Some(&first), Some(&last)) = (input.first(), input.last()) else { return false };
        if last != b'.' && self.next_slash(input).is_none() {
            return false;
        }
        out.extend_from_slice(input);
        let mut walk = Walk { path: out, read: 0, write: 0, at_root: false, relative: !self.slash(first) };
        while walk.step(self) {}
        let mut length = walk.write;
        if !self.slash(last) && length > 0 && out.get(length - 1) == Some(&b'/') {
            length -= 1;
        }
        out.truncate(length);
        out.as_slice() != input
    }
}

/// A walk over a path that is rewritten in place: what is written never overtakes what is read.
struct Walk<'o> {
    path: &'o mut Vec<u8>,
    read: usize,
    write: usize,
    /// Back-references have used up all segments.
    at_root: bool,
    relative: bool,
}

impl Walk<'_> {
    /// Reads a segment but for its last byte, then that byte or a run of slashes; false at the end.
    fn step(&mut self, kind: &NormalisePath) -> bool {
        let end = self.path.len() - 1;
        let rest = &self.path[self.read.min(end)..end];
        let inside = kind.next_slash(rest).unwrap_or(rest.len()).saturating_sub(1);
        self.path.copy_within(self.read..self.read + inside, self.write);
        self.read += inside;
        self.write += inside;
        if self.read > end {
            return false;
        }
        for byte in &mut self.path[self.read..=end.min(self.read + 1)] {
            if kind.slash(*byte) {
                *byte = b'/';
            }
        }
        let last = self.read == end;
        if (last || self.path[self.read + 1] == b'/') && !self.segment(last) {
            return !last;
        }
        self.copy(kind, end);
        !last
    }

    /// The end of a segment was reached: takes references away. False when the byte was dealt with.
    fn segment(&mut self, last: bool) -> bool {
        match self.path[self.read] {
            b'/' if !last => return true,
            b'.' => {}
            _ => {
                self.at_root &= self.write == 0;
                return true;
            }
        }
        match self.write.checked_sub(1).map(|before| self.path[before]) {
            Some(b'.') => {
                if self.relative && (self.at_root || self.write <= 2) {
                    self.at_root = true;
                    return true;
                }
                self.back(last);
            }
            Some(b'/') if !last => self.write -= 1,
            None | Some(b'/') => {}
            Some(_) => return true,
        }
        if last {
            return false;
        }
        self.read += 1;
        true
    }

    /// Takes the segment before a back-reference away, but never the root.
    fn back(&mut self, last: bool) {
        self.write = self.write.saturating_sub(3);
        while self.write > 0 && self.path[self.write] != b'/' {
            self.write -= 1;
        }
        if self.write == 0 {
            self.at_root = true;
            self.write = usize::from(!self.relative && last);
        }
    }

    /// Copies a byte; of a run of slashes the last.
    fn copy(&mut self, kind: &NormalisePath, end: usize) {
        if self.path[self.read] == b'/' {
            while self.read < end && kind.slash(self.path[self.read + 1]) {
                self.read += 1;
            }
            if self.relative && self.write == 0 {
                self.read += 1;
                return;
            }
        }
        self.path[self.write] = self.path[self.read];
        self.write += 1;
        self.read += 1;
    }
}

//! Messages out of a stream (RFC 6587): octet counting and line feeds, told apart at each message by its first byte.

use crate::fault;
use crate::limits::{FRAME_BYTES, SYSLOG_BYTES};
use base::{Fault, Result};
use memchr::memchr;

#[derive(Debug, Default)]
enum State {
    /// Before a message.
    #[default]
    Start,
    /// In a counted message: so many bytes are still to come, past the limit or not.
    Counted(usize),
    /// In a message that ends with a line feed.
    Line,
}

/// Takes a stream apart; holds at most one message.
#[derive(Debug, Default)]
pub struct Framer {
    state: State,
    /// The message so far, at most [`SYSLOG_BYTES`].
    message: Vec<u8>,
    /// Whether more of it came than was kept.
    is_cut: bool,
    /// Digits of a length so far.
    digits: Vec<u8>,
}

impl Framer {
    /// Adds bytes and gives each whole message, and whether it was cut, to `each`. After a fault the stream is of no
    /// use any more.
    pub fn feed(&mut self, bytes: &[u8], each: &mut dyn FnMut(&[u8], bool)) -> Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            match self.state {
                State::Start => self.start(&mut rest)?,
                State::Counted(left) => {
                    let here = left.min(rest.len());
                    self.keep(&rest[..here]);
                    rest = &rest[here..];
                    self.state = State::Counted(left - here);
                    if left == here {
                        self.end(each);
                    }
                }
                State::Line => {
                    let end = memchr(b'\n', rest);
                    self.keep(&rest[..end.unwrap_or(rest.len())]);
                    rest = end.map_or(&[], |end| &rest[end + 1..]);
                    if end.is_some() {
                        self.end(each);
                    }
                }
            }
        }
        Ok(())
    }

    /// The stream ended: a last message without its line feed is whole all the same.
    pub fn close(&mut self, each: &mut dyn FnMut(&[u8], bool)) {
        self.is_cut |= matches!(self.state, State::Counted(_));
        self.end(each);
    }

    fn start(&mut self, rest: &mut &[u8]) -> Result<()> {
        let byte = rest[0];
        match byte {
            b'0'..=b'9' => {
                self.digits.push(byte);
                *rest = &rest[1..];
                if self.digits.len() > 8 || self.digits[0] == b'0' {
                    return Err(self.broken());
                }
            }
            b' ' if !self.digits.is_empty() => {
                let length = self.digits.drain(..).fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0'));
                if length > FRAME_BYTES {
                    let fault = Fault::new(&fault::FRAME).expected(format!("at most {FRAME_BYTES} bytes"));
                    return Err(fault.found(format!("a message of {length} bytes")));
                }
                *rest = &rest[1..];
                self.state = State::Counted(length);
            }
            _ if !self.digits.is_empty() => return Err(self.broken()),
            // Line feeds and NULs between messages.
            b'\n' | b'\r' | 0 => *rest = &rest[1..],
            _ => self.state = State::Line,
        }
        Ok(())
    }

    fn broken(&mut self) -> Fault {
        let found = String::from_utf8_lossy(&std::mem::take(&mut self.digits)).into_owned();
        Fault::new(&fault::FRAME).expected("a length and a space").found(found)
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = SYSLOG_BYTES - self.message.len();
        self.message.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.is_cut |= bytes.len() > room;
    }

    fn end(&mut self, each: &mut dyn FnMut(&[u8], bool)) {
        let message = self.message.trim_ascii_end();
        if !message.is_empty() {
            each(message, self.is_cut);
        }
        self.message.clear();
        (self.state, self.is_cut) = (State::Start, false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(pieces: &[&[u8]]) -> Result<Vec<(String, bool)>> {
        let mut framer = Framer::default();
        let mut messages = Vec::new();
        let mut each = |message: &[u8], cut: bool| messages.push((String::from_utf8_lossy(message).into_owned(), cut));
        pieces.iter().try_for_each(|piece| framer.feed(piece, &mut each))?;
        framer.close(&mut each);
        Ok(messages)
    }

    #[test]
    fn both_framings_may_mix() {
        let messages = read(&[b"<1>a\n5 <2>b\n", b"<3>c\r\n\n4 <4>d<5>e"]).unwrap();
        let texts: Vec<&str> = messages.iter().map(|(text, _)| text.as_str()).collect();
        assert_eq!(texts, ["<1>a", "<2>b", "<3>c", "<4>d", "<5>e"]);
    }

    #[test]
    fn long_messages_are_cut_and_broken_lengths_are_faults() {
        let long = vec![b'x'; SYSLOG_BYTES + 5];
        let counted = [format!("{} ", long.len()).as_bytes(), &long, b"4 <1>a"].concat();
        let lines = [&long[..], b"\n<1>a\n"].concat();
        for bytes in [counted, lines] {
            let messages = read(&[&bytes]).unwrap();
            assert_eq!((messages[0].0.len(), messages[0].1), (SYSLOG_BYTES, true));
            assert_eq!(messages[1], ("<1>a".to_owned(), false));
        }
        for broken in ["12x", "0 <1>a", "123456789 x", "99999999 x"] {
            assert!(read(&[broken.as_bytes()]).unwrap_err().is(&fault::FRAME), "{broken}");
        }
        assert_eq!(read(&[b"9 <1>a"]).unwrap(), [("<1>a".to_owned(), true)]);
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(
            messages in proptest::collection::vec(("<[a-z]{1,20}", any::<bool>()), 0..8),
            cut in 1_usize..9,
        ) {
            let mut bytes = Vec::new();
            for (text, counted) in &messages {
                if *counted {
                    bytes.extend(format!("{} {text}", text.len()).into_bytes());
                } else {
                    bytes.extend(format!("{text}\n").into_bytes());
                }
            }
            let pieces: Vec<&[u8]> = bytes.chunks(cut).collect();
            let expected: Vec<(String, bool)> = messages.into_iter().map(|(text, _)| (text, false)).collect();
            prop_assert_eq!(read(&pieces).unwrap(), expected);
        }

        #[test]
        fn hostile_streams_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), cut in 1_usize..9) {
            let pieces: Vec<&[u8]> = bytes.chunks(cut).collect();
            let _ = read(&pieces);
        }
    }
}

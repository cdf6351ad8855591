//! HTML5's tokenizer (https://html.spec.whatwg.org/multipage/parsing.html, section 13.2.5), with what old browsers took.

use memchr::{memchr, memmem};

/// Where on a page the value is taken to stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Text between tags.
    Data,
    /// An attribute's value without quotes.
    Bare,
    /// Inside these quotes: `'`, `"` or a backtick.
    Quoted(u8),
}

/// What a piece of HTML is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    /// `<name`
    TagOpen,
    /// `>`
    TagEnd,
    /// `/>`
    TagSelfClose,
    /// `</name>`
    TagClose,
    AttributeName,
    AttributeValue,
    Comment,
    Doctype,
}

/// A piece: kind, and where it starts and ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    pub kind: Kind,
    pub start: usize,
    pub end: usize,
}

#[derive(Debug, Clone, Copy)]
enum State {
    End,
    Data,
    TagOpen,
    TagEnd,
    SelfClosing,
    BeforeName,
    AfterName,
    BeforeValue,
    Quoted(u8),
    AfterQuoted,
}

/// Reads a value piece by piece.
pub(super) struct Html<'v> {
    value: &'v [u8],
    at: usize,
    state: State,
    /// Behind `</`.
    closing: bool,
}

impl<'v> Html<'v> {
    pub fn new(value: &'v [u8], place: Place) -> Html<'v> {
        let state = match place {
            Place::Data => State::Data,
            Place::Bare => State::BeforeName,
            Place::Quoted(quote) => State::Quoted(quote),
        };
        Html { value, at: 0, state, closing: false }
    }

    /// The next piece, if there is one.
    pub fn piece(&mut self) -> Option<Piece> {
        match self.state {
            State::End => None,
            State::Data => self.data(),
            State::TagOpen => self.tag_open(),
            State::TagEnd => self.tag_end(),
            State::SelfClosing => self.self_closing(),
            State::BeforeName => self.before_name(),
            State::AfterName => self.after_name(),
            State::BeforeValue => self.before_value(),
            State::Quoted(quote) => self.quoted(quote),
            State::AfterQuoted => self.after_quoted(),
        }
    }

    fn byte(&self) -> Option<u8> {
        self.value.get(self.at).copied()
    }

    /// A piece from where reading stands to `end`; reading goes on at `next` in `state`.
    fn give(&mut self, kind: Kind, end: usize, next: usize, state: State) -> Option<Piece> {
        let piece = Piece { kind, start: self.at, end };
        self.at = next;
        self.state = state;
        Some(piece)
    }

    /// The rest of the value.
    fn give_rest(&mut self, kind: Kind) -> Option<Piece> {
        let end = self.value.len();
        self.give(kind, end, end, State::End)
    }

    fn find(&self, byte: u8) -> Option<usize> {
        memchr(byte, &self.value[self.at..]).map(|length| self.at + length)
    }

    fn data(&mut self) -> Option<Piece> {
        let Some(open) = self.find(b'<') else {
            return self.give_rest(Kind::Text).filter(|piece| piece.start < piece.end);
        };
        if open > self.at {
            return self.give(Kind::Text, open, open + 1, State::TagOpen);
        }
        self.at = open + 1;
        self.tag_open()
    }

    fn tag_open(&mut self) -> Option<Piece> {
        match self.byte()? {
            b'!' => {
                self.at += 1;
                self.declaration()
            }
            b'/' => {
                self.at += 1;
                self.closing = true;
                self.end_tag_open()
            }
            b'?' => {
                self.at += 1;
                self.bogus_comment()
            }
            // Internet Explorer up to 9 and Safari before 4 took <% … %> for a comment.
            b'%' => {
                self.at += 1;
                self.comment_until(b"%>")
            }
            byte if byte.is_ascii_alphabetic() || byte == 0 => self.tag_name(),
            _ => {
                let piece = Piece { kind: Kind::Text, start: self.at - 1, end: self.at };
                self.state = State::Data;
                Some(piece)
            }
        }
    }

    fn end_tag_open(&mut self) -> Option<Piece> {
        match self.byte()? {
            b'>' => self.data(),
            byte if byte.is_ascii_alphabetic() => self.tag_name(),
            _ => {
                self.closing = false;
                self.bogus_comment()
            }
        }
    }

    fn tag_name(&mut self) -> Option<Piece> {
        let rest = &self.value[self.at..];
        // Browsers once passed over NUL in a name, so that it ends none.
        let Some(length) = rest.iter().position(|byte| *byte != 0 && (is_white(*byte) || matches!(byte, b'/' | b'>')))
        else {
            return self.give_rest(Kind::TagOpen);
        };
        let end = self.at + length;
        match self.value[end] {
            b'/' => self.give(Kind::TagOpen, end, end + 1, State::SelfClosing),
            b'>' if self.closing => {
                self.closing = false;
                self.give(Kind::TagClose, end, end + 1, State::Data)
            }
            b'>' => self.give(Kind::TagOpen, end, end, State::TagEnd),
            _ => self.give(Kind::TagOpen, end, end + 1, State::BeforeName),
        }
    }

    /// At the `>` of a tag.
    fn tag_end(&mut self) -> Option<Piece> {
        self.closing = false;
        let next = self.at + 1;
        let state = if next < self.value.len() { State::Data } else { State::End };
        self.give(Kind::TagEnd, next, next, state)
    }

    /// Behind a `/` inside a tag. A row of slashes goes round here, not deeper.
    fn self_closing(&mut self) -> Option<Piece> {
        if self.byte()? == b'>' {
            let piece = Piece { kind: Kind::TagSelfClose, start: self.at - 1, end: self.at + 1 };
            self.at += 1;
            self.state = State::Data;
            return Some(piece);
        }
        self.before_name()
    }

    fn before_name(&mut self) -> Option<Piece> {
        loop {
            match self.skip_white()? {
                b'/' => {
                    self.at += 1;
                    if self.byte()? == b'>' {
                        return self.self_closing();
                    }
                }
                b'>' => {
                    let end = self.at + 1;
                    return self.give(Kind::TagEnd, end, end, State::Data);
                }
                _ => return self.attribute_name(),
            }
        }
    }

    fn attribute_name(&mut self) -> Option<Piece> {
        let from = self.at + 1;
        let rest = self.value.get(from..).unwrap_or_default();
        let Some(length) = rest.iter().position(|byte| is_white(*byte) || matches!(byte, b'/' | b'=' | b'>')) else {
            return self.give_rest(Kind::AttributeName);
        };
        let end = from + length;
        match self.value[end] {
            b'/' => self.give(Kind::AttributeName, end, end + 1, State::SelfClosing),
            b'=' => self.give(Kind::AttributeName, end, end + 1, State::BeforeValue),
            b'>' => self.give(Kind::AttributeName, end, end, State::TagEnd),
            _ => self.give(Kind::AttributeName, end, end + 1, State::AfterName),
        }
    }

    fn after_name(&mut self) -> Option<Piece> {
        match self.skip_white()? {
            b'/' => {
                self.at += 1;
                self.self_closing()
            }
            b'=' => {
                self.at += 1;
                self.before_value()
            }
            b'>' => self.tag_end(),
            _ => self.attribute_name(),
        }
    }

    fn before_value(&mut self) -> Option<Piece> {
        match self.skip_white()? {
            // The backtick was Internet Explorer's.
            quote @ (b'"' | b'\'' | b'`') => self.quoted(quote),
            _ => self.bare_value(),
        }
    }

    fn quoted(&mut self, quote: u8) -> Option<Piece> {
        // At the very start the quote belongs to the page, not to the value.
        if self.at > 0 {
            self.at += 1;
        }
        match self.find(quote) {
            Some(end) => self.give(Kind::AttributeValue, end, end + 1, State::AfterQuoted),
            None => self.give_rest(Kind::AttributeValue),
        }
    }

    fn bare_value(&mut self) -> Option<Piece> {
        let rest = &self.value[self.at..];
        let Some(length) = rest.iter().position(|byte| is_white(*byte) || *byte == b'>') else {
            return self.give_rest(Kind::AttributeValue);
        };
        let end = self.at + length;
        if self.value[end] == b'>' {
            return self.give(Kind::AttributeValue, end, end, State::TagEnd);
        }
        self.give(Kind::AttributeValue, end, end + 1, State::BeforeName)
    }

    fn after_quoted(&mut self) -> Option<Piece> {
        match self.byte()? {
            b'/' => {
                self.at += 1;
                self.self_closing()
            }
            b'>' => {
                let end = self.at + 1;
                self.give(Kind::TagEnd, end, end, State::Data)
            }
            byte => {
                self.at += usize::from(is_white(byte));
                self.before_name()
            }
        }
    }

    /// Behind `<!`.
    fn declaration(&mut self) -> Option<Piece> {
        let rest = &self.value[self.at..];
        if rest.get(..7).is_some_and(|head| head.eq_ignore_ascii_case(b"DOCTYPE")) {
            return match self.find(b'>') {
                Some(end) => self.give(Kind::Doctype, end, end + 1, State::Data),
                None => self.give_rest(Kind::Doctype),
            };
        }
        if rest.starts_with(b"[CDATA[") {
            self.at += 7;
            return match memmem::find(&self.value[self.at..], b"]]>") {
                Some(length) => self.give(Kind::Text, self.at + length, self.at + length + 3, State::Data),
                None => self.give_rest(Kind::Text),
            };
        }
        if rest.starts_with(b"--") {
            self.at += 2;
            return self.comment();
        }
        self.bogus_comment()
    }

    /// Behind `<!--`: up to `-->` or `-!>`, where NULs may stand behind the first dash.
    fn comment(&mut self) -> Option<Piece> {
        let mut from = self.at;
        while let Some(dash) = memchr(b'-', &self.value[from..]).map(|length| from + length) {
            let nuls = self.value[dash + 1..].iter().take_while(|byte| **byte == 0).count();
            let mark = dash + 1 + nuls;
            let far = dash + 3 > self.value.len();
            match self.value.get(mark..mark + 2) {
                _ if far => break,
                Some([b'-' | b'!', b'>']) => return self.give(Kind::Comment, dash, mark + 2, State::Data),
                Some(_) => from = dash + 1,
                // One byte or none is left.
                None if matches!(self.value.get(mark), None | Some(b'-' | b'!')) => break,
                None => from = dash + 1,
            }
        }
        self.give_rest(Kind::Comment)
    }

    fn comment_until(&mut self, end: &[u8]) -> Option<Piece> {
        match memmem::find(&self.value[self.at..], end) {
            Some(length) => self.give(Kind::Comment, self.at + length, self.at + length + end.len(), State::Data),
            None => self.give_rest(Kind::Comment),
        }
    }

    fn bogus_comment(&mut self) -> Option<Piece> {
        self.comment_until(b">")
    }

    /// The next byte that is not white; NUL counts as white here.
    fn skip_white(&mut self) -> Option<u8> {
        let rest = self.value.get(self.at..)?;
        self.at += rest.iter().take_while(|byte| matches!(byte, 0 | b' ' | b'\t'..=b'\r')).count();
        self.byte()
    }
}

fn is_white(byte: u8) -> bool {
    matches!(byte, 0 | b' ' | b'\t'..=b'\r')
}

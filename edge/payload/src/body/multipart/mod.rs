//! `multipart/form-data` (RFC 7578), read strictly: what backends read differently raises a flag.
//!
//! Values are slices of the body from the blank line to the line break before the next boundary. A strict reader stops
//! at the first real fault; this one remembers the fault, keeps its flags as they are and goes on, so that what another
//! reader may find behind the fault is seen by the rules too.

mod boundary;
mod disposition;
mod flags;

use super::{Processor, Sink};
use disposition::{Disposition, disposition, token};
use flags::{Flag, Flags};
use memchr::memmem::Finder;
use seclang::Settings;
use std::borrow::Cow;

/// Longest line of a part's header, and how far into a line a boundary is looked for, bytes.
const LINE: usize = 4096;
/// Headers of one part: comparing their names costs their square.
const HEADERS: usize = 128;

/// The processor.
pub struct Multipart;

impl Processor for Multipart {
    fn name(&self) -> &'static str {
        "MULTIPART"
    }

    fn parse(&self, body: &[u8], content_type: &[u8], settings: &Settings, sink: &mut dyn Sink) -> Result<(), String> {
        let mut flags = Flags::default();
        let found = boundary::boundary(content_type, &mut flags);
        let delimiter = match found {
            Ok(boundary) => [b"--", boundary].concat(),
            Err(reason) => {
                flags.stop(reason);
                guess(body).to_vec()
            }
        };
        let files = usize::try_from(settings.arguments_limit).unwrap_or(usize::MAX);
        if delimiter.len() > 2 {
            let mut form = Form::new(body, &delimiter, files, flags, sink);
            form.read();
            flags = form.flags;
        }
        flags.give(sink);
        flags.broken.map_or(Ok(()), Err)
    }
}

/// The delimiter of a form whose content type names none: its first line, if it looks like one.
fn guess(body: &[u8]) -> &[u8] {
    let line = &body[..memchr::memchr(b'\n', body).unwrap_or(0)];
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.starts_with(b"--") && line.len() <= LINE { line } else { b"" }
}

/// A part being read.
#[derive(Default)]
struct Part<'b> {
    /// Lines of its header, folded ones joined.
    headers: Vec<Cow<'b, [u8]>>,
    disposition: Disposition,
    /// Where its data begins; none while its header is read.
    data: Option<usize>,
}

struct Form<'b, 's> {
    body: &'b [u8],
    delimiter: &'b [u8],
    finder: Finder<'b>,
    flags: Flags,
    /// Files that are still taken.
    files: usize,
    boundaries: usize,
    part: Option<Part<'b>>,
    complete: bool,
    /// The sink takes no more.
    full: bool,
    sink: &'s mut dyn Sink,
}

impl<'b, 's> Form<'b, 's> {
    fn new(body: &'b [u8], delimiter: &'b [u8], files: usize, flags: Flags, sink: &'s mut dyn Sink) -> Self {
        let finder = Finder::new(delimiter);
        Form { body, delimiter, finder, flags, files, boundaries: 0, part: None, complete: false, full: false, sink }
    }

    fn read(&mut self) {
        let mut at = 0;
        while !self.complete && !self.full {
            let Some(length) = memchr::memchr(b'\n', &self.body[at..]) else { break };
            let end = at + length + 1;
            self.line(at, end);
            at = end;
        }
        let rest = &self.body[at..];
        if self.full {
            return;
        }
        if self.complete {
            if !rest.is_empty() {
                self.flags.raise(Flag::DataAfter);
            }
            return;
        }
        let last = rest.strip_prefix(self.delimiter) == Some(b"--");
        if last && self.boundaries > 0 {
            self.before(at);
            self.finish(at);
        } else if self.boundaries > 0 {
            self.flags.fault("the last boundary is missing");
            self.finish(self.body.len());
        } else if !self.body.is_empty() {
            self.flags.fault("no boundary in the body");
        }
    }

    /// One line with its line break.
    fn line(&mut self, start: usize, end: usize) {
        let line = &self.body[start..end];
        if line.starts_with(b"--") && line.len() > 3 {
            if let Some(rest) = line.strip_prefix(self.delimiter) {
                return self.boundary(rest, start);
            }
            self.lookalike(line);
        } else if self.finder.find(&line[..line.len().min(LINE)]).is_some() {
            self.flags.unmatched(1);
        }
        match &self.part {
            None => self.flags.raise(Flag::DataBefore),
            Some(part) if part.data.is_none() => self.header(line, end),
            Some(_) => {}
        }
    }

    fn boundary(&mut self, rest: &[u8], start: usize) {
        if self.boundaries > 0 {
            self.flags.unmatched(2);
        }
        self.before(start);
        let last = rest.starts_with(b"--");
        match if last { &rest[2..] } else { rest } {
            b"\r\n" => self.flags.raise(Flag::CrlfLine),
            b"\n" => self.flags.raise(Flag::LfLine),
            _ => self.flags.stop("something follows a boundary on its line"),
        }
        self.finish(start);
        self.boundaries += 1;
        self.complete = last;
        self.part = (!last).then(Part::default);
    }

    /// The line break before a boundary at `start` is a part of it.
    fn before(&mut self, start: usize) {
        let before = &self.body[..start];
        if before.ends_with(b"\n") && !before.ends_with(b"\r\n") {
            self.flags.raise(Flag::LfLine);
        }
    }

    /// A line that begins like a boundary and is not ours.
    fn lookalike(&mut self, line: &[u8]) {
        let boundary = &self.delimiter[2..];
        let rest = &line[2..];
        let shifted = rest.trim_ascii_start();
        if rest.strip_prefix(b"\"").is_some_and(|rest| rest.starts_with(boundary)) {
            self.flags.stop("a boundary is in quotes");
        } else if shifted.len() < rest.len() && shifted.starts_with(boundary) {
            self.flags.stop("white space before a boundary");
        } else {
            self.flags.unmatched(1);
        }
    }

    /// A line of a part's header; `end` is where the next one begins.
    fn header(&mut self, line: &'b [u8], end: usize) {
        if line.len() > LINE {
            return self.flags.stop("a line of a part's header is too long");
        }
        if line.contains(&0) {
            return self.flags.fault("a zero byte in a part's header");
        }
        self.flags.raise(if line.ends_with(b"\r\n") { Flag::CrlfLine } else { Flag::LfLine });
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let Some(part) = &mut self.part else { return };
        match text.first() {
            None => {
                part.data = Some(end);
                self.named();
            }
            Some(b' ' | b'\t' | 0x0b | 0x0c | b'\r') => self.fold(line, text),
            Some(_) => match new_header(text, &part.headers) {
                Ok(true) if part.headers.len() >= HEADERS => self.flags.stop("a part has too many headers"),
                Ok(true) => part.headers.push(Cow::Borrowed(text)),
                Ok(false) => {}
                Err(reason) => self.flags.fault(reason),
            },
        }
    }

    /// A continuation of the header before it.
    fn fold(&mut self, line: &[u8], text: &[u8]) {
        self.flags.raise(Flag::HeaderFolding);
        let blank = |byte: &&u8| byte.is_ascii_whitespace() || **byte == 0x0b;
        let lead = line.iter().take_while(blank);
        if lead.clone().any(|byte| !matches!(byte, b' ' | b'\t')) {
            self.flags.raise(Flag::InvalidHeaderFolding);
        }
        let rest = text.get(lead.count()..).unwrap_or_default();
        match self.part.as_mut().and_then(|part| part.headers.last_mut()) {
            Some(header) if header.len() + rest.len() > LINE => self.flags.stop("a folded header is too long"),
            Some(header) => {
                let header = header.to_mut();
                header.push(b' ');
                header.extend_from_slice(rest);
            }
            None => self.flags.fault("a part's header begins with a continuation"),
        }
    }

    /// At the end of a part's header: what is the part called?
    fn named(&mut self) {
        let Some(part) = &mut self.part else { return };
        let Some(value) = part.headers.iter().find_map(|header| value_of(header, b"Content-Disposition")) else {
            return self.flags.fault("a part has no Content-Disposition");
        };
        let read = disposition(value);
        if read.odd_quotes {
            self.flags.raise(Flag::InvalidQuoting);
        }
        if !read.name.is_empty() {
            self.sink.variable("MULTIPART_NAME", &read.name);
        }
        if !read.filename.is_empty() {
            self.sink.variable("MULTIPART_FILENAME", &read.filename);
        }
        // Crude readers look for the literal text.
        let hidden = !read.filename.is_empty() && memchr::memmem::find(value, b"filename=").is_none();
        let reason = match read.broken {
            Some(reason) => Some(reason),
            None if read.name.is_empty() => Some("a part has no name"),
            None => hidden.then_some("a part's file name is spelt so that some do not find it"),
        };
        part.disposition = read;
        if let Some(reason) = reason {
            self.flags.raise(Flag::InvalidPart);
            self.flags.stop(reason);
        }
    }

    /// Gives the part that ends before `end`.
    fn finish(&mut self, end: usize) {
        let Some(part) = self.part.take() else { return };
        let Disposition { name, filename, .. } = &part.disposition;
        let Some(start) = part.data.filter(|start| *start < end) else {
            self.flags.raise(Flag::InvalidPart);
            self.flags.stop("a part has no data");
            return self.give(&part, &[]);
        };
        if name.is_empty() && filename.is_empty() {
            self.flags.raise(Flag::InvalidPart);
        }
        let value = &self.body[start..end];
        let value = value.strip_suffix(b"\n").map_or(value, |value| value.strip_suffix(b"\r").unwrap_or(value));
        self.give(&part, value);
    }

    fn give(&mut self, part: &Part, value: &[u8]) {
        let Disposition { name, filename, .. } = &part.disposition;
        for header in &part.headers {
            self.sink.part_header(name, header);
        }
        if filename.is_empty() {
            let nothing = name.is_empty() && value.is_empty();
            if !nothing && !self.sink.argument(name, value) {
                self.flags.fault("more arguments than allowed");
                self.full = true;
            }
        } else if self.files == 0 {
            self.flags.raise(Flag::FileLimit);
            self.flags.fault("more files than allowed");
            self.full = true;
        } else {
            self.files -= 1;
            self.sink.file(name, filename, value);
        }
    }
}

/// Whether a line is a header that the part does not have yet; a repeated one is passed over.
fn new_header(line: &[u8], headers: &[Cow<[u8]>]) -> Result<bool, &'static str> {
    let colon = memchr::memchr(b':', line).ok_or("a line of a part's header has no colon")?;
    let name = &line[..colon];
    if name.is_empty() || !name.iter().all(|byte| token(*byte)) {
        return Err("a part's header has no proper name");
    }
    Ok(!headers.iter().any(|header| value_of(header, name).is_some()))
}

/// The value of a header line, if it is the one called `name`.
fn value_of<'h>(header: &'h [u8], name: &[u8]) -> Option<&'h [u8]> {
    let (found, value) = header.split_at_checked(name.len())?;
    let value = value.strip_prefix(b":").filter(|_| found.eq_ignore_ascii_case(name))?;
    let start = value.iter().position(|byte| !matches!(byte, b' ' | b'\t'));
    Some(&value[start.unwrap_or(value.len())..])
}

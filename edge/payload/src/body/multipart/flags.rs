//! What is wrong with a form, one flag a kind: the `MULTIPART_*` variables.

use crate::body::Sink;

/// One kind of fault that does not end reading by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flag {
    Error,
    DataBefore,
    DataAfter,
    BoundaryQuoted,
    BoundaryWhitespace,
    HeaderFolding,
    LfLine,
    CrlfLine,
    MissingSemicolon,
    InvalidQuoting,
    InvalidPart,
    InvalidHeaderFolding,
    FileLimit,
}

/// Flags that have a variable of their own.
const VARIABLES: &[(Flag, &str)] = &[
    (Flag::DataBefore, "MULTIPART_DATA_BEFORE"),
    (Flag::DataAfter, "MULTIPART_DATA_AFTER"),
    (Flag::BoundaryQuoted, "MULTIPART_BOUNDARY_QUOTED"),
    (Flag::BoundaryWhitespace, "MULTIPART_BOUNDARY_WHITESPACE"),
    (Flag::HeaderFolding, "MULTIPART_HEADER_FOLDING"),
    (Flag::LfLine, "MULTIPART_LF_LINE"),
    (Flag::MissingSemicolon, "MULTIPART_MISSING_SEMICOLON"),
    (Flag::InvalidQuoting, "MULTIPART_INVALID_QUOTING"),
    (Flag::InvalidPart, "MULTIPART_INVALID_PART"),
    (Flag::InvalidHeaderFolding, "MULTIPART_INVALID_HEADER_FOLDING"),
    (Flag::FileLimit, "MULTIPART_FILE_LIMIT_EXCEEDED"),
];

/// All flags of one form, and why it cannot be trusted.
#[derive(Default)]
pub(super) struct Flags {
    raised: u16,
    unmatched: u8,
    frozen: bool,
    /// The first reason why the form is broken.
    pub broken: Option<String>,
}

impl Flags {
    pub fn raise(&mut self, flag: Flag) {
        if !self.frozen {
            self.raised |= 1 << flag as u16;
        }
    }

    fn holds(&self, flag: Flag) -> bool {
        self.raised & 1 << flag as u16 != 0
    }

    /// 1: a line that looks like a boundary and is none; 2: the boundary was met again, as in every good form.
    pub fn unmatched(&mut self, value: u8) {
        if !self.frozen {
            self.unmatched = value;
        }
    }

    /// Remembers a fault that a reader may pass over.
    pub fn fault(&mut self, reason: &str) {
        self.broken.get_or_insert_with(|| reason.to_string());
    }

    /// Remembers a fault at which a strict reader stops: flags stay as they are from here on, what follows is still
    /// looked at.
    pub fn stop(&mut self, reason: &str) {
        self.raise(Flag::Error);
        self.fault(reason);
        self.frozen = true;
    }

    /// Writes every variable.
    pub fn give(&self, sink: &mut dyn Sink) {
        let mut variable = |name, on: bool| sink.variable(name, if on { b"1" } else { b"0" });
        for (flag, name) in VARIABLES {
            variable(name, self.holds(*flag));
        }
        variable("MULTIPART_CRLF_LF_LINES", self.holds(Flag::CrlfLine) && self.holds(Flag::LfLine));
        // CRLF lines are as they should be; every other flag makes the form suspect.
        variable("MULTIPART_STRICT_ERROR", self.raised & !(1 << Flag::CrlfLine as u16) != 0);
        sink.variable("MULTIPART_UNMATCHED_BOUNDARY", &[b'0' + self.unmatched]);
    }
}

//! `cmdLine`: a command line without what a shell would ignore.

use super::Transformation;

/// `t:cmdLine`: quotes, backslashes and carets go; runs of blanks, commas and semicolons become one blank, which goes
/// before `/` and `(`; ASCII letters become small.
pub struct CmdLine;

/// What is done with a byte.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Kept,
    Gone,
    Blank,
    /// Takes the blank before it away.
    Opening,
}

const KINDS: [Kind; 256] = {
    let mut kinds = [Kind::Kept; 256];
    let mut byte = 0;
    while byte < 256 {
        kinds[byte] = match byte as u8 {
            b'"' | b'\'' | b'\\' | b'^' => Kind::Gone,
            b' ' | b',' | b';' | b'\t' | b'\r' | b'\n' => Kind::Blank,
            b'/' | b'(' => Kind::Opening,
            _ => Kind::Kept,
        };
        byte += 1;
    }
    kinds
};

impl Transformation for CmdLine {
    fn name(&self) -> &'static str {
        "cmdline"
    }

    fn apply(&self, input: &[u8], out: &mut Vec<u8>) -> bool {
        let begin = out.len();
        out.resize(begin + input.len(), 0);
        let made = &mut out[begin..];
        // Where the next byte goes; one that does not count is written over. No branch a byte.
        let (mut at, mut blank) = (0, false);
        for &byte in input {
            let kind = KINDS[usize::from(byte)];
            at -= usize::from(blank & (kind == Kind::Opening));
            made[at] = if kind == Kind::Blank { b' ' } else { byte.to_ascii_lowercase() };
            at += usize::from((kind != Kind::Gone) & !(blank & (kind == Kind::Blank)));
            blank = (kind == Kind::Blank) | (blank & (kind == Kind::Gone));
        }
        out.truncate(begin + at);
        &out[begin..] != input
    }
}

//! `cmdLine`: a command line without what a shell would ignore.

use super::Transformation;

/// `t:cmdLine`: quotes, backslashes and carets go; runs of blanks, commas and semicolons become one blank, which goes
/// before `/` and `(`; ASCII letters become small.
pub struct CmdLine;

impl Transformation for CmdLine {
    fn name(&self) -> &'static str {
        "cmdline"
    }

    fn apply(&self, input: &[u8], out: &mut Vec<u8>) -> bool {
        out.reserve(input.len());
        let mut blank = false;
        for &byte in input {
            match byte {
                b'"' | b'\'' | b'\\' | b'^' => {}
                b' ' | b',' | b';' | b'\t' | b'\r' | b'\n' => {
                    if !std::mem::replace(&mut blank, true) {
                        out.push(b' ');
                    }
                }
                byte => {
                    if std::mem::take(&mut blank) && matches!(byte, b'/' | b'(') {
                        out.pop();
                    }
                    out.push(byte.to_ascii_lowercase());
                }
            }
        }
        out.as_slice() != input
    }
}

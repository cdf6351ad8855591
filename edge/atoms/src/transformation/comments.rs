//! `removeComments`, `replaceComments`, `removeCommentsChar`: comments of C, SQL, HTML and shells.

use super::Transformation;

/// `t:replaceComments`: each `/* … */` becomes one blank; one that is not ended, too.
pub struct ReplaceComments;

impl Transformation for ReplaceComments {
    fn name(&self) -> &'static str {
        "replacecomments"
    }

    fn apply(&self, input: &[u8], out: &mut Vec<u8>) -> bool {
        let mut rest = input;
        while let Some(start) = memchr::memmem::find(rest, b"/*") {
            out.extend_from_slice(&rest[..start]);
            out.push(b' ');
            let comment = &rest[start + 2..];
            rest = memchr::memmem::find(comment, b"*/").map_or(&[], |end| &comment[end + 2..]);
        }
        let changed = rest.len() != input.len();
        out.extend_from_slice(rest);
        changed
    }
}

/// `t:removeComments`: `/* … */` and `<!-- … -->` go, and all from `--` or `#`. As in libmodsecurity either end closes
/// either comment, and the byte behind a comment is always kept (a NUL when there is none).
pub struct RemoveComments;

impl Transformation for RemoveComments {
    fn name(&self) -> &'static str {
        "removecomments"
    }

    fn apply(&self, input: &[u8], out: &mut Vec<u8>) -> bool {
        let mut rest = input;
        while let Some(&byte) = rest.first() {
            let inside = match byte {
                b'/' if rest.starts_with(b"/*") => &rest[2..],
                b'<' if rest.starts_with(b"<!--") => &rest[4..],
                b'#' => return true,
                b'-' if rest.starts_with(b"--") => return true,
                byte => {
                    out.push(byte);
                    rest = &rest[1..];
                    continue;
                }
            };
            let Some(behind) = closed(inside) else {
                out.push(b' ');
                return true;
            };
            out.push(behind.first().copied().unwrap_or(0));
            rest = behind.get(1..).unwrap_or(&[]);
        }
        out.as_slice() != input
    }
}

/// What stands behind the end of a comment.
fn closed(inside: &[u8]) -> Option<&[u8]> {
    let end = |at: usize| match &inside[at..] {
        [b'*', b'/', rest @ ..] | [b'-', b'-', b'>', rest @ ..] => Some(rest),
        _ => None,
    };
    memchr::memchr2_iter(b'*', b'-', inside).find_map(end)
}

/// `t:removeCommentsChar`: the marks go (`/*`, `*/`, `<!--`, `-->`, `--`, `#`), what stands between them stays.
pub struct RemoveCommentsChar;

/// Marks, the longer before the shorter.
const MARKS: &[&[u8]] = &[b"/*", b"*/", b"<!--", b"-->", b"--", b"#"];

impl Transformation for RemoveCommentsChar {
    fn name(&self) -> &'static str {
        "removecommentschar"
    }

    fn apply(&self, input: &[u8], out: &mut Vec<u8>) -> bool {
        let mut rest = input;
        while let Some(&byte) = rest.first() {
            let begins = matches!(byte, b'/' | b'*' | b'<' | b'-' | b'#');
            match MARKS.iter().find(|mark| begins && rest.starts_with(mark)) {
                Some(mark) => rest = &rest[mark.len()..],
                None => {
                    out.push(byte);
                    rest = &rest[1..];
                }
            }
        }
        out.len() != input.len()
    }
}

//! How a script looks: what nobody writes by hand. Each measure adds to a finding and makes none alone.

use crate::entropy::entropy;

/// A line longer than this was made by a program.
const LINE: usize = 2000;
/// Letters of an encoded text that follow one another.
const RUN: usize = 400;
/// Escapes or single characters by number.
const ESCAPES: usize = 40;

/// A measure and what it adds.
pub type Measure = (&'static str, u32, String);

/// What is odd about a text.
pub fn measures(text: &[u8]) -> Vec<Measure> {
    let mut found = Vec::new();
    let run = longest_run(text);
    if run >= RUN {
        found.push(("encoded-text", 10, format!("{run} letters in a row")));
    }
    let escapes = memchr::memmem::find_iter(text, b"\\x").count()
        + memchr::memmem::find_iter(text, b"chr(").count()
        + memchr::memmem::find_iter(text, b"\\u00").count();
    if escapes >= ESCAPES {
        found.push(("escapes", 10, format!("{escapes} characters by number")));
    }
    let line = text.split(|byte| *byte == b'\n').max_by_key(|line| line.len()).unwrap_or_default();
    if line.len() >= LINE {
        let bits = entropy(line);
        if bits > 5.5 {
            found.push(("dense-line", 5, format!("{} bytes, {bits:.1} bits a byte", line.len())));
        }
    }
    // `@` before calls keeps their errors out of the log.
    let silent = memchr::memmem::find_iter(text, b"@").count() * 200 > text.len() && text.len() > 200;
    if silent {
        found.push(("silenced", 5, "errors are kept silent".into()));
    }
    found
}

fn longest_run(text: &[u8]) -> usize {
    let (mut longest, mut run) = (0, 0);
    for byte in text {
        run = if byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=') { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_has_none_and_packed_text_has() {
        assert!(measures(b"<?php echo 'hello'; // a page\n".repeat(100).as_slice()).is_empty());
        let packed = [b"eval(base64_decode('".as_slice(), &b"aGVsbG8gd29ybGQ".repeat(40), b"'))"].concat();
        assert_eq!(measures(&packed)[0].0, "encoded-text");
        assert_eq!(measures(&b"\\x41".repeat(50))[0].0, "escapes");
    }
}

//! Lines of a feed, bounded.

use super::{Meter, fault};
use base::{Fault, Result};
use std::io::BufRead;

/// What the input holds in front, without taking it.
pub(super) fn head(input: &mut dyn BufRead) -> Result<&[u8]> {
    input.fill_buf().map_err(broken)
}

pub(super) fn broken(error: std::io::Error) -> Fault {
    Fault::new(&fault::READ).because(error)
}

/// Calls `each` with every line: trimmed, not empty, without a byte order mark. A line that is too long or no UTF-8 is
/// counted as bad.
pub(super) fn each(
    input: &mut dyn BufRead,
    meter: &mut Meter<'_>,
    longest: usize,
    each: &mut dyn FnMut(&mut Meter<'_>, &str) -> Result<()>,
) -> Result<()> {
    let mut line = Vec::new();
    while let Some(whole) = next(input, meter, longest, &mut line)? {
        let bytes = line.trim_ascii();
        let bytes = if meter.number() == 0 { bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes) } else { bytes };
        meter.record()?;
        if !whole {
            let fault = Fault::new(&fault::RECORD).expected(format!("a line of at most {longest} bytes"));
            meter.bad(fault.found("a longer one"));
            continue;
        }
        match std::str::from_utf8(bytes) {
            Ok("") => meter.pass("empty"),
            Ok(text) => each(meter, text)?,
            Err(_) => meter.bad(Fault::new(&fault::RECORD).expected("UTF-8").found("other bytes")),
        }
    }
    Ok(())
}

/// Reads a line into `line`: `Some(true)` whole, `Some(false)` cut because it is too long, `None` at the end.
fn next(input: &mut dyn BufRead, meter: &mut Meter<'_>, longest: usize, line: &mut Vec<u8>) -> Result<Option<bool>> {
    line.clear();
    let (mut whole, mut any) = (true, false);
    loop {
        let chunk = match input.fill_buf() {
            Ok(chunk) => chunk,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(broken(error)),
        };
        if chunk.is_empty() {
            return Ok(any.then_some(whole));
        }
        any = true;
        let end = chunk.iter().position(|byte| *byte == b'\n');
        let part = &chunk[..end.unwrap_or(chunk.len())];
        let room = longest.saturating_sub(line.len());
        whole &= part.len() <= room;
        line.extend_from_slice(&part[..part.len().min(room)]);
        let taken = part.len() + usize::from(end.is_some());
        input.consume(taken);
        meter.read(taken);
        if end.is_some() {
            return Ok(Some(whole));
        }
    }
}

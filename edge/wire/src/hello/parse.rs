//! The fields of a ClientHello (RFC 8446 section 4.1.2 and 4.2, RFC 6066, RFC 7301, RFC 8422).

use super::{Hello, unfit};
use base::Result;

/// A view that only moves forward.
struct Cursor<'b>(&'b [u8]);

impl<'b> Cursor<'b> {
    fn take(&mut self, count: usize) -> Result<&'b [u8]> {
        let (now, later) = self.0.split_at_checked(count).ok_or_else(|| unfit("more bytes", "the end"))?;
        self.0 = later;
        Ok(now)
    }

    fn u8(&mut self) -> Result<usize> {
        Ok(usize::from(self.take(1)?[0]))
    }

    fn u16(&mut self) -> Result<u16> {
        let bytes = self.take(2)?;
        Ok(u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    /// What stands behind a length of one byte.
    fn short(&mut self) -> Result<&'b [u8]> {
        let length = self.u8()?;
        self.take(length)
    }

    /// What stands behind a length of two bytes.
    fn long(&mut self) -> Result<&'b [u8]> {
        let length = self.u16()?;
        self.take(usize::from(length))
    }
}

/// Reads the body of the message.
pub(super) fn hello(body: &[u8]) -> Result<Hello> {
    let mut cursor = Cursor(body);
    let mut hello = Hello { version: cursor.u16()?, ..Hello::default() };
    cursor.take(32)?; // random
    cursor.short()?; // legacy_session_id
    hello.ciphers = numbers(cursor.long()?)?;
    cursor.short()?; // legacy_compression_methods
    if cursor.0.is_empty() {
        return Ok(hello);
    }
    let mut extensions = Cursor(cursor.long()?);
    while !extensions.0.is_empty() {
        let kind = extensions.u16()?;
        let data = extensions.long()?;
        // A second one of a kind is against the standard; the first counts.
        if !hello.extensions.contains(&kind) {
            extension(&mut hello, kind, data)?;
        }
        hello.extensions.push(kind);
        if hello.extensions.len() > 256 {
            return Err(unfit("at most 256 extensions", "more"));
        }
    }
    Ok(hello)
}

fn extension(hello: &mut Hello, kind: u16, data: &[u8]) -> Result<()> {
    let mut cursor = Cursor(data);
    match kind {
        0 if !data.is_empty() => hello.name = server_name(cursor.long()?)?,
        10 => hello.groups = numbers(cursor.long()?)?,
        11 => hello.point_formats = cursor.short()?.to_vec(),
        13 => hello.signatures = numbers(cursor.long()?)?,
        16 => {
            let mut list = Cursor(cursor.long()?);
            while !list.0.is_empty() {
                hello.protocols.push(list.short()?.to_vec());
            }
        }
        43 => hello.versions = numbers(cursor.short()?)?,
        _ => {}
    }
    Ok(())
}

fn server_name(list: &[u8]) -> Result<Option<String>> {
    let mut list = Cursor(list);
    while !list.0.is_empty() {
        let kind = list.u8()?;
        let name = list.long()?;
        if kind == 0 {
            let plain = !name.is_empty() && name.iter().all(u8::is_ascii_graphic);
            return Ok(plain.then(|| String::from_utf8_lossy(name).to_ascii_lowercase()));
        }
    }
    Ok(None)
}

fn numbers(list: &[u8]) -> Result<Vec<u16>> {
    if !list.len().is_multiple_of(2) {
        return Err(unfit("a list of pairs of bytes", format!("{} bytes", list.len())));
    }
    Ok(list.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect())
}

//! Framing of our own files: begin, checksum, bounds.

use crate::fault;
use base::{Fault, Result};

/// A file that does not check.
pub(crate) fn corrupt(what: &'static str, why: &str) -> Fault {
    Fault::new(&fault::CORRUPT).object(what).found(why)
}

/// Takes so many bytes off the front.
pub(crate) fn take<'b>(bytes: &mut &'b [u8], count: usize, what: &'static str) -> Result<&'b [u8]> {
    bytes.split_off(..count).ok_or_else(|| corrupt(what, "it ends too early"))
}

/// Takes a number of four bytes off the front.
pub(crate) fn take_u32(bytes: &mut &[u8], what: &'static str) -> Result<u32> {
    let field = take(bytes, 4, what)?;
    Ok(u32::from_le_bytes([field[0], field[1], field[2], field[3]]))
}

/// Takes a number of eight bytes off the front.
pub(crate) fn take_u64(bytes: &mut &[u8], what: &'static str) -> Result<u64> {
    let low = take_u32(bytes, what)?;
    let high = take_u32(bytes, what)?;
    Ok(u64::from(high) << 32 | u64::from(low))
}

/// Opens a message: its begin, and the CRC-32C behind it of all that follows.
pub(crate) fn open<'b>(mut bytes: &'b [u8], magic: &[u8; 8], what: &'static str) -> Result<&'b [u8]> {
    let begin = take(&mut bytes, magic.len(), what)?;
    if begin != magic {
        let fault = Fault::new(&fault::VERSION).object(what).expected(magic.escape_ascii());
        return Err(fault.found(begin.escape_ascii()));
    }
    let checksum = take_u32(&mut bytes, what)?;
    if crc32c::crc32c(bytes) != checksum {
        return Err(corrupt(what, "the checksum differs"));
    }
    Ok(bytes)
}

/// Closes a message that was begun with [`begin`].
pub(crate) fn close(message: &mut [u8]) {
    if let Some((head, body)) = message.split_at_mut_checked(12) {
        head[8..].copy_from_slice(&crc32c::crc32c(body).to_le_bytes());
    }
}

/// Begins a message; room for the checksum is left.
pub(crate) fn begin(magic: &[u8; 8]) -> Vec<u8> {
    let mut message = magic.to_vec();
    message.extend_from_slice(&[0; 4]);
    message
}

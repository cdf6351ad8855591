//! SHA-256 of a file's content.

use ring::digest::{Context, SHA256};
use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result};
use std::path::Path;

/// Of everything that can be read, at most `limit` bytes; more is an error.
pub(crate) fn of(from: &mut dyn Read, limit: u64) -> Result<[u8; 32]> {
    let mut context = Context::new(&SHA256);
    let mut buffer = vec![0; 64 * 1024];
    let mut bytes = 0u64;
    loop {
        match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => {
                bytes += count as u64;
                if bytes > limit {
                    return Err(Error::new(ErrorKind::FileTooLarge, format!("more than {limit} bytes")));
                }
                context.update(&buffer[..count]);
            }
            Err(cause) if cause.kind() == ErrorKind::Interrupted => {}
            Err(cause) => return Err(cause),
        }
    }
    let mut digest = [0; 32];
    digest.copy_from_slice(context.finish().as_ref());
    Ok(digest)
}

/// Of a file.
pub(crate) fn of_file(path: &Path, limit: u64) -> Result<[u8; 32]> {
    of(&mut File::open(path)?, limit)
}

/// Of bytes, hexadecimal.
pub(crate) fn hex_of(bytes: &[u8]) -> String {
    hex::encode(ring::digest::digest(&SHA256, bytes))
}

//! The TLS ClientHello, taken from the first bytes of a connection before the TLS library gets them: the name asked for,
//! the protocols offered, and the fingerprints JA4 and JA3.
//!
//! The hello may come in any number of pieces and be cut into several records (RFC 8446 section 5.1). What is fed is looked at
//! once; nothing is decrypted, so nothing here is a promise of the client.

mod fingerprint;
mod parse;
#[cfg(test)]
mod tests;

use base::{Fault, Result};

/// Largest handshake message taken as a hello, bytes. Post-quantum key shares and encrypted hellos stay below 4 KiB.
const HELLO_BYTES: usize = 16 * 1024;
/// Most records a hello may be cut into.
const RECORDS: usize = 64;
/// Largest record, bytes (RFC 8446 section 5.1).
const RECORD_BYTES: usize = 16 * 1024;
/// Content type of a handshake record, and message type of a ClientHello.
const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;

/// What a client says first. Numbers are those of the IANA registries, in the order of sending, GREASE (RFC 8701) included.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hello {
    /// `legacy_version`.
    pub version: u16,
    /// Cipher suites.
    pub ciphers: Vec<u16>,
    /// Types of the extensions.
    pub extensions: Vec<u16>,
    /// `supported_versions`.
    pub versions: Vec<u16>,
    /// `supported_groups`.
    pub groups: Vec<u16>,
    /// `ec_point_formats`.
    pub point_formats: Vec<u8>,
    /// `signature_algorithms`.
    pub signatures: Vec<u16>,
    /// `application_layer_protocol_negotiation`.
    pub protocols: Vec<Vec<u8>>,
    /// The first `host_name` of `server_name`, in lower case, if it is ASCII.
    pub name: Option<String>,
}

/// Puts the hello together from what arrives.
#[derive(Debug, Default)]
pub struct Reader {
    /// Header of the record that arrives.
    header: Vec<u8>,
    /// Bytes left of the record.
    left: usize,
    records: usize,
    /// The handshake message.
    message: Vec<u8>,
}

impl Reader {
    /// A reader at the beginning of a connection.
    pub fn new() -> Reader {
        Reader::default()
    }

    /// Whether bytes may begin a TLS connection: a handshake record of some version 3.x.
    pub fn may_be_tls(first: &[u8]) -> bool {
        matches!(first, [HANDSHAKE] | [HANDSHAKE, 3] | [HANDSHAKE, 3, ..])
    }

    /// Looks at the next bytes; the hello when it is there. Faults with [`crate::fault::HELLO`] when it is none.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Option<Hello>> {
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.left == 0 {
                let (now, later) = rest.split_at(rest.len().min(5 - self.header.len()));
                self.header.extend_from_slice(now);
                rest = later;
                if self.header.len() == 5 {
                    self.left = self.record()?;
                    self.header.clear();
                }
                continue;
            }
            let (now, later) = rest.split_at(rest.len().min(self.left));
            self.left -= now.len();
            rest = later;
            self.message.extend_from_slice(now);
            if let Some(end) = self.end()?
                && self.message.len() >= end
            {
                return parse::hello(&self.message[4..end]).map(Some);
            }
        }
        Ok(None)
    }

    /// Checks the header of a record; the length of its content.
    fn record(&mut self) -> Result<usize> {
        self.records += 1;
        let length = usize::from(self.header[3]) << 8 | usize::from(self.header[4]);
        if self.header[0] != HANDSHAKE || self.header[1] != 3 {
            return Err(unfit("a handshake record", "another record"));
        }
        if length == 0 || length > RECORD_BYTES || self.records > RECORDS {
            return Err(unfit(format!("at most {RECORDS} records of 1 to {RECORD_BYTES} bytes"), "others"));
        }
        Ok(length)
    }

    /// Where the message ends, once its header is there.
    fn end(&self) -> Result<Option<usize>> {
        let [kind, high, middle, low, ..] = self.message[..] else { return Ok(None) };
        let length = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
        if kind != CLIENT_HELLO || length > HELLO_BYTES {
            return Err(unfit(format!("a ClientHello of at most {HELLO_BYTES} bytes"), "another message"));
        }
        Ok(Some(length + 4))
    }
}

fn unfit(expected: impl std::fmt::Display, found: impl std::fmt::Display) -> Fault {
    Fault::new(&crate::fault::HELLO).expected(expected).found(found)
}

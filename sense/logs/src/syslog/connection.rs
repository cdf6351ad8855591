//! One connection of a sender, plain or TLS.

use super::frame::Framer;
use crate::limits::{HANDSHAKE_S, STREAM_BYTES};
use base::Micros;
use rustls::{ServerConfig, ServerConnection};
use std::io::{ErrorKind, Read};
use std::net::{IpAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

const SECOND: Micros = 1_000_000;

/// A connection.
pub struct Connection {
    stream: TcpStream,
    tls: Option<Box<ServerConnection>>,
    framer: Framer,
    /// Who sends.
    pub peer: IpAddr,
    /// That address as text, for events.
    pub origin: String,
    /// Its listener.
    pub listener: usize,
    opened_at: Micros,
    heard_at: Micros,
}

/// How a turn of reading ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It stays open.
    Open,
    /// The sender closed it.
    Closed,
    /// It is of no use any more: a broken framing, handshake or stream.
    Broken,
}

impl Connection {
    /// A connection that was accepted; `None` where it cannot be set up.
    pub fn new(
        stream: TcpStream,
        config: Option<&Arc<ServerConfig>>,
        peer: IpAddr,
        listener: usize,
        now: Micros,
    ) -> Option<Connection> {
        stream.set_nonblocking(true).ok()?;
        let tls = match config {
            Some(config) => Some(Box::new(ServerConnection::new(config.clone()).ok()?)),
            None => None,
        };
        let origin = peer.to_string();
        let framer = Framer::default();
        Some(Connection { stream, tls, framer, peer, origin, listener, opened_at: now, heard_at: now })
    }

    /// What to wait on.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }

    /// Whether it has said nothing for too long.
    pub fn is_idle(&self, idle_s: u32, now: Micros) -> bool {
        let shaking = self.tls.as_ref().is_some_and(|tls| tls.is_handshaking());
        now - self.heard_at > i64::from(idle_s) * SECOND || (shaking && now - self.opened_at > HANDSHAKE_S * SECOND)
    }

    /// Reads what there is, up to a bound, and gives each message to `each`.
    pub fn read(&mut self, buffer: &mut [u8], now: Micros, each: &mut dyn FnMut(&[u8], bool)) -> Turn {
        let mut total = 0;
        while total < STREAM_BYTES {
            let count = match self.some(buffer) {
                Ok(0) => {
                    self.framer.close(each);
                    return Turn::Closed;
                }
                Ok(count) => count,
                Err(cause) if cause.kind() == ErrorKind::WouldBlock => return Turn::Open,
                Err(cause) if cause.kind() == ErrorKind::Interrupted => continue,
                Err(_) => {
                    // What came before is whole all the same.
                    self.framer.close(each);
                    return Turn::Broken;
                }
            };
            self.heard_at = now;
            total += count;
            if let Err(fault) = self.framer.feed(&buffer[..count], each) {
                tracing::debug!(peer = self.origin, fault = fault.inside(), "syslog");
                return Turn::Broken;
            }
        }
        Turn::Open
    }

    /// Some bytes of the sender; 0 at the end.
    fn some(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let Some(tls) = &mut self.tls else { return self.stream.read(buffer) };
        loop {
            match tls.reader().read(buffer) {
                Err(cause) if cause.kind() == ErrorKind::WouldBlock => {}
                // A sender that closes without saying so in TLS: the stream is over all the same.
                Err(cause) if cause.kind() == ErrorKind::UnexpectedEof => return Ok(0),
                read => return read,
            }
            let count = tls.read_tls(&mut self.stream)?;
            let state = tls.process_new_packets();
            while tls.wants_write() {
                // A handshake fits the socket's buffer; if it does not, the next turn goes on.
                if tls.write_tls(&mut self.stream).is_err() {
                    break;
                }
            }
            state.map_err(|cause| std::io::Error::new(ErrorKind::InvalidData, cause))?;
            if count == 0 {
                return Ok(0);
            }
        }
    }
}

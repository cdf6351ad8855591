//! Traffic that only ever reaches loopback.

use std::io::{ErrorKind, Result};
use std::net::{TcpStream, UdpSocket};

/// Sends one DNS query (RFC 1035 §4.1) for a name under `.onion`, which no resolver should ever be asked (RFC 7686).
pub fn dns_query() -> Result<()> {
    let mut query = vec![0x47, 0x52, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in ["garrisondrill", "onion"] {
        query.push(label.len() as u8);
        query.extend_from_slice(label.as_bytes());
    }
    query.extend_from_slice(&[0, 0, 1, 0, 1]);
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.send_to(&query, "127.0.0.1:53").map(|_| ())
}

/// Connects to a port that shells are often bound to. Nobody listens there: the attempt is what counts.
pub fn odd_port() -> Result<()> {
    match TcpStream::connect("127.0.0.1:4444") {
        Err(cause) if cause.kind() == ErrorKind::ConnectionRefused => Ok(()),
        other => other.map(|_| ()),
    }
}

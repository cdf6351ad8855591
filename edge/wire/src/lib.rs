//! What goes over the wire before HTTP is HTTP: framing, fingerprints, and who is at the other end.
//!
//! - [`framing`]: a guard over the raw bytes of HTTP/1 that refuses what two parsers could read differently.
//! - [`hello`]: the TLS ClientHello: name, protocols, JA4 and JA3.
//!
//! What it is not: a parser of requests or a TLS library; hyper and rustls are those. It opens no socket: bytes come from
//! outside, in whatever pieces they arrive.
//!
//! Invariants
//! - The verdict does not depend on how the bytes were cut into pieces.
//! - Each byte is looked at a bounded number of times; what is kept has a limit.
//! - Arbitrary bytes give a refusal or a named fault, never a panic.
//!
//! ```
//! let mut guard = wire::framing::Guard::new(wire::framing::Limits::default());
//! assert!(guard.feed(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").is_ok());
//! let refusal = guard.feed(b"GET / HTTP/1.1\nHost: a\r\n").unwrap_err();
//! assert_eq!(refusal.kind.name(), "bare-lf");
//! ```

pub mod fault;
pub mod framing;
pub mod hello;

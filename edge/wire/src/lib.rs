//! What goes over the wire before HTTP is HTTP: framing, fingerprints, and who is at the other end.
//!
//! - [`framing`]: a guard over the raw bytes of HTTP/1 that refuses what two parsers could read differently.
//! - [`answer`]: heads and bodies of the answers of HTTP/1, the other direction.
//! - [`hello`]: the TLS ClientHello: name, protocols, JA4 and JA3.
//! - [`h2`]: what an HTTP/2 client settles before its first request, as a fingerprint.
//! - [`order`]: a fingerprint from the names of header fields and their order.
//! - [`proxy`]: the PROXY protocol of a balancer in front.
//! - [`forwarded`]: the client behind proxies that we trust.
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

pub mod answer;
pub mod fault;
pub mod forwarded;
pub mod framing;
pub mod h2;
pub mod hello;
pub mod order;
pub mod proxy;

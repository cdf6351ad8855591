//! Names moved away from an address that is attacked or dead, and back again: probes, quorum, RFC 2136 updates.
//!
//! What it is not: a name server or a resolver.

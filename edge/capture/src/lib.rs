//! Recordings of packets, read as they come: pcap and pcapng, to the first bytes of each IP packet.
//!
//! - [`Reader`]: over anything that reads, of any length; [`Recorded`]: one IP packet of it; [`Counts`]: what was no packet.
//! - Formats: pcap (draft-ietf-opsawg-pcap) in both byte orders, micro- and nanoseconds; pcapng (draft-ietf-opsawg-pcapng).
//! - Link types: Ethernet with VLAN tags and PPPoE, raw IP, Linux cooked captures 1 and 2, BSD loopback.
//!
//! What it is not: a protocol analyser. It stops at the IP header; `ddos` reads what follows.
//!
//! Invariants
//! - Memory is bounded by the largest record that is kept whole, whatever lengths a file claims.
//! - A torn or contradicting file gives every packet before the tear, and says so in its counts; only what is no recording at
//!   all is a fault.
//!
//! ```
//! let file: Vec<u8> = Vec::new();
//! assert!(capture::Reader::new(file.as_slice()).is_err());
//! ```

mod bytes;
pub mod fault;
mod link;
mod pcap;
mod pcapng;
mod reader;

pub use reader::{Counts, HEADER_BYTES, Reader, Recorded};

//! TAXII 2.1 (OASIS, 2021): the pure parts of a client and of a server. Who calls them moves the bytes.

pub mod client;
mod filter;
pub mod server;

/// Media type of every message.
pub const MEDIA_TYPE: &str = "application/taxii+json;version=2.1";
/// When the first object of an answer was added.
pub const DATE_ADDED_FIRST: &str = "X-TAXII-Date-Added-First";
/// When the last object of an answer was added.
pub const DATE_ADDED_LAST: &str = "X-TAXII-Date-Added-Last";

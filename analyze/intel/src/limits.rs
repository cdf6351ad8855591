//! Limits on intelligence. Feeds come from outside: none may cost more than this to keep or to look up.

/// Longest value, bytes. The longest useful one is a URL; a longer line is data, not an indicator.
pub const VALUE_BYTES: usize = 2048;
/// Longest name, tag or identifier kept of a claim, bytes.
pub const NAME_BYTES: usize = 256;
/// Longest description kept of a claim, bytes.
pub const DESCRIPTION_BYTES: usize = 1024;
/// Most tags, and most names of each sort, kept of a claim.
pub const CLAIM_NAMES: usize = 32;
/// Most claims kept of an indicator: a value that everybody lists gains nothing from the next list.
pub const CLAIMS: usize = 64;
/// Shortest IPv4 range, bits. A wider one names a part of the world, and a feed with `0.0.0.0/0` would alert on everything.
pub const RANGE_BITS_V4: u8 = 8;
/// Shortest IPv6 range, bits: a registry's allocation.
pub const RANGE_BITS_V6: u8 = 16;

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
/// Most names of each sort that a row of the index shows; the store has all.
pub const INDEX_NAMES: usize = 32;
/// Most different names in an index. A feed that gives every line its own tag would fill the memory with tags.
pub const INDEX_TEXTS: usize = 1 << 20;
/// Most different profiles in an index: their numbers have three bytes.
pub const INDEX_PROFILES: usize = 1 << 24;
/// Most bytes of names, and of profiles, in an index.
pub const INDEX_NAME_BYTES: usize = 128 * 1024 * 1024;
/// Most rows of an index or keys of a filter: fifty million fit into a gigabyte.
pub const INDEX_ROWS: usize = 64 * 1024 * 1024;
/// Most ranges of an index or filter.
pub const INDEX_RANGES: usize = 4 * 1024 * 1024;
/// Most warning lists; MISP has 143.
pub const WARNING_LISTS: usize = 4096;
/// Most entries of all warning lists; with the lists of a million popular domains there are about four millions.
pub const WARNING_ENTRIES: usize = 16 * 1024 * 1024;
/// Most entries of lists of parts: they stand in one automaton.
pub const WARNING_PARTS: usize = 100_000;
/// Most expressions of warning lists; each may take a megabyte.
pub const WARNING_EXPRESSIONS: usize = 256;

//! Limits of the inventory; each stops a host, or somebody on it, from making the agent big or slow.

/// Largest file read, bytes: a dpkg status of 20,000 packages has some 25 MB.
pub const FILE_BYTES: u64 = 64 << 20;
/// Largest configuration, manifest or table of the kernel read, bytes.
pub const SMALL_BYTES: u64 = 1 << 20;
/// Bytes of a manifest whose first lines say name and version.
pub const HEAD_BYTES: u64 = 16 << 10;
/// Entries of a folder that are looked at.
pub const ENTRIES: usize = 20_000;
/// Assets of one kind.
pub const ASSETS: usize = 20_000;
/// Longest key, bytes; a longer one ends in its hash.
pub const KEY_BYTES: usize = 192;
/// Longest name, version or detail, bytes.
pub const TEXT_BYTES: usize = 512;
/// Open descriptors looked at to find whose a socket is.
pub const DESCRIPTORS: usize = 500_000;
/// Depth of nested `node_modules`.
pub const NESTED: usize = 3;
/// Largest answer of `rpm`, bytes.
pub const COMMAND_BYTES: u64 = 32 << 20;
/// Largest remembered inventory, bytes.
pub const STATE_BYTES: u64 = 128 << 20;
/// Changes handed over at once.
pub const BATCH: usize = 500;

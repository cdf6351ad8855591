//! Bounds of one transaction. What is beyond is not looked at and flagged in the verdict, never unbounded work.

/// Bytes of distinct strings a transaction may hold: values, transformed values, names.
pub const STRING_BYTES: usize = 64 << 20;
/// Values that one list of targets gives to a rule.
pub const VALUES: usize = 20_000;
/// Entries of one collection of the request, arguments aside (`SecArgumentsLimit`): headers, cookies, files.
pub const ENTRIES: usize = 2_000;
/// Names that rules may make at run time with macros in `setvar`, a transaction.
pub const MADE_NAMES: usize = 512;
/// Hits that are recorded.
pub const HITS: usize = 1_000;
/// Values that one rule may match in one evaluation; a rule that matches more has said enough.
pub const MATCHES: usize = 1_000;
/// Bytes of a text with macros: message, log data, value of a variable.
pub const TEXT_BYTES: usize = 16 << 10;
/// Bytes of a value shown in a hit.
pub const SHOWN_BYTES: usize = 1 << 10;
/// Tests built at run time for arguments with macros that an engine keeps.
pub const BUILT_TESTS: usize = 1_024;
/// Transactions whose memory an engine keeps for the next.
pub const POOL: usize = 64;
/// Strings that are remembered from one transaction to the next, with what was found out about them.
pub const KNOWN_STRINGS: usize = 2_048;
/// Bytes of these.
pub const KNOWN_BYTES: usize = 64 << 10;
/// Bytes above which a transaction's memory is not kept for the next.
pub const KEPT_BYTES: usize = 4 << 20;

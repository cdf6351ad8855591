//! Limits on what grows. Each says which attack or accident it stops.

/// Largest file of rules or data, bytes; a wrong path (a log, an image) is refused before it is read as rules.
pub const FILE_BYTES: usize = 4 * 1024 * 1024;
/// Most bytes of all files of one load; stops an include list that grows without end.
pub const LOAD_BYTES: usize = 128 * 1024 * 1024;
/// Most files of one load.
pub const FILES: usize = 4096;
/// Deepest `Include` within `Include`; stops a file that includes itself.
pub const INCLUDE_DEPTH: usize = 16;
/// Most directives of one load.
pub const DIRECTIVES: usize = 200_000;
/// Most links of one chain; a chain is walked link by link for every request.
pub const CHAIN_LINKS: usize = 64;
/// Most targets of one rule, after updates.
pub const TARGETS: usize = 4096;
/// Most actions of one rule, after updates.
pub const ACTIONS: usize = 4096;
/// Most rules removed, and targets and actions added, by all `SecRuleRemove*` and `SecRuleUpdate*` of a load; stops wide
/// ranges repeated many times.
pub const UPDATES: usize = 1_000_000;
/// Most faults told of one load; what follows is most often the same mistake.
pub const FAULTS: usize = 100;
/// Longest piece of a directive shown in a fault, characters.
pub const SHOWN: usize = 80;

//! Limits on what is read. A rule comes from outside: none may cost more than this to read or keep.

/// Largest document, bytes. The largest of the public Linux, web and cloud rules has 20 KiB.
pub const DOCUMENT_BYTES: usize = 256 * 1024;
/// Most documents of one source; more is a mistake (a log given as rules).
pub const DOCUMENTS: usize = 10_000;
/// Deepest nesting of a document. The tree is walked by recursion.
pub const DOCUMENT_DEPTH: usize = 16;
/// Most nodes of a document.
pub const DOCUMENT_NODES: usize = 50_000;
/// Longest condition, bytes.
pub const CONDITION_BYTES: usize = 8 * 1024;
/// Deepest nesting of a condition. It is parsed and run by recursion.
pub const CONDITION_DEPTH: usize = 48;
/// Most texts that one value may become (`windash` gives 5 for each dash, `expand` one for each value).
pub const EXPANSIONS: usize = 1024;
/// Most tests of a rule after expansion.
pub const TESTS: usize = 50_000;
/// Most rules that one filter names.
pub const FILTERED: usize = 1_000;

//! Limits on rules. A rule comes from outside: none may cost more than this to read, keep or run.

/// Largest document, bytes. The largest of the public Linux, web and cloud rules has 20 KiB.
pub(crate) const DOCUMENT_BYTES: usize = 256 * 1024;
/// Most documents of one source; more is a mistake (a log given as rules).
pub(crate) const DOCUMENTS: usize = 10_000;
/// Deepest nesting of a document. The tree is walked by recursion.
pub(crate) const DOCUMENT_DEPTH: usize = 16;
/// Most nodes of a document.
pub(crate) const DOCUMENT_NODES: usize = 50_000;
/// Longest condition, bytes.
pub(crate) const CONDITION_BYTES: usize = 8 * 1024;
/// Deepest nesting of a condition. It is parsed and run by recursion.
pub(crate) const CONDITION_DEPTH: usize = 48;
/// Most texts that one value may become (`windash` gives 5 for each dash, `expand` one for each value).
pub(crate) const EXPANSIONS: usize = 1024;
/// Most tests of a rule after expansion.
pub(crate) const TESTS: usize = 50_000;
/// Dearest program of a rule, in looks at a bit: a condition that names one long list again and again would otherwise
/// walk it as often for every event.
pub(crate) const COST: u32 = 250_000;
/// Most rules of an engine.
pub(crate) const RULES: usize = 50_000;
/// Most filters of an engine; each is held against every rule.
pub(crate) const FILTERS: usize = 2_000;
/// Most rules that one filter names.
pub(crate) const FILTERED: usize = 1_000;
/// Most correlation rules of an engine.
pub(crate) const CORRELATIONS: usize = 10_000;
/// Most words of decoders and programs that the rules of an engine name; each has its own compiled rules.
pub(crate) const LOG_WORDS: usize = 512;
/// Longest value shown of a field that matched, bytes.
pub(crate) const SHOWN_BYTES: usize = 1024;

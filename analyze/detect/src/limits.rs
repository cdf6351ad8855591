//! Limits on rules as they run; those on reading them are in `sigma`.

/// Dearest program of a rule, in looks at a bit: a condition that names one long list again and again would otherwise
/// walk it as often for every event.
pub(crate) const COST: u32 = 250_000;
/// Most rules of an engine.
pub(crate) const RULES: usize = 50_000;
/// Most filters of an engine; each is held against every rule.
pub(crate) const FILTERS: usize = 2_000;
/// Most correlation rules of an engine.
pub(crate) const CORRELATIONS: usize = 10_000;
/// Most words of decoders and programs that the rules of an engine name; each has its own compiled rules.
pub(crate) const LOG_WORDS: usize = 512;
/// Longest value shown of a field that matched, bytes.
pub(crate) const SHOWN_BYTES: usize = 1024;

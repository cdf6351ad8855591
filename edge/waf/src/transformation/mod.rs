//! Transformations: what is done to a value before a rule looks at it. One file an item.

/// One transformation.
pub trait Transformation: Sync {
    /// Canonical name, lower case, without `t:`.
    fn name(&self) -> &'static str;

    /// Writes the transformed value into `out`, which is empty, and returns true; or returns false, when the value
    /// would stay as it is (`out` may then hold anything). Bytes in, bytes out; never longer than the input by more
    /// than a fixed factor.
    fn apply(&self, input: &[u8], out: &mut Vec<u8>) -> bool;
}

/// Every transformation.
pub const ALL: &[&dyn Transformation] = &[];

/// Other spellings: (alias, name).
pub const ALIASES: &[(&str, &str)] = &[];

//! Operators: the test of a rule. One file an item.

use base::Result;

/// One kind of operator.
pub trait Operator: Sync {
    /// Canonical name, lower case, without `@`.
    fn name(&self) -> &'static str;

    /// Makes the test for an argument. Called once a rule at load, or at run time when the argument holds macros.
    ///
    /// # Errors
    /// When the argument is not one of this operator.
    fn build(&self, argument: &[u8], data: &[Vec<u8>]) -> Result<Box<dyn Matcher>>;
}

/// An operator with its argument.
pub trait Matcher: Send + Sync {
    /// Whether it holds of the value. With `captures`, on a match what groups took is put there (group 0 first).
    fn holds(&self, value: &[u8], captures: Option<&mut Captures>) -> bool;

    /// What any value it holds of must contain: lets the engine pass by values without running the test.
    fn guard(&self) -> Guard {
        Guard::default()
    }
}

/// What groups took, group 0 first; at most ten.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Captures(pub Vec<Vec<u8>>);

/// What a value must contain, else the operator cannot hold. All that are given must be met.
#[derive(Debug, Clone, Default)]
pub struct Guard {
    /// At least one of these stands in it, ASCII case aside.
    pub literals: Option<Vec<Vec<u8>>>,
    /// One of `literals` standing in it (ASCII case aside) is not only needed but enough.
    pub exact: bool,
    /// At least one byte of this set is in it.
    pub bytes: Option<Box<[bool; 256]>>,
    /// Shortest value, bytes.
    pub length: usize,
}

/// Every operator.
pub const ALL: &[&dyn Operator] = &[];

//! Operators: the test of a rule. A file for each family.
//!
//! All hold of the values that libmodsecurity 3.0.15 finds, with the differences that their docstrings name.

mod absent;
mod constant;
mod contains_word;
mod detect;
mod ip_match;
mod literal;
mod number;
mod pm;
pub mod rx;
mod validate_byte_range;
mod validate_encoding;
mod verify;
mod within;

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

    /// How its regular expression runs, if it is one.
    fn dialect(&self) -> Option<rx::Dialect> {
        None
    }

    /// How many values it gave up on, at the limit of backtracking, and said that it does not hold.
    fn gave_up(&self) -> u64 {
        0
    }
}

/// What groups took, group 0 first; `None` for a group that took no part.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Captures(pub Vec<Option<Vec<u8>>>);

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
pub const ALL: &[&dyn Operator] = &[
    &literal::Literal::BEGINS,
    &literal::Literal::CONTAINS,
    &contains_word::ContainsWord,
    &detect::DetectSqli,
    &detect::DetectXss,
    &literal::Literal::ENDS,
    &number::Number::EQ,
    &absent::Absent::FUZZY_HASH,
    &number::Number::GE,
    &absent::Absent::GEO_LOOKUP,
    &absent::Absent::GSB_LOOKUP,
    &number::Number::GT,
    &absent::Absent::INSPECT_FILE,
    &ip_match::IpMatch::LIST,
    &ip_match::IpMatch::FILE,
    &number::Number::LE,
    &number::Number::LT,
    &constant::Constant::NEVER,
    &pm::Phrases::LIST,
    &pm::Phrases::FILE,
    &absent::Absent::RBL,
    &absent::Absent::RSUB,
    &rx::Rx::FIRST,
    &rx::Rx::GLOBAL,
    &literal::Literal::EQUAL,
    &literal::Literal::MATCH,
    &constant::Constant::ALWAYS,
    &validate_byte_range::ValidateByteRange,
    &absent::Absent::VALIDATE_DTD,
    &absent::Absent::VALIDATE_HASH,
    &absent::Absent::VALIDATE_SCHEMA,
    &validate_encoding::ValidateUrlEncoding,
    &validate_encoding::ValidateUtf8Encoding,
    &verify::Verify::CARD,
    &verify::Verify::CPF,
    &verify::Verify::SSN,
    &verify::Verify::SVNR,
    &within::Within,
];

/// Other spellings: (alias, name).
pub const ALIASES: &[(&str, &str)] = &[("ipmatchf", "ipmatchfromfile"), ("pmf", "pmfromfile")];

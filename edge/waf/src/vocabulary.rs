//! The names that rules may use.

use crate::{operator, transformation, variable};
use seclang::Vocabulary;
use std::sync::OnceLock;

/// Names of all operators, transformations and variables of this engine, for [`seclang::load`].
pub fn vocabulary() -> Vocabulary<'static> {
    static OPERATORS: OnceLock<Vec<&'static str>> = OnceLock::new();
    static TRANSFORMATIONS: OnceLock<Vec<&'static str>> = OnceLock::new();
    Vocabulary {
        operators: OPERATORS.get_or_init(|| operator::ALL.iter().map(|operator| operator.name()).collect()),
        transformations: TRANSFORMATIONS.get_or_init(|| transformation::ALL.iter().map(|known| known.name()).collect()),
        variables: &variable::NAMES,
        aliases: transformation::ALIASES,
    }
}

//! The atoms of firewall rules: what is done to a value, and how it is tested.
//!
//! - [`transformation`]: every transformation of ModSecurity, byte for byte as libmodsecurity has it.
//! - [`operator`]: every operator, with the [`operator::Guard`] that any value it holds of must meet.
//! - [`number`]: numbers as libmodsecurity reads them.
//!
//! What it is not: an engine. It knows one value at a time; rules, requests and phases are `waf`'s.
//!
//! Invariants
//! - Time is linear in the value; what cannot be linear has a limit of steps, and a value given up on is counted.
//! - A guard is sound: it never keeps an operator from a value that it holds of.

pub mod fault;
pub mod number;
pub mod operator;
pub mod transformation;

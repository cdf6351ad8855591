//! Drawing: records in, text out. No clock, no terminal, no network.

pub mod chain;
pub mod event;
pub mod incident;
pub mod lists;
pub mod rules;
pub mod status;
pub mod tree;

#[cfg(test)]
pub mod golden;

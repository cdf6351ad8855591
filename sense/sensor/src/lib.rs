//! sensor

pub mod fault;
pub mod raw;

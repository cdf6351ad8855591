//! The sensor against the running kernel.

#[path = "it/programs.rs"]
mod programs;

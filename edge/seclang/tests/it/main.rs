//! The rule language as a caller sees it.

mod crs;
mod disk;
mod hostile;
mod names;

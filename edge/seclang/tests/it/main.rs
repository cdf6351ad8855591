//! The rule language as a caller sees it.

mod cases;
mod crs;
mod disk;
mod hostile;
mod names;

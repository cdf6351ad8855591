//! Databases as their makers form them, files that are replaced, and bytes that are none.

mod files;
mod forms;
mod hostile;

//! The same demands on every implementation of a port, then what only files can show.

mod conformance;
mod files;
mod model;

//! Profiles as OpenAPI 3.1 documents (https://spec.openapis.org/oas/v3.1.0), written and read.
//!
//! What OpenAPI cannot say stands under `x-garrison`: of an operation how many requests it was learned from and where
//! nothing unknown may stand, of the document whether other paths may be asked for.

mod field;
mod read;
mod schema;
mod write;

pub use read::{Read, read};
pub use write::write;

/// Name of what OpenAPI cannot say.
const EXTENSION: &str = "x-garrison";
/// Of a document: whether a path that it does not have is no violation.
const UNKNOWN_PATHS: &str = "unknown-paths";
/// Marks a member of an object that may stand twice; JSON Schema has no word for that.
const REPEATED: &str = "x-garrison-repeated";

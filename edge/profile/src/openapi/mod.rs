//! Profiles as OpenAPI 3.1 documents (https://spec.openapis.org/oas/v3.1.0), written and read.
//!
//! What OpenAPI cannot say stands under `x-garrison` of an operation: how many requests it was learned from and where
//! nothing unknown may stand.

mod field;
mod read;
mod schema;
mod write;

pub use read::{Read, read};
pub use write::write;

/// Name of what OpenAPI cannot say.
const EXTENSION: &str = "x-garrison";
/// Marks a member of an object that may stand twice; JSON Schema has no word for that.
const REPEATED: &str = "x-garrison-repeated";

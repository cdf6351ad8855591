//! What a request carries: bodies taken apart into arguments, and what hides inside values.
//!
//! - [`body`]: forms, multipart, JSON, XML and cookies, named as libmodsecurity names them, with its flags.
//! - [`decode`]: JSON in a value, base64, tokens, repeated encodings, GraphQL, protobuf, the Referer's query.
//!
//! What it is not: a judge. It hands names and values on; what they mean is said by rules (`waf`).
//!
//! Invariants
//! - Time is linear in the bytes, depth and number of what is handed on are bounded; hostile bytes end early, never in a panic.
//! - What can be read of a broken body is handed on, with the fault: whoever breaks a body hides nothing.

pub mod body;
pub mod decode;

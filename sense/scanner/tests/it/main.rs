//! The rules of `content/yara` against the cases beside them, hostile files, and the program itself over its socket.

#![allow(clippy::unwrap_used, reason = "helpers of tests stand outside test functions")]

mod cases;
mod corpus;
mod program;

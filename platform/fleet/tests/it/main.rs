//! Enrolment and link over loopback with real TLS.

#![allow(clippy::unwrap_used, reason = "tests")]

mod bench;
mod content;
mod enrolment;
mod link;
mod raw;

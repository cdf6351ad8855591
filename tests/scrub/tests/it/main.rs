//! The packet filter in network namespaces, with real packets and real connections.

#![expect(clippy::unwrap_used, reason = "helpers of tests: a failure is the test's")]

mod attach;
mod cookies;
mod crash;
mod ground;

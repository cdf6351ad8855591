//! The gateway on loopback: real sockets, real origins, clients that behave and clients that do not.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests stand outside test functions")]

mod bans;
mod client;
mod evasion;
mod flood;
mod forwarding;
mod http2;
mod judging;
mod origin;
mod reload;
mod rig;
mod slow;
mod smuggling;
mod tls;
mod websocket;

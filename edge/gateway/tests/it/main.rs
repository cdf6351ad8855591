//! The gateway on loopback: real sockets, real origins, clients that behave and clients that do not.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests stand outside test functions")]

mod answers;
mod bans;
mod client;
mod evasion;
mod flood;
mod forwarding;
mod http2;
mod interim;
mod judging;
mod learned;
mod origin;
mod origin_tls;
mod reload;
mod rig;
mod slow;
mod smuggling;
mod tls;
mod websocket;

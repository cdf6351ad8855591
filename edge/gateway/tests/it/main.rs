//! The gateway on loopback: real sockets, real origins, clients that behave and clients that do not.

mod client;
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

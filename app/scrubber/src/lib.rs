//! The scrubber's controller: counters in, judgement each second, levels, signatures and diversions out, each as an order with a lease.
//!
//! What it is not: a filter, a detector or a speaker: `scrub`, `ddos`, `bgp` and `divert` are.
//!
//! - [`config`]: one YAML file. [`run`]: everything wired, until told to stop.
//! - [`control`]: one second, of what [`readings`] bring; [`link`]: whether it all has room. [`place`]: what is wanted of a destination against what stands for it. [`upstream`]: what routers
//!   are told. [`hands`] carry out [`orders`] by the actions of [`action`], over [`port::Packets`] (the kernel in service).
//! - [`report`]: what an attack was, with where its senders are announced from ([`origins`]) and what the server knows of them ([`known`]).
//! - [`reload`]: a new configuration while it runs.
//! - [`ask`] and [`listen`]: the local socket of the operator and the gateway. [`status`], [`capture`]: what is shown. [`tell`]: what
//!   the server hears.
//!
//! Invariants
//! - Whatever is changed in the filter, at a router or at a name server is an order: journalled, with a lease, read back, undone.
//! - Routers and name servers never hold up the second: the filter's lease is renewed whatever they do.
//! - What is wanted and what stands are compared every second; what was refused is tried again after a pause.
//! - Nothing stays attached: a stop detaches, and after a crash the watchdog does when the lease is over.

pub mod action;
pub mod ask;
pub mod board;
pub mod capture;
mod carpet;
pub mod claims;
pub mod config;
pub mod control;
pub mod fault;
pub mod hands;
pub mod kernel;
pub mod known;
pub mod link;
pub mod listen;
pub mod memory;
pub mod names;
pub mod orders;
pub mod origins;
pub mod outbox;
pub mod place;
pub mod port;
pub mod readings;
pub mod reload;
pub mod report;
pub mod run;
mod shown;
pub mod status;
mod steady;
pub mod tell;
pub mod upstream;

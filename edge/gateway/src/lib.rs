//! The data plane: a reverse proxy on hyper and rustls that guards sites.
//!
//! - [`Config`]: one YAML file, every fault with its place.
//! - [`Gateway`]: started with a configuration and [`Parts`]; reloaded without dropping a connection; stopped when requests
//!   at work have ended.
//! - [`Judge`]: the firewall of a site as the path sees it.
//! - [`Exchange`]: what is told of each request, to a [`Reporter`]; [`Status`]: counters and health at one moment.
//!
//! What it is not: a program. `app/gateway` compiles the rules, reads files, and sends what is reported to the server.
//!
//! A connection's walk: accepted, given to a worker, PROXY protocol, ClientHello and TLS, the framing guard, HTTP; a
//! request's: site, flood defence, firewall, origin, firewall, client.
//!
//! Invariants
//! - No request takes the process or another's connection down: a panic of the engine is caught, counted and, as the site
//!   says, passed or refused.
//! - Bytes that two parsers could read differently reach no parser: the guard stands before HTTP/1.
//! - What rules that act could not see of a request does not pass as clean: it is refused, but for what a site lets pass.
//! - A request is sent twice only if it is idempotent, has no body and got no answer, or if nothing of it was sent.
//! - Everything that clients can make grow has a limit; what is shed is counted.
//! - A reload that faults changes nothing.

mod address;
mod client_io;
mod config;
mod connection;
pub mod fault;
mod gateway;
mod judge;
mod live;
mod page;
mod proxy;
mod report;
mod rules;
mod shared;
mod stats;
mod tls;
mod upstream;
mod watch;
mod worker;

pub use config::{
    Act, Audit, AuditFiles, Balance, Ban, Bans, Beyond, Certificate, ClientHeader, Config, Fail, Health, Keep, Limits,
    Listener, Pool, PoolTls, Positive, Protocol, ProxyProtocol, Request, Response, Site, Timeouts, Waf,
};
pub use gateway::{Gateway, Parts, Status};
pub use judge::{Finding, Judge, Subject, Trial};
pub use live::Judges;
pub use report::{Captured, Channel, Exchange, Peer, Reporter, is_secret, unescaped};
pub use rules::{Rules, RulesBuilder};
pub use stats::{LATENCY_CLASSES, SiteStatus};
pub use upstream::OriginStatus;

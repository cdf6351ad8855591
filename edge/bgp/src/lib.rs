//! An announce-only BGP speaker: blackholes (RTBH) and FlowSpec rules told to routers upstream, and taken back.
//!
//! What it is not: a router. It learns no route and forwards nothing.

pub mod community;
mod family;
pub mod fault;
pub mod flow;
pub mod message;
mod prefix;
mod wire;

pub use community::{Action, Community};
pub use family::Family;
pub use flow::FlowRule;
pub use prefix::Prefix;

//! The fleet: how an agent becomes known to the server, and the link between them.
//!
//! [`Authority`] the server's certificate authority, tokens and list of agents · [`Token`] what an operator carries
//! to a host · [`enroll`] and [`Identity`] the agent's side · [`serve`] and [`Ingest`] the server's end of the
//! links · [`Uplink`] the agent's end · [`content`] what the server publishes to its agents · [`Oracle`] and
//! [`Questions`] what an agent asks its server · [`simulated`] many agents in one process, for figures.
//!
//! What it is not: storage. Frames wait in `bus::Spool` on the agent and go to an [`Ingest`] on the server.
//!
//! Invariants
//! - Every agent has its own key, made on its host, never sent. The certificate is the identity: what a frame says
//!   about its agent is checked against it.
//! - A token is good for its number of uses until it expires, lies hashed on the server and pins the CA: an agent
//!   tells its secret to no one but the holder of that CA.
//! - An acknowledgement is sent only after [`Ingest::accept`] said that the frame is durable, in order within a lane.
//! - The agent never has more bytes unacknowledged than the server granted; alerts go before telemetry wherever
//!   there is a choice.
//! - TLS 1.3 with ring only.

mod authority;
mod certificate;
pub mod content;
mod enroll;
pub mod fault;
mod https;
mod identity;
mod intake;
mod oracle;
mod questions;
mod received;
mod registry;
#[allow(missing_docs, clippy::all, reason = "generated")]
mod rpc {
    include!(concat!(env!("OUT_DIR"), "/garrison.fleet.v1.Fleet.rs"));
}
pub mod seat;
mod server;
mod session;
pub mod simulated;
mod status;
mod tls;
mod token;
mod uplink;
mod way;
pub mod wire;

pub use authority::{Authority, ServerIdentity};
pub use enroll::enroll;
pub use identity::Identity;
pub use oracle::Oracle;
pub use questions::Questions;
pub use received::Received;
pub use registry::Enrolled;
pub use server::{Ingest, Services, serve, serve_with};
pub use token::Token;
pub use uplink::{Setup, Uplink, UplinkStatus};
pub use way::addresses;

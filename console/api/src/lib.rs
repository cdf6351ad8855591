//! The HTTP API of the server: `/api/v1`, its accounts, sessions and tokens, and its OpenAPI document.
//!
//! It is not the server: what it orders, seals or reports goes through [`Control`], state through `port::Tables`,
//! questions about events through `port::Query`. It opens no socket and no file.
//!
//! Invariants
//! - Every route stands in [`access::ENDPOINTS`]; one that does not is refused, and a test names it.
//! - Every call that changes something is sealed in the ledger before its effect.
//! - Every failed response is problem details (RFC 9457) with a code of some crate's fault table.
//! - A secret is stored only as a hash and compared in constant time; text from outside reaches SQL only as a literal.
//!
//! ```ignore
//! let state = api::ApiState::new(control, tables, query, clock, random);
//! if let Some(first) = api::first_run(&*tables, &*random, &*clock).await? { print_once(first) }
//! serve(api::router(state)).await
//! ```

mod control;
pub mod fault;
pub mod tables;
pub mod view;

pub mod access;
pub mod account;
pub mod addresses;
mod caller;
mod extract;
mod gate;
pub mod intelligence;
mod limiter;
pub mod page;
pub mod password;
pub mod posture;
mod problem;
pub mod rules;
mod secret;
pub mod session;
mod state;
pub mod token;

mod chain_schema;
mod filter;
pub mod form;
mod order;
mod route;
mod router;
mod schema;
pub mod story;
pub mod web;

pub use access::{Role, Scope};
pub use account::{Credentials, first_run};
pub use addresses::Addresses;
pub use control::Control;
pub use extract::Remote;
pub use intelligence::Intelligence;
pub use posture::Posture;
pub use problem::{Failure, Problem};
pub use router::{document, router};
pub use rules::Rules;
pub use state::ApiState;
pub use view::{Draft, LedgerReport, Live, Status};
pub use web::Web;

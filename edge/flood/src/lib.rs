//! Flood defence of web sites: who is served when more ask than the origin can take.
//!
//! - [`Site`]: one site. Each request gets a [`Decision`]: go, wait, prove yourself, or come back later.
//! - [`Bans`]: addresses and networks that are not even asked.
//! - [`Gate`]: the same for many tasks at once, with permits that give themselves back.
//! - [`level`]: five levels, entered and left by measured load; [`load`]: the figures they are judged by.
//! - [`mix`]: the shape of an attack against quiet times; [`history`]: which clients are known good.
//! - [`bucket`], `concurrency`, `queue`: rates, the origin's limit, who goes next.
//! - [`challenge`]: proof of work, waiting without script, signed cookies.
//! - [`snapshot`]: what a site shows of itself.
//!
//! What it is not: a proxy or a packet filter. It knows no socket and no clock: requests are described to it, time (µs) and chance
//! come from outside. One lock is around a site; a decision takes about a microsecond.
//!
//! Invariants
//! - Memory is fixed by the settings, whoever asks and however often.
//! - Every table is keyed with a secret; pushing out never favours the newcomer over a client with history or debt.
//! - A level changes one step at a time, with a reason and its figures.
//! - What is admitted or woken is at the origin until [`Site::finish`]; none is added while its limit is reached.
//!
//! ```
//! use flood::{Decision, Request, Settings, Site};
//! let mut site = Site::new("shop", Settings::default(), 7, &[1; 32], 0);
//! let client = "192.0.2.1".parse().unwrap();
//! let request = Request { client, fingerprint: "t13d", binding: "", method: "GET", target: "/", cookie: None, navigates: true };
//! assert!(matches!(site.arrive(&request, 1), Decision::Admit(_)));
//! ```

pub mod ban;
pub mod bucket;
pub mod challenge;
mod concurrency;
pub mod fault;
mod gate;
pub mod history;
pub mod key;
pub mod level;
pub mod load;
pub mod mix;
mod prove;
mod queue;
mod settings;
mod site;
mod sketch;
pub mod snapshot;

pub use ban::{BanFigures, Banned, Bans};
pub use bucket::Rate;
pub use challenge::Keys;
pub use gate::{Entry, Gate, Permit, Waiting};
pub use history::Standing;
pub use level::{Change, Level};
pub use prove::Earned;
pub use settings::{Concurrency, Mode, Settings};
pub use site::{Decision, Outcome, Request, Site, Ticket};
pub use snapshot::{Attacker, Held, Snapshot};

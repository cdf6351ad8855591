//! Threat intelligence: indicators in one canonical form, looked up at the speed of memory.
//!
//! - [`Indicator`], [`Claim`]: what sources say of a value, each with confidence, marking and validity. [`canonical`] and
//!   [`guess`] give each value one spelling, [`Key`] a name of 64 bits.
//! - [`Index`]: all indicators at the server, an immutable image ([`Base`], built by a [`Builder`]) and the changes since.
//! - [`Filter`]: the same for agents and gateways, in eighteen bits a value; [`FilterDelta`] and [`Changes`] keep it live.
//! - [`Observer`]: which values an event shows.
//! - [`Judge`]: the [`Verdict`] on a hit, from [`decay`], warning lists ([`Warnings`]) and validity.
//!
//! What it is not: a store or a client. The application keeps indicators in its tables, fetches feeds and swaps the
//! index; this crate does no I/O and asks for neither time nor chance.
//!
//! Invariants
//! - A value has one canonical form, and its [`Key`] is the same on every machine and in every version.
//! - A filter never misses what is listed; an index finds what is listed and nothing else, but for two values with one
//!   key, so whoever acts on a hit compares the value.
//! - A hostile image, filter or change gives a fault before it is used; looking things up checks nothing again.
//! - A warning list never removes an indicator; it holds back, lowers or shows.
//! - Nothing leaves above the ceiling of its receiver.
//!
//! ```
//! use indicator::{Change, Claim, Facts, Index, Indicator, Judge, Kind};
//! let claim = Claim { source: "feed".into(), confidence: 90, ..Claim::default() };
//! let indicator = Indicator::guess("hxxp://evil[.]example/gate.php").unwrap().with(claim);
//! let facts = Facts::of(&indicator, 0).unwrap();
//! let mut index = Index::empty().unwrap();
//! index.apply(&[Change::Put { value: indicator.value.clone(), facts }]).unwrap();
//! let found = index.lookup(Kind::Url, "https://evil.example/gate.php").unwrap();
//! assert_eq!(Judge::default().verdict(&indicator.value, &found, &[], 0).score, 90);
//! ```

pub mod fault;
pub mod limits;

mod canonical;
mod indicator;
mod key;
mod tlp;

mod filter;
mod frame;
mod index;
mod observe;
mod ranges;

pub mod decay;
mod verdict;
mod warning;

pub use canonical::{canonical, guess};
pub use filter::{Changes, Filter, FilterBuilder, FilterDelta};
pub use index::{Base, Builder, Change, Facts, Found, Index, Shared};
pub use indicator::{Claim, Indicator, Kind, Sightings};
pub use key::Key;
pub use observe::{Observer, Seen, parents};
pub use ranges::{Range, Ranges};
pub use tlp::{Tlp, may_leave};
pub use verdict::{Hold, Judge, Note, Verdict};
pub use warning::{List, Policy, Warning, Warnings};

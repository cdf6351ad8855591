//! The positive model of a site: which paths, methods and parameters it has, and what their values look like.
//!
//! - [`Learner`]: watches good requests and keeps, within fixed bounds, what it saw and from how many sources.
//! - [`Profile`]: what the site is held to; learned, or read from an OpenAPI document, or both.
//! - [`Profile::judge`]: what of a request is not as the profile says; whether that is refused or only told is the
//!   caller's matter.
//!
//! What it is not: a filter of attacks. It knows nothing of SQL; it knows that `page` is a number below six digits.
//! No I/O, no clock: requests, answers and time come from outside.
//!
//! Invariants
//! - One source alone never widens what was learned: a path, a parameter, a character or a length counts only when
//!   [`Need::sources`] have shown it.
//! - Memory is bounded by [`Bounds`] whatever is sent; what found no room is counted, and what was counted is not refused.
//! - A profile written as OpenAPI 3.1 and read back judges every request alike.
//! - A violation says what was expected and the shape of what was found, never the value.
//!
//! ```
//! use profile::{Learner, Place, Request};
//! let mut learner = Learner::default();
//! for source in 0..40 {
//!     let page = source.to_string();
//!     let parameters = [(Place::Query, &b"page"[..], page.as_bytes())];
//!     let request = Request { method: b"GET", path: b"/shop/42", content_type: b"", parameters: &parameters, source };
//!     learner.learn(&request, 200, 0);
//! }
//! let profile = learner.profile();
//! let odd = [(Place::Query, &b"page"[..], &b"1' or 1=1"[..])];
//! let request = Request { method: b"GET", path: b"/shop/43", content_type: b"", parameters: &odd, source: 1 };
//! assert_eq!(profile.judge(&request)[0].kind.id(), "type");
//! ```

pub mod fault;
mod request;
mod value;

mod model;

mod learn;

mod judge;
mod violation;

mod openapi;

pub use learn::{Bounds, Learner, Left, Need};
pub use model::{Operation, Parameter, Path, Profile, Schema, Segment};
pub use openapi::{Read, read, write};
pub use request::{Place, Request, field_name};
pub use value::{Characters, Kind};
pub use violation::{Violation, ViolationKind};

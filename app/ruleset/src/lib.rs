//! The rules of an installation as one set: the built-in ones, those of its own, what is switched off, and exceptions.
//!
//! The server keeps a [`Set`] and publishes it as [`Set::texts`]; an agent reads these with [`Published::read`] and both
//! compile them with [`compile`], so that what the server has checked is what runs. It stores nothing, sends nothing and
//! asks for no time.
//!
//! An exception is a Sigma filter (specification 2.1), so that one engine judges rules and exceptions alike. Around it
//! stand, in [`MANIFEST`], what filters do not know: for which hosts and groups it is, and when it ends. An agent leaves
//! out what is not for it or is over, and [`Compiled::ends_us`] says when it must compile again.
//!
//! Invariants
//! - A set that was published by a server is taken whole or not at all: what runs is what its version says.
//! - A published rule takes the place of a built-in one with its id; an id that is off runs nowhere.
//! - The same set gives the same texts, and with them the same bytes.

mod builtin;
mod compile;
mod exception;
mod set;
mod texts;

pub use builtin::RULES;
pub use compile::{Compiled, Ground, PUBLISHED, compile};
pub use exception::{Exception, Field};
pub use set::{MANIFEST, Own, Published, Set, Who};
pub use texts::texts;

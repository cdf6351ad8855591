//! The handlers, one file an area.

pub(crate) mod alerts;
pub(crate) mod assets;
pub(crate) mod enrolments;
pub(crate) mod events;
pub(crate) mod health;
pub(crate) mod incidents;
pub(crate) mod intel;
pub(crate) mod ledger;
pub(crate) mod login;
pub(crate) mod orders;
pub(crate) mod pool;
pub(crate) mod rules;
pub(crate) mod scrubbers;
pub(crate) mod status;
pub(crate) mod stream;
pub(crate) mod taxii;
pub(crate) mod tokens;
pub(crate) mod users;
pub(crate) mod vulnerabilities;
pub(crate) mod web;

use crate::{Failure, fault};
use base::{Fault, Result};

/// What a handler answers.
pub(crate) type Reply<T> = std::result::Result<T, Failure>;
/// What a handler answers as JSON.
pub(crate) type Answer<T> = Reply<axum::Json<T>>;

/// Longest reason, characters: it goes into the ledger.
const REASON_CHARS: usize = 1000;

/// A fault when a reason is missing or too long.
pub(crate) fn check_reason(reason: &str) -> Result<()> {
    let length = reason.trim().chars().count();
    if length == 0 || length > REASON_CHARS {
        let fault = Fault::new(&fault::INVALID).object("reason");
        return Err(fault.expected(format!("1 to {REASON_CHARS} characters")).found(length));
    }
    Ok(())
}

//! Is this text SQL, or HTML, that somebody wants run? The tokenizing method of libinjection, written anew.
//!
//! - [`sqli::detect`]: reads the value as a piece of SQL in the places where an application may put it (bare, inside
//!   single quotes, inside double quotes), folds its tokens to five at most, and looks the fingerprint up.
//! - [`xss::detect`]: reads the value as HTML in the places where a page may put it, and looks for tags, attributes and
//!   schemes that run script.
//!
//! What it is not: it decodes nothing (transformations come before it) and gives no probability ([`sqli::read`] gives
//! the raw reading to those who do). The method and its tables are those of libinjection by Nick Galbreath and
//! contributors (BSD-3-Clause, `data/LICENSE-libinjection`), as libmodsecurity 3.0.15 carries them.
//!
//! Invariants
//! - Time is linear in the value, nothing is allocated, nothing panics.
//! - The answers are those of libmodsecurity 3.0.15, value by value (`tests/oracle.rs`), with one exception: there the
//!   byte 0xFF ends HTML, so that a script behind it goes unseen; here it does not.
//!
//! ```
//! assert_eq!(injection::sqli::detect(b"1' OR '1'='1").unwrap().as_bytes(), b"s&sos");
//! assert!(injection::sqli::detect(b"rock and roll").is_none());
//! assert!(injection::xss::detect(b"<img src=x onerror=alert(1)>"));
//! ```

pub mod sqli;
pub mod xss;

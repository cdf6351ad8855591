//! Tuning of web sites at the server: kept by site, changed by people or from an alert, published to gateways.
//!
//! - [`Web`]: the tuning of all sites; one writer at a time: checked, stored, offered.
//! - [`from_alert`]: the narrowest exclusions that would have let a request pass.
//!
//! What it is not: the language of tuning (`edge/seclang`) or the gateway that obeys it.
//!
//! Invariants
//! - Tuning that does not compile is never stored, and so never offered.
//! - What is on the shelf follows from the tables alone; a version is never used for other bytes.

mod desk;
mod from_alert;
mod store;
mod tuning;

pub use from_alert::from_alert;
pub use tuning::Web;

#[cfg(test)]
mod tests;

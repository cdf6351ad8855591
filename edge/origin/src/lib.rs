//! Where an address is announced from: autonomous system, its name, country, out of files of the MaxMind DB format 2.0.
//!
//! What it is not: a location service, and no ground for a verdict by itself. The files are the operator's: nothing is fetched.
//!
//! Several files are asked in their order; each part of an answer comes from the first that knows it, so that a file of
//! systems and one of countries complete each other. Field names of MaxMind, DB-IP, IPinfo, IPLocate and of what is made of
//! iptoasn are read ([`Database`]).
//!
//! Invariants
//! - A file that cannot be used is a named fault; the others answer, and the last good form of it does.
//! - Whatever a file says is bounded in length and holds no control character: it goes into reports.
//!
//! ```no_run
//! let mut origins = origin::Origins::new(&["/var/lib/garrison/asn.mmdb".into()]);
//! origins.refresh();
//! let set = origins.set();
//! println!("{:?}", set.lookup("192.0.2.7".parse().unwrap()));
//! ```

mod database;
pub mod fault;
mod field;
mod files;

pub use database::Database;
pub use files::{FILES, Origins, Set, State};

/// Where an address is announced from; what no file knows is 0 or empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// Number of the autonomous system.
    pub asn: u32,
    /// Its name.
    pub name: String,
    /// Country, ISO 3166-1 alpha-2.
    pub country: String,
}

impl Origin {
    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.asn == 0 && self.name.is_empty() && self.country.is_empty()
    }

    /// Takes over what it does not know itself.
    fn complete(&mut self, other: Origin) {
        // A name belongs to the number that it came with.
        if self.asn == 0 && (self.name.is_empty() || other.asn != 0) {
            (self.asn, self.name) = (other.asn, other.name);
        } else if self.name.is_empty() && self.asn == other.asn {
            self.name = other.name;
        }
        if self.country.is_empty() {
            self.country = other.country;
        }
    }
}

//! One database in memory.
//!
//! The file is read whole and not mapped: a mapped file that is overwritten in place would end the program by a signal.

use crate::field::Fields;
use crate::{Origin, fault};
use base::{Fault, Result};
use maxminddb::Reader;
use std::net::IpAddr;

/// A database that was read.
#[derive(Debug)]
pub struct Database {
    reader: Reader<Vec<u8>>,
}

impl Database {
    /// Reads a file's bytes. `name` stands for it in faults.
    ///
    /// # Errors
    /// [`fault::DATABASE`] when it is no MaxMind DB of version 2.
    pub fn read(bytes: Vec<u8>, name: &str) -> Result<Database> {
        let wrong = || Fault::new(&fault::DATABASE).object(name).expected("a MaxMind DB of version 2");
        let reader = Reader::from_source(bytes).map_err(|cause| wrong().found(cause))?;
        let version = reader.metadata().binary_format_major_version;
        if version != 2 {
            return Err(wrong().found(format!("version {version}")));
        }
        Ok(Database { reader })
    }

    /// What its maker calls it, as `GeoLite2-ASN`; at most 64 characters.
    pub fn kind(&self) -> String {
        self.reader.metadata().database_type.chars().filter(|letter| !letter.is_control()).take(64).collect()
    }

    /// When it was made, seconds since 1970.
    pub fn built_s(&self) -> u64 {
        self.reader.metadata().build_epoch
    }

    /// Where an address is announced from; `None` when it does not say, also where its bytes are damaged.
    pub fn lookup(&self, address: IpAddr) -> Option<Origin> {
        let found = self.reader.lookup(address.to_canonical()).ok()?;
        let Fields(origin) = found.decode::<Fields>().ok()??;
        (!origin.is_empty()).then_some(origin)
    }
}

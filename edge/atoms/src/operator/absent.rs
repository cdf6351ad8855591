//! Operators that need what this engine does not have: another host, a file of the server, a database, a shell. They are
//! known, so that rule sets load, and hold of nothing.

use super::{Captures, Matcher, Operator};
use base::Result;

/// An operator without its backend.
pub struct Absent(&'static str);

impl Absent {
    /// `@fuzzyHash`: similarity to known files (ssdeep).
    pub const FUZZY_HASH: Absent = Absent("fuzzyhash");
    /// `@geoLookup`: where an address is; the gateway knows no place, `GEO` stays empty.
    pub const GEO_LOOKUP: Absent = Absent("geolookup");
    /// `@gsbLookup`: a list of Google's; ModSecurity 3 does not have it either.
    pub const GSB_LOOKUP: Absent = Absent("gsblookup");
    /// `@inspectFile`: a program run on an upload; a judge of requests runs no program.
    pub const INSPECT_FILE: Absent = Absent("inspectfile");
    /// `@rbl`: a list asked over DNS; reputation comes from the indicators of the server instead.
    pub const RBL: Absent = Absent("rbl");
    /// `@rsub`: rewriting of bodies; ModSecurity 3 does not have it either.
    pub const RSUB: Absent = Absent("rsub");
    /// `@validateDTD`: an XML document against a DTD.
    pub const VALIDATE_DTD: Absent = Absent("validatedtd");
    /// `@validateHash`: links with a signature; ModSecurity 3 does not have it either.
    pub const VALIDATE_HASH: Absent = Absent("validatehash");
    /// `@validateSchema`: an XML document against a schema.
    pub const VALIDATE_SCHEMA: Absent = Absent("validateschema");
}

impl Operator for Absent {
    fn name(&self) -> &'static str {
        self.0
    }

    fn build(&self, _: &[u8], _: &[Vec<u8>]) -> Result<Box<dyn Matcher>> {
        Ok(Box::new(Never))
    }
}

struct Never;

impl Matcher for Never {
    fn holds(&self, _: &[u8], _: Option<&mut Captures>) -> bool {
        false
    }
}

//! Indicators out: one file an exporter, all behind the same gate.
//!
//! Who exports has already cut what its receiver may not see; the gate checks it again. Every value is written so that
//! the reader of the format cannot be made to read anything else than that value.

mod gate;
mod misp;
mod nft;
mod rpz;
pub mod stix;
mod suricata;
mod text;

pub use gate::{Count, Gate, Said, pass};

use crate::format::fault;
use crate::{Indicator, Kind, Tlp};
use base::{Fault, Result};
use std::collections::BTreeMap;

/// What a receiver gets.
#[derive(Debug, Clone)]
pub struct Profile {
    /// Title of the export, part of its ids.
    pub title: String,
    /// Who publishes it.
    pub producer: String,
    /// Nothing more secret leaves.
    pub ceiling: Tlp,
    /// Only these kinds; empty is every kind.
    pub kinds: Vec<Kind>,
    /// Only values that some source is at least this sure of, 0–100.
    pub min_confidence: u8,
    /// What is said beside the values.
    pub fields: Fields,
    /// The time now, µs since 1970; what has expired by then does not leave.
    pub now_us: i64,
    /// Origin of an RPZ zone, or name of an nftables table.
    pub place: String,
}

impl Default for Profile {
    fn default() -> Profile {
        Profile {
            title: "indicators".into(),
            producer: "Garrison".into(),
            ceiling: Tlp::Clear,
            kinds: Vec::new(),
            min_confidence: 0,
            fields: Fields::default(),
            now_us: 0,
            place: String::new(),
        }
    }
}

/// What is said beside the values. Values, confidence and marking always leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Fields {
    /// Tags.
    pub tags: bool,
    /// Actors and malware.
    pub names: bool,
    /// Descriptions.
    pub description: bool,
    /// Ids of the sources.
    pub sources: bool,
    /// In STIX: the observable itself beside its indicator.
    pub observables: bool,
}

impl Default for Fields {
    fn default() -> Fields {
        Fields { tags: true, names: true, description: true, sources: false, observables: false }
    }
}

/// Files that an export writes, in pieces, several at a time.
pub trait Files {
    /// Adds to a file. Names are ours: letters, digits, `-` and `.`.
    fn append(&mut self, name: &str, bytes: &[u8]) -> Result<()>;
}

impl Files for BTreeMap<String, Vec<u8>> {
    fn append(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        self.entry(name.to_string()).or_default().extend_from_slice(bytes);
        Ok(())
    }
}

/// Everything into one writer, for exports of one file.
pub struct One<W>(pub W);

impl<W: std::io::Write> Files for One<W> {
    fn append(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        self.0.write_all(bytes).map_err(|error| Fault::new(&fault::WRITE).object(name).because(error))
    }
}

/// A format that indicators leave in.
pub trait Export: Sync {
    /// Its word.
    fn name(&self) -> &'static str;

    /// Media type of its file, or of its main one.
    fn media_type(&self) -> &'static str;

    /// Fills the files with what comes out of the gate.
    ///
    /// # Errors
    /// Those of `files`.
    fn fill(&self, gate: &mut Gate<'_>, files: &mut dyn Files) -> Result<()>;

    /// Writes what may leave, and counts.
    ///
    /// # Errors
    /// Those of `files`.
    fn write(
        &self,
        items: &mut dyn Iterator<Item = Indicator>,
        profile: &Profile,
        files: &mut dyn Files,
    ) -> Result<Count> {
        let mut gate = Gate::new(profile, items);
        self.fill(&mut gate, files)?;
        Ok(gate.count())
    }
}

/// Every format.
pub const ALL: &[&dyn Export] =
    &[&stix::Stix, &misp::Misp, &suricata::Suricata, &rpz::Rpz, &nft::Nft, &text::Csv, &text::Zeek, &text::Plain];

/// The format of a word.
///
/// # Errors
/// `intel.format-unknown`.
pub fn named(name: &str) -> Result<&'static dyn Export> {
    let found = ALL.iter().copied().find(|export| export.name() == name);
    found.ok_or_else(|| Fault::new(&fault::UNKNOWN).object(name))
}

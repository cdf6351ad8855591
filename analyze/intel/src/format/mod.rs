//! Formats of indicators, in ([`ALL`]) and out ([`export`]), and the TAXII protocol ([`taxii`]).
//!
//! An import streams: memory does not grow with the feed (STIX and MISP hold back what relations may still say more
//! about, up to [`PENDING`]). A bad record is counted and the first ones are named; it never stops the import.
//! Unpacking (xz, gzip) is the caller's.

mod detect;
pub mod export;
pub mod fault;
mod json;
mod lines;
mod list;
mod maltrail;
mod meter;
pub mod misp;
mod record;
pub mod stix;
mod table;
pub mod taxii;
pub mod time;
pub mod uuid;

pub use detect::{ALL, Source, detect, named};
pub use meter::{Meter, Report};
pub use table::Columns;

use crate::{Claim, Indicator, Kind, Tlp};
use base::Result;
use std::io::BufRead;

/// Most records of one import; a feed beyond it is no feed of indicators.
pub const RECORDS: u64 = 10_000_000;
/// Longest line of a list or table, bytes; a longer one is skipped and counted.
pub const LINE_BYTES: usize = 64 * 1024;
/// Largest JSON object taken as a whole, bytes; a larger one is skipped and counted.
pub const OBJECT_BYTES: usize = 16 * 1024 * 1024;
/// Deepest nesting of a JSON object: reading one recurses.
pub const OBJECT_DEPTH: usize = 100;
/// Most indicators of one bundle or event held back until its relations are known.
pub const PENDING: usize = 200_000;
/// Most bytes held back for the same reason; whichever comes first.
pub const PENDING_BYTES: usize = 64 * 1024 * 1024;

/// What is true of a whole feed, where its records do not say otherwise.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Id of the source, written into every claim.
    pub source: String,
    /// Confidence of a record that names none, 0–100.
    pub confidence: u8,
    /// Marking of a record that names none.
    pub tlp: Tlp,
    /// Kind of every value of a list or table; `None` looks at each.
    pub kind: Option<Kind>,
    /// Where a table keeps what; `None` reads its header.
    pub columns: Option<Columns>,
    /// Tags of every record.
    pub tags: Vec<String>,
    /// Name of the malware that the whole feed is about, empty when it is about several.
    pub malware: String,
    /// The time now, µs since 1970: when a list without times was seen.
    pub now_us: i64,
}

impl Settings {
    /// The claim of a record that says nothing more.
    pub fn claim(&self) -> Claim {
        Claim {
            source: self.source.clone(),
            confidence: self.confidence.min(100),
            tlp: self.tlp,
            last_us: self.now_us,
            tags: self.tags.clone(),
            malware: if self.malware.is_empty() { Vec::new() } else { vec![self.malware.clone()] },
            ..Claim::default()
        }
    }
}

/// Where an import puts what it finds. A fault of any of these ends the import.
pub trait Sink {
    /// An indicator with one claim.
    fn indicator(&mut self, indicator: Indicator) -> Result<()>;

    /// An object of STIX as it was read, byte for byte: its id, its type, its text.
    fn object(&mut self, _id: &str, _kind: &str, _text: &str) -> Result<()> {
        Ok(())
    }

    /// The source withdraws the statement with this id.
    fn withdrawn(&mut self, _id: &str) -> Result<()> {
        Ok(())
    }

    /// How far it is: after every [`Meter::STEP`] records.
    fn progress(&mut self, _report: &Report) -> Result<()> {
        Ok(())
    }
}

/// Imports a feed. `format` is one of [`ALL`]; `None` looks at the first bytes.
///
/// Whatever happens there is a report; `report.fault` says why it ended early, and what came before it was taken.
pub fn import(
    input: &mut dyn BufRead,
    format: Option<&'static dyn Source>,
    settings: &Settings,
    sink: &mut dyn Sink,
) -> Report {
    let mut meter = Meter::new(settings, sink);
    let outcome = match format {
        Some(format) => Ok(format),
        None => lines::head(input).and_then(detect),
    };
    let outcome = outcome.and_then(|format| {
        meter.format(format.name());
        format.read(input, &mut meter)
    });
    meter.end(outcome)
}

//! The table of formats, and which one the first bytes show.

use super::{Meter, fault, list, maltrail, misp, record, stix, table};
use base::{Fault, Result};
use std::io::BufRead;

/// A format that indicators come in.
pub trait Source: Sync {
    /// Its word.
    fn name(&self) -> &'static str;

    /// How sure these first bytes are of this format, 0 (not at all) to 100.
    fn fits(&self, head: &Head<'_>) -> u8;

    /// Reads it to the end. A fault means that nothing more can be found in the input, or that the sink stopped it.
    fn read(&self, input: &mut dyn BufRead, meter: &mut Meter<'_>) -> Result<()>;
}

impl std::fmt::Debug for dyn Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Every format. Where two fit equally the earlier one reads it.
pub const ALL: &[&dyn Source] = &[
    &stix::Stix,
    &misp::Misp,
    &record::Json,
    &maltrail::Maltrail,
    &list::Ipsum,
    &list::Hosts,
    &list::Suricata,
    &table::Table,
    &list::Plain,
];

/// The first bytes of a feed.
pub struct Head<'h> {
    /// As text; bytes that are no UTF-8 end it.
    pub text: &'h str,
}

impl<'h> Head<'h> {
    fn of(bytes: &'h [u8]) -> Head<'h> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let bytes = bytes.get(..64 * 1024).unwrap_or(bytes);
        let end = std::str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len);
        Head { text: std::str::from_utf8(&bytes[..end]).unwrap_or_default().trim_start() }
    }

    /// Whether it is JSON as a whole or line by line.
    pub fn is_json(&self) -> bool {
        self.text.starts_with(['{', '['])
    }

    /// Lines that say something, at most 50; the last one may be cut.
    pub fn lines(&self) -> impl Iterator<Item = &'h str> {
        let lines = self.text.lines().map(str::trim).filter(|line| !line.is_empty() && !list::is_comment(line));
        lines.take(50)
    }

    /// The share of lines that `fits` holds for, 0–100; 0 without lines.
    pub fn share(&self, fits: impl Fn(&str) -> bool) -> u8 {
        let (mut all, mut good) = (0_usize, 0_usize);
        for line in self.lines() {
            all += 1;
            good += usize::from(fits(line));
        }
        (good * 100).checked_div(all).unwrap_or(0) as u8
    }
}

/// The format of a feed by its first bytes.
///
/// # Errors
/// `intel.format-unknown` when nothing fits.
pub fn detect(head: &[u8]) -> Result<&'static dyn Source> {
    let head = Head::of(head);
    let mut best: Option<(u8, &'static dyn Source)> = None;
    for source in ALL {
        let sure = source.fits(&head);
        if sure > best.map_or(0, |(most, _)| most) {
            best = Some((sure, *source));
        }
    }
    let shown: String = head.text.chars().take(40).collect();
    best.map(|(_, source)| source).ok_or_else(|| Fault::new(&fault::UNKNOWN).found(format!("`{shown}`")))
}

/// The format of a word.
///
/// # Errors
/// `intel.format-unknown` for any other word.
pub fn named(name: &str) -> Result<&'static dyn Source> {
    let found = ALL.iter().copied().find(|source| source.name() == name);
    found.ok_or_else(|| Fault::new(&fault::UNKNOWN).object(name))
}

//! Decoders: from the text of a record to named fields.
//!
//! One file a decoder, one line in [`ALL`]. A decoder works on `&str` by hand-written scanners, in linear time, and
//! takes what it can: a record that it cannot read is still an event, with its text alone, and is counted.

pub mod actiontrail;
pub mod apache;
pub mod app;
pub mod auditd;
pub mod clamav;
pub mod cloudtrail;
pub mod fields;
pub mod flatten;
pub mod json;
pub mod kubernetes;
pub mod nginx;
pub mod request;
pub mod squid;
pub mod syscall;
pub mod syslog;
pub mod vsftpd;

pub use fields::Fields;

use crate::zone::Zone;
use base::Micros;

/// What a decoder knows besides the text.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    /// Now, µs since the Unix epoch: for times without a year, and for records without a time.
    pub now: Micros,
    /// The host's time zone, for times without one.
    pub zone: &'a Zone,
    /// The source word that the input asks for; empty for the decoder's own. Generic JSON is told apart by it.
    pub word: &'a str,
}

/// One record as a decoder found it.
#[derive(Debug)]
pub struct Found<'l> {
    /// Source word.
    pub source: &'l str,
    /// Its time, where it has one.
    pub time_us: Option<Micros>,
    /// Host as the record names it, empty where it does not.
    pub host: &'l str,
    /// Its text: the line, or its part of a line that holds several records.
    pub text: &'l str,
    /// Its fields.
    pub fields: Fields,
}

impl<'l> Found<'l> {
    /// A record with its text alone.
    pub fn plain(source: &'l str, text: &'l str) -> Found<'l> {
        Found { source, time_us: None, host: "", text, fields: Fields::default() }
    }
}

/// A decoder of lines.
pub trait Decoder: Send + Sync {
    /// Its word in the configuration, and the source word of its records unless the record says more.
    fn word(&self) -> &'static str;
    /// What it reads, for the reference page, in English and Chinese.
    fn about(&self) -> (&'static str, &'static str);
    /// Reads a line and adds its records. `false` where the line, or a part of it, does not read: what was found until
    /// then is added all the same, and at least one record always is.
    fn decode<'l>(&self, line: &'l str, around: &Around<'l>, out: &mut Vec<Found<'l>>) -> bool;
    /// Whether a file that ends without a line feed may be whole all the same, by its last bytes.
    fn is_whole(&self, _end: &[u8]) -> bool {
        false
    }
}

/// Every decoder, in the order of the reference page.
pub const ALL: &[&dyn Decoder] = &[
    &syslog::Syslog,
    &nginx::Nginx,
    &apache::Apache,
    &squid::Squid,
    &auditd::Auditd,
    &kubernetes::Kubernetes,
    &cloudtrail::CloudTrail,
    &actiontrail::ActionTrail,
    &json::Json,
    &vsftpd::Vsftpd,
    &clamav::ClamAv,
];

/// The decoder of a word.
pub fn of(word: &str) -> Option<&'static dyn Decoder> {
    ALL.iter().copied().find(|decoder| decoder.word() == word)
}

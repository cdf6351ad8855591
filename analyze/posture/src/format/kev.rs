//! The catalogue of known exploited vulnerabilities of CISA (JSON, `vulnerabilities[].cveID`).

use super::{Format, Report, Sink};
use crate::advisory::cve;
use crate::fault;
use base::{Fault, Result};
use serde::Deserialize;
use serde_json::Value;
use std::io::{BufRead, Read};

/// KEV.
pub const FORMAT: Format = Format { word: "kev", fits, read };

/// Largest catalogue, bytes: that of 2026 has some 2 MB.
const BYTES: u64 = 64 << 20;

fn fits(head: &str) -> bool {
    head.contains("\"catalogVersion\"") || head.contains("\"cveID\"")
}

#[derive(Deserialize)]
struct Catalogue {
    vulnerabilities: Vec<Value>,
}

fn read(input: &mut dyn BufRead, report: &mut Report, sink: &mut dyn Sink) -> Result<()> {
    let broken = |cause: serde_json::Error| Fault::new(&fault::BROKEN).because(cause);
    let catalogue: Catalogue = serde_json::from_reader(input.take(BYTES)).map_err(broken)?;
    for (place, one) in catalogue.vulnerabilities.iter().enumerate() {
        report.count(sink);
        match one["cveID"].as_str().and_then(cve) {
            Some(id) => {
                report.taken += 1;
                sink.exploited(&id)?;
            }
            None => {
                report.spoiled(Fault::new(&fault::BAD_ENTRY).object(format!("entry {}", place + 1)).expected("a cveID"))
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::take;

    #[test]
    fn the_catalogue_reads() {
        let text =
            r#"{"title":"x","catalogVersion":"1","vulnerabilities":[{"cveID":"CVE-2021-44228"},{"cveID":"x"},7]}"#;
        let (kept, report, done) = take(text);
        done.unwrap();
        assert_eq!((kept.exploited, report.bad), (vec!["CVE-2021-44228".to_owned()], 2));
    }
}

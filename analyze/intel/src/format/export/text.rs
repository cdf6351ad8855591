//! Lines: CSV, Zeek's intelligence framework, plain values.

use super::{Export, Files, Gate, Said};
use crate::Kind;
use crate::format::time::rfc3339;
use base::Result;

/// CSV (RFC 4180) with a header, safe to open in a spreadsheet.
pub struct Csv;

const HEADER: &str =
    "kind,value,confidence,tlp,first_seen,last_seen,valid_until,tags,actors,malware,sources,description\r\n";

impl Export for Csv {
    fn name(&self) -> &'static str {
        "csv"
    }

    fn media_type(&self) -> &'static str {
        "text/csv"
    }

    fn fill(&self, gate: &mut Gate<'_>, files: &mut dyn Files) -> Result<()> {
        files.append("indicators.csv", HEADER.as_bytes())?;
        while let Some(said) = gate.next() {
            let until = if said.valid_until_us == 0 { String::new() } else { rfc3339(said.valid_until_us, 3) };
            let cells = [
                said.kind.word().to_string(),
                said.value,
                said.confidence.to_string(),
                said.tlp.word().to_string(),
                rfc3339(said.first_us, 3),
                rfc3339(said.last_us, 3),
                until,
                said.tags.join(";"),
                said.actors.join(";"),
                said.malware.join(";"),
                said.sources.join(";"),
                said.description,
            ];
            let line: Vec<String> = cells.iter().map(|text| cell(text)).collect();
            files.append("indicators.csv", format!("{}\r\n", line.join(",")).as_bytes())?;
        }
        Ok(())
    }
}

/// A cell: quoted where needed; one that a spreadsheet would run as a formula gets an apostrophe in front.
fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let guard = if formula { "'" } else { "" };
    if formula || text.contains(['"', ',', '\n', '\r', ';']) {
        format!("\"{guard}{}\"", text.replace('"', "\"\""))
    } else {
        text.to_string()
    }
}

/// Zeek's intelligence framework (`Intel::read_files`).
pub struct Zeek;

impl Export for Zeek {
    fn name(&self) -> &'static str {
        "zeek"
    }

    fn media_type(&self) -> &'static str {
        "text/tab-separated-values"
    }

    fn fill(&self, gate: &mut Gate<'_>, files: &mut dyn Files) -> Result<()> {
        files.append("intel.dat", b"#fields\tindicator\tindicator_type\tmeta.source\tmeta.desc\n")?;
        while let Some(said) = gate.next() {
            match sort(said.kind) {
                None => gate.unfit(),
                Some(sort) => {
                    let value = match said.kind {
                        // Zeek compares without the scheme.
                        Kind::Url => said.value.split_once("://").map_or(said.value.as_str(), |(_, rest)| rest),
                        _ => said.value.as_str(),
                    };
                    let line = [value, sort, &gate.profile.producer, &about(&said)].map(field).join("\t");
                    files.append("intel.dat", format!("{line}\n").as_bytes())?;
                }
            }
        }
        Ok(())
    }
}

fn sort(kind: Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::Ip => "Intel::ADDR",
        Kind::Cidr => "Intel::SUBNET",
        Kind::Domain => "Intel::DOMAIN",
        Kind::Url => "Intel::URL",
        Kind::Md5 | Kind::Sha1 | Kind::Sha256 => "Intel::FILE_HASH",
        Kind::Email => "Intel::EMAIL",
        Kind::Path => "Intel::FILE_NAME",
        Kind::Ja3 | Kind::Ja4 => return None,
    })
}

fn about(said: &Said) -> String {
    let names: Vec<&str> = said.malware.iter().chain(&said.actors).map(String::as_str).collect();
    format!("confidence {} tlp:{} {} {}", said.confidence, said.tlp.word(), names.join(", "), said.description)
}

/// A field of Zeek's tables: a tabulator or a line break would begin another one; an empty field is `-`.
fn field(text: &str) -> String {
    let text: String = text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect();
    let text = text.trim();
    if text.is_empty() { "-".to_string() } else { text.to_string() }
}

/// Values alone, one a line.
pub struct Plain;

impl Export for Plain {
    fn name(&self) -> &'static str {
        "plain"
    }

    fn media_type(&self) -> &'static str {
        "text/plain"
    }

    fn fill(&self, gate: &mut Gate<'_>, files: &mut dyn Files) -> Result<()> {
        while let Some(said) = gate.next() {
            if said.value.contains(char::is_control) {
                gate.unfit();
            } else {
                files.append("indicators.txt", format!("{}\n", said.value).as_bytes())?;
            }
        }
        Ok(())
    }
}

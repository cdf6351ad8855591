//! Suricata 7 and later: datasets (addresses, names, fingerprints, hashes) and the rules that look them up.
//!
//! A dataset matches whole values: names below a listed domain are not matched by it (the agents do, by suffix).

use super::{Export, Files, Gate, Said};
use crate::Kind;
use base::Result;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeSet;

/// First rule id: the range 9,000,000 and above is free for private rules in common rule sets.
const SID: u32 = 9_480_000;
/// Most rules for single URLs and ranges: each costs every packet's inspection, unlike a dataset.
const RULES: u32 = 20_000;
/// Ranges in one rule.
const RANGES: usize = 100;
const RULES_FILE: &str = "garrison.rules";

/// The format.
pub struct Suricata;

/// A dataset: kind, file, whether its lines are base64, and the rules' header, buffer and type.
struct Set {
    kind: Kind,
    file: &'static str,
    encoded: bool,
    rules: &'static [(&'static str, &'static str)],
    /// The sort of set: `dataset:isset,NAME,type SORT`; empty for lists of file hashes, whose keyword reads the file.
    sort: &'static str,
}

const SETS: &[Set] = &[
    Set {
        kind: Kind::Ip,
        file: "garrison-ip.lst",
        encoded: false,
        rules: &[("ip", "ip.dst;"), ("ip", "ip.src;")],
        sort: "ip",
    },
    Set {
        kind: Kind::Domain,
        file: "garrison-domain.lst",
        encoded: true,
        rules: &[("dns", "dns.query;"), ("tls", "tls.sni;"), ("http", "http.host;")],
        sort: "string",
    },
    Set { kind: Kind::Ja3, file: "garrison-ja3.lst", encoded: true, rules: &[("tls", "ja3.hash;")], sort: "string" },
    Set { kind: Kind::Ja4, file: "garrison-ja4.lst", encoded: true, rules: &[("tls", "ja4.hash;")], sort: "string" },
    Set { kind: Kind::Md5, file: "garrison-md5.lst", encoded: false, rules: &[("http", "filemd5:")], sort: "" },
    Set { kind: Kind::Sha1, file: "garrison-sha1.lst", encoded: false, rules: &[("http", "filesha1:")], sort: "" },
    Set {
        kind: Kind::Sha256,
        file: "garrison-sha256.lst",
        encoded: false,
        rules: &[("http", "filesha256:")],
        sort: "",
    },
];

impl Export for Suricata {
    fn name(&self) -> &'static str {
        "suricata"
    }

    fn media_type(&self) -> &'static str {
        "text/plain"
    }

    fn fill(&self, gate: &mut Gate<'_>, files: &mut dyn Files) -> Result<()> {
        let mut rules = Rules { next: SID + 100, ranges: Vec::new(), files };
        let mut used = BTreeSet::new();
        rules.files.append(RULES_FILE, b"# Made by Garrison from its indicators; changes here are lost.\n")?;
        while let Some(said) = gate.next() {
            let fits = match SETS.iter().find(|set| set.kind == said.kind) {
                Some(set) => {
                    used.insert(set.file);
                    let line = if set.encoded { STANDARD.encode(&said.value) } else { said.value.clone() };
                    rules.files.append(set.file, format!("{line}\n").as_bytes())?;
                    true
                }
                None => rules.single(&said)?,
            };
            if !fits {
                gate.unfit();
            }
        }
        rules.flush()?;
        for set in SETS.iter().filter(|set| used.contains(set.file)) {
            lookups(set, rules.files)?;
        }
        Ok(())
    }
}

/// The rules that look a set up.
fn lookups(set: &Set, files: &mut dyn Files) -> Result<()> {
    let place = SETS.iter().position(|other| other.file == set.file).unwrap_or(0) as u32;
    for (number, (protocol, buffer)) in set.rules.iter().enumerate() {
        let sid = SID + place * 10 + number as u32;
        let name = set.file.trim_end_matches(".lst");
        let lookup = if set.sort.is_empty() {
            format!("{buffer}{};", set.file)
        } else {
            format!("{buffer} dataset:isset,{name},type {},load {};", set.sort, set.file)
        };
        let word = set.kind.word();
        let rule = format!(
            "alert {protocol} any any -> any any (msg:\"Garrison indicator: {word}\"; {lookup} classtype:trojan-activity; sid:{sid}; rev:1;)\n"
        );
        files.append(RULES_FILE, rule.as_bytes())?;
    }
    Ok(())
}

/// Rules for single values.
struct Rules<'r> {
    next: u32,
    ranges: Vec<String>,
    files: &'r mut dyn Files,
}

impl Rules<'_> {
    /// A value that needs a rule of its own. Says whether there is one.
    fn single(&mut self, said: &Said) -> Result<bool> {
        if self.next >= SID + 100 + RULES {
            return Ok(false);
        }
        match said.kind {
            Kind::Cidr => {
                self.ranges.push(said.value.clone());
                if self.ranges.len() >= RANGES {
                    self.flush()?;
                }
                Ok(true)
            }
            Kind::Url => match said.value.strip_prefix("http://").and_then(|rest| rest.split_once('/')) {
                // What is encrypted shows no path, and a content is at most 255 bytes.
                None => Ok(false),
                Some((host, path)) if host.len() > 250 || path.len() > 250 => Ok(false),
                Some((host, path)) => {
                    let host = host.split(':').next().unwrap_or(host);
                    let rule = format!(
                        "http any any -> any any (msg:\"Garrison indicator: url\"; http.host; content:\"{}\"; bsize:{}; http.uri.raw; content:\"{}\"; startswith;",
                        content(host),
                        host.len(),
                        content(&format!("/{path}"))
                    );
                    self.rule(&rule)?;
                    Ok(true)
                }
            },
            _ => Ok(false),
        }
    }

    fn flush(&mut self) -> Result<()> {
        if self.ranges.is_empty() {
            return Ok(());
        }
        let ranges = std::mem::take(&mut self.ranges).join(",");
        self.rule(&format!("ip any any <> [{ranges}] any (msg:\"Garrison indicator: cidr\";"))
    }

    fn rule(&mut self, front: &str) -> Result<()> {
        let rule = format!("alert {front} classtype:trojan-activity; sid:{}; rev:1;)\n", self.next);
        self.next += 1;
        self.files.append(RULES_FILE, rule.as_bytes())
    }
}

/// Text as the content of a rule: whatever has a meaning in a rule is written as hexadecimal bytes.
fn content(text: &str) -> String {
    let plain = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'/' | b'~' | b'=' | b'&' | b'?' | b'%')
    };
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("|{byte:02x}|") }).collect()
}

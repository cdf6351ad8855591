//! MISP: events as JSON, what `restSearch` answers, and feeds (`manifest.json` beside `UUID.json` files).
//!
//! Attributes with `to_ids` are taken. The marking is the strictest `tlp:` tag of the attribute, else of its event; without one the
//! distribution says it: own organisation → amber+strict, this community and sharing groups → amber, connected
//! communities → green, all → as the feed is configured. Galaxies name actors and malware.

use super::detect::{Head, Source};
use super::json::Json;
use super::{Meter, PENDING, PENDING_BYTES, fault, record, time};
use crate::{Claim, Kind, Tlp};
use base::{Fault, Result};
use serde::Deserialize;
use serde_json::Value;
use std::io::BufRead;

/// Most events of a manifest.
const MANIFEST_EVENTS: usize = 100_000;

/// The format.
pub struct Misp;

impl Source for Misp {
    fn name(&self) -> &'static str {
        "misp"
    }

    fn fits(&self, head: &Head<'_>) -> u8 {
        let has = |text: &str| head.text.contains(text);
        u8::from(head.is_json() && (has("\"Event\"") || has("\"Attribute\"") || has("\"to_ids\""))) * 90
    }

    fn read(&self, input: &mut dyn BufRead, meter: &mut Meter<'_>) -> Result<()> {
        let mut reader = Json::new(input);
        let mut buffer = Vec::new();
        let mut outcome = Ok(());
        while outcome.is_ok() {
            match reader.peek() {
                Ok(Some(_)) => outcome = top(&mut reader, meter, &mut buffer),
                Ok(None) => break,
                Err(fault) => outcome = Err(fault),
            }
        }
        reader.tell(meter);
        outcome
    }
}

/// `{"Event": …}`, `[{"Event": …}]`, `{"response": [ … ]}` or `{"response": {"Attribute": [ … ]}}`.
fn top(reader: &mut Json<'_>, meter: &mut Meter<'_>, buffer: &mut Vec<u8>) -> Result<()> {
    if reader.peek()? == Some(b'[') {
        return reader.array(meter, &mut |reader, meter| top(reader, meter, buffer));
    }
    let mut event = Event::default();
    let walked = reader.object(meter, &mut |reader, meter, name| match name {
        "Event" | "response" => top_or_event(reader, meter, name, buffer),
        _ => event.member(reader, meter, name, buffer),
    });
    let flushed = event.flush(meter);
    walked.and(flushed)
}

fn top_or_event(reader: &mut Json<'_>, meter: &mut Meter<'_>, name: &str, buffer: &mut Vec<u8>) -> Result<()> {
    if name == "response" || reader.peek()? == Some(b'[') {
        return top(reader, meter, buffer);
    }
    let mut event = Event::default();
    let walked = reader.object(meter, &mut |reader, meter, name| event.member(reader, meter, name, buffer));
    let flushed = event.flush(meter);
    walked.and(flushed)
}

/// A text that some versions write as a number or a truth value.
fn loose(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(truth) => u8::from(*truth).to_string(),
        _ => String::new(),
    }
}

#[derive(Deserialize)]
struct Attribute {
    #[serde(rename = "type")]
    kind: String,
    value: Value,
    #[serde(default)]
    uuid: String,
    #[serde(default)]
    to_ids: Value,
    #[serde(default)]
    comment: Value,
    #[serde(default)]
    timestamp: Value,
    #[serde(default)]
    first_seen: Value,
    #[serde(default)]
    last_seen: Value,
    #[serde(default)]
    distribution: Value,
    #[serde(default)]
    deleted: Value,
    #[serde(default, rename = "Tag")]
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
struct Tag {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct Composite {
    #[serde(default, rename = "Attribute")]
    attributes: Vec<Attribute>,
}

/// One event: what is true of all its attributes may stand behind them.
#[derive(Default)]
struct Event {
    info: String,
    tags: Vec<String>,
    distribution: String,
    timestamp_us: i64,
    attributes: Vec<Attribute>,
    held_bytes: usize,
}

impl Event {
    fn member(&mut self, reader: &mut Json<'_>, meter: &mut Meter<'_>, name: &str, buffer: &mut Vec<u8>) -> Result<()> {
        match (name, reader.peek()?) {
            ("Attribute", Some(b'[')) => reader.array(meter, &mut |reader, meter| {
                meter.record()?;
                if let Some(bytes) = reader.value(meter, buffer)? {
                    self.held_bytes += bytes.len();
                    self.attribute(meter, serde_json::from_slice(bytes))?;
                }
                Ok(())
            }),
            ("Object", Some(b'[')) => reader.array(meter, &mut |reader, meter| {
                let Some(bytes) = reader.value(meter, buffer)? else { return Ok(()) };
                self.held_bytes += bytes.len();
                match serde_json::from_slice::<Composite>(bytes) {
                    Ok(object) => object.attributes.into_iter().try_for_each(|attribute| {
                        meter.record()?;
                        self.attribute(meter, Ok(attribute))
                    }),
                    Err(error) => self.attribute(meter, Err(error)),
                }
            }),
            _ => {
                if let Some(bytes) = reader.value(meter, buffer)? {
                    self.property(name, bytes);
                }
                Ok(())
            }
        }
    }

    fn property(&mut self, name: &str, bytes: &[u8]) {
        let Ok(value) = serde_json::from_slice::<Value>(bytes) else { return };
        match name {
            "info" => self.info = loose(&value),
            "distribution" => self.distribution = loose(&value),
            "timestamp" => self.timestamp_us = time::micros(&loose(&value)).unwrap_or(0),
            "Tag" => {
                let names = value.as_array().into_iter().flatten().filter_map(|tag| tag.get("name")?.as_str());
                self.tags.extend(names.take(256).map(str::to_string));
            }
            _ => {}
        }
    }

    fn attribute(&mut self, meter: &mut Meter<'_>, read: serde_json::Result<Attribute>) -> Result<()> {
        match read {
            Ok(attribute) => self.attributes.push(attribute),
            Err(error) => meter.bad(Fault::new(&fault::RECORD).expected("an attribute of MISP").found(error)),
        }
        if self.attributes.len() > PENDING || self.held_bytes > PENDING_BYTES { self.flush(meter) } else { Ok(()) }
    }

    fn flush(&mut self, meter: &mut Meter<'_>) -> Result<()> {
        self.held_bytes = 0;
        let attributes = std::mem::take(&mut self.attributes);
        attributes.iter().try_for_each(|attribute| self.take(meter, attribute))
    }

    fn take(&self, meter: &mut Meter<'_>, attribute: &Attribute) -> Result<()> {
        if loose(&attribute.deleted) == "1" {
            meter.pass("deleted");
            return meter.withdrawn(&attribute.uuid);
        }
        // A missing flag counts as set: exports made for detection leave it out.
        if matches!(loose(&attribute.to_ids).as_str(), "0" | "false") {
            meter.pass("not for detection (to_ids)");
            return Ok(());
        }
        let value = loose(&attribute.value);
        let parts = parts(&attribute.kind, &value);
        if parts.is_empty() {
            meter.pass("of a type that is not looked up");
            return Ok(());
        }
        let claim = self.claim(meter.settings.claim(), attribute);
        for (kind, text) in parts {
            // `ip-src` holds ranges too.
            let kind = if kind == Kind::Ip && text.contains('/') { Kind::Cidr } else { kind };
            match crate::canonical(kind, text) {
                Ok(value) => meter.give(kind, value, claim.clone())?,
                // Named by its id: what was held back is no longer the current record.
                Err(fault) => meter.bad_named(fault, &attribute.uuid),
            }
        }
        Ok(())
    }

    fn claim(&self, mut claim: Claim, attribute: &Attribute) -> Claim {
        let time = |value: &Value| time::micros(&loose(value)).unwrap_or(0);
        claim.id.clone_from(&attribute.uuid);
        let stamp = time(&attribute.timestamp);
        let stamp = if stamp == 0 { self.timestamp_us } else { stamp };
        claim.first_us = time(&attribute.first_seen);
        claim.last_us = [time(&attribute.last_seen), stamp, claim.last_us].into_iter().find(|us| *us != 0).unwrap_or(0);
        claim.description = match loose(&attribute.comment) {
            comment if comment.is_empty() => self.info.clone(),
            comment => format!("{}: {comment}", self.info),
        };
        let own: Vec<&str> = attribute.tags.iter().map(|tag| tag.name.as_str()).collect();
        let event: Vec<&str> = self.tags.iter().map(String::as_str).collect();
        let marked = marking(&own).or_else(|| marking(&event));
        claim.tlp = marked.unwrap_or_else(|| self.distributed(attribute, claim.tlp));
        // The marking is told once, as what it came to.
        let all = own.into_iter().chain(event).filter(|tag| !is_marking(tag));
        for tag in all {
            tell(&mut claim, tag);
        }
        claim
    }

    fn distributed(&self, attribute: &Attribute, default: Tlp) -> Tlp {
        let own = loose(&attribute.distribution);
        let level = if own.is_empty() || own == "5" { &self.distribution } else { &own };
        match level.as_str() {
            "0" => Tlp::AmberStrict.max(default),
            "1" | "4" => Tlp::Amber.max(default),
            "2" => Tlp::Green.max(default),
            _ => default,
        }
    }
}

fn is_marking(tag: &str) -> bool {
    tag.get(..4).is_some_and(|front| front.eq_ignore_ascii_case("tlp:"))
}

/// The strictest marking among tags; one that is not known may be stricter than any.
fn marking(tags: &[&str]) -> Option<Tlp> {
    tags.iter().filter(|tag| is_marking(tag)).map(|tag| Tlp::from_word(tag).unwrap_or(Tlp::Red)).max()
}

/// What a tag says: a galaxy names an actor or malware, an estimate says how sure; all others stay tags.
fn tell(claim: &mut Claim, tag: &str) {
    let quoted = tag.split_once('=').map(|(front, back)| (front, back.trim_matches('"')));
    match quoted {
        Some((
            "misp-galaxy:threat-actor" | "misp-galaxy:mitre-intrusion-set" | "misp-galaxy:microsoft-activity-group",
            name,
        )) => {
            claim.actors.push(bare(name));
        }
        Some((
            "misp-galaxy:malpedia"
            | "misp-galaxy:mitre-malware"
            | "misp-galaxy:mitre-tool"
            | "misp-galaxy:ransomware"
            | "misp-galaxy:botnet"
            | "misp-galaxy:rat"
            | "misp-galaxy:tool"
            | "misp-galaxy:stealer"
            | "misp-galaxy:banker"
            | "misp-galaxy:backdoor"
            | "malware_classification:malware-family",
            name,
        )) => claim.malware.push(bare(name)),
        Some(("estimative-language:likelihood-probability", word)) => {
            claim.confidence = match word {
                "almost-no-chance" => 5,
                "very-unlikely" => 15,
                "unlikely" => 30,
                "roughly-even-chance" => 50,
                "likely" => 70,
                "very-likely" => 85,
                "almost-certain" => 95,
                _ => claim.confidence,
            };
        }
        Some(("misp:confidence-level", word)) => {
            claim.confidence = match word {
                "completely-confident" => 100,
                "usually-confident" => 75,
                "fairly-confident" => 50,
                "rarely-confident" => 25,
                "unconfident" => 0,
                _ => claim.confidence,
            };
        }
        _ => claim.tags.push(tag.to_string()),
    }
}

/// A name without its id: `Lazarus Group - G0032` is `Lazarus Group`.
fn bare(name: &str) -> String {
    let id = |text: &str| {
        let digits = text.strip_prefix(['G', 'S', 'T', 'C']);
        digits.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
    };
    match name.rsplit_once(" - ") {
        Some((front, back)) if id(back) => front.to_string(),
        _ => name.to_string(),
    }
}

/// The values of an attribute: a composite type (`domain|ip`, `filename|sha256`) holds two.
fn parts<'v>(kind: &str, value: &'v str) -> Vec<(Kind, &'v str)> {
    let (front, back) = value.split_once('|').unwrap_or((value, ""));
    match kind {
        "domain|ip" => vec![(Kind::Domain, front), (Kind::Ip, back)],
        "ip-src|port" | "ip-dst|port" => vec![(Kind::Ip, front)],
        "hostname|port" => vec![(Kind::Domain, front)],
        "malware-sample" => vec![(Kind::Md5, back)],
        // A bare name is too common to be looked up; a path is not.
        "filename" if !value.contains(['/', '\\']) => Vec::new(),
        _ => match kind.strip_prefix("filename|") {
            Some(hash) => record::kind(hash).map(|kind| (kind, back)).into_iter().collect(),
            None if kind == "link" => Vec::new(),
            None => record::kind(kind).map(|kind| (kind, value)).into_iter().collect(),
        },
    }
}

/// One event of a feed's manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its UUID, checked; the file is `UUID.json`.
    pub uuid: String,
    /// When it changed, µs since 1970.
    pub changed_us: i64,
    /// Its title.
    pub info: String,
}

/// Reads `manifest.json` of a feed: events by UUID, in the order of the file.
///
/// # Errors
/// `intel.syntax` when it is no manifest, `intel.import-limit` when it lists too many. A name that is no UUID (and could
/// lead out of the feed's folder) is dropped.
pub fn manifest(bytes: &[u8]) -> Result<Vec<Listed>> {
    let all: serde_json::Map<String, Value> = serde_json::from_slice(bytes)
        .map_err(|error| Fault::new(&fault::SYNTAX).object("manifest.json").because(error))?;
    if all.len() > MANIFEST_EVENTS {
        let fault = Fault::new(&fault::LIMIT).object("manifest.json");
        return Err(fault.expected(format!("at most {MANIFEST_EVENTS} events")).found(all.len()));
    }
    let listed = all.into_iter().filter(|(uuid, _)| super::uuid::is_uuid(uuid)).map(|(uuid, meta)| Listed {
        uuid: uuid.to_ascii_lowercase(),
        changed_us: meta.get("timestamp").and_then(|value| time::micros(&loose(value))).unwrap_or(0),
        info: meta.get("info").map(loose).unwrap_or_default(),
    });
    Ok(listed.collect())
}

/// Which events of a manifest are new or changed since they were `seen` (UUID → changed at, µs).
pub fn due<'l>(listed: &'l [Listed], seen: &std::collections::HashMap<String, i64>) -> Vec<&'l Listed> {
    listed.iter().filter(|event| seen.get(&event.uuid).is_none_or(|at| *at < event.changed_us)).collect()
}

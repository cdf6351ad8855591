//! A record of named fields (a row of a table, an object of JSON lines) into indicators.

use super::detect::{Head, Source};
use super::json::Json as Reader;
use super::{Meter, OBJECT_BYTES, lines, time};
use crate::{Kind, Tlp};
use base::Result;
use serde_json::Value;
use std::io::{BufRead, Read};

/// What a field of a record says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names of the fields of a claim")]
pub enum Field {
    /// A value; its kind when the name of the field says so.
    Value(Option<Kind>),
    Kind,
    Confidence,
    Tlp,
    First,
    Last,
    Until,
    Tags,
    Actor,
    Malware,
    Description,
    Id,
}

impl Field {
    /// The field of a name as feeds write it; `None` when it says nothing that is kept.
    pub fn of(name: &str) -> Option<Field> {
        let name = name.trim().trim_matches('"').to_ascii_lowercase().replace([' ', '-', '.'], "_");
        Some(match name.as_str() {
            "value" | "indicator" | "ioc" | "ioc_value" | "observable" | "attribute" | "entity" | "data" => {
                Field::Value(None)
            }
            "type" | "kind" | "ioc_type" | "indicator_type" | "attribute_type" | "value_type" => Field::Kind,
            "confidence" | "confidence_level" | "score" | "risk_score" => Field::Confidence,
            "tlp" | "tlp_marking" | "marking" => Field::Tlp,
            "first_seen" | "first_seen_utc" | "firstseen" | "dateadded" | "date_added" | "first" | "created" => {
                Field::First
            }
            "last_seen" | "last_seen_utc" | "last_online" | "lastseen" | "last" | "modified" | "updated" => Field::Last,
            "valid_until" | "expires" | "expiration" | "expiry" => Field::Until,
            "tags" | "labels" | "threat_type" | "category" | "threat" => Field::Tags,
            "actor" | "actors" | "threat_actor" | "group" | "campaign" => Field::Actor,
            "malware" | "malware_printable" | "malware_family" | "family" | "signature" => Field::Malware,
            "description" | "comment" | "title" | "reason" => Field::Description,
            "id" | "uuid" | "ioc_id" => Field::Id,
            name => Field::Value(Some(kind(name)?)),
        })
    }
}

/// The kind of a word as feeds and MISP write it.
pub(super) fn kind(word: &str) -> Option<Kind> {
    let word = word.trim().to_ascii_lowercase().replace(['_', ' '], "-");
    Some(match word.as_str() {
        "ip" | "ipv4" | "ipv6" | "ip-dst" | "ip-src" | "ip:port" | "ip-address" | "ipv4-addr" | "ipv6-addr"
        | "dst-ip" | "src-ip" | "dstip" | "srcip" | "address" | "ip-dst|port" | "ip-src|port" => Kind::Ip,
        "cidr" | "netblock" | "subnet" | "range" | "ip-range" | "network" => Kind::Cidr,
        "domain" | "hostname" | "fqdn" | "host" | "domain-name" => Kind::Domain,
        "url" | "uri" | "link" => Kind::Url,
        "md5" | "md5-hash" | "filehash-md5" | "hash-md5" | "file-md5" => Kind::Md5,
        "sha1" | "sha-1" | "sha1-hash" | "filehash-sha1" | "hash-sha1" | "file-sha1" => Kind::Sha1,
        "sha256" | "sha-256" | "sha256-hash" | "filehash-sha256" | "hash-sha256" | "file-sha256" => Kind::Sha256,
        "ja3" | "ja3-md5" | "ja3-hash" | "ja3-fingerprint" | "ja3-fingerprint-md5" => Kind::Ja3,
        "ja4" | "ja4-fingerprint" | "ja4-hash" => Kind::Ja4,
        "email" | "mail" | "email-src" | "email-dst" | "email-addr" | "email-address" | "email-reply-to" => Kind::Email,
        "path" | "filepath" | "file-path" | "filename" | "file-name" => Kind::Path,
        _ => return None,
    })
}

/// Takes a record. `fields` are what is known of it, in any order.
pub(super) fn take(meter: &mut Meter<'_>, fields: &[(Field, &str)]) -> Result<()> {
    let mut claim = meter.settings.claim();
    let (mut said, mut other) = (None, false);
    for (field, text) in fields.iter().map(|(field, text)| (*field, text.trim())) {
        if text.is_empty() || matches!(text, "null" | "None" | "n/a" | "-") {
            continue;
        }
        match field {
            Field::Kind => {
                said = kind(text);
                other = said.is_none();
            }
            Field::Confidence => claim.confidence = confidence(text).unwrap_or(claim.confidence),
            Field::Tlp => match Tlp::from_word(text) {
                Ok(tlp) => claim.tlp = tlp,
                // A marking that is not known may be stricter than any.
                Err(_) => claim.tlp = Tlp::Red,
            },
            Field::First => claim.first_us = time::micros(text).unwrap_or(claim.first_us),
            Field::Last => claim.last_us = time::micros(text).unwrap_or(claim.last_us),
            Field::Until => claim.valid_until_us = time::micros(text).unwrap_or(claim.valid_until_us),
            Field::Tags => claim.tags.extend(words(text)),
            Field::Actor => claim.actors.extend(words(text)),
            Field::Malware => claim.malware.extend(words(text)),
            Field::Description => claim.description = text.to_string(),
            Field::Id => claim.id = text.to_string(),
            Field::Value(_) => {}
        }
    }
    if other && meter.settings.kind.is_none() {
        meter.pass("of a type that is not looked up");
        return Ok(());
    }
    let mut any = false;
    for (field, text) in fields {
        let text = text.trim();
        if let Field::Value(named) = field
            && !text.is_empty()
        {
            any = true;
            let kind = meter.settings.kind.or(named.or(said));
            // `ip` of a feed may hold a range.
            let kind = kind.filter(|kind| !(*kind == Kind::Ip && text.contains('/')));
            meter.take(kind, text, claim.clone())?;
        }
    }
    if !any {
        meter.wrong("a value", "a record without one");
    }
    Ok(())
}

fn confidence(text: &str) -> Option<u8> {
    let word = text.to_ascii_lowercase();
    match word.as_str() {
        "high" => Some(85),
        "medium" | "moderate" => Some(50),
        "low" => Some(15),
        number => number.trim_end_matches('%').parse::<f64>().ok().map(|number| number.clamp(0.0, 100.0) as u8),
    }
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split([',', ';']).map(str::trim).filter(|word| !word.is_empty()).map(str::to_string)
}

/// JSON: an object a line, an array of objects, or one object that holds arrays of them.
pub struct Json;

impl Source for Json {
    fn name(&self) -> &'static str {
        "json"
    }

    fn fits(&self, head: &Head<'_>) -> u8 {
        u8::from(head.is_json()) * 40
    }

    fn read(&self, input: &mut dyn BufRead, meter: &mut Meter<'_>) -> Result<()> {
        // Only the first line shows whether a line is a whole object; it is read apart, wherever buffers end.
        let mut first = Vec::new();
        (&mut *input).take(OBJECT_BYTES as u64).read_until(b'\n', &mut first).map_err(lines::broken)?;
        let whole = serde_json::from_slice::<serde::de::IgnoredAny>(first.trim_ascii()).is_ok();
        let object_first = first.trim_ascii_start().starts_with(b"{");
        if whole && object_first && !lines::head(input)?.is_empty() {
            meter.read(first.len());
            meter.record()?;
            object(meter, &first)?;
            return lines::each(input, meter, OBJECT_BYTES, &mut |meter, line| object(meter, line.as_bytes()));
        }
        let mut joined = first.as_slice().chain(input);
        let mut reader = Reader::new(&mut joined);
        let mut buffer = Vec::new();
        let mut outcome = Ok(());
        while outcome.is_ok() {
            match reader.peek() {
                Ok(Some(_)) => outcome = walk(&mut reader, meter, &mut buffer),
                Ok(None) => break,
                Err(fault) => outcome = Err(fault),
            }
        }
        reader.tell(meter);
        outcome
    }
}

/// Walks arrays, and objects that hold arrays, down to the records.
fn walk(reader: &mut Reader<'_>, meter: &mut Meter<'_>, buffer: &mut Vec<u8>) -> Result<()> {
    if reader.peek()? == Some(b'[') {
        return reader.array(meter, &mut |reader, meter| {
            meter.record()?;
            match reader.value(meter, buffer)? {
                Some(bytes) => object(meter, bytes),
                None => Ok(()),
            }
        });
    }
    // An object of arrays: `{"data": [ … ]}`, or `{"1": [ … ], "2": [ … ]}` as ThreatFox writes it; or one record.
    let mut own: Vec<(String, Value)> = Vec::new();
    let mut held = 0;
    reader.object(meter, &mut |reader, meter, name| {
        if reader.peek()? == Some(b'[') {
            return reader.array(meter, &mut |reader, meter| match reader.value(meter, buffer)? {
                Some(bytes) if bytes.starts_with(b"{") => {
                    meter.record()?;
                    object(meter, bytes)
                }
                _ => Ok(()),
            });
        }
        if let Some(bytes) = reader.value(meter, buffer)?
            && held + bytes.len() <= OBJECT_BYTES
            && let Ok(value) = serde_json::from_slice::<Value>(bytes)
        {
            held += bytes.len() + 64;
            own.push((name.to_string(), value));
        }
        Ok(())
    })?;
    if own.iter().any(|(name, _)| matches!(Field::of(name), Some(Field::Value(_)))) {
        meter.record()?;
        return fields(meter, &own);
    }
    Ok(())
}

fn object(meter: &mut Meter<'_>, bytes: &[u8]) -> Result<()> {
    match serde_json::from_slice::<Value>(bytes) {
        Ok(Value::Object(members)) => fields(meter, &members.into_iter().collect::<Vec<_>>()),
        Ok(Value::String(text)) => {
            let claim = meter.settings.claim();
            meter.take(meter.settings.kind, &text, claim).map(drop)
        }
        Ok(_) => {
            meter.wrong("an object", &String::from_utf8_lossy(&bytes[..bytes.len().min(80)]));
            Ok(())
        }
        Err(error) => {
            meter.bad(base::Fault::new(&super::fault::RECORD).expected("JSON").because(error));
            Ok(())
        }
    }
}

fn fields(meter: &mut Meter<'_>, members: &[(String, Value)]) -> Result<()> {
    let mut texts: Vec<(Field, String)> = Vec::new();
    for (name, value) in members {
        let Some(field) = Field::of(name) else { continue };
        match value {
            Value::String(text) => texts.push((field, text.clone())),
            Value::Number(number) => texts.push((field, number.to_string())),
            Value::Array(list) => {
                texts.extend(list.iter().filter_map(Value::as_str).map(|text| (field, text.to_string())));
            }
            _ => {}
        }
    }
    let fields: Vec<(Field, &str)> = texts.iter().map(|(field, text)| (*field, text.as_str())).collect();
    take(meter, &fields)
}

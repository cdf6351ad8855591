//! A STIX 2.1 bundle. Ids are the same for the same value, so that a bundle given twice updates and doubles nothing.

use super::{Export, Files, Gate, Profile, Said};
use crate::format::stix::marking;
use crate::format::time::rfc3339;
use crate::format::uuid::{self, v5};
use crate::{Kind, Tlp};
use base::Result;
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashSet};

/// When undated objects count as made: 2020-01-01, so that the same object is the same in every export.
pub const UNDATED_US: i64 = 1_577_836_800_000_000;
/// Most names of actors and malware in one bundle; more are left out (an indicator's labels still tell them).
const NAMES: usize = 100_000;

/// The format.
pub struct Stix;

impl Export for Stix {
    fn name(&self) -> &'static str {
        "stix"
    }

    fn media_type(&self) -> &'static str {
        "application/stix+json;version=2.1"
    }

    fn fill(&self, gate: &mut Gate<'_>, files: &mut dyn Files) -> Result<()> {
        let name = "bundle.json";
        let id = v5(
            uuid::OWN,
            format!("bundle:{}:{}:{}", gate.profile.producer, gate.profile.title, gate.profile.now_us).as_bytes(),
        );
        files.append(name, format!("{{\"type\":\"bundle\",\"id\":\"bundle--{id}\",\"objects\":[\n").as_bytes())?;
        files.append(name, identity(gate.profile).to_string().as_bytes())?;
        let mut told = Told::default();
        while let Some(said) = gate.next() {
            for object in objects(&said, gate.profile, &mut told) {
                files.append(name, b",\n")?;
                files.append(name, object.to_string().as_bytes())?;
            }
        }
        files.append(name, b"\n]}\n")?;
        Ok(())
    }
}

/// What a bundle or collection already holds.
#[derive(Debug, Default)]
pub struct Told {
    names: HashSet<String>,
    markings: BTreeSet<Tlp>,
}

/// The objects of one value that are not yet told: marking, indicator, names and relationships.
pub fn objects(said: &Said, profile: &Profile, told: &mut Told) -> Vec<Value> {
    let mut all = Vec::new();
    for tlp in [said.tlp, profile.ceiling] {
        if told.markings.insert(tlp) {
            all.push(marking::definition(tlp));
        }
    }
    let indicator = indicator(said, profile);
    let from = indicator["id"].as_str().unwrap_or_default().to_string();
    all.push(indicator);
    let names = said.malware.iter().map(|name| ("malware", name));
    for (kind, name) in names.chain(said.actors.iter().map(|name| ("intrusion-set", name))) {
        let target = format!("{kind}--{}", v5(uuid::OWN, format!("{kind}:{}", name.to_lowercase()).as_bytes()));
        if !told.names.contains(&target) {
            if told.names.len() >= NAMES {
                continue;
            }
            told.names.insert(target.clone());
            all.push(named(kind, name, &target, profile));
        }
        all.push(relationship("indicates", &from, &target, said, profile));
    }
    if profile.fields.observables
        && let Some(observable) = observable(said.kind, &said.value)
    {
        let target = observable["id"].as_str().unwrap_or_default().to_string();
        all.push(observable);
        all.push(relationship("related-to", &from, &target, said, profile));
    }
    all
}

/// The identity of the publisher.
pub fn identity(profile: &Profile) -> Value {
    let time = rfc3339(UNDATED_US, 3);
    json!({
        "type": "identity", "spec_version": "2.1", "id": producer(profile), "created": time, "modified": time,
        "name": profile.producer, "identity_class": "organization",
    })
}

fn producer(profile: &Profile) -> String {
    format!("identity--{}", v5(uuid::OWN, format!("identity:{}", profile.producer).as_bytes()))
}

/// The id of a value's indicator.
pub fn indicator_id(kind: Kind, value: &str) -> String {
    format!("indicator--{}", v5(uuid::OWN, format!("{}:{value}", kind.word()).as_bytes()))
}

/// The indicator of one value.
pub fn object(said: &Said, profile: &Profile) -> Value {
    indicator(said, profile)
}

fn indicator(said: &Said, profile: &Profile) -> Value {
    let created = rfc3339(said.first_us, 3);
    let mut object = json!({
        "type": "indicator", "spec_version": "2.1", "id": indicator_id(said.kind, &said.value),
        "created_by_ref": producer(profile), "created": created, "modified": rfc3339(said.last_us, 3),
        "name": format!("{} {}", said.kind.word(), said.value),
        "indicator_types": ["malicious-activity"], "confidence": said.confidence,
        "pattern": pattern(said.kind, &said.value), "pattern_type": "stix", "pattern_version": "2.1",
        "valid_from": created, "object_marking_refs": [marking::id(said.tlp)],
    });
    if said.valid_until_us > said.first_us {
        object["valid_until"] = json!(rfc3339(said.valid_until_us, 3));
    }
    if !said.tags.is_empty() {
        object["labels"] = json!(said.tags);
    }
    // A consumer shows name and description, and the validator of OASIS misses one that is absent (303).
    object["description"] = match said.description.as_str() {
        "" => json!(format!("Listed {}", said.kind.word())),
        text => json!(text),
    };
    if !said.sources.is_empty() {
        let references = said.sources.iter().map(|source| json!({ "source_name": source, "description": "source" }));
        object["external_references"] = references.collect();
    }
    object
}

/// A name of malware or an actor. It is marked with the ceiling: which of its values named it is not told.
fn named(kind: &str, name: &str, id: &str, profile: &Profile) -> Value {
    let time = rfc3339(UNDATED_US, 3);
    let mut object = json!({
        "type": kind, "spec_version": "2.1", "id": id, "created_by_ref": producer(profile), "created": time,
        "modified": time, "name": name, "object_marking_refs": [marking::id(profile.ceiling)],
    });
    if kind == "malware" {
        object["is_family"] = json!(true);
        object["malware_types"] = json!(["unknown"]);
    }
    object
}

fn relationship(kind: &str, from: &str, to: &str, said: &Said, profile: &Profile) -> Value {
    json!({
        "type": "relationship", "spec_version": "2.1",
        "id": format!("relationship--{}", v5(uuid::OWN, format!("{kind}:{from}:{to}").as_bytes())),
        "created_by_ref": producer(profile), "created": rfc3339(said.first_us, 3), "modified": rfc3339(said.first_us, 3),
        "relationship_type": kind, "source_ref": from, "target_ref": to,
        "object_marking_refs": [marking::id(said.tlp)],
    })
}

/// The pattern of a value.
pub fn pattern(kind: Kind, value: &str) -> String {
    let text = escaped(value);
    let path = match kind {
        Kind::Ip | Kind::Cidr if value.contains(':') => "ipv6-addr:value",
        Kind::Ip | Kind::Cidr => "ipv4-addr:value",
        Kind::Domain => "domain-name:value",
        Kind::Url => "url:value",
        Kind::Md5 => "file:hashes.MD5",
        Kind::Sha1 => "file:hashes.'SHA-1'",
        Kind::Sha256 => "file:hashes.'SHA-256'",
        Kind::Ja3 => "x-ja3-fingerprint:value",
        Kind::Ja4 => "x-ja4-fingerprint:value",
        Kind::Email => "email-addr:value",
        Kind::Path => return path_pattern(value),
    };
    let operator = if kind == Kind::Cidr { "ISSUBSET" } else { "=" };
    format!("[{path} {operator} '{text}']")
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\'', "\\'")
}

/// A path is the name of a file and of its folder.
fn path_pattern(path: &str) -> String {
    let Some(at) = path.rfind(['/', '\\']) else { return format!("[file:name = '{}']", escaped(path)) };
    let folder = if at == 0 { "/" } else { &path[..at] };
    let (name, folder) = (escaped(&path[at + 1..]), escaped(folder));
    format!("[file:name = '{name}' AND file:parent_directory_ref.path = '{folder}']")
}

fn is_uri(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte)
}

/// The observable itself, with the id that the standard gives it; `None` for a kind that STIX has no object for.
pub fn observable(kind: Kind, value: &str) -> Option<Value> {
    let (name, contributing) = match kind {
        Kind::Ip | Kind::Cidr if value.contains(':') => ("ipv6-addr", json!({ "value": value })),
        Kind::Ip | Kind::Cidr => ("ipv4-addr", json!({ "value": value })),
        Kind::Domain => ("domain-name", json!({ "value": value })),
        // A URL with characters that RFC 3986 forbids is seen, but is no value of an observable.
        Kind::Url if !value.bytes().all(is_uri) => return None,
        Kind::Url => ("url", json!({ "value": value })),
        Kind::Email => ("email-addr", json!({ "value": value })),
        Kind::Md5 => ("file", json!({ "hashes": { "MD5": value } })),
        Kind::Sha1 => ("file", json!({ "hashes": { "SHA-1": value } })),
        Kind::Sha256 => ("file", json!({ "hashes": { "SHA-256": value } })),
        Kind::Ja3 | Kind::Ja4 | Kind::Path => return None,
    };
    // One property each: its JSON without blanks is the canonical form (RFC 8785).
    let id = format!("{name}--{}", v5(uuid::OASIS, contributing.to_string().as_bytes()));
    let mut object = json!({ "type": name, "spec_version": "2.1", "id": id });
    for (key, value) in contributing.as_object()? {
        object[key] = value.clone();
    }
    Some(object)
}

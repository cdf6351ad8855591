//! STIX 2.1 and 2.0: bundles, TAXII envelopes, arrays and single objects.
//!
//! Every object is passed on as it stands; indicators are read: pattern, confidence, labels, validity, marking, and by
//! relationships the malware and the actors that they indicate.

pub mod atom;
pub mod marking;
pub mod pattern;

use super::detect::{Head, Source};
use super::json::Json;
use super::{Meter, OBJECT_BYTES, PENDING, PENDING_BYTES, fault, time};
use crate::{Claim, Kind, Tlp};
use base::{Fault, Result};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::BufRead;

/// Most names and most relationships of one bundle that are remembered.
const RELATIONS: usize = 1_000_000;
/// Longest id that is remembered, bytes: a type and a UUID have under 80.
const ID_BYTES: usize = 128;
/// What a pending indicator costs beside its values, bytes: claims are bounded.
const HELD_BYTES: usize = 1024;

/// The format.
pub struct Stix;

impl Source for Stix {
    fn name(&self) -> &'static str {
        "stix"
    }

    fn fits(&self, head: &Head<'_>) -> u8 {
        if !head.is_json() {
            return 0;
        }
        let has = |text: &str| head.text.contains(text);
        let typed = has("\"bundle--") || has("\"type\":\"bundle\"") || has("\"type\": \"bundle\"");
        let object = has("\"indicator--") || has("\"spec_version\"") || has("\"relationship--");
        if typed { 95 } else { u8::from(object) * 80 }
    }

    fn read(&self, input: &mut dyn BufRead, meter: &mut Meter<'_>) -> Result<()> {
        let mut reader = Json::new(input);
        let mut bundle = Bundle::default();
        let outcome = walk(&mut reader, meter, &mut bundle);
        reader.tell(meter);
        // What came before a break is taken.
        let flushed = bundle.flush(meter);
        outcome.and(flushed)
    }
}

/// One bundle, envelope, array or object; several may follow each other (one a line).
fn walk(reader: &mut Json<'_>, meter: &mut Meter<'_>, bundle: &mut Bundle) -> Result<()> {
    let mut buffer = Vec::new();
    while let Some(first) = reader.peek()? {
        if first == b'[' {
            elements(reader, meter, bundle, &mut buffer)?;
            continue;
        }
        let mut whole = false;
        let mut members: Vec<(String, String)> = Vec::new();
        let mut held = 0;
        reader.object(meter, &mut |reader, meter, name| {
            if name == "objects" && reader.peek()? == Some(b'[') {
                whole = true;
                return elements(reader, meter, bundle, &mut buffer);
            }
            if let Some(bytes) = reader.value(meter, &mut buffer)?
                && held + bytes.len() <= OBJECT_BYTES
                && let Ok(text) = std::str::from_utf8(bytes)
            {
                held += text.len() + 64;
                members.push((name.to_string(), text.to_string()));
            }
            Ok(())
        })?;
        if !whole && members.iter().any(|(name, _)| name == "type") {
            meter.record()?;
            let texts: Vec<String> = members
                .iter()
                .map(|(name, text)| format!("{}:{text}", serde_json::Value::from(name.as_str())))
                .collect();
            bundle.object(meter, &format!("{{{}}}", texts.join(",")))?;
        }
    }
    Ok(())
}

fn elements(reader: &mut Json<'_>, meter: &mut Meter<'_>, bundle: &mut Bundle, buffer: &mut Vec<u8>) -> Result<()> {
    reader.array(meter, &mut |reader, meter| {
        meter.record()?;
        let Some(bytes) = reader.value(meter, buffer)? else { return Ok(()) };
        match std::str::from_utf8(bytes) {
            Ok(text) => bundle.object(meter, text),
            Err(_) => {
                meter.bad(Fault::new(&fault::RECORD).expected("UTF-8").found("other bytes"));
                Ok(())
            }
        }
    })
}

/// The properties of an object that are read.
#[derive(Deserialize)]
struct Object {
    #[serde(rename = "type")]
    kind: String,
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    pattern: String,
    pattern_type: Option<String>,
    #[serde(default)]
    confidence: Option<i64>,
    #[serde(default)]
    labels: Vec<String>,
    #[serde(default)]
    indicator_types: Vec<String>,
    #[serde(default)]
    kill_chain_phases: Vec<Phase>,
    #[serde(default)]
    object_marking_refs: Vec<String>,
    created: Option<String>,
    modified: Option<String>,
    valid_from: Option<String>,
    valid_until: Option<String>,
    #[serde(default)]
    revoked: bool,
    relationship_type: Option<String>,
    source_ref: Option<String>,
    target_ref: Option<String>,
    definition_type: Option<String>,
    definition: Option<serde_json::Value>,
    extensions: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Phase {
    #[serde(default)]
    kill_chain_name: String,
    #[serde(default)]
    phase_name: String,
}

struct Pending {
    id: String,
    claim: Claim,
    markings: Vec<String>,
    values: Vec<(Kind, String, bool)>,
}

/// What is remembered of a bundle until its end: relations may stand before or behind what they join.
#[derive(Default)]
struct Bundle {
    pending: Vec<Pending>,
    held: usize,
    held_bytes: usize,
    /// Actors and malware by id: whether it is an actor, and its name.
    names: HashMap<String, (bool, String)>,
    /// From an indicator to what it indicates.
    edges: Vec<(String, String)>,
    /// Markings of the bundle's own that say a TLP.
    markings: BTreeMap<String, Tlp>,
}

impl Bundle {
    fn object(&mut self, meter: &mut Meter<'_>, text: &str) -> Result<()> {
        let object: Object = match serde_json::from_str(text) {
            Ok(object) => object,
            Err(error) => {
                meter.bad(Fault::new(&fault::RECORD).expected("an object of STIX").found(error));
                return Ok(());
            }
        };
        meter.object(&object.id, &object.kind, text)?;
        match object.kind.as_str() {
            "indicator" => return self.indicator(meter, object),
            "malware" | "tool" | "threat-actor" | "intrusion-set" | "campaign"
                if self.names.len() < RELATIONS && object.id.len() <= ID_BYTES =>
            {
                let actor = !matches!(object.kind.as_str(), "malware" | "tool");
                let name = object.name.chars().take(ID_BYTES).collect();
                self.names.insert(object.id, (actor, name));
            }
            "relationship" if self.edges.len() < RELATIONS && !object.revoked => {
                let indicates = object.relationship_type.as_deref() != Some("derived-from");
                if let (Some(from), Some(to), true) = (object.source_ref, object.target_ref, indicates)
                    && from.starts_with("indicator--")
                    && from.len().max(to.len()) <= ID_BYTES
                {
                    self.edges.push((from, to));
                }
            }
            "marking-definition" if self.markings.len() < 10_000 && object.id.len() <= ID_BYTES => {
                if let Some(tlp) = tlp_of(&object) {
                    self.markings.insert(object.id, tlp);
                }
            }
            _ => {}
        }
        meter.pass("no indicator");
        Ok(())
    }

    fn indicator(&mut self, meter: &mut Meter<'_>, object: Object) -> Result<()> {
        if object.revoked {
            meter.pass("revoked");
            return meter.withdrawn(&object.id);
        }
        if object.pattern_type.as_deref().is_some_and(|kind| kind != "stix") {
            meter.pass("pattern of another language");
            return Ok(());
        }
        let parsed = match pattern::parse(&object.pattern) {
            Ok(parsed) => parsed,
            Err(fault) => {
                let place = fault.named().to_string();
                meter.bad(fault.object(format!("{} {place}", object.id)));
                return Ok(());
            }
        };
        let mut values = Vec::new();
        let mut wrong = None;
        for atom in atom::atoms(&parsed) {
            match crate::canonical(atom.kind, &atom.text) {
                Ok(value) => values.push((atom.kind, value, atom.partial)),
                Err(fault) => wrong = Some(fault),
            }
        }
        match (values.is_empty(), wrong) {
            (true, None) => meter.pass("pattern without a value to look up"),
            (_, Some(fault)) => meter.bad(fault.object(&object.id)),
            _ => {}
        }
        self.hold(meter, claim(meter.settings.claim(), &object), object, values)
    }

    fn hold(
        &mut self,
        meter: &mut Meter<'_>,
        claim: Claim,
        object: Object,
        values: Vec<(Kind, String, bool)>,
    ) -> Result<()> {
        if values.is_empty() {
            return Ok(());
        }
        let markings: Vec<String> =
            object.object_marking_refs.into_iter().filter(|id| id.len() <= ID_BYTES).take(16).collect();
        self.held += values.len();
        self.held_bytes += values.iter().map(|(_, value, _)| value.len() + 64).sum::<usize>() + HELD_BYTES;
        self.pending.push(Pending { id: object.id, claim, markings, values });
        if self.held > PENDING || self.held_bytes > PENDING_BYTES { self.flush(meter) } else { Ok(()) }
    }

    /// Gives what is pending, with what is known of it by now.
    fn flush(&mut self, meter: &mut Meter<'_>) -> Result<()> {
        (self.held, self.held_bytes) = (0, 0);
        let pending = std::mem::take(&mut self.pending);
        let wanted: HashSet<&str> = pending.iter().map(|held| held.id.as_str()).collect();
        let mut targets: HashMap<&str, Vec<&(bool, String)>> = HashMap::new();
        for (from, to) in &self.edges {
            if let (true, Some(name)) = (wanted.contains(from.as_str()), self.names.get(to)) {
                targets.entry(from).or_default().push(name);
            }
        }
        for held in &pending {
            let mut claim = held.claim.clone();
            let markings = held.markings.iter();
            let tlp = markings.filter_map(|id| marking::of_id(id).or_else(|| self.markings.get(id).copied())).max();
            claim.tlp = tlp.unwrap_or(claim.tlp);
            for (actor, name) in targets.get(held.id.as_str()).into_iter().flatten() {
                let names = if *actor { &mut claim.actors } else { &mut claim.malware };
                if !names.contains(name) {
                    names.push(name.clone());
                }
            }
            for (kind, value, partial) in &held.values {
                let mut claim = claim.clone();
                if *partial {
                    claim.confidence /= 2;
                    claim.tags.push("stix:partial".to_string());
                }
                meter.give(*kind, value.clone(), claim)?;
            }
        }
        Ok(())
    }
}

fn claim(base: Claim, object: &Object) -> Claim {
    let mut claim = base;
    let time = |text: &Option<String>| text.as_deref().and_then(time::micros).unwrap_or(0);
    claim.id.clone_from(&object.id);
    claim.confidence = object.confidence.map_or(claim.confidence, |sure| sure.clamp(0, 100) as u8);
    claim.first_us = if object.valid_from.is_some() { time(&object.valid_from) } else { time(&object.created) };
    let modified = time(&object.modified);
    claim.last_us = if modified == 0 { claim.first_us } else { modified };
    claim.valid_until_us = time(&object.valid_until);
    claim.tags.extend(object.labels.iter().chain(&object.indicator_types).cloned());
    claim
        .tags
        .extend(object.kill_chain_phases.iter().map(|phase| format!("{}:{}", phase.kill_chain_name, phase.phase_name)));
    claim.description = match (object.name.as_str(), object.description.as_str()) {
        (name, "") => name.to_string(),
        ("", text) => text.to_string(),
        (name, text) => format!("{name}: {text}"),
    };
    claim.bounded()
}

/// The TLP that a marking definition says, of either version.
fn tlp_of(object: &Object) -> Option<Tlp> {
    let one = (object.definition_type.as_deref() == Some("tlp"))
        .then(|| object.definition.as_ref()?.get("tlp")?.as_str())
        .flatten();
    let two = object.extensions.as_ref().and_then(|all| all.get(marking::EXTENSION)?.get("tlp_2_0")?.as_str());
    Tlp::from_word(two.or(one)?).ok()
}

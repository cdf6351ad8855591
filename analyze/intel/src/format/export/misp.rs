//! A MISP feed: `manifest.json`, `hashes.csv` and events. A value stays in the same event as long as it is published:
//! events are chosen by its id, so that a change touches one event and not all behind it.

use super::{Export, Files, Gate, Profile, Said};
use crate::format::time::day;
use crate::format::uuid::{self, v5};
use crate::{Kind, Tlp};
use base::Result;
use md5::{Digest, Md5};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Events of a feed. With five million values one is about 20 MB, which MISP still loads.
const EVENTS: u64 = 256;

/// The format.
pub struct Misp;

/// What is known of an event while it is written.
#[derive(Default)]
struct Event {
    values: u64,
    last_us: i64,
    tlp: Tlp,
}

impl Export for Misp {
    fn name(&self) -> &'static str {
        "misp"
    }

    fn media_type(&self) -> &'static str {
        "application/json"
    }

    fn fill(&self, gate: &mut Gate<'_>, files: &mut dyn Files) -> Result<()> {
        let mut events: BTreeMap<u64, Event> = BTreeMap::new();
        while let Some(said) = gate.next() {
            let Some(attribute) = attribute(&said) else {
                gate.unfit();
                continue;
            };
            let key = crate::Key::of(said.kind, &said.value).0 % EVENTS;
            let uuid = event_uuid(gate.profile, key);
            let event = events.entry(key).or_default();
            let front = if event.values == 0 { "{\"Event\":{\"Attribute\":[\n" } else { ",\n" };
            files.append(&format!("{uuid}.json"), front.as_bytes())?;
            files.append(&format!("{uuid}.json"), attribute.to_string().as_bytes())?;
            let hash = hex::encode(Md5::digest(said.value.as_bytes()));
            files.append("hashes.csv", format!("{hash},{uuid}\n").as_bytes())?;
            event.values += 1;
            event.last_us = event.last_us.max(said.last_us);
            event.tlp = event.tlp.max(said.tlp);
        }
        let mut manifest = Map::new();
        for (key, event) in &events {
            let uuid = event_uuid(gate.profile, *key);
            let (whole, listed) = meta(gate.profile, *key, event);
            // The rest of the event's members behind its attributes.
            let text = whole.to_string();
            files.append(&format!("{uuid}.json"), format!("\n],{}}}\n", &text[1..]).as_bytes())?;
            manifest.insert(uuid, listed);
        }
        files.append("manifest.json", Value::from(manifest).to_string().as_bytes())?;
        if events.is_empty() {
            files.append("hashes.csv", b"")?;
        }
        Ok(())
    }
}

fn event_uuid(profile: &Profile, key: u64) -> String {
    v5(uuid::OWN, format!("misp:{}:{}:{key}", profile.producer, profile.title).as_bytes())
}

/// An event's members behind its attributes, and its row of the manifest.
fn meta(profile: &Profile, key: u64, event: &Event) -> (Value, Value) {
    let organisation = json!({
        "name": profile.producer,
        "uuid": v5(uuid::OWN, format!("organisation:{}", profile.producer).as_bytes()),
    });
    let tags = json!([tag(event.tlp)]);
    let timestamp = (event.last_us / 1_000_000).to_string();
    let info = format!("{} ({:02x})", profile.title, key);
    let listed = json!({
        "Orgc": organisation, "Tag": tags, "info": info, "date": day(event.last_us), "analysis": "2",
        "threat_level_id": "4", "timestamp": timestamp,
    });
    let mut whole = json!({
        "uuid": event_uuid(profile, key), "published": true, "publish_timestamp": timestamp, "extends_uuid": "",
        "Object": [],
    });
    for (name, value) in listed.as_object().into_iter().flatten() {
        whole[name] = value.clone();
    }
    (whole, listed)
}

fn tag(tlp: Tlp) -> Value {
    let colour = match tlp {
        Tlp::Clear => "#ffffff",
        Tlp::Green => "#339900",
        Tlp::Amber | Tlp::AmberStrict => "#ffc000",
        Tlp::Red => "#cc0033",
    };
    json!({ "name": format!("tlp:{}", tlp.word()), "colour": colour })
}

fn attribute(said: &Said) -> Option<Value> {
    let (kind, category) = match said.kind {
        Kind::Ip | Kind::Cidr => ("ip-dst", "Network activity"),
        Kind::Domain => ("domain", "Network activity"),
        Kind::Url => ("url", "Network activity"),
        Kind::Md5 => ("md5", "Payload delivery"),
        Kind::Sha1 => ("sha1", "Payload delivery"),
        Kind::Sha256 => ("sha256", "Payload delivery"),
        Kind::Ja3 => ("ja3-fingerprint-md5", "Network activity"),
        Kind::Email => ("email-src", "Payload delivery"),
        Kind::Path => ("filename", "Payload delivery"),
        // MISP has no type for it.
        Kind::Ja4 => return None,
    };
    let mut tags = vec![tag(said.tlp)];
    tags.extend(said.tags.iter().map(|name| json!({ "name": name })));
    tags.extend(said.malware.iter().map(|name| galaxy("malpedia", name)));
    tags.extend(said.actors.iter().map(|name| galaxy("threat-actor", name)));
    Some(json!({
        "uuid": v5(uuid::OWN, format!("misp:{}:{}", said.kind.word(), said.value).as_bytes()),
        "type": kind, "category": category, "value": said.value, "to_ids": true,
        "timestamp": (said.last_us / 1_000_000).to_string(), "comment": said.description,
        "disable_correlation": false, "Tag": tags,
    }))
}

fn galaxy(name: &str, value: &str) -> Value {
    json!({ "name": format!("misp-galaxy:{name}=\"{}\"", value.replace('"', "'")) })
}

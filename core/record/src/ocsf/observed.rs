//! Findings of scans (2004), changes of watched files (1001) and of the inventory (5001, 5003, 5020).

use super::draft::Draft;
use super::parts::{self, REGULAR, put};
use crate::{Asset, FileState, Integrity, Pair, Proc, Scan};
use serde_json::{Map, Value, json};

/// `malware.classification_ids` by the word of a family.
const CLASSES: &[(&str, u32, &str)] = &[
    ("backdoor", 2, "Backdoor"),
    ("bot", 3, "Bot"),
    ("ransomware", 10, "Ransomware"),
    ("miner", 13, "Resource-Exploitation"),
    ("rootkit", 15, "Rootkit"),
    ("trojan", 18, "Trojan"),
    ("webshell", 20, "Webshell"),
    ("worm", 22, "Worm"),
];

/// Pairs as an object; of a name that repeats the last stands.
fn object(pairs: &[Pair]) -> Value {
    Value::Object(pairs.iter().map(|pair| (pair.name.clone(), pair.value.as_str().into())).collect())
}

/// A scan found something (2004, Create). The event's own id is the finding's.
pub(super) fn scan(draft: &mut Draft, uid: &str, scan: &Scan) {
    let title = if scan.name.is_empty() { "unnamed" } else { scan.name.as_str() };
    let types = json!([if scan.engine.is_empty() { "scan" } else { scan.engine.as_str() }]);
    draft.set("finding_info", json!({"uid": uid, "title": title, "types": types}));
    draft.set("message", format!("{}: {title} in {}", scan.engine, scan.file.path));
    draft.set("confidence_score", scan.score.min(100));
    let word = if scan.family.is_empty() { scan.engine.as_str() } else { scan.family.as_str() };
    let (id, caption) = (CLASSES.iter().find(|(known, ..)| word.eq_ignore_ascii_case(known)))
        .map_or((99, "Other"), |(_, id, caption)| (*id, *caption));
    draft.set("malware", json!([{"name": title, "classification_ids": [id], "classifications": [caption]}]));
    let mut evidence = Map::new();
    if !scan.file.path.is_empty() {
        evidence.insert("file".into(), parts::file(&scan.file, REGULAR));
    }
    if scan.pid > 0 {
        evidence.insert("process".into(), json!({"pid": scan.pid}));
    }
    if !evidence.is_empty() {
        draft.set("evidences", json!([evidence]));
    }
    draft.other("engine", scan.engine.as_str());
    draft.other("family", scan.family.as_str());
    draft.other("member", scan.member.as_str());
    draft.other("cause", scan.cause.as_str());
    if !scan.details.is_empty() {
        draft.other("details", object(&scan.details));
    }
}

/// Activity of a change of a file, in the numbers of File System Activity.
pub(super) fn activity(change: &str) -> u32 {
    match change {
        "created" => 1,
        "modified" => 3,
        "deleted" => 4,
        "attributes" => 6,
        _ => super::class::OTHER,
    }
}

/// A watched file is not what it was (1001).
pub(super) fn integrity(draft: &mut Draft, proc: Option<&Proc>, changed: &Integrity) {
    // Who did it is known only where the sensor saw it; the schema asks for an actor all the same.
    let actor = if proc.is_some() { parts::actor(draft, proc) } else { json!({"app_name": "unknown"}) };
    draft.set("actor", actor);
    draft.set("file", parts::file(&changed.file, REGULAR));
    draft.text("file_diff", &changed.diff);
    draft.other("change", changed.change.as_str());
    draft.other("package", changed.package.as_str());
    for (name, state) in [("before", &changed.before), ("after", &changed.after)] {
        if let Some(state) = state {
            draft.other(name, of_state(state));
        }
    }
}

fn of_state(state: &FileState) -> Value {
    let mut object = Map::new();
    put(&mut object, "sha256", &hex::encode(&state.sha256));
    object.insert("mode".into(), format!("{:o}", state.mode).into());
    for (name, number) in [("uid", u64::from(state.uid)), ("gid", u64::from(state.gid)), ("size", state.size)] {
        object.insert(name.into(), number.into());
    }
    Value::Object(object)
}

/// Class and activity of a change of the inventory: the first look collects, later ones log what changed.
pub(super) fn asset_class(asset: &Asset) -> (u32, u32) {
    let class = match asset.kind.as_str() {
        "package" if !asset.name.is_empty() && !asset.version.is_empty() => 5020,
        "user" if !asset.name.is_empty() => 5003,
        _ => 5001,
    };
    (class, if asset.change == "present" { 2 } else { 1 })
}

/// The inventory changed.
pub(super) fn asset(draft: &mut Draft, asset: &Asset) {
    match asset_class(asset).0 {
        5020 => {
            let package = json!({"name": asset.name, "version": asset.version});
            draft.set("sbom", json!({"package": package, "software_components": [package]}));
        }
        5003 => {
            draft.profile("host");
            draft.set("user", json!({"name": asset.name}));
        }
        _ => {}
    }
    draft.set("message", format!("{} {}: {}", asset.kind, asset.change, asset.name));
    draft.other("asset_kind", asset.kind.as_str());
    draft.other("change", asset.change.as_str());
    draft.other("key", asset.key.as_str());
    draft.other("name", asset.name.as_str());
    draft.other("version", asset.version.as_str());
    for (name, pairs) in [("details", &asset.details), ("before", &asset.before)] {
        if !pairs.is_empty() {
            draft.other(name, object(pairs));
        }
    }
}

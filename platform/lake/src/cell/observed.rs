//! Cells of log records, scans, changes of watched files and of the inventory.

use super::Cell::*;
use super::{Cell, Value, number, text};
use record::{Activity, Pair};
use serde_json::{Map, Value as Json};
use std::borrow::Cow;

/// The cell of an activity.
pub(super) fn read(activity: &Activity, cell: Cell) -> Value<'_> {
    match (activity, cell) {
        (Activity::Log(log), Source) => text(&log.source),
        (Activity::Log(log), Origin) => text(&log.origin),
        (Activity::Log(log), Sender) => text(&log.host),
        (Activity::Log(log), Message) => text(&log.message),
        (Activity::Log(log), Fields) => object(&log.fields),
        (Activity::Scan(scan), Op) => text(&scan.cause),
        (Activity::Scan(scan), Source) => text(&scan.engine),
        (Activity::Scan(scan), Path) => text(&scan.file.path),
        (Activity::Scan(scan), Name) => text(&scan.name),
        (Activity::Scan(scan), Target) => text(&scan.member),
        (Activity::Scan(scan), Code) => number(scan.score),
        (Activity::Scan(scan), TargetPid) => number(scan.pid),
        (Activity::Scan(scan), Inode) => number(scan.file.inode),
        (Activity::Scan(scan), Device) => number(scan.file.device),
        (Activity::Scan(scan), Fields) => object(&scan.details),
        (Activity::Integrity(file), Op) => text(&file.change),
        (Activity::Integrity(file), Path) => text(&file.file.path),
        (Activity::Integrity(file), Name) => text(&file.package),
        (Activity::Integrity(file), Message) => text(&file.diff),
        (Activity::Integrity(file), Inode) => number(file.file.inode),
        (Activity::Integrity(file), Device) => number(file.file.device),
        (Activity::Asset(asset), Op) => text(&asset.change),
        (Activity::Asset(asset), Source) => text(&asset.kind),
        (Activity::Asset(asset), Name) => text(&asset.name),
        (Activity::Asset(asset), Target) => text(&asset.key),
        (Activity::Asset(asset), Version) => text(&asset.version),
        (Activity::Asset(asset), Fields) => object(&asset.details),
        _ => Value::None,
    }
}

/// Puts a cell back.
pub(super) fn write(activity: &mut Activity, cell: Cell, value: Value<'_>) {
    match (activity, cell) {
        (Activity::Log(log), Source) => log.source = value.into_text(),
        (Activity::Log(log), Origin) => log.origin = value.into_text(),
        (Activity::Log(log), Sender) => log.host = value.into_text(),
        (Activity::Log(log), Message) => log.message = value.into_text(),
        (Activity::Log(log), Fields) => log.fields = pairs(value),
        (Activity::Scan(scan), Op) => scan.cause = value.into_text(),
        (Activity::Scan(scan), Source) => scan.engine = value.into_text(),
        (Activity::Scan(scan), Path) => scan.file.path = value.into_text(),
        (Activity::Scan(scan), Name) => scan.name = value.into_text(),
        (Activity::Scan(scan), Target) => scan.member = value.into_text(),
        (Activity::Scan(scan), Code) => scan.score = value.small(),
        (Activity::Scan(scan), TargetPid) => scan.pid = value.small(),
        (Activity::Scan(scan), Inode) => scan.file.inode = value.large(),
        (Activity::Scan(scan), Device) => scan.file.device = value.small(),
        (Activity::Scan(scan), Fields) => scan.details = pairs(value),
        (Activity::Integrity(file), Op) => file.change = value.into_text(),
        (Activity::Integrity(file), Path) => file.file.path = value.into_text(),
        (Activity::Integrity(file), Name) => file.package = value.into_text(),
        (Activity::Integrity(file), Message) => file.diff = value.into_text(),
        (Activity::Integrity(file), Inode) => file.file.inode = value.large(),
        (Activity::Integrity(file), Device) => file.file.device = value.small(),
        (Activity::Asset(asset), Op) => asset.change = value.into_text(),
        (Activity::Asset(asset), Source) => asset.kind = value.into_text(),
        (Activity::Asset(asset), Name) => asset.name = value.into_text(),
        (Activity::Asset(asset), Target) => asset.key = value.into_text(),
        (Activity::Asset(asset), Version) => asset.version = value.into_text(),
        (Activity::Asset(asset), Fields) => asset.details = pairs(value),
        _ => {}
    }
}

/// Pairs as a JSON object, `None` when a name repeats: an object could not give them back.
fn object(pairs: &[Pair]) -> Value<'static> {
    let mut object = Map::with_capacity(pairs.len());
    for pair in pairs {
        if object.insert(pair.name.clone(), pair.value.as_str().into()).is_some() {
            return Value::None;
        }
    }
    if object.is_empty() { Value::None } else { Value::Text(Cow::Owned(Json::Object(object).to_string())) }
}

fn pairs(value: Value<'_>) -> Vec<Pair> {
    let object: Map<String, Json> = serde_json::from_str(&value.into_text()).unwrap_or_default();
    let pair = |(name, value): (String, Json)| match value {
        Json::String(value) => Pair { name, value },
        other => Pair { name, value: other.to_string() },
    };
    object.into_iter().map(pair).collect()
}

//! Events of what is observed past the kernel: records of logs, findings, watched files, the inventory.

use super::event::number;
use base::Result;
use record::{Activity, Event, Field, FileState, Log, Pair};

/// Builds a record of a log. `source` is the word of its decoder, `fields` are the names that the decoder gives, a name
/// once for each of its values. Without a message the record reads `name=value name=value …`. It has no process.
pub fn log(source: &str, message: Option<&str>, fields: &[(&str, &str)]) -> Event {
    let mut log = Log { source: source.to_owned(), ..Log::default() };
    for (name, value) in fields {
        match Field::from_word(name).filter(|_| name.starts_with("log.")) {
            Some(field) => set_log(&mut log, field, value),
            None => log.fields.push(Pair::new(*name, *value)),
        }
    }
    match message {
        Some(message) => log.message = message.to_owned(),
        None if log.message.is_empty() => {
            let pairs: Vec<String> = log.fields.iter().map(|pair| format!("{}={}", pair.name, pair.value)).collect();
            log.message = pairs.join(" ");
        }
        None => {}
    }
    Event { seq: 0, time_us: 0, process: None, activity: Activity::Log(log) }
}

fn set_log(log: &mut Log, field: Field, value: &str) {
    let text = value.to_owned();
    match field {
        Field::LogSource => log.source = text,
        Field::LogOrigin => log.origin = text,
        Field::LogHost => log.host = text,
        Field::LogMessage => log.message = text,
        _ => {}
    }
}

/// Puts a named detail in; says whether the word is one.
pub(super) fn set_detail(activity: &mut Activity, word: &str, value: &str) -> bool {
    let (list, name) = match (activity, word.split_once('.')) {
        (Activity::Scan(scan), Some(("details", name))) => (&mut scan.details, name),
        (Activity::Asset(asset), Some(("details", name))) => (&mut asset.details, name),
        (Activity::Asset(asset), Some(("before", name))) => (&mut asset.before, name),
        (Activity::Log(log), _) if Field::from_word(word).is_none_or(|_| !word.starts_with("log.")) => {
            (&mut log.fields, word)
        }
        _ => return false,
    };
    list.extend(value.lines().map(|value| Pair::new(name, value)));
    true
}

/// Sets a typed field.
pub(super) fn set(activity: &mut Activity, field: Field, value: &str) -> Result<()> {
    let text = value.to_owned();
    match (activity, field) {
        (Activity::Log(log), field) => set_log(log, field, value),
        (Activity::Scan(scan), Field::ScanEngine) => scan.engine = text,
        (Activity::Scan(scan), Field::ScanName) => scan.name = text,
        (Activity::Scan(scan), Field::ScanFamily) => scan.family = text,
        (Activity::Scan(scan), Field::ScanMember) => scan.member = text,
        (Activity::Scan(scan), Field::ScanScore) => scan.score = number(field, value)?,
        (Activity::Scan(scan), Field::ScanCause) => scan.cause = text,
        (Activity::Scan(scan), Field::FilePath) => scan.file.path = text,
        (Activity::Scan(scan), Field::TargetPid) => scan.pid = number(field, value)?,
        (Activity::Integrity(file), Field::FilePath) => file.file.path = text,
        (Activity::Integrity(file), Field::Change) => file.change = text,
        (Activity::Integrity(file), Field::FileDiff) => file.diff = text,
        (Activity::Integrity(file), Field::FilePackage) => file.package = text,
        (Activity::Integrity(file), Field::FileMode) => {
            file.after.get_or_insert_with(FileState::default).mode = number(field, value)?;
        }
        (Activity::Asset(asset), Field::AssetKind) => asset.kind = text,
        (Activity::Asset(asset), Field::Change) => asset.change = text,
        (Activity::Asset(asset), Field::AssetKey) => asset.key = text,
        (Activity::Asset(asset), Field::AssetName) => asset.name = text,
        (Activity::Asset(asset), Field::AssetVersion) => asset.version = text,
        _ => {}
    }
    Ok(())
}

//! Notes about packages: the files that one installation changed, as one record.

use crate::entry::Entry;
use crate::limits::NOTE_PATHS;
use base::Micros;
use base::limits::DIFF_BYTES;
use record::{FileId, Integrity, Proc};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How long a note waits for more files of its package, µs.
const GATHER: Micros = 3_000_000;

/// A change that its package explains.
pub struct Explained<'c> {
    /// The package.
    pub package: String,
    /// `created`, `modified`, `deleted`, `attributes`.
    pub change: &'static str,
    /// The path.
    pub path: &'c str,
    /// Before.
    pub before: Option<&'c Entry>,
    /// After.
    pub after: Option<&'c Entry>,
    /// Who did it.
    pub process: Option<Arc<Proc>>,
}

struct Note {
    record: Integrity,
    process: Option<Arc<Proc>>,
    paths: Vec<String>,
    count: usize,
    last: Micros,
}

/// Notes that gather.
#[derive(Default)]
pub struct Notes(BTreeMap<(String, &'static str), Note>);

impl Notes {
    /// Adds a change; `now` is monotonic.
    pub fn add(&mut self, one: Explained<'_>, now: Micros) {
        let file = one.after.or(one.before).map_or_else(FileId::default, |entry| entry.file(one.path));
        let record = || Integrity {
            change: one.change.to_owned(),
            file,
            before: one.before.map(Entry::state),
            after: one.after.map(Entry::state),
            diff: String::new(),
            package: one.package.clone(),
        };
        let fresh = || Note { record: record(), process: one.process, paths: Vec::new(), count: 0, last: now };
        let note = self.0.entry((one.package.clone(), one.change)).or_insert_with(fresh);
        (note.last, note.count) = (now, note.count + 1);
        if note.paths.len() < NOTE_PATHS {
            note.paths.push(one.path.to_owned());
        }
    }

    /// Notes that have waited long enough.
    pub fn due(&mut self, now: Micros) -> Vec<(Integrity, Option<Arc<Proc>>)> {
        let ready = |note: &Note| now.saturating_sub(note.last) >= GATHER;
        let keys: Vec<_> = self.0.iter().filter(|(_, note)| ready(note)).map(|(key, _)| key.clone()).collect();
        keys.iter().filter_map(|key| self.0.remove(key)).map(Note::told).collect()
    }

    /// When the next note is ready, monotonic.
    pub fn next(&self) -> Option<Micros> {
        self.0.values().map(|note| note.last + GATHER).min()
    }
}

impl Note {
    fn told(mut self) -> (Integrity, Option<Arc<Proc>>) {
        let mut named = 0;
        for path in &self.paths {
            if self.record.diff.len() + path.len() + 32 > DIFF_BYTES {
                break;
            }
            self.record.diff.push_str(path);
            self.record.diff.push('\n');
            named += 1;
        }
        if self.count > named {
            self.record.diff.push_str(&format!("+ {}\n", self.count - named));
        }
        (self.record, self.process)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_one_installation_are_one_note() {
        let (mut notes, entry) = (Notes::default(), Entry::default());
        for number in 0..100 {
            let path = format!("/usr/bin/{number}");
            let (before, after) = (None, Some(&entry));
            notes.add(
                Explained { package: "x".into(), change: "created", path: &path, before, after, process: None },
                number,
            );
        }
        assert!(notes.due(GATHER).is_empty());
        let told = notes.due(99 + GATHER);
        assert_eq!(told.len(), 1);
        let record = &told[0].0;
        assert_eq!((record.package.as_str(), record.file.path.as_str()), ("x", "/usr/bin/0"));
        assert!(record.diff.starts_with("/usr/bin/0\n/usr/bin/1\n") && record.diff.ends_with("+ 36\n"));
        assert!(notes.next().is_none());
    }
}

//! That something happened to a file, from the events of the sensor.

use record::{Activity, Event, FileOp, Proc};
use std::path::PathBuf;
use std::sync::Arc;

/// What made us look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// Someone asked for it.
    Order,
    /// It was started.
    Exec,
    /// It was written.
    Write,
    /// The walk came by.
    Schedule,
}

impl Cause {
    /// Its word in records.
    pub const fn word(self) -> &'static str {
        match self {
            Cause::Order => "order",
            Cause::Exec => "exec",
            Cause::Write => "write",
            Cause::Schedule => "schedule",
        }
    }
}

/// A file to look at soon.
#[derive(Debug, Clone)]
pub struct Hint {
    /// Absolute path in the mount namespace of the process.
    pub path: PathBuf,
    /// Why.
    pub cause: Cause,
    /// Who wrote it, or runs it.
    pub process: Option<Arc<Proc>>,
    /// How often it was looked at while it was still being written: each time it is left alone for twice as long.
    pub again: u8,
}

impl Hint {
    /// A file of this host, by nobody in particular.
    pub fn new(path: impl Into<PathBuf>, cause: Cause) -> Hint {
        Hint { path: path.into(), cause, process: None, again: 0 }
    }
}

/// The files that an event is about, if it is one that changes or starts files: a program and the script it runs, or what
/// was written, created or renamed into place.
pub fn of(event: &Event) -> impl Iterator<Item = Hint> + use<> {
    let mut hints = [None, None];
    let process = event.process.as_ref();
    let hint =
        |path: &str, cause| path.starts_with('/').then(|| Hint { process: process.cloned(), ..Hint::new(path, cause) });
    match (&event.activity, process) {
        (Activity::Exec(exec), Some(process)) if !exec.path_truncated => {
            hints = [hint(&process.info.exe.path, Cause::Exec), hint(&exec.script, Cause::Exec)];
        }
        (Activity::File(file), _) if !file.path_truncated => match file.op() {
            FileOp::Create | FileOp::OpenWrite | FileOp::Truncate => hints[0] = hint(&file.file.path, Cause::Write),
            FileOp::Rename | FileOp::Link => hints[0] = hint(&file.target, Cause::Write),
            _ => {}
        },
        _ => {}
    }
    hints.into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::{Exec, FileActivity, FileId, Process};

    fn event(activity: Activity) -> Event {
        let exe = FileId { path: "/usr/bin/python3".into(), ..FileId::default() };
        let process = Proc::new(Process { exe, ..Process::default() }, None);
        Event { seq: 0, time_us: 0, process: Some(process), activity }
    }

    fn paths(activity: Activity) -> Vec<(String, &'static str)> {
        of(&event(activity)).map(|hint| (hint.path.display().to_string(), hint.cause.word())).collect()
    }

    #[test]
    fn programs_scripts_and_written_files_are_looked_at_and_nothing_else() {
        let script = |script: &str| Activity::Exec(Exec { script: script.into(), ..Exec::default() });
        let seen = paths(script("/tmp/a.py"));
        assert_eq!(seen, [("/usr/bin/python3".into(), "exec"), ("/tmp/a.py".into(), "exec")]);
        assert_eq!(paths(script("a.py")).len(), 1, "a relative path names no file");
        let file = |op: FileOp| {
            let path = |path: &str| FileId { path: path.into(), ..FileId::default() };
            Activity::File(FileActivity { op: op as i32, file: path("/a"), target: "/b".into(), ..Default::default() })
        };
        assert_eq!(paths(file(FileOp::OpenWrite)), [("/a".into(), "write")]);
        assert_eq!(paths(file(FileOp::Rename)), [("/b".into(), "write")]);
        assert!(paths(file(FileOp::Unlink)).is_empty() && paths(file(FileOp::OpenRead)).is_empty());
    }
}

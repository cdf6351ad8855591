//! What an event of the sensor says about watched paths.

use crate::watched::Watched;
use record::{Activity, Event, FileOp, Proc};
use std::sync::Arc;

/// Something happened to a path.
#[derive(Debug, Clone)]
pub struct Touch {
    /// The path, the link at its top followed.
    pub path: String,
    /// Whether what is below may have changed with it: a folder that was renamed, a mount.
    pub whole: bool,
    /// Who did it.
    pub process: Option<Arc<Proc>>,
}

/// What an event means to the watch.
pub enum Meaning {
    /// Nothing.
    None,
    /// These paths.
    Touched(Vec<Touch>),
    /// Events of files were lost: everything has to be looked at.
    Lost,
}

/// Reads an event. It runs on the sensor's thread for every event, so what is not about a watched path costs a comparison
/// of its first names and no allocation.
pub fn of(event: &Event, watched: &Watched) -> Meaning {
    let one = |path: &str, whole: bool| touch(watched, event, path, whole);
    let touched: Vec<Touch> = match &event.activity {
        Activity::File(file) => match file.op() {
            FileOp::OpenRead | FileOp::Unknown => return Meaning::None,
            FileOp::Rename | FileOp::Link => {
                let renamed = file.op() == FileOp::Rename;
                one(&file.file.path, renamed).into_iter().chain(one(&file.target, renamed)).collect()
            }
            _ => one(&file.file.path, false).into_iter().collect(),
        },
        Activity::Mount(mount) => one(&mount.target, true).into_iter().collect(),
        Activity::IoUring(ring) => one(&ring.path, true).into_iter().collect(),
        Activity::Lost(lost) if matches!(lost.class.as_str(), "file" | "mount" | "io_uring") => return Meaning::Lost,
        _ => return Meaning::None,
    };
    if touched.is_empty() { Meaning::None } else { Meaning::Touched(touched) }
}

fn touch(watched: &Watched, event: &Event, path: &str, whole: bool) -> Option<Touch> {
    if !path.starts_with('/') {
        return None;
    }
    let resolved = watched.resolved(path);
    let meant = watched.covers(&resolved) || (whole && watched.above(&resolved));
    // A container's `/etc` is not this host's.
    let elsewhere = event.process.as_ref().is_some_and(|process| !process.info.container.is_empty());
    (meant && !elsewhere).then(|| Touch { path: resolved.into_owned(), whole, process: event.process.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::IntegrityConfig;
    use record::{FileActivity, FileId, Lost, Mount, Process};

    fn paths(activity: Activity, container: &str) -> Option<Vec<(String, bool)>> {
        let config = IntegrityConfig { paths: vec!["/etc".into(), "/srv/a/b".into()], ..IntegrityConfig::default() };
        let watched = Watched::new(&config).unwrap();
        let process = Proc::new(Process { container: container.into(), ..Process::default() }, None);
        match of(&Event { seq: 0, time_us: 0, process: Some(process), activity }, &watched) {
            Meaning::None => Some(Vec::new()),
            Meaning::Touched(list) => Some(list.into_iter().map(|touch| (touch.path, touch.whole)).collect()),
            Meaning::Lost => None,
        }
    }

    fn file(op: FileOp, path: &str, target: &str) -> Activity {
        let file = FileId { path: path.into(), ..FileId::default() };
        Activity::File(FileActivity { op: op as i32, file, target: target.into(), ..FileActivity::default() })
    }

    #[test]
    fn changes_of_watched_paths_are_heard_and_nothing_else() {
        let one = |path: &str, whole| Some(vec![(path.to_owned(), whole)]);
        assert_eq!(paths(file(FileOp::OpenWrite, "/etc/passwd", ""), ""), one("/etc/passwd", false));
        assert_eq!(paths(file(FileOp::Rename, "/tmp/x", "/etc/passwd"), ""), one("/etc/passwd", true));
        assert_eq!(paths(file(FileOp::Rename, "/srv/a", "/srv/c"), ""), one("/srv/a", true));
        assert_eq!(paths(file(FileOp::Unlink, "/srv/a", ""), ""), Some(vec![]));
        assert_eq!(paths(file(FileOp::OpenRead, "/etc/passwd", ""), ""), Some(vec![]));
        assert_eq!(paths(file(FileOp::OpenWrite, "passwd", ""), ""), Some(vec![]));
        assert_eq!(paths(file(FileOp::OpenWrite, "/etc/passwd", ""), "0123456789ab"), Some(vec![]), "of a container");
        let mount = Mount { target: "/etc/ssh".into(), ..Mount::default() };
        assert_eq!(paths(Activity::Mount(mount), ""), one("/etc/ssh", true));
        let lost = |class: &str| Activity::Lost(Lost { class: class.into(), ..Lost::default() });
        assert_eq!((paths(lost("file"), ""), paths(lost("net"), "")), (None, Some(vec![])));
    }
}

//! Scans of files that were written or started, and of the whole host in quiet hours.

use super::{Ground, Kind, Sense, Started, deliver};
use crate::desk::Ear;
use crate::fault;
use base::{Fault, Result, SystemRandom};
use fleet::content::{Files, Name};
use record::Event;
use scan::{Hints, Runner};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

struct Scanner {
    hints: Hints,
    rules: PathBuf,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

/// Scans of files.
pub const KIND: Kind = Kind { name: "scan", tells: record::Kind::Scan, wanted: |config| config.scan.enabled, start };

/// Starts scanning where the scanner's program is.
fn start(ground: &Ground<'_>) -> Started {
    let mut config = ground.config.scan.clone();
    if !config.scanner().is_file() {
        tracing::warn!(program = %config.scanner().display(), "files are not scanned: the scanner is not installed");
        return Ok(None);
    }
    let state = ground.config.state.join("scan");
    let rules = state.join("published");
    // What lies there is about malware and would be found.
    config.exclude.push(ground.config.state.clone());
    config.rules.push(rules.clone());
    match ground.published.get(&Name::Yara) {
        Some(files) => write(&rules, files)?,
        None => std::fs::create_dir_all(&rules).map_err(|cause| failed(&rules, cause))?,
    }
    let runner = Runner::new(config, state, ground.clock.clone(), &SystemRandom::new());
    let (hints, stop, desk) = (runner.hints(), Arc::new(AtomicBool::new(false)), ground.desk.clone());
    let told = stop.clone();
    let work = move || runner.run(&told, &mut |event| deliver(&desk, event));
    let started = std::thread::Builder::new().name("scan".into()).spawn(work);
    let thread = started.map_err(|cause| Fault::new(&fault::THREAD).object("scan").because(cause))?;
    ground.desk.listen(Arc::new(Listener(hints.clone())));
    Ok(Some(Box::new(Scanner { hints, rules, stop, thread })))
}

struct Listener(Hints);

impl Ear for Listener {
    fn hear(&self, event: &Event) {
        self.0.see(event);
    }
}

fn failed(path: &Path, cause: io::Error) -> Fault {
    Fault::new(&fleet::fault::STATE).object(path.display()).because(cause)
}

/// Puts published rules into their folder, in the place of those before.
fn write(folder: &Path, files: &Files) -> Result<()> {
    let clear = match std::fs::remove_dir_all(folder) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(cause),
        _ => std::fs::create_dir_all(folder),
    };
    clear.map_err(|cause| failed(folder, cause))?;
    for (number, file) in files.files.iter().enumerate() {
        // Folders mean nothing to a rule; the number keeps the names apart.
        let path = folder.join(format!("{number:05}-{}.yar", file.name.replace(['/', '.'], "-")));
        std::fs::write(&path, &file.text).map_err(|cause| failed(&path, cause))?;
    }
    Ok(())
}

impl Sense for Scanner {
    fn renew(&mut self, name: Name, files: &Files) -> Result<()> {
        if name == Name::Yara {
            write(&self.rules, files)?;
            self.hints.reload();
        }
        Ok(())
    }

    fn lost(&self) -> Vec<(String, u64)> {
        let stats = self.hints.stats();
        vec![("scan.dropped".into(), stats.dropped), ("scan.failed".into(), stats.failed)]
    }

    fn stop(self: Box<Self>) {
        self.stop.store(true, Ordering::Relaxed);
        self.hints.wake();
        // A panic was reported by the thread itself.
        let _ = self.thread.join();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_rules_take_the_place_of_those_before() {
        let folder = std::env::temp_dir().join(format!("garrison-yara-{}", std::process::id()));
        write(&folder, &Files::of([("a/x.yar", "rule a {}"), ("a-x.yar", "rule b {}")])).unwrap();
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 2);
        write(&folder, &Files::of([("c.yar", "rule c {}")])).unwrap();
        let left: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["00000-c-yar.yar"]);
        std::fs::remove_dir_all(folder).unwrap();
    }
}

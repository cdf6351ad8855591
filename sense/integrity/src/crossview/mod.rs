//! The cross-view: the same question asked in several ways. A rootkit that answers one of them wrongly is seen by the
//! others.
//!
//! Every check is a file with a line in [`ALL`]. It reads, asks and compares; it changes nothing, sends nothing and never
//! touches another process. A finding counts only when it stands in three looks ([`look`]): what a race made is gone by
//! then.

pub mod diag;
mod hidden_folder;
mod hook;
mod interface;
mod kernel_thread;
mod module;
mod port;
mod preload;
mod process;
mod program;
mod taint;
mod unlinked;
pub mod watch;

use crate::fault;
use crate::limits::FINDINGS;
use base::{Fault, Result};
use record::{FileId, Pair, Scan};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

/// The engine's word in records.
pub const ENGINE: &str = "rootkit";
/// Looks after the first that must agree with it.
const AGAIN: usize = 2;
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(300);

/// Something that does not fit together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Finding {
    /// What of its check it is: the same in every look.
    pub key: String,
    /// Name in records: `hidden-process`.
    pub name: &'static str,
    /// How sure, 0–100.
    pub score: u32,
    /// Process, 0 when none.
    pub pid: u32,
    /// File, empty when none.
    pub path: String,
    /// Why.
    pub details: Vec<(&'static str, String)>,
}

impl Finding {
    /// The record of it; `cause` is `schedule` or `order`.
    pub fn scan(&self, cause: &str) -> Scan {
        Scan {
            engine: ENGINE.into(),
            name: self.name.into(),
            file: FileId { path: self.path.clone(), ..FileId::default() },
            score: self.score,
            pid: self.pid,
            details: self.details.iter().map(|(name, value)| Pair::new(*name, value)).collect(),
            cause: cause.into(),
            ..Scan::default()
        }
    }
}

/// A way to look.
pub struct Check {
    /// Its name in configuration and reports.
    pub name: &'static str,
    /// Looks once.
    pub look: fn() -> Result<Vec<Finding>>,
}

/// Every check.
pub const ALL: &[Check] = &[
    process::CHECK,
    kernel_thread::CHECK,
    unlinked::CHECK,
    port::CHECK,
    module::CHECK,
    preload::CHECK,
    program::CHECK,
    hook::CHECK,
    taint::CHECK,
    interface::CHECK,
    hidden_folder::CHECK,
];

/// What a look over the host gave.
#[derive(Debug, Default)]
pub struct Report {
    /// Findings with the name of their check.
    pub findings: Vec<(&'static str, Finding)>,
    /// Checks that this host refuses, and why.
    pub refused: Vec<(&'static str, Fault)>,
}

/// Makes every check but the excluded ones. `pause` waits between the looks and says whether to go on.
pub fn look(exclude: &[String], pause: &dyn Fn(Duration) -> bool) -> Report {
    let mut report = Report::default();
    for check in ALL.iter().filter(|check| !exclude.iter().any(|name| name == check.name)) {
        match (check.look)() {
            Err(fault) => report.refused.push((check.name, fault)),
            Ok(first) => {
                let stands = confirm(first, check.look, pause);
                report.findings.extend(stands.into_iter().take(FINDINGS).map(|finding| (check.name, finding)));
            }
        }
    }
    report
}

/// What stands in later looks too, as the last saw it.
fn confirm(first: Vec<Finding>, look: fn() -> Result<Vec<Finding>>, pause: &dyn Fn(Duration) -> bool) -> Vec<Finding> {
    let mut stands = first;
    for _ in 0..AGAIN {
        if stands.is_empty() || !pause(PAUSE) {
            return Vec::new();
        }
        let keys: BTreeSet<String> = stands.into_iter().map(|finding| finding.key).collect();
        stands = look().unwrap_or_default();
        stands.retain(|finding| keys.contains(&finding.key));
    }
    stands
}

/// That a check cannot be made, because of this file or call.
fn unseen(what: impl std::fmt::Display, cause: impl std::fmt::Display) -> Fault {
    Fault::new(&fault::UNSEEN).object(what).because(cause)
}

/// A text of `/proc` or `/sys`.
fn read(path: &str) -> Result<String> {
    let bytes = std::fs::read(path).map_err(|cause| unseen(path, cause))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Numbers among the names of a folder: process and thread ids.
fn numbers(folder: impl AsRef<Path>) -> impl Iterator<Item = u32> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// Folders that anyone may write to.
fn is_temporary(path: &str) -> bool {
    ["/tmp/", "/var/tmp/", "/dev/shm/", "/run/user/", "/memfd:"].iter().any(|folder| path.starts_with(folder))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn only_what_stands_in_every_look_is_found() {
        static LOOKS: AtomicUsize = AtomicUsize::new(0);
        fn again() -> Result<Vec<Finding>> {
            let look = LOOKS.fetch_add(1, Ordering::Relaxed);
            let keys: &[&str] = if look == 0 { &["stays", "goes", "new"] } else { &["stays", "new"] };
            Ok(keys.iter().map(|key| Finding { key: key.to_string(), ..Finding::default() }).collect())
        }
        let first = ["stays", "goes", "raced"].map(|key| Finding { key: key.into(), ..Finding::default() });
        let found = confirm(first.to_vec(), again, &|_| true);
        assert_eq!(found.iter().map(|finding| finding.key.as_str()).collect::<Vec<_>>(), ["stays"]);
        assert!(confirm(first.to_vec(), again, &|_| false).is_empty(), "told to stop");
    }

    #[test]
    fn every_check_has_a_name_of_its_own_and_runs_or_says_why_not() {
        let names: BTreeSet<&str> = ALL.iter().map(|check| check.name).collect();
        assert_eq!(names.len(), ALL.len());
        for check in ALL {
            match (check.look)() {
                Ok(found) => println!("{}: {} in one look", check.name, found.len()),
                Err(fault) => println!("skipped: {} ({})", check.name, fault.inside()),
            }
        }
    }

    #[test]
    fn a_sound_host_hides_nothing() {
        let report = look(&[], &|wait| {
            std::thread::sleep(wait);
            true
        });
        for (check, fault) in &report.refused {
            println!("skipped: {check} ({})", fault.inside());
        }
        println!("{:#?}", report.findings);
        assert!(report.findings.iter().all(|(_, finding)| finding.score < 90), "{:#?}", report.findings);
    }
}

//! Control groups, version 2 or 1: the few that use most memory.
//!
//! The tree is walked every ten seconds, at most [`VISITED_MAX`] groups deep and wide together; the [`TOLD_MAX`] groups
//! with most memory are then read each second.

use super::area::{Area, Output};
use super::kept::Kept;
use super::{tables, text};
use std::path::Path;

/// Most groups told.
const TOLD_MAX: usize = 16;
/// Most groups looked at in a walk.
const VISITED_MAX: usize = 128;
/// Deepest group looked at.
const DEEPEST: usize = 5;
/// How often the tree is walked, ns.
const WALK_EVERY: u64 = 10_000_000_000;
/// A limit above this means none, bytes (version 1 writes a number near 2⁶³).
const NO_LIMIT: f64 = 1e18;

/// Files of a group.
#[derive(Debug)]
struct Group {
    name: String,
    cpu: Kept,
    memory: Kept,
    limit: Kept,
    tasks: Kept,
    throttled: Kept,
}

#[derive(Debug)]
pub(super) struct Reader {
    root: Root,
    buffer: Vec<u8>,
    told: Vec<Group>,
    next_walk: u64,
    area: Area,
}

/// Which hierarchy the host has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Root {
    Unified,
    Legacy,
    None,
}

impl Root {
    fn find() -> Root {
        match () {
            () if Path::new("/sys/fs/cgroup/cgroup.controllers").exists() => Root::Unified,
            () if Path::new("/sys/fs/cgroup/memory").exists() => Root::Legacy,
            () => Root::None,
        }
    }

    /// The folder whose tree is walked.
    fn memory(self) -> &'static str {
        if self == Root::Unified { "/sys/fs/cgroup" } else { "/sys/fs/cgroup/memory" }
    }

    fn memory_file(self) -> &'static str {
        if self == Root::Unified { "memory.current" } else { "memory.usage_in_bytes" }
    }

    fn open(self, name: &str) -> Group {
        let file = |controller: &str, file: &str| match self {
            Root::Unified => Kept::new(format!("/sys/fs/cgroup{name}/{file}")),
            _ => Kept::new(format!("/sys/fs/cgroup/{controller}{name}/{file}")),
        };
        let (cpu, limit, throttled) = match self {
            Root::Unified => ("cpu.stat", "memory.max", "cpu.stat"),
            _ => ("cpuacct.usage", "memory.limit_in_bytes", "cpu.stat"),
        };
        Group {
            name: name.to_owned(),
            cpu: file("cpuacct", cpu),
            memory: file("memory", self.memory_file()),
            limit: file("memory", limit),
            tasks: file("pids", "pids.current"),
            throttled: file("cpu", throttled),
        }
    }
}

impl Reader {
    pub(super) fn new() -> Reader {
        let area = Area::new(tables::GROUP);
        Reader { root: Root::find(), buffer: Vec::new(), told: Vec::new(), next_walk: 0, area }
    }

    pub(super) fn read(&mut self, output: &mut Output, now: u64) {
        if self.root == Root::None {
            return;
        }
        if now >= self.next_walk {
            self.next_walk = now + WALK_EVERY;
            self.walk();
        }
        for group in &self.told {
            // A group that was removed since the walk does not read any more.
            let Some(memory) = group.memory.read(&mut self.buffer).map(text::first) else { continue };
            let unified = self.root == Root::Unified;
            let cpu =
                group.cpu.read(&mut self.buffer).map_or(f64::NAN, |content| cpu_percent_seconds(content, unified));
            let limit = group.limit.read(&mut self.buffer).map(text::first).filter(|limit| *limit < NO_LIMIT);
            let tasks = group.tasks.read(&mut self.buffer).map_or(f64::NAN, text::first);
            let throttled =
                group.throttled.read(&mut self.buffer).map_or(f64::NAN, |content| stat(content, b"nr_throttled"));
            self.area.clear();
            self.area.set_columns([cpu, memory, limit.unwrap_or(f64::NAN), tasks, throttled].into_iter());
            self.area.emit(output, &group.name);
        }
        self.area.end();
    }

    /// Chooses the groups to tell; files of a group that stays chosen stay open.
    fn walk(&mut self) {
        let root = self.root.memory();
        let mut waiting = vec![(String::new(), 0)];
        let mut found: Vec<(f64, String)> = Vec::new();
        while let Some((name, depth)) = waiting.pop() {
            let Ok(folder) = std::fs::read_dir(format!("{root}{name}")) else { continue };
            let folders =
                folder.filter_map(|entry| entry.ok()).filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
            for entry in folders {
                if found.len() >= VISITED_MAX {
                    break;
                }
                let below = format!("{name}/{}", entry.file_name().to_string_lossy());
                let file = Kept::new(format!("{root}{below}/{}", self.root.memory_file()));
                found.push((file.read(&mut self.buffer).map_or(0.0, text::first), below.clone()));
                if depth + 1 < DEEPEST {
                    waiting.push((below, depth + 1));
                }
            }
        }
        found.sort_by(|one, other| other.0.total_cmp(&one.0).then_with(|| one.1.cmp(&other.1)));
        let mut before = std::mem::take(&mut self.told);
        for (_, name) in found.into_iter().take(TOLD_MAX) {
            let place = before.iter().position(|group| group.name == name && group.memory.is_open());
            self.told.push(place.map_or_else(|| self.root.open(&name), |place| before.swap_remove(place)));
        }
    }
}

/// CPU time such that its rate is percent of one core.
fn cpu_percent_seconds(content: &[u8], unified: bool) -> f64 {
    if unified { stat(content, b"usage_usec") / 1e4 } else { text::first(content) / 1e7 }
}

fn stat(content: &[u8], wanted: &[u8]) -> f64 {
    let mut found = f64::NAN;
    text::pairs(content, |key, value| {
        if key == wanted {
            found = value;
        }
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_give_percent() {
        assert_eq!(cpu_percent_seconds(b"usage_usec 2000000\nuser_usec 5\n", true), 200.0);
        assert_eq!(cpu_percent_seconds(b"3000000000\n", false), 300.0);
        assert!(cpu_percent_seconds(b"", true).is_nan());
    }
}

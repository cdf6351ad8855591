//! What to scan next: files that something happened to first, then the walk, each within its budget. Pure but for the
//! tree it is given.

use crate::budget::Budget;
use crate::config::ScanConfig;
use crate::hint::{Cause, Hint};
use crate::lane::Lane;
use crate::limits::LANE;
use crate::walk::{self, Tree, Walk};
use base::Micros;
use std::path::{Path, PathBuf};

/// Longest wait that is asked for: what the host does meanwhile is looked at again.
const LOOK: Micros = 5_000_000;
/// Names looked at in one call; a walk over a million excluded names must not hold up a started program.
const STEPS: usize = 256;
/// µs of an hour.
const HOUR: Micros = 3_600_000_000;

/// What to do.
#[derive(Debug)]
pub enum Step {
    /// Scan this file, then say what it took ([`Scheduler::charge`]).
    Scan(Hint),
    /// Nothing for so many µs, or until a hint comes.
    Wait(Micros),
}

/// How the host is.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// Monotonic clock.
    pub now: Micros,
    /// Wall clock.
    pub wall: Micros,
    /// Processors wanted by others, percent of those there are.
    pub busy_percent: u32,
}

/// How far the walk is, for the disk.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Progress {
    /// When it began, wall clock; 0 when there was none.
    pub begun: Micros,
    /// The last file it came to, none when it is over.
    pub last: Option<PathBuf>,
    /// Whether it goes on.
    pub open: bool,
}

/// The scheduler.
pub struct Scheduler {
    config: ScanConfig,
    lane: Lane,
    lane_cpu: Budget,
    walk: Option<Walk>,
    walk_bytes: Budget,
    walk_cpu: Budget,
    progress: Progress,
    left_out: u64,
}

impl Scheduler {
    /// Goes on where a walk was cut off.
    pub fn new(config: ScanConfig, progress: Progress) -> Scheduler {
        let lane = Lane::new(LANE, Micros::from(config.settle_ms) * 1000);
        // Percent of a core are 10,000 µs a second each.
        let cpu = |percent: u32| Budget::new(u64::from(percent) * 10_000);
        let walk = progress.open.then(|| Walk::new(&config.roots, progress.last.clone()));
        Scheduler {
            lane,
            lane_cpu: cpu(config.urgent_cpu_percent),
            walk,
            walk_bytes: Budget::new(config.bytes_per_second),
            walk_cpu: cpu(config.cpu_percent),
            progress,
            left_out: 0,
            config,
        }
    }

    /// Something happened to a file.
    pub fn hint(&mut self, hint: Hint, now: Micros) {
        let wanted = match hint.cause {
            Cause::Exec => self.config.on_exec,
            Cause::Write => self.config.on_write,
            Cause::Order | Cause::Schedule => true,
        };
        // Whoever asks for a file means it, excluded or not.
        if wanted && (hint.cause == Cause::Order || !self.config.excludes(&hint.path)) {
            self.lane.push(hint, now);
        }
    }

    /// What to do now.
    pub fn next(&mut self, moment: Moment, tree: &mut dyn Tree) -> Step {
        let lane_wait = self.lane.due().map(|due| due.saturating_sub(moment.now).max(0));
        if lane_wait == Some(0) {
            // The budget of the lane holds the walk back too: it is the less urgent.
            return match self.lane_cpu.wait(moment.now) {
                0 => self.lane.pop(moment.now).map_or(Step::Wait(LOOK), Step::Scan),
                wait => Step::Wait(wait.min(LOOK)),
            };
        }
        let until_lane = lane_wait.unwrap_or(LOOK).min(LOOK);
        match self.walked(moment, tree) {
            Step::Wait(wait) => Step::Wait(wait.min(until_lane)),
            scan => scan,
        }
    }

    /// What a file took.
    pub fn charge(&mut self, cause: Cause, bytes: u64, cpu_us: u64) {
        if cause == Cause::Schedule {
            self.walk_bytes.charge(bytes);
            self.walk_cpu.charge(cpu_us);
        } else {
            self.lane_cpu.charge(cpu_us);
        }
    }

    /// Starts the walk anew: there are other rules.
    pub fn restart_walk(&mut self) {
        self.walk = None;
        self.progress = Progress::default();
    }

    /// How far the walk is.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Files that wait.
    pub fn waiting(&self) -> usize {
        self.lane.len()
    }

    /// Hints dropped and names left out of the walk since the last call.
    pub fn take_left_out(&mut self) -> (u64, u64) {
        let walked = self.walk.as_mut().map_or(0, |walk| std::mem::take(&mut walk.left_out));
        (self.lane.take_dropped(), walked + std::mem::take(&mut self.left_out))
    }

    fn walked(&mut self, moment: Moment, tree: &mut dyn Tree) -> Step {
        if self.config.roots.is_empty() {
            return Step::Wait(LOOK);
        }
        if moment.busy_percent > self.config.rest_above_percent {
            return Step::Wait(LOOK);
        }
        let wait = self.walk_bytes.wait(moment.now).max(self.walk_cpu.wait(moment.now));
        if wait > 0 {
            return Step::Wait(wait.min(LOOK));
        }
        let walk = match &mut self.walk {
            Some(walk) => walk,
            None => {
                let every = HOUR * Micros::from(self.config.every_hours.max(1));
                // A clock set back must not hold the walk up for years.
                let due = moment.wall < self.progress.begun || moment.wall - self.progress.begun >= every;
                if self.progress.begun != 0 && !due {
                    return Step::Wait(LOOK);
                }
                self.progress = Progress { begun: moment.wall.max(1), last: None, open: true };
                self.walk.insert(Walk::new(&self.config.roots, None))
            }
        };
        let config = &self.config;
        match walk.next(tree, &|path: &Path| config.excludes(path), STEPS) {
            walk::Step::File(path) => {
                self.progress.last = Some(path.clone());
                Step::Scan(Hint::new(path, Cause::Schedule))
            }
            walk::Step::More => Step::Wait(0),
            walk::Step::End => {
                self.left_out += walk.left_out;
                self.walk = None;
                self.progress = Progress { last: None, open: false, ..self.progress };
                Step::Wait(LOOK)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::walk::tests::Paper;

    const TREE: &[&str] = &["/a/1", "/a/2", "/b/3", "/proc/4"];

    fn scheduler(progress: Progress) -> Scheduler {
        Scheduler::new(ScanConfig::default(), progress)
    }

    fn at(now: Micros) -> Moment {
        Moment { now, wall: 1_000_000_000 + now, busy_percent: 0 }
    }

    fn hint(path: &str, cause: Cause) -> Hint {
        Hint::new(path, cause)
    }

    /// Files scanned until it wants to wait.
    fn run(scheduler: &mut Scheduler, moment: Moment) -> Vec<String> {
        let (mut tree, mut files) = (Paper::of(TREE), Vec::new());
        loop {
            match scheduler.next(moment, &mut tree) {
                Step::Scan(hint) => files.push(format!("{} {}", hint.cause.word(), hint.path.display())),
                Step::Wait(0) => {}
                Step::Wait(_) => return files,
            }
        }
    }

    #[test]
    fn started_files_go_before_the_walk_and_a_walk_comes_once_a_day() {
        let mut scheduler = scheduler(Progress::default());
        scheduler.hint(hint("/tmp/x", Cause::Exec), 0);
        scheduler.hint(hint("/tmp/w", Cause::Write), 0);
        scheduler.hint(hint("/proc/self/exe", Cause::Exec), 0);
        let files = run(&mut scheduler, at(0));
        assert_eq!(files, ["exec /tmp/x", "schedule /a/1", "schedule /a/2", "schedule /b/3"]);
        assert_eq!(run(&mut scheduler, at(1_000_000)), ["write /tmp/w"]);
        assert!(run(&mut scheduler, at(23 * HOUR)).is_empty());
        assert_eq!(run(&mut scheduler, at(24 * HOUR)).len(), 3);
        let before = Moment { now: 24 * HOUR, wall: 5, busy_percent: 0 };
        assert_eq!(run(&mut scheduler, before).len(), 3, "a clock that was set back");
    }

    #[test]
    fn the_walk_rests_while_the_host_is_busy_and_a_started_file_does_not() {
        let mut scheduler = scheduler(Progress::default());
        scheduler.hint(hint("/tmp/x", Cause::Exec), 0);
        let busy = Moment { busy_percent: 90, ..at(0) };
        assert_eq!(run(&mut scheduler, busy), ["exec /tmp/x"]);
    }

    #[test]
    fn a_walk_keeps_its_budget_and_goes_on_after_a_restart() {
        let mut one = scheduler(Progress::default());
        let mut tree = Paper::of(TREE);
        assert!(matches!(one.next(at(0), &mut tree), Step::Scan(_)));
        one.charge(Cause::Schedule, 3 * 16 * 1024 * 1024, 0);
        assert!(matches!(one.next(at(0), &mut tree), Step::Wait(wait) if wait > 1_900_000), "bytes");
        assert!(matches!(one.next(at(2_100_000), &mut tree), Step::Scan(_)));
        one.charge(Cause::Schedule, 0, 300_000);
        assert!(matches!(one.next(at(2_100_000), &mut tree), Step::Wait(wait) if wait > 0), "processor");
        one.hint(hint("/x", Cause::Exec), 0);
        assert!(matches!(one.next(at(2_100_000), &mut tree), Step::Scan(_)), "the lane has its own");
        one.charge(Cause::Exec, 0, 1_000_000);
        one.hint(hint("/y", Cause::Exec), 0);
        assert!(matches!(one.next(at(2_100_000), &mut tree), Step::Wait(wait) if wait > 900_000));
        let mut again = scheduler(one.progress().clone());
        assert_eq!(run(&mut again, at(0)), ["schedule /b/3"]);
        assert!(!again.progress().open && again.progress().begun > 0);
        again.restart_walk();
        assert_eq!(run(&mut again, at(0)).len(), 3);
    }

    #[test]
    fn what_is_switched_off_is_not_scanned_but_by_order() {
        let config = ScanConfig { on_write: false, on_exec: false, roots: Vec::new(), ..ScanConfig::default() };
        let mut scheduler = Scheduler::new(config, Progress::default());
        for (path, cause) in [("/w", Cause::Write), ("/e", Cause::Exec), ("/proc/version", Cause::Order)] {
            scheduler.hint(hint(path, cause), 0);
        }
        assert_eq!(run(&mut scheduler, at(5_000_000)), ["order /proc/version"]);
    }
}

//! No line is lost, and with clean stops none comes twice, under any schedule of writing, rotation and restart.

use crate::Kept;
use base::{Clock, ManualClock};
use logs::FileInput;
use logs::stats::Counters;
use logs::tail::{Settings, Source, Tailer};
use logs::zone::Zone;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What may happen to a log and its reader.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// Lines are written, the last one maybe without its end.
    Write { lines: u8, half: bool },
    /// The log is renamed and a new one made; the writer goes over to it.
    Rename,
    /// The log is renamed and a new one made, but the writer holds on to the old one for now.
    RenameLate,
    /// The log is copied and truncated.
    CopyTruncate,
    /// The oldest rotated file is compressed, as `delaycompress` does with the second.
    Compress,
    /// The reader reads.
    Poll { look: bool },
    /// The reader stops cleanly and starts again.
    Restart,
    /// The reader dies and starts again.
    Kill,
    /// The sink refuses once.
    Refuse,
    /// Time passes.
    Pass,
}

/// A log with its writer, its rotation and its reader.
struct Host {
    folder: tempfile::TempDir,
    clock: Arc<ManualClock>,
    sink: Kept,
    writer: File,
    reader: Option<Tailer>,
    written: u64,
    half: Option<String>,
    dirty: bool,
}

impl Host {
    fn new() -> Host {
        let folder = tempfile::tempdir().unwrap();
        let writer = open(&folder.path().join("app.log"));
        let clock = Arc::new(ManualClock::at(1_700_000_000_000_000));
        let mut host =
            Host { folder, clock, sink: Kept::default(), writer, reader: None, written: 0, half: None, dirty: false };
        host.start();
        host.poll(true);
        host
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("app.log")
    }

    fn start(&mut self) {
        let input = FileInput {
            // Both the log and its rotated files are matched, as careless patterns do.
            paths: vec![format!("{}/*.log*", self.folder.path().display())],
            decoder: "syslog".into(),
            source: String::new(),
            follow_links: false,
        };
        let clock: Arc<dyn Clock> = self.clock.clone();
        let settings = Settings {
            sources: vec![Source { input, counters: Arc::new(Counters::default()) }],
            store: self.folder.path().join("positions"),
            backlog: true,
            rotated_us: 60_000_000,
            clock,
            zone: Zone::fixed(0),
        };
        self.reader = Some(Tailer::new(settings).unwrap());
    }

    /// Reads everything that is there, or fails as the sink does.
    fn poll(&mut self, look: bool) {
        let reader = self.reader.as_mut().unwrap();
        while reader.poll(&self.sink, look).unwrap() {}
    }

    fn rotated(&self) -> Vec<PathBuf> {
        let mut names: Vec<(u64, PathBuf)> = std::fs::read_dir(self.folder.path())
            .unwrap()
            .filter_map(|entry| {
                let path = entry.unwrap().path();
                let number = path.file_name()?.to_str()?.strip_prefix("app.log.")?.parse().ok()?;
                Some((number, path))
            })
            .collect();
        names.sort();
        names.into_iter().map(|(_, path)| path).collect()
    }

    /// Makes room for a new `app.log.1`.
    fn shift(&self) {
        for path in self.rotated().into_iter().rev() {
            let name = path.file_name().unwrap().to_str().unwrap();
            let number: u64 = name.strip_prefix("app.log.").unwrap().parse().unwrap();
            std::fs::rename(&path, path.with_file_name(format!("app.log.{}", number + 1))).unwrap();
        }
    }

    fn write(&mut self, lines: u8, half: bool) {
        for _ in 0..lines {
            if self.half.take().is_some() {
                writeln!(self.writer).unwrap();
                continue;
            }
            self.written += 1;
            writeln!(self.writer, "line {} {}", self.written, "x".repeat(self.written as usize % 37)).unwrap();
        }
        if half && self.half.is_none() {
            self.written += 1;
            let text = format!("line {} half", self.written);
            self.writer.write_all(text.as_bytes()).unwrap();
            self.half = Some(text);
        }
    }

    fn end_half(&mut self) {
        if self.half.is_some() {
            self.write(1, false);
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Write { lines, half } => self.write(lines, half),
            Step::Rename => {
                self.end_half();
                self.shift();
                std::fs::rename(self.log(), self.folder.path().join("app.log.1")).unwrap();
                self.writer = open(&self.log());
            }
            Step::RenameLate => {
                self.shift();
                std::fs::rename(self.log(), self.folder.path().join("app.log.1")).unwrap();
                let new = open(&self.log());
                // The writer goes on in the old file; the reader may look meanwhile.
                self.poll(true);
                self.write(3, false);
                self.end_half();
                self.writer = new;
            }
            Step::CopyTruncate => {
                self.end_half();
                self.shift();
                std::fs::copy(self.log(), self.folder.path().join("app.log.1")).unwrap();
                // The copy may be seen before the truncation; what a reader takes then is in both.
                self.poll(self.written.is_multiple_of(2));
                self.writer.set_len(0).unwrap();
            }
            Step::Compress => {
                // Never one that may still be unread, as `delaycompress` is for.
                if let Some(path) = self.rotated().into_iter().nth(1) {
                    self.poll(true);
                    std::fs::rename(&path, path.with_extension(format!("{}.gz", self.written))).unwrap();
                }
            }
            Step::Poll { look } => self.poll(look),
            Step::Restart => {
                self.poll(true);
                self.reader.as_mut().unwrap().save().unwrap();
                self.start();
            }
            Step::Kill => {
                self.dirty = true;
                self.start();
            }
            Step::Refuse => {
                self.sink.refuses.store(true, Ordering::SeqCst);
                let _ = self.reader.as_mut().unwrap().poll(&self.sink, true);
                self.sink.refuses.store(false, Ordering::SeqCst);
            }
            Step::Pass => self.clock.advance(45_000_000),
        }
    }

    /// Ends the schedule and counts how often each line came.
    fn counts(&mut self) -> BTreeMap<u64, u64> {
        self.end_half();
        self.poll(true);
        for _ in 0..3 {
            self.clock.advance(61_000_000);
            self.poll(true);
        }
        let mut counts = BTreeMap::new();
        for text in self.sink.texts() {
            let number = text.split(' ').nth(1).and_then(|number| number.parse().ok());
            *counts.entry(number.unwrap_or_else(|| panic!("not a line: {text:?}"))).or_default() += 1;
        }
        counts
    }
}

fn open(path: &Path) -> File {
    OpenOptions::new().create(true).append(true).open(path).unwrap()
}

fn step(kills: bool) -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0_u8..20, any::<bool>()).prop_map(|(lines, half)| Step::Write { lines, half }),
        2 => Just(Step::Rename),
        1 => Just(Step::RenameLate),
        2 => Just(Step::CopyTruncate),
        1 => Just(Step::Compress),
        4 => any::<bool>().prop_map(|look| Step::Poll { look }),
        2 => Just(Step::Restart),
        1 => Just(if kills { Step::Kill } else { Step::Restart }),
        1 => Just(Step::Refuse),
        1 => Just(Step::Pass),
    ]
}

fn run(steps: &[Step]) -> Result<(), TestCaseError> {
    let mut host = Host::new();
    steps.iter().for_each(|step| host.step(*step));
    let counts = host.counts();
    let lost: Vec<u64> = (1..=host.written).filter(|number| !counts.contains_key(number)).collect();
    prop_assert!(lost.is_empty(), "lost {:?} of {}", lost, host.written);
    let twice: Vec<_> = counts.iter().filter(|(_, count)| **count > 1).collect();
    prop_assert!(host.dirty || twice.is_empty(), "twice {:?}", twice);
    Ok(())
}

proptest! {
    // Each case syncs positions to the disk many times.
    #![proptest_config(ProptestConfig { cases: 80, ..ProptestConfig::default() })]

    #[test]
    fn no_line_is_lost_and_none_comes_twice(steps in proptest::collection::vec(step(false), 1..25)) {
        run(&steps)?;
    }

    #[test]
    fn no_line_is_lost_when_the_reader_dies(steps in proptest::collection::vec(step(true), 1..25)) {
        run(&steps)?;
    }
}

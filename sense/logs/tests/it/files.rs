//! Files with what real logs have in them, and the reader as the agent runs it.

use crate::Kept;
use base::{Clock, ManualClock, SystemClock, limits};
use logs::stats::Counters;
use logs::tail::{Settings, Source, Tailer};
use logs::zone::Zone;
use logs::{Config, FileInput, Input, InputStats, Logs};
use std::collections::HashSet;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

fn append(path: &Path, bytes: impl AsRef<[u8]>) {
    OpenOptions::new().create(true).append(true).open(path).unwrap().write_all(bytes.as_ref()).unwrap();
}

fn input(pattern: impl AsRef<Path>, decoder: &str) -> FileInput {
    let paths = vec![pattern.as_ref().display().to_string()];
    FileInput { paths, decoder: decoder.into(), source: String::new(), follow_links: false }
}

struct Bench {
    folder: tempfile::TempDir,
    clock: Arc<ManualClock>,
    counters: Arc<Counters>,
    sink: Kept,
}

impl Bench {
    fn new() -> Bench {
        let clock = Arc::new(ManualClock::at(1_700_000_000_000_000));
        Bench { folder: tempfile::tempdir().unwrap(), clock, counters: Arc::default(), sink: Kept::default() }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn tailer(&self, input: FileInput, backlog: bool) -> Tailer {
        let clock: Arc<dyn Clock> = self.clock.clone();
        let sources = vec![Source { input, counters: self.counters.clone() }];
        let store = self.path("positions");
        let settings = Settings { sources, store, backlog, rotated_us: 60_000_000, clock, zone: Zone::fixed(0) };
        Tailer::new(settings).unwrap()
    }

    fn poll(&self, tailer: &mut Tailer) {
        while tailer.poll(&self.sink, true).unwrap() {}
    }

    fn stats(&self) -> InputStats {
        self.counters.stats("")
    }
}

#[test]
fn a_line_of_ten_megabytes_is_cut_and_stops_nobody() {
    let bench = Bench::new();
    let (long, other) = (bench.path("long.log"), bench.path("other.log"));
    append(&long, "before\n");
    append(&long, vec![b'x'; 10 << 20]);
    append(&other, "other 1\n");
    let mut tailer = bench.tailer(input(bench.path("*.log"), "syslog"), true);
    bench.poll(&mut tailer);
    assert_eq!(bench.sink.texts(), ["before", "other 1"], "a half line waits, however long");
    append(&long, "\nafter\n");
    append(&other, "other 2\n");
    bench.poll(&mut tailer);
    let logs = bench.sink.logs();
    let cut = logs.iter().find(|log| log.truncated).unwrap();
    assert_eq!((cut.message.len(), cut.field("log.record_cut")), (limits::LOG_LINE_BYTES, Some("true")));
    let mut texts: Vec<String> = logs.iter().filter(|log| !log.truncated).map(|log| log.message.clone()).collect();
    texts.sort();
    assert_eq!(texts, ["after", "before", "other 1", "other 2"]);
    let stats = bench.stats();
    assert_eq!((stats.cut, stats.lines, stats.events), (1, 5, 5));
    assert!(stats.bytes < 2 * limits::LOG_RECORD_BYTES as u64);
}

#[test]
fn real_bytes_are_read() {
    let bench = Bench::new();
    let log = bench.path("a.log");
    append(&log, b"crlf\r\n\n\r\nbad \xff\xfe end\nnul \0 in\n");
    let mut tailer = bench.tailer(input(&log, "syslog"), true);
    bench.poll(&mut tailer);
    let logs = bench.sink.logs();
    let texts: Vec<&str> = logs.iter().map(|log| log.message.as_str()).collect();
    assert_eq!(texts, ["crlf", "bad \u{fffd}\u{fffd} end", "nul \u{fffd} in"]);
    assert_eq!(logs[1].field("log.bytes_replaced"), Some("2"));
    assert_eq!(logs[0].origin, log.display().to_string());
}

#[test]
fn a_hole_after_truncation_is_passed_over() {
    let bench = Bench::new();
    let log = bench.path("a.log");
    append(&log, "first line\n");
    let mut tailer = bench.tailer(input(&log, "syslog"), true);
    bench.poll(&mut tailer);
    // A writer without O_APPEND goes on at its old offset, megabytes behind the new end.
    let file = OpenOptions::new().write(true).open(&log).unwrap();
    file.set_len(0).unwrap();
    file.write_all_at(b"second line\n", 3 << 20).unwrap();
    bench.poll(&mut tailer);
    assert_eq!(bench.sink.texts(), ["first line", "second line"]);
}

#[test]
fn the_first_start_begins_at_the_end_and_new_files_at_the_beginning() {
    let bench = Bench::new();
    let (old, new) = (bench.path("old.log"), bench.path("new.log"));
    append(&old, "long ago\nhalf");
    append(&bench.path("old.log.1"), "longer ago\n");
    let mut tailer = bench.tailer(input(bench.path("*.log"), "syslog"), false);
    bench.poll(&mut tailer);
    append(&old, " done\n");
    append(&new, "new 1\n");
    bench.poll(&mut tailer);
    assert_eq!(bench.sink.texts(), ["half done", "new 1"]);
    // A later start goes on where it was; what was added to the configuration is new.
    tailer.save().unwrap();
    append(&old, "while away\n");
    let mut inputs = input(bench.path("*.log"), "syslog");
    inputs.paths.push(bench.path("*.txt").display().to_string());
    append(&bench.path("a.txt"), "text before\n");
    let mut tailer = bench.tailer(inputs, false);
    bench.poll(&mut tailer);
    assert_eq!(bench.sink.texts(), ["half done", "new 1", "while away"]);
}

#[test]
fn links_pipes_and_compressed_files_are_left_alone() {
    let bench = Bench::new();
    let secret = bench.path("secret");
    append(&secret, "secret\n");
    std::os::unix::fs::symlink(&secret, bench.path("link.log")).unwrap();
    append(&bench.path("old.log.gz"), "compressed\n");
    rustix::fs::mknodat(rustix::fs::CWD, bench.path("pipe.log"), rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    std::fs::create_dir(bench.path("folder.log")).unwrap();
    let mut tailer = bench.tailer(input(bench.path("*.log*"), "syslog"), true);
    bench.poll(&mut tailer);
    assert!(bench.sink.texts().is_empty());
    assert_eq!(bench.stats().refused, 2);
    let mut following = input(bench.path("link.log"), "syslog");
    following.follow_links = true;
    let mut tailer = bench.tailer(following, true);
    bench.poll(&mut tailer);
    assert_eq!(bench.sink.texts(), ["secret"]);
}

#[test]
fn a_trail_without_a_last_line_feed_is_taken_when_it_rests() {
    let bench = Bench::new();
    let trail = bench.path("trail.json");
    append(&trail, r#"{"Records":[{"eventName":"A"},{"eventName":"B"}]}"#);
    let mut tailer = bench.tailer(input(&trail, "cloudtrail"), true);
    bench.poll(&mut tailer);
    assert!(bench.sink.texts().is_empty());
    bench.clock.advance(2_000_000);
    bench.poll(&mut tailer);
    assert_eq!(bench.sink.texts(), [r#"{"eventName":"A"}"#, r#"{"eventName":"B"}"#]);
    append(&trail, "\n");
    bench.poll(&mut tailer);
    assert_eq!(bench.sink.texts().len(), 2);
}

#[test]
fn a_busy_file_does_not_starve_a_quiet_one() {
    let bench = Bench::new();
    append(&bench.path("a.log"), "busy\n".repeat(400_000));
    append(&bench.path("b.log"), "quiet\n");
    let mut tailer = bench.tailer(input(bench.path("*.log"), "syslog"), true);
    tailer.poll(&bench.sink, true).unwrap();
    let texts = bench.sink.texts();
    let place = texts.iter().position(|text| text == "quiet").unwrap();
    assert!(place * 5 <= logs::limits::TURN_BYTES + 128 * 1024, "the quiet line came after {place} others");
    bench.poll(&mut tailer);
    assert_eq!(bench.sink.texts().len(), 400_001);
}

fn config(folder: &Path) -> Config {
    let inputs = vec![Input::File(input(folder.join("*.log"), "syslog"))];
    Config { usual: false, backlog: true, inputs, ..Config::default() }
}

#[test]
fn the_running_reader_stops_and_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let (log, state) = (folder.path().join("a.log"), folder.path().join("state"));
    let sink = Arc::new(Kept::default());
    let start = || {
        let clock = Arc::new(SystemClock::default());
        Logs::start(&config(folder.path()), &state, clock, sink.clone()).unwrap()
    };
    append(&log, "one\n");
    let logs = start();
    sink.wait_for(1);
    append(&log, "two\n");
    sink.wait_for(2);
    let stats = logs.stats();
    assert_eq!((stats.inputs[0].lines, stats.inputs[0].open), (2, 1));
    logs.stop();
    std::fs::rename(&log, folder.path().join("a.log.1")).unwrap();
    append(&folder.path().join("a.log.1"), "three\n");
    append(&log, "four\n");
    let logs = start();
    sink.wait_for(4);
    logs.stop();
    let mut texts = sink.texts();
    texts[2..].sort();
    assert_eq!(texts, ["one", "two", "four", "three"]);
}

/// The child of the next test: reads until it is killed, and says each line it has taken.
#[test]
fn child_that_reads_until_it_is_killed() {
    let Ok(folder) = std::env::var("GARRISON_LOGS_CHILD") else { return };
    let folder = Path::new(&folder);
    let sink = Arc::new(ToFile(folder.join("taken")));
    let _logs = Logs::start(&config(folder), &folder.join("state"), Arc::new(SystemClock::default()), sink).unwrap();
    loop {
        std::thread::park_timeout(Duration::from_secs(60));
    }
}

struct ToFile(std::path::PathBuf);

impl logs::Sink for ToFile {
    fn take(&self, events: Vec<record::Event>) -> base::Result<()> {
        for event in events {
            if let record::Activity::Log(log) = event.activity {
                append(&self.0, log.message + "\n");
            }
        }
        Ok(())
    }
}

#[test]
fn a_killed_reader_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("a.log");
    let taken = || std::fs::read_to_string(folder.path().join("taken")).unwrap_or_default();
    let mut written = 0;
    for round in 0..4 {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "files::child_that_reads_until_it_is_killed"])
            .env("GARRISON_LOGS_CHILD", folder.path())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        // What stands at the very first look is the past; the promise begins there.
        while !folder.path().join("state/logs.positions").exists() {
            std::thread::park_timeout(Duration::from_millis(5));
        }
        for _ in 0..500 {
            written += 1;
            append(&log, format!("line {written} of many\n"));
            if written % 400 == 0 {
                std::fs::rename(&log, folder.path().join(format!("a.log.{round}{written}"))).unwrap();
            }
        }
        // Killed somewhere in the middle. The last one is given time to finish: lines of an earlier file may come behind
        // the newest, so every line is waited for. The bound only ends a test that has failed anyway.
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(60) {
            let taken = taken();
            let is_enough = match round {
                3 => lost(&taken, written).is_empty(),
                _ => taken.contains(&format!("line {} of", written - 250)),
            };
            if is_enough {
                break;
            }
            std::thread::park_timeout(Duration::from_millis(5));
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let lost = lost(&taken(), written);
    assert!(lost.is_empty(), "lost {lost:?} of {written}");
}

/// Which of the lines written are not among those taken.
fn lost(taken: &str, written: u32) -> Vec<u32> {
    let taken: HashSet<&str> = taken.lines().collect();
    (1..=written).filter(|number| !taken.contains(format!("line {number} of many").as_str())).collect()
}

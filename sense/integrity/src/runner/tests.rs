//! Tests of watching, on real files and with a clock of their own.

use super::*;
use base::{ManualClock, SeededRandom};
use record::{FileActivity, FileOp, Process};

/// A watched folder below a temporary one, beside the state.
struct Bench {
    _folder: tempfile::TempDir,
    root: PathBuf,
    clock: Arc<ManualClock>,
    config: IntegrityConfig,
}

impl Bench {
    fn new() -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        std::fs::create_dir(root.join("etc")).unwrap();
        let config = IntegrityConfig {
            paths: vec![root.join("etc").display().to_string()],
            package_roots: vec![root.clone()],
            settle_ms: 10,
            ..IntegrityConfig::default()
        };
        // Ahead of the machine's clock: every file has settled.
        let clock = Arc::new(ManualClock::at(4_000_000_000_000_000));
        Bench { _folder: folder, root, clock, config }
    }

    fn path(&self, name: &str) -> String {
        self.root.join("etc").join(name).display().to_string()
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn runner(&self) -> Runner {
        let state = self.root.join("state");
        Runner::new(self.config.clone(), state, self.clock.clone(), &SeededRandom::new(1)).unwrap()
    }

    /// Steps until there is nothing to do for long.
    fn settle(&self, runner: &mut Runner) -> Vec<Integrity> {
        let mut told = Vec::new();
        for _ in 0..200 {
            let wait = runner.step(&mut |event| told.push(event));
            self.clock.advance(wait.max(1));
        }
        told.into_iter()
            .filter_map(|event| match event.activity {
                Activity::Integrity(record) => Some(record),
                _ => None,
            })
            .collect()
    }

    fn event(&self, op: FileOp, name: &str, target: &str, process: Option<Arc<Proc>>) -> Event {
        let file = FileId { path: self.path(name), ..FileId::default() };
        let target = if target.is_empty() { String::new() } else { self.path(target) };
        let file = FileActivity { op: op as i32, file, target, ..FileActivity::default() };
        Event { seq: 0, time_us: 0, process, activity: Activity::File(file) }
    }
}

fn words(told: &[Integrity]) -> Vec<(&str, &str)> {
    let name = |record: &'_ Integrity| record.file.path.rsplit('/').next().map(str::len).unwrap_or(0);
    told.iter().map(|one| (one.change.as_str(), &one.file.path[one.file.path.len() - name(one)..])).collect()
}

#[test]
fn a_change_is_told_once_with_who_did_it_and_its_lines() {
    let bench = Bench::new();
    bench.write("a.conf", "one\ntwo\n");
    let mut runner = bench.runner();
    assert!(bench.settle(&mut runner).is_empty(), "a first look is no change");
    bench.write("a.conf", "one\nTWO\n");
    let mut process = Process { key: 7, ..Process::default() };
    process.set_args(["sh", "-c", "evil"]);
    let event = bench.event(FileOp::OpenWrite, "a.conf", "", Some(Proc::new(process, None)));
    runner.touches().see(&event);
    let mut told = Vec::new();
    for _ in 0..100 {
        let wait = runner.step(&mut |event| told.push(event));
        bench.clock.advance(wait.max(1));
    }
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].process.as_ref().map(|process| process.info.cmd_line.as_str()), Some("sh -c evil"));
    let Activity::Integrity(record) = &told[0].activity else { panic!("{told:?}") };
    assert_eq!((record.change.as_str(), record.diff.as_str()), ("modified", "@@ -1,2 +1,2 @@\n one\n-two\n+TWO\n"));
    runner.touches().see(&event);
    assert!(bench.settle(&mut runner).is_empty(), "told already");
    assert_eq!(runner.baseline().pending.len(), 1);
}

#[test]
fn what_changed_while_the_agent_was_off_is_told_at_the_start() {
    let bench = Bench::new();
    for name in ["gone", "kept", "changed"] {
        bench.write(name, name);
    }
    let mut runner = bench.runner();
    bench.settle(&mut runner);
    drop(runner);
    std::fs::remove_file(bench.path("gone")).unwrap();
    bench.write("changed", "x");
    bench.write("new", "x");
    let mut runner = bench.runner();
    let mut told = bench.settle(&mut runner);
    told.sort_by(|one, other| one.file.path.cmp(&other.file.path));
    assert_eq!(words(&told), [("modified", "changed"), ("deleted", "gone"), ("created", "new")]);
    drop(runner);
    assert!(bench.settle(&mut bench.runner()).is_empty(), "told once over restarts");
}

#[test]
fn a_tree_that_is_watched_from_now_on_is_no_change_and_a_changed_baseline_is_one() {
    let mut bench = Bench::new();
    bench.write("a", "a");
    bench.settle(&mut bench.runner());
    std::fs::create_dir(bench.root.join("more")).unwrap();
    std::fs::write(bench.root.join("more/file"), "x").unwrap();
    bench.config.paths.push(bench.root.join("more").display().to_string());
    let mut runner = bench.runner();
    assert!(bench.settle(&mut runner).is_empty());
    assert!(runner.baseline().accepted.contains_key(&bench.root.join("more/file").display().to_string()));
    drop(runner);
    std::fs::write(bench.root.join("state/baseline"), "forged").unwrap();
    let told = bench.settle(&mut bench.runner());
    assert_eq!(words(&told), [("modified", "baseline")]);
    std::fs::remove_file(bench.root.join("state/baseline")).unwrap();
    assert_eq!(words(&bench.settle(&mut bench.runner())), [("deleted", "baseline")]);
    assert!(bench.settle(&mut bench.runner()).is_empty());
}

#[test]
fn what_has_no_room_is_counted_and_no_change_at_the_next_start() {
    let mut bench = Bench::new();
    (0..10).for_each(|number| bench.write(&number.to_string(), "x"));
    bench.config.entries = 5;
    for _ in 0..2 {
        let (mut runner, mut told) = (bench.runner(), Vec::new());
        for _ in 0..200 {
            let wait = runner.step(&mut |event| told.push(event.activity));
            bench.clock.advance(wait.max(1));
        }
        assert!(matches!(told.as_slice(), [Activity::Lost(lost)] if lost.count == 6), "{told:?}");
    }
}

#[test]
fn a_folder_that_is_renamed_takes_its_files_with_it() {
    let bench = Bench::new();
    std::fs::create_dir(bench.path("d")).unwrap();
    bench.write("d/f", "x");
    let mut runner = bench.runner();
    bench.settle(&mut runner);
    std::fs::rename(bench.path("d"), bench.path("e")).unwrap();
    runner.touches().see(&bench.event(FileOp::Rename, "d", "e", None));
    let mut told = bench.settle(&mut runner);
    told.sort_by(|one, other| one.file.path.cmp(&other.file.path));
    assert_eq!(words(&told), [("deleted", "d"), ("deleted", "f"), ("created", "e"), ("created", "f")]);
}

#[test]
fn lost_events_make_it_look_at_everything() {
    let bench = Bench::new();
    bench.write("a", "a");
    let mut runner = bench.runner();
    bench.settle(&mut runner);
    bench.write("a", "b");
    assert!(bench.settle(&mut runner).is_empty(), "nobody said so");
    bench.clock.advance(CALM);
    let lost = Lost { class: "file".into(), place: "ring".into(), count: 1, ..Lost::default() };
    runner.touches().see(&Event { seq: 0, time_us: 0, process: None, activity: Activity::Lost(lost) });
    assert_eq!(words(&bench.settle(&mut runner)), [("modified", "a")]);
}

#[test]
fn accepting_takes_the_change_into_the_baseline() {
    let bench = Bench::new();
    bench.write("a", "a\n");
    let mut runner = bench.runner();
    bench.settle(&mut runner);
    bench.write("a", "b\n");
    runner.touches().see(&bench.event(FileOp::OpenWrite, "a", "", None));
    assert_eq!(bench.settle(&mut runner).len(), 1);
    bench.clock.advance(SAVE);
    bench.settle(&mut runner);
    let (state, random) = (bench.root.join("state"), SeededRandom::new(2));
    let (pending, diff) = command::difference(&state, &bench.path("a"), &random).unwrap();
    assert!(pending.now.is_some() && diff.contains("-a\n+b\n"), "{diff}");
    assert!(command::ask(&state, Some("/etc/other"), &random).unwrap_err().is(&fault::NOT_WATCHED));
    assert_eq!(command::ask(&state, Some(&bench.path("a")), &random).unwrap(), 1);
    bench.clock.advance(LOOK);
    bench.settle(&mut runner);
    assert!(runner.baseline().pending.is_empty());
    assert!(command::status(&state, &random).unwrap().pending.is_empty());
}

#[test]
fn a_file_that_its_package_explains_is_a_note_and_any_other_is_told() {
    let bench = Bench::new();
    let info = bench.root.join("var/lib/dpkg/info");
    std::fs::create_dir_all(&info).unwrap();
    let mut runner = bench.runner();
    bench.settle(&mut runner);
    let sum = "5d41402abc4b2a76b9719d911017c592";
    std::fs::write(info.join("p.list"), "/etc/x\n/etc/y\n").unwrap();
    std::fs::write(info.join("p.md5sums"), format!("{sum}  etc/x\n{sum}  etc/y\n")).unwrap();
    bench.write("x", "hello");
    bench.write("y", "evil");
    // A process that is only called so.
    let exe = FileId { path: "/usr/bin/dpkg".into(), inode: 1, device: 1, ..FileId::default() };
    let fake = Proc::new(Process { key: 1, comm: "dpkg".into(), exe, ..Process::default() }, None);
    for name in ["x", "y"] {
        runner.touches().see(&bench.event(FileOp::Create, name, "", Some(fake.clone())));
    }
    let told = bench.settle(&mut runner);
    assert_eq!(told.iter().map(|one| one.package.as_str()).collect::<Vec<_>>(), ["", ""], "a name is no proof");
    // The file that the manager runs is.
    let Some(stat) = entry::stat(Path::new("/usr/bin/dpkg")) else {
        return println!("skipped: no dpkg on this host");
    };
    let (inode, device) = (stat.st_ino, entry::device(&stat));
    let exe = FileId { path: "/usr/bin/dpkg".into(), inode, device, ..FileId::default() };
    let dpkg = Proc::new(Process { key: 1, exe, ..Process::default() }, None);
    std::fs::remove_file(bench.path("x")).unwrap();
    std::fs::remove_file(bench.path("y")).unwrap();
    bench.clock.advance(CALM);
    runner.wanted = Some(Cause::Lost);
    bench.settle(&mut runner);
    bench.write("x", "hello");
    bench.write("y", "evil");
    for name in ["x", "y", "z"] {
        runner.touches().see(&bench.event(FileOp::Create, name, "", Some(dpkg.clone())));
    }
    bench.write("z", "made by a script");
    let mut told = bench.settle(&mut runner);
    bench.clock.advance(10_000_000);
    told.extend(bench.settle(&mut runner));
    told.sort_by(|one, other| one.file.path.cmp(&other.file.path));
    let packages: Vec<_> = told.iter().map(|one| one.package.as_str()).collect();
    assert_eq!((words(&told).len(), packages), (3, vec!["p", "", "unlisted:dpkg"]), "{told:?}");
}

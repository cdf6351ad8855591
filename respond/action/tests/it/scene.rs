//! An executor in a directory of its own, and the small things every test needs.

use action::{Boot, Executor, ExecutorConfig, Gate, NeverList, NoGate, Sessions};
use base::SystemClock;
use record::{ActionKind, Order, OrderMode, ProcessKey, Receipt, ReceiptState};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a test waits for the kernel at most; far more than it ever takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// Whether the test runs as root; says so by name when not.
pub fn is_root(test: &str) -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        println!("skipped: {test} needs root");
    }
    root
}

/// Waits until `ready` gives something.
pub fn wait_for<T>(what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = ready() {
            return value;
        }
        assert!(Instant::now() < until, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

pub struct Scene {
    pub directory: tempfile::TempDir,
    pub config: ExecutorConfig,
    pub gate: Arc<dyn Gate>,
}

impl Scene {
    pub fn new() -> Scene {
        let directory = tempfile::tempdir().unwrap();
        let base = directory.path().canonicalize().unwrap();
        let mut config = ExecutorConfig::new(base.join("state"), base.join("evidence"));
        config.never = NeverList { sessions: Sessions::None, ..NeverList::default() };
        Scene { directory, config, gate: Arc::new(NoGate) }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().canonicalize().unwrap().join(name)
    }

    pub fn start(&self) -> Executor {
        Executor::new(self.config.clone(), Arc::clone(&self.gate), Arc::new(SystemClock::default())).unwrap()
    }
}

pub fn order(id: &str, kind: ActionKind, parameters: &[(&str, &str)], lease_s: u64) -> Order {
    let parameters = parameters.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    Order { id: id.into(), action: kind as i32, mode: OrderMode::Apply as i32, parameters, lease_s, ..Order::default() }
}

pub fn dry(order: Order) -> Order {
    Order { mode: OrderMode::DryRun as i32, ..order }
}

pub fn undo(id: &str, undoes: &str) -> Order {
    Order { id: id.into(), mode: OrderMode::Undo as i32, undoes: undoes.into(), ..Order::default() }
}

/// The one receipt, in this state.
pub fn expect(receipts: &[Receipt], state: ReceiptState) -> Receipt {
    assert_eq!(receipts[0].state(), state, "{receipts:#?}");
    receipts[0].clone()
}

/// The start time out of `/proc/PID/stat`, read here independently of the crate.
pub fn key(pid: u32) -> ProcessKey {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let ticks = text.rsplit_once(')').unwrap().1.split_ascii_whitespace().nth(19).unwrap();
    ProcessKey::from_ticks(pid, ticks.parse().unwrap())
}

/// A child of the test with its own mark in the environment; killed with everything that bears the mark.
pub struct Tree {
    pub child: Child,
    mark: String,
}

impl Tree {
    pub fn start(script: &str, directory: &Path) -> Tree {
        Tree::start_with(script, directory, Stdio::null())
    }

    pub fn start_with(script: &str, directory: &Path, stdin: Stdio) -> Tree {
        let mark = format!("GARRISON_TEST_MARK={}", directory.display());
        let (name, value) = mark.split_once('=').unwrap();
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]).env(name, value).env("DB_PASSWORD", "hunter2").current_dir(directory);
        let child = command.stdin(stdin).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        Tree { child, mark }
    }

    pub fn key(&self) -> ProcessKey {
        key(self.child.id())
    }

    /// Living processes with the mark.
    pub fn members(&self) -> Vec<u32> {
        let pids = std::fs::read_dir("/proc").unwrap().flatten();
        let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        pids.filter(|pid| {
            // The environment of a dead process reads as empty.
            let environ = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environ.split(|byte| *byte == 0).any(|entry| entry == self.mark.as_bytes())
        })
        .collect()
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        for _ in 0..100 {
            let members = self.members();
            if members.is_empty() {
                break;
            }
            for pid in members {
                let pid = rustix::process::Pid::from_raw(pid as i32).unwrap();
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
        }
        // A process in the middle of an exec shows no environment: it is killed by name, or the wait would last.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The start of the host as the crate sees it.
pub fn boot() -> String {
    Boot::now().id
}

//! Two network namespaces joined by a cable: ours and the router's. Both go when the world is dropped.

use bgp::{Guard, Limits, Neighbour, Phase, Speaker};
use std::net::Ipv4Addr;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Longest that anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

static WORLDS: AtomicU32 = AtomicU32::new(0);

/// An end of the cable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Ours,
    Router,
}

/// A pair of namespaces.
pub struct World {
    ours: String,
    router: String,
    /// Files of the router.
    pub folder: tempfile::TempDir,
}

/// Runs a program and gives what it printed; fails when the program does.
pub fn run(program: &str, words: &[&str]) -> String {
    let Output { status, stdout, stderr } = Command::new(program).args(words).output().unwrap();
    assert!(status.success(), "{program} {words:?}: {}", String::from_utf8_lossy(&stderr));
    String::from_utf8_lossy(&stdout).into_owned()
}

/// Asks until the answer is yes; gives how long that took.
pub fn wait(what: &str, mut yes: impl FnMut() -> bool) -> Duration {
    let begin = Instant::now();
    while !yes() {
        assert!(begin.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(1));
    }
    begin.elapsed()
}

/// Whether the world can be made and these programs are here; says by name what is not.
pub fn possible(test: &str, programs: &[&str]) -> bool {
    let paths = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];
    let here = |program: &&&str| paths.iter().any(|path| std::path::Path::new(path).join(program).exists());
    if let Some(missing) = programs.iter().find(|program| !here(program)) {
        eprintln!("skipped: {test}: {missing} is not installed");
        return false;
    }
    let probe = format!("garrison-bgp-{}-probe-{}", std::process::id(), WORLDS.fetch_add(1, Ordering::Relaxed));
    let output = Command::new("ip").args(["netns", "add", &probe]).output().unwrap();
    if output.status.success() {
        run("ip", &["netns", "del", &probe]);
    } else {
        let why = String::from_utf8_lossy(&output.stderr).into_owned();
        eprintln!("skipped: {test}: network namespaces cannot be made: {}", why.trim());
    }
    output.status.success()
}

impl World {
    /// Makes the namespaces; the router is 10.99.0.1 and fd99::1, we are 10.99.0.2 and fd99::2.
    pub fn new() -> World {
        let number = WORLDS.fetch_add(1, Ordering::Relaxed);
        let name = |side: &str| format!("garrison-bgp-{}-{number}-{side}", std::process::id());
        let world = World { ours: name("speaker"), router: name("router"), folder: tempfile::tempdir().unwrap() };
        for name in [&world.ours, &world.router] {
            run("ip", &["netns", "add", name]);
            run("ip", &["-n", name, "link", "set", "lo", "up"]);
        }
        let (ours, router) = (world.ours.as_str(), world.router.as_str());
        run("ip", &["-n", ours, "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", router]);
        for (name, last) in [(router, 1), (ours, 2)] {
            run("ip", &["-n", name, "addr", "add", &format!("10.99.0.{last}/30"), "dev", "cable"]);
            run("ip", &["-n", name, "addr", "add", &format!("fd99::{last}/64"), "dev", "cable", "nodad"]);
            run("ip", &["-n", name, "link", "set", "cable", "up"]);
        }
        world
    }

    /// A program in the router's namespace.
    pub fn at_router(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.router, program]);
        command
    }

    /// Nothing of ours leaves any more, as after a loss of power.
    pub fn silence(&self) {
        run("ip", &["-n", &self.ours, "route", "add", "blackhole", "10.99.0.1/32"]);
    }

    /// Blackholes in the router's kernel.
    pub fn blackholes(&self) -> String {
        let show = |family| run("ip", &["-n", &self.router, family, "route", "show", "type", "blackhole"]);
        show("-4") + &show("-6")
    }

    /// A counter of TCP in the kernel of a side (`TcpExt` of `/proc/net/netstat`).
    pub fn counter(&self, side: Side, name: &str) -> u64 {
        let namespace = if side == Side::Ours { &self.ours } else { &self.router };
        let text = run("ip", &["netns", "exec", namespace, "cat", "/proc/net/netstat"]);
        let mut lines = text.lines().filter(|line| line.starts_with("TcpExt:"));
        let (names, values) = (lines.next().unwrap(), lines.next().unwrap());
        let mut columns = names.split(' ').zip(values.split(' '));
        columns.find(|(column, _)| *column == name).map_or(0, |(_, value)| value.parse().unwrap())
    }

    /// Runs `test` on a thread inside our namespace, with a runtime whose threads are in it too.
    pub fn inside<R: Send>(&self, test: impl FnOnce(&tokio::runtime::Runtime) -> R + Send) -> R {
        std::thread::scope(|scope| {
            let body = || {
                let file = std::fs::File::open(format!("/run/netns/{}", self.ours)).unwrap();
                let kind = rustix::thread::LinkNameSpaceType::Network;
                rustix::thread::move_into_link_name_space(std::os::fd::AsFd::as_fd(&file), Some(kind)).unwrap();
                let runtime =
                    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
                test(&runtime)
            };
            match scope.spawn(body).join() {
                Ok(result) => result,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for name in [&self.ours, &self.router] {
            let _ = Command::new("ip").args(["netns", "del", name]).output();
        }
    }
}

/// The router as a neighbour.
pub fn neighbour() -> Neighbour {
    let mut neighbour = Neighbour::new("10.99.0.1".parse().unwrap(), 65_001, 65_002, Ipv4Addr::new(10, 99, 0, 2));
    neighbour.next_hop_v6 = "fd99::2".parse().ok();
    neighbour
}

/// Starts a speaker that may announce addresses of 203.0.113.0/24 and 2001:db8:5::/48.
pub fn speaker(runtime: &tokio::runtime::Runtime, neighbour: Neighbour) -> Speaker {
    let protected = ["203.0.113.0/24", "2001:db8:5::/48"].map(|text| text.parse().unwrap()).to_vec();
    let guard = Guard::new(Limits { protected, ..Limits::default() });
    let (clock, chance) = (Arc::new(base::SystemClock::default()), Arc::new(base::SystemRandom::new()));
    Speaker::start(runtime.handle(), neighbour, guard, clock, chance).unwrap()
}

/// Waits until the session stands; gives how long that took.
pub fn established(speaker: &Speaker) -> Duration {
    wait("session", || speaker.state().phase == Phase::Established)
}

//! The host as actions see it: where things are, which means exist, what must not be touched.

use crate::cgroup::Freezer;
use crate::firewall::Firewall;
use crate::gate::Denied;
use crate::{Gate, Hands, NeverList, fault};
use base::{Clock, Fault, Micros, Result};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

/// Which start of the host this is, and for how long it has run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boot {
    /// `/proc/sys/kernel/random/boot_id`.
    pub id: String,
    /// Time since boot including suspend, µs (`CLOCK_BOOTTIME`): unlike the wall clock nobody can set it.
    pub uptime: Micros,
}

impl Boot {
    /// Asks the kernel.
    pub fn now() -> Boot {
        let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_string();
        let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        Boot { id, uptime: time.tv_sec * 1_000_000 + time.tv_nsec / 1000 }
    }
}

/// Where a [`Boot`] comes from; a test passes its own.
pub type BootSource = Arc<dyn Fn() -> Boot + Send + Sync>;

/// How the executor is set up. [`ExecutorConfig::new`] gives the values of a normal host, [`ExecutorConfig::edge`] those of
/// a program that acts on traffic.
#[derive(Clone)]
pub struct ExecutorConfig {
    /// What it can do.
    pub hands: Hands,
    /// Journal and quarantine store; made with mode 0700.
    pub state_dir: PathBuf,
    /// Evidence archives; made with mode 0700. None: no evidence can be exported.
    pub evidence_dir: Option<PathBuf>,
    /// This agent, 32 hexadecimal digits; orders for another one are refused. Empty or zeros take every order.
    pub agent: String,
    /// Age at which an order that was on its way for too long is refused, seconds; 0 never.
    pub order_age_s: u64,
    /// What must never be touched.
    pub never: NeverList,
    /// DNS resolvers that an isolated host may still ask; usually empty.
    pub resolvers: Vec<IpAddr>,
    /// Whether an isolated host may renew its address by DHCP.
    pub dhcp: bool,
    /// Largest file that is quarantined, bytes.
    pub quarantine_bytes: u64,
    /// Largest evidence archive before compression, bytes.
    pub evidence_bytes: u64,
    /// Log files whose tail goes into evidence.
    pub logs: Vec<PathBuf>,
    /// Newest lines of the system's journal that go into evidence, where `journalctl` exists; 0 for none.
    pub journal_lines: u32,
    /// Network namespace for the packet filter, as a path (`/proc/PID/ns/net`); `None` is the agent's own.
    pub netns: Option<PathBuf>,
    /// The `/proc`.
    pub proc: PathBuf,
    /// The directory with `tcp`, `route` …: `/proc/self/net`.
    pub proc_net: PathBuf,
    /// Freezers in the order of preference; empty falls back to `SIGSTOP`.
    pub freezers: Vec<Freezer>,
    /// Which start of the host this is.
    pub boot: BootSource,
}

impl ExecutorConfig {
    /// A normal host.
    pub fn new(state_dir: impl Into<PathBuf>, evidence_dir: impl Into<PathBuf>) -> ExecutorConfig {
        let logs = ["/var/log/auth.log", "/var/log/secure", "/var/log/syslog", "/var/log/messages"];
        ExecutorConfig {
            hands: Hands::of_host(),
            state_dir: state_dir.into(),
            evidence_dir: Some(evidence_dir.into()),
            agent: String::new(),
            order_age_s: 600,
            never: NeverList::default(),
            resolvers: Vec::new(),
            dhcp: true,
            quarantine_bytes: 1 << 30,
            evidence_bytes: 256 << 20,
            logs: logs.iter().map(PathBuf::from).collect(),
            journal_lines: 20_000,
            netns: None,
            proc: PathBuf::from("/proc"),
            proc_net: PathBuf::from("/proc/self/net"),
            freezers: Freezer::detect(Path::new("/proc")),
            boot: Arc::new(Boot::now),
        }
    }

    /// A program that does no more than these hands can, with a journal of its own: no evidence, no freezers, no logs.
    pub fn edge(state_dir: impl Into<PathBuf>, hands: Hands) -> ExecutorConfig {
        ExecutorConfig {
            hands,
            state_dir: state_dir.into(),
            evidence_dir: None,
            agent: String::new(),
            order_age_s: 600,
            never: NeverList::default(),
            resolvers: Vec::new(),
            dhcp: false,
            quarantine_bytes: 0,
            evidence_bytes: 0,
            logs: Vec::new(),
            journal_lines: 0,
            netns: None,
            proc: PathBuf::from("/proc"),
            proc_net: PathBuf::from("/proc/self/net"),
            freezers: Vec::new(),
            boot: Arc::new(Boot::now),
        }
    }
}

/// What actions work with.
pub struct HostView {
    /// The set-up.
    pub config: ExecutorConfig,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Refuses executions.
    pub gate: Arc<dyn Gate>,
    /// The packet filter.
    pub(crate) firewall: Firewall,
    denials: Mutex<BTreeMap<String, Held>>,
}

/// What an order denies.
pub(crate) struct Held {
    pub(crate) denied: Denied,
    /// Keeps the inode from being used again for another file, which would then be denied.
    pub(crate) place: Option<OwnedFd>,
}

impl HostView {
    /// Looks at the host and makes the directories (mode 0700).
    pub fn new(config: ExecutorConfig, gate: Arc<dyn Gate>, clock: Arc<dyn Clock>) -> Result<HostView> {
        for directory in [Some(&config.state_dir), config.evidence_dir.as_ref()].into_iter().flatten() {
            private_directory(directory)?;
        }
        let firewall = Firewall::new(&config);
        Ok(HostView { config, clock, gate, firewall, denials: Mutex::default() })
    }

    /// Which start of the host this is.
    pub fn boot(&self) -> Boot {
        (self.config.boot)()
    }

    /// The `/proc`.
    pub fn proc(&self) -> &Path {
        &self.config.proc
    }

    /// What is denied by which order: two orders may deny the same file.
    pub(crate) fn denials(&self) -> MutexGuard<'_, BTreeMap<String, Held>> {
        self.denials.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// The never-block list.
    pub fn never(&self) -> &NeverList {
        &self.config.never
    }
}

/// Makes a directory that only its owner may enter.
pub(crate) fn private_directory(directory: &Path) -> Result<()> {
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
    let failed = |cause: std::io::Error| Fault::new(&fault::STORE).object(directory.display()).because(cause);
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(failed)?;
    std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o700)).map_err(failed)
}

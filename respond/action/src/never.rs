//! The never-block list: what no order may touch, checked where the action is enforced.
//!
//! An operator who is locked out cannot take the mistake back, so the list is read fresh for every order: the
//! configuration, and what the kernel says now about gateways, sessions and our own processes.

use crate::process::{self, Stat};
use crate::{HostView, fault, sessions};
use base::{Fault, Prefix, Result};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Most lines of a `/proc/net` table that are looked at.
const TABLE_LINES: usize = 65536;

/// Who opens the connection of a management path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// This host connects to it: the server.
    Outbound,
    /// It connects to this host: the operator's ssh.
    Inbound,
}

/// A path that stays open when the host is isolated, and whose address is never blocked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Management {
    /// The other side.
    pub address: Prefix,
    /// TCP port of the side that is connected to, 0 for any.
    pub port: u16,
    /// Who connects.
    pub direction: Direction,
}

/// Which logged-in ssh sessions are protected besides the configured entries. Only sessions that have passed
/// authentication count: whoever is still guessing passwords can be blocked.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sessions {
    /// Every logged-in session.
    #[default]
    All,
    /// Sessions of these users (uid of the login shell).
    Users(Vec<u32>),
    /// None: only what is configured is protected.
    None,
}

/// What must never be touched.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct NeverList {
    /// Server and operators.
    pub management: Vec<Management>,
    /// Further addresses and networks.
    pub addresses: Vec<Prefix>,
    /// Live ssh sessions.
    pub sessions: Sessions,
    /// Files and directories that are never taken away or denied, nor processes killed that run them.
    pub paths: Vec<PathBuf>,
}

fn refusal(object: impl std::fmt::Display, entry: &str) -> Fault {
    Fault::new(&fault::NEVER).object(object).expected("a target outside the list").found(format!("entry `{entry}`"))
}

impl NeverList {
    /// The paths that stay open now: configured ones and the live sessions of operators.
    pub fn management_now(&self, host: &HostView) -> Vec<Management> {
        let mut paths = self.management.clone();
        for session in sessions::live(host.proc(), &host.config.proc_net, &self.sessions) {
            let address = Prefix::single(session.client);
            paths.push(Management { address, port: session.server_port, direction: Direction::Inbound });
        }
        paths.dedup();
        paths
    }

    /// Refuses a network that shares an address with an entry.
    pub fn check_address(&self, target: &Prefix, host: &HostView) -> Result<()> {
        let fixed = [
            ("loopback", "127.0.0.0/8"),
            ("loopback", "::1"),
            ("unspecified", "0.0.0.0/32"),
            ("multicast", "224.0.0.0/4"),
            ("broadcast", "255.255.255.255"),
            ("multicast", "ff00::/8"),
        ];
        let mut entries: Vec<(String, Prefix)> = Vec::new();
        for (name, text) in fixed {
            entries.push((name.to_string(), text.parse()?));
        }
        entries.extend(self.management.iter().map(|path| ("management".to_string(), path.address)));
        entries.extend(self.addresses.iter().map(|prefix| ("configured address".to_string(), *prefix)));
        entries.extend(
            gateways(&host.config.proc_net).into_iter().map(|g| ("default gateway".to_string(), Prefix::single(g))),
        );
        let live = sessions::live(host.proc(), &host.config.proc_net, &self.sessions);
        entries.extend(live.iter().map(|s| (format!("ssh session of uid {}", s.uid), Prefix::single(s.client))));
        match entries.iter().find(|(_, prefix)| prefix.overlaps(*target)) {
            Some((name, prefix)) => Err(refusal(format!("address {target:#}"), &format!("{name} {prefix:#}"))),
            None => Ok(()),
        }
    }

    /// Refuses when one of the targets is protected. Pass the whole tree: killing a parent takes the child along.
    pub fn check_processes(&self, targets: &[Stat], host: &HostView) -> Result<()> {
        let processes = process::all(host.proc());
        let protected = self.protected_processes(&processes, host);
        for target in targets {
            if target.kernel_thread {
                return Err(refusal(target.line(), "kernel thread"));
            }
            if let Some(entry) = protected.get(&target.pid) {
                return Err(refusal(target.line(), entry));
            }
            if let Some(path) = self.protected_program(target.pid, host.proc()) {
                return Err(refusal(target.line(), &format!("protected path {}", path.display())));
            }
        }
        Ok(())
    }

    /// Refuses a file that the agent, pid 1 or the operators' way in need, or that lies in a protected path.
    pub fn check_file(&self, path: &Path, device: u64, inode: u64, host: &HostView) -> Result<()> {
        let object = || format!("file {}", path.display());
        let own = std::iter::once(&host.config.state_dir).chain(&host.config.evidence_dir);
        if let Some(entry) = own.chain(&self.paths).find(|entry| path.starts_with(entry)) {
            return Err(refusal(object(), &format!("protected path {}", entry.display())));
        }
        let is_it = |other: &PathBuf| {
            other == path || std::fs::metadata(other).is_ok_and(|meta| (meta.dev(), meta.ino()) == (device, inode))
        };
        let processes = process::all(host.proc());
        for (pid, entry) in self.protected_processes(&processes, host) {
            // By number, and by path too: on overlay and btrfs the numbers of maps are not those of stat(2).
            if mapped(host.proc(), pid).contains(&(device, inode)) || mapped_paths(host.proc(), pid).contains(path) {
                return Err(refusal(object(), &format!("program or library of {entry}")));
            }
        }
        match own_programs().iter().find(|program| is_it(program)) {
            Some(program) => Err(refusal(object(), &format!("program of ours {}", program.display()))),
            None => Ok(()),
        }
    }

    /// Programs and libraries that protected processes run now, and our own programs, by path.
    pub(crate) fn programs_now(&self, host: &HostView) -> BTreeSet<PathBuf> {
        let processes = process::all(host.proc());
        let protected = self.protected_processes(&processes, host);
        let mapped = protected.keys().flat_map(|pid| mapped_paths(host.proc(), *pid));
        mapped.chain(own_programs()).collect()
    }

    /// pid 1, the agent and its parents, the ssh daemon and the operators' ssh chains: each pid with the name of its
    /// entry.
    fn protected_processes(&self, processes: &BTreeMap<u32, Stat>, host: &HostView) -> BTreeMap<u32, String> {
        let doors = sessions::doors(host.proc(), &host.config.proc_net, processes);
        let mut protected: BTreeMap<u32, String> =
            doors.into_iter().map(|pid| (pid, "ssh daemon".to_string())).collect();
        for session in sessions::live(host.proc(), &host.config.proc_net, &self.sessions) {
            let name = format!("operator's ssh session from {}", session.client);
            protected.extend(session.chain.iter().map(|pid| (*pid, name.clone())));
        }
        for stat in process::chain(processes, std::process::id()) {
            let own = if stat.pid == std::process::id() { "own process" } else { "parent of the agent" };
            protected.insert(stat.pid, own.to_string());
        }
        protected.insert(1, "pid 1".to_string());
        protected
    }

    fn protected_program(&self, pid: u32, proc: &Path) -> Option<&PathBuf> {
        let program = std::fs::read_link(proc.join(pid.to_string()).join("exe")).ok()?;
        self.paths.iter().find(|entry| program.starts_with(entry))
    }
}

/// Garrison's programs, which lie beside the running one: without them nobody can take anything back.
fn own_programs() -> Vec<PathBuf> {
    let own = std::env::current_exe().unwrap_or_default();
    let entries = own.parent().and_then(|folder| std::fs::read_dir(folder).ok()).into_iter().flatten();
    let ours = entries.take(TABLE_LINES).flatten().filter(|entry| {
        entry.file_name().as_bytes().starts_with(b"garrison") && entry.file_type().is_ok_and(|kind| kind.is_file())
    });
    ours.map(|entry| entry.path()).collect()
}

/// Device and inode of the program of a process and of every file mapped executable into it (proc(5), `maps`).
fn mapped(proc: &Path, pid: u32) -> BTreeSet<(u64, u64)> {
    let directory = proc.join(pid.to_string());
    let mut files: BTreeSet<(u64, u64)> = BTreeSet::new();
    files.extend(std::fs::metadata(directory.join("exe")).ok().map(|meta| (meta.dev(), meta.ino())));
    let maps = std::fs::read(directory.join("maps")).unwrap_or_default();
    for line in String::from_utf8_lossy(&maps).lines().take(TABLE_LINES) {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let [_, rights, _, device, inode, ..] = fields[..] else { continue };
        let Some((major, minor)) = device.split_once(':').filter(|_| rights.contains('x')) else { continue };
        let number = |text| u32::from_str_radix(text, 16).ok();
        if let (Some(major), Some(minor), Ok(inode)) = (number(major), number(minor), inode.parse::<u64>()) {
            files.insert((rustix::fs::makedev(major, minor), inode));
        }
    }
    files
}

/// Paths of the program of a process and of the files mapped executable into it.
fn mapped_paths(proc: &Path, pid: u32) -> BTreeSet<PathBuf> {
    let directory = proc.join(pid.to_string());
    let maps = std::fs::read(directory.join("maps")).unwrap_or_default();
    let text = String::from_utf8_lossy(&maps);
    let lines = text
        .lines()
        .take(TABLE_LINES)
        .filter(|line| line.split_ascii_whitespace().nth(1).is_some_and(|r| r.contains('x')));
    let mut paths: BTreeSet<PathBuf> =
        lines.filter_map(|line| line.find('/').map(|at| PathBuf::from(&line[at..]))).collect();
    paths.extend(std::fs::read_link(directory.join("exe")));
    paths
}

/// The next hops of default routes, from `route` and `ipv6_route`.
pub(crate) fn gateways(proc_net: &Path) -> Vec<IpAddr> {
    let read = |name: &str| std::fs::read_to_string(proc_net.join(name)).unwrap_or_default();
    let mut found: Vec<IpAddr> = Vec::new();
    for line in read("route").lines().skip(1).take(TABLE_LINES) {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let [_, "00000000", gateway, ..] = fields[..] else { continue };
        found.extend(u32::from_str_radix(gateway, 16).ok().map(|gateway| IpAddr::from(gateway.to_ne_bytes())));
    }
    for line in read("ipv6_route").lines().take(TABLE_LINES) {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let [_, "00", _, _, gateway, ..] = fields[..] else { continue };
        let zero = fields[0].bytes().all(|digit| digit == b'0');
        found.extend(
            u128::from_str_radix(gateway, 16).ok().filter(|_| zero).map(|gateway| IpAddr::from(gateway.to_be_bytes())),
        );
    }
    found.retain(|address| !address.is_unspecified());
    found
}

//! Who is logged in by ssh, from where, and through which processes.
//!
//! `sshd` puts `SSH_CONNECTION` into the environment only after authentication. Anyone can put that variable
//! into a program of their own, so it counts only below a process named `sshd…` that really holds the
//! established connection it names.

use crate::never::Sessions;
use crate::process::{self, Stat};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Most rows of a socket table and most descriptors of a process that are looked at.
const ROWS: usize = 65536;
/// `TCP_ESTABLISHED` of `include/net/tcp_states.h`, as the tables show it.
const ESTABLISHED: &str = "01";
/// `TCP_LISTEN`.
const LISTENING: &str = "0A";

/// A logged-in session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The operator's machine.
    pub client: IpAddr,
    /// Port of `sshd` here.
    pub server_port: u16,
    /// User of the process that carries the session's environment.
    pub uid: u32,
    /// The session's shell and the `sshd` processes above it.
    pub chain: Vec<u32>,
}

/// The sessions that count as operators'.
pub(crate) fn live(proc: &Path, proc_net: &Path, wanted: &Sessions) -> Vec<Session> {
    if *wanted == Sessions::None {
        return Vec::new();
    }
    let processes = process::all(proc);
    let daemons: BTreeSet<u32> = processes.values().filter(|stat| is_sshd(proc, stat)).map(|stat| stat.pid).collect();
    if daemons.is_empty() {
        return Vec::new();
    }
    let sockets = established(proc_net);
    let mut sessions = Vec::new();
    // Only the process directly below sshd: its children inherit the variable, but are fair targets.
    for stat in processes.values().filter(|stat| !daemons.contains(&stat.pid) && daemons.contains(&stat.parent)) {
        sessions.extend(session(proc, &processes, &daemons, &sockets, stat));
    }
    if let Sessions::Users(users) = wanted {
        sessions.retain(|session| users.contains(&session.uid));
    }
    sessions
}

/// The `sshd` that lets operators in: root's program of that name, started by pid 1, waiting for connections. Without
/// it nobody comes in any more.
pub(crate) fn doors(proc: &Path, proc_net: &Path, processes: &BTreeMap<u32, Stat>) -> BTreeSet<u32> {
    let named = processes.values().filter(|stat| stat.parent == 1 && is_sshd(proc, stat));
    let tops: Vec<u32> = named.map(|stat| stat.pid).filter(|pid| user_of(proc, *pid) == Some(0)).collect();
    if tops.is_empty() {
        return BTreeSet::new();
    }
    let waiting = listening(proc_net);
    tops.into_iter().filter(|pid| sockets_of(proc, *pid).iter().any(|inode| waiting.contains(inode))).collect()
}

/// Any process can call itself `sshd`; the program behind it must be root's file of that name.
fn is_sshd(proc: &Path, stat: &Stat) -> bool {
    let named = |name: &str| name == "sshd" || name.starts_with("sshd-");
    if !named(&stat.comm) {
        return false;
    }
    let exe = proc.join(stat.pid.to_string()).join("exe");
    let program = std::fs::read_link(&exe).ok();
    let program = program.as_ref().and_then(|path| path.file_name()?.to_str());
    // After an upgrade of the package the kernel adds " (deleted)".
    let program = program.map(|name| name.trim_end_matches(" (deleted)"));
    program.is_some_and(named) && std::fs::metadata(&exe).is_ok_and(|meta| meta.uid() == 0 && meta.mode() & 0o022 == 0)
}

/// Real user id of a process. The owner of `/proc/PID` would not do: it is root for every process that must not
/// be dumped.
fn user_of(proc: &Path, pid: u32) -> Option<u32> {
    let status = std::fs::read_to_string(proc.join(pid.to_string()).join("status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("Uid:"))?.split_ascii_whitespace().next()?.parse().ok()
}

fn session(
    proc: &Path,
    processes: &BTreeMap<u32, Stat>,
    daemons: &BTreeSet<u32>,
    sockets: &BTreeMap<u64, (SocketAddr, SocketAddr)>,
    shell: &Stat,
) -> Option<Session> {
    let directory = proc.join(shell.pid.to_string());
    let (client, server) = connection(&std::fs::read(directory.join("environ")).ok()?)?;
    let above = process::chain(processes, shell.parent);
    let above: Vec<u32> = above.iter().map(|stat| stat.pid).take_while(|pid| daemons.contains(pid)).collect();
    // A user can start an sshd too; then its top process is not root's.
    above.last().and_then(|top| user_of(proc, *top)).filter(|uid| *uid == 0)?;
    let held = above.iter().any(|pid| {
        sockets_of(proc, *pid).iter().any(|inode| sockets.get(inode).is_some_and(|ends| *ends == (server, client)))
    });
    if !held {
        return None;
    }
    let uid = user_of(proc, shell.pid)?;
    let mut chain = vec![shell.pid];
    chain.extend(above);
    Some(Session { client: client.ip(), server_port: server.port(), uid, chain })
}

/// Client and server end out of an environment block: `SSH_CONNECTION=client port server port`.
fn connection(environ: &[u8]) -> Option<(SocketAddr, SocketAddr)> {
    let value = environ.split(|byte| *byte == 0).find_map(|entry| entry.strip_prefix(b"SSH_CONNECTION="))?;
    let fields: Vec<&str> = std::str::from_utf8(value).ok()?.split(' ').collect();
    let [client, client_port, server, server_port] = fields[..] else { return None };
    let end = |address: &str, port: &str| {
        // Link-local addresses carry their interface after a percent sign.
        let address: IpAddr = address.split('%').next()?.parse().ok()?;
        Some(SocketAddr::new(plain(address), port.parse().ok()?))
    };
    Some((end(client, client_port)?, end(server, server_port)?))
}

fn plain(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

/// Inode numbers of the sockets that a process holds.
pub(crate) fn sockets_of(proc: &Path, pid: u32) -> BTreeSet<u64> {
    let entries = std::fs::read_dir(proc.join(pid.to_string()).join("fd")).into_iter().flatten().take(ROWS).flatten();
    let links = entries.filter_map(|entry| std::fs::read_link(entry.path()).ok());
    links.filter_map(|link| link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()).collect()
}

/// Local and remote end of every established TCP connection, by socket inode.
fn established(proc_net: &Path) -> BTreeMap<u64, (SocketAddr, SocketAddr)> {
    rows(proc_net, ESTABLISHED, |local, remote, inode| Some((inode, (end(local)?, end(remote)?)))).into_iter().collect()
}

/// Inode of every TCP socket that waits for connections.
fn listening(proc_net: &Path) -> BTreeSet<u64> {
    rows(proc_net, LISTENING, |_, _, inode| Some(inode)).into_iter().collect()
}

/// What `pick` makes of the rows in this state: local end, remote end, inode.
fn rows<T>(proc_net: &Path, state: &str, pick: impl Fn(&str, &str, u64) -> Option<T>) -> Vec<T> {
    let mut found = Vec::new();
    for name in ["tcp", "tcp6"] {
        let text = std::fs::read_to_string(proc_net.join(name)).unwrap_or_default();
        for line in text.lines().skip(1).take(ROWS) {
            let fields: Vec<&str> = line.split_ascii_whitespace().collect();
            let [_, local, remote, now, _, _, _, _, _, inode, ..] = fields[..] else { continue };
            if let (true, Ok(inode)) = (now == state, inode.parse()) {
                found.extend(pick(local, remote, inode));
            }
        }
    }
    found
}

/// An end as `/proc/net/tcp` writes it: the address in 32-bit words of the host's byte order, then the port.
fn end(text: &str) -> Option<SocketAddr> {
    let (address, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |index: usize| {
        let digits = address.get(index * 8..index * 8 + 8)?;
        u32::from_str_radix(digits, 16).ok().map(u32::to_ne_bytes)
    };
    let address = match address.len() {
        8 => IpAddr::V4(Ipv4Addr::from(word(0)?)),
        32 => {
            let mut bytes = [0; 16];
            for index in 0..4 {
                bytes[index * 4..index * 4 + 4].copy_from_slice(&word(index)?);
            }
            IpAddr::V6(Ipv6Addr::from(bytes))
        }
        _ => return None,
    };
    Some(SocketAddr::new(plain(address), port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_variable_and_the_table_agree() {
        let environ = b"A=1\0SSH_CONNECTION=192.0.2.7 50122 192.0.2.1 22\0B=2\0";
        let (client, server) = connection(environ).unwrap();
        assert_eq!((client.to_string(), server.to_string()), ("192.0.2.7:50122".into(), "192.0.2.1:22".into()));
        if cfg!(target_endian = "little") {
            assert_eq!(end("070200C0:C3CA").unwrap(), client);
            assert_eq!(end("0000000000000000FFFF0000070200C0:C3CA").unwrap(), client);
        }
        assert!(connection(b"SSH_CONNECTION=192.0.2.7 50122\0").is_none());
    }

    proptest! {
        #[test]
        fn hostile_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..120), text in "\\PC{0,60}") {
            let _ = connection(&[b"SSH_CONNECTION=".as_slice(), &bytes].concat());
            let _ = end(&text);
        }
    }
}

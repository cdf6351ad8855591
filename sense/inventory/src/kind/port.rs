//! Listening sockets and who has them (proc(5), `/proc/net`).

use super::{Kind, Sight};
use crate::asset::asset;
use crate::limits::DESCRIPTORS;
use crate::root::Root;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Listening ports.
pub const KIND: Kind = Kind { word: "port", look };

/// First port that the kernel gives to clients, when it does not say.
const EPHEMERAL: u16 = 32768;

/// A socket of a table in `/proc/net`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Socket {
    /// Where it listens.
    pub address: SocketAddr,
    /// State as the kernel numbers it: 10 listens, 7 is an unconnected UDP socket.
    pub state: u8,
    /// Owner.
    pub uid: u32,
    /// Number by which descriptors name it.
    pub inode: u64,
}

fn look(root: &Root, sight: &mut Sight) {
    let mut sockets = Vec::new();
    for (protocol, file) in [("tcp", "tcp"), ("tcp", "tcp6"), ("udp", "udp"), ("udp", "udp6")] {
        let first = ephemeral(root);
        let text = root.large(&format!("/proc/net/{file}")).unwrap_or_default();
        let listening = text.lines().filter_map(parse).filter(|socket| match protocol {
            "tcp" => socket.state == 10,
            // A client's socket looks the same; it has a port of those the kernel gives out.
            _ => socket.state == 7 && socket.address.port() < first,
        });
        sockets.extend(listening.map(|socket| (protocol, socket)));
    }
    let wanted: BTreeSet<u64> = sockets.iter().map(|(_, socket)| socket.inode).collect();
    let owners = owners(root, &wanted);
    for (protocol, socket) in sockets {
        let key = format!("{protocol}/{}", socket.address);
        let (pid, name) = owners.get(&socket.inode).cloned().unwrap_or_default();
        let built = asset("port", &key, &key).with("protocol", protocol).with("uid", socket.uid.to_string());
        let built = built.with("address", socket.address.ip().to_string());
        let built = built.with("port", socket.address.port().to_string()).with("process", name);
        let exe = root.link(&format!("/proc/{pid}/exe")).unwrap_or_default();
        sight.push(built.with("exe", exe).flag("public", !socket.address.ip().is_loopback()));
    }
}

fn ephemeral(root: &Root) -> u16 {
    let range = root.text("/proc/sys/net/ipv4/ip_local_port_range");
    range.and_then(|range| range.split_whitespace().next()?.parse().ok()).unwrap_or(EPHEMERAL)
}

/// Who has each socket: the lowest process id and its name.
fn owners(root: &Root, wanted: &BTreeSet<u64>) -> BTreeMap<u64, (u32, String)> {
    let (mut found, mut looked) = (BTreeMap::new(), 0);
    if wanted.is_empty() {
        return found;
    }
    let mut pids: Vec<u32> = root.list("/proc").iter().filter_map(|name| name.parse().ok()).collect();
    pids.sort_unstable();
    for pid in pids {
        for descriptor in root.list(&format!("/proc/{pid}/fd")) {
            looked += 1;
            if looked > DESCRIPTORS || found.len() == wanted.len() {
                return found;
            }
            let link = root.link(&format!("/proc/{pid}/fd/{descriptor}")).unwrap_or_default();
            let inode = link.strip_prefix("socket:[").and_then(|rest| rest.strip_suffix(']')?.parse::<u64>().ok());
            if let Some(inode) = inode.filter(|inode| wanted.contains(inode)) {
                let comm = || root.head(&format!("/proc/{pid}/comm")).unwrap_or_default().trim().to_owned();
                found.entry(inode).or_insert_with(|| (pid, comm()));
            }
        }
    }
    found
}

/// A line of such a table; the heading is none.
pub fn parse(line: &str) -> Option<Socket> {
    let mut parts = line.split_whitespace();
    let (_, local, _, state) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let (uid, inode) = (parts.nth(3)?, parts.nth(1)?);
    let (address, port) = local.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let state = u8::from_str_radix(state, 16).ok()?;
    let address = SocketAddr::new(ip(address)?, port);
    Some(Socket { address, state, uid: uid.parse().ok()?, inode: inode.parse().ok()? })
}

/// The kernel writes words of 32 bits in its own order of bytes.
fn ip(text: &str) -> Option<IpAddr> {
    let word = |at: usize| Some(u32::from_str_radix(text.get(at..at + 8)?, 16).ok()?.to_ne_bytes());
    match text.len() {
        8 => Some(IpAddr::V4(Ipv4Addr::from(word(0)?))),
        32 => {
            let mut bytes = [0; 16];
            for part in 0..4 {
                bytes[part * 4..part * 4 + 4].copy_from_slice(&word(part * 8)?);
            }
            Some(IpAddr::V6(Ipv6Addr::from(bytes)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    #[cfg(target_endian = "little")]
    fn a_line_is_read() {
        let line =
            "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4242 1 x";
        let socket = parse(line).unwrap();
        assert_eq!((socket.address.to_string().as_str(), socket.state), ("127.0.0.1:8080", 10));
        assert_eq!((socket.uid, socket.inode), (1000, 4242));
        assert_eq!(ip("00000000000000000000000001000000").unwrap().to_string(), "::1");
    }

    proptest! {
        #[test]
        fn any_line_reads(line in "\\PC{0,80}", words in "([0-9A-F:]{1,33} ){0,14}") {
            parse(&line);
            parse(&words);
        }
    }
}

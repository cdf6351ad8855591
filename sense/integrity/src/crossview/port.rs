//! Hidden ports: those that `/proc/net` lists, those that the kernel's socket diagnosis lists, and those that cannot be
//! bound on the loopback address although neither lists them. Nothing is sent and nothing is listened to.

use super::diag::{self, Port};
use super::{Check, Finding, read, unseen};
use base::Result;
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};

/// See the module.
pub const CHECK: Check = Check { name: "ports", look };

const TCP: u8 = 6;
const UDP: u8 = 17;
const V4: u8 = 2;
const V6: u8 = 10;
/// TCP's listening state.
const LISTENING: u32 = 10;
/// Any state: a port in use by a connection cannot be bound either.
const ANY: u32 = 0xffff_ffff;

fn look() -> Result<Vec<Finding>> {
    let listed = listed(true)?;
    let diagnosed = diagnosed(1 << LISTENING).map_err(|cause| unseen("sock_diag(7)", cause))?;
    let mut found = compare(&listed, &diagnosed);
    let mut known: BTreeSet<Port> = self::listed(false)?;
    known.extend(self::diagnosed(ANY).unwrap_or_default());
    found.extend(bound(&known));
    Ok(found)
}

/// Ports of `/proc/net`; `waiting`: only those that something waits at.
fn listed(waiting: bool) -> Result<BTreeSet<Port>> {
    let mut ports = BTreeSet::new();
    for (name, protocol) in [("tcp", TCP), ("tcp6", TCP), ("udp", UDP), ("udp6", UDP)] {
        // Without IPv6 there are no such files.
        let text = match read(&format!("/proc/net/{name}")) {
            Err(_) if name.ends_with('6') => continue,
            text => text?,
        };
        ports.extend(text.lines().skip(1).filter_map(|line| port(line, protocol, waiting)));
    }
    Ok(ports)
}

/// `  0: 0100007F:1F90 00000000:0000 0A …`.
fn port(line: &str, protocol: u8, waiting: bool) -> Option<Port> {
    let mut words = line.split_whitespace().skip(1);
    let port = u16::from_str_radix(words.next()?.rsplit_once(':')?.1, 16).ok()?;
    let state = u32::from_str_radix(words.nth(1)?, 16).ok()?;
    // Of UDP every socket waits.
    (port > 0 && (!waiting || protocol == UDP || state == LISTENING)).then_some((protocol, port))
}

fn diagnosed(states: u32) -> std::result::Result<BTreeSet<Port>, rustix::io::Errno> {
    let mut ports = BTreeSet::new();
    for family in [V4, V6] {
        ports.extend(diag::ports(family, TCP, states)?);
        ports.extend(diag::ports(family, UDP, ANY).unwrap_or_default());
    }
    Ok(ports)
}

fn compare(listed: &BTreeSet<Port>, diagnosed: &BTreeSet<Port>) -> Vec<Finding> {
    // A kernel without the module for UDP diagnosis lists none of it.
    let some = |protocol: u8| diagnosed.iter().any(|port| port.0 == protocol);
    let missing = diagnosed.difference(listed).map(|port| finding(*port, 90, "sock_diag", "/proc/net"));
    let other = listed.difference(diagnosed).filter(|port| some(port.0));
    missing.chain(other.map(|port| finding(*port, 60, "/proc/net", "sock_diag"))).collect()
}

/// Ports of the loopback address that are taken and that nobody lists. One that is bound and not listened at is listed
/// by no older kernel, so this weighs little.
fn bound(known: &BTreeSet<Port>) -> Vec<Finding> {
    let taken = |protocol: u8, port: u16| {
        let address = SocketAddrV4::new(Ipv4Addr::LOCALHOST, port);
        let cause = match protocol {
            TCP => bind_tcp(address).err(),
            _ => UdpSocket::bind(address).err().map(|cause| cause.kind()),
        };
        cause == Some(ErrorKind::AddrInUse)
    };
    let all = [TCP, UDP].into_iter().flat_map(|protocol| (1..=u16::MAX).map(move |port| (protocol, port)));
    let unknown = all.filter(|port| !known.contains(port));
    unknown
        .filter(|(protocol, port)| taken(*protocol, *port))
        .map(|port| finding(port, 40, "bind", "/proc/net"))
        .collect()
}

/// Binds without listening; the standard library knows no such thing.
fn bind_tcp(address: SocketAddrV4) -> std::result::Result<(), ErrorKind> {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, socket_with};
    let kind = |errno: rustix::io::Errno| std::io::Error::from(errno).kind();
    let socket = socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None).map_err(kind)?;
    bind(&socket, &address).map_err(kind)
}

fn finding((protocol, port): Port, score: u32, seen: &str, missing: &str) -> Finding {
    let word = if protocol == TCP { "tcp" } else { "udp" };
    Finding {
        key: format!("{word}/{port} {seen}"),
        name: "hidden-port",
        score,
        details: vec![("port", format!("{word}/{port}")), ("seen_by", seen.into()), ("not_in", missing.into())],
        ..Finding::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listeners_are_read_from_the_list() {
        let line = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1";
        assert_eq!(port(line, TCP, true), Some((TCP, 8080)));
        let connected = line.replace(" 0A ", " 01 ");
        assert_eq!((port(&connected, TCP, true), port(&connected, TCP, false)), (None, Some((TCP, 8080))));
        assert_eq!(port("garbage", TCP, true), None);
    }

    #[test]
    fn a_port_that_one_list_leaves_out_is_found() {
        let set = |ports: &[Port]| ports.iter().copied().collect::<BTreeSet<_>>();
        let found = compare(&set(&[(TCP, 22)]), &set(&[(TCP, 22), (TCP, 31337)]));
        assert_eq!((found.len(), found[0].key.as_str(), found[0].score), (1, "tcp/31337 sock_diag", 90));
        assert!(compare(&set(&[(UDP, 53)]), &set(&[(TCP, 22)])).iter().all(|one| !one.key.starts_with("udp")));
    }

    #[test]
    fn a_port_that_is_taken_and_unknown_is_found_by_binding() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let all: BTreeSet<Port> = (1..=u16::MAX)
            .filter(|other| *other != port)
            .flat_map(|other| [(TCP, other), (UDP, other)])
            .chain([(UDP, port)])
            .collect();
        let found = bound(&all);
        assert_eq!(found.iter().map(|one| one.key.as_str()).collect::<Vec<_>>(), [format!("tcp/{port} bind")]);
    }
}

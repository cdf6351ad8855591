//! Sockets as the kernel's socket diagnosis lists them (sock_diag(7)): another way than `/proc/net`.

use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::netlink::{SOCK_DIAG, SocketAddrNetlink};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, sendto, socket_with};
use std::collections::BTreeSet;

/// `SOCK_DIAG_BY_FAMILY` (`include/uapi/linux/sock_diag.h`).
const BY_FAMILY: u16 = 20;
/// `NLM_F_REQUEST | NLM_F_DUMP` (`include/uapi/linux/netlink.h`).
const DUMP: u16 = 0x301;
const DONE: u16 = 3;
const ERROR: u16 = 2;
const HEADER: usize = 16;
/// `struct inet_diag_msg` up to its addresses: family, state, timer, retransmissions, ports in network order.
const PORT_AT: usize = 4;
/// Answers read of one question.
const ANSWERS: usize = 10_000;

/// A port that something waits at: protocol (6 TCP, 17 UDP) and port.
pub type Port = (u8, u16);

/// Ports that sockets of a family and protocol wait at; `states` is a bit for each state (10 is TCP's listening).
///
/// # Errors
/// What the kernel refuses.
pub fn ports(family: u8, protocol: u8, states: u32) -> Result<BTreeSet<Port>, Errno> {
    let socket = socket_with(AddressFamily::NETLINK, SocketType::DGRAM, SocketFlags::CLOEXEC, Some(SOCK_DIAG))?;
    sendto(&socket, &question(family, protocol, states), SendFlags::empty(), &SocketAddrNetlink::new(0, 0))?;
    answers(&socket, protocol)
}

/// A request of type `struct inet_diag_req_v2`.
fn question(family: u8, protocol: u8, states: u32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(72);
    bytes.extend(72_u32.to_ne_bytes());
    bytes.extend(BY_FAMILY.to_ne_bytes());
    bytes.extend(DUMP.to_ne_bytes());
    bytes.extend([0; 8]);
    bytes.extend([family, protocol, 0, 0]);
    bytes.extend(states.to_ne_bytes());
    bytes.resize(72, 0);
    bytes
}

fn answers(socket: &OwnedFd, protocol: u8) -> Result<BTreeSet<Port>, Errno> {
    let (mut ports, mut buffer) = (BTreeSet::new(), vec![0; 64 * 1024]);
    for _ in 0..ANSWERS {
        let (count, _) = recv(socket, buffer.as_mut_slice(), RecvFlags::empty())?;
        match read(&buffer[..count.min(buffer.len())], protocol, &mut ports) {
            Ok(true) => {}
            Ok(false) => break,
            Err(errno) => return Err(errno),
        }
    }
    Ok(ports)
}

/// Reads one datagram; whether more follow.
fn read(mut bytes: &[u8], protocol: u8, ports: &mut BTreeSet<Port>) -> Result<bool, Errno> {
    let number = |bytes: &[u8], at: usize| {
        bytes.get(at..at + 4).map(|part| u32::from_ne_bytes([part[0], part[1], part[2], part[3]]))
    };
    while let Some(length) = number(bytes, 0).map(|length| length as usize) {
        let kind = bytes.get(4..6).map_or(0, |part| u16::from_ne_bytes([part[0], part[1]]));
        match kind {
            DONE => return Ok(false),
            ERROR => {
                let code = number(bytes, HEADER).map_or(0, |code| (code as i32).unsigned_abs() as i32);
                return if code == 0 { Ok(false) } else { Err(Errno::from_raw_os_error(code)) };
            }
            _ => {}
        }
        if length < HEADER || length > bytes.len() {
            break;
        }
        let port = bytes[HEADER..length].get(PORT_AT..PORT_AT + 2);
        if let Some(port) = port.map(|part| u16::from_be_bytes([part[0], part[1]])).filter(|port| *port > 0) {
            ports.insert((protocol, port));
        }
        bytes = bytes.get((length + 3) & !3..).unwrap_or_default();
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_listener_of_ours_is_in_the_list() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        match ports(2, 6, 1 << 10) {
            Ok(ports) => assert!(ports.contains(&(6, port)), "{ports:?}"),
            Err(errno) => println!("skipped: sockets are not listed here ({errno})"),
        }
    }

    proptest! {
        #[test]
        fn hostile_answers_give_no_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes, 6, &mut BTreeSet::new());
        }
    }
}

//! The connection: MD5 signatures (RFC 2385) and TTL security (RFC 5082), both set before the first packet.

use crate::fault;
use crate::neighbour::{Neighbour, PASSWORD_BYTES, Password};
use base::{Fault, Result};
use std::io;
use std::mem::size_of;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::Duration;
use tokio::net::{TcpSocket, TcpStream};

/// How long the neighbour's TCP may take.
const CONNECT: Duration = Duration::from_secs(10);

/// Connects to the neighbour. [`fault::CONNECT`] when that fails, takes more than ten seconds, or the kernel refuses an option;
/// what keeps the password from being read.
pub(crate) async fn connect(neighbour: &Neighbour) -> Result<TcpStream> {
    let address = SocketAddr::new(neighbour.address, neighbour.port);
    let failed = |cause: io::Error| Fault::new(&fault::CONNECT).object(address).found(cause);
    let password = password(neighbour).await?;
    let socket = prepare(neighbour, password.as_ref()).map_err(failed)?;
    match tokio::time::timeout(CONNECT, socket.connect(address)).await {
        Ok(connected) => connected.map_err(failed),
        Err(_) => {
            Err(Fault::new(&fault::CONNECT).object(address).found(format!("no answer in {} s", CONNECT.as_secs())))
        }
    }
}

/// The password of now; where it is kept may be slow.
async fn password(neighbour: &Neighbour) -> Result<Option<Password>> {
    let Some(secret) = neighbour.password.clone() else { return Ok(None) };
    let failed = |cause| Fault::new(&fault::CONNECT).object(neighbour.address).because(cause);
    let asked = tokio::task::spawn_blocking(move || secret.ask()).await;
    asked.unwrap_or_else(|cause| Err(failed(cause))).map(Some)
}

fn prepare(neighbour: &Neighbour, password: Option<&Password>) -> io::Result<TcpSocket> {
    let ipv6 = neighbour.address.is_ipv6();
    let socket = if ipv6 { TcpSocket::new_v6()? } else { TcpSocket::new_v4()? };
    socket.set_nodelay(true)?;
    if let Some(source) = neighbour.source {
        socket.bind(SocketAddr::new(source, 0))?;
    }
    if let Some(hops) = neighbour.ttl_security {
        // Ours must arrive with the highest TTL too; theirs may have lost one a hop after the first.
        let least = i32::from(255 - hops + 1);
        match ipv6 {
            true => {
                rustix::net::sockopt::set_ipv6_unicast_hops(&socket, Some(255))?;
                set(socket.as_fd(), libc::IPPROTO_IPV6, libc::IPV6_MINHOPCOUNT, &least)?;
            }
            false => {
                rustix::net::sockopt::set_ip_ttl(&socket, 255)?;
                set(socket.as_fd(), libc::IPPROTO_IP, libc::IP_MINTTL, &least)?;
            }
        }
    }
    if let Some(password) = password {
        set(socket.as_fd(), libc::IPPROTO_TCP, libc::TCP_MD5SIG, &Signature::new(neighbour.address, password))?;
    }
    Ok(socket)
}

/// `struct tcp_md5sig` of `linux/tcp.h`.
#[repr(C)]
struct Signature {
    /// `struct sockaddr_storage`: family in host order, then what that family has.
    address: [u8; 128],
    flags: u8,
    prefix: u8,
    length: u16,
    interface: i32,
    key: [u8; PASSWORD_BYTES],
}

impl Signature {
    fn new(peer: IpAddr, password: &Password) -> Signature {
        let mut address = [0; 128];
        // The key is that of an address, so ports stay zero.
        match peer {
            IpAddr::V4(peer) => {
                address[..2].copy_from_slice(&(libc::AF_INET as u16).to_ne_bytes());
                address[4..8].copy_from_slice(&peer.octets());
            }
            IpAddr::V6(peer) => {
                address[..2].copy_from_slice(&(libc::AF_INET6 as u16).to_ne_bytes());
                address[8..24].copy_from_slice(&peer.octets());
            }
        }
        let bytes = password.bytes();
        let mut key = [0; PASSWORD_BYTES];
        key[..bytes.len()].copy_from_slice(bytes);
        // At most PASSWORD_BYTES by construction of a password.
        Signature { address, flags: 0, prefix: 0, length: bytes.len() as u16, interface: 0, key }
    }
}

/// Values that the kernel takes by `setsockopt(2)`: plain data in the layout of C without padding.
trait Plain {}
impl Plain for i32 {}
impl Plain for Signature {}

/// `setsockopt(2)` for the options that no library at hand sets.
fn set<T: Plain>(socket: BorrowedFd<'_>, level: i32, option: i32, value: &T) -> io::Result<()> {
    // SAFETY: the descriptor is open while it is borrowed; the pointer is that of a live value of exactly the length given,
    // which the kernel only reads.
    let code = unsafe {
        libc::setsockopt(socket.as_raw_fd(), level, option, std::ptr::from_ref(value).cast(), size_of::<T>() as u32)
    };
    if code == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn a_signature_has_the_layout_of_the_kernel() {
        assert_eq!(size_of::<Signature>(), 216, "linux/tcp.h: 128 + 1 + 1 + 2 + 4 + 80");
        let signature = Signature::new("2001:db8::1".parse().unwrap(), &Password::new("abc").unwrap());
        assert_eq!((signature.length, &signature.key[..4]), (3, &b"abc\0"[..]));
        assert_eq!(signature.address[8..12], [0x20, 1, 0x0d, 0xb8]);
    }

    #[tokio::test]
    async fn a_password_is_asked_for_each_time() {
        let mut neighbour = Neighbour::new([127, 0, 0, 1].into(), 65_001, 65_002, Ipv4Addr::new(192, 0, 2, 2));
        let asked = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
        let count = asked.clone();
        neighbour.password = Some(crate::Secret::new(move || {
            let number = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            if number == 2 { Err(Fault::new(&fault::NEIGHBOUR)) } else { Password::new(&format!("key-{number}")) }
        }));
        for wanted in ["key-0", "key-1"] {
            assert_eq!(password(&neighbour).await.unwrap().unwrap().bytes(), wanted.as_bytes());
        }
        assert!(password(&neighbour).await.unwrap_err().is(&fault::NEIGHBOUR));
    }

    #[tokio::test]
    async fn a_closed_port_is_named() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let mut neighbour = Neighbour::new(address.ip(), 65_001, 65_002, Ipv4Addr::new(192, 0, 2, 2));
        neighbour.port = address.port();
        let fault = connect(&neighbour).await.unwrap_err();
        assert!(fault.is(&fault::CONNECT) && fault.named() == address.to_string(), "{fault}");
    }
}

//! Traffic that only ever reaches a socket of the drill's own.

use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

/// Longest a connection is held.
const HELD: Duration = Duration::from_secs(5);
/// Ports that shells are often bound to, the best known first.
const PORTS: &[u16] = &[4444, 4445, 5555, 1337, 31337, 6666, 9001, 13337];

/// Sends one DNS query (RFC 1035 §4.1) for `$NAME`, or for a name under `.onion`, which no resolver should ever be asked
/// (RFC 7686), to a socket of its own on port 53 of a network namespace of its own: no resolver of the host can hear it.
pub fn dns_query() -> Result<()> {
    let mut query = vec![0x47, 0x52, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    let name = std::env::var("NAME").unwrap_or_else(|_| "garrisondrill.onion".into());
    for label in name.split('.') {
        // A label has at most 63 bytes (RFC 1035 §2.3.4).
        query.push(label.len().min(63) as u8);
        query.extend_from_slice(&label.as_bytes()[..label.len().min(63)]);
    }
    query.extend_from_slice(&[0, 0, 1, 0, 1]);
    own_network()?;
    let server = UdpSocket::bind("127.0.0.1:53")?;
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.send_to(&query, server.local_addr()?).map(|_| ())
}

/// Leaves the host's network for an empty one and switches its loopback on (netdevice(7)).
fn own_network() -> Result<()> {
    // SAFETY: unshare takes flags only and changes this process alone.
    if unsafe { libc::unshare(libc::CLONE_NEWNET) } < 0 {
        return Err(Error::last_os_error());
    }
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    // SAFETY: `ifreq` is plain data, for which zeros are a value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(b"lo") {
        *to = *from as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    let descriptor = std::os::fd::AsRawFd::as_raw_fd(&socket);
    // SAFETY: the descriptor is a socket of ours and the request is valid across the call.
    let done = unsafe { libc::ioctl(descriptor, libc::SIOCSIFFLAGS as _, &request) };
    if done == 0 { Ok(()) } else { Err(Error::last_os_error()) }
}

/// Connects to a listener of its own on a port that shells are often bound to; a port that is taken is left alone.
pub fn odd_port() -> Result<()> {
    for port in PORTS {
        match TcpListener::bind(("127.0.0.1", *port)) {
            Ok(listener) => return TcpStream::connect(listener.local_addr()?).map(|_| ()),
            Err(cause) if cause.kind() == ErrorKind::AddrInUse => {}
            Err(cause) => return Err(cause),
        }
    }
    Err(ErrorKind::AddrInUse.into())
}

/// A listener on a free port of loopback, whose number it leaves in the file `port`.
fn listener() -> Result<TcpListener> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    std::fs::write("port.new", listener.local_addr()?.port().to_string())?;
    std::fs::rename("port.new", "port")?;
    Ok(listener)
}

/// The far end of a reverse shell: takes one connection, says nothing, and hangs up after a while.
pub fn hold() -> Result<()> {
    let (mut stream, _) = listener()?.accept()?;
    stream.set_read_timeout(Some(HELD))?;
    let mut said = [0; 256];
    // A prompt may come; the silence after it ends the call.
    while matches!(stream.read(&mut said), Ok(1..)) {}
    Ok(())
}

/// Answers one request with a script that only waits (RFC 9112).
pub fn serve() -> Result<()> {
    const SCRIPT: &str = "sleep 5\n";
    let (mut stream, _) = listener()?.accept()?;
    stream.set_read_timeout(Some(HELD))?;
    let mut request = [0; 1024];
    let _ = stream.read(&mut request)?;
    let length = SCRIPT.len();
    write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{SCRIPT}")
}

//! One question, one answer: UDP with repeats, TCP when the answer or the question is too big for it.

use crate::fault;
use crate::key::Key;
use crate::message::{Answer, Asked, Doubt};
use base::{Fault, Result};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::{Instant, timeout, timeout_at};

/// Largest question sent by UDP, bytes: what passes every path unfragmented (DNS flag day 2020).
const DATAGRAM_BYTES: usize = 1232;
/// Most datagrams looked at in one attempt; a flood of guesses ends the attempt and no more.
const STRAYS_MAX: usize = 1024;

/// How long an answer is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// One attempt by UDP, or all of TCP.
    pub attempt: Duration,
    /// Attempts by UDP.
    pub attempts: u32,
}

impl Default for Patience {
    /// Three attempts of 700 ms: within the 8 s that a switch has, even when two are lost.
    fn default() -> Self {
        Patience { attempt: Duration::from_millis(700), attempts: 3 }
    }
}

/// Asks a server and gives the answer that is believed.
///
/// # Errors
/// `divert.unreachable`, `divert.timeout`, or why no answer was believed.
pub(crate) async fn exchange(
    server: SocketAddr,
    asked: &Asked,
    key: Option<&Key>,
    patience: Patience,
) -> Result<Answer> {
    if asked.bytes.len() <= DATAGRAM_BYTES {
        let answer = by_udp(server, asked, key, patience).await?;
        if !answer.truncated() {
            return Ok(answer);
        }
    }
    let whole = timeout(patience.attempt * patience.attempts, by_tcp(server, asked, key)).await;
    whole.unwrap_or_else(|_| Err(Fault::new(&fault::TIMEOUT).object(server).found("nothing by TCP")))
}

fn unreachable(server: SocketAddr) -> impl Fn(std::io::Error) -> Fault {
    move |cause| Fault::new(&fault::UNREACHABLE).object(server).found(cause.kind()).because(cause)
}

async fn by_udp(server: SocketAddr, asked: &Asked, key: Option<&Key>, patience: Patience) -> Result<Answer> {
    let any = match server {
        SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    let socket = UdpSocket::bind((any, 0)).await.map_err(unreachable(server))?;
    // A connected socket: the kernel drops what comes from elsewhere, and tells of a closed port.
    socket.connect(server).await.map_err(unreachable(server))?;
    let mut unproven = None;
    for _ in 0..patience.attempts {
        socket.send(&asked.bytes).await.map_err(unreachable(server))?;
        if let Some(answer) = listen(&socket, server, asked, key, patience.attempt, &mut unproven).await? {
            return Ok(answer);
        }
        // Somebody answers and nobody better comes: the same question again would end the same way.
        if let Some(fault) = unproven.take() {
            return Err(fault.object(server));
        }
    }
    Err(Fault::new(&fault::TIMEOUT).object(server).expected("an answer by UDP"))
}

/// Listens until the answer comes or the attempt is over.
async fn listen(
    socket: &UdpSocket,
    server: SocketAddr,
    asked: &Asked,
    key: Option<&Key>,
    attempt: Duration,
    unproven: &mut Option<Fault>,
) -> Result<Option<Answer>> {
    let until = Instant::now() + attempt;
    let mut buffer = vec![0; 65_535];
    for _ in 0..STRAYS_MAX {
        let Ok(received) = timeout_at(until, socket.recv(&mut buffer)).await else { return Ok(None) };
        let length = received.map_err(unreachable(server))?;
        match asked.judge(&buffer[..length], key) {
            Ok(answer) => return Ok(Some(answer)),
            Err(Doubt::Foreign) => {}
            Err(Doubt::Unproven(fault)) => *unproven = Some(fault),
        }
    }
    Ok(None)
}

async fn by_tcp(server: SocketAddr, asked: &Asked, key: Option<&Key>) -> Result<Answer> {
    let mut stream = TcpStream::connect(server).await.map_err(unreachable(server))?;
    let mut framed = (asked.bytes.len() as u16).to_be_bytes().to_vec();
    framed.extend_from_slice(&asked.bytes);
    stream.write_all(&framed).await.map_err(unreachable(server))?;
    let length = stream.read_u16().await.map_err(unreachable(server))?;
    let mut bytes = vec![0; usize::from(length)];
    stream.read_exact(&mut bytes).await.map_err(unreachable(server))?;
    match asked.judge(&bytes, key) {
        Ok(answer) => Ok(answer),
        Err(Doubt::Unproven(fault)) => Err(fault.object(server)),
        Err(Doubt::Foreign) => Err(Fault::new(&fault::ANSWER).object(server).found("an answer to another question")),
    }
}

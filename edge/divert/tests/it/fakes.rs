//! A path and servers that misbehave: what real ones do too seldom to be waited for.

use crate::servers::{Kind, Server};
use divert::{Addresses, Protected, Swap, fault};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::UdpSocket;

/// What the path does with the n-th answer of the server.
#[derive(Clone, Copy)]
enum Path {
    /// Passes it.
    Pass,
    /// Loses it.
    Lose,
    /// Passes it after rubbish, an answer with another id and a forged one.
    Forge,
}

/// A relay before a server by UDP; its task ends with the runtime of the test.
async fn relay(server: SocketAddr, answers: &'static [Path]) -> SocketAddr {
    let front = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
    let address = front.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 4096];
        for path in answers.iter().copied().chain(std::iter::repeat(Path::Pass)) {
            let (length, client) = front.recv_from(&mut buffer).await.unwrap();
            let back = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            back.send_to(&buffer[..length], server).await.unwrap();
            let question = buffer[..length].to_vec();
            let length = back.recv(&mut buffer).await.unwrap();
            let answer = buffer[..length].to_vec();
            if matches!(path, Path::Lose) {
                continue;
            }
            if matches!(path, Path::Forge) {
                let mut other = answer.clone();
                other[0] ^= 1;
                let mut forged = answer.clone();
                forged[3] ^= 5;
                // The question itself, as if it were an answer without a signature.
                let mut bare = question[..12].to_vec();
                bare[2] |= 0x80;
                bare[4..12].fill(0);
                for datagram in [b"rubbish".to_vec(), other, forged, bare] {
                    front.send_to(&datagram, client).await.unwrap();
                }
            }
            front.send_to(&answer, client).await.unwrap();
        }
    });
    address
}

fn set(text: &str) -> Addresses {
    Addresses::new([text.parse().unwrap()]).unwrap()
}

fn through(server: &Server, relay: SocketAddr) -> Box<dyn divert::Records> {
    let settings = divert::Settings {
        provider: "rfc2136".into(),
        server: relay,
        key_file: server.right_key(),
        witnesses: Vec::new(),
    };
    divert::open(&settings, Arc::new(base::SystemClock::default()), Arc::new(base::SystemRandom::new())).unwrap()
}

#[tokio::test]
async fn a_lost_answer_does_not_make_a_change_fail() {
    let Some(server) = Server::start(Kind::Knot) else { return };
    let name = Protected::new("example.test", "lost.example.test", 5).unwrap();
    let records = through(&server, relay(server.address, &[Path::Lose]).await);
    // The change is made, its answer lost, its repeat refused by the server: it is found to be our own.
    let swap = records.compare_and_swap(&name, &Addresses::default(), &set("198.51.100.1")).await.unwrap();
    assert_eq!(swap, Swap::Already);
    // All answers to the change are lost, and the reading tells.
    let all = relay(server.address, &[Path::Lose, Path::Lose, Path::Lose]).await;
    let swap = through(&server, all).compare_and_swap(&name, &set("198.51.100.1"), &set("198.51.100.2")).await;
    assert_eq!(swap.unwrap(), Swap::Already);
}

#[tokio::test]
async fn forged_answers_are_waited_past() {
    let Some(server) = Server::start(Kind::Knot) else { return };
    let name = Protected::new("example.test", "www1.example.test", 5).unwrap();
    let records = through(&server, relay(server.address, &[Path::Forge; 4]).await);
    let before = records.read(&name).await.unwrap().addresses;
    assert_eq!(before.len(), 3);
    assert_eq!(records.compare_and_swap(&name, &before, &set("198.51.100.1")).await.unwrap(), Swap::Done);
}

#[tokio::test]
async fn silence_and_a_closed_port_are_named() {
    let Some(server) = Server::start(Kind::Knot) else { return };
    let name = Protected::new("example.test", "www1.example.test", 5).unwrap();
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let fault = through(&server, silent.local_addr().unwrap()).read(&name).await.unwrap_err();
    assert!(fault.is(&fault::TIMEOUT) && fault.retryable(), "{fault:?}");
    let fault = through(&server, crate::servers::free_port()).read(&name).await.unwrap_err();
    assert!(fault.is(&fault::UNREACHABLE) && fault.retryable(), "{fault:?}");
}

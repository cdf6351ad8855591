//! Probes at servers that answer, answer badly, or do not.

use crate::servers::{Kind, Server, free_port};
use base::{Random, SystemClock, SystemRandom};
use divert::{Addresses, Condition, Failure, HealthRules, ProbeSettings, Prober, Target, Watch};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A server on loopback that says one thing to whoever has asked; its task ends with the runtime of the test.
async fn says(text: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = [0; 1024];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(text.as_bytes()).await;
            });
        }
    });
    address
}

fn settings(kind: &str, at: SocketAddr) -> ProbeSettings {
    ProbeSettings { kind: kind.into(), port: at.port(), ..ProbeSettings::default() }
}

async fn ask(settings: ProbeSettings) -> Result<(), Failure> {
    let random: Arc<dyn Random> = Arc::new(SystemRandom::new());
    let here = Addresses::new(["127.0.0.1".parse().unwrap()]).unwrap();
    Target::new(settings, here).unwrap().ask(&random).await
}

#[tokio::test]
async fn each_kind_knows_good_from_bad() {
    let well = says("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    let ill = says("HTTP/1.1 503 Service Unavailable\r\n\r\n").await;
    let other = says("220 mail.example ESMTP\r\n").await;
    let closed = free_port();
    // Its queue takes the connection, nobody answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent_at = silent.local_addr().unwrap();
    assert_eq!(ask(settings("tcp", well)).await, Ok(()));
    assert_eq!(ask(settings("tcp", silent_at)).await, Ok(()));
    assert!(matches!(ask(settings("tcp", closed)).await, Err(Failure::Connection(_))));
    assert_eq!(ask(settings("http", well)).await, Ok(()));
    assert_eq!(ask(settings("http", ill)).await, Err(Failure::Status(503)));
    assert_eq!(ask(ProbeSettings { expect: vec![503], ..settings("http", ill) }).await, Ok(()));
    assert_eq!(ask(ProbeSettings { expect: vec![503], ..settings("http", well) }).await, Err(Failure::Status(200)));
    assert_eq!(ask(settings("http", other)).await, Err(Failure::Protocol));
    assert!(matches!(ask(settings("http", closed)).await, Err(Failure::Connection(_))));
    assert_eq!(ask(ProbeSettings { timeout_ms: 200, ..settings("http", silent_at) }).await, Err(Failure::Timeout));
    assert_eq!(ask(settings("tls", well)).await, Err(Failure::Protocol));
    assert!(matches!(ask(settings("tls", closed)).await, Err(Failure::Connection(_))));
    assert_eq!(ask(ProbeSettings { timeout_ms: 200, ..settings("tls", silent_at) }).await, Err(Failure::Timeout));
    assert!(matches!(ask(settings("dns", closed)).await, Err(Failure::Connection(_))));
    let silent = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let silent_dns = ProbeSettings { timeout_ms: 200, ..settings("dns", silent.local_addr().unwrap()) };
    assert_eq!(ask(silent_dns).await, Err(Failure::Timeout));
}

#[tokio::test]
async fn a_name_server_is_asked_for_a_name() {
    let Some(server) = Server::start(Kind::Knot) else { return };
    let asked = |host: &str| ProbeSettings { host: host.into(), ..settings("dns", server.address) };
    assert_eq!(ask(asked("example.test")).await, Ok(()));
    // A zone that it does not hold is refused.
    assert_eq!(ask(asked("example.net")).await, Err(Failure::Protocol));
}

#[tokio::test]
async fn a_prober_sees_a_place_die() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let here = Addresses::new([at.ip()]).unwrap();
    let target = Target::new(settings("tcp", at), here).unwrap();
    let rules = HealthRules { window: 2, fall: 2, rise: 1, settle_s: 0 };
    let watches = vec![Watch { name: 7, place: 1, target, rules }];
    let (sink, mut seen) = tokio::sync::mpsc::channel(16);
    let (clock, random) = (Arc::new(SystemClock::default()), Arc::new(SystemRandom::new()));
    let prober = Prober::start(watches, &(clock as _), &(random as _), &sink);
    assert_eq!(prober.len(), 1);
    let first = seen.recv().await.unwrap();
    assert_eq!((first.name, first.place, first.condition, first.failure), (7, 1, Condition::Up, None));
    drop(listener);
    let mut failed = 0;
    while let Some(sighting) = seen.recv().await {
        failed += usize::from(sighting.failure.is_some());
        if sighting.condition == Condition::Down {
            break;
        }
    }
    assert_eq!(failed, 2);
    drop(prober);
    drop(sink);
    while seen.recv().await.is_some() {}
}

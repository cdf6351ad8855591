//! Interim answers (1xx): early hints go on to the client, others end here, and none falls into another answer.

use crate::client::{connect, get, once};
use crate::{origin, rig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

const HINTS: &[u8] =
    b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nConnection: x-own\r\nX-Own: 1\r\n\r\n";

/// An origin that hints, and answers when it is told to.
async fn hinting() -> (std::net::SocketAddr, oneshot::Sender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (go, gone) = oneshot::channel();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            assert!(stream.read_buf(&mut head).await.unwrap() > 0);
        }
        stream.write_all(HINTS).await.unwrap();
        let _ = gone.await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
    });
    (address, go)
}

#[tokio::test]
async fn early_hints_reach_the_client_before_the_answer_is_there() {
    let (address, go) = hinting().await;
    let rig = rig::plain(&[address], &[]).await;
    let mut client = connect(rig.address()).await;
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let hints = String::from_utf8(client.until(b"\r\n\r\n").await).unwrap();
    assert_eq!(hints, "HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\n\r\n");
    go.send(()).unwrap();
    let answer = client.answer().await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "ok"));
}

#[tokio::test]
async fn clients_of_http_1_0_know_no_interim_answers() {
    let (address, go) = hinting().await;
    let rig = rig::plain(&[address], &[]).await;
    go.send(()).unwrap();
    let mut client = connect(rig.address()).await;
    client.send("GET / HTTP/1.0\r\nHost: a\r\n\r\n").await;
    let all = String::from_utf8(client.rest().await).unwrap();
    assert!(all.starts_with("HTTP/1.0 200 OK\r\n") && all.ends_with("\r\n\r\nok"), "{all}");
}

#[tokio::test]
async fn other_interim_answers_end_here_and_too_many_break_the_answer() {
    let origin = origin::raw(
        "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    );
    let origin = origin.await;
    let rig = rig::plain(&[origin.address], &[]).await;
    let mut client = connect(rig.address()).await;
    client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    let all = String::from_utf8(client.rest().await).unwrap();
    assert!(all.starts_with("HTTP/1.1 200 OK\r\n") && all.ends_with("ok"), "{all}");
    let many = "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(17) + "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    let origin = origin::raw(many.leak()).await;
    let rig = rig::plain(&[origin.address], &[]).await;
    assert_eq!(get(rig.address(), "/").await.status, 502);
}

#[tokio::test]
async fn a_change_of_protocol_that_nobody_asked_for_is_no_answer() {
    let origin = origin::raw("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\nfree").await;
    let rig = rig::plain(&[origin.address], &[]).await;
    assert_eq!(get(rig.address(), "/").await.status, 502);
}

#[tokio::test]
async fn a_refused_body_is_never_asked_for() {
    let origin = origin::http1("a").await;
    let rig = rig::plain(&[origin.address], &[("site", "request: {body: 10}")]).await;
    let request = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\n";
    let answer = once(rig.address(), request).await;
    assert_eq!(answer.status, 413);
    assert!(answer.head.starts_with("HTTP/1.1 413"));
    let mut client = connect(rig.address()).await;
    client.send(request).await;
    assert!(client.until(b"\r\n").await.starts_with(b"HTTP/1.1 413"), "no 100 before it");
}

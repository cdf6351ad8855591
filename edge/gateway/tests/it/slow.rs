//! Whoever lets others wait loses the connection, and only that one.

use crate::client::{connect, get};
use crate::{origin, rig};
use record::HttpDecision;
use std::time::Duration;

const SHORT: &str = "head: 150ms, idle: 300ms, write: 300ms";

#[tokio::test]
async fn a_head_that_drips_is_cut_off() {
    let origin = origin::http1("a").await;
    let mut rig = rig::plain(&[origin.address], &[("timeouts", SHORT)]).await;
    let mut client = connect(rig.address()).await;
    client.send("GET / HTTP/1.1\r\nHost: a\r\n").await;
    let mut drip = tokio::time::interval(Duration::from_millis(20));
    let answer = loop {
        tokio::select! {
            answer = client.answer() => break answer,
            _ = drip.tick() => {}
        }
        // The other end may be gone already.
        let _ = tokio::io::AsyncWriteExt::write_all(&mut client.stream, b"X: 1\r\n").await;
    };
    assert_eq!(answer.status, 408);
    let exchange = rig.exchange().await;
    assert_eq!((exchange.reason, exchange.decision), ("slow-head", HttpDecision::Malformed));
    assert_eq!(origin.requests(), 0);
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed() {
    let origin = origin::http1("a").await;
    let rig = rig::plain(&[origin.address], &[("timeouts", SHORT)]).await;
    let mut mute = connect(rig.address()).await;
    let mut idle = connect(rig.address()).await;
    idle.send("GET /size/1 HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(idle.answer().await.status, 200);
    assert!(mute.closed().await);
    assert!(idle.closed().await);
    rig::until("all closed", || rig.gateway.status().connections == 0).await;
}

#[tokio::test]
async fn a_body_that_drips_is_cut_off() {
    let origin = origin::http1("a").await;
    let more = [("site", "request: {body_rate: 1000, body_grace: 100ms}")];
    let mut rig = rig::plain(&[origin.address], &more).await;
    let mut client = connect(rig.address()).await;
    client.send("POST /grpc HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nx").await;
    assert_eq!(client.answer().await.status, 408);
    let exchange = rig.exchange().await;
    assert_eq!((exchange.reason, exchange.decision), ("body-too-slow", HttpDecision::Malformed));
    assert_eq!(exchange.request_bytes, 1);
}

#[tokio::test]
async fn a_client_that_reads_nothing_is_cut_off() {
    let origin = origin::http1("a").await;
    let mut rig = rig::plain(&[origin.address], &[("timeouts", SHORT)]).await;
    let mut client = connect(rig.address()).await;
    client.send("GET /size/50000000 HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let exchange = rig.exchange().await;
    assert!(exchange.response_bytes < 50_000_000, "{}", exchange.response_bytes);
    rig::until("closed", || rig.gateway.status().connections == 0).await;
}

#[tokio::test]
async fn an_origin_that_says_nothing_is_504() {
    let origin = origin::http1("a").await;
    let mut rig = rig::plain(&[origin.address], &[("site", "timeouts: {answer: 100ms}")]).await;
    assert_eq!(get(rig.address(), "/silent").await.status, 504);
    assert_eq!(rig.exchange().await.reason, "origin-silent");
}

#[tokio::test]
async fn an_answer_that_stops_is_cut_off() {
    let origin = origin::raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nfirst").await;
    let mut rig = rig::plain(&[origin.address], &[]).await;
    let mut client = connect(rig.address()).await;
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(!client.rest().await.ends_with(b"\r\n\r\nfirst\r\n"), "a part must not look whole");
    assert_eq!(rig.exchange().await.reason, "origin-broken");
}

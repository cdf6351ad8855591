//! Bytes that two parsers could read differently never reach an origin.

use crate::client::{connect, get};
use crate::{origin, rig};
use record::HttpDecision;

/// Name of the refusal, and what is sent.
const REFUSED: &[(&str, &str)] = &[
    (
        "length-conflict",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    ("content-length-repeated", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde"),
    ("content-length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +4\r\n\r\nabcd"),
    ("transfer-encoding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
    ("transfer-encoding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    ("space-before-colon", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
    ("line-folding", "GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n folded\r\n\r\n"),
    ("bare-lf", "GET / HTTP/1.1\nHost: a\n\n"),
    ("bare-cr", "GET / HTTP/1.1\r\nHost: a\r\nX: 1\r2\r\n\r\n"),
    ("field-value", "GET / HTTP/1.1\r\nHost: a\r\nX: 1\0\r\n\r\n"),
    ("host-missing", "GET / HTTP/1.1\r\nX: 1\r\n\r\n"),
    ("host-repeated", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
    ("chunk-size", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x4\r\nabcd\r\n0\r\n\r\n"),
    ("version", "GET / HTTP/2.0\r\nHost: a\r\n\r\n"),
];

#[tokio::test]
async fn doubtful_framing_is_refused_before_any_parser() {
    let origin = origin::http1("a").await;
    let mut rig = rig::plain(&[origin.address], &[]).await;
    for (name, request) in REFUSED {
        let mut client = connect(rig.address()).await;
        client.send(request).await;
        let answer = client.answer().await;
        assert!(matches!(answer.status, 400 | 505), "{name}: {answer:?}");
        assert!(client.closed().await, "{name}");
        // A doubt in the middle of a body comes after the head was taken for a request.
        let mut seen = Vec::new();
        let exchange = loop {
            let exchange = rig.exchange().await;
            if exchange.site.is_none() {
                break exchange;
            }
            seen.push(exchange.reason);
            assert_eq!(seen, ["body-broken"], "{name}");
        };
        assert_eq!((exchange.reason, exchange.decision), (*name, HttpDecision::Malformed));
        assert!(answer.text().contains(exchange.reference.as_deref().unwrap()));
    }
    assert_eq!(get(rig.address(), "/").await.status, 200);
}

#[tokio::test]
async fn a_second_request_in_the_first_ones_body_is_no_request() {
    let origin = origin::http1("a").await;
    let rig = rig::plain(&[origin.address], &[]).await;
    let inner = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut client = connect(rig.address()).await;
    let outer = format!("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{inner}", inner.len());
    client.send(format!("{outer}GET /size/2 HTTP/1.1\r\nHost: a\r\n\r\n")).await;
    assert_eq!(client.answer().await.text(), inner);
    assert_eq!(client.answer().await.text(), "xx");
    assert_eq!(origin.requests(), 2);
}

#[tokio::test]
async fn heads_have_limits() {
    let origin = origin::http1("a").await;
    let rig = rig::plain(&[origin.address], &[("limits", "head: 4KiB, headers: 20")]).await;
    let many: String = (0..30).map(|number| format!("X-{number}: 1\r\n")).collect();
    for (status, more) in [(431, many), (431, format!("X: {}\r\n", "a".repeat(5000))), (200, "X: 1\r\n".repeat(18))] {
        let mut client = connect(rig.address()).await;
        client.send(format!("GET / HTTP/1.1\r\nHost: a\r\n{more}\r\n")).await;
        assert_eq!(client.answer().await.status, status);
    }
}

#[tokio::test]
async fn a_good_request_before_a_bad_one_gets_its_answer() {
    let origin = origin::http1("a").await;
    let rig = rig::plain(&[origin.address], &[]).await;
    let mut client = connect(rig.address()).await;
    client.send("GET /size/3 HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(client.answer().await.text(), "xxx");
    client.send("GET / HTTP/1.1\nHost: a\n\n").await;
    assert_eq!(client.answer().await.status, 400);
    assert!(client.closed().await);
}

#[tokio::test]
async fn a_doubt_in_the_middle_of_a_body_ends_the_connection() {
    let origin = origin::http1("a").await;
    let mut rig = rig::plain(&[origin.address], &[]).await;
    let mut client = connect(rig.address()).await;
    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ngood\r\n").await;
    client.until(b"\r\n\r\n").await;
    client.chunks_of("good").await;
    client.send("0x4\r\nabcd\r\n0\r\n\r\n").await;
    client.rest().await;
    let reasons = [rig.exchange().await.reason, rig.exchange().await.reason];
    assert!(reasons.contains(&"chunk-size"), "{reasons:?}");
    rig::until("closed", || rig.gateway.status().connections == 0).await;
}

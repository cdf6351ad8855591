//! Requests to origins and answers back.

use crate::client::{connect, get, once};
use crate::{origin, rig};
use record::HttpDecision;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;

#[tokio::test]
async fn the_origin_learns_who_asked_and_connections_keep_their_own_fields() {
    let origin = origin::http1("a").await;
    let mut rig = rig::plain(&[origin.address], &[]).await;
    let request = "GET /a%20b?c=d&e HTTP/1.1\r\nHost: shop.example:8080\r\nUser-Agent: test\r\nConnection: x-mine\r\n\
                   X-Mine: 1\r\nX-Forwarded-For: 203.0.113.9\r\nKeep-Alive: timeout=5\r\n\r\n";
    let answer = once(rig.address(), request).await;
    assert_eq!(answer.status, 200);
    assert!(answer.text().starts_with("a\nGET /a%20b?c=d&e HTTP/1.1\n"), "{}", answer.text());
    assert_eq!(answer.told("host").as_deref(), Some("shop.example:8080"));
    assert_eq!(answer.told("x-forwarded-for").as_deref(), Some("127.0.0.1"));
    assert_eq!(answer.told("x-forwarded-proto").as_deref(), Some("http"));
    assert_eq!(answer.told("forwarded").as_deref(), Some("for=127.0.0.1;proto=http;host=\"shop.example:8080\""));
    assert_eq!((answer.told("x-mine"), answer.told("keep-alive"), answer.told("connection")), (None, None, None));
    assert_eq!((answer.header("x-hop"), answer.header("x-origin")), (None, Some("a")));
    let exchange = rig.exchange().await;
    assert_eq!((exchange.status, exchange.decision, exchange.reason), (200, HttpDecision::Unjudged, ""));
    assert_eq!(exchange.site.as_deref(), Some("shop"));
    assert_eq!(exchange.response_bytes as usize, answer.body.len());
    assert_eq!(exchange.origin.as_deref(), Some(origin.address.to_string().as_str()));
    assert!(exchange.origin_us.is_some() && exchange.order.is_some());
    assert_eq!(exchange.host, "shop.example");
}

#[tokio::test]
async fn trusted_proxies_name_the_client() {
    let origin = origin::http1("a").await;
    let more = [("listener", "trusted_proxies: [127.0.0.0/8]")];
    let mut rig = rig::plain(&[origin.address], &more).await;
    let request = "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 198.51.100.1, 203.0.113.9\r\n\r\n";
    let answer = once(rig.address(), request).await;
    assert_eq!(answer.told("x-forwarded-for").as_deref(), Some("198.51.100.1, 203.0.113.9, 127.0.0.1"));
    assert_eq!(answer.told("x-real-ip").as_deref(), Some("203.0.113.9"));
    assert_eq!(rig.exchange().await.client.to_string(), "203.0.113.9");
}

#[tokio::test]
async fn one_connection_to_the_origin_serves_many_requests() {
    let origin = origin::http1("a").await;
    let mut rig = rig::plain(&[origin.address], &[]).await;
    let mut client = connect(rig.address()).await;
    for size in [0, 1, 10, 5_000, 200_000, 3].iter().cycle().take(60) {
        client.send(format!("GET /size/{size} HTTP/1.1\r\nHost: a\r\n\r\n")).await;
        assert_eq!(client.answer().await.body.len(), *size);
        client.send("HEAD /size/9 HTTP/1.1\r\nHost: a\r\n\r\n").await;
        let answer = client.answer_to("HEAD").await;
        assert_eq!((answer.status, answer.header("content-length")), (200, Some("9")));
        client.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n").await;
        assert_eq!(client.answer().await.text(), "abc");
        client.send("GET /status/304 HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert_eq!(client.answer().await.status, 304);
    }
    assert_eq!(origin.connections.load(Ordering::SeqCst), 1);
    for _ in 0..240 {
        assert_eq!(rig.exchange().await.reason, "");
    }
    let status = rig.gateway.status();
    assert_eq!((status.sites[0].requests, status.sites[0].in_flight, status.connections), (240, 0, 1));
    assert_eq!(status.sites[0].latency.iter().sum::<u64>(), 240);
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let origin = origin::http1("a").await;
    let rig = rig::plain(&[origin.address], &[]).await;
    let mut client = connect(rig.address()).await;
    let requests: String = (1..=20).map(|size| format!("GET /size/{size} HTTP/1.1\r\nHost: a\r\n\r\n")).collect();
    client.send(requests).await;
    for size in 1..=20 {
        assert_eq!(client.answer().await.body.len(), size);
    }
}

#[tokio::test]
async fn bodies_flow_both_ways_at_once() {
    let origin = origin::http1("a").await;
    let rig = rig::plain(&[origin.address], &[]).await;
    let mut client = connect(rig.address()).await;
    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n").await;
    client.until(b"\r\n\r\n").await;
    client.chunks_of("first").await;
    client.send("6\r\nsecond\r\n").await;
    client.chunks_of("second").await;
    client.send("0\r\n\r\n").await;
    client.until(b"0\r\n\r\n").await;
}

#[tokio::test]
async fn a_client_may_wait_for_100_continue() {
    let origin = origin::http1("a").await;
    let rig = rig::plain(&[origin.address], &[]).await;
    let mut client = connect(rig.address()).await;
    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n").await;
    client.until(b"HTTP/1.1 100 Continue\r\n\r\n").await;
    client.send("body").await;
    assert_eq!(client.answer().await.text(), "body");
}

#[tokio::test]
async fn a_megabyte_goes_up_and_comes_back() {
    let origin = origin::http1("a").await;
    let rig = rig::plain(&[origin.address], &[]).await;
    let body: Vec<u8> = (0..1_000_000_u32).map(|number| number.to_le_bytes()[number as usize % 3]).collect();
    let stream = tokio::net::TcpStream::connect(rig.address()).await.unwrap();
    let (read, mut write) = tokio::io::split(stream);
    let sent = body.clone();
    let send = async move {
        let head = format!("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", sent.len());
        tokio::io::AsyncWriteExt::write_all(&mut write, head.as_bytes()).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut write, &sent).await.unwrap();
        write
    };
    let mut client = crate::client::Client::new(tokio::io::join(read, tokio::io::sink()));
    let (answer, _write) = tokio::join!(client.answer(), send);
    assert!(answer.body == body);
}

#[tokio::test]
async fn what_is_of_no_site_or_not_allowed_is_refused_in_the_readers_language() {
    let origin = origin::http1("a").await;
    let more = [("site", "request: {body: 10}")];
    let text = rig::text(&[origin.address], &more).replace("hosts: ['*']", "hosts: [shop.example]");
    let config = gateway::Config::parse(&text, "test").unwrap();
    let mut rig = rig::start(config, gateway::Judges::new()).await;
    let answer = once(rig.address(), "GET / HTTP/1.1\r\nHost: other\r\nAccept-Language: zh-CN\r\n\r\n").await;
    assert_eq!(answer.status, 421);
    assert!(answer.text().contains("没有该名称的站点"));
    let exchange = rig.exchange().await;
    assert_eq!((exchange.reason, exchange.site.is_none()), ("no-site", true));
    assert!(answer.text().contains(exchange.reference.as_deref().unwrap()));
    let trace = once(rig.address(), "TRACE / HTTP/1.1\r\nHost: shop.example\r\n\r\n").await;
    assert_eq!(trace.status, 405);
    for length in ["Content-Length: 11\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\nb\r\n12345678901\r\n0\r\n\r\n"] {
        let request = format!("POST /echo HTTP/1.1\r\nHost: shop.example\r\n{length}");
        assert_eq!(once(rig.address(), &request).await.status, 413, "{length}");
    }
    let unrouted = &rig.gateway.status().sites[1];
    assert_eq!((unrouted.site.as_str(), unrouted.requests), ("", 1));
}

#[tokio::test]
async fn plain_http_is_redirected_where_only_https_is_wanted() {
    let origin = origin::http1("a").await;
    let rig = rig::plain(&[origin.address], &[("site", "https_only: true")]).await;
    let answer = get(rig.address(), "/a?b").await;
    assert_eq!((answer.status, answer.header("location")), (308, Some("https://shop.example/a?b")));
    assert_eq!(origin.requests(), 0);
}

/// An address on which nothing listens.
async fn nobody() -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap()
}

#[tokio::test]
async fn another_origin_is_tried_when_one_cannot_be_reached() {
    let origin = origin::http1("a").await;
    let rig = rig::plain(&[nobody().await, origin.address], &[]).await;
    for _ in 0..10 {
        let post = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody";
        assert_eq!(once(rig.address(), post).await.text(), "body");
    }
    let pools = rig.gateway.status().pools;
    assert!(!pools["app"][0].up && pools["app"][1].up, "{pools:?}");
}

#[tokio::test]
async fn no_origin_is_502_and_told_so() {
    let mut rig = rig::plain(&[nobody().await], &[]).await;
    assert_eq!(get(rig.address(), "/").await.status, 502);
    assert_eq!(rig.exchange().await.reason, "origin-unreachable");
}

#[tokio::test]
async fn only_what_is_safe_to_repeat_is_repeated() {
    // Both read the head and close: a GET goes to each once, a POST to one.
    for (method, expected) in [("GET", 2), ("DELETE", 2), ("POST", 1)] {
        let (first, second) = (origin::raw("").await, origin::raw("").await);
        let rig = rig::plain(&[first.address, second.address], &[]).await;
        let answer = once(rig.address(), &format!("{method} / HTTP/1.1\r\nHost: a\r\n\r\n")).await;
        assert_eq!((answer.status, first.requests() + second.requests()), (502, expected), "{method}");
    }
}

#[tokio::test]
async fn an_answer_that_is_no_http_is_502() {
    let origin = origin::raw("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd").await;
    let rig = rig::plain(&[origin.address], &[("pool", "retries: 0")]).await;
    assert_eq!(get(rig.address(), "/").await.status, 502);
}

#[tokio::test]
async fn health_checks_take_an_origin_out_and_in_again() {
    let (first, second) = (origin::http1("a").await, origin::http1("b").await);
    let more = [("pool", "health: {path: /health, every: 20ms, fall: 2, rise: 2}")];
    let rig = rig::plain(&[first.address, second.address], &more).await;
    let up = |rig: &rig::Rig| rig.gateway.status().pools["app"].iter().map(|origin| origin.up).collect::<Vec<_>>();
    first.healthy.store(false, Ordering::SeqCst);
    rig::until("taken out", || up(&rig) == [false, true]).await;
    for _ in 0..10 {
        assert_eq!(get(rig.address(), "/").await.header("x-origin"), Some("b"));
    }
    first.healthy.store(true, Ordering::SeqCst);
    rig::until("taken in", || up(&rig) == [true, true]).await;
    let mut seen = [false; 2];
    for _ in 0..4 {
        let answer = get(rig.address(), "/").await;
        seen[usize::from(answer.header("x-origin") == Some("b"))] = true;
    }
    assert_eq!(seen, [true, true]);
}

#[tokio::test]
async fn a_client_stays_with_its_origin_when_so_configured() {
    let origins = [origin::http1("a").await, origin::http1("b").await, origin::http1("c").await];
    let addresses: Vec<SocketAddr> = origins.iter().map(|origin| origin.address).collect();
    let more = [("pool", "balance: client"), ("listener", "trusted_proxies: [127.0.0.1]")];
    let rig = rig::plain(&addresses, &more).await;
    let mut used = std::collections::BTreeSet::new();
    for client in 0..24 {
        let request = format!("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.{client}\r\n\r\n");
        let first = once(rig.address(), &request).await;
        let again = once(rig.address(), &request).await;
        assert_eq!(first.header("x-origin"), again.header("x-origin"));
        used.insert(first.header("x-origin").unwrap().to_string());
    }
    assert_eq!(used.len(), 3);
}

#[tokio::test]
async fn a_full_origin_lets_requests_wait_and_then_refuses() {
    let origin = origin::http1("a").await;
    let more = [("pool", "connections: 1, wait: 50ms"), ("site", "timeouts: {answer: 20s}")];
    let mut rig = rig::plain(&[origin.address], &more).await;
    let mut first = connect(rig.address()).await;
    first.send("GET /silent HTTP/1.1\r\nHost: a\r\n\r\n").await;
    rig::until("the origin is busy", || origin.requests() == 1).await;
    assert_eq!(get(rig.address(), "/").await.status, 503);
    assert_eq!(rig.exchange().await.reason, "origin-full");
    // The first client goes; its slot is free again.
    drop(first);
    assert_eq!(rig.exchange().await.reason, "client-gone");
    assert_eq!(get(rig.address(), "/").await.status, 200);
}

#[tokio::test]
async fn connections_have_limits_and_end_after_enough_requests() {
    let origin = origin::http1("a").await;
    let more = [("limits", "connections_per_client: 2, requests_per_connection: 3")];
    let rig = rig::plain(&[origin.address], &more).await;
    let mut client = connect(rig.address()).await;
    for _ in 0..3 {
        client.send("GET /size/1 HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert_eq!(client.answer().await.status, 200);
    }
    assert!(client.closed().await);
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut client = connect(rig.address()).await;
        client.send("GET /size/1 HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert_eq!(client.answer().await.status, 200);
        held.push(client);
    }
    assert!(connect(rig.address()).await.closed().await);
    rig::until("counted", || rig.gateway.status().unopened == 1).await;
}

#[tokio::test]
async fn a_proxy_protocol_header_names_the_client() {
    let origin = origin::http1("a").await;
    let more = [("listener", "proxy_protocol: require, trusted_proxies: [127.0.0.1]")];
    let rig = rig::plain(&[origin.address], &more).await;
    let request = "PROXY TCP4 203.0.113.7 198.51.100.1 5555 443\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_eq!(once(rig.address(), request).await.told("x-forwarded-for").as_deref(), Some("203.0.113.7"));
    let mut client = connect(rig.address()).await;
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(client.closed().await, "without a header");
    let stranger = [("listener", "proxy_protocol: require, trusted_proxies: [10.0.0.0/8]")];
    let rig = rig::plain(&[origin.address], &stranger).await;
    let mut client = connect(rig.address()).await;
    client.send(request).await;
    assert!(client.closed().await, "from a stranger");
}

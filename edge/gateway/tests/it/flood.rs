//! Flood defence in the path: challenges and what solves them, limits, places at the origin.

use crate::client::{Answer, connect, once};
use crate::{origin, rig};
use flood::challenge::{PATH, solve};
use record::HttpDecision;

const BROWSER: &str =
    "Host: shop.example\r\nUser-Agent: browser\r\nAccept: text/html,*/*\r\nAccept-Language: zh-CN\r\n";

fn between<'t>(text: &'t str, from: &str) -> &'t str {
    text.split_once(from).unwrap().1.split_once('"').unwrap().0
}

/// What the script of the page sends.
fn proof(page: &Answer) -> String {
    let page = page.text();
    let bits: u8 = between(&page, "data-bits=\"").parse().unwrap();
    let token = between(&page, "name=\"token\" value=\"");
    format!("token={token}&number={}&back=%2Fa%3Fb%3Dc", solve(token, bits))
}

/// A cookie, for the work.
pub async fn earn(address: std::net::SocketAddr) -> String {
    let page = once(address, &format!("GET /a?b=c HTTP/1.1\r\n{BROWSER}\r\n")).await;
    let body = proof(&page);
    let post = format!("POST {PATH} HTTP/1.1\r\n{BROWSER}Content-Length: {}\r\n\r\n{body}", body.len());
    let earned = once(address, &post).await;
    earned.header("set-cookie").unwrap().split(';').next().unwrap().to_owned()
}

/// The status of a visit with a cookie.
pub async fn visit(address: std::net::SocketAddr, cookie: &str) -> u16 {
    once(address, &format!("GET / HTTP/1.1\r\n{BROWSER}Cookie: {cookie}\r\n\r\n")).await.status
}

#[tokio::test]
async fn a_browser_proves_itself_and_is_served() {
    let origin = origin::http1("a").await;
    let more = [("site", "flood: {floor: challenge, difficulty: [6, 6, 6]}")];
    let mut rig = rig::plain(&[origin.address], &more).await;
    let page = once(rig.address(), &format!("GET /a?b=c HTTP/1.1\r\n{BROWSER}\r\n")).await;
    assert_eq!(page.status, 503, "{}", page.text());
    assert!(page.text().contains("<html lang=\"zh\">"));
    assert!(page.header("content-security-policy").unwrap().contains("script-src 'nonce-"));
    let exchange = rig.exchange().await;
    assert_eq!((exchange.decision, exchange.reason), (HttpDecision::Challenged, "unproven"));
    assert_eq!(exchange.level, Some(flood::Level::Challenge));

    let body = proof(&page);
    let post = |body: &str, browser: &str| {
        format!("POST {PATH} HTTP/1.1\r\n{browser}Content-Length: {}\r\n\r\n{body}", body.len())
    };
    let other = once(rig.address(), &post(&body, &BROWSER.replace("browser", "other"))).await;
    assert_eq!((other.status, other.header("location"), other.header("set-cookie")), (303, Some("/"), None));
    let earned = once(rig.address(), &post(&body, BROWSER)).await;
    assert_eq!((earned.status, earned.header("location")), (303, Some("/a?b=c")));
    let cookie = earned.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    assert!(once(rig.address(), &post(&body, BROWSER)).await.header("set-cookie").is_none(), "a token is taken once");

    let mut client = connect(rig.address()).await;
    for _ in 0..3 {
        client.send(format!("GET /a?b=c HTTP/1.1\r\n{BROWSER}Cookie: x=y; {cookie}\r\n\r\n")).await;
        assert_eq!(client.answer().await.status, 200);
    }
    client.send(format!("POST /echo HTTP/1.1\r\n{BROWSER}Cookie: {cookie}\r\nContent-Length: 3\r\n\r\nabc")).await;
    assert_eq!(client.answer().await.text(), "abc");
    let flood = rig.gateway.status().floods.remove(0);
    assert_eq!((flood.challenges.solved, flood.counters.admitted, flood.reading.in_flight), (1, 4, 0));
}

#[tokio::test]
async fn who_asks_too_often_is_told_to_come_back_later() {
    let origin = origin::http1("a").await;
    let more = [("site", "flood: {always: {per_second: 0.1, burst: 3}}")];
    let mut rig = rig::plain(&[origin.address], &more).await;
    let mut client = connect(rig.address()).await;
    let mut statuses = Vec::new();
    for _ in 0..5 {
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        let answer = client.answer().await;
        assert_eq!(answer.header("retry-after").is_some(), answer.status == 429);
        statuses.push(answer.status);
    }
    assert_eq!(statuses, [200, 200, 200, 429, 429]);
    for _ in 0..3 {
        rig.exchange().await;
    }
    let exchange = rig.exchange().await;
    assert_eq!((exchange.decision, exchange.reason), (HttpDecision::Limited, "client-rate"));
}

#[tokio::test]
async fn a_reload_keeps_what_is_known_and_takes_the_new_settings() {
    let origin = origin::http1("a").await;
    let with = |flood: &str| rig::config(&[origin.address], &[("site", flood)]);
    let mut rig = rig::start(with("flood: {}"), gateway::Judges::new()).await;
    assert_eq!(once(rig.address(), "GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.status, 200);
    rig.gateway.reload(with("flood: {floor: essential}"), &gateway::Judges::new()).await.unwrap();
    let level = |rig: &rig::Rig| rig.gateway.status().floods[0].level;
    rig::until("the floor is the level", || level(&rig) == flood::Level::Essential).await;
    assert_eq!(rig.gateway.status().floods[0].counters.arrived, 1);
    assert_eq!(once(rig.address(), "GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.status, 429);
}

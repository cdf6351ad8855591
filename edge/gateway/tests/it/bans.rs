//! Bans in the path: at the door, behind a proxy, on a connection that was open before, and their end.

use crate::client::{Client, connect, get, once};
use crate::{origin, rig};
use base::{Clock, ManualClock, SystemRandom};
use record::HttpDecision;
use std::sync::Arc;

const HOUR: i64 = 3_600_000_000;

#[tokio::test]
async fn a_banned_source_gets_no_answer_and_others_do() {
    let origin = origin::http1("a").await;
    let mut rig = rig::plain(&[origin.address], &[]).await;
    let mut open = connect(rig.address()).await;
    open.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(open.answer().await.status, 200);
    rig.exchange().await;
    rig.bans.put("one", "127.0.0.0/8".parse().unwrap(), rig.clock.monotonic() + HOUR).unwrap();
    // On a connection that was open before, its next request ends it.
    open.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(open.closed().await);
    let exchange = rig.exchange().await;
    assert_eq!((exchange.decision, exchange.reason), (HttpDecision::Blocked, "banned"));
    // A new one is closed before anything is said on it.
    assert!(connect(rig.address()).await.closed().await);
    let bans = rig.gateway.status().bans;
    assert_eq!((bans.networks, bans.connections, bans.requests), (1, 1, 1));
    assert_eq!((bans.busiest[0].network.as_str(), bans.busiest[0].refused), ("127.0.0.0/8", 2));
    rig.bans.lift("one");
    assert_eq!(get(rig.address(), "/").await.status, 200);
}

#[tokio::test]
async fn behind_a_trusted_proxy_the_client_is_banned_and_not_the_proxy() {
    let origin = origin::http1("a").await;
    let mut rig = rig::plain(&[origin.address], &[("listener", "trusted_proxies: [127.0.0.1]")]).await;
    rig.bans.put("one", "203.0.113.7".parse().unwrap(), rig.clock.monotonic() + HOUR).unwrap();
    let mut proxy = connect(rig.address()).await;
    for (client, status) in [("203.0.113.7", 403), ("203.0.113.8", 200), ("203.0.113.7", 403)] {
        proxy.send(format!("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: {client}\r\n\r\n")).await;
        assert_eq!(proxy.answer().await.status, status, "{client}");
        assert_eq!(rig.exchange().await.reason == "banned", status == 403);
    }
    // By a PROXY protocol header, the connection is refused.
    let more = [("listener", "proxy_protocol: require, trusted_proxies: [127.0.0.1]")];
    let rig = rig::plain(&[origin.address], &more).await;
    rig.bans.put("one", "203.0.113.7".parse().unwrap(), rig.clock.monotonic() + HOUR).unwrap();
    let request =
        |client: &str| format!("PROXY TCP4 {client} 198.51.100.1 5555 443\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(once(rig.address(), &request("203.0.113.8")).await.status, 200);
    let mut banned: Client<_> = connect(rig.address()).await;
    banned.send(request("203.0.113.7")).await;
    assert!(banned.closed().await);
    assert_eq!(rig.gateway.status().bans.connections, 1);
}

#[tokio::test]
async fn a_ban_ends_by_its_time() {
    let origin = origin::http1("a").await;
    let (reporter, _exchanges) = gateway::Channel::new(16);
    let (clock, bans, random) = (Arc::new(ManualClock::at(1)), Arc::<flood::Bans>::default(), SystemRandom::new());
    let keys = flood::Keys::random(&random);
    let random = Arc::new(random);
    let judges = gateway::Judges::new();
    let parts = gateway::Parts { judges, reporter, clock: clock.clone(), random, bans: bans.clone(), keys };
    let gateway = gateway::Gateway::start(rig::config(&[origin.address], &[]), parts).await.unwrap();
    let address = gateway.addresses()["web"];
    bans.put("one", "127.0.0.1".parse().unwrap(), clock.monotonic() + HOUR).unwrap();
    clock.advance(HOUR - 1);
    assert!(connect(address).await.closed().await);
    clock.advance(1);
    assert_eq!(get(address, "/").await.status, 200);
    assert_eq!(gateway.status().bans.networks, 0);
}

/// A cookie that one gateway gave is taken by another with the same keys, and after a change of keys for as long as the one
/// before is kept.
#[tokio::test]
async fn gateways_with_the_same_keys_take_each_others_cookies() {
    let origin = origin::http1("a").await;
    let more = [("site", "flood: {floor: challenge, difficulty: [6, 6, 6]}")];
    let (one, other) = (rig::plain(&[origin.address], &more).await, rig::plain(&[origin.address], &more).await);
    let first = flood::Keys { current: [1; 32], previous: None };
    one.gateway.sign_with(&first);
    let cookie = crate::flood::earn(one.address()).await;
    assert_eq!(crate::flood::visit(other.address(), &cookie).await, 503);
    other.gateway.sign_with(&first);
    assert_eq!(crate::flood::visit(other.address(), &cookie).await, 200);
    other.gateway.sign_with(&flood::Keys { current: [2; 32], previous: Some([1; 32]) });
    assert_eq!(crate::flood::visit(other.address(), &cookie).await, 200);
    other.gateway.sign_with(&flood::Keys { current: [3; 32], previous: Some([2; 32]) });
    assert_eq!(crate::flood::visit(other.address(), &cookie).await, 503);
}

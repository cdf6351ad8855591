//! Another configuration without a lost request, and an end that lets requests at work finish.

use crate::client::{Client, connect, get};
use crate::{origin, rig, tls};
use gateway::{Config, Judges};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

const REQUESTS: usize = 2000;
const RELOADS: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_requests_and_twenty_reloads_lose_nothing() {
    let (first, second) = (origin::http1("a").await, origin::http1("b").await);
    let mut rig = rig::plain(&[first.address], &[]).await;
    let address = rig.address();
    let (done, left) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(REQUESTS)));
    let clients: Vec<_> = (0..8)
        .map(|number| {
            let (done, left) = (done.clone(), left.clone());
            tokio::spawn(async move {
                let mut client = connect(address).await;
                while left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
                    // Some connections live on, some are made anew for each request.
                    if number % 2 == 0 {
                        client = connect(address).await;
                    }
                    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
                    assert_eq!(client.answer().await.status, 200);
                    done.fetch_add(1, Ordering::SeqCst);
                }
            })
        })
        .collect();
    for reload in 0..RELOADS {
        let due = REQUESTS * reload / RELOADS;
        rig::until("requests go on", || done.load(Ordering::SeqCst) >= due).await;
        let origins = if reload % 2 == 0 { [second.address] } else { [first.address] };
        rig.gateway.reload(rig::config(&origins, &[]), &Judges::new()).await.unwrap();
    }
    for client in clients {
        client.await.unwrap();
    }
    assert_eq!(done.load(Ordering::SeqCst), REQUESTS);
    assert_eq!(first.requests() + second.requests(), REQUESTS);
    assert!(first.requests() > 100 && second.requests() > 100, "{} {}", first.requests(), second.requests());
    let site = &rig.gateway.status().sites[0];
    assert_eq!(site.requests as usize, REQUESTS, "counters go over");
}

#[tokio::test]
async fn listeners_come_and_go_and_keep_their_sockets() {
    let origin = origin::http1("a").await;
    let mut rig = rig::plain(&[origin.address], &[]).await;
    let address = rig.address();
    let mut kept = connect(address).await;
    kept.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(kept.answer().await.status, 200);
    let two = rig::text(&[origin.address], &[])
        .replace("listeners:\n", "listeners:\n  - {name: more, address: '127.0.0.1:0'}\n");
    rig.gateway.reload(Config::parse(&two, "test").unwrap(), &Judges::new()).await.unwrap();
    assert_eq!(rig.address(), address);
    let more = rig.gateway.addresses()["more"];
    assert_eq!(get(more, "/").await.status, 200);
    let mut there = connect(more).await;
    there.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(there.answer().await.status, 200);
    rig.gateway.reload(rig::config(&[origin.address], &[]), &Judges::new()).await.unwrap();
    assert!(there.closed().await, "a connection of a listener that is gone ends between requests");
    kept.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(kept.answer().await.status, 200);
    assert_eq!(rig.gateway.addresses().len(), 1);
}

#[tokio::test]
async fn a_reload_that_faults_changes_nothing() {
    let origin = origin::http1("a").await;
    let mut rig = rig::plain(&[origin.address], &[]).await;
    let taken = rig.address();
    let bad = rig::text(&[origin.address], &[("site", "https_only: true")])
        .replace("listeners:\n", &format!("listeners:\n  - {{name: more, address: '{taken}'}}\n"));
    let fault = rig.gateway.reload(Config::parse(&bad, "test").unwrap(), &Judges::new()).await.unwrap_err();
    assert!(fault.is(&gateway::fault::LISTEN) && fault.named().contains("more"), "{fault:?}");
    let rules = rig::config(&[origin.address], &[("site", "waf: {mode: block, rules: [crs]}")]);
    let fault = rig.gateway.reload(rules, &Judges::new()).await.unwrap_err();
    assert!(fault.is(&gateway::fault::NO_RULES), "{fault:?}");
    assert_eq!(get(rig.address(), "/").await.status, 200);
}

#[tokio::test]
async fn certificates_are_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let before = tls::certificate(folder.path(), "first", "first.example");
    tls::certificate(folder.path(), "second", "*.second.example");
    let origin = origin::http1("a").await;
    let mut rig = rig::start(tls::config(folder.path(), origin.address), Judges::new()).await;
    let mut open = Client::new(tls::connect(rig.address(), &before, "first.example", &[]).await.unwrap());
    let after = tls::certificate(folder.path(), "first", "first.example");
    rig.gateway.reload(tls::config(folder.path(), origin.address), &Judges::new()).await.unwrap();
    assert!(tls::connect(rig.address(), &after, "first.example", &[]).await.is_ok());
    assert!(tls::connect(rig.address(), &before, "first.example", &[]).await.is_err());
    open.send("GET / HTTP/1.1\r\nHost: first.example\r\n\r\n").await;
    assert_eq!(open.answer().await.status, 200, "a connection goes on with the certificate it began with");
}

#[tokio::test]
async fn a_stop_lets_requests_at_work_finish() {
    let origin = origin::http1("a").await;
    let rig = rig::plain(&[origin.address], &[]).await;
    let address = rig.address();
    let mut busy = connect(address).await;
    busy.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\nhalf").await;
    rig::until("the request is at work", || origin.requests() == 1).await;
    let mut idle = connect(address).await;
    idle.send("GET /size/1 HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(idle.answer().await.status, 200);
    let stopped = Arc::new(AtomicBool::new(false));
    let told = stopped.clone();
    let stop = tokio::spawn(async move {
        rig.gateway.stop().await;
        told.store(true, Ordering::SeqCst);
    });
    assert!(idle.closed().await);
    assert!(!stopped.load(Ordering::SeqCst));
    busy.send("done").await;
    assert_eq!(busy.answer().await.text(), "halfdone");
    stop.await.unwrap();
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_stop_does_not_wait_for_ever() {
    let origin = origin::http1("a").await;
    let rig = rig::plain(&[origin.address], &[("timeouts", "drain: 100ms")]).await;
    let address = rig.address();
    let mut busy = connect(address).await;
    busy.send("GET /silent HTTP/1.1\r\nHost: a\r\n\r\n").await;
    rig::until("the request is at work", || origin.requests() == 1).await;
    tokio::time::timeout(Duration::from_secs(20), rig.gateway.stop()).await.unwrap();
    assert!(busy.closed().await);
}

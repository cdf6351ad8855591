//! TLS to origins: whom the pool trusts, for which name, and nobody else.

use crate::client::{get, once};
use crate::{origin, rig, tls};
use gateway::{Config, Judges};
use std::net::SocketAddr;
use std::path::Path;

/// Pool lines for origins whose certificates one file has signed.
fn pool(folder: &Path, file: &str, more: &str) -> String {
    format!("tls: {{authority: {}/{file}.pem{more}}}", folder.display())
}

async fn status(origin: SocketAddr, pool: &str) -> u16 {
    let rig = rig::plain(&[origin], &[("pool", pool)]).await;
    get(rig.address(), "/size/3").await.status
}

#[tokio::test]
async fn only_the_right_name_signed_by_the_right_authority_is_spoken_to() {
    let folder = tempfile::tempdir().unwrap();
    tls::certificate(folder.path(), "right", "origin.example");
    tls::certificate(folder.path(), "other", "origin.example");
    let origin = origin::secure("a", folder.path(), "right", false).await;
    assert_eq!(status(origin.address, &pool(folder.path(), "right", ", name: origin.example")).await, 200);
    assert_eq!(status(origin.address, &pool(folder.path(), "right", ", name: else.example")).await, 502);
    assert_eq!(status(origin.address, &pool(folder.path(), "right", "")).await, 502, "not a certificate of 127.0.0.1");
    assert_eq!(status(origin.address, &pool(folder.path(), "other", ", name: origin.example")).await, 502);
    assert_eq!(origin.requests(), 1);
    tls::certificate(folder.path(), "address", "127.0.0.1");
    let origin = origin::secure("a", folder.path(), "address", false).await;
    assert_eq!(status(origin.address, &pool(folder.path(), "address", "")).await, 200);
}

#[tokio::test]
async fn requests_health_checks_and_http2_run_under_it() {
    let folder = tempfile::tempdir().unwrap();
    tls::certificate(folder.path(), "right", "origin.example");
    let trust = pool(folder.path(), "right", ", name: origin.example");
    for (http2, protocol) in [(false, "http1"), (true, "http2")] {
        let origin = origin::secure("a", folder.path(), "right", http2).await;
        let more = format!("{trust}, protocol: {protocol}, health: {{path: /health, every: 20ms, fall: 1, rise: 1}}");
        let rig = rig::plain(&[origin.address], &[("pool", &more)]).await;
        for size in [1, 300_000] {
            assert_eq!(get(rig.address(), &format!("/size/{size}")).await.body.len(), size, "{protocol}");
        }
        let post = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n";
        assert_eq!(once(rig.address(), post).await.text(), "body", "{protocol}");
        assert!(rig.gateway.status().pools["app"][0].up);
        origin.healthy.store(false, std::sync::atomic::Ordering::SeqCst);
        rig::until("taken out", || !rig.gateway.status().pools["app"][0].up).await;
    }
}

#[tokio::test]
async fn what_cannot_be_trusted_is_a_fault_and_a_changed_file_is_read_anew() {
    let folder = tempfile::tempdir().unwrap();
    let origin = origin::http1("a").await;
    let text = |file: &str| rig::text(&[origin.address], &[("pool", &pool(folder.path(), file, ""))]);
    std::fs::write(folder.path().join("empty.pem"), "").unwrap();
    std::fs::write(folder.path().join("broken.pem"), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
        .unwrap();
    tls::certificate(folder.path(), "good", "a.example");
    let good = Config::parse(&text("good"), "test").unwrap();
    let mut rig = rig::start(good.clone(), Judges::new()).await;
    for file in ["missing", "empty", "broken"] {
        let config = Config::parse(&text(file), "test").unwrap();
        let fault = rig.gateway.reload(config, &Judges::new()).await.unwrap_err();
        assert!(fault.is(&gateway::fault::AUTHORITY) && fault.named().contains(file), "{}", fault.inside());
    }
    tls::certificate(folder.path(), "good", "127.0.0.1");
    let origin = origin::secure("a", folder.path(), "good", false).await;
    let config = rig::config(&[origin.address], &[("pool", &pool(folder.path(), "good", ""))]);
    rig.gateway.reload(config.clone(), &Judges::new()).await.unwrap();
    assert_eq!(get(rig.address(), "/size/1").await.status, 200);
    tls::certificate(folder.path(), "good", "127.0.0.1");
    rig.gateway.reload(config, &Judges::new()).await.unwrap();
    assert_eq!(get(rig.address(), "/size/1").await.status, 502, "the origin's certificate is of the authority before");
}

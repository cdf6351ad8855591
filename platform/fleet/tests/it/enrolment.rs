//! Who gets in.

use crate::bench::{Bench, host, open, until};
use base::{ManualClock, SystemClock};
use fleet::{Identity, Token, fault};
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_lets_its_number_of_hosts_in_and_no_more() {
    let bench = Bench::new().await;
    let server = bench.serve(0).await;
    let token = bench.authority.issue_token(&server.url, "web", 1, 600).await.unwrap();
    let token = Token::parse(&token.text()).unwrap();
    let dir = bench.dir.path().join("a");
    let identity = fleet::enroll(&token, host(), &dir).await.unwrap();
    assert_eq!((identity.group.as_str(), identity.url.as_str()), ("web", server.url.as_str()));
    assert_eq!(Identity::load(&dir).unwrap().agent, identity.agent);
    let mode = std::fs::metadata(dir.join("identity.json")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let again = fleet::enroll(&token, host(), &bench.dir.path().join("b")).await.unwrap_err();
    assert!(again.is(&fault::USED_TOKEN), "{again:?}");
    let twice = fleet::enroll(&token, host(), &dir).await.unwrap_err();
    assert!(twice.is(&fault::ENROLLED), "{twice:?}");
    assert_eq!(bench.store.enrolled.load(Ordering::SeqCst), 1);
    let agents = bench.authority.agents().await.unwrap();
    assert_eq!((agents.len(), agents[0].agent.clone()), (1, identity.agent.to_string()));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn expired_revoked_and_unknown_tokens_are_told_apart() {
    let bench = Bench::new().await;
    let server = bench.serve(0).await;
    let expired = bench.authority.issue_token(&server.url, "g", 1, 0).await.unwrap();
    let revoked = bench.authority.issue_token(&server.url, "g", 1, 600).await.unwrap();
    bench.authority.revoke_token(&revoked).await.unwrap();
    for (token, code) in [(expired, &fault::EXPIRED_TOKEN), (revoked, &fault::UNKNOWN_TOKEN)] {
        let refused = fleet::enroll(&token, host(), &bench.dir.path().join("a")).await.unwrap_err();
        assert!(refused.is(code), "{refused:?}");
    }
    assert!(!bench.dir.path().join("a").exists());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_secret_is_not_told_to_a_server_of_another_authority() {
    let (bench, stranger) = (Bench::new().await, Bench::new().await);
    let server = stranger.serve(0).await;
    // The operator's token pins our authority, but the address leads to the stranger.
    let token = bench.authority.issue_token(&server.url, "g", 1, 600).await.unwrap();
    let refused = fleet::enroll(&token, host(), &bench.dir.path().join("a")).await.unwrap_err();
    assert!(refused.is(&fault::WRONG_SERVER), "{refused:?}");
    assert_eq!(stranger.store.enrolled.load(Ordering::SeqCst), 0);
    server.stop().await;
    let gone = fleet::enroll(&token, host(), &bench.dir.path().join("a")).await.unwrap_err();
    assert!(gone.is(&fault::UNREACHABLE), "{gone:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_of_another_authority_opens_no_link() {
    let (bench, stranger) = (Bench::new().await, Bench::new().await);
    let (ours, theirs) = (bench.serve(0).await, stranger.serve(0).await);
    let agent = bench.agent(&ours.url, "a").await;
    let mut impostor = stranger.agent(&theirs.url, "a").await;
    // A stolen address and the right trust, but a certificate that we did not sign.
    let path = impostor.dir.join("identity.json");
    let read = |path: &std::path::Path| -> serde_json::Value {
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    };
    let (mut forged, real) = (read(&path), read(&agent.dir.join("identity.json")));
    (forged["url"], forged["trust"]) = (real["url"].clone(), real["trust"].clone());
    std::fs::write(&path, forged.to_string()).unwrap();
    impostor.identity = Identity::load(&impostor.dir).unwrap();
    let (uplink, _orders) = impostor.link();
    let status = until(&uplink, |status| status.fault.is_some()).await;
    assert!(status.fault.as_ref().unwrap().is(&fault::WRONG_CERTIFICATE), "{:?}", status.fault);
    uplink.stop().await;
    ours.stop().await;
    theirs.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expired_certificate_is_named_as_such() {
    let clock = Arc::new(ManualClock::at(0));
    clock.jump_wall(base::Clock::wall(&SystemClock::default()));
    let bench = Bench::with_clock(clock.clone()).await;
    let server = bench.serve(0).await;
    let agent = bench.agent(&server.url, "a").await;
    clock.jump_wall(31 * 24 * 3600 * 1_000_000);
    let (uplink, _orders) = agent.link();
    let status = until(&uplink, |status| status.fault.is_some()).await;
    assert!(status.fault.as_ref().unwrap().is(&fault::EXPIRED_CERTIFICATE), "{:?}", status.fault);
    uplink.stop().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_is_renewed_after_two_thirds_of_its_life() {
    // The server's clock stands 25 days back, so the agent's certificate is old when it is made.
    let past = base::Clock::wall(&SystemClock::default()) - 25 * 24 * 3600 * 1_000_000;
    let clock = Arc::new(ManualClock::at(past));
    let bench = Bench::with_clock(clock.clone()).await;
    let server = bench.serve(0).await;
    let agent = bench.agent(&server.url, "a").await;
    clock.jump_wall(25 * 24 * 3600 * 1_000_000);
    let (_, old_end) = agent.identity.validity().unwrap();
    let (uplink, _orders) = agent.link();
    until(&uplink, |status| status.connected && status.certificate_ends_us > old_end).await;
    let renewed = Identity::load(&agent.dir).unwrap();
    assert!(renewed.agent == agent.identity.agent && renewed.validity().unwrap().1 > old_end);
    uplink.stop().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agents_follow_a_change_of_authority() {
    let bench = Bench::new().await;
    let server = bench.serve(0).await;
    let mut agent = bench.agent(&server.url, "a").await;
    assert!(bench.authority.promote().is_err(), "there is no younger authority yet");
    bench.authority.rotate().unwrap();
    let (uplink, _orders) = agent.link();
    until(&uplink, |status| status.connected).await;
    uplink.stop().await;
    server.stop().await;
    // The new authority signs the next server certificate; the agent has learned to trust it.
    bench.authority.promote().unwrap();
    let reopened = open(&bench.dir.path().join("ca"), bench.tables.clone(), Arc::new(SystemClock::default())).await;
    let bench = Bench { authority: reopened, ..bench };
    let port = agent.identity.url.rsplit(':').next().unwrap().parse().unwrap();
    let server = bench.serve(port).await;
    agent.identity = Identity::load(&agent.dir).unwrap();
    let (uplink, _orders) = agent.link();
    until(&uplink, |status| status.connected).await;
    let second = bench.agent(&server.url, "b").await;
    let (other, _orders) = second.link();
    until(&other, |status| status.connected).await;
    uplink.stop().await;
    other.stop().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_is_shut_out_loses_its_link_and_gets_no_other() {
    let bench = Bench::new().await;
    let server = bench.serve(0).await;
    let agent = bench.agent(&server.url, "a").await;
    let (uplink, _orders) = agent.link();
    until(&uplink, |status| status.connected).await;
    bench.authority.deny(agent.identity.agent, "stolen laptop").await.unwrap();
    let status = until(&uplink, |status| !status.connected && status.attempts > 1).await;
    assert!(status.fault.as_ref().unwrap().is(&fault::DENIED), "{:?}", status.fault);
    uplink.stop().await;
    // The list outlives the server.
    let reopened = open(&bench.dir.path().join("ca"), bench.tables.clone(), Arc::new(SystemClock::default())).await;
    server.stop().await;
    let bench = Bench { authority: reopened, ..bench };
    let port = agent.identity.url.rsplit(':').next().unwrap().parse().unwrap();
    let server = bench.serve(port).await;
    let (uplink, _orders) = agent.link();
    let status = until(&uplink, |status| status.fault.is_some()).await;
    assert!(status.fault.as_ref().unwrap().is(&fault::DENIED), "{:?}", status.fault);
    uplink.stop().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_identity_fits_its_authority_while_it_lasts() {
    let (bench, other) = (Bench::new().await, Bench::new().await);
    let server = bench.serve(0).await;
    let agent = bench.agent(&server.url, "a").await;
    let (begins, ends) = agent.identity.validity().unwrap();
    assert!(agent.identity.fits(&bench.authority, begins));
    assert!(!agent.identity.fits(&bench.authority, ends), "expired");
    assert!(!agent.identity.fits(&other.authority, begins), "another installation's");
    fleet::Identity::remove(&agent.dir).unwrap();
    fleet::Identity::remove(&agent.dir).unwrap();
    assert!(fleet::Identity::load(&agent.dir).unwrap_err().is(&fleet::fault::NOT_ENROLLED));
    server.stop().await;
}

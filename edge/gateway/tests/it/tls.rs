//! TLS: the certificate of the site that is asked for, protocols by ALPN, fingerprints of the hello.

use crate::client::Client;
use crate::{origin, rig};
use gateway::{Config, Judges};
use rustls::ClientConfig;
use rustls_pki_types::{CertificateDer, ServerName};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A certificate for a name, written to two files; the certificate.
pub fn certificate(folder: &Path, file: &str, name: &str) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed([name.to_string()]).unwrap();
    std::fs::write(folder.join(format!("{file}.pem")), made.cert.pem()).unwrap();
    std::fs::write(folder.join(format!("{file}.key")), made.signing_key.serialize_pem()).unwrap();
    made.cert.der().clone()
}

/// Two sites under TLS.
pub fn config(folder: &Path, origin: SocketAddr) -> Config {
    let site = |name: &str, hosts: &str| {
        let folder = folder.display();
        format!(
            "  - {{name: {name}, hosts: [{hosts}], pool: app, certificate: {{chain: {folder}/{name}.pem, key: {folder}/{name}.key}}}}\n"
        )
    };
    let text = format!(
        "workers: 2\nlisteners:\n  - {{name: web, address: '127.0.0.1:0', tls: true}}\nsites:\n{}{}pools:\n  app: {{addresses: ['{origin}']}}\n",
        site("first", "first.example"),
        site("second", "'*.second.example'"),
    );
    Config::parse(&text, "test").unwrap()
}

/// A handshake that trusts one certificate alone.
pub async fn connect(
    address: SocketAddr,
    trust: &CertificateDer<'static>,
    name: &str,
    protocols: &[&[u8]],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(trust.clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    let stream = TcpStream::connect(address).await.unwrap();
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from(name.to_string()).unwrap(), stream).await
}

#[tokio::test]
async fn each_name_has_its_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let first = certificate(folder.path(), "first", "first.example");
    let second = certificate(folder.path(), "second", "*.second.example");
    let origin = origin::http1("a").await;
    let mut rig = rig::start(config(folder.path(), origin.address), Judges::new()).await;
    for (certificate, name) in [(&first, "first.example"), (&second, "a.second.example")] {
        let stream = connect(rig.address(), certificate, name, &[b"http/1.1"]).await.unwrap();
        let mut client = Client::new(stream);
        client.send(format!("GET / HTTP/1.1\r\nHost: {name}\r\n\r\n")).await;
        assert_eq!(client.answer().await.told("x-forwarded-proto").as_deref(), Some("https"));
        let exchange = rig.exchange().await;
        assert_eq!(exchange.peer.sni.as_deref(), Some(name));
        assert_eq!(exchange.peer.tls, Some("1.3"));
        let ja4 = exchange.peer.ja4.as_deref().unwrap();
        assert!(ja4.starts_with("t13d") && ja4.len() == 36, "{ja4}");
        assert_eq!(exchange.peer.ja3.as_deref().unwrap().len(), 32);
    }
    assert!(connect(rig.address(), &first, "a.second.example", &[]).await.is_err(), "not the certificate of the other");
    assert!(connect(rig.address(), &first, "third.example", &[]).await.is_err(), "a name that is not served");
}

#[tokio::test]
async fn a_connection_for_one_site_is_none_for_another() {
    let folder = tempfile::tempdir().unwrap();
    let first = certificate(folder.path(), "first", "first.example");
    certificate(folder.path(), "second", "*.second.example");
    let origin = origin::http1("a").await;
    let mut rig = rig::start(config(folder.path(), origin.address), Judges::new()).await;
    let mut client = Client::new(connect(rig.address(), &first, "first.example", &[]).await.unwrap());
    client.send("GET / HTTP/1.1\r\nHost: a.second.example\r\n\r\n").await;
    assert_eq!(client.answer().await.status, 421);
    assert_eq!(rig.exchange().await.reason, "other-site");
    assert_eq!(origin.requests(), 0);
}

#[tokio::test]
async fn http2_is_chosen_by_alpn() {
    let folder = tempfile::tempdir().unwrap();
    let first = certificate(folder.path(), "first", "first.example");
    certificate(folder.path(), "second", "*.second.example");
    let origin = origin::http1("a").await;
    let rig = rig::start(config(folder.path(), origin.address), Judges::new()).await;
    let stream = connect(rig.address(), &first, "first.example", &[b"h2", b"http/1.1"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let io = hyper_util::rt::TokioIo::new(stream);
    let (mut sender, driver) =
        hyper::client::conn::http2::handshake(hyper_util::rt::TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(driver);
    let request = hyper::Request::get("https://first.example/size/5");
    let request = request.body(http_body_util::Empty::<hyper::body::Bytes>::new()).unwrap();
    assert_eq!(sender.send_request(request).await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_key_of_another_certificate_is_a_fault_that_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    certificate(folder.path(), "first", "first.example");
    certificate(folder.path(), "second", "*.second.example");
    std::fs::copy(folder.path().join("first.key"), folder.path().join("second.key")).unwrap();
    let config = config(folder.path(), "127.0.0.1:1".parse().unwrap());
    let (reporter, _exchanges) = gateway::Channel::new(1);
    let parts = gateway::Parts {
        judges: Judges::new(),
        reporter,
        clock: Arc::new(base::SystemClock::default()),
        random: Arc::new(base::SystemRandom::new()),
        bans: Arc::default(),
        keys: flood::Keys { current: [0; 32], previous: None },
    };
    let fault = gateway::Gateway::start(config, parts).await.err().unwrap();
    assert!(fault.is(&gateway::fault::CERTIFICATE) && fault.named().contains("second.key"), "{fault:?}");
}

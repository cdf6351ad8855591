//! syslog over real sockets of loopback.

use crate::Kept;
use base::SystemClock;
use logs::{Config, Input, Logs};
use record::Activity;
use rustls::crypto::ring;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use std::io::Write;
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

fn pem(name: &str) -> PathBuf {
    Path::new(&std::env::var("CARGO_MANIFEST_DIR").unwrap()).join("tests/tls").join(name)
}

struct Server {
    logs: Logs,
    sink: Arc<Kept>,
    _state: tempfile::TempDir,
}

impl Server {
    fn start(inputs: &str) -> Server {
        let parsed: Vec<Input> = base::config::parse(inputs, "inputs").unwrap();
        let config = Config { usual: false, inputs: parsed, ..Config::default() };
        let (sink, state) = (Arc::new(Kept::default()), tempfile::tempdir().unwrap());
        let logs = Logs::start(&config, state.path(), Arc::new(SystemClock::default()), sink.clone()).unwrap();
        Server { logs, sink, _state: state }
    }

    fn address(&self) -> SocketAddr {
        self.logs.listening()[0]
    }
}

#[test]
fn udp_and_both_framings_of_tcp_arrive() {
    let inputs = "[{kind: syslog, listen: '127.0.0.1:0', transport: udp}, {kind: syslog, listen: '127.0.0.1:0', transport: tcp}]";
    let server = Server::start(inputs);
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    udp.send_to(b"<86>Nov 14 22:13:20 gw sshd[12]: Invalid user x from 198.51.100.7 port 1\n", server.address())
        .unwrap();
    let mut tcp = TcpStream::connect(server.logs.listening()[1]).unwrap();
    tcp.write_all(b"<13>lines: 1\n15 <13>counted: 2\n<13>lines: 3\n<13>without end: 4").unwrap();
    drop(tcp);
    server.sink.wait_for(5);
    let logs = server.sink.logs();
    let ssh = logs.iter().find(|log| log.source == "sshd").unwrap();
    assert_eq!(
        (ssh.host.as_str(), ssh.origin.as_str(), ssh.field("src_ip"), ssh.field("facility")),
        ("gw", "127.0.0.1", Some("198.51.100.7"), Some("authpriv"))
    );
    let mut texts: Vec<String> =
        logs.into_iter().map(|log| log.message).filter(|text| text.starts_with("<13>")).collect();
    texts.sort();
    assert_eq!(texts, ["<13>counted: 2", "<13>lines: 1", "<13>lines: 3", "<13>without end: 4"]);
    let stats = server.logs.stats();
    assert_eq!((stats.inputs[0].senders[0].messages, stats.inputs[1].senders[0].messages), (1, 4));
    server.logs.stop();
}

fn client(with_certificate: bool) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(pem("ca.pem")).unwrap()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    Arc::new(if with_certificate {
        let chain = vec![CertificateDer::from_pem_file(pem("client.pem")).unwrap()];
        builder.with_client_auth_cert(chain, PrivateKeyDer::from_pem_file(pem("client.key")).unwrap()).unwrap()
    } else {
        builder.with_no_client_auth()
    })
}

/// Sends over TLS; a refused client may notice only when it writes or closes.
fn send(address: SocketAddr, config: Arc<ClientConfig>, bytes: &[u8]) {
    let connection = ClientConnection::new(config, ServerName::try_from("localhost").unwrap()).unwrap();
    let mut stream = StreamOwned::new(connection, TcpStream::connect(address).unwrap());
    let sent = stream.write_all(bytes).and_then(|()| stream.flush());
    stream.conn.send_close_notify();
    let _ = sent.and_then(|()| stream.flush());
}

#[test]
fn tls_takes_clients_of_its_authority_only() {
    let tls = format!(
        "[{{kind: syslog, listen: '127.0.0.1:0', transport: tls, certificate: {}, key: {}, client_ca: {}}}]",
        pem("server.pem").display(),
        pem("server.key").display(),
        pem("ca.pem").display()
    );
    let server = Server::start(&tls);
    send(server.address(), client(false), b"17 <13>unknown: none");
    let many: String = (0..3000).map(|number| format!("16 <13>known: {number:05}")).collect();
    send(server.address(), client(true), many.as_bytes());
    // Plain text is no handshake.
    TcpStream::connect(server.address()).unwrap().write_all(b"<13>plain: text\n").unwrap();
    server.sink.wait_for(3000);
    let texts = server.sink.texts();
    assert_eq!(texts.len(), 3000);
    assert!(texts.iter().enumerate().all(|(number, text)| *text == format!("<13>known: {number:05}")));
    server.logs.stop();
}

#[test]
fn what_a_rate_drops_is_counted_and_told() {
    let server = Server::start("[{kind: syslog, listen: '127.0.0.1:0', transport: udp, rate_each: 5}]");
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    for number in 0..200 {
        udp.send_to(format!("<13>m: {number}").as_bytes(), server.address()).unwrap();
    }
    server.sink.wait("a loss that is told", |events| {
        events
            .iter()
            .any(|event| matches!(&event.activity, Activity::Lost(lost) if lost.class == "log" && lost.count > 0))
    });
    assert!(!server.sink.logs().is_empty() && server.logs.stats().inputs[0].dropped > 0);
    server.logs.stop();
}

#[test]
fn a_stream_over_its_rate_waits_and_loses_nothing() {
    let server = Server::start("[{kind: syslog, listen: '127.0.0.1:0', transport: tcp, rate_each: 2000}]");
    let mut tcp = TcpStream::connect(server.address()).unwrap();
    for number in 0..3000 {
        writeln!(tcp, "<13>m: {number}").unwrap();
    }
    drop(tcp);
    server.sink.wait_for(3000);
    server.logs.stop();
}

#[test]
fn connections_have_a_limit_and_a_refusing_sink_is_told_later() {
    let inputs = "[{kind: syslog, listen: '127.0.0.1:0', transport: tcp, connections: 8, connections_each: 2}]";
    let server = Server::start(inputs);
    let mut open: Vec<TcpStream> = (0..2).map(|_| TcpStream::connect(server.address()).unwrap()).collect();
    open.iter_mut().for_each(|stream| stream.write_all(b"<13>here: 1\n").unwrap());
    server.sink.wait_for(2);
    let mut third = TcpStream::connect(server.address()).unwrap();
    // The server closes it: the end of the stream, or a reset where something was sent.
    let closed = std::io::Read::read(&mut third, &mut [0]);
    assert!(closed.is_err() || closed.is_ok_and(|count| count == 0));
    assert_eq!(server.logs.stats().inputs[0].refused, 1);
    server.sink.refuses.store(true, Ordering::SeqCst);
    open[0].write_all(b"<13>lost: 2\n").unwrap();
    while server.logs.stats().inputs[0].failures == 0 {
        std::thread::yield_now();
    }
    server.sink.refuses.store(false, Ordering::SeqCst);
    server.sink.wait("the loss", |events| events.iter().any(|event| matches!(event.activity, Activity::Lost(_))));
    open[0].write_all(b"<13>here: 3\n").unwrap();
    server.sink.wait("the next", |events| {
        events.iter().any(|event| matches!(&event.activity, Activity::Log(log) if log.message == "<13>here: 3"))
    });
    server.logs.stop();
}

#[test]
fn mistakes_are_named_at_the_start() {
    let state = tempfile::tempdir().unwrap();
    let start = |inputs: &str| {
        let inputs: Vec<Input> = base::config::parse(inputs, "inputs").unwrap();
        let config = Config { usual: false, inputs, ..Config::default() };
        Logs::start(&config, state.path(), Arc::new(SystemClock::default()), Arc::new(Kept::default())).map(|_| ())
    };
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let listen = format!("[{{kind: syslog, listen: '{}', transport: udp}}]", taken.local_addr().unwrap());
    assert!(start(&listen).unwrap_err().is(&logs::fault::LISTEN));
    let tls = format!(
        "[{{kind: syslog, listen: '127.0.0.1:0', transport: tls, certificate: {}, key: {}}}]",
        pem("server.key").display(),
        pem("server.key").display()
    );
    assert!(start(&tls).unwrap_err().is(&logs::fault::TLS));
}

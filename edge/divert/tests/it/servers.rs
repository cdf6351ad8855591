//! Knot and BIND, each with its own folder, key and port on loopback; gone with the value.

use std::fmt::Write as _;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Names of the zone, each with two addresses of home.
pub const NAMES: usize = 4;
const SECRET: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
const OTHER: &str = "enl4d3Z1dHNycXBvbm1sa2ppaGdmZWRjYmE5ODc2NTQ=";

/// A program that takes updates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Knot,
    Bind,
}

/// A running server with the zone `example.test`.
pub struct Server {
    pub kind: Kind,
    pub address: SocketAddr,
    folder: tempfile::TempDir,
    child: Child,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// Starts it, or says why it cannot.
    pub fn start(kind: Kind) -> Option<Server> {
        let program = match kind {
            Kind::Knot => "/usr/sbin/knotd",
            Kind::Bind => "/usr/sbin/named",
        };
        if !Path::new(program).exists() {
            println!("skipped: {program} is not installed");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let address = free_port();
        let at = folder.path();
        std::fs::write(at.join("example.test.zone"), zone()).unwrap();
        let mut command = Command::new(program);
        match kind {
            Kind::Knot => {
                std::fs::write(at.join("knot.conf"), knot(at, address)).unwrap();
                command.arg("-c").arg(at.join("knot.conf"));
            }
            Kind::Bind => {
                std::fs::write(at.join("named.conf"), bind(at, address)).unwrap();
                command.arg("-g").arg("-n").arg("1").arg("-c").arg(at.join("named.conf"));
            }
        }
        let log = std::fs::File::create(at.join("log")).unwrap();
        let child = command.stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let server = Server { kind, address, folder, child };
        server.wait();
        Some(server)
    }

    /// Until it answers for the zone.
    fn wait(&self) {
        // Header, then example.test SOA IN.
        let question = b"\x12\x34\0\0\0\x01\0\0\0\0\0\0\x07example\x04test\0\0\x06\0\x01";
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let until = Instant::now() + Duration::from_secs(30);
        let mut answer = [0; 512];
        while Instant::now() < until {
            let _ = socket.send_to(question, self.address);
            // RCODE 0 and an answer: the zone is loaded.
            if socket.recv(&mut answer).is_ok_and(|length| length > 12 && answer[3] & 15 == 0 && answer[7] == 1) {
                return;
            }
        }
        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        panic!("{:?} does not answer for its zone: {log}", self.kind);
    }

    /// A key file with this secret under this name.
    fn key(&self, file: &str, name: &str, algorithm: &str, secret: &str) -> PathBuf {
        let path = self.folder.path().join(file);
        std::fs::write(&path, format!("key \"{name}\" {{ algorithm {algorithm}; secret \"{secret}\"; }};")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    /// The right key.
    pub fn right_key(&self) -> PathBuf {
        self.key("right.key", "switch", "hmac-sha256", SECRET)
    }

    /// The other right key.
    pub fn long_key(&self) -> PathBuf {
        self.key("long.key", "long", "hmac-sha512", SECRET)
    }

    /// One of the right name and another secret.
    pub fn wrong_key(&self) -> PathBuf {
        self.key("wrong.key", "switch", "hmac-sha256", OTHER)
    }

    /// One that nobody told the server of.
    pub fn unknown_key(&self) -> PathBuf {
        self.key("unknown.key", "stranger", "hmac-sha256", SECRET)
    }

    /// One that the server knows and allows nothing.
    pub fn idle_key(&self) -> PathBuf {
        self.key("idle.key", "idle", "hmac-sha256", SECRET)
    }

    /// Its records, with this key.
    pub fn open(&self, key_file: PathBuf) -> Box<dyn divert::Records> {
        self.open_at(key_file, Arc::new(base::SystemClock::default()))
    }

    /// Its records, with this key and clock.
    pub fn open_at(&self, key_file: PathBuf, clock: Arc<dyn base::Clock>) -> Box<dyn divert::Records> {
        let settings = divert::Settings {
            provider: "rfc2136".into(),
            server: self.address,
            key_file,
            witnesses: vec![self.address],
        };
        divert::open(&settings, clock, Arc::new(base::SystemRandom::new())).unwrap()
    }
}

/// A port of loopback that is free for UDP and TCP now.
pub fn free_port() -> SocketAddr {
    for _ in 0..100 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        if UdpSocket::bind(address).is_ok() {
            return address;
        }
    }
    panic!("no port is free for both");
}

fn zone() -> String {
    let mut text =
        "$ORIGIN example.test.\n$TTL 5\n@ SOA ns hostmaster 1 3600 600 86400 5\n@ NS ns\nns A 127.0.0.1\n".to_string();
    for at in 0..NAMES {
        let _ = writeln!(text, "www{at} A 192.0.2.{at}\nwww{at} A 192.0.2.1{at}\nwww{at} AAAA 2001:db8::{at}");
    }
    text + "long 3600 A 192.0.2.77\nalias CNAME www0\n"
}

fn knot(at: &Path, address: SocketAddr) -> String {
    let at = at.display();
    let mut text = format!("server:\n    rundir: {at}\n    listen: {}@{}\n", address.ip(), address.port());
    text += "    udp-workers: 1\n    tcp-workers: 1\n    background-workers: 1\nkey:\n";
    for (name, algorithm) in [("switch", "hmac-sha256"), ("long", "hmac-sha512"), ("idle", "hmac-sha256")] {
        let _ = writeln!(text, "  - id: {name}\n    algorithm: {algorithm}\n    secret: {SECRET}");
    }
    text += "acl:\n  - id: update\n    key: [switch, long]\n    action: update\n";
    text += &format!("database:\n    storage: {at}\nlog:\n  - target: stderr\n    any: info\n");
    text + &format!(
        "zone:\n  - domain: example.test\n    storage: {at}\n    file: example.test.zone\n    acl: update\n"
    )
}

fn bind(at: &Path, address: SocketAddr) -> String {
    let port = address.port();
    let at = at.display();
    let mut text = format!(
        "options {{ directory \"{at}\"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; recursion no;\n\
         pid-file \"{at}/pid\"; lock-file none; session-keyfile \"{at}/session.key\"; dnssec-validation no; notify no; }};\n\
         controls {{ }};\n"
    );
    for (name, algorithm) in [("switch", "hmac-sha256"), ("long", "hmac-sha512"), ("idle", "hmac-sha256")] {
        let _ = writeln!(text, "key \"{name}\" {{ algorithm {algorithm}; secret \"{SECRET}\"; }};");
    }
    text + "zone \"example.test\" { type primary; file \"example.test.zone\"; allow-update { key switch; key long; }; };\n"
}

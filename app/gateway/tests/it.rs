//! The real program, without a server: attackers are banned and nobody else, bans end by their time, and outlive a restart.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests stand outside test functions")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// What the rule of these tests refuses.
const ATTACK: &str = "/search?q=attack";

/// An origin that says yes to everything; it ends with the test program.
fn origin() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || answer(stream));
        }
    });
    address
}

fn answer(mut stream: TcpStream) -> Option<()> {
    let mut request = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let read = stream.read(&mut piece).ok().filter(|read| *read > 0)?;
        request.extend_from_slice(&piece[..read]);
        if request.windows(4).any(|end| end == b"\r\n\r\n") {
            request.clear();
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").ok()?;
        }
    }
}

/// A state directory with a configuration, and the gateway that runs on it.
struct Rig {
    folder: tempfile::TempDir,
    program: Option<Child>,
}

impl Rig {
    fn new(site: &str) -> Rig {
        let rig = Rig { folder: tempfile::tempdir().unwrap(), program: None };
        let rule = "SecRuleEngine On\nSecRule ARGS \"@streq attack\" \"id:1,phase:2,deny,status:403,log,tag:'attack-generic'\"\n";
        std::fs::write(rig.path("rules.conf"), rule).unwrap();
        let config = format!(
            "workers: 1\nlisteners: [{{name: web, address: '127.0.0.1:0', trusted_proxies: [127.0.0.1]}}]\n\
             bans: {{never: [203.0.113.99]}}\npools: {{app: {{addresses: ['{}']}}}}\nsites:\n  - name: shop\n    \
             hosts: ['*']\n    pool: app\n    {site}\n    waf: {{mode: block, tuned: false, rules: [{}]}}\n",
            origin(),
            rig.path("rules.conf").display()
        );
        std::fs::write(rig.path("gateway.yaml"), config).unwrap();
        rig
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, verb: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_garrison-gateway"));
        command.arg(verb).arg("--state").arg(self.path("state")).arg("--config").arg(self.path("gateway.yaml"));
        command
    }

    fn start(&mut self) -> SocketAddr {
        let ready = self.path("ready");
        let _ = std::fs::remove_file(&ready);
        let mut command = self.command("run");
        command.args(["--standalone", "--follow-parent", "--ready-file"]).arg(&ready).stdout(Stdio::null());
        self.program = Some(command.spawn().unwrap());
        let text = until("it is ready", || std::fs::read_to_string(&ready).ok().filter(|text| !text.is_empty()));
        let addresses: serde_json::Value = serde_json::from_str(&text).unwrap();
        addresses["web"].as_str().unwrap().parse().unwrap()
    }

    /// Ends it as an operator does.
    fn stop(&mut self) {
        let mut program = self.program.take().unwrap();
        let pid = rustix::process::Pid::from_child(&program);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        assert!(program.wait().unwrap().success());
    }

    fn status(&self) -> serde_json::Value {
        let shown = self.command("status").arg("--json").output().unwrap();
        serde_json::from_slice(&shown.stdout).unwrap_or_default()
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        if let Some(mut program) = self.program.take() {
            let _ = program.kill();
            let _ = program.wait();
        }
    }
}

fn until<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = found() {
            return value;
        }
        assert!(Instant::now() < end, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The status of a request that a client makes through a proxy of ours, and the page.
fn get(gateway: SocketAddr, client: &str, target: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(gateway).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = format!("GET {target} HTTP/1.1\r\nHost: shop\r\nX-Forwarded-For: {client}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    (answer.split(' ').nth(1).unwrap_or_default().parse().unwrap_or(0), answer)
}

fn attack(gateway: SocketAddr, client: &str, times: usize) {
    for _ in 0..times {
        assert_eq!(get(gateway, client, ATTACK).0, 403);
    }
}

#[test]
fn who_attacks_again_and_again_is_banned_for_its_lease_and_nobody_else_is() {
    let mut rig = Rig::new("ban: {mode: block, after: 3, within: 60s, lease: 4s}");
    let gateway = rig.start();
    attack(gateway, "203.0.113.7", 2);
    assert_eq!(get(gateway, "203.0.113.7", "/").0, 200, "twice is not enough");
    attack(gateway, "203.0.113.7", 1);
    until("the source is banned", || (get(gateway, "203.0.113.7", "/").0 == 403).then_some(()));
    let begun = Instant::now();
    assert_eq!(get(gateway, "203.0.113.8", "/").0, 200, "another client");
    let shown = until("the status shows it", || Some(rig.status()).filter(|status| status["bans"]["networks"] == 1));
    assert_eq!(shown["bans"]["busiest"][0]["network"], "203.0.113.7/32");
    until("the lease ends", || (get(gateway, "203.0.113.7", "/").0 == 200).then_some(()));
    assert!(begun.elapsed() < Duration::from_secs(20));
    // Whom the configuration never bans is refused by the rules, and served otherwise.
    attack(gateway, "203.0.113.99", 6);
    attack(gateway, "203.0.113.10", 3);
    until("orders are carried out", || (get(gateway, "203.0.113.10", "/").0 == 403).then_some(()));
    assert_eq!(get(gateway, "203.0.113.99", "/").0, 200);
}

#[test]
fn a_ban_outlives_a_restart_and_observing_bans_nobody() {
    let mut rig = Rig::new("ban: {mode: block, after: 1, within: 60s, lease: 10m}");
    let gateway = rig.start();
    attack(gateway, "2001:db8::7", 1);
    until("the source is banned", || (get(gateway, "2001:db8::7", "/").0 == 403).then_some(()));
    rig.stop();
    let gateway = rig.start();
    assert_eq!(get(gateway, "2001:db8::ffff", "/").0, 403, "the subscriber's network, at the first request");
    assert_eq!(get(gateway, "2001:db8:0:1::7", "/").0, 200);
    rig.stop();

    let mut rig = Rig::new("ban: {mode: observe, after: 1, within: 60s, lease: 10m}");
    let gateway = rig.start();
    attack(gateway, "203.0.113.7", 3);
    let journal = rig.path("state/actions/actions.journal");
    until("the hands are there", || journal.exists().then_some(()));
    rig.stop();
    assert!(!std::fs::read_to_string(journal).unwrap().contains("203.0.113.7"), "a dry run changes nothing");
    let gateway = rig.start();
    assert_eq!(get(gateway, "203.0.113.7", "/").0, 200);
}

#[test]
fn a_refused_request_is_kept_whole_without_its_secrets() {
    let mut rig = Rig::new("audit: {keep: refused}");
    let gateway = rig.start();
    assert_eq!(get(gateway, "203.0.113.7", "/").0, 200);
    let body = "user=ann&password=hunter2&q=attack";
    let mut stream = TcpStream::connect(gateway).unwrap();
    let head = format!(
        "POST /login?token=hunter2 HTTP/1.1\r\nHost: shop\r\nCookie: session=hunter2\r\nX-Forwarded-For: 203.0.113.7\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    let shown = || {
        let shown = rig.command("audit").args(["--client", "203.0.113.7"]).output().unwrap();
        Some(String::from_utf8(shown.stdout).unwrap()).filter(|text| !text.is_empty())
    };
    let text = until("it is kept", shown);
    assert!(!text.contains("hunter2"), "{text}");
    let records: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(records.len(), 1, "what was let through is not kept: {text}");
    let record = &records[0];
    assert_eq!(record["request"]["body"], "user=ann&password=***&q=attack");
    assert_eq!(record["request"]["query"], "token=***");
    assert_eq!((record["rules"][0]["id"].as_u64(), record["answer"]["status"].as_u64()), (Some(1), Some(403)));
    let reference = record["reference"].as_str().unwrap();
    assert!(answer.contains(reference), "the page shows the number by which it is found");
    let by = rig.command("audit").args(["--reference", reference]).output().unwrap();
    assert_eq!(String::from_utf8(by.stdout).unwrap(), text);
    rig.stop();
}

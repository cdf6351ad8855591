//! Isolation and blocks between two network namespaces that the test makes, with real TCP connections.

use crate::scene::{Scene, expect, is_root, order, undo, wait_for};
use action::{Direction, Management};
use record::{ActionKind, ReceiptState};
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// How long a connection that must not come about is waited for: loopback-fast links answer in under 1 ms.
const SILENCE: Duration = Duration::from_millis(300);
const HOST: &str = "10.77.0.1";
const SERVER: &str = "10.77.0.2";
const ATTACKER: &str = "10.77.0.3";
const ATTACKER6: &str = "fd77::3";

/// Two namespaces with a cable between them; removed at the end.
struct Cable {
    host: String,
    peer: String,
}

fn ip(arguments: &[&str]) -> bool {
    Command::new("ip").args(arguments).status().is_ok_and(|status| status.success())
}

impl Cable {
    fn lay() -> Option<Cable> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let id = format!("garrison-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::SeqCst));
        let cable = Cable { host: format!("{id}-h"), peer: format!("{id}-p") };
        let (host, peer) = (cable.host.as_str(), cable.peer.as_str());
        let laid = ip(&["netns", "add", host])
            && ip(&["netns", "add", peer])
            && ip(&["-n", host, "link", "add", "v0", "type", "veth", "peer", "name", "v0", "netns", peer])
            && ip(&["-n", host, "address", "add", &format!("{HOST}/24"), "dev", "v0"])
            && ip(&["-n", host, "address", "add", "fd77::1/64", "dev", "v0", "nodad"])
            && ip(&["-n", peer, "address", "add", &format!("{SERVER}/24"), "dev", "v0"])
            && ip(&["-n", peer, "address", "add", &format!("{ATTACKER}/24"), "dev", "v0"])
            && ip(&["-n", peer, "address", "add", &format!("{ATTACKER6}/64"), "dev", "v0", "nodad"])
            && [host, peer].iter().all(|name| ip(&["-n", name, "link", "set", "v0", "up"]))
            && [host, peer].iter().all(|name| ip(&["-n", name, "link", "set", "lo", "up"]));
        laid.then_some(cable)
    }

    fn path(name: &str) -> PathBuf {
        PathBuf::from("/run/netns").join(name)
    }

    /// Runs in a namespace, in a thread of its own.
    fn inside<T: Send + 'static>(name: &str, work: impl FnOnce() -> T + Send + 'static) -> T {
        let namespace = std::fs::File::open(Cable::path(name)).unwrap();
        let thread = std::thread::spawn(move || {
            let kind = Some(rustix::thread::LinkNameSpaceType::Network);
            rustix::thread::move_into_link_name_space(namespace.as_fd(), kind).unwrap();
            work()
        });
        thread.join().unwrap()
    }

    /// A server on the peer that sends back what it gets.
    fn serve(name: &str, at: &str) {
        let address: SocketAddr = at.parse().unwrap();
        let listener = Cable::inside(name, move || TcpListener::bind(address)).unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                std::thread::spawn(move || {
                    let mut stream = stream;
                    let mut byte = [0];
                    while stream.read_exact(&mut byte).is_ok() && stream.write_all(&byte).is_ok() {}
                });
            }
        });
    }

    fn connect(name: &str, to: &str) -> Option<TcpStream> {
        let to: SocketAddr = to.parse().unwrap();
        let stream = Cable::inside(name, move || TcpStream::connect_timeout(&to, SILENCE)).ok()?;
        stream.set_read_timeout(Some(SILENCE)).unwrap();
        Some(stream)
    }

    fn nft(&self, arguments: &[&str]) -> bool {
        let mut all = vec!["netns", "exec", &self.host, "nft"];
        all.extend(arguments);
        ip(&all)
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        ip(&["netns", "del", &self.host]);
        ip(&["netns", "del", &self.peer]);
    }
}

fn echoes(stream: &mut TcpStream) -> bool {
    let mut byte = [0];
    stream.write_all(b"x").is_ok() && stream.read_exact(&mut byte).is_ok() && byte == *b"x"
}

/// The cable with its servers, and a scene whose packet filter is that of the host's end.
fn lay(test: &str) -> Option<(Cable, Scene)> {
    if !is_root(test) {
        return None;
    }
    let Some(cable) = Cable::lay() else {
        println!("skipped: {test} needs network namespaces and veth");
        return None;
    };
    if !cable.nft(&["list", "ruleset"]) {
        println!("skipped: {test} needs nftables");
        return None;
    }
    for at in [format!("{SERVER}:7443"), format!("{ATTACKER}:9000"), format!("[{ATTACKER6}]:9000")] {
        Cable::serve(&cable.peer, &at);
    }
    Cable::serve(&cable.host, "0.0.0.0:8080");
    let mut scene = Scene::new();
    scene.config.netns = Some(Cable::path(&cable.host));
    scene.config.proc_net = scene.path("no-such-net");
    let address = SERVER.parse::<IpAddr>().map(base::Prefix::single).unwrap();
    scene.config.never.management = vec![Management { address, port: 7443, direction: Direction::Outbound }];
    Some((cable, scene))
}

#[test]
fn isolation_keeps_management_and_nothing_else() {
    let Some((cable, scene)) = lay("isolation") else { return };
    let mut executor = scene.start();
    let mut management = Cable::connect(&cable.host, "10.77.0.2:7443").unwrap();
    let mut attacker = Cable::connect(&cable.host, "10.77.0.3:9000").unwrap();
    let mut inward = Cable::connect(&cable.peer, "10.77.0.1:8080").unwrap();
    assert!(echoes(&mut management) && echoes(&mut attacker) && echoes(&mut inward));

    let receipt = expect(&executor.execute(&order("iso", ActionKind::Isolate, &[], 600)), ReceiptState::Verified);
    println!("isolated in {} us: {:?}", receipt.took_us, receipt.observed);
    assert!(echoes(&mut management), "the management connection was cut");
    assert!(Cable::connect(&cable.host, "10.77.0.2:7443").is_some(), "no new management connection");
    assert!(!echoes(&mut attacker) && !echoes(&mut inward), "an open connection stayed");
    assert!(Cable::connect(&cable.host, "10.77.0.3:9000").is_none());
    assert!(Cable::connect(&cable.host, "[fd77::3]:9000").is_none());
    assert!(Cable::connect(&cable.peer, "10.77.0.1:8080").is_none(), "from outside, even from the server");
    assert!(Cable::connect(&cable.host, "127.0.0.1:8080").is_some(), "loopback was cut");

    // Somebody flushes the packet filter while the agent runs, and once more while it does not.
    assert!(cable.nft(&["delete", "table", "inet", "garrison"]));
    assert!(Cable::connect(&cable.host, "10.77.0.3:9000").is_some());
    let receipts = executor.tick();
    assert!(expect(&receipts, ReceiptState::Verified).observed[0].contains("put back"));
    assert!(Cable::connect(&cable.host, "10.77.0.3:9000").is_none());
    drop(executor);
    assert!(cable.nft(&["delete", "table", "inet", "garrison"]));
    let mut executor = scene.start();
    assert!(Cable::connect(&cable.host, "10.77.0.3:9000").is_none(), "not put back at the start");

    // Somebody opens a hole before our drop.
    let hole = ["insert", "rule", "inet", "garrison", "output", "ip", "daddr", ATTACKER, "accept"];
    assert!(cable.nft(&hole) && cable.nft(&["insert", "rule", "inet", "garrison", "input", "accept"]));
    assert!(Cable::connect(&cable.host, "10.77.0.3:9000").is_some());
    assert!(expect(&executor.tick(), ReceiptState::Verified).observed[0].contains("put back"));
    assert!(Cable::connect(&cable.host, "10.77.0.3:9000").is_none(), "the hole stayed");

    expect(&executor.execute(&undo("un", "iso")), ReceiptState::Undone);
    assert!(Cable::connect(&cable.host, "10.77.0.3:9000").is_some());
    assert!(Cable::connect(&cable.peer, "10.77.0.1:8080").is_some());
    assert!(!cable.nft(&["list", "table", "inet", "garrison"]), "a table stayed");
}

#[test]
fn isolation_ends_in_the_kernel_when_the_agent_is_dead() {
    let Some((cable, scene)) = lay("the kernel's lease") else { return };
    let mut executor = scene.start();
    expect(&executor.execute(&order("iso", ActionKind::Isolate, &[], 2)), ReceiptState::Verified);
    let block = order("block", ActionKind::Block, &[("address", ATTACKER6)], 2);
    expect(&executor.execute(&block), ReceiptState::Verified);
    assert!(Cable::connect(&cable.host, "10.77.0.3:9000").is_none());
    drop(executor);
    wait_for("the kernel to release IPv4", || Cable::connect(&cable.host, "10.77.0.3:9000"));
    wait_for("the kernel to release IPv6", || Cable::connect(&cable.host, "[fd77::3]:9000"));
    assert!(cable.nft(&["list", "table", "inet", "garrison"]), "the table is still there, without effect");
    let mut executor = scene.start();
    let receipts = wait_for("the lease to end", || Some(executor.tick()).filter(|receipts| receipts.len() == 2));
    assert!(receipts.iter().all(|receipt| receipt.state() == ReceiptState::Expired), "{receipts:?}");
    assert!(!cable.nft(&["list", "table", "inet", "garrison"]), "a table stayed");
}

#[test]
fn blocks_overlap_and_end_one_by_one() {
    let Some((cable, mut scene)) = lay("blocking") else { return };
    let mut executor = scene.start();
    let mut open = Cable::connect(&cable.host, "10.77.0.3:9000").unwrap();
    let block = |id: &str, address: &str| order(id, ActionKind::Block, &[("address", address)], 600);
    let receipt = expect(&executor.execute(&block("one", ATTACKER)), ReceiptState::Verified);
    println!("blocked in {} us: {:?}", receipt.took_us, receipt.observed);
    assert!(!echoes(&mut open) && Cable::connect(&cable.host, "10.77.0.3:9000").is_none());
    assert!(Cable::connect(&cable.host, "10.77.0.2:7443").is_some());
    // A network that holds the management address is refused, a smaller one that does not is taken.
    let refused = expect(&executor.execute(&block("wide", "10.77.0.0/24")), ReceiptState::Refused);
    assert_eq!(refused.fault, "action.never-list");
    expect(&executor.execute(&block("net", "10.77.0.3/32")), ReceiptState::Verified);
    expect(&executor.execute(&block("more", "10.77.128.0/17")), ReceiptState::Verified);
    expect(&executor.execute(&block("six", "fd77::/126")), ReceiptState::Verified);
    assert!(Cable::connect(&cable.host, "[fd77::3]:9000").is_none());

    let kept = expect(&executor.execute(&undo("u1", "one")), ReceiptState::Undone);
    assert!(kept.observed[0].contains("another order"), "{kept:?}");
    assert!(Cable::connect(&cable.host, "10.77.0.3:9000").is_none());
    drop(executor);
    // The list has grown while the agent was away: what it names now is released.
    scene.config.never.addresses = vec!["10.77.128.0/17".parse().unwrap()];
    let mut executor = scene.start();
    assert_eq!(expect(&executor.tick(), ReceiptState::Expired).order, "more");
    assert_eq!(executor.in_force().len(), 2);
    expect(&executor.execute(&undo("u2", "net")), ReceiptState::Undone);
    assert!(Cable::connect(&cable.host, "10.77.0.3:9000").is_some());
    assert!(Cable::connect(&cable.host, "[fd77::3]:9000").is_none());
    expect(&executor.execute(&undo("u3", "six")), ReceiptState::Undone);
    assert!(!cable.nft(&["list", "table", "inet", "garrison"]), "a table stayed");
}

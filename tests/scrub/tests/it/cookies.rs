//! Proof of address, with real connections through a flood of SYNs: on the host of the listener, and on a router in
//! front of it.

use crate::ground::{ATTACKER, ATTACKER6, Ground, HOST, HOST6, eventually, of_host};
use base::SystemRandom;
use ddos::{Level, Prefix, Reason};
use scrub::{Cookies, Filter, Plan, synproxy};
use scrub_lab::frame::{Path, Segment, flags};
use scrub_lab::generate::{Generator, Recipe};
use scrub_lab::kinds::{Kind, Style};
use scrub_lab::program::Programs;
use scrub_lab::scene::{Bpffs, Namespace, allowed, cable};
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::process::Stdio;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(5);

/// A server that answers each line with the same line.
fn serve(namespace: &Namespace, at: &str) {
    let at: SocketAddr = at.parse().unwrap();
    let listener = namespace.inside(|| TcpListener::bind(at)).unwrap().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut stream = stream;
                let mut bytes = [0; 64];
                while let Ok(count @ 1..) = stream.read(&mut bytes) {
                    if stream.write_all(&bytes[..count]).is_err() {
                        return;
                    }
                }
            });
        }
    });
}

fn connect(from: &Namespace, to: &str) -> std::io::Result<TcpStream> {
    let to: SocketAddr = to.parse().unwrap();
    let stream = from.inside(|| TcpStream::connect_timeout(&to, PATIENCE))??;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

fn talks(stream: &mut TcpStream) -> bool {
    let mut back = [0; 4];
    stream.write_all(b"ping").is_ok() && stream.read_exact(&mut back).is_ok() && &back == b"ping"
}

fn send(from: &Namespace, recipe: &Recipe, packets: u32) {
    let index = from.interface("v0").unwrap();
    from.inside(|| Generator::new(index).unwrap().send(recipe, packets).unwrap()).unwrap();
}

#[test]
fn a_listener_of_this_host_is_reached_through_a_flood_of_syns() {
    if !allowed() {
        return;
    }
    let ground = Ground::make();
    // Always, so that the test need not fill the queue first.
    ground.host.sysctl("net.ipv4.tcp_syncookies", "2").unwrap();
    serve(&ground.host, &format!("{HOST}:80"));
    serve(&ground.host, &format!("[{HOST6}]:80"));
    let mut filter = ground.attach(&Plan { cookies: Cookies::Local, ..ground.plan() });
    let places = [HOST, HOST6].map(|host| Prefix::single(host.parse().unwrap()));
    let at = |level: Level| places.map(|place| (place, level));
    filter.protect(&at(Level::Observe)).unwrap();
    let mut old = connect(&ground.attacker, &format!("{HOST}:80")).unwrap();
    assert!(talks(&mut old));
    filter.protect(&at(Level::Prove)).unwrap();
    assert!(talks(&mut old), "a connection of before the attack goes on");

    send(&ground.attacker, &Kind::Syn.recipe(ground.path(), Style::Linux, 80), 50_000);
    send(&ground.attacker, &Kind::Ack.recipe(ground.path(), Style::Linux, 80), 50_000);
    // An eighth of all addresses is no host's: those are malformed.
    let counted = |reason: Reason| of_host(&filter).dropped[reason.index()];
    // A cable drops what its queue does not take while the machine is busy elsewhere.
    eventually("the flood is counted", || counted(Reason::SynCookie) > 10_000 && counted(Reason::BadAck) > 10_000);
    println!(
        "of 50,000 SYNs {} answered; of 50,000 ACKs {} refused",
        counted(Reason::SynCookie),
        counted(Reason::BadAck)
    );
    assert!(talks(&mut old), "nor does the flood end it");
    for (host, client) in [(HOST.to_owned(), ATTACKER), (format!("[{HOST6}]"), ATTACKER6)] {
        let client: IpAddr = client.parse().unwrap();
        let mut new = connect(&ground.attacker, &format!("{host}:80")).unwrap();
        assert!(talks(&mut new), "{host}");
        assert!(filter.confirmed(client).unwrap().is_some(), "{client} brought its cookie back");
        let mut again = connect(&ground.attacker, &format!("{host}:80")).unwrap();
        assert!(talks(&mut again), "{host}");
    }
    filter.protect(&at(Level::Verified)).unwrap();
    assert!(talks(&mut old));
    filter.detach().unwrap();
}

/// Client, router with the filter, server.
struct Way {
    client: Namespace,
    router: Namespace,
    _server: Namespace,
    bpffs: Bpffs,
    _receiver: (Programs, libbpf_rs::Link),
}

const SERVER: &str = "10.67.0.2";
const SERVER6: &str = "fd67::2";

fn way() -> Way {
    let [client, router, server] = ["client", "router", "server"].map(|kind| Namespace::make(kind).unwrap());
    cable(&client, &router, "v0").unwrap();
    cable(&router, &server, "v1").unwrap();
    let addresses = [
        (&client, "v0", ATTACKER, ATTACKER6),
        (&router, "v0", HOST, HOST6),
        (&router, "v1", "10.67.0.1", "fd67::1"),
        (&server, "v1", SERVER, SERVER6),
    ];
    for (side, name, four, six) in addresses {
        side.ip(&["address", "add", &format!("{four}/24"), "dev", name]).unwrap();
        side.ip(&["address", "add", &format!("{six}/64"), "dev", name, "nodad"]).unwrap();
    }
    client.ip(&["route", "add", "10.67.0.0/24", "via", HOST]).unwrap();
    client.ip(&["route", "add", "fd67::/64", "via", HOST6]).unwrap();
    server.ip(&["route", "add", "default", "via", "10.67.0.1"]).unwrap();
    server.ip(&["-6", "route", "add", "default", "via", "fd67::1"]).unwrap();
    router.sysctl("net.ipv6.conf.all.forwarding", "1").unwrap();
    let destinations = [SERVER, SERVER6].map(|server| Prefix::single(server.parse().unwrap()));
    let rules = synproxy::rules("garrison_proof", &destinations, &[80]);
    let mut nft = router.command("nft").args(["-f", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    nft.stdin.take().unwrap().write_all(rules.as_bytes()).unwrap();
    assert!(nft.wait().unwrap().success());
    // Only now are there values of connection tracking in this namespace.
    for (name, value) in synproxy::SETTINGS {
        router.sysctl(name, value).unwrap();
    }
    let index = client.interface("v0").unwrap();
    let receiver = client
        .inside(|| {
            let programs = Programs::load().unwrap();
            let link = programs.attach("pass_all", index).unwrap();
            (programs, link)
        })
        .unwrap();
    serve(&server, &format!("{SERVER}:80"));
    serve(&server, &format!("[{SERVER6}]:80"));
    Way { client, router, _server: server, bpffs: Bpffs::mount().unwrap(), _receiver: receiver }
}

#[test]
fn a_server_behind_a_router_is_reached_through_a_flood_of_syns() {
    if !allowed() {
        return;
    }
    let way = way();
    let index = way.router.interface("v0").unwrap();
    let plan = Plan { cookies: Cookies::Router, ..Plan::new(index, way.bpffs.pins()) };
    let mut filter = way.router.inside(|| Filter::attach(&plan, &SystemRandom::new())).unwrap().unwrap();
    let places = [SERVER, SERVER6].map(|server| Prefix::single(server.parse().unwrap()));
    let at = |level: Level| places.map(|place| (place, level));
    filter.protect(&at(Level::Observe)).unwrap();
    let mut old = connect(&way.client, &format!("{SERVER}:80")).unwrap();
    assert!(talks(&mut old), "through the kernel's own synproxy");
    let mut six = connect(&way.client, &format!("[{SERVER6}]:80")).unwrap();
    assert!(talks(&mut six));
    filter.protect(&at(Level::Prove)).unwrap();
    assert!(talks(&mut old), "a connection that is tracked goes on");

    let mut path = Path::new(ATTACKER.parse().unwrap(), SERVER.parse().unwrap());
    (path.from, path.to) = (way.client.mac("v0").unwrap(), way.router.mac("v0").unwrap());
    send(&way.client, &Kind::Syn.recipe(path, Style::Linux, 80), 50_000);
    let of = |reason: Reason| {
        filter.counters().unwrap().iter().map(|(_, counters)| counters.dropped[reason.index()]).sum::<u64>()
    };
    eventually("the SYNs are answered", || of(Reason::SynCookie) > 40_000);
    // From somebody else: who has a connection is confirmed.
    let stranger = Path { source: "10.66.0.77".parse().unwrap(), ..path };
    let stray = stranger.tcp(&Segment { flags: flags::ACK, from: 1000, ..Segment::default() });
    send(&way.client, &Recipe::new(stray), 10);
    eventually("an ACK without a cookie is refused", || of(Reason::BadAck) >= 10);
    assert!(talks(&mut old));
    for (server, client) in [(SERVER.to_owned(), ATTACKER), (format!("[{SERVER6}]"), ATTACKER6)] {
        let mut new = connect(&way.client, &format!("{server}:80")).unwrap();
        assert!(talks(&mut new), "{server}");
        assert!(filter.confirmed(client.parse().unwrap()).unwrap().is_some(), "{client} brought its cookie back");
    }
    filter.detach().unwrap();
}

//! Every entry of the never-block list refuses, and names itself.

use crate::scene::{Scene, Tree, dry, expect, is_root, key, order};
use action::{Direction, Executor, Management, Sessions};
use base::Prefix;
use record::{ActionKind, Order, ReceiptState};
use std::path::Path;

fn refused(executor: &mut Executor, order: Order, entry: &str) {
    let id = order.id.clone();
    let receipt = expect(&executor.execute(&order), ReceiptState::Refused);
    assert_eq!(receipt.fault, "action.never-list", "{id}: {receipt:?}");
    assert!(receipt.message.contains(entry), "{id}: {} does not name {entry}", receipt.message);
}

fn planned(executor: &mut Executor, order: Order) {
    expect(&executor.execute(&dry(order)), ReceiptState::Planned);
}

fn block(address: &str) -> Order {
    let id: String = address.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    order(&format!("block-{id}"), ActionKind::Block, &[("address", address)], 60)
}

fn kill(pid: u32, key: &str) -> Order {
    order(&format!("kill-{pid}"), ActionKind::KillTree, &[("process", key)], 0)
}

#[test]
fn addresses_that_hold_the_way_in_are_refused() {
    let mut scene = Scene::new();
    let net = scene.path("net");
    std::fs::create_dir(&net).unwrap();
    let gateway = format!("{:08X}", u32::from_ne_bytes([198, 51, 100, 1]));
    std::fs::write(net.join("route"), format!("Iface\tDestination\tGateway\neth0\t00000000\t{gateway}\t0003\n"))
        .unwrap();
    let zero = "0".repeat(32);
    let route6 =
        format!("{zero} 00 {zero} 00 20010db80000000000000000000000fe 00000400 00000000 00000000 00000003 eth0\n");
    std::fs::write(net.join("ipv6_route"), route6).unwrap();
    scene.config.proc_net = net;
    let address: Prefix = "203.0.113.10".parse().unwrap();
    scene.config.never.management = vec![Management { address, port: 7443, direction: Direction::Outbound }];
    scene.config.never.addresses = vec!["192.0.2.0/24".parse().unwrap()];
    let mut executor = scene.start();
    let cases = [
        ("203.0.113.10", "management"),
        ("203.0.113.0/24", "management"),
        ("0.0.0.0/0", "loopback"),
        ("127.0.0.5", "loopback"),
        ("::1", "loopback"),
        ("::/0", "loopback"),
        ("::ffff:127.0.0.1", "loopback"),
        ("192.0.2.77", "configured address"),
        ("198.51.100.1", "default gateway"),
        ("2001:db8::fe", "default gateway"),
        ("224.0.0.1", "multicast"),
        ("255.255.255.255", "broadcast"),
    ];
    for (address, entry) in cases {
        refused(&mut executor, block(address), entry);
    }
    planned(&mut executor, block("198.51.100.2"));
    planned(&mut executor, block("2001:db8:1::/48"));
    let bad = executor.execute(&order("bad", ActionKind::Block, &[("address", "10.0.0.0/33")], 60));
    assert_eq!(bad[0].fault, "action.bad-order");
}

#[test]
fn processes_that_carry_the_agent_or_the_host_are_refused() {
    let mut scene = Scene::new();
    scene.config.never.paths = vec![scene.path("vital")];
    let mut executor = scene.start();
    let own = std::process::id();
    let parent = std::os::unix::process::parent_id();
    refused(&mut executor, kill(own, &key(own).to_string()), "own process");
    refused(&mut executor, kill(1, &key(1).to_string()), "pid 1");
    if parent > 1 {
        // Its tree contains us as well; whichever is found first names itself.
        let receipt = expect(&executor.execute(&kill(parent, &key(parent).to_string())), ReceiptState::Refused);
        assert_eq!(receipt.fault, "action.never-list");
    }
    match std::fs::read_to_string("/proc/2/stat") {
        Ok(text) if text.contains("(kthreadd)") => {
            refused(&mut executor, kill(2, &key(2).to_string()), "kernel thread");
        }
        _ => println!("skipped: kernel threads are not visible here"),
    }
    std::fs::create_dir(scene.path("vital")).unwrap();
    std::fs::copy("/bin/sleep", scene.path("vital/sleep")).unwrap();
    let tree = Tree::start("exec vital/sleep 1000", &scene.path("."));
    crate::scene::wait_for("the program", || {
        let exe = std::fs::read_link(format!("/proc/{}/exe", tree.child.id())).ok()?;
        exe.ends_with("vital/sleep").then_some(())
    });
    refused(&mut executor, kill(tree.child.id(), &tree.key().to_string()), "protected path");
    let freeze = order("freeze", ActionKind::Freeze, &[("process", &key(own).to_string())], 60);
    refused(&mut executor, freeze, "own process");
    crate::scene::wait_for("the process, alive", || (tree.members().len() == 1).then_some(()));
}

#[test]
fn programs_that_the_agent_and_the_host_run_are_refused() {
    let scene = Scene::new();
    let mut executor = scene.start();
    let own = std::env::current_exe().unwrap().canonicalize().unwrap();
    let own = own.to_str().unwrap();
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let library = maps.lines().find(|line| line.contains("libc.so") && line.contains("r-xp"));
    let library = library.map(|line| line[line.find('/').unwrap()..].to_string());
    for (number, path) in [Some(own.to_string()), library].into_iter().flatten().enumerate() {
        let deny = order(&format!("deny-{number}"), ActionKind::DenyExec, &[("path", &path)], 60);
        refused(&mut executor, deny, "program or library of");
        let take = order(&format!("take-{number}"), ActionKind::Quarantine, &[("path", &path)], 60);
        refused(&mut executor, take, "program or library of");
    }
    let digest = ring::digest::digest(&ring::digest::SHA256, &std::fs::read(own).unwrap());
    let deny = order("deny-hash", ActionKind::DenyExec, &[("sha256", &hex::encode(digest))], 60);
    refused(&mut executor, deny, "program or library");
    let journal = scene.path("state/actions.journal");
    let take = order("take-journal", ActionKind::Quarantine, &[("path", journal.to_str().unwrap())], 60);
    refused(&mut executor, take, "protected path");
}

/// One process of a made-up `/proc`.
fn process(proc: &Path, (pid, parent, comm): (u32, u32, &str), uid: u32, exe: &Path, environ: &str) {
    let directory = proc.join(pid.to_string());
    std::fs::create_dir_all(directory.join("fd")).unwrap();
    let stat =
        format!("{pid} ({comm}) S {parent} {pid} {pid} 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 {} 0 0\n", pid * 10);
    std::fs::write(directory.join("stat"), stat).unwrap();
    std::fs::write(directory.join("status"), format!("Name:\t{comm}\nUid:\t{uid}\t{uid}\t{uid}\t{uid}\n")).unwrap();
    std::fs::write(directory.join("environ"), environ.replace(' ', "\0").replace('~', " ")).unwrap();
    std::os::unix::fs::symlink(exe, directory.join("exe")).unwrap();
}

/// Local address and port, remote address and port, inode of the socket.
type Row = ([u8; 4], u16, [u8; 4], u16, u64);

fn table(rows: &[Row]) -> String {
    let end = |address: [u8; 4], port: u16| format!("{:08X}:{port:04X}", u32::from_ne_bytes(address));
    rows.iter().fold(
        "  sl  local_address rem_address   st\n".to_string(),
        |text, (local, lport, remote, rport, inode)| {
            text + &format!("   0: {} {} 01 0:0 00:0 0 0 0 {inode} 1\n", end(*local, *lport), end(*remote, *rport))
        },
    )
}

/// A host with a logged-in operator, a guesser, two impostors and the ssh daemon.
fn made_up_host() -> Scene {
    let mut scene = Scene::new();
    let (proc, net, sbin) = (scene.path("proc"), scene.path("net"), scene.path("sbin"));
    for directory in [&proc, &net, &sbin] {
        std::fs::create_dir(directory).unwrap();
    }
    let (sshd, theirs) = (sbin.join("sshd"), scene.path("sshd"));
    std::fs::write(&sshd, "").unwrap();
    std::fs::write(&theirs, "").unwrap();
    std::os::unix::fs::chown(&theirs, Some(1000), None).unwrap();
    let host = [192, 0, 2, 1];
    let rows = [
        (host, 22, [192, 0, 2, 7], 50122, 777),
        (host, 22, [192, 0, 2, 8], 50200, 778),
        (host, 22, [192, 0, 2, 9], 50300, 779),
        (host, 22, [192, 0, 2, 10], 50400, 780),
    ];
    let waiting = "   9: 00000000:0016 00000000:0000 0A 0:0 00:0 0 0 0 790 1\n";
    std::fs::write(net.join("tcp"), table(&rows) + waiting).unwrap();
    let socket = |pid: u32, inode: u64| {
        std::os::unix::fs::symlink(format!("socket:[{inode}]"), proc.join(format!("{pid}/fd/4"))).unwrap();
    };
    let session = |last: u8, port: u16| format!("HOME=/ SSH_CONNECTION=192.0.2.{last}~{port}~192.0.2.1~22 A=1");
    let shell = Path::new("/bin/sh");
    process(&proc, (1, 0, "init"), 0, shell, "");
    process(&proc, (100, 1, "sshd"), 0, &sshd, "");
    // Logged in: listener, session, shell, and a program started from it.
    process(&proc, (101, 100, "sshd"), 0, &sshd, "");
    process(&proc, (102, 101, "sshd"), 1000, &sshd, "");
    process(&proc, (103, 102, "sh"), 1000, shell, &session(7, 50122));
    process(&proc, (104, 103, "evil"), 1000, shell, &session(7, 50122));
    // Still guessing passwords: a connection, no session.
    process(&proc, (110, 100, "sshd"), 0, &sshd, "");
    // An attacker's own program of that name, and root's sshd started by a user.
    process(&proc, (120, 1, "sshd"), 1000, &theirs, "");
    process(&proc, (121, 120, "sh"), 1000, shell, &session(9, 50300));
    process(&proc, (130, 1, "sshd"), 1000, &sshd, "");
    // The daemon that waits for operators, and a program of the same name that waits for nobody.
    process(&proc, (140, 1, "sshd"), 0, &sshd, "");
    process(&proc, (150, 1, "sshd"), 0, &sshd, "");
    process(&proc, (131, 130, "sh"), 1000, shell, &session(10, 50400));
    for (pid, inode) in [(101, 777), (110, 778), (120, 779), (130, 780), (140, 790)] {
        socket(pid, inode);
    }
    (scene.config.proc, scene.config.proc_net) = (proc, net);
    scene.config.never.sessions = Sessions::All;
    scene
}

#[test]
fn the_operators_ssh_session_is_protected_and_a_false_one_is_not() {
    if !is_root("a made-up sshd must be root's file") {
        return;
    }
    let mut scene = made_up_host();
    let mut executor = scene.start();
    refused(&mut executor, block("192.0.2.7"), "ssh session of uid 1000");
    let key = |pid: u32| record::ProcessKey::from_ticks(pid, u64::from(pid) * 10).to_string();
    for pid in [100, 101, 102, 103] {
        refused(&mut executor, kill(pid, &key(pid)), "operator's ssh session from 192.0.2.7");
    }
    planned(&mut executor, kill(104, &key(104)));
    refused(&mut executor, kill(140, &key(140)), "ssh daemon");
    planned(&mut executor, kill(150, &key(150)));
    for address in ["192.0.2.8", "192.0.2.9", "192.0.2.10"] {
        planned(&mut executor, block(address));
    }
    planned(&mut executor, kill(121, &key(121)));
    let isolate = expect(&executor.execute(&dry(order("iso", ActionKind::Isolate, &[], 60))), ReceiptState::Planned);
    assert!(isolate.touched.iter().any(|line| line.contains("from 192.0.2.7/32 to port 22 here")), "{isolate:?}");
    assert_eq!(isolate.touched.len(), 2);

    scene.config.never.sessions = Sessions::Users(vec![0]);
    // A refusal is remembered by its id, so this one begins with a journal of its own.
    scene.config.state_dir = scene.path("state-2");
    let mut executor = scene.start();
    planned(&mut executor, block("192.0.2.7"));
    let alone = expect(&executor.execute(&order("iso", ActionKind::Isolate, &[], 60)), ReceiptState::Refused);
    assert_eq!(alone.fault, "action.no-way-back");
    assert!(alone.message.contains("nobody logged in"), "{alone:?}");
}

#[test]
fn isolation_with_a_server_on_this_host_only_needs_an_explicit_word() {
    let mut scene = Scene::new();
    scene.config.proc_net = scene.path("no-such-net");
    let address: Prefix = "127.0.0.1".parse().unwrap();
    scene.config.never.management = vec![Management { address, port: 7443, direction: Direction::Outbound }];
    let mut executor = scene.start();
    let refused = expect(&executor.execute(&order("a", ActionKind::Isolate, &[], 60)), ReceiptState::Refused);
    assert_eq!(refused.fault, "action.no-way-back");
    let anyway = order("b", ActionKind::Isolate, &[("without_management", "yes")], 60);
    let plan = expect(&executor.execute(&dry(anyway)), ReceiptState::Planned);
    assert!(plan.touched.iter().any(|line| line.contains("NO management path")), "{plan:?}");
}

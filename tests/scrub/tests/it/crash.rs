//! The controller is killed in the middle of an attack.

use crate::ground::{Ground, HOST, eventually};
use scrub_lab::generate::Generator;
use scrub_lab::kinds::{Kind, Style};
use scrub_lab::scene::{Namespace, allowed};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const LEASE_MS: &str = "3000";
const LEASE: Duration = Duration::from_millis(3000);
const LAB: &str = env!("CARGO_BIN_EXE_scrub-lab");

/// A controller in the host's namespace, and what it said when it was ready.
fn controller(host: &Namespace, pins: &Path, interface: u32) -> (Child, String) {
    let mut command = host.command(LAB);
    command.arg("hold").arg(pins).args([&interface.to_string(), LEASE_MS, &format!("{HOST}/32"), "clean"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
    (child, said.trim().to_owned())
}

/// Packets that reached the UDP layer of the host.
fn reached(host: &Namespace) -> u64 {
    let text = host.inside(|| std::fs::read_to_string("/proc/thread-self/net/snmp").unwrap()).unwrap();
    let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("Udp:")).collect();
    let column = lines[0].split(' ').position(|name| name == "NoPorts").unwrap();
    lines[1].split(' ').nth(column).unwrap().parse().unwrap()
}

fn attached(host: &Namespace) -> bool {
    let shown = host.command("bpftool").arg("net").output().unwrap();
    let text = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.status.success(), "{text}");
    text.contains("v0(")
}

#[test]
fn filtering_goes_on_until_the_lease_and_nothing_stays_after_it() {
    if !allowed() {
        return;
    }
    let ground = Ground::make();
    let (host, pins) = (&ground.host, ground.bpffs.pins());
    let index = ground.attacker.interface("v0").unwrap();
    let recipe = Kind::Memcached.recipe(ground.path(), Style::Linux, 80);
    let flood = || ground.attacker.inside(|| Generator::new(index).unwrap().send(&recipe, 2000).unwrap()).unwrap();
    flood();
    eventually("without a filter the flood reaches the host", || reached(host) > 1000);

    let (mut first, said) = controller(host, &pins, host.interface("v0").unwrap());
    assert_eq!(said, "attached");
    let mut watchdog = Command::new(LAB).arg("watch").arg(&pins).stdout(Stdio::piped()).spawn().unwrap();
    let before = reached(host);
    flood();
    // While it lives nobody else gets the filter, and whoever tries hears who has it.
    let second = Command::new(LAB).arg("watch").arg(&pins).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&second.stdout).trim(), "Watched", "one watchdog is enough");
    let owner = format!("process {}", first.id());
    let refused = scrub::Filter::adopt(&pins, LEASE).err().unwrap();
    assert!(refused.is(&scrub::fault::OWNED) && refused.got() == owner, "{refused:?}");
    let refused = host.inside(|| scrub::Filter::attach(&ground.plan(), &base::SystemRandom::new()).err());
    assert!(refused.unwrap().unwrap().is(&scrub::fault::OWNED));
    first.kill().unwrap();
    first.wait().unwrap();
    flood();
    assert!(attached(host));
    assert_eq!(reached(host), before, "the controller is dead and the filter is not");

    // A restart adopts it, and its lease holds longer than that of the first.
    let (mut second, said) = controller(host, &pins, host.interface("v0").unwrap());
    assert_eq!(said, "adopted");
    let begin = Instant::now();
    while begin.elapsed() < LEASE + LEASE / 2 {
        flood();
    }
    assert_eq!(reached(host), before, "the lease was renewed");

    second.kill().unwrap();
    second.wait().unwrap();
    let killed = Instant::now();
    assert!(watchdog.wait().unwrap().success());
    println!(
        "the watchdog removed the filter {:.2} s after the controller died; its lease is {LEASE:?}",
        killed.elapsed().as_secs_f64()
    );
    assert!(killed.elapsed() < LEASE + Duration::from_secs(3));
    assert!(!attached(host) && !pins.exists());
    flood();
    eventually("everything passes again", || reached(host) > before + 1000);
}

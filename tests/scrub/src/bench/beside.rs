//! What a dropped packet costs the processor, beside xdp-filter, nftables and iptables: the same frames of the same
//! generator over the same cable, in turns, with all that the kernel does to get the packet there.

use super::clock::Clock;
use crate::figures::{Row, median};
use crate::frame::Path;
use crate::generate::{Generator, Recipe, Sources};
use crate::kinds::{Kind, Style};
use crate::program::Programs;
use crate::scene::{Bpffs, Namespace, cable};
use base::SystemRandom;
use ddos::{Level, Prefix};
use scrub::{Filter, Plan, Verdict};
use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

const RUNS: usize = 7;
const HOST: Ipv4Addr = Ipv4Addr::new(10, 66, 0, 1);

fn wrong(cause: impl std::fmt::Display) -> io::Error {
    io::Error::other(cause.to_string())
}

/// The two ends of a cable, and the attacker's generator.
struct Ground {
    host: Namespace,
    attacker: Namespace,
    bpffs: Bpffs,
    recipe: Recipe,
    packets: u32,
}

/// Who drops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    /// Nobody: frames are made, and offered to a cable whose other end takes none. What the attacker pays.
    Offering,
    /// The cheapest program there is.
    Empty,
    OursReflection,
    OursDenied,
    XdpFilter,
    NftablesIngress,
    NftablesRaw,
    Iptables,
}

const ALL: [Who; 8] = [
    Who::Offering,
    Who::Empty,
    Who::OursReflection,
    Who::OursDenied,
    Who::XdpFilter,
    Who::NftablesIngress,
    Who::NftablesRaw,
    Who::Iptables,
];

impl Ground {
    fn make(packets: u32) -> io::Result<Ground> {
        let (host, attacker) = (Namespace::make("host")?, Namespace::make("attacker")?);
        cable(&host, &attacker, "v0")?;
        cable(&host, &attacker, "v1")?;
        host.ip(&["address", "add", &format!("{HOST}/24"), "dev", "v0"])?;
        // Without a program a veth takes frames of the generator only so.
        shell(&host, "ethtool -K v0 gro on")?;
        let mut path = Path::new(Ipv4Addr::new(10, 66, 0, 2).into(), HOST.into());
        (path.from, path.to) = (attacker.mac("v0")?, host.mac("v0")?);
        let spoofed = Sources::Random(Ipv4Addr::new(16, 0, 0, 0), 16);
        let recipe = Kind::Ntp.recipe(path, Style::Linux, 80).from(spoofed);
        Ok(Ground { host, attacker, bpffs: Bpffs::mount()?, recipe, packets })
    }

    /// Nanoseconds of processor a packet.
    fn measure(&self, generator: &Generator) -> io::Result<f64> {
        self.attacker.inside(|| {
            let clock = Clock::bind(0)?;
            generator.send(&self.recipe, self.packets / 20)?;
            let begin = clock.now();
            generator.send(&self.recipe, self.packets)?;
            Ok((clock.now() - begin) as f64 / f64::from(self.packets))
        })?
    }

    fn with(&self, who: Who, generator: &Generator) -> io::Result<f64> {
        let index = self.host.interface("v0")?;
        let all = self.packets + self.packets / 20;
        match who {
            Who::Offering => {
                let index = self.attacker.interface("v1")?;
                let idle = self.attacker.inside(|| Generator::new(index))??;
                self.measure(&idle)
            }
            Who::Empty => {
                let programs = Programs::load()?;
                let _link = self.host.inside(|| programs.attach("drop_all", index))??;
                self.measure(generator)
            }
            Who::OursReflection | Who::OursDenied => self.ours(who, generator, index, u64::from(all)),
            Who::XdpFilter => {
                self.xdp_filter("load v0 -m native -p allow -f udp", "port 123 -m src -p udp")?;
                let measured = self.measure(generator);
                shell(&self.host, "ip link set dev v0 xdp off")?;
                measured
            }
            Who::NftablesIngress => self.nft("table netdev t { chain c { type filter hook ingress device v0 priority 0; udp sport 123 counter drop; }; }", "netdev", generator, who),
            Who::NftablesRaw => self.nft("table ip t { chain c { type filter hook prerouting priority raw; udp sport 123 counter drop; }; }", "ip", generator, who),
            Who::Iptables => {
                shell(&self.host, "iptables -t raw -A PREROUTING -p udp --sport 123 -j DROP")?;
                let measured = self.measure(generator);
                let text = output(&self.host, "iptables -t raw -vnxL PREROUTING; iptables -t raw -F")?;
                expect(who, all, text.lines().find(|line| line.contains("spt:123")).and_then(first_number))?;
                measured
            }
        }
    }

    fn ours(&self, who: Who, generator: &Generator, index: u32, all: u64) -> io::Result<f64> {
        let lease = Duration::from_secs(600);
        let plan = Plan { lease, sample_one_in: 1024, ..Plan::new(index, self.bpffs.pins()) };
        let mut filter = self.host.inside(|| Filter::attach(&plan, &SystemRandom::new()))?.map_err(wrong)?;
        let level = if who == Who::OursDenied { Level::Observe } else { Level::Clean };
        filter.protect(&[(Prefix::single(HOST.into()), level)]).map_err(wrong)?;
        if who == Who::OursDenied {
            let spoofed = Prefix::new(Ipv4Addr::new(16, 0, 0, 0).into(), 8).ok_or_else(|| wrong("prefix"))?;
            filter.list(spoofed, Verdict::Deny).map_err(wrong)?;
        }
        let measured = self.measure(generator);
        let dropped = filter.dropped().map_err(wrong)?.packets.iter().sum::<u64>();
        filter.detach().map_err(wrong)?;
        expect(who, u32::try_from(all).unwrap_or(u32::MAX), Some(dropped))?;
        measured
    }

    /// In a mount namespace of its own, where it may pin what it likes.
    fn xdp_filter(&self, load: &str, port: &str) -> io::Result<()> {
        let script = format!("mount -t bpf bpf /sys/fs/bpf && xdp-filter {load} && xdp-filter {port}");
        let output = self.host.command("unshare").args(["-m", "sh", "-c", &script]).output()?;
        if output.status.success() { Ok(()) } else { Err(wrong(String::from_utf8_lossy(&output.stderr))) }
    }

    fn nft(&self, rules: &str, family: &str, generator: &Generator, who: Who) -> io::Result<f64> {
        shell(&self.host, &format!("nft '{rules}'"))?;
        let measured = self.measure(generator);
        let text = output(&self.host, &format!("nft list table {family} t; nft delete table {family} t"))?;
        let counted = text.split("counter packets ").nth(1).and_then(first_number);
        expect(who, self.packets + self.packets / 20, counted)?;
        measured
    }
}

fn first_number(text: &str) -> Option<u64> {
    text.split_whitespace().next()?.parse().ok()
}

/// All must have been dropped: who loses packets on the way to the filter has less work.
fn expect(who: Who, all: u32, dropped: Option<u64>) -> io::Result<()> {
    let dropped = dropped.ok_or_else(|| wrong(format!("{who:?}: no counter")))?;
    if dropped < u64::from(all) * 99 / 100 {
        return Err(wrong(format!("{who:?} dropped {dropped} of {all}")));
    }
    Ok(())
}

fn output(namespace: &Namespace, script: &str) -> io::Result<String> {
    let output = namespace.command("sh").args(["-c", script]).output()?;
    if !output.status.success() {
        return Err(wrong(format!("{script}: {}", String::from_utf8_lossy(&output.stderr))));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn shell(namespace: &Namespace, script: &str) -> io::Result<()> {
    output(namespace, script).map(|_| ())
}

fn version(program: &str, argument: &str) -> String {
    let output = std::process::Command::new(program).arg(argument).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.lines().next().unwrap_or(program).trim().to_owned()
}

pub(super) fn run(quick: bool) -> io::Result<Vec<Row>> {
    let ground = Ground::make(if quick { 50_000 } else { 500_000 })?;
    let index = ground.attacker.interface("v0")?;
    let generator = ground.attacker.inside(|| Generator::new(index))??;
    let mut results: Vec<Vec<f64>> = ALL.iter().map(|_| Vec::new()).collect();
    for _ in 0..RUNS {
        for (who, result) in ALL.iter().zip(&mut results) {
            result.push(ground.with(*who, &generator)?);
        }
    }
    let of = |who: Who| ALL.iter().position(|known| *known == who).map(|at| results[at].clone()).unwrap_or_default();
    let offering = median(&of(Who::Offering));
    let less = |who: Who| of(who).iter().map(|all| all - offering).collect::<Vec<f64>>();
    let data = format!(
        "{} NTP answers of 482 bytes from 65,536 sources over a veth, {RUNS} times in turns; processor time of a packet from \
         the generator to its end, less {offering:.0} ns for making it and offering it to a cable that takes nothing; an \
         empty XDP program in place of a filter: {:.0} ns",
        ground.packets,
        median(&less(Who::Empty))
    );
    let row = |id: &str, what: &str, ours: Who, peer: Who, name: String, goal: f64| {
        let (ours, peer) = (less(ours), less(peer));
        let ratio = median(&ours) / median(&peer);
        let (met, goal) = if goal > 0.0 { (ratio <= goal, format!("ratio ≤ {goal}")) } else { (true, String::new()) };
        Row { id: id.into(), what: what.into(), ours, unit: "ns", peer, peer_name: name, goal, met, data: data.clone() }
    };
    let xdp_filter = "xdp-filter (xdp-tools), feature udp".to_owned();
    let nft = version("nft", "--version");
    let (reflection, denied) = (Who::OursReflection, Who::OursDenied);
    let what = "processor time of receiving and dropping a packet: reflection";
    Ok(vec![
        row("E3.drop-xdp-filter", what, reflection, Who::XdpFilter, xdp_filter.clone(), 1.2),
        row("E3.drop-denied", "the same: denied prefix", denied, Who::XdpFilter, xdp_filter, 1.2),
        row("E3.drop-nftables", what, reflection, Who::NftablesRaw, format!("{nft}, prerouting raw"), 0.2),
        row("E3.drop-nftables-ingress", what, reflection, Who::NftablesIngress, format!("{nft}, netdev ingress"), 0.0),
        row("E3.drop-iptables", what, reflection, Who::Iptables, version("iptables", "--version") + ", raw", 0.0),
        rate(&less(reflection), &data),
    ])
}

/// Packets a second that one processor can drop, as what is left of a second says.
fn rate(ours: &[f64], data: &str) -> Row {
    let ours: Vec<f64> = ours.iter().map(|each| 1000.0 / each).collect();
    let what = "packets a second and processor that can be received and dropped, reciprocal of the time".to_owned();
    let (peer, peer_name) = (Vec::new(), String::new());
    Row {
        id: "E3.drops".into(),
        what,
        ours,
        unit: "M/s",
        peer,
        peer_name,
        goal: String::new(),
        met: true,
        data: data.to_owned(),
    }
}

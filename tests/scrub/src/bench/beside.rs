//! What a dropped packet costs the processor, beside xdp-filter, nftables and iptables: the same frames of the same
//! generator over the same cable, in turns, with all that the kernel does to get the packet there.

use super::clock::Clock;
use super::peers::{self, Peer};
use super::reasons::{self, Ours};
use crate::frame::Path;
use crate::generate::{Generator, Recipe, Sources};
use crate::kinds::{Kind, Style};
use crate::program::Programs;
use crate::scene::{Bpffs, Namespace, cable};
use kit::figures::{Row, median};
use std::io;
use std::net::Ipv4Addr;

const RUNS: usize = 15;
/// Port of which all that is no reflection comes.
pub(super) const PORT: u16 = 4000;
pub(super) const HOST: Ipv4Addr = Ipv4Addr::new(10, 66, 0, 1);

pub(super) fn wrong(cause: impl std::fmt::Display) -> io::Error {
    io::Error::other(cause.to_string())
}

/// Sources of frames that are listed one by one.
pub(super) fn listed() -> Vec<Ipv4Addr> {
    (0..4096_u32).map(|n| Ipv4Addr::from(0x1000_0000 | n.wrapping_mul(0x9e37) & 0xffff)).collect()
}

/// What is sent: all of it 482 bytes of UDP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Frames {
    /// Answers of NTP, from 65,536 sources.
    Ntp,
    /// The same from a port that reflects nothing.
    Plain,
    /// Those without time to live.
    Dead,
    /// Plain ones of 4,096 sources.
    Listed,
}

/// Who has the packet in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    /// Nobody: frames are made, and offered to a cable whose other end takes none. What the attacker pays.
    Offering,
    /// The cheapest program there is.
    Empty,
    Ours(Ours),
    Theirs(Peer),
}

/// The two ends of a cable, and the attacker's generator.
pub(super) struct Ground {
    pub(super) host: Namespace,
    attacker: Namespace,
    pub(super) bpffs: Bpffs,
    recipes: Vec<(Frames, Recipe)>,
    packets: u32,
}

impl Ground {
    fn make(packets: u32) -> io::Result<Ground> {
        let (host, attacker) = (Namespace::make("host")?, Namespace::make("attacker")?);
        cable(&host, &attacker, "v0")?;
        cable(&host, &attacker, "v1")?;
        host.ip(&["address", "add", &format!("{HOST}/24"), "dev", "v0"])?;
        // Without a program a veth takes frames of the generator only so.
        peers::shell(&host, "ethtool -K v0 gro on")?;
        let mut path = Path::new(Ipv4Addr::new(10, 66, 0, 2).into(), HOST.into());
        (path.from, path.to) = (attacker.mac("v0")?, host.mac("v0")?);
        let spoofed = Sources::Random(Ipv4Addr::new(16, 0, 0, 0), 16);
        let mut ntp = Kind::Ntp.recipe(path, Style::Linux, 80).from(spoofed.clone());
        // xdp-filter looks into an array of 512 KiB by it: one port is what suits it best.
        ntp.destination_ports = 0;
        let plain =
            |path: &Path, sources| Recipe { frame: path.udp(PORT, 2048, &[0x41; 440]), ..ntp.clone() }.from(sources);
        let recipes = vec![
            (Frames::Plain, plain(&path, spoofed.clone())),
            (Frames::Dead, plain(&Path { ttl: 0, ..path }, spoofed)),
            (Frames::Listed, plain(&path, Sources::Listed(listed()))),
            (Frames::Ntp, ntp),
        ];
        Ok(Ground { host, attacker, bpffs: Bpffs::mount()?, recipes, packets })
    }

    /// Nanoseconds of processor a packet.
    fn measure(&self, generator: &Generator, frames: Frames) -> io::Result<f64> {
        let recipe = self.recipes.iter().find(|(known, _)| *known == frames).ok_or_else(|| wrong("no such frames"))?;
        self.attacker.inside(|| {
            let clock = Clock::bind(0)?;
            generator.send(&recipe.1, self.packets / 20)?;
            let begin = clock.now();
            generator.send(&recipe.1, self.packets)?;
            Ok((clock.now() - begin) as f64 / f64::from(self.packets))
        })?
    }

    fn with(&self, who: Who, frames: Frames, generator: &Generator) -> io::Result<f64> {
        let index = self.host.interface("v0")?;
        let measure = || self.measure(generator, frames);
        let (measured, dropped) = match who {
            Who::Offering => {
                let index = self.attacker.interface("v1")?;
                let idle = self.attacker.inside(|| Generator::new(index))??;
                return self.measure(&idle, frames);
            }
            Who::Empty => {
                let programs = Programs::load()?;
                let _link = self.host.inside(|| programs.attach("drop_all", index))??;
                return measure();
            }
            Who::Ours(ours) => reasons::drop(self, ours, index, measure)?,
            Who::Theirs(peer) => peers::drop(&self.host, peer, measure)?,
        };
        // Who loses packets on the way to the filter has less work.
        let sent = u64::from(self.packets + self.packets / 20);
        if dropped < sent * 99 / 100 {
            return Err(wrong(format!("{who:?} dropped {dropped} of {sent}")));
        }
        Ok(measured)
    }
}

/// A comparison: id, what it is in words, ours, the peer and what it is called, the most that the ratio may be (0: no goal).
struct Comparison {
    id: &'static str,
    what: &'static str,
    ours: Ours,
    peer: Peer,
    most: f64,
}

const fn pair(id: &'static str, what: &'static str, ours: Ours, peer: Peer, most: f64) -> Comparison {
    Comparison { id, what, ours, peer, most }
}

const COMPARISONS: &[Comparison] = &[
    pair("E3.drop-xdp-filter", "reflection", Ours::Reflection, Peer::XdpFilterPort, 1.2),
    pair("E3.drop-trusted", "reflection, 64 trusted servers", Ours::Trusting, Peer::XdpFilterPort, 1.2),
    pair("E3.drop-denied", "denied prefix", Ours::Denied, Peer::XdpFilterPort, 1.2),
    pair("E3.drop-denied-many", "denied prefix, one of 20,000", Ours::DeniedMany, Peer::XdpFilterPort, 1.2),
    pair("E3.drop-banned", "banned, 4,096 sources", Ours::Banned, Peer::XdpFilterAddress, 1.2),
    pair("E3.drop-banned-port", "banned, 4,096 sources", Ours::Banned, Peer::XdpFilterPort, 1.2),
    pair("E3.drop-malformed", "malformed", Ours::Malformed, Peer::XdpFilterPort, 1.2),
    pair("E3.drop-signature", "signature", Ours::Signature, Peer::XdpFilterPort, 1.2),
    pair("E3.drop-unverified", "source not verified", Ours::Unverified, Peer::XdpFilterPort, 1.2),
    pair("E3.drop-rate", "rates of source, /24 and destination", Ours::Rate, Peer::XdpFilterPort, 0.0),
    pair("E3.drop-nftables", "reflection", Ours::Reflection, Peer::NftablesRaw, 0.2),
    pair("E3.drop-nftables-ingress", "reflection", Ours::Reflection, Peer::NftablesIngress, 0.0),
    pair("E3.drop-iptables", "reflection", Ours::Reflection, Peer::Iptables, 0.0),
];

/// Everything that is measured, each once: who, on which frames.
fn contestants() -> Vec<(Who, Frames)> {
    let mut all = vec![(Who::Offering, Frames::Plain), (Who::Empty, Frames::Plain)];
    for Comparison { ours, peer, .. } in COMPARISONS {
        for who in [Who::Ours(*ours), Who::Theirs(*peer)] {
            let each = (who, ours.frames());
            if !all.contains(&each) {
                all.push(each);
            }
        }
    }
    all
}

pub(super) fn run(quick: bool) -> io::Result<Vec<Row>> {
    let ground = Ground::make(if quick { 50_000 } else { 300_000 })?;
    let index = ground.attacker.interface("v0")?;
    let generator = ground.attacker.inside(|| Generator::new(index))??;
    let contestants = contestants();
    let mut results: Vec<Vec<f64>> = contestants.iter().map(|_| Vec::new()).collect();
    let runs = if quick { 5 } else { RUNS };
    for _ in 0..runs {
        for ((who, frames), result) in contestants.iter().zip(&mut results) {
            result.push(ground.with(*who, *frames, &generator)?);
        }
    }
    let of = |who: Who, frames: Frames| {
        let at = contestants.iter().position(|known| *known == (who, frames));
        at.map(|at| results[at].clone()).unwrap_or_default()
    };
    let offering = median(&of(Who::Offering, Frames::Plain));
    let less = |who: Who, frames: Frames| of(who, frames).iter().map(|all| all - offering).collect::<Vec<f64>>();
    let data = format!(
        "{} UDP packets of 482 bytes over a veth, {runs} times in turns, medians; 65,536 sources, 4,096 where they are \
         banned; processor time of a packet from the generator to its end, less {offering:.0} ns for making it and \
         offering it to a cable that takes nothing; an empty XDP program in place of a filter: {:.0} ns",
        ground.packets,
        median(&less(Who::Empty, Frames::Plain))
    );
    let row = |each: &Comparison| {
        let frames = each.ours.frames();
        let (ours, peer) = (less(Who::Ours(each.ours), frames), less(Who::Theirs(each.peer), frames));
        let met = each.most == 0.0 || median(&ours) <= each.most * median(&peer);
        let goal = if each.most > 0.0 { format!("ratio ≤ {}", each.most) } else { String::new() };
        let what = format!("processor time of receiving and dropping a packet: {}", each.what);
        let peer_name = peers::name(each.peer);
        Row { id: each.id.into(), what, ours, unit: "ns", peer, peer_name, goal, met, data: data.clone() }
    };
    let mut rows: Vec<Row> = COMPARISONS.iter().map(row).collect();
    rows.push(rate(&less(Who::Ours(Ours::Reflection), Frames::Ntp), &data));
    Ok(rows)
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

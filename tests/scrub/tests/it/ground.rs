//! An attacker and a host with a cable between them.

use base::SystemRandom;
use ddos::{Counters, Prefix};
use scrub::{Filter, Plan};
use scrub_lab::frame::Path;
use scrub_lab::program::Programs;
use scrub_lab::scene::{Bpffs, Namespace, cable};
use std::time::{Duration, Instant};

pub(crate) const HOST: &str = "10.66.0.1";
pub(crate) const ATTACKER: &str = "10.66.0.2";
pub(crate) const HOST6: &str = "fd66::1";
pub(crate) const ATTACKER6: &str = "fd66::2";

pub(crate) struct Ground {
    pub(crate) host: Namespace,
    pub(crate) attacker: Namespace,
    pub(crate) bpffs: Bpffs,
    /// Lets frames that the filter sends back arrive: a veth takes them only with a program of its own.
    _receiver: (Programs, libbpf_rs::Link),
}

impl Ground {
    pub(crate) fn make() -> Ground {
        let (host, attacker) = (Namespace::make("host").unwrap(), Namespace::make("attacker").unwrap());
        cable(&host, &attacker, "v0").unwrap();
        for (side, four, six) in [(&host, HOST, HOST6), (&attacker, ATTACKER, ATTACKER6)] {
            side.ip(&["address", "add", &format!("{four}/24"), "dev", "v0"]).unwrap();
            side.ip(&["address", "add", &format!("{six}/64"), "dev", "v0", "nodad"]).unwrap();
        }
        // A veth takes frames of the generator only while it has a queue of its own: with a program, or so.
        assert!(host.command("ethtool").args(["-K", "v0", "gro", "on"]).status().unwrap().success());
        let index = attacker.interface("v0").unwrap();
        let receiver = attacker
            .inside(|| {
                let programs = Programs::load().unwrap();
                let link = programs.attach("pass_all", index).unwrap();
                (programs, link)
            })
            .unwrap();
        Ground { host, attacker, bpffs: Bpffs::mount().unwrap(), _receiver: receiver }
    }

    pub(crate) fn plan(&self) -> Plan {
        Plan { lease: Duration::from_secs(60), ..Plan::new(self.host.interface("v0").unwrap(), self.bpffs.pins()) }
    }

    pub(crate) fn attach(&self, plan: &Plan) -> Filter {
        self.host.inside(|| Filter::attach(plan, &SystemRandom::new())).unwrap().unwrap()
    }

    /// From the attacker to the host, with the right MAC addresses.
    pub(crate) fn path(&self) -> Path {
        let mut path = Path::new(ATTACKER.parse().unwrap(), HOST.parse().unwrap());
        (path.from, path.to) = (self.attacker.mac("v0").unwrap(), self.host.mac("v0").unwrap());
        path
    }
}

pub(crate) fn host_prefix() -> Prefix {
    Prefix::single(HOST.parse().unwrap())
}

pub(crate) fn of_host(filter: &Filter) -> Counters {
    filter.counters().unwrap().into_iter().find(|(prefix, _)| *prefix == host_prefix()).unwrap().1
}

/// Waits until something holds; frames take a moment through the queues of the kernel.
pub(crate) fn eventually(what: &str, holds: impl Fn() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < Duration::from_secs(10), "{what}");
        std::thread::yield_now();
    }
}

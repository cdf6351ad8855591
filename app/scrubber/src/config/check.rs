//! What the parts of a configuration must be, each and together.

use super::{Config, Name, Neighbour, Votes};
use crate::fault;
use base::config::Places;
use base::{Code, Fault};
use ddos::Prefix;
use std::collections::BTreeSet;
use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

/// Destinations that may be protected by one filter.
const DESTINATIONS: usize = 4096;
/// A blackhole must lie inside prefixes at least this long: nobody blackholes the world by a slip.
const WITHIN_BITS: u8 = 8;

/// Every fault, in the order of the file.
pub(super) fn check(config: &Config, places: &Places<'_>) -> Vec<Fault> {
    let mut check = Check { places, faults: Vec::new() };
    check.interfaces(config);
    check.protect(config);
    check.sources(config);
    check.policy(config);
    check.origins(config);
    check.once("neighbours", config.neighbours.iter().map(|neighbour| neighbour.name.as_str()), "name");
    for (index, neighbour) in config.neighbours.iter().enumerate() {
        check.neighbour(&format!("neighbours[{index}]"), neighbour);
    }
    check.once("names", config.names.iter().map(|name| name.name.as_str()), "name");
    for (index, name) in config.names.iter().enumerate() {
        check.name(&format!("names[{index}]"), name);
        let voters = 1 + config.votes.as_ref().map_or(0, Votes::voters);
        let need = usize::from(name.quorum.need);
        let expected = "`quorum.need` of no more than there are probers, or it never moves";
        check.value(need <= voters, &format!("names[{index}]"), expected, need);
    }
    check.faults
}

struct Check<'c> {
    places: &'c Places<'c>,
    faults: Vec<Fault>,
}

impl Check<'_> {
    fn fault(&mut self, code: &'static Code, path: &str, expected: &str, found: impl Display) {
        self.faults.push(self.places.fault(code, path).expected(expected).found(found));
    }

    fn value(&mut self, good: bool, path: &str, expected: &str, found: impl Display) {
        if !good {
            self.fault(&fault::VALUE, path, expected, found);
        }
    }

    fn read<T: FromStr>(&mut self, path: &str, expected: &str, text: &str) -> Option<T> {
        let read = text.parse().ok();
        self.value(read.is_some(), path, expected, text);
        read
    }

    fn once<'n>(&mut self, at: &str, names: impl Iterator<Item = &'n str>, key: &str) {
        let mut seen = BTreeSet::new();
        for (index, name) in names.enumerate() {
            let path = if key.is_empty() { format!("{at}[{index}]") } else { format!("{at}[{index}].{key}") };
            self.value(!name.is_empty(), &path, "a name", "an empty text");
            if !seen.insert(name) {
                self.fault(&fault::TWICE, &path, "each once", name);
            }
        }
    }

    fn interfaces(&mut self, config: &Config) {
        self.value(!config.interfaces.is_empty(), "interfaces", "at least one interface", "none");
        self.once("interfaces", config.interfaces.iter().map(String::as_str), "");
        let lease = config.lease;
        let good = (Duration::from_secs(5)..=Duration::from_secs(3600)).contains(&lease);
        self.value(good, "lease", "5s to 1h", format!("{}s", lease.as_secs()));
    }

    fn protect(&mut self, config: &Config) {
        let count = config.protect.len();
        self.value((1..=DESTINATIONS).contains(&count), "protect", "1 to 4096 destinations", count);
        self.once("protect", config.protect.iter().map(|entry| entry.name.as_str()), "name");
        let mut seen = BTreeSet::new();
        for (index, entry) in config.protect.iter().enumerate() {
            let path = format!("protect[{index}].prefix");
            let read = self.read::<Prefix>(&path, "an address or range, as 203.0.113.0/24", &entry.prefix);
            if read.is_some_and(|prefix| !seen.insert(prefix)) {
                self.fault(&fault::TWICE, &path, "each prefix once", &entry.prefix);
            }
            let good = entry.lowest <= entry.highest;
            let lowest = format!("protect[{index}].lowest");
            self.value(good, &lowest, "a level not above `highest`", entry.lowest.word());
        }
    }

    fn sources(&mut self, config: &Config) {
        for (at, list) in [("allow", &config.allow), ("deny", &config.deny)] {
            for (index, text) in list.iter().enumerate() {
                self.read::<Prefix>(&format!("{at}[{index}]"), "an address or range, as 192.0.2.0/24", text);
            }
        }
    }

    fn policy(&mut self, config: &Config) {
        for (index, text) in config.policy.blackhole_within.iter().enumerate() {
            let path = format!("policy.blackhole_within[{index}]");
            if let Some(prefix) = self.read::<Prefix>(&path, "a range, as 203.0.113.0/24", text) {
                self.value(prefix.length() >= WITHIN_BITS, &path, "a range of at least 8 bits", text);
            }
        }
        let lease = config.policy.upstream_lease;
        let good = (Duration::from_secs(10)..=Duration::from_secs(86_400)).contains(&lease);
        self.value(good, "policy.upstream_lease", "10s to 24h", format!("{}s", lease.as_secs()));
        let patience = config.policy.give_up;
        let good = (Duration::from_secs(5)..=Duration::from_secs(3600)).contains(&patience);
        self.value(good, "policy.give_up", "5s to 1h", format!("{}s", patience.as_secs()));
    }

    fn origins(&mut self, config: &Config) {
        let count = config.origins.len();
        self.value(count <= origin::FILES, "origins", "at most 8 files", count);
        let mut seen = BTreeSet::new();
        for (index, path) in config.origins.iter().enumerate() {
            if !seen.insert(path) {
                self.fault(&fault::TWICE, &format!("origins[{index}]"), "each file once", path.display());
            }
        }
    }

    fn neighbour(&mut self, at: &str, neighbour: &Neighbour) {
        if let Err(fault) = neighbour.session.check() {
            self.told(&format!("{at}.session"), &fault);
        }
    }

    fn name(&mut self, at: &str, name: &Name) {
        if let Err(fault) = divert::Protected::new(&name.zone, &name.name, name.ttl) {
            self.told(&format!("{at}.name"), &fault);
        }
        let protected = divert::Protected::new(&name.zone, &name.name, name.ttl.min(divert::TTL_MAX_S));
        let guard = protected
            .and_then(|protected| divert::Guard::new(protected, name.places.clone(), name.quorum, name.switching, 0));
        if let Err(fault) = guard.and_then(|_| name.health.check()) {
            self.told(at, &fault);
        }
        let home = name.places.first().map(|place| place.addresses.clone()).unwrap_or_default();
        if let Err(fault) = divert::Target::new(name.probe.clone(), home) {
            self.told(&format!("{at}.probe"), &fault);
        }
    }

    /// What another crate says of a part.
    fn told(&mut self, at: &str, fault: &Fault) {
        self.fault(&fault::VALUE, at, fault.wanted(), format!("{} {}", fault.named(), fault.got()));
    }
}

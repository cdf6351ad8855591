//! The scrubber's configuration: one YAML file, unknown keys refused, every fault at once and each with its place.

mod check;

use base::config::{self, Places, units};
use base::{Fault, limits};
use ddos::{Level, Prefix, Settings};
use serde::Deserialize;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The file `scrubber.yaml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Interfaces on which packets come in, by name.
    pub interfaces: Vec<String>,
    /// How the filter is attached.
    pub mode: Mode,
    /// Who proves by SYN cookies that a client lives where it says.
    pub cookies: Cookies,
    /// How long the filter goes on without its controller.
    #[serde(deserialize_with = "units::duration")]
    pub lease: Duration,
    /// Directory on a BPF file system where the filter is pinned, so that a restarted controller finds it again.
    pub pins: PathBuf,
    /// What is protected.
    pub protect: Vec<Protected>,
    /// Sources that are never dropped.
    pub allow: Vec<String>,
    /// Sources that are always dropped.
    pub deny: Vec<String>,
    /// Servers whose answers are no reflection.
    pub trusted: Vec<Trusted>,
    /// How much of a fight is fought here without asking.
    pub policy: Policy,
    /// Routers upstream.
    pub neighbours: Vec<Neighbour>,
    /// Names that are moved away from a dead or attacked address.
    pub names: Vec<Name>,
    /// Probers elsewhere, which vote on the names.
    pub votes: Option<Votes>,
    /// Local socket for the operator and the gateway of this machine; made with mode 0600.
    pub socket: PathBuf,
    /// When an attack is one, and when it is over.
    pub detect: Settings,
    /// The learned model, in LightGBM's text form; without it the rules judge alone.
    pub model: Option<PathBuf>,
    /// Databases of origins (MaxMind DB format), asked in this order; reports name no systems and countries without one.
    pub origins: Vec<PathBuf>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            interfaces: Vec::new(),
            mode: Mode::Auto,
            cookies: Cookies::None,
            lease: Duration::from_secs(30),
            pins: "/sys/fs/bpf/garrison".into(),
            protect: Vec::new(),
            allow: Vec::new(),
            deny: Vec::new(),
            trusted: Vec::new(),
            policy: Policy::default(),
            neighbours: Vec::new(),
            names: Vec::new(),
            votes: None,
            socket: "/run/garrison/scrubber.sock".into(),
            detect: Settings::default(),
            model: None,
            origins: Vec::new(),
        }
    }
}

/// How the filter is attached to an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// In the driver where it can, else in the generic path; the status says which.
    #[default]
    Auto,
    /// In the driver or not at all.
    Native,
    /// In the generic path.
    Generic,
}

/// Who proves addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cookies {
    /// Nobody: unknown sources are left to the rates.
    #[default]
    None,
    /// The protected addresses are of this host: its listeners' own cookies (`net.ipv4.tcp_syncookies`).
    Local,
    /// The protected addresses lie behind this host: cookies of the kernel's synproxy, whose rules `scrub synproxy` prints.
    Router,
}

/// One protected destination.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Protected {
    /// Its name in reports: a customer, a site.
    pub name: String,
    /// Address or range.
    pub prefix: String,
    /// Level below which it never falls.
    #[serde(default = "lowest")]
    pub lowest: Level,
    /// Level above which nothing is done without a person.
    #[serde(default = "highest")]
    pub highest: Level,
}

fn lowest() -> Level {
    Level::Clean
}

fn highest() -> Level {
    Level::Verified
}

/// A server whose answers are wanted: a resolver, a time server.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trusted {
    /// Its address.
    pub address: IpAddr,
    /// Its UDP port.
    pub port: u16,
}

/// Who decides what.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Levels and signatures.
    pub filter: Decide,
    /// FlowSpec rules to routers upstream.
    pub flowspec: Decide,
    /// Blackholes upstream: they finish the destination.
    pub blackhole: Decide,
    /// Names moved to another address.
    pub names: Decide,
    /// Prefixes inside which blackholes may lie; none, no blackhole.
    pub blackhole_within: Vec<String>,
    /// Lease of what is told upstream; renewed while the attack goes on.
    #[serde(deserialize_with = "units::duration")]
    pub upstream_lease: Duration,
    /// How long the link may stay full at the highest level before an address is given up.
    #[serde(deserialize_with = "units::duration")]
    pub give_up: Duration,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            filter: Decide::Auto,
            flowspec: Decide::Ask,
            blackhole: Decide::Ask,
            names: Decide::Auto,
            blackhole_within: Vec::new(),
            upstream_lease: Duration::from_secs(600),
            give_up: Duration::from_secs(30),
        }
    }
}

/// Whether something is done at once or only proposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decide {
    /// Nothing is done; what would be done is told.
    Observe,
    /// A person decides: the alert carries the proposal.
    Ask,
    /// Done at once.
    Auto,
}

/// A router upstream.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Neighbour {
    /// Its name in status and faults.
    pub name: String,
    /// The session.
    pub session: bgp::Neighbour,
    /// File with the password of TCP-MD5 (RFC 2385), mode 0600; the password is never in this file.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
}

/// Probers elsewhere (`garrison-gateway scrub probe`). Each has a key of its own, whose name is its name.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Votes {
    /// Address and UDP port to which they send.
    pub listen: SocketAddr,
    /// Their key files (`tsig-keygen`), not readable by others.
    #[serde(default)]
    pub key_files: Vec<PathBuf>,
    /// The server that starts this scrubber (`garrison up`) probes too, and brings its key.
    #[serde(default)]
    pub server: bool,
}

impl Votes {
    /// How many probers send votes.
    fn voters(&self) -> usize {
        self.key_files.len() + usize::from(self.server)
    }

    /// Where a prober of this machine sends its votes: all addresses are not one.
    pub fn here(&self) -> SocketAddr {
        let ip = match self.listen.ip() {
            IpAddr::V4(any) if any.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(any) if any.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            one => one,
        };
        SocketAddr::new(ip, self.listen.port())
    }
}

/// A name that is moved. Its places are addresses that it may have, home first.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Name {
    /// Zone that the update goes to.
    pub zone: String,
    /// The name.
    pub name: String,
    /// Time to live of the record, seconds: at most 5.
    #[serde(default = "ttl")]
    pub ttl: u32,
    /// The name server, and the file of the key; the key is never in this file.
    pub records: divert::Settings,
    /// Where the service may live, home first.
    pub places: Vec<divert::Place>,
    /// How a place is asked whether it serves.
    #[serde(default)]
    pub probe: divert::ProbeSettings,
    /// When a place counts as up or down.
    #[serde(default)]
    pub health: divert::HealthRules,
    /// How many probers must agree.
    #[serde(default)]
    pub quorum: divert::QuorumRules,
    /// When the name moves, and how often.
    #[serde(default)]
    pub switching: divert::SwitchingRules,
}

fn ttl() -> u32 {
    divert::TTL_MAX_S
}

impl Config {
    /// Reads and checks a file. Text that is no YAML or has an unknown key gives one fault, values that cannot be used
    /// give all of them.
    ///
    /// # Errors
    /// Everything that is wrong, each with its line.
    pub fn load(path: &Path) -> Result<Config, Vec<Fault>> {
        Config::load_with(path, &[])
    }

    /// As [`Config::load`], with key files of probers beyond those of `votes:`, where there is one: of the server that starts this
    /// scrubber.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn load_with(path: &Path, voters: &[PathBuf]) -> Result<Config, Vec<Fault>> {
        let name = path.display().to_string();
        let unreadable = |cause: std::io::Error| vec![Fault::new(&config::UNREADABLE).object(&name).because(cause)];
        let size = std::fs::metadata(path).map_err(unreadable)?.len();
        if size > limits::CONFIG_BYTES {
            let fault = Fault::new(&config::INVALID).object(&name);
            let fault = fault.expected(format!("at most {} bytes", limits::CONFIG_BYTES));
            return Err(vec![fault.found(format!("{size} bytes"))]);
        }
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        Config::parse_with(&text, &name, voters)
    }

    /// As [`Config::load`], of text; `name` stands for the file in faults.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn parse(text: &str, name: &str) -> Result<Config, Vec<Fault>> {
        Config::parse_with(text, name, &[])
    }

    fn parse_with(text: &str, name: &str, voters: &[PathBuf]) -> Result<Config, Vec<Fault>> {
        let mut config: Config = config::parse(text, name).map_err(|fault| vec![fault])?;
        if let Some(votes) = config.votes.as_mut().filter(|_| !voters.is_empty()) {
            // It came, so it is not waited for.
            votes.server = false;
            votes.key_files.extend(voters.iter().cloned());
        }
        let faults = check::check(&config, &Places { text, name });
        if faults.is_empty() { Ok(config) } else { Err(faults) }
    }

    /// Keys in which another configuration differs, and that are fixed while the scrubber runs.
    pub fn fixed(&self, other: &Config) -> Vec<&'static str> {
        // Sessions hold secrets, which are equal when their files are.
        let neighbours = |config: &Config| format!("{:?}", config.neighbours);
        let differs = [
            ("interfaces", self.interfaces != other.interfaces),
            ("mode", self.mode != other.mode),
            ("cookies", self.cookies != other.cookies),
            ("lease", self.lease != other.lease),
            ("pins", self.pins != other.pins),
            ("policy.names", self.policy.names != other.policy.names),
            ("policy.blackhole_within", self.policy.blackhole_within != other.policy.blackhole_within),
            ("neighbours", neighbours(self) != neighbours(other)),
            ("names", self.names != other.names),
            ("votes", self.votes != other.votes),
            ("socket", self.socket != other.socket),
            ("origins", self.origins != other.origins),
        ];
        differs.into_iter().filter(|(_, differs)| *differs).map(|(key, _)| key).collect()
    }

    /// The protected prefixes with their entries. [`Config::parse`] has checked that each can be read.
    pub fn protected(&self) -> impl Iterator<Item = (Prefix, &Protected)> {
        self.protect.iter().filter_map(|entry| Some((entry.prefix.parse().ok()?, entry)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault;

    const GOOD: &str = "
interfaces: [eth0]
protect:
  - {name: shop, prefix: 203.0.113.10, highest: upstream}
  - {name: web, prefix: '2001:db8:1::/48'}
trusted:
  - {address: 192.0.2.53, port: 53}
policy: {blackhole: ask, blackhole_within: [203.0.113.0/24]}
neighbours:
  - {name: edge1, session: {address: 192.0.2.1, local_as: 64512, peer_as: 64513, router_id: 192.0.2.2}}
names:
  - name: shop.example.
    zone: example.
    records: {provider: rfc2136, server: '192.0.2.53:53', key_file: /etc/garrison/tsig.key}
    places:
      - {label: home, addresses: [203.0.113.10]}
      - {label: standby, addresses: [198.51.100.10]}
    probe: {kind: http, path: /healthz}
votes: {listen: '192.0.2.2:4853', key_files: [/etc/garrison/there.key]}
";

    #[test]
    fn a_readable_file_is_read() {
        let config = Config::parse(GOOD, "scrubber.yaml").unwrap();
        assert_eq!(config.protect[0].highest, Level::Upstream);
        assert_eq!(config.protect[1].highest, Level::Verified);
        assert_eq!(config.protected().count(), 2);
        assert_eq!((config.names[0].ttl, config.policy.flowspec), (5, Decide::Ask));
    }

    #[test]
    fn every_fault_is_told_with_its_line() {
        let bad = GOOD
            .replace("[eth0]", "[eth0, eth0]")
            .replace("203.0.113.10, highest", "203.0.113.10/33, highest")
            .replace("203.0.113.0/24", "0.0.0.0/0")
            .replace("198.51.100.10", "203.0.113.10")
            .replace("kind: http", "kind: ping")
            .replace("[/etc/garrison/there.key]", "[]");
        let faults = Config::parse(&bad, "scrubber.yaml").unwrap_err();
        let named: Vec<_> = faults.iter().map(|fault| fault.named().to_string()).collect();
        assert_eq!(
            named,
            [
                "scrubber.yaml:2: interfaces[1]",
                "scrubber.yaml:4: protect[0].prefix",
                "scrubber.yaml:8: policy.blackhole_within[0]",
                "scrubber.yaml:12: names[0]",
                "scrubber.yaml:18: names[0].probe",
                "scrubber.yaml:12: names[0]",
            ]
        );
        assert!(faults.iter().all(|fault| !fault.wanted().is_empty()), "{faults:?}");
    }

    #[test]
    fn the_server_counts_as_a_prober_whether_it_came_or_is_waited_for() {
        let with = |votes: &str| GOOD.replace("key_files: [/etc/garrison/there.key]", votes);
        let server = vec![PathBuf::from("/var/lib/garrison/scrubber/server.key")];
        assert!(Config::parse(&with("server: true"), "s.yaml").unwrap().votes.unwrap().key_files.is_empty());
        assert!(Config::parse(&with("server: false"), "s.yaml").is_err(), "one prober moves nothing");
        for votes in ["server: true", "server: false"] {
            let votes = Config::parse_with(&with(votes), "s.yaml", &server).unwrap().votes.unwrap();
            assert_eq!((votes.key_files.as_slice(), votes.voters()), (server.as_slice(), 1));
        }
        let none = GOOD.split("votes:").next().unwrap().replace("    places:", "    quorum: {need: 1}\n    places:");
        assert!(Config::parse_with(&none, "s.yaml", &server).unwrap().votes.is_none());
    }

    #[test]
    fn a_prober_of_this_machine_sends_to_one_address() {
        for (listen, here) in [("0.0.0.0:1", "127.0.0.1:1"), ("[::]:2", "[::1]:2"), ("192.0.2.2:3", "192.0.2.2:3")] {
            let votes = Votes { listen: listen.parse().unwrap(), key_files: Vec::new(), server: true };
            assert_eq!(votes.here(), here.parse().unwrap());
        }
    }

    #[test]
    fn an_unknown_key_names_its_line() {
        let faults = Config::parse(&GOOD.replace("lowest", "x").replace("trusted:", "trust:"), "s.yaml").unwrap_err();
        assert!(faults[0].is(&config::INVALID) && faults[0].got().contains("line"), "{faults:?}");
    }

    #[test]
    fn what_two_claim_is_a_fault() {
        let twice = GOOD.replace("name: web", "name: shop");
        let faults = Config::parse(&twice, "s.yaml").unwrap_err();
        assert!(faults.iter().any(|fault| fault.is(&fault::TWICE)), "{faults:?}");
    }

    #[test]
    fn the_sample_is_valid() {
        let sample = include_str!("../../../../dist/sample/scrubber.yaml");
        let config = Config::parse(sample, "dist/sample/scrubber.yaml").unwrap();
        assert!(!config.protect.is_empty() && !config.names.is_empty() && !config.neighbours.is_empty());
    }
}

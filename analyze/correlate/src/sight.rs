//! What an alert shows that could tie it to others.

use crate::hub;
use crate::index::Key;
use crate::print::Print;
use record::{Activity, Alert, Event, Host, Proc, Severity};
use std::net::IpAddr;

/// A process at which trees may meet.
pub(crate) struct Link {
    pub key: Key,
    /// Whether it leads its session, so that it ties only within a window.
    pub leads: bool,
    /// For people: `nginx 400`.
    pub name: String,
}

/// An alert taken apart.
pub(crate) struct Sight {
    pub agent: String,
    pub host: String,
    pub time_us: i64,
    pub severity: Severity,
    /// `agent:key` of the process, empty when it has none.
    pub process: String,
    /// User name or `uid N`, empty when unknown.
    pub account: String,
    /// The process and its ancestors below the first hub.
    pub chain: Vec<Link>,
    /// Processes it reached into or made.
    pub reached: Vec<Key>,
    pub hashes: Vec<(Key, String)>,
    pub addresses: Vec<(Key, IpAddr)>,
    /// This host's own addresses.
    pub own: Vec<Key>,
    pub accounts: Vec<Key>,
    /// Confirmed indicators, with `kind value`.
    pub indicators: Vec<(Key, String)>,
    /// TLS fingerprints, with `ja4:…`.
    pub fingerprints: Vec<(Key, String)>,
    /// Names of accounts that a person made: those of the system are on every host.
    pub users: Vec<(Key, String)>,
    /// The alert that it tells more of, by its own word.
    pub follows: Option<String>,
    /// For joins over hosts.
    pub print: Print,
}

/// Accounts that are on every host of a kind: the same name means nothing.
const USUAL: &[&str] = &[
    "admin", "apache", "centos", "daemon", "debian", "ec2-user", "http", "mysql", "nginx", "nobody", "opc", "postgres",
    "root", "ubuntu", "user", "www", "www-data",
];
/// Longest value of an indicator or fingerprint that ties, bytes.
const VALUE_BYTES: usize = 256;

impl Sight {
    pub fn of(id: &str, alert: &Alert, host: &Host) -> Sight {
        // Evidence that does not unpack (hostile agent) leaves an alert that ties to nothing, but is never lost.
        let event = alert.evidence.clone().unpack(0).ok().and_then(|events| events.into_iter().next());
        let mut sight = Sight {
            agent: alert.agent.clone(),
            host: if host.name.is_empty() { alert.agent.clone() } else { host.name.clone() },
            time_us: alert.time_us,
            severity: alert.severity(),
            process: String::new(),
            account: String::new(),
            chain: Vec::new(),
            reached: Vec::new(),
            hashes: Vec::new(),
            addresses: Vec::new(),
            own: own_addresses(alert, host),
            accounts: Vec::new(),
            indicators: Vec::new(),
            fingerprints: Vec::new(),
            users: Vec::new(),
            follows: None,
            print: Print::of(id, alert, host, event.as_ref()),
        };
        sight.named(alert);
        if let Some(event) = event {
            if let Some(proc) = event.process.as_deref() {
                sight.subject(alert, host, proc);
            }
            sight.object(alert, host, &event);
        }
        sight
    }

    fn subject(&mut self, alert: &Alert, host: &Host, proc: &Proc) {
        let info = &proc.info;
        self.process = format!("{}:{}", alert.agent, info.key());
        self.account = account(&info.user);
        self.accounts.push(Key::account(&alert.drill, &alert.agent, &self.account));
        self.user(alert, &info.user.name);
        // The login id survives su and sudo, so it ties what an account did before and after it rose.
        if info.user.loginuid != u32::MAX {
            let login = format!("login {}", info.user.loginuid);
            self.accounts.push(Key::account(&alert.drill, &alert.agent, &login));
        }
        let above = std::iter::once(info).chain(proc.ancestors().map(|ancestor| &ancestor.info));
        for process in above.take_while(|process| !hub::is_hub(process)) {
            self.chain.push(Link {
                key: Key::process(&alert.drill, &alert.agent, &host.boot_id, process.key),
                leads: hub::leads(process),
                name: format!("{} {}", process.comm, process.pid()),
            });
        }
        self.hash(alert, &info.exe.sha256, &info.exe.path);
    }

    /// What the alert itself names: an alert before it, a confirmed indicator.
    fn named(&mut self, alert: &Alert) {
        let field = |name: &str| alert.matches.iter().find(|one| one.field == name).map(|one| one.value.as_str());
        self.follows = field("alert").filter(|id| !id.is_empty() && id.len() < VALUE_BYTES).map(str::to_owned);
        let (Some(kind), Some(value)) = (field("kind"), field("indicator")) else { return };
        if kind.len() + value.len() < VALUE_BYTES {
            let name = format!("{kind} {value}");
            self.indicators.push((Key::Indicator(alert.drill.clone(), name.clone()), name));
        }
    }

    fn log(&mut self, alert: &Alert, log: &record::Log) {
        if let Some(ip) = log.field("src_ip").and_then(|text| text.parse::<IpAddr>().ok()) {
            self.address(alert, ip.to_canonical());
        }
        for word in ["ja4", "ja3"] {
            if let Some(print) = log.field(word).filter(|print| !print.is_empty() && print.len() <= 64) {
                let name = format!("{word}:{print}");
                self.fingerprints.push((Key::Fingerprint(alert.drill.clone(), name.clone()), name));
            }
        }
        if let Some(user) = log.field("user") {
            self.user(alert, user);
        }
    }

    fn user(&mut self, alert: &Alert, name: &str) {
        let usual = USUAL.contains(&name) || name.starts_with('_') || name.starts_with("systemd-");
        if !usual && !name.is_empty() && name.len() <= 64 {
            self.users.push((Key::User(alert.drill.clone(), name.to_owned()), name.to_owned()));
        }
    }

    /// A bridge address of this very host (172.17.0.1) is on many hosts and names none.
    fn address(&mut self, alert: &Alert, ip: IpAddr) {
        let key = Key::address(&alert.drill, ip);
        if tells(ip) && !self.own.contains(&key) {
            self.addresses.push((key, ip));
        }
    }

    fn object(&mut self, alert: &Alert, host: &Host, event: &Event) {
        let process = |key: u64| Key::process(&alert.drill, &alert.agent, &host.boot_id, key);
        match &event.activity {
            Activity::Access(access) => {
                let target = access.target.as_ref().filter(|target| !hub::is_hub(target));
                self.reached.extend(target.map(|target| process(target.key)));
            }
            Activity::Fork(fork) => self.reached.push(process(fork.child_key)),
            Activity::File(file) => self.hash(alert, &file.file.sha256, &file.file.path),
            Activity::Net(net) => {
                if let Some(ip) = net.remote() {
                    self.address(alert, ip.to_canonical());
                }
            }
            Activity::Log(log) => self.log(alert, log),
            Activity::Scan(scan) => self.hash(alert, &scan.file.sha256, &scan.file.path),
            _ => {}
        }
    }

    /// A file of the system's own directories is on every host of the same release: its hash ties nothing.
    fn hash(&mut self, alert: &Alert, sha256: &[u8], path: &str) {
        if !sha256.is_empty() && !hub::in_system(path) {
            let name = path.rsplit('/').next().unwrap_or_default().to_owned();
            self.hashes.push((Key::hash(&alert.drill, sha256), name));
        }
    }
}

fn account(user: &record::User) -> String {
    if user.name.is_empty() { format!("uid {}", user.uid) } else { user.name.clone() }
}

fn own_addresses(alert: &Alert, host: &Host) -> Vec<Key> {
    let parsed = host.addresses.iter().take(16).filter_map(|text| text.parse::<IpAddr>().ok());
    parsed.map(|ip| Key::address(&alert.drill, ip.to_canonical())).collect()
}

/// Whether an address names one machine from everywhere: not loopback, not link-local, not a group.
pub(crate) fn tells(ip: IpAddr) -> bool {
    let local = match ip {
        IpAddr::V4(ip) => ip.is_link_local() || ip.is_broadcast(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    !(local || ip.is_loopback() || ip.is_unspecified() || ip.is_multicast())
}

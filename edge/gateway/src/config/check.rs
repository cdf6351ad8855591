//! What the parts of a configuration must be, each and together.

use super::{Act, Config, Listener, Pool, Site};
use crate::fault;
use base::config::Places;
use base::{Code, Fault, Prefix};
use std::collections::BTreeSet;
use std::net::SocketAddr;

/// Largest body that may be judged, bytes: it is held in memory, one for each request at work.
const JUDGED_BYTES: u64 = 64 << 20;

/// Largest body that is kept in an audit record, bytes.
const KEPT_BYTES: u64 = 1 << 20;
/// Smallest room for audit records, bytes.
const AUDIT_BYTES: u64 = 4 << 20;

/// Every fault, in the order of the file.
pub(super) fn check(config: &Config, places: &Places<'_>) -> Vec<Fault> {
    let mut check = Check { places, config, faults: Vec::new() };
    check.listeners();
    check.limits();
    check.bans();
    check.sites();
    check.pools();
    check.faults
}

struct Check<'c> {
    places: &'c Places<'c>,
    config: &'c Config,
    faults: Vec<Fault>,
}

impl Check<'_> {
    fn fault(&mut self, code: &'static Code, path: &str, expected: &str, found: impl std::fmt::Display) {
        self.faults.push(self.places.fault(code, path).expected(expected).found(found));
    }

    fn value(&mut self, good: bool, path: &str, expected: &str, found: impl std::fmt::Display) {
        if !good {
            self.fault(&fault::VALUE, path, expected, found);
        }
    }

    fn once<'n>(&mut self, names: impl Iterator<Item = (String, &'n str)>, what: &str) {
        let mut seen = BTreeSet::new();
        for (path, name) in names {
            self.value(!name.is_empty(), &path, "a name", "an empty text");
            if !seen.insert(name) {
                self.fault(&fault::TWICE, &path, &format!("each {what} once"), name);
            }
        }
    }

    fn listeners(&mut self) {
        let listeners = &self.config.listeners;
        self.value(!listeners.is_empty(), "listeners", "at least one listener", "none");
        self.once(named("listeners", listeners, |listener| &listener.name), "name of a listener");
        for (index, listener) in listeners.iter().enumerate() {
            self.listener(&format!("listeners[{index}]"), listener);
        }
    }

    fn listener(&mut self, at: &str, listener: &Listener) {
        let expected = "an address and a port, as 0.0.0.0:443 or [::]:443";
        let good = listener.address.parse::<SocketAddr>().is_ok();
        self.value(good, &format!("{at}.address"), expected, &listener.address);
        for (index, network) in listener.trusted_proxies.iter().enumerate() {
            let good = network.parse::<Prefix>().is_ok();
            self.value(good, &format!("{at}.trusted_proxies[{index}]"), "a network, as 10.0.0.0/8", network);
        }
        let served = |site: &&Site| site.listeners.is_empty() || site.listeners.contains(&listener.name);
        let certified = self.config.sites.iter().filter(served).any(|site| site.certificate.is_some());
        self.value(!listener.tls || certified, &format!("{at}.tls"), "a site with a certificate", "none");
    }

    fn limits(&mut self) {
        let limits = &self.config.limits;
        self.value(limits.connections > 0, "limits.connections", "at least 1", 0);
        self.value(limits.connections_per_client > 0, "limits.connections_per_client", "at least 1", 0);
        self.value((1024..=1 << 20).contains(&limits.head), "limits.head", "1KiB to 1MiB", limits.head);
        self.value((1..=1000).contains(&limits.headers), "limits.headers", "1 to 1000", limits.headers);
        self.value(limits.streams > 0, "limits.streams", "at least 1", 0);
        self.value(limits.requests_per_connection > 0, "limits.requests_per_connection", "at least 1", 0);
        let timeouts = &self.config.timeouts;
        for (name, time) in [("handshake", timeouts.handshake), ("head", timeouts.head), ("idle", timeouts.idle)] {
            self.value(!time.is_zero(), &format!("timeouts.{name}"), "more than 0", "0");
        }
        self.value(!timeouts.write.is_zero(), "timeouts.write", "more than 0", "0");
        let audit = self.config.audit.bytes;
        self.value(audit >= AUDIT_BYTES, "audit.bytes", "at least 4MiB", audit);
        self.value(self.config.workers <= 256, "workers", "at most 256", self.config.workers);
    }

    fn bans(&mut self) {
        let bans = &self.config.bans;
        self.value((1..=10_000).contains(&bans.budget), "bans.budget", "1 to 10000", bans.budget);
        for (index, network) in bans.never.iter().enumerate() {
            let good = network.parse::<Prefix>().is_ok();
            self.value(good, &format!("bans.never[{index}]"), "an address or a network, as 10.0.0.0/8", network);
        }
        for (index, site) in self.config.sites.iter().enumerate() {
            let (at, ban) = (format!("sites[{index}].ban"), &site.ban);
            self.value((1..=1000).contains(&ban.after), &format!("{at}.after"), "1 to 1000", ban.after);
            let within = ban.within.as_secs();
            self.value((1..=3600).contains(&within), &format!("{at}.within"), "1s to 1h", within);
            let (lease, most) = (ban.lease.as_secs(), base::limits::LEASE_SECONDS_MAX);
            self.value((1..=most).contains(&lease), &format!("{at}.lease"), "1s to 30d", lease);
        }
    }

    fn sites(&mut self) {
        let sites = &self.config.sites;
        self.value(!sites.is_empty(), "sites", "at least one site", "none");
        self.once(named("sites", sites, |site| &site.name), "name of a site");
        let mut hosts = BTreeSet::new();
        for (index, site) in sites.iter().enumerate() {
            let at = format!("sites[{index}]");
            self.value(!site.hosts.is_empty(), &format!("{at}.hosts"), "at least one host", "none");
            for (number, host) in site.hosts.iter().enumerate() {
                let path = format!("{at}.hosts[{number}]");
                self.value(is_host(host), &path, "a host name, *.name, or *", host);
                if !hosts.insert(host.to_ascii_lowercase()) {
                    self.fault(&fault::TWICE, &path, "each host in one site", host);
                }
            }
            self.site(&at, site);
        }
    }

    fn site(&mut self, at: &str, site: &Site) {
        for (index, name) in site.listeners.iter().enumerate() {
            if !self.config.listeners.iter().any(|listener| listener.name == *name) {
                self.fault(&fault::UNKNOWN_NAME, &format!("{at}.listeners[{index}]"), "the name of a listener", name);
            }
        }
        if !self.config.pools.contains_key(&site.pool) {
            self.fault(&fault::UNKNOWN_NAME, &format!("{at}.pool"), "the name of a pool", &site.pool);
        }
        if let Some(Err(fault)) = site.flood.as_ref().map(flood::Settings::check) {
            self.fault(&fault::VALUE, &format!("{at}.flood.{}", fault.named()), fault.wanted(), fault.got());
        }
        let kept = site.audit.body;
        self.value(kept <= KEPT_BYTES, &format!("{at}.audit.body"), "at most 1MiB", kept);
        let waf = &site.waf;
        let ruled = waf.mode == Act::Off || !waf.rules.is_empty();
        self.value(ruled, &format!("{at}.waf.rules"), "at least one file or folder of rules", "none");
        self.value((1..=4).contains(&waf.paranoia), &format!("{at}.waf.paranoia"), "1 to 4", waf.paranoia);
        self.value(waf.threshold > 0, &format!("{at}.waf.threshold"), "at least 1", 0);
        self.value(waf.response_threshold > 0, &format!("{at}.waf.response_threshold"), "at least 1", 0);
        self.value(waf.body <= JUDGED_BYTES, &format!("{at}.waf.body"), "at most 64MiB", waf.body);
        let response = waf.response_body;
        self.value(response <= JUDGED_BYTES, &format!("{at}.waf.response_body"), "at most 64MiB", response);
    }

    fn pools(&mut self) {
        for (name, pool) in &self.config.pools {
            self.pool(&format!("pools.{name}"), pool);
        }
    }

    fn pool(&mut self, at: &str, pool: &Pool) {
        self.value(!pool.addresses.is_empty(), &format!("{at}.addresses"), "at least one address", "none");
        for (index, address) in pool.addresses.iter().enumerate() {
            let path = format!("{at}.addresses[{index}]");
            self.value(is_target(address), &path, "host:port", address);
        }
        self.value(pool.connections > 0, &format!("{at}.connections"), "at least 1", 0);
        self.value(!pool.connect.is_zero(), &format!("{at}.connect"), "more than 0", "0");
        if let Some(health) = &pool.health {
            let path = format!("{at}.health.path");
            let good = health.path.starts_with('/') && health.path.bytes().all(|byte| byte.is_ascii_graphic());
            self.value(good, &path, "a path, as /healthz", &health.path);
            self.value(!health.every.is_zero(), &format!("{at}.health.every"), "more than 0", "0");
            self.value(health.fall > 0, &format!("{at}.health.fall"), "at least 1", 0);
            self.value(health.rise > 0, &format!("{at}.health.rise"), "at least 1", 0);
        }
    }
}

fn named<'i, T>(
    list: &str,
    items: &'i [T],
    name: impl Fn(&'i T) -> &'i String,
) -> impl Iterator<Item = (String, &'i str)> {
    let list = list.to_string();
    items.iter().enumerate().map(move |(index, item)| (format!("{list}[{index}].name"), name(item).as_str()))
}

/// A DNS name, `*.` before one, an address, or `*`.
fn is_host(host: &str) -> bool {
    let name = host.strip_prefix("*.").unwrap_or(host);
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>().is_ok();
    host == "*" || address || (name.len() <= 253 && name.split('.').all(label))
}

fn is_target(address: &str) -> bool {
    let named = || {
        let (host, port) = address.rsplit_once(':')?;
        Some(is_host(host) && !host.starts_with('*') && port.parse::<u16>().is_ok_and(|port| port > 0))
    };
    address.parse::<SocketAddr>().is_ok() || named().unwrap_or(false)
}

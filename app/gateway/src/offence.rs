//! Who is to be banned: the policy of each site, and how often the rules refused a source lately.

use base::Prefix;
use gateway::{Act, Ban, Config};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// Sources counted at a time.
const SOURCES: usize = 16_384;
/// A full table is looked through for what is over at most so often, µs.
const SWEEP_US: i64 = 1_000_000;

/// What may be done to sources of attacks without a person.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    sites: HashMap<String, Ban>,
    /// Bans in a minute.
    pub budget: u32,
    /// Bytes that audit records may take.
    pub audit_bytes: u64,
    /// Whom nobody may ban: configured, and the proxies that other clients come through.
    pub never: Vec<Prefix>,
}

/// The policy at work.
pub type Policies = Arc<RwLock<Policy>>;

impl Policy {
    /// Of a configuration.
    pub fn of(config: &Config) -> Policy {
        let proxies = config.listeners.iter().flat_map(|listener| &listener.trusted_proxies);
        Policy {
            sites: config.sites.iter().map(|site| (site.name.clone(), site.ban.clone())).collect(),
            budget: config.bans.budget,
            audit_bytes: config.audit.bytes,
            // The configuration was checked when it was read.
            never: config.bans.never.iter().chain(proxies).filter_map(|network| network.parse().ok()).collect(),
        }
    }

    /// Of a site.
    pub fn site(&self, name: &str) -> Option<&Ban> {
        self.sites.get(name)
    }
}

/// What is banned of a client: its address, of IPv6 the /64, which one subscriber has whole.
pub fn source(client: IpAddr) -> String {
    match client.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("{}/64", Ipv6Addr::from(u128::from(address) >> 64 << 64)),
    }
}

/// Requests that the rules refused, by site and source.
pub struct Offenders {
    policies: Policies,
    counts: Mutex<Counts>,
    /// Refusals that found no room.
    uncounted: AtomicU64,
}

#[derive(Default)]
struct Counts {
    sources: HashMap<(Arc<str>, String), (i64, u32)>,
    swept_us: i64,
}

impl Offenders {
    /// None yet.
    pub fn new(policies: Policies) -> Offenders {
        Offenders { policies, counts: Mutex::default(), uncounted: AtomicU64::new(0) }
    }

    /// The rules refused a request at this moment (µs). How many it were, when the source is an attacker by that.
    pub fn refused(&self, site: &Arc<str>, client: IpAddr, now_us: i64) -> Option<u32> {
        let policies = self.policies.read().unwrap_or_else(PoisonError::into_inner);
        let ban = policies.site(site).filter(|ban| ban.mode != Act::Off)?;
        let within = i64::try_from(ban.within.as_micros()).unwrap_or(i64::MAX);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (site.clone(), source(client));
        if counts.sources.len() >= SOURCES && !counts.sources.contains_key(&key) && !counts.sweep(within, now_us) {
            self.uncounted.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        let (since, count) = counts.sources.entry(key).or_insert((now_us, 0));
        if now_us - *since > within {
            (*since, *count) = (now_us, 0);
        }
        *count += 1;
        (*count % ban.after == 0).then_some(*count)
    }

    /// Refusals that were not counted since the start.
    pub fn uncounted(&self) -> u64 {
        self.uncounted.load(Ordering::Relaxed)
    }
}

impl Counts {
    /// Forgets sources whose time is over, then those that were refused only once: many sources once each are no reason to
    /// overlook the one that comes again and again. Whether there is room now.
    fn sweep(&mut self, within: i64, now_us: i64) -> bool {
        if now_us - self.swept_us < SWEEP_US {
            return false;
        }
        self.swept_us = now_us;
        self.sources.retain(|_, (since, _)| now_us - *since <= within);
        if self.sources.len() >= SOURCES {
            self.sources.retain(|_, (_, count)| *count > 1);
        }
        self.sources.len() < SOURCES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offenders(ban: &str) -> Offenders {
        let text = format!(
            "sites: [{{name: shop, hosts: ['*'], pool: a, ban: {{{ban}}}}}]\npools: {{a: {{addresses: [127.0.0.1:9]}}}}\n\
             listeners: [{{name: w, address: '127.0.0.1:0', trusted_proxies: [10.0.0.0/8]}}]\nbans: {{never: [192.0.2.1]}}\n"
        );
        let policy = Policy::of(&Config::parse(&text, "x").unwrap());
        let never: Vec<String> = policy.never.iter().map(ToString::to_string).collect();
        assert_eq!(never, ["192.0.2.1/32", "10.0.0.0/8"]);
        Offenders::new(Arc::new(RwLock::new(policy)))
    }

    fn refused(offenders: &Offenders, client: &str, now_us: i64) -> Option<u32> {
        offenders.refused(&"shop".into(), client.parse().unwrap(), now_us)
    }

    #[test]
    fn a_source_is_an_attacker_after_so_many_within_the_time() {
        let offenders = offenders("after: 3, within: 10s");
        assert_eq!([1, 2].map(|at| refused(&offenders, "203.0.113.7", at)), [None, None]);
        assert_eq!(refused(&offenders, "203.0.113.8", 3), None, "another source");
        assert_eq!(refused(&offenders, "203.0.113.7", 10_000_001), Some(3));
        assert_eq!([12, 13].map(|at| refused(&offenders, "203.0.113.7", at * 1_000_000)), [None, None], "counted anew");
        assert_eq!(refused(&offenders, "2001:db8::1", 5), None);
        assert_eq!(refused(&offenders, "2001:db8::2", 6), None);
        assert_eq!(refused(&offenders, "2001:db8::3", 7), Some(3), "one subscriber");
        assert_eq!(source("2001:db8::3".parse().unwrap()), "2001:db8::/64");
        let off = self::offenders("mode: \"off\", after: 1");
        assert_eq!(refused(&off, "203.0.113.7", 1), None);
    }

    #[test]
    fn many_sources_do_not_hide_the_one_that_comes_again() {
        let offenders = offenders("after: 3, within: 10s");
        refused(&offenders, "203.0.113.7", 1);
        refused(&offenders, "203.0.113.7", 1);
        for number in 0..2 * SOURCES as u32 {
            let client = IpAddr::from((0xc612_0000 | number).to_be_bytes());
            offenders.refused(&"shop".into(), client, 2);
        }
        assert!(offenders.uncounted() > 0);
        let room = offenders.counts.lock().unwrap().sources.len();
        assert!(room <= SOURCES, "{room}");
        refused(&offenders, "203.0.113.9", 2_000_000);
        assert_eq!(refused(&offenders, "203.0.113.7", 2_000_001), Some(3));
    }
}

//! A configuration at work. A reload makes a new one beside it and swaps them; requests that run keep the one they began
//! with. What has a memory (counters, connections to origins, health) goes over where it stayed the same.

use crate::config::{self, Act, Config};
use crate::fault;
use crate::judge::Judge;
use crate::stats::Counters;
use crate::tls::{self, Resumption};
use crate::upstream::Upstream;
use base::{Clock, Fault, Prefix, Random, Result};
use flood::Gate;
use rustls::ServerConfig;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

/// Judges by the name of their site.
pub type Judges = BTreeMap<String, Arc<dyn Judge>>;

/// Clocks and chance of the gateway.
#[derive(Clone, Copy)]
pub(crate) struct Outside<'o> {
    pub(crate) clock: &'o Arc<dyn Clock>,
    pub(crate) random: &'o dyn Random,
    /// Keys of challenge cookies.
    pub(crate) keys: &'o flood::Keys,
}

/// A configuration at work.
pub(crate) struct Live {
    pub(crate) config: Config,
    pub(crate) sites: Vec<Arc<Site>>,
    pub(crate) pools: BTreeMap<String, Arc<Pool>>,
    listeners: HashMap<Arc<str>, Arc<Listener>>,
    exact: HashMap<String, Arc<Site>>,
    wild: HashMap<String, Arc<Site>>,
    any: Option<Arc<Site>>,
}

/// A site at work.
pub(crate) struct Site {
    pub(crate) name: Arc<str>,
    pub(crate) config: config::Site,
    pub(crate) upstream: Arc<Upstream>,
    pub(crate) judge: Option<Arc<dyn Judge>>,
    pub(crate) counters: Arc<Counters>,
    /// Flood defence, where the site has any.
    pub(crate) gate: Option<Gate>,
}

/// A listener at work.
pub(crate) struct Listener {
    pub(crate) config: config::Listener,
    pub(crate) trusted: Vec<Prefix>,
    pub(crate) tls: Option<Arc<ServerConfig>>,
}

impl Listener {
    pub(crate) fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.has(address))
    }
}

/// A pool whose health is checked as long as it is in use.
pub(crate) struct Pool {
    pub(crate) upstream: Arc<Upstream>,
    watch: Option<tokio::task::JoinHandle<()>>,
}

impl Drop for Pool {
    fn drop(&mut self) {
        if let Some(watch) = &self.watch {
            watch.abort();
        }
    }
}

impl Live {
    /// Puts a configuration to work, with what is kept of the one before.
    pub(crate) fn new(
        config: Config,
        judges: &Judges,
        before: Option<&Live>,
        workers: usize,
        resumption: &Resumption,
        outside: Outside<'_>,
    ) -> Result<Live> {
        let listeners = listeners(&config, resumption)?;
        let mut pools = BTreeMap::new();
        for (name, pool) in &config.pools {
            pools.insert(name.clone(), self::pool(name, pool, before, workers)?);
        }
        let mut live = Live {
            config,
            sites: Vec::new(),
            pools,
            listeners,
            exact: HashMap::new(),
            wild: HashMap::new(),
            any: None,
        };
        for site in live.config.sites.clone() {
            let site = Arc::new(live.site_at_work(site, judges, before, outside)?);
            for host in &site.config.hosts {
                match (host.as_str(), host.strip_prefix("*.")) {
                    ("*", _) => live.any = Some(site.clone()),
                    (_, Some(parent)) => drop(live.wild.insert(parent.to_ascii_lowercase(), site.clone())),
                    (name, None) => drop(live.exact.insert(name.to_ascii_lowercase(), site.clone())),
                }
            }
            live.sites.push(site);
        }
        Ok(live)
    }

    fn site_at_work(
        &self,
        config: config::Site,
        judges: &Judges,
        before: Option<&Live>,
        outside: Outside<'_>,
    ) -> Result<Site> {
        let judge = judges.get(&config.name).cloned();
        if judge.is_none() && config.waf.mode != Act::Off {
            return Err(Fault::new(&fault::NO_RULES).object(format!("site {}", config.name)));
        }
        let missing = || Fault::new(&fault::UNKNOWN_NAME).object(format!("site {}", config.name)).found(&config.pool);
        let upstream = self.pools.get(&config.pool).ok_or_else(missing)?.upstream.clone();
        let known = before.and_then(|before| before.sites.iter().find(|site| *site.name == *config.name));
        let counters = known.map(|site| site.counters.clone()).unwrap_or_default();
        let gate = gate(&config, known, outside);
        Ok(Site { name: config.name.as_str().into(), config, upstream, judge, counters, gate })
    }

    /// Tells what was kept of the configuration before that this one is at work now.
    pub(crate) fn settle(&self) {
        for site in &self.sites {
            if let (Some(gate), Some(settings)) = (&site.gate, &site.config.flood) {
                gate.with(|site, _| site.configure(settings.clone()));
            }
        }
    }

    /// The site of a host name on a listener: the exact name, then the nearest wildcard, then any.
    pub(crate) fn site(&self, listener: &str, host: &str) -> Option<&Arc<Site>> {
        let here = |site: &&Arc<Site>| {
            site.config.listeners.is_empty() || site.config.listeners.iter().any(|name| name == listener)
        };
        let wild = || parents(host).find_map(|parent| self.wild.get(parent).filter(here));
        self.exact.get(host).filter(here).or_else(wild).or_else(|| self.any.as_ref().filter(here))
    }

    pub(crate) fn listener(&self, name: &str) -> Option<&Arc<Listener>> {
        self.listeners.get(name)
    }
}

/// Flood defence of a site; what it knows of clients is kept.
fn gate(config: &config::Site, before: Option<&Arc<Site>>, outside: Outside<'_>) -> Option<Gate> {
    let settings = config.flood.clone()?;
    before.and_then(|site| site.gate.clone()).or_else(|| {
        let mut secret = [0; 8];
        outside.random.fill(&mut secret);
        let secret = u64::from_le_bytes(secret);
        Some(Gate::new(outside.clock.clone(), |now| {
            let mut site = flood::Site::new(&config.name, settings, secret, &outside.keys.current, now);
            site.sign_with(outside.keys);
            site
        }))
    })
}

/// The names above a name: `b.c` and `c` for `a.b.c`.
pub(crate) fn parents(name: &str) -> impl Iterator<Item = &str> {
    name.match_indices('.').map(|(at, _)| &name[at + 1..])
}

fn listeners(config: &Config, resumption: &Resumption) -> Result<HashMap<Arc<str>, Arc<Listener>>> {
    let mut listeners = HashMap::new();
    for listener in &config.listeners {
        let trusted: Result<Vec<Prefix>> = listener.trusted_proxies.iter().map(|network| network.parse()).collect();
        let tls = if listener.tls { Some(tls::server(config, listener, resumption)?) } else { None };
        let at_work = Listener { config: listener.clone(), trusted: trusted?, tls };
        listeners.insert(listener.name.as_str().into(), Arc::new(at_work));
    }
    Ok(listeners)
}

/// A pool that did not change goes on; its connections and its health are kept.
fn pool(name: &str, config: &config::Pool, before: Option<&Live>, workers: usize) -> Result<Arc<Pool>> {
    let same = before.and_then(|before| before.pools.get(name)).filter(|pool| pool.upstream.serves(config));
    if let Some(same) = same {
        return Ok(same.clone());
    }
    let upstream = Arc::new(Upstream::new(name, config, workers)?);
    let watch = upstream.watch();
    Ok(Arc::new(Pool { upstream, watch }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(config: Config) -> Result<Live> {
        let (clock, random): (Arc<dyn Clock>, _) = (Arc::new(base::SystemClock::default()), base::SystemRandom::new());
        let keys = flood::Keys::random(&random);
        let outside = Outside { clock: &clock, random: &random, keys: &keys };
        Live::new(config, &Judges::new(), None, 1, &Resumption::new().unwrap(), outside)
    }

    #[tokio::test]
    async fn the_nearest_name_wins() {
        let text = "
listeners: [{name: web, address: '127.0.0.1:0'}, {name: in, address: '127.0.0.1:0'}]
sites:
  - {name: exact, hosts: [a.b.example], pool: p}
  - {name: near, hosts: ['*.b.example'], pool: p}
  - {name: far, hosts: ['*.example'], pool: p}
  - {name: inner, hosts: [inner.example], listeners: [in], pool: p}
pools: {p: {addresses: ['127.0.0.1:1']}}
";
        let config = Config::parse(text, "test").unwrap();
        let live = new(config).unwrap();
        let name = |listener: &str, host: &str| live.site(listener, host).map(|site| site.name.to_string());
        for (host, site) in
            [("a.b.example", "exact"), ("c.b.example", "near"), ("d.c.b.example", "near"), ("b.example", "far")]
        {
            assert_eq!(name("web", host).as_deref(), Some(site), "{host}");
        }
        assert_eq!(name("web", "inner.example").as_deref(), Some("far"));
        assert_eq!(name("in", "inner.example").as_deref(), Some("inner"));
        assert_eq!(name("web", "example"), None);
        assert_eq!(name("web", "other.test"), None);
    }

    #[tokio::test]
    async fn a_site_with_rules_needs_them_compiled() {
        let text = "
listeners: [{name: web, address: '127.0.0.1:0'}]
sites: [{name: a, hosts: [a], pool: p, waf: {mode: block, rules: [crs]}}]
pools: {p: {addresses: ['127.0.0.1:1']}}
";
        let config = Config::parse(text, "test").unwrap();
        let fault = new(config).err().unwrap();
        assert!(fault.is(&fault::NO_RULES) && fault.named() == "site a");
    }
}

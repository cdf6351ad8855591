//! The gateway's configuration: one YAML file, unknown keys refused, every fault at once and each with its place.

mod audit;
mod ban;
mod check;
mod listener;
mod pool;
mod site;

pub use audit::{Audit, AuditFiles, Keep};
pub use ban::{Ban, Bans};
pub use listener::{ClientHeader, Limits, Listener, ProxyProtocol, Timeouts};
pub use pool::{Balance, Health, Pool, PoolTls, Protocol};
pub use site::{Act, Beyond, Certificate, Fail, Positive, Request, Response, Site, Waf};

use base::{Fault, config};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The file `gateway.yaml`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Threads that carry traffic; 0 for one a core.
    pub workers: usize,
    /// Where connections come in.
    pub listeners: Vec<Listener>,
    /// Bounds on what clients may take.
    pub limits: Limits,
    /// How long clients may take.
    pub timeouts: Timeouts,
    /// Who is banned, and who never is.
    pub bans: Bans,
    /// File with the keys that challenge cookies are signed with, for several gateways of the same sites: a key of 64
    /// hexadecimal digits a line, the first signs. Left out, the gateway keeps a key of its own.
    pub challenge_keys: Option<PathBuf>,
    /// Audit records of all sites.
    pub audit: AuditFiles,
    /// What is served, by host name.
    pub sites: Vec<Site>,
    /// Where it is served from, by name.
    pub pools: BTreeMap<String, Pool>,
}

impl Config {
    /// Reads and checks a file. Text that is no YAML or has an unknown key gives one fault, values that cannot be used
    /// give all of them.
    pub fn load(path: &Path) -> Result<Config, Vec<Fault>> {
        let name = path.display().to_string();
        let unreadable = |cause: std::io::Error| vec![Fault::new(&config::UNREADABLE).object(&name).because(cause)];
        let size = std::fs::metadata(path).map_err(unreadable)?.len();
        if size > base::limits::CONFIG_BYTES {
            let fault = Fault::new(&config::INVALID).object(&name);
            let fault = fault.expected(format!("at most {} bytes", base::limits::CONFIG_BYTES));
            return Err(vec![fault.found(format!("{size} bytes"))]);
        }
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        Config::parse(&text, &name)
    }

    /// As [`Config::load`], of text; `name` stands for the file in faults.
    pub fn parse(text: &str, name: &str) -> Result<Config, Vec<Fault>> {
        let config: Config = config::parse(text, name).map_err(|fault| vec![fault])?;
        let faults = check::check(&config, &config::Places { text, name });
        if faults.is_empty() { Ok(config) } else { Err(faults) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault;
    use std::time::Duration;

    const GOOD: &str = "
listeners:
  - name: web
    address: 127.0.0.1:0
    trusted_proxies: [10.0.0.0/8]
sites:
  - name: shop
    hosts: [shop.example, '*.shop.example']
    pool: app
    timeouts: {answer: 1500ms}
    waf: {mode: observe, rules: [crs], body: 64KiB}
pools:
  app:
    addresses: [127.0.0.1:8080, '[::1]:8080']
    health: {path: /healthz, every: 2s}
";

    #[test]
    fn a_readable_file_is_read() {
        let config = Config::parse(GOOD, "gateway.yaml").unwrap();
        assert_eq!(config.sites[0].timeouts.answer, Duration::from_millis(1500));
        assert_eq!(config.sites[0].waf.body, 64 * 1024);
        assert_eq!(config.pools["app"].health.as_ref().unwrap().fall, 3);
    }

    #[test]
    fn every_fault_is_told_with_its_line() {
        let bad = GOOD
            .replace("127.0.0.1:0", "localhost")
            .replace("10.0.0.0/8", "10.0.0.0/80")
            .replace("pool: app", "pool: apps")
            .replace("'*.shop.example'", "'shop.*'")
            .replace("path: /healthz", "path: healthz");
        let faults = Config::parse(&bad, "gateway.yaml").unwrap_err();
        let named: Vec<_> = faults.iter().map(|fault| fault.named().to_string()).collect();
        assert_eq!(
            named,
            [
                "gateway.yaml:4: listeners[0].address",
                "gateway.yaml:5: listeners[0].trusted_proxies[0]",
                "gateway.yaml:8: sites[0].hosts[1]",
                "gateway.yaml:9: sites[0].pool",
                "gateway.yaml:15: pools.app.health.path",
            ]
        );
        assert!(faults.iter().all(|fault| !fault.wanted().is_empty()), "{faults:?}");
    }

    #[test]
    fn unknown_keys_and_bad_units_name_their_line() {
        for (from, to) in [("pool: app", "pol: app"), ("1500ms", "1500 parsecs"), ("64KiB", "-1")] {
            let faults = Config::parse(&GOOD.replace(from, to), "gateway.yaml").unwrap_err();
            assert_eq!(faults.len(), 1);
            assert!(faults[0].is(&config::INVALID) && faults[0].got().contains("line"), "{faults:?}");
        }
    }

    #[test]
    fn what_two_claim_is_a_fault() {
        let twice = GOOD.replace("pools:\n", "  - {name: shop, hosts: [SHOP.example], pool: app}\npools:\n");
        let faults = Config::parse(&twice, "gateway.yaml").unwrap_err();
        assert_eq!(faults.iter().filter(|fault| fault.is(&fault::TWICE)).count(), 2, "{faults:?}");
    }

    #[test]
    fn the_sample_is_valid() {
        let sample = include_str!("../../../../dist/sample/gateway.yaml");
        let config = Config::parse(sample, "dist/sample/gateway.yaml").unwrap();
        assert!(!config.sites.is_empty());
    }
}

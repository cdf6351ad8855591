//! Asking a place whether it serves: kinds of probes, one file each, and the table of them.

mod dns;
mod http;
mod tcp;
mod tls;

use crate::fault;
use crate::name::Addresses;
use async_trait::async_trait;
use base::{Fault, Random, Result};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

/// Longest a probe may take, ms: there is one each second.
const TIMEOUT_MAX_MS: u32 = 950;

/// What is asked. As text: `tcp:443`, `http:80/healthz`, `https:443/healthz`, `tls:443`, `dns:53/example.org`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProbeSettings {
    /// Word of the kind: one of [`PROBES`].
    pub kind: String,
    /// Port; 0 for the one that is usual for the kind.
    pub port: u16,
    /// Time an answer may take, ms, at most 950.
    pub timeout_ms: u32,
    /// Name that is asked for: `Host` of `http`, server name of `tls`, question of `dns`. Empty: the address, or the root.
    pub host: String,
    /// Path of `http`.
    pub path: String,
    /// Codes of `http` that are well; empty for 200 to 399.
    pub expect: Vec<u16>,
    /// `http` inside TLS. The certificate is not judged: whether it serves is asked, not who it is.
    pub secure: bool,
}

impl Default for ProbeSettings {
    fn default() -> Self {
        ProbeSettings {
            kind: "tcp".into(),
            port: 0,
            timeout_ms: 800,
            host: String::new(),
            path: "/".into(),
            expect: Vec::new(),
            secure: false,
        }
    }
}

impl FromStr for ProbeSettings {
    type Err = Fault;

    fn from_str(text: &str) -> Result<ProbeSettings> {
        let wrong = || {
            let found = text.chars().take(256).collect::<String>();
            Fault::new(&fault::PROBE).object("probe").expected("kind:port, as tcp:443 or http:80/healthz").found(found)
        };
        let (kind, rest) = text.split_once(':').ok_or_else(wrong)?;
        let (port, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let port: u16 = port.parse().map_err(|_| wrong())?;
        let mut ask = ProbeSettings { kind: kind.into(), port, ..ProbeSettings::default() };
        match kind {
            "http" | "https" => {
                (ask.kind, ask.secure) = ("http".into(), kind == "https");
                ask.path = if path.is_empty() { "/".into() } else { path.into() };
            }
            "dns" => ask.host = path.trim_start_matches('/').into(),
            _ if path.is_empty() => {}
            _ => return Err(wrong()),
        }
        ask.check()?;
        Ok(ask)
    }
}

impl ProbeSettings {
    /// The kind of probe that asks this.
    ///
    /// # Errors
    /// `divert.probe` for an unknown kind or settings that do not fit it.
    pub fn check(&self) -> Result<&'static dyn Probe> {
        let wrong = || Fault::new(&fault::PROBE).object(&self.kind);
        let known = PROBES.iter().find(|probe| probe.word() == self.kind);
        let words = || PROBES.iter().map(|probe| probe.word()).collect::<Vec<_>>().join(", ");
        let probe = *known.ok_or_else(|| wrong().expected(words()))?;
        if !(1..=TIMEOUT_MAX_MS).contains(&self.timeout_ms) {
            return Err(wrong().expected(format!("timeout_ms 1 to {TIMEOUT_MAX_MS}")).found(self.timeout_ms));
        }
        probe.check(self)?;
        Ok(probe)
    }
}

/// Why a probe failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Failure {
    /// No answer in time.
    Timeout,
    /// The connection was refused, reset, or there is no way.
    Connection(String),
    /// HTTP answers with this code.
    Status(u16),
    /// An answer that is none of the protocol.
    Protocol,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Timeout => f.write_str("no answer in time"),
            Failure::Connection(what) => f.write_str(what),
            Failure::Status(code) => write!(f, "HTTP {code}"),
            Failure::Protocol => f.write_str("an answer that is none of the protocol"),
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(cause: std::io::Error) -> Failure {
        Failure::Connection(cause.kind().to_string())
    }
}

/// A kind of probe.
#[async_trait]
pub trait Probe: Send + Sync {
    /// Its word in a configuration.
    fn word(&self) -> &'static str;

    /// The port that is usual for it.
    fn port(&self, settings: &ProbeSettings) -> u16;

    /// Whether the settings fit.
    ///
    /// # Errors
    /// `divert.probe`.
    fn check(&self, settings: &ProbeSettings) -> Result<()>;

    /// Asks once; who calls ends it when its time is over.
    async fn ask(
        &self,
        at: SocketAddr,
        settings: &ProbeSettings,
        random: &dyn Random,
    ) -> std::result::Result<(), Failure>;
}

/// Every kind.
pub const PROBES: &[&dyn Probe] = &[&tcp::Tcp, &http::Http, &tls::Tls, &dns::Dns];

/// A place to be asked: all addresses that a name has there. It is as well as its worst one, for clients get that too.
#[derive(Clone)]
pub struct Target {
    probe: &'static dyn Probe,
    settings: Arc<ProbeSettings>,
    addresses: Addresses,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({} of {})", self.probe.word(), self.addresses)
    }
}

impl Target {
    /// A place with these addresses.
    ///
    /// # Errors
    /// `divert.probe` for an unknown kind or settings that do not fit it.
    pub fn new(settings: ProbeSettings, addresses: Addresses) -> Result<Target> {
        let probe = settings.check()?;
        Ok(Target { probe, settings: Arc::new(settings), addresses })
    }

    /// Asks every address once, all at the same time.
    ///
    /// # Errors
    /// The first failure in order of addresses.
    pub async fn ask(&self, random: &Arc<dyn Random>) -> std::result::Result<(), Failure> {
        let mut asked = Vec::with_capacity(self.addresses.len());
        for address in self.addresses.iter() {
            let (probe, settings, random) = (self.probe, self.settings.clone(), random.clone());
            let port = if settings.port == 0 { probe.port(&settings) } else { settings.port };
            asked.push(tokio::spawn(async move {
                let timeout = Duration::from_millis(u64::from(settings.timeout_ms));
                let answer = probe.ask(SocketAddr::new(address, port), &settings, &*random);
                tokio::time::timeout(timeout, answer).await.unwrap_or(Err(Failure::Timeout))
            }));
        }
        let mut well = Ok(());
        for one in asked {
            // Lost only when the runtime ends.
            well = well.and(one.await.unwrap_or(Err(Failure::Timeout)));
        }
        well
    }
}

/// A name that may stand in a request: no byte that ends a line or a field.
fn plain(text: &str) -> bool {
    text.len() <= 2048 && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_probe_is_written_in_few_letters() {
        let ask = |text: &str| text.parse::<ProbeSettings>().unwrap();
        assert_eq!(ask("tcp:443"), ProbeSettings { port: 443, ..ProbeSettings::default() });
        let http =
            ProbeSettings { kind: "http".into(), port: 80, path: "/healthz?a=b:c".into(), ..ProbeSettings::default() };
        assert_eq!(ask("http:80/healthz?a=b:c"), http);
        assert_eq!(
            ask("https:8443"),
            ProbeSettings { kind: "http".into(), port: 8443, secure: true, ..ProbeSettings::default() }
        );
        assert_eq!(
            ask("dns:53/example.org"),
            ProbeSettings { kind: "dns".into(), port: 53, host: "example.org".into(), ..ProbeSettings::default() }
        );
        for bad in
            ["", "tcp", "tcp:", "tcp:0", "tcp:70000", "tcp:443/x", "ping:1", "tls:443/x", "http:80/a b", "dns:53/a b"]
        {
            assert!(bad.parse::<ProbeSettings>().unwrap_err().is(&fault::PROBE), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_probe_or_a_fault(text in "(tcp|http|https|dns|tls|:|/|[0-9]{1,6}|.{0,9}){0,6}") {
            let _ = text.parse::<ProbeSettings>();
        }
    }
}

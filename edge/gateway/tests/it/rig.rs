//! A gateway for a test, and what it reported.

use base::{SystemClock, SystemRandom};
use gateway::{Channel, Config, Exchange, Gateway, Judge, Judges, Parts, Rules};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// A gateway at work.
pub struct Rig {
    pub gateway: Gateway,
    pub exchanges: mpsc::Receiver<Exchange>,
    pub bans: Arc<flood::Bans>,
    pub clock: Arc<SystemClock>,
}

/// A configuration with one listener `web`, one site `shop` (any host) and one pool. `more` is put in at the named places:
/// `limits`, `timeouts`, `listener`, `site`, `pool`.
pub fn config(origins: &[SocketAddr], more: &[(&str, &str)]) -> Config {
    let text = text(origins, more);
    Config::parse(&text, "test.yaml").unwrap_or_else(|faults| panic!("{faults:?}\n{text}"))
}

/// The same as text.
pub fn text(origins: &[SocketAddr], more: &[(&str, &str)]) -> String {
    let at = |place: &str| {
        let lines = more.iter().filter(|(named, _)| *named == place).map(|(_, text)| *text);
        lines.collect::<Vec<_>>().join(", ")
    };
    let comma = |text: String| if text.is_empty() { text } else { format!(", {text}") };
    let addresses: Vec<String> = origins.iter().map(|origin| format!("'{origin}'")).collect();
    format!(
        "workers: 2\nlimits: {{{}}}\ntimeouts: {{{}}}\nlisteners:\n  - {{name: web, address: '127.0.0.1:0'{}}}\n\
         sites:\n  - {{name: shop, hosts: ['*'], pool: app{}}}\npools:\n  app: {{addresses: [{}]{}}}\n",
        at("limits"),
        at("timeouts"),
        comma(at("listener")),
        comma(at("site")),
        addresses.join(", "),
        comma(at("pool")),
    )
}

/// Starts it.
pub async fn start(config: Config, judges: Judges) -> Rig {
    let (reporter, exchanges) = Channel::new(100_000);
    let (clock, bans, random) = (Arc::new(SystemClock::default()), Arc::default(), Arc::new(SystemRandom::new()));
    let keys = flood::Keys::random(&*random);
    let parts = Parts { judges, reporter, clock: clock.clone(), random, bans: Arc::clone(&bans), keys };
    Rig { gateway: Gateway::start(config, parts).await.unwrap(), exchanges, bans, clock }
}

/// A judge of `shop` by these rules, which looks inside of values.
pub fn judges(text: &str) -> Judges {
    let mut reader = seclang::MemoryReader::default();
    reader.put("rules", text);
    let ruleset = seclang::load(&mut reader, &["rules"], &waf::vocabulary()).unwrap();
    let engine = Arc::new(waf::Engine::compile(&ruleset).unwrap());
    let rules = Rules::builder(engine, Arc::new(waf::Memory::new(1000, 60))).look_inside().build();
    Judges::from([("shop".to_string(), Arc::new(rules) as Arc<dyn Judge>)])
}

/// Starts one without a firewall.
pub async fn plain(origins: &[SocketAddr], more: &[(&str, &str)]) -> Rig {
    start(config(origins, more), Judges::new()).await
}

impl Rig {
    pub fn address(&self) -> SocketAddr {
        self.gateway.addresses()["web"]
    }

    /// The next exchange that is reported.
    pub async fn exchange(&mut self) -> Exchange {
        tokio::time::timeout(Duration::from_secs(20), self.exchanges.recv()).await.expect("no exchange").unwrap()
    }
}

/// Waits until something holds; a test must not wait for ever.
pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..2000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what}: did not come true");
}

//! The packet filter of this machine, if there is one: it hears how much HTTP comes, and drops sources that are banned here.
//!
//! Best effort on purpose: what the filter does not hear the gateway still refuses by itself.

use action::Prefix;
use base::Fault;
use flood::Snapshot;
use gateway::Config;
use scrubber::ask::{Question, ask};
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Addresses whose load is told a second.
const ADDRESSES: usize = 64;

/// Where the filter is asked.
#[derive(Debug, Clone, Default)]
pub struct Filter(Option<Arc<Seat>>);

#[derive(Debug)]
struct Seat {
    socket: PathBuf,
    /// A load is being told.
    busy: AtomicBool,
}

impl Filter {
    /// Behind a socket, or none.
    pub fn at(socket: Option<PathBuf>) -> Filter {
        Filter(socket.map(|socket| Arc::new(Seat { socket, busy: AtomicBool::new(false) })))
    }

    /// Drops everything from a source for so long.
    pub fn ban(&self, network: &Prefix, seconds: u64) {
        if let Some(address) = single(network) {
            self.tell(&Question::Ban { address, seconds, reason: "banned by the gateway".into() });
        }
    }

    /// The ban is over.
    pub fn unban(&self, network: &Prefix) {
        if let Some(address) = single(network) {
            self.tell(&Question::Unban { address });
        }
    }

    /// Tells how much HTTP came in the last second, by the address it came to. Does not wait.
    pub fn load(&self, addresses: Vec<(String, IpAddr)>, floods: &[Snapshot]) {
        let Some(seat) = self.0.clone() else { return };
        // One that does not answer must not gather a thread a second.
        if seat.busy.swap(true, Ordering::AcqRel) {
            return;
        }
        let mut loads: BTreeMap<IpAddr, ddos::HttpLoad> = BTreeMap::new();
        for (site, address) in addresses {
            let of_site = floods.iter().find(|flood| flood.site == site);
            if let Some(flood) = of_site.filter(|_| loads.len() < ADDRESSES) {
                add(loads.entry(address).or_default(), flood);
            }
        }
        let filter = self.clone();
        tokio::task::spawn_blocking(move || {
            // The rest would not be heard either.
            let _ = loads.into_iter().all(|(destination, load)| filter.tell(&Question::Http { destination, load }));
            seat.busy.store(false, Ordering::Release);
        });
    }

    fn tell(&self, question: &Question) -> bool {
        let Some(seat) = &self.0 else { return false };
        let heard = ask::<Value>(&seat.socket, question);
        if let Err(fault) = &heard {
            tracing::warn!(fault = %Fault::inside(fault), "the packet filter does not hear");
        }
        heard.is_ok()
    }
}

fn single(network: &Prefix) -> Option<IpAddr> {
    let address = network.address();
    let whole = if address.is_ipv4() { 32 } else { 128 };
    (network.length() == whole).then_some(address)
}

/// Sites on one address add up; the worst of them says how the origin fares.
fn add(load: &mut ddos::HttpLoad, flood: &Snapshot) {
    let reading = &flood.reading;
    load.requests += reading.arrivals;
    load.usual += reading.quiet_arrivals;
    load.held += reading.held;
    load.errors = load.errors.max(reading.errors);
    if reading.quiet_p95_us > 0 {
        load.latency = load.latency.max(reading.p95_us as f32 / reading.quiet_p95_us as f32);
    }
    load.level = load.level.max(flood.level as u8);
}

/// Where each site can be reached, as the configuration says; a listener on every address says nothing.
pub fn addresses(config: &Config) -> Vec<(String, IpAddr)> {
    let mut found = Vec::new();
    for site in &config.sites {
        let served = |name: &String| site.listeners.is_empty() || site.listeners.contains(name);
        for listener in config.listeners.iter().filter(|listener| served(&listener.name)) {
            let address = listener.address.parse::<SocketAddr>().map(|address| address.ip());
            if let Some(address) = address.ok().filter(|address| !address.is_unspecified()) {
                found.push((site.name.clone(), address));
            }
        }
    }
    found
}

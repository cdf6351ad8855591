//! The packet filter of this machine, if there is one: it hears how much HTTP comes, and drops sources that are banned here.
//!
//! Best effort on purpose: what the filter does not hear the gateway still refuses by itself.

use base::{Fault, Prefix};
use flood::Snapshot;
use gateway::Config;
use scrubber::ask::{Question, ask};
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Addresses whose load is told a second.
const ADDRESSES: usize = 64;
/// A filter that did not hear is not told anything for so long.
const PAUSE: Duration = Duration::from_secs(10);

/// Where the filter is asked.
#[derive(Debug, Clone, Default)]
pub struct Filter(Option<Arc<Seat>>);

#[derive(Debug)]
struct Seat {
    socket: PathBuf,
    /// A load is being told.
    busy: AtomicBool,
    /// When it did not hear last.
    deaf: Mutex<Option<Instant>>,
}

impl Filter {
    /// Behind a socket, or none.
    pub fn at(socket: Option<PathBuf>) -> Filter {
        Filter(socket.map(|socket| Arc::new(Seat { socket, busy: AtomicBool::new(false), deaf: Mutex::default() })))
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
        let deaf = *seat.deaf.lock().unwrap_or_else(PoisonError::into_inner);
        // Each of those who wait for it would wait for seconds, and bans of the gateway with them.
        if deaf.is_some_and(|since| since.elapsed() < PAUSE) {
            return false;
        }
        let heard = ask::<Value>(&seat.socket, question);
        // What it refuses it has heard.
        let failed = heard.as_ref().is_err_and(|fault| fault.code().id == scrubber::fault::SOCKET.id);
        *seat.deaf.lock().unwrap_or_else(PoisonError::into_inner) = failed.then(Instant::now);
        if let Err(fault) = &heard {
            tracing::warn!(fault = %Fault::inside(fault), "the packet filter does not hear");
        }
        heard.is_ok()
    }
}

fn single(network: &Prefix) -> Option<IpAddr> {
    network.is_single().then(|| network.address())
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    #[test]
    fn a_filter_that_did_not_hear_is_left_alone_for_a_while() {
        let path = std::env::temp_dir().join(format!("garrison-deaf-{}.sock", std::process::id()));
        let filter = Filter::at(Some(path.clone()));
        assert!(!filter.tell(&Question::Status));
        let listener = UnixListener::bind(&path).unwrap();
        listener.set_nonblocking(true).unwrap();
        let told = filter.tell(&Question::Status);
        let asked = listener.accept().is_ok();
        std::fs::remove_file(&path).unwrap();
        assert!(!told && !asked, "nobody waits for it again");
    }
}

//! What the controller's second, the hands and the socket share.

use crate::ask::SAMPLES;
use crate::capture::Taken;
use crate::status::{Said, Status};
use base::{Fault, Lang, Micros};
use ddos::{HttpLoad, Prefix};
use record::{Receipt, ReceiptState};
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard};

/// Attacks that are remembered.
const ATTACKS: usize = 32;
/// Of those, reports in the status: it travels to the server every second.
const SHOWN: usize = 4;
/// Senders of those reports that travel whatever is known of them.
const HEAVIEST: usize = 10;
/// Samples that are kept of all destinations together, but for the fewest of each: about 25 MB.
const SAMPLES_IN_ALL: usize = 131_072;
/// Samples that are kept of each destination all the same.
const FEWEST: usize = 32;
/// Receipts that may wait for the controller.
const RECEIPTS: usize = 4096;
/// Sites whose load may be told in a second.
const SITES: usize = 1024;
/// Faults of a refused configuration that are shown.
const REFUSED: usize = 20;
/// Load of the gateway older than this is no load, µs.
const FRESH_US: Micros = 3_000_000;

/// See the module.
#[derive(Default)]
pub struct Board {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    status: Status,
    samples: BTreeMap<Prefix, VecDeque<Taken>>,
    attacks: VecDeque<Value>,
    http: BTreeMap<IpAddr, (Micros, HttpLoad)>,
    receipts: VecDeque<Receipt>,
    done: u64,
    failed: u64,
    /// What is wrong with the configuration that was read last.
    refused: Vec<Said>,
}

impl Board {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Shows what the controller does.
    pub fn show(&self, mut status: Status) {
        let mut inner = self.inner();
        (status.orders.done, status.orders.failed) = (inner.done, inner.failed);
        status.refused.clone_from(&inner.refused);
        status.attacks = inner.attacks.iter().take(SHOWN).map(brief).collect();
        inner.status = status;
    }

    /// What the controller shows.
    pub fn status(&self) -> Status {
        self.inner().status.clone()
    }

    /// Shows from now on what is wrong with the configuration that was read last; nothing when it is in force.
    pub fn refused<'f>(&self, faults: impl IntoIterator<Item = &'f Fault>) {
        let said = |fault: &Fault| Said { en: fault.outside(Lang::En), zh: fault.outside(Lang::Zh) };
        self.inner().refused = faults.into_iter().take(REFUSED).map(said).collect();
    }

    /// Forgets samples of all but these.
    pub fn only(&self, destinations: impl Fn(Prefix) -> bool) {
        self.inner().samples.retain(|prefix, _| destinations(*prefix));
    }

    /// Keeps the newest samples of a destination.
    pub fn sampled(&self, destination: Prefix, taken: impl IntoIterator<Item = Taken>) {
        let mut inner = self.inner();
        // Many destinations share the room.
        let room = (SAMPLES_IN_ALL / inner.samples.len().max(1)).clamp(FEWEST, SAMPLES);
        let ring = inner.samples.entry(destination).or_default();
        for one in taken {
            while ring.len() >= room {
                ring.pop_front();
            }
            ring.push_back(one);
        }
    }

    /// The newest samples of a destination, the oldest of them first.
    pub fn samples(&self, destination: Prefix, count: usize) -> Vec<Taken> {
        let inner = self.inner();
        let ring = inner.samples.get(&destination);
        ring.map_or_else(Vec::new, |ring| ring.iter().skip(ring.len().saturating_sub(count)).cloned().collect())
    }

    /// Remembers a report; one of the same attack is replaced.
    pub fn attacked(&self, id: &str, report: Value) {
        let mut inner = self.inner();
        inner.attacks.retain(|known| known["id"] != id);
        inner.attacks.push_front(report);
        inner.attacks.truncate(ATTACKS);
    }

    /// The attacks that are remembered, newest first.
    pub fn attacks(&self) -> Vec<Value> {
        self.inner().attacks.iter().cloned().collect()
    }

    /// Takes what the gateway saw; `now` is monotonic, µs.
    pub fn loaded(&self, destination: IpAddr, load: HttpLoad, now: Micros) {
        let mut inner = self.inner();
        inner.http.retain(|_, (at, _)| now - *at <= FRESH_US);
        if inner.http.len() < SITES || inner.http.contains_key(&destination) {
            inner.http.insert(destination.to_canonical(), (now, load));
        }
    }

    /// What the gateway saw of addresses inside a prefix: the largest, for a prefix is judged by its worst site.
    pub fn load(&self, destination: Prefix, now: Micros) -> Option<HttpLoad> {
        let inner = self.inner();
        let fresh = |at: &Micros| now - *at <= FRESH_US;
        if destination.is_single() {
            return inner.http.get(&destination.address()).filter(|(at, _)| fresh(at)).map(|(_, load)| *load);
        }
        let inside = inner.http.iter().filter(|(address, (at, _))| fresh(at) && destination.has(**address));
        inside.map(|(_, (_, load))| *load).max_by(|left, right| left.requests.total_cmp(&right.requests))
    }

    /// A receipt, for the controller.
    pub fn receipt(&self, receipt: Receipt) {
        let mut inner = self.inner();
        match ReceiptState::try_from(receipt.state) {
            Ok(ReceiptState::Refused | ReceiptState::Failed) => inner.failed += 1,
            Ok(ReceiptState::Applied | ReceiptState::Verified) => inner.done += 1,
            _ => {}
        }
        if inner.receipts.len() < RECEIPTS {
            inner.receipts.push_back(receipt);
        }
    }

    /// The receipts since the last call.
    pub fn receipts(&self) -> Vec<Receipt> {
        self.inner().receipts.drain(..).collect()
    }
}

/// What of a report travels with the status: who, what, the text for people, and of the senders the heaviest and those of
/// whom something is known.
fn brief(report: &Value) -> Value {
    const KEYS: [&str; 12] = [
        "id",
        "name",
        "destination",
        "alert",
        "ongoing",
        "classes",
        "answered_s",
        "networks",
        "countries",
        "forged_share",
        "text",
        "text_zh",
    ];
    let known =
        |source: &Value| source["host"].is_object() || source["intel"].as_array().is_some_and(|all| !all.is_empty());
    let sources = report["sources"].as_array().into_iter().flatten().enumerate();
    let sources =
        sources.filter(|(place, source)| *place < HEAVIEST || known(source)).map(|(_, source)| source.clone());
    let kept = KEYS.iter().map(|key| (key.to_string(), report[*key].clone()));
    Value::Object(kept.chain([("sources".to_string(), sources.collect())]).collect())
}

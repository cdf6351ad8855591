//! Counters of a site, and the snapshot that status pages show.

use record::HttpDecision;
use serde::Serialize;
use std::sync::atomic::{AtomicU64, Ordering};

/// Classes of the latency histogram: class n counts what took less than 2ⁿ⁺⁶ µs (64 µs to 2 s), the last all the rest.
pub const LATENCY_CLASSES: usize = 17;
const DECISIONS: usize = HttpDecision::ALL.len();

/// Counters of a site; they live as long as a site of this name is configured.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    requests: AtomicU64,
    in_flight: AtomicU64,
    decisions: [AtomicU64; DECISIONS],
    statuses: [AtomicU64; 5],
    engine_faults: AtomicU64,
    engine_panics: AtomicU64,
    request_bytes: AtomicU64,
    response_bytes: AtomicU64,
    latency: [AtomicU64; LATENCY_CLASSES],
}

/// Counters of a site at one moment, since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SiteStatus {
    /// Name of the site.
    pub site: String,
    /// Requests that came.
    pub requests: u64,
    /// Of these, at work now.
    pub in_flight: u64,
    /// Ended, by what became of them ([`HttpDecision::word`]).
    pub decisions: Vec<(&'static str, u64)>,
    /// Answers by the first digit of their status, 1 to 5.
    pub statuses: [u64; 5],
    /// Requests that the engine could not judge.
    pub engine_faults: u64,
    /// Of these, because of a panic of ours.
    pub engine_panics: u64,
    /// Bytes of bodies that came in.
    pub request_bytes: u64,
    /// Bytes of bodies that went out.
    pub response_bytes: u64,
    /// How many took less than 64 µs, 128 µs, … 2 s, and longer.
    pub latency: [u64; LATENCY_CLASSES],
}

impl Counters {
    pub(crate) fn begin(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    /// A request was counted here and belongs elsewhere.
    pub(crate) fn leave(&self) {
        self.requests.fetch_sub(1, Ordering::Relaxed);
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn end(&self, exchange: &crate::Exchange) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.decisions[exchange.decision as usize].fetch_add(1, Ordering::Relaxed);
        if let Some(count) = self.statuses.get(usize::from(exchange.status / 100).wrapping_sub(1)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.request_bytes.fetch_add(exchange.request_bytes, Ordering::Relaxed);
        self.response_bytes.fetch_add(exchange.response_bytes, Ordering::Relaxed);
        self.latency[class(exchange.duration_us)].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn engine_fault(&self, panicked: bool) {
        self.engine_faults.fetch_add(1, Ordering::Relaxed);
        self.engine_panics.fetch_add(panicked.into(), Ordering::Relaxed);
    }

    pub(crate) fn snapshot(&self, site: &str) -> SiteStatus {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let decisions =
            HttpDecision::ALL.iter().map(|decision| (decision.word(), read(&self.decisions[*decision as usize])));
        SiteStatus {
            site: site.to_string(),
            requests: read(&self.requests),
            in_flight: read(&self.in_flight),
            decisions: decisions.collect(),
            statuses: self.statuses.each_ref().map(read),
            engine_faults: read(&self.engine_faults),
            engine_panics: read(&self.engine_panics),
            request_bytes: read(&self.request_bytes),
            response_bytes: read(&self.response_bytes),
            latency: self.latency.each_ref().map(read),
        }
    }
}

/// The class of a duration.
fn class(duration_us: u64) -> usize {
    let bits = (u64::BITS - (duration_us >> 6).leading_zeros()) as usize;
    bits.min(LATENCY_CLASSES - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_double() {
        assert_eq!([0, 63, 64, 127, 128, 1_000_000, 4_000_000, u64::MAX].map(class), [0, 0, 1, 1, 2, 14, 16, 16]);
    }
}

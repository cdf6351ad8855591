//! What the controller needs of the packet filter: `scrub::Filter` in service, memory in tests.

use crate::config::Config;
use crate::status::Interface;
use base::Result;
use ddos::{Counters, Level, Prefix, Reason, Sample, Signature};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// What was counted on an interface since its filter was loaded.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading {
    /// What came to nobody who is protected.
    pub rest: Counters,
    /// What came to each protected prefix.
    pub destinations: Vec<(Prefix, Counters)>,
}

/// The packet filter.
pub trait Packets: Send {
    /// Brings destinations, lists and trusted servers to what a configuration says, no more and no less. Those that are
    /// protected already keep their level, counters and all.
    ///
    /// # Errors
    /// When there is no room for it, or the kernel refuses; some of it is done then.
    fn configure(&mut self, config: &Config) -> Result<()>;

    /// Keeps the filter going for another lease, and attaches it again where it came off.
    ///
    /// # Errors
    /// When the kernel refuses; the filter then ends with its lease.
    fn renew(&mut self) -> Result<()>;

    /// Where it is attached, and how; without a mode where it came off.
    fn interfaces(&mut self) -> Vec<Interface>;

    /// How long the filter goes on from now without another lease.
    ///
    /// # Errors
    /// When the kernel refuses.
    fn lease_left(&mut self) -> Result<Duration>;

    /// The level of a protected prefix, read back.
    ///
    /// # Errors
    /// When it is not protected, or the kernel refuses.
    fn level(&mut self, destination: Prefix) -> Result<Level>;

    /// Sets the level of a protected prefix.
    ///
    /// # Errors
    /// As [`Packets::level`].
    fn set_level(&mut self, destination: Prefix, level: Level) -> Result<()>;

    /// Puts a signature in force, or renews it.
    ///
    /// # Errors
    /// When there is no room for it, or the kernel refuses.
    fn put_signature(&mut self, signature: &Signature) -> Result<()>;

    /// Takes a signature out; one that is not there is no fault.
    ///
    /// # Errors
    /// When the kernel refuses.
    fn drop_signature(&mut self, id: u64) -> Result<()>;

    /// Signatures in force with the packets that each dropped, read back.
    ///
    /// # Errors
    /// When the kernel refuses.
    fn signatures(&mut self) -> Result<BTreeMap<u64, u64>>;

    /// Drops everything from a source for a time, µs from now.
    ///
    /// # Errors
    /// When there is no room for it, or the kernel refuses.
    fn ban(&mut self, source: IpAddr, for_us: i64) -> Result<()>;

    /// Takes a ban back; one that is not there is no fault.
    ///
    /// # Errors
    /// When the kernel refuses.
    fn unban(&mut self, source: IpAddr) -> Result<()>;

    /// Whether a source is banned now, read back.
    ///
    /// # Errors
    /// When the kernel refuses.
    fn banned(&mut self, source: IpAddr) -> Result<bool>;

    /// Sources that are banned now.
    ///
    /// # Errors
    /// When the kernel refuses.
    fn bans(&mut self) -> Result<u64>;

    /// Which sources are banned now.
    ///
    /// # Errors
    /// When the kernel refuses.
    fn banned_sources(&mut self) -> Result<Vec<IpAddr>>;

    /// What was counted on each interface since the filter was loaded.
    ///
    /// # Errors
    /// When the kernel refuses.
    fn counters(&mut self) -> Result<Vec<Reading>>;

    /// New header samples, at most so many an interface, with the protected prefix that each was sent to.
    ///
    /// # Errors
    /// When the kernel refuses.
    fn samples(&mut self, most: usize) -> Result<Vec<(Prefix, Sample)>>;

    /// Packets dropped since the filter was loaded, by reason.
    ///
    /// # Errors
    /// When the kernel refuses.
    fn dropped(&mut self) -> Result<[u64; Reason::COUNT]>;

    /// Adapts how many packets a sample stands for to the rate, packets a second.
    ///
    /// # Errors
    /// When the kernel refuses.
    fn adapt_sampling(&mut self, rate: f64) -> Result<()>;

    /// Takes the filter off: nothing stays attached.
    ///
    /// # Errors
    /// When the kernel refuses; the lease ends it then.
    fn detach(&mut self) -> Result<()>;
}

/// The filter, shared by the controller's second and the hands.
#[derive(Clone)]
pub struct SharedPackets(Arc<Mutex<dyn Packets>>);

impl SharedPackets {
    /// Shares a filter.
    pub fn new(packets: impl Packets + 'static) -> SharedPackets {
        SharedPackets(Arc::new(Mutex::new(packets)))
    }

    /// The filter, for a moment. A thread that panicked left the kernel's maps as they are: they are read back.
    pub fn lock(&self) -> MutexGuard<'_, dyn Packets + 'static> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

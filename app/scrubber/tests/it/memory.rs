//! A packet filter in memory, which can refuse its n-th change.

use base::{Class, Code, Fault, Micros, Result};
use ddos::{Counters, Level, Prefix, Reason, Sample, Signature};
use scrubber::config::Config;
use scrubber::port::{Packets, Reading};
use scrubber::status::Interface;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The kernel of a test refuses.
pub const REFUSED: Code = Code {
    id: "test.refused",
    class: Class::Unavailable,
    title: "refused",
    title_zh: "拒绝",
    hint: "none",
    hint_zh: "无",
};

/// What the filter holds.
#[derive(Default)]
pub struct State {
    pub levels: BTreeMap<Prefix, Level>,
    pub signatures: BTreeMap<u64, Signature>,
    pub hits: BTreeMap<u64, u64>,
    pub banned: BTreeMap<IpAddr, Micros>,
    pub counters: BTreeMap<Prefix, Counters>,
    /// What came to nobody who is protected.
    pub rest: Counters,
    pub samples: Vec<(Prefix, Sample)>,
    pub renewed: u64,
    /// Changes that are refused from now on.
    pub refuse: u32,
    pub detached: bool,
}

/// A handle; clones are the same filter.
#[derive(Clone, Default)]
pub struct Memory(pub Arc<Mutex<State>>);

impl Memory {
    fn change(&self, act: impl FnOnce(&mut State)) -> Result<()> {
        let mut state = self.0.lock().unwrap();
        if state.refuse > 0 {
            state.refuse -= 1;
            return Err(Fault::new(&REFUSED).object("filter"));
        }
        act(&mut state);
        Ok(())
    }
}

impl Packets for Memory {
    fn configure(&mut self, config: &Config) -> Result<()> {
        let protected: BTreeMap<Prefix, Level> =
            config.protected().map(|(prefix, entry)| (prefix, entry.lowest)).collect();
        self.change(|state| {
            let before = std::mem::take(&mut state.levels);
            let level = |(prefix, lowest)| (prefix, before.get(&prefix).copied().unwrap_or(lowest));
            state.levels = protected.into_iter().map(level).collect();
        })
    }

    fn renew(&mut self) -> Result<()> {
        self.0.lock().unwrap().renewed += 1;
        Ok(())
    }

    fn lease_left(&mut self) -> Result<Duration> {
        Ok(Duration::from_secs(30))
    }

    fn level(&mut self, destination: Prefix) -> Result<Level> {
        Ok(self.0.lock().unwrap().levels.get(&destination).copied().unwrap_or(Level::Observe))
    }

    fn set_level(&mut self, destination: Prefix, level: Level) -> Result<()> {
        self.change(|state| {
            state.levels.insert(destination, level);
        })
    }

    fn put_signature(&mut self, signature: &Signature) -> Result<()> {
        self.change(|state| drop(state.signatures.insert(signature.id, signature.clone())))
    }

    fn drop_signature(&mut self, id: u64) -> Result<()> {
        self.change(|state| drop(state.signatures.remove(&id)))
    }

    fn signatures(&mut self) -> Result<BTreeMap<u64, u64>> {
        let state = self.0.lock().unwrap();
        Ok(state.signatures.keys().map(|id| (*id, state.hits.get(id).copied().unwrap_or(0))).collect())
    }

    fn ban(&mut self, source: IpAddr, for_us: Micros) -> Result<()> {
        self.change(|state| {
            state.banned.insert(source, for_us);
        })
    }

    fn unban(&mut self, source: IpAddr) -> Result<()> {
        self.change(|state| {
            state.banned.remove(&source);
        })
    }

    fn banned(&mut self, source: IpAddr) -> Result<bool> {
        Ok(self.0.lock().unwrap().banned.contains_key(&source))
    }

    fn bans(&mut self) -> Result<u64> {
        Ok(self.0.lock().unwrap().banned.len() as u64)
    }

    fn banned_sources(&mut self) -> Result<Vec<IpAddr>> {
        Ok(self.0.lock().unwrap().banned.keys().copied().collect())
    }

    fn interfaces(&mut self) -> Vec<Interface> {
        vec![Interface { name: "eth0".into(), mode: "native".into(), ..Interface::default() }]
    }

    fn counters(&mut self) -> Result<Vec<Reading>> {
        let state = self.0.lock().unwrap();
        let destinations = state.counters.iter().map(|(prefix, counters)| (*prefix, *counters)).collect();
        Ok(vec![Reading { rest: state.rest, destinations }])
    }

    fn samples(&mut self, most: usize) -> Result<Vec<(Prefix, Sample)>> {
        let mut samples = std::mem::take(&mut self.0.lock().unwrap().samples);
        samples.truncate(most);
        Ok(samples)
    }

    fn dropped(&mut self) -> Result<[u64; Reason::COUNT]> {
        Ok([0; Reason::COUNT])
    }

    fn adapt_sampling(&mut self, _: f64) -> Result<()> {
        Ok(())
    }

    fn detach(&mut self) -> Result<()> {
        self.0.lock().unwrap().detached = true;
        Ok(())
    }
}

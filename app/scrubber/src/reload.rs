//! A new configuration put to work while the scrubber runs: all of it, or nothing of it.
//!
//! Destinations, lists, trusted servers, policy, detection and the model change in the middle of a fight; who stays protected
//! keeps level, signatures and history. What the filter is attached to, sessions with routers and names are fixed while it runs.

use crate::action::{Block, ScrubFilter, ScrubLevel};
use crate::config::Config;
use crate::fault;
use crate::port::SharedPackets;
use crate::upstream::Routers;
use base::{Fault, Result};
use ddos::{Level, Model, Prefix};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// The configuration in force.
pub struct Current(RwLock<Arc<Config>>);

impl Current {
    /// With the configuration of the start.
    pub fn new(config: Arc<Config>) -> Current {
        Current(RwLock::new(config))
    }

    /// The configuration in force now.
    pub fn get(&self) -> Arc<Config> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, config: Arc<Config>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = config;
    }
}

/// What the controller takes over with its next second.
pub struct New {
    /// The configuration.
    pub config: Arc<Config>,
    /// The model, if there is one.
    pub model: Option<Model>,
}

/// Where the controller finds it; of several the last one.
#[derive(Default)]
pub struct Next(Mutex<Option<New>>);

impl Next {
    fn put(&self, new: New) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(new);
    }

    /// What is new since the last call.
    pub fn take(&self) -> Option<New> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Who must hear of a new configuration.
pub struct Reload {
    /// The configuration in force.
    pub current: Arc<Current>,
    /// The filter.
    pub packets: SharedPackets,
    /// The action of levels.
    pub levels: Arc<ScrubLevel>,
    /// The action of signatures.
    pub filters: Arc<ScrubFilter>,
    /// The action of bans.
    pub blocks: Arc<Block>,
    /// Routers upstream.
    pub routers: Arc<Routers>,
    /// Addresses of the server.
    pub server: Vec<IpAddr>,
    /// The controller.
    pub next: Arc<Next>,
}

impl Reload {
    /// Brings levels, signatures and bans to what the orders in force want: what an adopted filter holds beyond them, nobody
    /// would ever take back.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn settle(&self) -> Result<()> {
        self.levels.settle()?;
        self.filters.settle()?;
        self.blocks.settle()
    }

    /// Puts a configuration to work that was read and checked.
    ///
    /// # Errors
    /// [`fault::FIXED`] when it changes what is fixed, [`fault::MODEL`], and what the kernel refuses. The one of before goes on
    /// then.
    pub fn apply(&self, config: Config) -> Result<()> {
        let before = self.current.get();
        let fixed = before.fixed(&config);
        if !fixed.is_empty() {
            return Err(Fault::new(&fault::FIXED).object(fixed.join(", ")));
        }
        let model = config.model.as_deref().map(crate::run::model).transpose()?;
        let mut packets = self.packets.lock();
        if let Err(fault) = packets.configure(&config) {
            // What was done of it is taken back; where that fails too the next reload repairs it.
            if let Err(again) = packets.configure(&before) {
                tracing::error!(fault = %again.inside(), "the packet filter holds parts of a configuration that was refused");
            }
            return Err(fault);
        }
        drop(packets);
        let config = Arc::new(config);
        self.levels.protect(lowest(&config));
        self.filters.protect(config.protected().map(|(prefix, _)| prefix).collect());
        self.blocks.spare(never(&config, &self.server));
        self.routers.guard(&config);
        self.current.set(config.clone());
        self.next.put(New { config, model });
        Ok(())
    }
}

/// Level of each protected destination when nothing asks for more.
pub fn lowest(config: &Config) -> BTreeMap<Prefix, Level> {
    config.protected().map(|(prefix, entry)| (prefix, entry.lowest)).collect()
}

/// Sources that are never banned: what must stay reachable.
pub fn never(config: &Config, server: &[IpAddr]) -> Vec<Prefix> {
    let mut never: Vec<Prefix> = config.allow.iter().filter_map(|text| text.parse().ok()).collect();
    never.extend(config.trusted.iter().map(|server| Prefix::single(server.address)));
    never.extend(config.neighbours.iter().map(|neighbour| Prefix::single(neighbour.session.address)));
    never.extend(config.names.iter().map(|name| Prefix::single(name.records.server.ip())));
    never.extend(server.iter().map(|address| Prefix::single(*address)));
    never
}

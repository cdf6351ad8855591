//! Configuration, rules and tuning put to work: at the start, on SIGHUP, when the server publishes, when a day ends on which
//! tuning ends.

use crate::engines::Engines;
use crate::filter;
use crate::keys::Keeper;
use crate::offence::{Policies, Policy};
use crate::tell::{Manner, Manners};
use crate::tuning::{Tunings, day};
use base::{Clock, Fault, Result};
use fleet::content::{Files, Taken, Taker};
use flood::Keys;
use gateway::{Config, Gateway, Parts, Status};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, RwLock, TryLockError};
use tokio::runtime::Handle;

/// Where things are read from.
#[derive(Debug, Clone)]
pub struct Inputs {
    /// The configuration file.
    pub config: PathBuf,
    /// Folder with tuning, `SITE.yml`.
    pub tuning: PathBuf,
    /// Folder with what positive models learned.
    pub learned: PathBuf,
}

/// The gateway and what it works with. One change at a time; a change that faults changes nothing.
pub struct Work {
    inputs: Inputs,
    inner: Mutex<Inner>,
    manners: Manners,
    policies: Policies,
    places: RwLock<Vec<(String, std::net::IpAddr)>>,
    keeper: Keeper,
    clock: Arc<dyn Clock>,
}

struct Inner {
    gateway: Option<(Gateway, Handle)>,
    engines: Engines,
    published: Tunings,
    version: u64,
    /// The day for which tuning was compiled.
    day: String,
}

impl Work {
    /// Nothing at work yet: content that is stored may be opened with it as the taker, and then it starts.
    pub fn new(inputs: Inputs, keeper: Keeper, clock: Arc<dyn Clock>) -> Arc<Work> {
        let (published, version, day) = (Tunings::default(), 0, String::new());
        let mut engines = Engines::new();
        engines.learned.keep_in(inputs.learned.clone());
        let inner = Mutex::new(Inner { gateway: None, engines, published, version, day });
        let (manners, policies) = (Manners::default(), Policies::default());
        Arc::new(Work { inputs, inner, manners, policies, places: RwLock::default(), keeper, clock })
    }

    /// Reads the policies alone, for what begins before the gateway does: bans of before are taken over at once, but for whom
    /// the configuration of now never bans.
    ///
    /// # Errors
    /// Everything that is wrong with the configuration.
    pub fn read_policies(&self) -> std::result::Result<(), Vec<Fault>> {
        let policy = Policy::of(&Config::load(&self.inputs.config)?);
        *self.policies.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = policy;
        Ok(())
    }

    /// Bytes that audit records may take.
    pub fn audit_bytes(&self) -> u64 {
        self.policies.read().unwrap_or_else(|poisoned| poisoned.into_inner()).audit_bytes
    }

    /// What may be done to sources of attacks.
    pub fn policies(&self) -> Policies {
        self.policies.clone()
    }

    /// How sites are told of.
    pub fn manners(&self) -> Manners {
        self.manners.clone()
    }

    /// Starts the gateway.
    ///
    /// # Errors
    /// Everything that is wrong with configuration, rules and tuning, or why it cannot listen.
    pub async fn start(
        &self,
        parts: impl FnOnce(gateway::Judges, Keys) -> Parts,
    ) -> std::result::Result<(), Vec<Fault>> {
        let (config, judges, keys) = {
            let mut inner = self.inner();
            let prepared = self.prepare(&mut inner)?;
            self.share(&prepared.0, &inner.engines);
            prepared
        };
        let gateway = Gateway::start(config, parts(judges, keys)).await.map_err(|fault| vec![fault])?;
        self.inner().gateway = Some((gateway, Handle::current()));
        Ok(())
    }

    /// Reads everything anew and puts it to work. Must be called from a thread that may wait.
    ///
    /// # Errors
    /// As [`Work::start`]; what was at work stays so.
    pub fn reload(&self) -> std::result::Result<(), Vec<Fault>> {
        self.put(&mut self.inner())
    }

    /// Whether tuning may end because the day for which it was compiled has.
    pub fn stale(&self) -> bool {
        self.inner.try_lock().is_ok_and(|inner| !inner.day.is_empty() && inner.day != day(self.clock.wall()))
    }

    /// Counters and health; none while a change is being made.
    pub fn status(&self) -> Option<Status> {
        let inner = match self.inner.try_lock() {
            Ok(inner) => inner,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        inner.gateway.as_ref().map(|(gateway, _)| gateway.status())
    }

    /// Where it listens, by the name of the listener.
    pub fn addresses(&self) -> Vec<(String, String)> {
        let inner = self.inner();
        let all = inner.gateway.as_ref().map(|(gateway, _)| gateway.addresses()).unwrap_or_default();
        all.into_iter().map(|(name, address)| (name, address.to_string())).collect()
    }

    /// Where each site can be reached, as the configuration says.
    pub fn site_addresses(&self) -> Vec<(String, std::net::IpAddr)> {
        self.places.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    /// Rules at work, and the version of the published tuning.
    pub fn rules(&self) -> (u64, u64) {
        let inner = self.inner();
        (inner.engines.count().1 as u64, inner.version)
    }

    /// Writes what positive models learned; `now` in microseconds.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn keep_learned(&self, now: base::Micros) -> Result<()> {
        self.inner().engines.learned.store(now)
    }

    /// Ends it: requests at work finish.
    pub async fn stop(&self) {
        let gateway = self.inner().gateway.take();
        if let Some((gateway, _)) = gateway {
            gateway.stop().await;
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn prepare(&self, inner: &mut Inner) -> std::result::Result<(Config, gateway::Judges, Keys), Vec<Fault>> {
        let config = Config::load(&self.inputs.config)?;
        let keys = self.keeper.keys(&config, self.clock.wall()).map_err(|fault| vec![fault])?;
        let tunings = Tunings::of_folder(&self.inputs.tuning)?.and(&inner.published);
        let today = day(self.clock.wall());
        let judges = inner.engines.judges(&config, &tunings, &today)?;
        inner.day = today;
        Ok((config, judges, keys))
    }

    fn put(&self, inner: &mut Inner) -> std::result::Result<(), Vec<Fault>> {
        let (config, judges, keys) = self.prepare(inner)?;
        if let Some((gateway, runtime)) = &mut inner.gateway {
            runtime.clone().block_on(gateway.reload(config.clone(), &judges)).map_err(|fault| vec![fault])?;
            gateway.sign_with(&keys);
        }
        self.share(&config, &inner.engines);
        tracing::info!("configuration, rules and tuning are at work");
        Ok(())
    }

    /// Tells the others what is at work.
    fn share(&self, config: &Config, engines: &Engines) {
        let manner = |site: &gateway::Site| {
            let undecided = engines.undecided(&site.name);
            (site.name.clone(), Manner { redact: site.waf.redact.clone(), undecided })
        };
        let manners = config.sites.iter().map(manner).collect();
        *self.manners.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = manners;
        *self.policies.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = Policy::of(config);
        *self.places.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = filter::addresses(config);
    }
}

impl Taker for Work {
    fn take(&self, taken: Taken) -> Result<()> {
        // The server is told the first; the log has all.
        let first = |faults: Vec<Fault>| {
            for fault in faults.iter().skip(1) {
                tracing::warn!(fault = %fault.inside(), "published tuning");
            }
            faults.into_iter().next().unwrap_or_else(|| Fault::new(&fleet::fault::CONTENT_MALFORMED))
        };
        let published = Tunings::of_files(&Files::read(&taken.content)?).map_err(first)?;
        let mut inner = self.inner();
        let before = std::mem::replace(&mut inner.published, published);
        if inner.gateway.is_some()
            && let Err(faults) = self.put(&mut inner)
        {
            inner.published = before;
            return Err(first(faults));
        }
        inner.version = taken.version;
        Ok(())
    }
}

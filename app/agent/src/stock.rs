//! What the agent works with and the server may replace while it runs: rules, indicators, texts of other senses.

use crate::config::Config;
use crate::indicators::Indicators;
use crate::live::Live;
use crate::rules::{self, RuleSet};
use crate::sense::Sense;
use base::{Clock, Result};
use fleet::content::{Contents, Files, Name, Taken, Taker};
use ruleset::Who;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

/// See the module. Content is put to use on a thread of the link; the sensor's thread takes it over between two polls.
pub struct Stock {
    config: Config,
    who: Who,
    clock: Arc<dyn Clock>,
    /// The published rules in use: an exception among them may end.
    taken: Mutex<Option<(Files, u64)>>,
    /// Rules.
    pub rules: Arc<Live<RuleSet>>,
    /// Indicators.
    pub indicators: Arc<Indicators>,
    senses: Mutex<Senses>,
}

#[derive(Default)]
struct Senses {
    published: BTreeMap<Name, Files>,
    running: Vec<Box<dyn Sense>>,
}

impl Stock {
    /// An empty stock: what is stored of the server's content is to be opened with it as the taker, and then it begins.
    pub fn new(config: &Config, who: Who, clock: Arc<dyn Clock>) -> Arc<Stock> {
        let (config, rules, indicators) = (config.clone(), Live::new(RuleSet::default()), Indicators::new());
        let (taken, senses) = (Mutex::default(), Mutex::default());
        Arc::new(Stock { config, who, clock, taken, rules, indicators, senses })
    }

    /// Compiles the rules again when an exception among them has ended; often, and mostly for nothing.
    pub fn renew(&self) {
        let ends = self.rules.get().ends_us;
        if ends.is_none_or(|ends| self.clock.wall() < ends) {
            return;
        }
        // Held, so that what the server sends now is not overtaken by what it sent before.
        let mut taken = self.taken();
        if let Some((files, version)) = &*taken {
            match rules::load_with(&self.config, files, *version, &self.who, self.clock.wall()) {
                Ok(set) => self.rules.set(set),
                Err(fault) => {
                    // Not tried again every second; the next set of the server is another matter.
                    tracing::warn!(fault = %fault.inside(), "rules stay as they are");
                    *taken = None;
                }
            }
        }
    }

    fn taken(&self) -> MutexGuard<'_, Option<(Files, u64)>> {
        self.taken.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Opens the content stored in the state directory and puts it to use.
    ///
    /// # Errors
    /// When the directory cannot be used; damaged content is logged and asked for again.
    pub fn open(self: &Arc<Self>) -> Result<Contents> {
        let (disk, folder) = (Arc::new(bus::RealDisk::new()), self.config.state.join("content"));
        let (contents, faults) = Contents::open(disk, &folder, Name::OF_AGENTS, self.clone())?;
        for fault in faults {
            tracing::warn!(fault = %fault.inside(), "stored content was dropped");
        }
        Ok(contents)
    }

    /// Sees to it that there are rules: without published ones, those of the configuration.
    pub fn begin(&self) {
        if self.rules.get().version == 0 {
            self.rules.set(rules::load(&self.config));
        }
    }

    /// Starts senses with the texts that are published.
    pub fn start(&self, start: impl FnOnce(&BTreeMap<Name, Files>) -> Vec<Box<dyn Sense>>) {
        let mut senses = self.senses();
        senses.running = start(&senses.published);
    }

    /// What senses lost since the start.
    pub fn lost(&self) -> Vec<(String, u64)> {
        self.senses().running.iter().flat_map(|sense| sense.lost()).collect()
    }

    /// Ends the senses.
    pub fn stop(&self) {
        let running = std::mem::take(&mut self.senses().running);
        running.into_iter().for_each(Sense::stop);
    }

    fn senses(&self) -> MutexGuard<'_, Senses> {
        self.senses.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Taker for Stock {
    fn take(&self, taken: Taken) -> Result<()> {
        match taken.name {
            Name::Rules => {
                let files = Files::read(&taken.content)?;
                let mut held = self.taken();
                let now = self.clock.wall();
                self.rules.set(rules::load_with(&self.config, &files, taken.version, &self.who, now)?);
                *held = Some((files, taken.version));
            }
            Name::IntelFilter => self.indicators.take(&taken)?,
            // Not asked for.
            Name::WafTuning => {}
            Name::LogInputs | Name::Yara => {
                let files = Files::read(&taken.content)?;
                let mut senses = self.senses();
                for sense in &mut senses.running {
                    sense.renew(taken.name, &files)?;
                }
                senses.published.insert(taken.name, files);
            }
        }
        tracing::info!(name = taken.name.word(), version = taken.version, "content is in use");
        Ok(())
    }
}

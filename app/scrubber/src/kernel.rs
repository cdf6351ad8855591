//! The packet filters of all interfaces as one.

use crate::config::{Config, Cookies, Mode};
use crate::fault;
use crate::port::{Packets, Reading};
use crate::status::Interface;
use base::{Clock, Fault, Micros, Random, Result};
use ddos::{Level, Prefix, Reason, Sample, Signature};
use rustix::net::{AddressFamily, SocketType};
use scrub::{Filter, Pins, Plan, Verdict};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Samples a second that are wanted of each interface.
const SAMPLES: f64 = 2_000.0;
/// One sample in so many packets at most: below, a quiet destination would never be seen.
const RAREST: u32 = 1 << 14;
/// The reason that our bans carry in the filter.
const BANNED: u32 = 1;

/// A filter that came off is attached again at most once in so long, µs.
const AGAIN_US: Micros = 5_000_000;

/// Starts a watchdog for the filter that is pinned in a folder: a process that outlives this one.
pub type Watchdog = Arc<dyn Fn(&Path) -> Result<()> + Send + Sync>;

/// The filter of one interface.
struct One {
    name: String,
    plan: Plan,
    filter: Filter,
    /// It came off, and is not attached again before this (monotonic, µs).
    off: Option<Micros>,
}

/// One filter an interface.
pub struct Filters {
    filters: Vec<One>,
    sampling: u32,
    watchdog: Watchdog,
    clock: Arc<dyn Clock>,
}

impl Filters {
    /// Attaches to each interface of a configuration, or takes over what an earlier run left attached; each gets a watchdog.
    ///
    /// # Errors
    /// [`fault::NO_INTERFACE`], and what `scrub` says; what was attached anew is detached then.
    pub fn attach(config: &Config, random: &dyn Random, clock: Arc<dyn Clock>, watchdog: Watchdog) -> Result<Filters> {
        let mut filters = Filters { filters: Vec::new(), sampling: 0, watchdog, clock };
        let attached = config.interfaces.iter().try_for_each(|name| filters.add(config, name, random));
        match attached.and_then(|()| filters.configure(config)) {
            Ok(()) => Ok(filters),
            Err(fault) => {
                filters.detach()?;
                Err(fault)
            }
        }
    }

    fn add(&mut self, config: &Config, name: &str, random: &dyn Random) -> Result<()> {
        let plan = plan(config, name)?;
        let filter = match Filter::adopt(&plan.pins, config.lease)? {
            // Who proves addresses is built into the program: another way is another program.
            Some(filter) if filter.cookies() != plan.cookies => {
                filter.detach()?;
                Filter::attach(&plan, random)?
            }
            Some(mut filter) => {
                // An interface that was made anew under its name has nothing attached, whatever is pinned.
                if !fits(&filter, &plan) {
                    filter.reattach(&plan)?;
                }
                filter
            }
            None => Filter::attach(&plan, random)?,
        };
        (self.watchdog)(&plan.pins)?;
        self.filters.push(One { name: name.into(), plan, filter, off: None });
        Ok(())
    }

    /// What an adopted filter has in force: it must not fall back when its controller comes back in the middle of a fight.
    fn levels(&self) -> BTreeMap<Prefix, Level> {
        let Some(One { filter, .. }) = self.filters.first() else { return BTreeMap::new() };
        filter.protected().filter_map(|prefix| Some((prefix, filter.defence(prefix).ok()?.level))).collect()
    }

    /// Does it to every filter, also when one refuses: the others must not go without a lease or a level for it.
    fn each<T>(&mut self, mut act: impl FnMut(&mut Filter) -> Result<T>) -> Result<Vec<T>> {
        let done: Vec<Result<T>> = self.filters.iter_mut().map(|one| act(&mut one.filter)).collect();
        done.into_iter().collect()
    }
}

impl One {
    /// Attaches it again when it came off: its interface was removed and made anew, or a watchdog took this process for dead.
    fn mend(&mut self, now: Micros, watchdog: &Watchdog) {
        if self.filter.stands() {
            self.off = None;
            return;
        }
        if self.off.is_none() {
            tracing::error!(interface = self.name, "the packet filter came off: the interface was removed or we slept");
        }
        if self.off.is_some_and(|next| now < next) {
            return;
        }
        self.off = Some(now.saturating_add(AGAIN_US));
        match self.again(watchdog) {
            Ok(()) => self.off = None,
            Err(fault) => tracing::warn!(interface = self.name, fault = %fault.inside(), "not attached again yet"),
        }
    }

    fn again(&mut self, watchdog: &Watchdog) -> Result<()> {
        self.plan.interface = index(&self.name)?;
        match self.filter.reattach(&self.plan)? {
            Pins::Kept => Ok(()),
            Pins::Anew => watchdog(&self.plan.pins),
        }
    }
}

/// Whether a filter is attached where and as it is wanted.
fn fits(filter: &Filter, wanted: &Plan) -> bool {
    let mode = |mode| wanted.mode == scrub::Mode::Auto || wanted.mode == mode;
    filter.attachment().is_some_and(|there| there.interface == wanted.interface && mode(there.mode))
}

/// The index of an interface.
fn index(name: &str) -> Result<u32> {
    let missing = || Fault::new(&fault::NO_INTERFACE).object(name);
    // Asked of the kernel, not read below /sys: that shows the namespace in which it was mounted.
    let socket = rustix::net::socket(AddressFamily::INET, SocketType::DGRAM, None);
    let socket = socket.map_err(|cause| missing().because(cause))?;
    rustix::net::netdevice::name_to_index(socket, name).map_err(|cause| missing().because(cause))
}

fn plan(config: &Config, name: &str) -> Result<Plan> {
    let mut plan = Plan::new(index(name)?, config.pins.join(name));
    plan.mode = match config.mode {
        Mode::Auto => scrub::Mode::Auto,
        Mode::Native => scrub::Mode::Native,
        Mode::Generic => scrub::Mode::Generic,
    };
    plan.cookies = match config.cookies {
        Cookies::None => scrub::Cookies::None,
        Cookies::Local => scrub::Cookies::Local,
        Cookies::Router => scrub::Cookies::Router,
    };
    plan.lease = config.lease;
    Ok(plan)
}

impl Packets for Filters {
    fn configure(&mut self, config: &Config) -> Result<()> {
        let kept: BTreeMap<Prefix, Level> = self.levels();
        let protect: Vec<(Prefix, Level)> = config
            .protected()
            .map(|(prefix, entry)| (prefix, kept.get(&prefix).copied().unwrap_or(entry.lowest).max(entry.lowest)))
            .collect();
        let listed = |list: &[String], verdict| {
            let read = list.iter().filter_map(|text| text.parse().ok());
            read.map(move |prefix| (prefix, verdict)).collect::<Vec<(Prefix, Verdict)>>()
        };
        // Of a prefix in both lists the denial holds.
        let lists = [listed(&config.allow, Verdict::Allow), listed(&config.deny, Verdict::Deny)].concat();
        let lists: BTreeMap<Prefix, Verdict> = lists.into_iter().collect();
        let trusted: Vec<(IpAddr, u16)> = config.trusted.iter().map(|server| (server.address, server.port)).collect();
        for One { filter, .. } in &mut self.filters {
            filter.protect(&protect)?;
            filter.list_only(&lists)?;
            filter.trust_only(&trusted)?;
            filter.renew()?;
        }
        Ok(())
    }

    fn renew(&mut self) -> Result<()> {
        let now = self.clock.monotonic();
        self.filters.iter_mut().for_each(|one| one.mend(now, &self.watchdog));
        self.each(Filter::renew).map(|_| ())
    }

    fn interfaces(&mut self) -> Vec<Interface> {
        let shown = |one: &One| Interface {
            name: one.name.clone(),
            mode: match one.filter.attachment() {
                Some(attached) if one.off.is_none() => attached.mode.word().into(),
                _ => String::new(),
            },
            ..Interface::default()
        };
        self.filters.iter().map(shown).collect()
    }

    fn lease_left(&mut self) -> Result<Duration> {
        // A filter whose interface is gone protects nothing, however long its lease.
        let left = self.each(|filter| if filter.stands() { filter.lease_left() } else { Ok(Duration::ZERO) })?;
        Ok(left.into_iter().min().unwrap_or_default())
    }

    fn level(&mut self, destination: Prefix) -> Result<Level> {
        let levels = self.each(|filter| Ok(filter.defence(destination)?.level))?;
        Ok(levels.into_iter().min().unwrap_or(Level::Observe))
    }

    fn set_level(&mut self, destination: Prefix, level: Level) -> Result<()> {
        self.each(|filter| filter.set_level(destination, level)).map(|_| ())
    }

    fn put_signature(&mut self, signature: &Signature) -> Result<()> {
        let now = self.clock.wall();
        self.each(|filter| filter.put_signature(signature, now)).map(|_| ())
    }

    fn drop_signature(&mut self, id: u64) -> Result<()> {
        self.each(|filter| filter.drop_signature(id)).map(|_| ())
    }

    fn signatures(&mut self) -> Result<BTreeMap<u64, u64>> {
        let now = self.clock.wall();
        let mut hits = BTreeMap::new();
        for held in self.each(|filter| filter.signatures(now))?.into_iter().flatten() {
            *hits.entry(held.signature.id).or_default() += held.hits;
        }
        Ok(hits)
    }

    fn ban(&mut self, source: IpAddr, for_us: Micros) -> Result<()> {
        let time = Duration::from_micros(u64::try_from(for_us).unwrap_or(0));
        self.each(|filter| filter.ban(source, time, BANNED)).map(|_| ())
    }

    fn unban(&mut self, source: IpAddr) -> Result<()> {
        self.each(|filter| filter.unban(source)).map(|_| ())
    }

    fn banned(&mut self, source: IpAddr) -> Result<bool> {
        let banned = self.each(|filter| filter.banned(source))?;
        Ok(!banned.is_empty() && banned.iter().all(Option::is_some))
    }

    fn bans(&mut self) -> Result<u64> {
        let counts = self.each(|filter| Ok(filter.bans()?.len() as u64))?;
        Ok(counts.into_iter().max().unwrap_or(0))
    }

    fn banned_sources(&mut self) -> Result<Vec<IpAddr>> {
        let sources = self.each(|filter| filter.bans())?.into_iter().flatten().map(|(source, _)| source);
        Ok(sources.collect::<BTreeSet<IpAddr>>().into_iter().collect())
    }

    fn counters(&mut self) -> Result<Vec<Reading>> {
        self.each(|filter| Ok(Reading { rest: filter.rest()?, destinations: filter.counters()? }))
    }

    fn samples(&mut self, most: usize) -> Result<Vec<(Prefix, Sample)>> {
        Ok(self.each(|filter| filter.samples(most))?.into_iter().flatten().collect())
    }

    fn dropped(&mut self) -> Result<[u64; Reason::COUNT]> {
        let mut sum = [0; Reason::COUNT];
        for dropped in self.each(|filter| filter.dropped())? {
            for (total, packets) in sum.iter_mut().zip(dropped.packets) {
                *total += packets;
            }
        }
        Ok(sum)
    }

    fn adapt_sampling(&mut self, rate: f64) -> Result<()> {
        let each = rate / (self.filters.len().max(1) as f64 * SAMPLES);
        // Powers of two, so that the kernel is told only when the rate has doubled or halved; saturates.
        let one_in = (each.max(1.0) as u32).next_power_of_two().min(RAREST);
        if one_in != self.sampling {
            self.each(|filter| filter.set_sampling(one_in))?;
            self.sampling = one_in;
        }
        Ok(())
    }

    fn detach(&mut self) -> Result<()> {
        let filters = std::mem::take(&mut self.filters);
        let done: Vec<Result<()>> = filters.into_iter().map(|one| one.filter.detach()).collect();
        done.into_iter().collect()
    }
}

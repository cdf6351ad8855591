//! The filter: its program and maps, its lease, and what is too much.

use crate::attach::Attached;
use crate::layout::{ABI, Clocks, Rule, Settings};
use crate::object::{Maps, load};
use crate::plan::Rate;
use crate::prefixes::Prefixes;
use crate::{Cookies, Limits, Plan, bans, fault, system};
use base::{Fault, Random, Result};
use ddos::{Level, Prefix};
use kernel::Ring;
use libbpf_rs::MapCore;
use std::collections::BTreeMap;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

/// The program and its maps. When it is dropped without [`Filter::detach`], an attached one filters on until its lease is
/// over; whoever starts next may [`Filter::adopt`] it, and [`crate::watch`] removes it.
pub struct Filter {
    pub(crate) program: OwnedFd,
    pub(crate) maps: Maps,
    pub(crate) settings: Settings,
    /// Slot of each protected prefix.
    pub(crate) slots: BTreeMap<Prefix, u32>,
    /// Slots that are nobody's, the next one last.
    pub(crate) free: Vec<u32>,
    /// The list of IPv4 prefixes, as the program reads it.
    pub(crate) prefixes: Prefixes,
    /// The rules in force, by their place in the bank.
    pub(crate) rules: Vec<Option<Rule>>,
    pub(crate) ring: Ring,
    pub(crate) lease: Duration,
    /// When marks of sources were last refreshed, ns of the program's clock.
    pub(crate) refreshed: u64,
    pub(crate) attached: Option<Attached>,
}

/// How often marks of sources are refreshed, ns.
const REFRESH: u64 = 3_600_000_000_000;

impl Filter {
    /// Loads the program without attaching it: for trials and measurements.
    ///
    /// # Errors
    /// What [`kernel::load`] says, [`fault::MAP`].
    pub fn load(plan: &Plan, chance: &dyn Random) -> Result<Filter> {
        let (program, maps) = load(plan)?;
        let mut settings = settings(plan, chance);
        let clocks = maps.clocks.get::<Clocks>(&0_u32)?.ok_or_else(|| Fault::new(&fault::MAP).object("clocks"))?;
        (settings.tick_from, settings.time_from, settings.tick) = (clocks.ticks, clocks.time, system::tick());
        let ring = Ring::open(maps.samples.handle.as_fd(), None)?;
        settings.ban_mask = bans::mask(&maps.bans4);
        let prefixes = Prefixes::new(maps.blocks.handle.max_entries());
        let slots = BTreeMap::new();
        let free = Filter::free_slots(&slots, maps.counts.handle.max_entries());
        let filter = Filter {
            program,
            maps,
            settings,
            slots,
            free,
            prefixes,
            rules: vec![None; crate::layout::RULES],
            ring,
            lease: plan.lease,
            refreshed: system::now(),
            attached: None,
        };
        filter.write()?;
        Ok(filter)
    }

    /// Who proves addresses in this filter; fixed while it is loaded. A controller that adopts one and wants another
    /// detaches it and attaches anew.
    pub fn cookies(&self) -> Cookies {
        Cookies::from_number(self.settings.cookies)
    }

    /// Begins the lease anew. A controller calls it several times in a lease. Once an hour it also forgets the marks of
    /// sources that nobody needs any more, see [`Filter::refresh`].
    ///
    /// # Errors
    /// [`fault::MAP`].
    pub fn renew(&mut self) -> Result<()> {
        let now = system::now();
        self.settings.lease_until = now.saturating_add(nanoseconds(self.lease));
        self.write()?;
        if now.saturating_sub(self.refreshed) < REFRESH {
            return Ok(());
        }
        self.refreshed = now;
        self.refresh()
    }

    /// How much is left of the lease, read back from the kernel.
    ///
    /// # Errors
    /// [`fault::MAP`].
    pub fn lease_left(&self) -> Result<Duration> {
        let settings = self.maps.settings.get::<Settings>(&0_u32)?;
        let until = settings.map_or(0, |settings| settings.lease_until);
        Ok(Duration::from_nanos(until.saturating_sub(system::now())))
    }

    /// Changes what is too much; takes effect with the next packet.
    ///
    /// # Errors
    /// [`fault::MAP`].
    pub fn set_limits(&mut self, limits: Limits) -> Result<()> {
        put_limits(&mut self.settings, limits);
        self.write()
    }

    /// Samples one header in so many; 0 for none.
    ///
    /// # Errors
    /// [`fault::MAP`].
    pub fn set_sampling(&mut self, one_in: u32) -> Result<()> {
        self.settings.sample_below = sample_below(one_in);
        self.write()
    }

    /// The level for destinations that are not protected; [`Level::Observe`] at first, [`Level::Clean`] at most.
    ///
    /// # Errors
    /// [`fault::MAP`].
    pub fn set_rest(&mut self, level: Level) -> Result<()> {
        self.settings.rest_level = u32::from(level.min(Level::Clean).number());
        self.write()
    }

    /// Sets or clears bits that say which lists hold something.
    pub(crate) fn holds(&mut self, bits: u32, on: bool) -> Result<()> {
        let before = self.settings.holds;
        self.settings.holds = if on { before | bits } else { before & !bits };
        if self.settings.holds == before { Ok(()) } else { self.write() }
    }

    pub(crate) fn write(&self) -> Result<()> {
        self.maps.settings.put(&0_u32, &self.settings)
    }
}

pub(crate) fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

fn sample_below(one_in: u32) -> u32 {
    u32::MAX.checked_div(one_in).unwrap_or(0)
}

fn put_limits(settings: &mut Settings, limits: Limits) {
    (settings.source_step, settings.source_window) = Rate::step_and_window(limits.source);
    (settings.net_step, settings.net_window) = Rate::step_and_window(limits.net);
    settings.confirmed_for = nanoseconds(limits.confirmed);
}

fn settings(plan: &Plan, chance: &dyn Random) -> Settings {
    let mut key = [0; 3];
    for key in &mut key {
        let mut bytes = [0; 8];
        chance.fill(&mut bytes);
        // Odd, so that a multiplication loses nothing.
        *key = u64::from_le_bytes(bytes) | 1;
    }
    let mut settings = Settings {
        lease_until: system::now().saturating_add(nanoseconds(plan.lease)),
        key,
        source_step: 0,
        source_window: 0,
        net_step: 0,
        net_window: 0,
        confirmed_for: 0,
        tick_from: 0,
        time_from: 0,
        tick: 0,
        sample_below: sample_below(plan.sample_one_in),
        holds: 0,
        bank: 0,
        rest_level: u32::from(Level::Observe.number()),
        abi: ABI,
        // 0 is that of what was never remembered.
        generation: 1,
        cookies: plan.cookies.number(),
        ban_mask: 0,
    };
    put_limits(&mut settings, plan.limits);
    settings
}

//! The filter: attached, adopted, renewed, detached.

use crate::layout::{ABI, Clocks, Rule, Settings};
use crate::object::{Maps, PROGRAM_PIN, load};
use crate::plan::Rate;
use crate::{Cookies, Limits, Mode, Plan, fault, pins, system};
use base::{Fault, Random, Result};
use ddos::{Level, Prefix};
use kernel::Ring;
use libbpf_rs::query::LinkTypeInfo;
use libbpf_rs::{Link, Program};
use std::collections::BTreeMap;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What ends a filter that was attached.
struct Attached {
    link: Link,
    pins: PathBuf,
    interface: u32,
    mode: Mode,
}

/// The program and its maps. When it is dropped without [`Filter::detach`], an attached one filters on until its lease is
/// over; whoever starts next may [`Filter::adopt`] it, and [`crate::watch`] removes it.
pub struct Filter {
    pub(crate) program: OwnedFd,
    pub(crate) maps: Maps,
    pub(crate) settings: Settings,
    /// Slot of each protected prefix.
    pub(crate) slots: BTreeMap<Prefix, u32>,
    /// The rules in force, by their place in the bank.
    pub(crate) rules: Vec<Option<Rule>>,
    pub(crate) ring: Ring,
    lease: Duration,
    /// When marks of sources were last refreshed, ns of the program's clock.
    refreshed: u64,
    attached: Option<Attached>,
}

/// How often marks of sources are refreshed, ns.
const REFRESH: u64 = 3_600_000_000_000;

/// What an attached filter is attached to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attachment {
    /// Index of the interface.
    pub interface: u32,
    /// Native or generic.
    pub mode: Mode,
}

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
        let filter = Filter {
            program,
            maps,
            settings,
            slots: BTreeMap::new(),
            rules: vec![None; crate::layout::RULES],
            ring,
            lease: plan.lease,
            refreshed: system::now(),
            attached: None,
        };
        filter.write()?;
        Ok(filter)
    }

    /// Loads the program, attaches it and pins everything. The lease begins now.
    ///
    /// # Errors
    /// [`fault::NOT_BPFFS`], [`fault::ALREADY`] when a filter with a running lease is pinned there (what an older one
    /// left is removed), [`fault::ATTACH`], [`fault::PIN`], and what [`Filter::load`] says.
    pub fn attach(plan: &Plan, chance: &dyn Random) -> Result<Filter> {
        pins::make(&plan.pins)?;
        clear(&plan.pins)?;
        pins::make(&plan.pins)?;
        let mut filter = Filter::load(plan, chance)?;
        let _lock = pins::lock(&plan.pins)?;
        let pinned = attach(&filter.program, plan).and_then(|link| {
            pins::pin(&plan.pins, &filter.program, &mut filter.maps, &link)?;
            // From here on the pin holds it.
            pins::link(&plan.pins)
        });
        let link = match pinned {
            Ok(link) => link,
            Err(fault) => {
                pins::remove(&plan.pins)?;
                return Err(fault);
            }
        };
        let mode = system::attached(plan.interface).unwrap_or(plan.mode);
        tracing::info!(interface = plan.interface, mode = mode.word(), "the packet filter is attached");
        filter.attached = Some(Attached { link, pins: plan.pins.clone(), interface: plan.interface, mode });
        Ok(filter)
    }

    /// Takes over what an earlier controller left attached, with its lists, levels, rules and counters, and renews its
    /// lease. `None` when there is nothing, or only something of another version, which is removed.
    ///
    /// # Errors
    /// [`fault::PIN`], [`fault::MAP`].
    pub fn adopt(folder: &Path, lease: Duration) -> Result<Option<Filter>> {
        let Some(_lock) = pins::lock(folder)? else { return Ok(None) };
        let settings = pins::settings(folder)?.filter(|settings| settings.abi == ABI);
        let (Some(settings), true) = (settings, pins::attached(folder)) else {
            tracing::warn!(pins = %folder.display(), "what an earlier start left is not usable and is removed");
            pins::remove(folder)?;
            return Ok(None);
        };
        let link = pins::link(folder)?;
        let interface = interface(&link).ok_or_else(|| Fault::new(&fault::PIN).object(folder.display()))?;
        let program = folder.join(PROGRAM_PIN);
        let program = Program::fd_from_pinned_path(&program)
            .map_err(|cause| Fault::new(&fault::PIN).object(program.display()).because(cause))?;
        let maps = Maps::pinned(folder)?;
        let ring = Ring::open(maps.samples.handle.as_fd(), None)?;
        let mode = system::attached(interface).unwrap_or_default();
        let attached = Some(Attached { link, pins: folder.to_owned(), interface, mode });
        let (slots, rules) = (BTreeMap::new(), Vec::new());
        let refreshed = system::now();
        let mut filter = Filter { program, maps, settings, slots, rules, ring, lease, refreshed, attached };
        filter.slots = filter.read_slots()?;
        filter.rules = filter.read_rules()?;
        filter.renew()?;
        Ok(Some(filter))
    }

    /// What it is attached to.
    pub fn attachment(&self) -> Option<Attachment> {
        self.attached.as_ref().map(|attached| Attachment { interface: attached.interface, mode: attached.mode })
    }

    /// Whether it is still attached: an interface that is removed takes its filter with it, also when one of the same name
    /// comes back.
    pub fn stands(&self) -> bool {
        self.attached.as_ref().is_some_and(|attached| interface(&attached.link) == Some(attached.interface))
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

    /// Stops filtering and removes everything of it.
    ///
    /// # Errors
    /// [`fault::PIN`].
    pub fn detach(self) -> Result<()> {
        let Some(attached) = &self.attached else { return Ok(()) };
        let Some(_lock) = pins::lock(&attached.pins)? else {
            // Somebody removed the pins; the link that we hold is all that is left.
            let fault = Fault::new(&fault::ATTACH).object(attached.interface);
            return attached.link.detach().map_err(|cause| fault.because(cause));
        };
        pins::remove(&attached.pins)
    }
}

/// Removes what an earlier filter left in the folder when its lease is over or it was never attached.
fn clear(folder: &Path) -> Result<()> {
    let Some(_lock) = pins::lock(folder)? else { return Ok(()) };
    let running = pins::settings(folder)?.is_some_and(|settings| settings.lease_until > system::now());
    if running && pins::attached(folder) {
        return Err(Fault::new(&fault::ALREADY).object(folder.display()));
    }
    pins::remove(folder)
}

/// Attaches in the mode of the plan; `auto` falls back on generic when the driver refuses.
fn attach(program: &OwnedFd, plan: &Plan) -> Result<OwnedFd> {
    let fault = || Fault::new(&fault::ATTACH).object(format!("interface {}", plan.interface));
    let mut first = match system::attach(program.as_fd(), plan.interface, plan.mode) {
        Ok(link) => return Ok(link),
        Err(cause) => fault().found(plan.mode.word()).because(cause),
    };
    if plan.mode == Mode::Auto {
        match system::attach(program.as_fd(), plan.interface, Mode::Generic) {
            Ok(link) => return Ok(link),
            Err(cause) => first = first.because(cause),
        }
    }
    Err(first)
}

fn interface(link: &Link) -> Option<u32> {
    match link.info().ok()?.info {
        LinkTypeInfo::Xdp(xdp) => Some(xdp.ifindex),
        _ => None,
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
        reserved: 0,
    };
    put_limits(&mut settings, plan.limits);
    settings
}

//! Attached to an interface, adopted, attached again, detached.

use crate::layout::ABI;
use crate::object::{Maps, PROGRAM_PIN};
use crate::pins::{Hold, Holder, Lock, OWNER};
use crate::prefixes::Prefixes;
use crate::{Filter, Mode, Plan, fault, pins, system};
use base::{Fault, Random, Result};
use kernel::Ring;
use libbpf_rs::query::LinkTypeInfo;
use libbpf_rs::{Link, MapCore, Program};
use std::collections::BTreeMap;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What ends a filter that was attached.
pub(crate) struct Attached {
    link: Link,
    pins: PathBuf,
    interface: u32,
    mode: Mode,
    /// Says that this process controls it, and no other.
    owner: Hold,
}

/// What an attached filter is attached to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attachment {
    /// Index of the interface.
    pub interface: u32,
    /// Native or generic.
    pub mode: Mode,
}

/// Whether the pins are those of before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pins {
    /// They are; the watchdog watches on.
    Kept,
    /// They were removed and are made anew: a watchdog must be started.
    Anew,
}

impl Filter {
    /// Loads the program, attaches it and pins everything. The lease begins now.
    ///
    /// # Errors
    /// [`fault::NOT_BPFFS`], [`fault::OWNED`] when another process controls a filter that is pinned there,
    /// [`fault::ALREADY`] when one with a running lease is pinned there (what an older one left is removed),
    /// [`fault::ATTACH`], [`fault::PIN`], and what [`Filter::load`] says.
    pub fn attach(plan: &Plan, chance: &dyn Random) -> Result<Filter> {
        pins::make(&plan.pins)?;
        clear(&plan.pins)?;
        let mut filter = Filter::load(plan, chance)?;
        let (_lock, owner) = own(&plan.pins)?;
        if pins::attached(&plan.pins) {
            return Err(Fault::new(&fault::ALREADY).object(plan.pins.display()));
        }
        filter.attached = Some(filter.bind(plan, owner)?);
        Ok(filter)
    }

    /// Attaches to the interface of a plan and pins everything; nothing stays when that fails. The folder must be locked.
    fn bind(&mut self, plan: &Plan, owner: Hold) -> Result<Attached> {
        let pinned = attach(&self.program, plan).and_then(|link| {
            pins::pin(&plan.pins, &self.program, &mut self.maps, &link)?;
            // From here on the pin holds it.
            pins::link(&plan.pins)
        });
        match pinned {
            Ok(link) => Ok(attached(plan, link, owner)),
            Err(fault) => {
                pins::remove(&plan.pins)?;
                Err(fault)
            }
        }
    }

    /// Takes over what an earlier controller left attached, with its lists, levels, rules and counters, and renews its
    /// lease. `None` when there is nothing, or only something of another version, which is removed.
    ///
    /// # Errors
    /// [`fault::OWNED`] when the controller lives, [`fault::PIN`], [`fault::MAP`].
    pub fn adopt(folder: &Path, lease: Duration) -> Result<Option<Filter>> {
        let Some(_lock) = pins::lock(folder)? else { return Ok(None) };
        let owner = owner(folder)?;
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
        let attached = Some(Attached { link, pins: folder.to_owned(), interface, mode, owner });
        let (slots, free, rules, prefixes) = (BTreeMap::new(), Vec::new(), Vec::new(), Prefixes::new(0));
        let refreshed = system::now();
        let mut filter =
            Filter { program, maps, settings, slots, free, prefixes, rules, ring, lease, refreshed, attached };
        filter.slots = filter.read_slots()?;
        filter.free = Filter::free_slots(&filter.slots, filter.maps.counts.handle.max_entries());
        filter.prefixes = filter.read_prefixes()?;
        filter.rules = filter.read_rules()?;
        filter.renew()?;
        Ok(Some(filter))
    }

    /// What it is attached to.
    pub fn attachment(&self) -> Option<Attachment> {
        self.attached.as_ref().map(|attached| Attachment { interface: attached.interface, mode: attached.mode })
    }

    /// Whether it is still attached: an interface that is removed takes its filter with it, also when one of the same name
    /// comes back; and a watchdog removes the filter of a controller that slept longer than its lease.
    pub fn stands(&self) -> bool {
        let there = |attached: &Attached| interface(&attached.link) == Some(attached.interface);
        self.attached.as_ref().is_some_and(|attached| there(attached) && attached.owner.stands())
    }

    /// Attaches one that does not stand any more, or stands in another mode, to the interface of a plan, with all its lists,
    /// levels, rules and counters; its lease begins anew. The pins of the plan are its own.
    ///
    /// # Errors
    /// As [`Filter::attach`]; it can be tried again.
    pub fn reattach(&mut self, plan: &Plan) -> Result<Pins> {
        self.renew()?;
        if self.attached.as_ref().is_some_and(|attached| attached.owner.stands()) {
            let Some(_lock) = pins::lock(&plan.pins)? else {
                return Err(Fault::new(&fault::PIN).object(plan.pins.display()).found("it was removed just now"));
            };
            // In another mode it is attached there still; where it came off this does nothing.
            let _ = self.attached.as_ref().map(|before| before.link.detach());
            let link = attach(&self.program, plan)?;
            pins::replace_link(&plan.pins, &link)?;
            let link = pins::link(&plan.pins)?;
            self.attached = self.attached.take().map(|before| attached(plan, link, before.owner));
            return Ok(Pins::Kept);
        }
        let (_lock, owner) = own(&plan.pins)?;
        self.attached = Some(self.bind(plan, owner)?);
        Ok(Pins::Anew)
    }

    /// Stops filtering and removes everything of it.
    ///
    /// # Errors
    /// [`fault::PIN`].
    pub fn detach(self) -> Result<()> {
        let Some(attached) = &self.attached else { return Ok(()) };
        let lock = pins::lock(&attached.pins)?;
        if lock.is_some() && attached.owner.stands() {
            return pins::remove(&attached.pins);
        }
        // Somebody removed the pins, and what is pinned there now is not ours; the link that we hold is all that is left.
        let fault = Fault::new(&fault::ATTACH).object(attached.interface);
        attached.link.detach().map_err(|cause| fault.because(cause))
    }
}

/// Removes what an earlier filter left in the folder when its lease is over or it was never attached.
fn clear(folder: &Path) -> Result<()> {
    let Some(_lock) = pins::lock(folder)? else { return Ok(()) };
    let _owner = owner(folder)?;
    let running = pins::settings(folder)?.is_some_and(|settings| settings.lease_until > system::now());
    if running && pins::attached(folder) {
        return Err(Fault::new(&fault::ALREADY).object(folder.display()));
    }
    pins::remove(folder)
}

/// Makes this process the owner of a folder, which must be locked.
fn owner(folder: &Path) -> Result<Hold> {
    match Hold::take(folder, OWNER)? {
        Holder::We(hold) => Ok(hold),
        Holder::Other(pid) => {
            let found = pid.map_or_else(|| "another process".into(), |pid| format!("process {pid}"));
            Err(Fault::new(&fault::OWNED).object(folder.display()).found(found))
        }
    }
}

/// Makes a folder, locks it, and makes this process its owner.
fn own(folder: &Path) -> Result<(Lock, Hold)> {
    pins::make(folder)?;
    let removed = || Fault::new(&fault::PIN).object(folder.display()).found("it was removed just now");
    let lock = pins::lock(folder)?.ok_or_else(removed)?;
    Ok((lock, owner(folder)?))
}

/// What was attached by a plan.
fn attached(plan: &Plan, link: Link, owner: Hold) -> Attached {
    let mode = system::attached(plan.interface).unwrap_or(plan.mode);
    tracing::info!(interface = plan.interface, mode = mode.word(), "the packet filter is attached");
    Attached { link, pins: plan.pins.clone(), interface: plan.interface, mode, owner }
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

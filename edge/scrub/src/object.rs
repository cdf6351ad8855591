//! The compiled programs, and the program and maps of one that is loaded.

use crate::layout::Plain;
use crate::plan::Cookies;
use crate::{Plan, bans, fault, system};
use base::{Fault, Result};
use kernel::SharedMaps;
use libbpf_rs::{MapCore, MapFlags, MapHandle};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

/// Bytes aligned as an ELF file wants them.
#[repr(C, align(16))]
struct Aligned<T: ?Sized>(T);

macro_rules! object {
    ($file:literal) => {{
        const BYTES: &Aligned<[u8]> = &Aligned(*include_bytes!(concat!(env!("OUT_DIR"), "/", $file, ".o")));
        &BYTES.0
    }};
}

impl Cookies {
    /// The object that proves addresses this way.
    pub(crate) fn bytes(self) -> &'static [u8] {
        match self {
            Cookies::None => object!("none"),
            Cookies::Local => object!("local"),
            Cookies::Router => object!("router"),
        }
    }
}

/// Holds every structure and is never loaded.
#[cfg(test)]
pub(crate) const LAYOUT: &[u8] = object!("layout");

/// Name of the program in every object.
pub(crate) const PROGRAM: &str = "scrub";
/// Name of the program that reads the clocks.
const CLOCK: &str = "clock";
/// Name of the pinned program, which is no map's.
pub(crate) const PROGRAM_PIN: &str = "program";
/// Name of the pinned link.
pub(crate) const LINK_PIN: &str = "link";

macro_rules! maps {
    ($($(#[$page:meta])* $name:ident,)*) => {
        /// Every map of the filter.
        pub(crate) struct Maps { $($(#[$page])* pub(crate) $name: Map,)* }

        impl Maps {
            fn find(find: impl Fn(&'static str) -> Result<MapHandle>) -> Result<Maps> {
                Ok(Maps { $($name: Map { name: stringify!($name), handle: find(stringify!($name))? },)* })
            }

            fn all(&mut self) -> Vec<&mut Map> {
                vec![$(&mut self.$name,)*]
            }
        }
    };
}

maps! {
    settings,
    places4,
    places6,
    known,
    packets,
    counts,
    sources4,
    sources6,
    heads,
    blocks,
    bans4,
    bans6,
    service_marks,
    services,
    banks,
    hits,
    confirmed4,
    confirmed6,
    ban_marks,
    confirmed_marks,
    clocks,
    source_buckets,
    net_buckets,
    place_buckets,
    seen,
    samples,
    unsampled,
}

impl Maps {
    /// Of an object that was loaded.
    fn of(shared: &SharedMaps) -> Result<Maps> {
        Maps::find(|name| {
            let missing = || Fault::new(&fault::MAP).object(name).found("no such map in the object");
            MapHandle::try_from(shared.get(name).ok_or_else(missing)?)
                .map_err(|cause| Fault::new(&fault::MAP).object(name).because(cause))
        })
    }

    /// Those pinned in a folder.
    pub(crate) fn pinned(folder: &Path) -> Result<Maps> {
        Maps::find(|name| {
            let path = folder.join(name);
            MapHandle::from_pinned_path(&path)
                .map_err(|cause| Fault::new(&fault::PIN).object(path.display()).because(cause))
        })
    }

    /// The settings alone.
    pub(crate) fn pinned_settings(folder: &Path) -> Result<Map> {
        let path = folder.join("settings");
        let handle = MapHandle::from_pinned_path(&path);
        let handle = handle.map_err(|cause| Fault::new(&fault::PIN).object(path.display()).because(cause))?;
        Ok(Map { name: "settings", handle })
    }

    /// Pins them in a folder, each by its name.
    pub(crate) fn pin(&mut self, folder: &Path) -> Result<()> {
        for map in self.all() {
            let path = folder.join(map.name);
            map.handle.pin(&path).map_err(|cause| Fault::new(&fault::PIN).object(path.display()).because(cause))?;
        }
        Ok(())
    }
}

/// Entries that one call of the kernel reads; more than one bucket of a hash ever holds.
const BATCH: u32 = 1024;

/// A map, with the plain values that go in and out.
pub(crate) struct Map {
    name: &'static str,
    pub(crate) handle: MapHandle,
}

/// How often this thread called the kernel for a map.
#[cfg(test)]
pub(crate) fn calls() -> u64 {
    CALLS.get()
}

#[cfg(test)]
thread_local! {
    static CALLS: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// Counts a call, for tests of how work grows.
fn called() {
    #[cfg(test)]
    CALLS.set(CALLS.get() + 1);
}

impl Map {
    fn fault(&self, cause: libbpf_rs::Error) -> Fault {
        // A hash that is full says E2BIG; a trie says ENOSPC, which has no kind of its own.
        let full = matches!(cause.kind(), libbpf_rs::ErrorKind::TooBig | libbpf_rs::ErrorKind::Other);
        let most = format!("{} entries at most", self.handle.max_entries());
        if full {
            Fault::new(&fault::FULL).object(self.name).expected(most).because(cause)
        } else {
            Fault::new(&fault::MAP).object(self.name).because(cause)
        }
    }

    pub(crate) fn put(&self, key: &impl Plain, value: &impl Plain) -> Result<()> {
        called();
        self.handle.update(key.bytes(), value.bytes(), MapFlags::ANY).map_err(|cause| self.fault(cause))
    }

    pub(crate) fn get<V: Plain>(&self, key: &impl Plain) -> Result<Option<V>> {
        called();
        let found = self.handle.lookup(key.bytes(), MapFlags::ANY);
        let found = found.map_err(|cause| Fault::new(&fault::MAP).object(self.name).because(cause))?;
        Ok(found.and_then(|bytes| V::read(&bytes)))
    }

    /// Removes an entry; says whether it was there.
    pub(crate) fn remove(&self, key: &impl Plain) -> Result<bool> {
        called();
        match self.handle.delete(key.bytes()) {
            Ok(()) => Ok(true),
            Err(cause) if cause.kind() == libbpf_rs::ErrorKind::NotFound => Ok(false),
            Err(cause) => Err(Fault::new(&fault::MAP).object(self.name).because(cause)),
        }
    }

    /// All entries, at most as many as the map may have, a thousand with each call of the kernel.
    pub(crate) fn entries<K: Plain, V: Plain>(&self) -> Result<Vec<(K, V)>> {
        let batches = self.handle.lookup_batch(BATCH, MapFlags::ANY, MapFlags::ANY);
        let batches = batches.map_err(|cause| Fault::new(&fault::MAP).object(self.name).because(cause))?;
        let read = batches.take(self.handle.max_entries() as usize);
        Ok(read.filter_map(|(key, value)| Some((K::read(&key)?, V::read(&value)?))).collect())
    }

    /// Sets the value of every processor to zeros.
    pub(crate) fn clear_each(&self, key: u32) -> Result<()> {
        called();
        let zeros = vec![vec![0; self.handle.value_size() as usize]; processors()?];
        self.handle
            .update_percpu(key.bytes(), &zeros, MapFlags::ANY)
            .map_err(|cause| Fault::new(&fault::MAP).object(self.name).because(cause))
    }

    /// The values of the first `count` keys of a per-processor array: for each key those of all processors.
    pub(crate) fn first_values<V: Plain>(&self, count: u32) -> Result<Vec<Vec<V>>> {
        let size = (self.handle.value_size() as usize).next_multiple_of(8);
        let each = size * processors()?;
        let bytes = system::first_values(self.handle.as_fd(), count, each)
            .map_err(|cause| Fault::new(&fault::MAP).object(self.name).because(cause))?;
        Ok(bytes.chunks_exact(each).map(|key| key.chunks_exact(size).filter_map(V::read).collect()).collect())
    }
}

fn processors() -> Result<usize> {
    libbpf_rs::num_possible_cpus().map_err(|cause| Fault::new(&fault::MAP).object("processors").because(cause))
}

/// Loads the program of a plan; it is attached to nothing.
///
/// # Errors
/// What [`kernel::load`] says.
pub(crate) fn load(plan: &Plan) -> Result<(OwnedFd, Maps)> {
    let sizes = plan.sizes;
    let sizes = [
        ("places4", sizes.places),
        ("places6", sizes.places),
        // Slot 0 is for everything that is not protected.
        ("counts", sizes.places.saturating_add(1)),
        ("place_buckets", sizes.places.saturating_add(1)),
        ("sources4", sizes.prefixes),
        ("sources6", sizes.prefixes),
        // Each /16 that holds a prefix longer than itself takes a block; more are left to the trie.
        ("blocks", sizes.prefixes.clamp(1, 16_384)),
        ("bans4", bans::buckets(sizes.bans)),
        ("bans6", bans::buckets(sizes.bans)),
        ("confirmed4", sizes.confirmed),
        ("confirmed6", sizes.confirmed),
        ("samples", sizes.samples),
    ];
    let mut shared = SharedMaps::default();
    let name = "scrub";
    let object = kernel::Plan { name, bytes: plan.cookies.bytes(), wanted: &|_| true, sizes: &sizes };
    let loaded = kernel::load(&object, &mut shared)?;
    // One without the other is of no use, and the reason is worth more than that it is missing.
    if let Some(refusal) = loaded.refused.first() {
        let fault = Fault::new(&kernel::fault::LOAD_REFUSED).object(format!("{name}: {}", refusal.program));
        return Err(fault.found(&refusal.reason).because(&refusal.log));
    }
    let filter = program(&loaded, PROGRAM)?;
    // What it reads stays in its map.
    system::run(program(&loaded, CLOCK)?.as_fd(), &[0; 60], 1)?;
    Ok((filter, Maps::of(&shared)?))
}

fn program(loaded: &kernel::Loaded, name: &str) -> Result<OwnedFd> {
    let fault = || Fault::new(&fault::ATTACH).object(name);
    let descriptor = loaded.descriptor(name).ok_or_else(fault)?;
    system::duplicate(descriptor).map_err(|cause| fault().because(cause))
}

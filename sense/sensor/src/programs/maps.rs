//! The tables shared with the programs.

use super::calls;
use super::filters::{Filters, Levels, Scope, number_of};
use super::{Counter, FileKey};
use crate::raw::Call;
use base::{Fault, Result};
use kernel::SharedMaps;
use kernel::fault::MAP;
use libbpf_rs::{MapCore, MapFlags, MapHandle};
use record::Kind;
use std::os::fd::{AsFd, BorrowedFd, RawFd};

/// Memory of the dispatcher's object: its table of calls.
const CALLS: &str = "dispatch.bss";
const PREFIX_BYTES: usize = 64;
const PREFIXES: usize = 64;
const COMMS: usize = 256;

/// The tables by name.
pub struct Maps {
    shared: SharedMaps,
    ring: MapHandle,
}

/// Processors that this kernel may ever have.
///
/// # Errors
/// `kernel.map` when the kernel does not tell.
pub fn processors() -> Result<u32> {
    let count = libbpf_rs::num_possible_cpus().map_err(|error| Fault::new(&MAP).object("processors").because(error))?;
    Ok(count as u32)
}

fn fault(name: &str) -> impl FnOnce(libbpf_rs::Error) -> Fault + use<'_> {
    move |error| Fault::new(&MAP).object(name).found(error)
}

impl Maps {
    pub(super) fn new(shared: SharedMaps) -> Result<Maps> {
        let ring = shared.get("ring").ok_or_else(|| Fault::new(&MAP).object("ring").found("nothing"))?;
        let ring = MapHandle::try_from(ring).map_err(fault("ring"))?;
        Ok(Maps { shared, ring })
    }

    pub(super) fn ring(&self) -> BorrowedFd<'_> {
        self.ring.as_fd()
    }

    /// For loading further objects on the same tables.
    pub(super) fn shared(&mut self) -> &mut SharedMaps {
        &mut self.shared
    }

    fn get(&self, name: &str) -> Result<&MapHandle> {
        self.shared.get(name).ok_or_else(|| Fault::new(&MAP).object(name).found("nothing"))
    }

    fn put(&self, name: &str, key: &[u8], value: &[u8]) -> Result<()> {
        self.get(name)?.update(key, value, MapFlags::ANY).map_err(fault(name))
    }

    /// Empties a table.
    fn clear(&self, name: &str) -> Result<()> {
        let map = self.get(name)?;
        let keys: Vec<Vec<u8>> = map.keys().collect();
        for key in keys {
            // A process that ended meanwhile removed its key by itself.
            let _ = map.delete(&key);
        }
        Ok(())
    }

    pub(super) fn set_handler(&self, word: &str, program: RawFd) -> Result<()> {
        let call = Call::from_word(word).unwrap_or(Call(0));
        self.put("handlers", &u32::from(call.0).to_ne_bytes(), &program.to_ne_bytes())
    }

    /// The map through which reader and programs agree on waking up.
    pub(super) fn bell(&self) -> Option<BorrowedFd<'_>> {
        self.shared.get("bell").map(AsFd::as_fd)
    }

    /// Writes the switches only.
    pub(super) fn set(&self, filters: &Filters, levels: Levels, denies: bool) -> Result<()> {
        self.put("settings", &0u32.to_ne_bytes(), &filters.settings(levels, denies))
    }

    /// Writes the filters: lists first, then the switches that make them count. Lists that stay as they were `before` are
    /// left alone, above all the processes in scope, which the programs themselves keep.
    pub(super) fn apply(
        &self,
        before: Option<&Filters>,
        filters: &Filters,
        levels: Levels,
        denies: bool,
    ) -> Result<()> {
        let too_many = |name, most: usize, found: usize| {
            Fault::new(&MAP).object(name).expected(format!("at most {most}")).found(found)
        };
        if filters.ignore_paths.len() > PREFIXES {
            return Err(too_many("ignore_paths", PREFIXES, filters.ignore_paths.len()));
        }
        if filters.ignore_comms.len() > COMMS {
            return Err(too_many("ignore_comms", COMMS, filters.ignore_comms.len()));
        }
        if before.is_none_or(|before| before.ignore_paths != filters.ignore_paths) {
            let keys = filters.ignore_paths.iter().map(|prefix| prefix_key(prefix)).collect::<Result<Vec<_>>>()?;
            self.clear("ignored_prefixes")?;
            keys.iter().try_for_each(|key| self.put("ignored_prefixes", key, &[1]))?;
        }
        if before.is_none_or(|before| before.ignore_comms != filters.ignore_comms) {
            self.clear("ignored_comms")?;
            filters.ignore_comms.iter().try_for_each(|comm| self.put("ignored_comms", &comm_key(comm), &[1]))?;
        }
        self.apply_scope(before.and_then(|before| before.scope.as_ref()), filters.scope.as_ref())?;
        self.set(filters, levels, denies)?;
        self.apply_calls(filters)
    }

    /// Roots that stay keep the processes below them.
    fn apply_scope(&self, before: Option<&Scope>, scope: Option<&Scope>) -> Result<()> {
        let roots = |scope: Option<&Scope>| match scope {
            Some(Scope::Tree(roots)) => roots.clone(),
            _ => Vec::new(),
        };
        let (old, new) = (roots(before), roots(scope));
        if new.is_empty() {
            return self.clear("scope");
        }
        for root in old.iter().filter(|root| !new.contains(root)) {
            // It may have ended and removed itself.
            let _ = self.get("scope")?.delete(&root.to_ne_bytes());
        }
        new.iter().filter(|root| !old.contains(root)).try_for_each(|root| self.put("scope", &root.to_ne_bytes(), &[1]))
    }

    /// Calls of kinds that nobody wants leave the dispatcher at once.
    fn apply_calls(&self, filters: &Filters) -> Result<()> {
        let mut table = [0u16; 512];
        let compat = calls::runs_compat();
        for row in calls::all() {
            let wanted = filters.has(row.kind) && (filters.executable_memory || !calls::is_executable_memory(row));
            let call = Call::from_word(row.word).filter(|_| wanted).map_or(0, |call| call.0);
            if let Some(entry) = usize::try_from(row.native).ok().and_then(|native| table.get_mut(native)) {
                *entry |= call;
            }
            if compat && row.compat != 0 {
                table[usize::from(row.compat)] |= call << 8;
            }
        }
        let bytes: Vec<u8> = table.iter().flat_map(|entry| entry.to_ne_bytes()).collect();
        self.put(CALLS, &0u32.to_ne_bytes(), &bytes)
    }

    /// Has the path of this control group told once more with the next exec in it.
    pub(super) fn forget_group(&self, key: u64) {
        // A group that was never told needs nothing.
        let _ = self.get("cgroups_told").map(|map| map.delete(&key.to_ne_bytes()));
    }

    pub(super) fn deny(&self, key: FileKey) -> Result<()> {
        self.put("denied", &key.bytes(), &[1])
    }

    pub(super) fn allow(&self, key: FileKey) -> Result<()> {
        let map = self.get("denied")?;
        match map.delete(&key.bytes()) {
            Err(error) if error.kind() != libbpf_rs::ErrorKind::NotFound => Err(fault("denied")(error)),
            _ => Ok(()),
        }
    }

    /// Whether the kernel's list has it.
    pub(super) fn denies(&self, key: FileKey) -> Result<bool> {
        let found = self.get("denied")?.lookup(&key.bytes(), MapFlags::ANY).map_err(fault("denied"))?;
        Ok(found.is_some())
    }

    pub(super) fn counters(&self) -> Result<Vec<Counter>> {
        let map = self.get("counters")?;
        let mut counters = Vec::new();
        for kind in Kind::ALL.iter().copied() {
            let Some(number) = number_of(kind) else { continue };
            let rows = map.lookup_percpu(&number.to_ne_bytes(), MapFlags::ANY).map_err(fault("counters"))?;
            let sum = |at: usize| rows.iter().flatten().filter_map(|row| word(row, at)).sum();
            counters.push(Counter { kind, produced: sum(0), lost: sum(8), filtered: sum(16) });
        }
        Ok(counters)
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_ne_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

/// `struct event_prefix`: bits, then the front of the path.
fn prefix_key(prefix: &str) -> Result<Vec<u8>> {
    if !prefix.starts_with('/') || prefix.len() > PREFIX_BYTES {
        let wanted = format!("an absolute path of at most {PREFIX_BYTES} bytes");
        return Err(Fault::new(&base::config::INVALID).object("ignore_paths").expected(wanted).found(prefix));
    }
    let mut key = (prefix.len() as u32 * 8).to_ne_bytes().to_vec();
    key.extend_from_slice(prefix.as_bytes());
    key.resize(4 + PREFIX_BYTES, 0);
    Ok(key)
}

fn comm_key(comm: &str) -> [u8; 16] {
    let mut key = [0; 16];
    for (to, from) in key.iter_mut().zip(comm.bytes().take(15)) {
        *to = from;
    }
    key
}

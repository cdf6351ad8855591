//! The tables shared with the programs.

use super::calls;
use super::filters::{Filters, Scope, number_of};
use super::{Counter, FileKey};
use crate::raw::Call;
use base::{Fault, Result};
use kernel::SharedMaps;
use kernel::fault::MAP;
use libbpf_rs::{MapCore, MapFlags, MapHandle};
use record::Kind;
use std::os::fd::{AsFd, BorrowedFd, RawFd};

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

    /// Writes the filters: lists first, then the switch that makes them count.
    pub(super) fn apply(&self, filters: &Filters, wake_bytes: u64, denies: bool) -> Result<()> {
        let too_many = |name, most: usize, found: usize| {
            Fault::new(&MAP).object(name).expected(format!("at most {most}")).found(found)
        };
        if filters.ignore_paths.len() > PREFIXES {
            return Err(too_many("ignore_paths", PREFIXES, filters.ignore_paths.len()));
        }
        if filters.ignore_comms.len() > COMMS {
            return Err(too_many("ignore_comms", COMMS, filters.ignore_comms.len()));
        }
        for list in ["ignored_prefixes", "ignored_comms", "scope"] {
            self.clear(list)?;
        }
        for prefix in &filters.ignore_paths {
            self.put("ignored_prefixes", &prefix_key(prefix)?, &[1])?;
        }
        for comm in &filters.ignore_comms {
            self.put("ignored_comms", &comm_key(comm), &[1])?;
        }
        if let Some(Scope::Tree(roots)) = &filters.scope {
            for root in roots {
                self.put("scope", &root.to_ne_bytes(), &[1])?;
            }
        }
        self.put("settings", &0u32.to_ne_bytes(), &filters.settings(wake_bytes, denies))?;
        self.apply_calls(filters)
    }

    /// Calls of kinds that nobody wants leave the dispatcher at once.
    fn apply_calls(&self, filters: &Filters) -> Result<()> {
        let mut table = [0u16; 512];
        let compat = calls::runs_compat();
        for row in calls::all() {
            let wanted = filters.has(row.kind) && (filters.executable_memory || !calls::is_executable_memory(row));
            let call = Call::from_word(row.word).filter(|_| wanted).map_or(0, |call| call.0);
            if let Some(entry) = table.get_mut(row.native as usize) {
                *entry |= call;
            }
            if compat && row.compat != 0 {
                table[usize::from(row.compat)] |= call << 8;
            }
        }
        for (number, entry) in (0u32..).zip(table) {
            self.put("calls", &number.to_ne_bytes(), &entry.to_ne_bytes())?;
        }
        Ok(())
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

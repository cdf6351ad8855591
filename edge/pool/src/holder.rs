//! Who holds addresses: customers and sites.

use crate::fault;
use crate::runs::{FREE, Slot};
use base::{Fault, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Longest name, bytes.
const NAME_BYTES: usize = 128;

/// What a holder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A customer.
    Customer,
    /// A site: a place or a service of our own.
    Site,
}

/// One holder with what it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Holder {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// IPv4 addresses.
    pub ipv4: u128,
    /// IPv6 addresses.
    pub ipv6: u128,
}

/// Refuses a name that cannot be used: [`fault::NAME`].
pub fn check_name(name: &str) -> Result<()> {
    let good = |letter: char| letter.is_alphanumeric() || "._-/@".contains(letter);
    match (1..=NAME_BYTES).contains(&name.len()) && name.chars().all(good) {
        true => Ok(()),
        false => Err(Fault::new(&fault::NAME).object("holder").found(name.chars().take(40).collect::<String>())),
    }
}

#[derive(Debug, Clone)]
struct Entry {
    name: String,
    kind: Kind,
    /// IPv4 and IPv6 addresses held.
    counts: [u128; 2],
}

/// All holders, each with a small number that runs carry.
#[derive(Debug, Clone)]
pub(crate) struct Holders {
    names: BTreeMap<String, Slot>,
    /// The first is nobody: what is free is counted there.
    entries: Vec<Option<Entry>>,
    /// Numbers that may be given again.
    unused: Vec<Slot>,
}

impl Default for Holders {
    fn default() -> Holders {
        let nobody = Entry { name: String::new(), kind: Kind::Site, counts: [0; 2] };
        Holders { names: BTreeMap::new(), entries: vec![Some(nobody)], unused: Vec::new() }
    }
}

impl Holders {
    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    pub(crate) fn slot(&self, name: &str) -> Result<Slot> {
        self.names.get(name).copied().ok_or_else(|| Fault::new(&fault::HOLDER).object(name))
    }

    /// The number of a name, that of nobody for none.
    pub(crate) fn slot_or_free(&self, name: Option<&str>) -> Result<Slot> {
        name.map_or(Ok(FREE), |name| self.slot(name))
    }

    /// The name of a number; none for nobody.
    pub(crate) fn name(&self, slot: Slot) -> Option<&str> {
        self.entry(slot).filter(|_| slot != FREE).map(|entry| entry.name.as_str())
    }

    fn entry(&self, slot: Slot) -> Option<&Entry> {
        self.entries.get(slot as usize).and_then(Option::as_ref)
    }

    pub(crate) fn add(&mut self, name: &str, kind: Kind) {
        let entry = Some(Entry { name: name.into(), kind, counts: [0; 2] });
        let slot = match self.unused.pop() {
            Some(slot) => {
                self.entries[slot as usize] = entry;
                slot
            }
            None => {
                self.entries.push(entry);
                (self.entries.len() - 1) as Slot
            }
        };
        self.names.insert(name.into(), slot);
    }

    pub(crate) fn remove(&mut self, name: &str) {
        if let Some(slot) = self.names.remove(name) {
            self.entries[slot as usize] = None;
            self.unused.push(slot);
        }
    }

    /// What a number holds of IPv4 and IPv6.
    pub(crate) fn counts(&self, slot: Slot) -> [u128; 2] {
        self.entry(slot).map_or([0; 2], |entry| entry.counts)
    }

    /// Counts addresses of a family to a holder or away from it.
    pub(crate) fn count(&mut self, slot: Slot, ipv6: bool, gained: u128, lost: u128) {
        if let Some(Some(entry)) = self.entries.get_mut(slot as usize) {
            let count = &mut entry.counts[usize::from(ipv6)];
            *count = (*count + gained).saturating_sub(lost);
        }
    }

    pub(crate) fn get(&self, name: &str) -> Result<Holder> {
        let slot = self.slot(name)?;
        let entry = self.entry(slot).ok_or_else(|| Fault::new(&fault::HOLDER).object(name))?;
        let [ipv4, ipv6] = entry.counts;
        Ok(Holder { name: name.into(), kind: entry.kind, ipv4, ipv6 })
    }

    /// Holders behind a name, in order.
    pub(crate) fn after(&self, name: &str) -> impl Iterator<Item = Holder> {
        let behind = (std::ops::Bound::Excluded(name.to_string()), std::ops::Bound::Unbounded);
        self.names.range(behind).filter_map(|(name, _)| self.get(name).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for good in ["acme", "客户/上海-1", "a.b_c@d"] {
            check_name(good).unwrap();
        }
        for wrong in ["", "a b", "a\n", "x".repeat(129).as_str(), "a\"b"] {
            assert!(check_name(wrong).unwrap_err().is(&fault::NAME), "{wrong:?}");
        }
    }

    #[test]
    fn a_number_is_given_again() {
        let mut holders = Holders::default();
        holders.add("a", Kind::Customer);
        holders.add("b", Kind::Site);
        let slot = holders.slot("a").unwrap();
        holders.remove("a");
        assert_eq!(holders.name(slot), None);
        holders.add("c", Kind::Customer);
        assert_eq!((holders.slot("c").unwrap(), holders.len()), (slot, 2));
        assert_eq!(holders.after("b").map(|holder| holder.name).collect::<Vec<_>>(), ["c"]);
    }
}

//! What is announced, until when, and what the neighbour still has to be told.

use crate::announcement::{Announcement, Approval};
use crate::message::Nlri;
use crate::{Family, fault};
use base::{Fault, Micros, Result};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Names an announcement of one speaker; never used again while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Id(pub u64);

/// One announcement.
#[derive(Debug)]
pub(crate) struct Entry {
    pub announcement: Announcement,
    pub approval: Approval,
    nlri: Nlri,
    /// End of the lease, monotonic.
    pub until: Micros,
    /// When the neighbour of the present session was told, monotonic.
    pub told: Option<Micros>,
}

/// All announcements of one speaker.
#[derive(Debug, Default)]
pub(crate) struct Table {
    entries: BTreeMap<Id, Entry>,
    keys: HashMap<Nlri, Id>,
    ends: BTreeSet<(Micros, Id)>,
    /// To be told in this session.
    untold: BTreeSet<Id>,
    /// To be taken back in this session.
    withdrawn: BTreeMap<Family, Vec<Nlri>>,
    last: u64,
}

impl Table {
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = (Id, &Entry)> {
        self.entries.iter().map(|(id, entry)| (*id, entry))
    }

    /// Withdrawals that were not told yet.
    pub(crate) fn owed(&self) -> usize {
        self.withdrawn.values().map(Vec::len).sum()
    }

    /// Adds one; [`fault::STANDS`] when its key is in the table.
    pub(crate) fn announce(&mut self, announcement: Announcement, approval: Approval, until: Micros) -> Result<Id> {
        let nlri = announcement.nlri();
        if let Some(id) = self.keys.get(&nlri) {
            return Err(Fault::new(&fault::STANDS).object(nlri).found(format!("announcement {}", id.0)));
        }
        self.last += 1;
        let id = Id(self.last);
        self.keys.insert(nlri.clone(), id);
        self.ends.insert((until, id));
        self.untold.insert(id);
        self.entries.insert(id, Entry { announcement, approval, nlri, until, told: None });
        Ok(id)
    }

    /// Moves the end of a lease.
    pub(crate) fn renew(&mut self, id: Id, until: Micros) -> Result<()> {
        let entry = self.entries.get_mut(&id).ok_or_else(|| missing(id))?;
        self.ends.remove(&(entry.until, id));
        self.ends.insert((until, id));
        entry.until = until;
        Ok(())
    }

    /// Takes one back.
    pub(crate) fn withdraw(&mut self, id: Id) -> Result<()> {
        let entry = self.entries.remove(&id).ok_or_else(|| missing(id))?;
        self.keys.remove(&entry.nlri);
        self.ends.remove(&(entry.until, id));
        self.untold.remove(&id);
        if entry.told.is_some() {
            self.withdrawn.entry(entry.nlri.family()).or_default().push(entry.nlri);
        }
        Ok(())
    }

    /// Takes back what is over.
    pub(crate) fn expire(&mut self, now: Micros) {
        while let Some((until, id)) = self.ends.first().copied().filter(|(until, _)| *until <= now) {
            if self.withdraw(id).is_err() {
                self.ends.remove(&(until, id));
            }
        }
    }

    /// Takes everything back.
    pub(crate) fn clear(&mut self) {
        self.expire(Micros::MAX);
    }

    /// The next end of a lease.
    pub(crate) fn next_end(&self) -> Option<Micros> {
        self.ends.first().map(|(until, _)| *until)
    }

    /// A session begins or has ended: the neighbour knows nothing of us.
    pub(crate) fn forget_session(&mut self) {
        self.withdrawn.clear();
        self.untold = self.entries.keys().copied().collect();
        self.entries.values_mut().for_each(|entry| entry.told = None);
    }

    /// The neighbour asks for a family again.
    pub(crate) fn refresh(&mut self, family: Family) {
        let again = self.entries.iter().filter(|(_, entry)| entry.nlri.family() == family);
        self.untold.extend(again.map(|(id, _)| *id));
    }

    /// Takes withdrawals of one family, as many as fit in these bytes.
    pub(crate) fn take_withdrawn(&mut self, bytes: usize) -> Option<(Family, Vec<Nlri>)> {
        let mut entry = self.withdrawn.first_entry()?;
        let (family, all) = (*entry.key(), entry.get_mut());
        let (mut size, mut taken, mut form) = (0, Vec::new(), Vec::new());
        while let Some(nlri) = all.pop() {
            form.clear();
            nlri.write(&mut form);
            if size + form.len() > bytes && !taken.is_empty() {
                all.push(nlri);
                break;
            }
            size += form.len();
            taken.push(nlri);
        }
        if all.is_empty() {
            entry.remove();
        }
        Some((family, taken))
    }

    /// Takes the next announcement to be told, of those that the neighbour takes.
    pub(crate) fn take_untold(&mut self, now: Micros, takes: impl Fn(Family) -> bool) -> Option<&Announcement> {
        while let Some(id) = self.untold.pop_first() {
            let told = self.entries.get(&id).is_some_and(|entry| takes(entry.nlri.family()));
            if told {
                let entry = self.entries.get_mut(&id)?;
                entry.told = entry.told.or(Some(now));
                return Some(&entry.announcement);
            }
        }
        None
    }
}

fn missing(id: Id) -> Fault {
    Fault::new(&fault::MISSING).object(format!("announcement {}", id.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{IpAddr, Ipv4Addr};

    fn blackhole(last: u8) -> Announcement {
        Announcement::blackhole(base::Prefix::single(IpAddr::V4(Ipv4Addr::new(192, 0, 2, last))))
    }

    fn table(count: u8) -> (Table, Vec<Id>) {
        let mut table = Table::default();
        let add = |last| table.announce(blackhole(last), Approval::Missing, 100 + Micros::from(last)).unwrap();
        let ids = (0..count).map(add).collect();
        (table, ids)
    }

    fn tell_all(table: &mut Table) -> usize {
        std::iter::from_fn(|| table.take_untold(1, |_| true).cloned()).count()
    }

    #[test]
    fn one_key_stands_once() {
        let (mut table, ids) = table(1);
        let fault = table.announce(blackhole(0), Approval::Missing, 900).unwrap_err();
        assert!(fault.is(&fault::STANDS) && fault.got() == "announcement 1");
        table.withdraw(ids[0]).unwrap();
        assert!(table.withdraw(ids[0]).unwrap_err().is(&fault::MISSING));
        assert_ne!(table.announce(blackhole(0), Approval::Missing, 900).unwrap(), ids[0], "an id is never used again");
    }

    #[test]
    fn what_was_never_told_is_not_taken_back() {
        let (mut table, ids) = table(2);
        table.withdraw(ids[0]).unwrap();
        assert_eq!(table.owed(), 0);
        assert_eq!(tell_all(&mut table), 1);
        table.withdraw(ids[1]).unwrap();
        assert_eq!((table.owed(), table.len()), (1, 0));
    }

    #[test]
    fn leases_end_in_order_and_can_be_renewed() {
        let (mut table, ids) = table(3);
        tell_all(&mut table);
        table.renew(ids[0], 500).unwrap();
        assert_eq!(table.next_end(), Some(101));
        table.expire(102);
        assert_eq!((table.len(), table.owed(), table.next_end()), (1, 2, Some(500)));
        table.forget_session();
        assert_eq!((table.owed(), tell_all(&mut table)), (0, 1), "a new session hears what still stands");
    }

    #[test]
    fn a_family_the_neighbour_does_not_take_is_left_out() {
        let (mut table, _) = table(2);
        assert!(table.take_untold(1, Family::is_flow).is_none());
        assert!(table.entries().all(|(_, entry)| entry.told.is_none()));
        table.refresh(Family::Ipv4);
        assert_eq!(tell_all(&mut table), 2);
    }

    #[test]
    fn withdrawals_come_in_messages_that_fit() {
        let (mut table, _) = table(9);
        tell_all(&mut table);
        table.clear();
        let mut sizes = Vec::new();
        while let Some((family, nlri)) = table.take_withdrawn(20) {
            assert_eq!(family, Family::Ipv4);
            sizes.push(nlri.len());
        }
        assert_eq!(sizes, [4, 4, 1]);
    }
}

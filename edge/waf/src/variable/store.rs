//! Values of one transaction's request and response.

use super::{LISTS, List, SINGLES, Single};
use crate::engine::intern::{Arena, Id};
use crate::limits;

/// A named value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its name.
    pub name: Id,
    /// Its value.
    pub value: Id,
}

/// All of them.
pub(crate) struct Store {
    singles: [Id; SINGLES],
    lists: [Vec<Entry>; LISTS],
    /// What was written since the last [`Store::take_changed`].
    changed: u128,
    /// Lists with entries.
    present: u128,
    /// A bound was reached.
    pub exceeded: bool,
    /// It kept a part of the request from the rules.
    pub unseen: bool,
}

impl Store {
    pub fn new() -> Store {
        let lists = [const { Vec::new() }; LISTS];
        Store { singles: [Id::NONE; SINGLES], lists, changed: 0, present: 0, exceeded: false, unseen: false }
    }

    /// Forgets all values.
    pub fn clear(&mut self) {
        self.singles = [Id::NONE; SINGLES];
        self.lists.iter_mut().for_each(Vec::clear);
        self.changed = 0;
        self.present = 0;
        self.exceeded = false;
        self.unseen = false;
    }

    /// Sets a variable of one value.
    pub fn set(&mut self, single: Single, value: Id) {
        self.singles[single as usize] = value;
        self.changed |= 1 << single as u32;
    }

    /// The value of a variable: as in libmodsecurity the empty text when it was not set, but for the user's name.
    pub fn get(&self, single: Single) -> Option<Id> {
        match self.singles[single as usize] {
            id if id.is_some() => Some(id),
            _ if single == Single::RemoteUser => None,
            _ => Some(Id::EMPTY),
        }
    }

    /// Whether a variable was set to some text.
    pub fn is_set(&self, single: Single) -> bool {
        !matches!(self.singles[single as usize], Id::NONE | Id::EMPTY)
    }

    /// Adds an entry to a list; false when the list is full.
    pub fn add(&mut self, list: List, name: Id, value: Id) -> bool {
        let entries = &mut self.lists[list as usize];
        let arguments = matches!(list, List::ArgsGet | List::ArgsPost | List::ArgsBody);
        if entries.len() >= limits::ENTRIES && !arguments {
            self.unseen = true;
            return false;
        }
        entries.push(Entry { name, value });
        self.changed |= list.bit();
        self.present |= list.bit();
        true
    }

    /// The entries of a list, in the order of the request.
    pub fn list(&self, list: List) -> &[Entry] {
        &self.lists[list as usize]
    }

    /// The first value of this name, ASCII case aside.
    pub fn first<'a>(&self, arena: &'a Arena, list: List, name: &[u8]) -> Option<&'a [u8]> {
        let entry = self.list(list).iter().find(|entry| arena.get(entry.name).eq_ignore_ascii_case(name))?;
        Some(arena.get(entry.value))
    }

    /// Arguments of all kinds that count against `SecArgumentsLimit`.
    pub fn arguments(&self) -> usize {
        [List::ArgsGet, List::ArgsPost, List::ArgsBody].iter().map(|list| self.list(*list).len()).sum()
    }

    /// Bits of the lists that have entries.
    pub fn present(&self) -> u128 {
        self.present
    }

    /// Bits of what changed, see [`super::Source::bits`].
    pub fn take_changed(&mut self) -> u128 {
        std::mem::take(&mut self.changed)
    }
}

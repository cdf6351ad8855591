//! The groups of one correlation: their keys, the order they were last seen in, and which one goes first.

use super::limits::VALUE_BYTES;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

/// Appends a value to a key: its length, then its bytes. A long one keeps its beginning and a hash of the whole, so
/// that it stays another value without costing more than [`VALUE_BYTES`].
pub(super) fn append(key: &mut Vec<u8>, value: &[u8], hasher: &RandomState) {
    if value.len() <= VALUE_BYTES {
        key.extend_from_slice(&(value.len() as u16).to_le_bytes());
        key.extend_from_slice(value);
        return;
    }
    let mut end = VALUE_BYTES - 17;
    while end > 0 && value[end] & 0xc0 == 0x80 {
        end -= 1;
    }
    let hash = format!("#{:016x}", hasher.hash_one(value));
    key.extend_from_slice(&((end + hash.len()) as u16).to_le_bytes());
    key.extend_from_slice(&value[..end]);
    key.extend_from_slice(hash.as_bytes());
}

/// The values of a key, in order.
pub(super) fn values(mut key: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, rest) = key.split_at_checked(2)?;
        let length = usize::from(u16::from_le_bytes([length[0], length[1]]));
        let (value, rest) = rest.split_at_checked(length)?;
        key = rest;
        Some(value)
    })
}

/// No slot.
const NONE: u32 = u32::MAX;
/// Of the groups of a correlation, at least one in so many is left to groups seen once.
const YOUNG: usize = 8;

/// A list through the slots, the latest seen first.
#[derive(Debug, Clone, Copy)]
struct List {
    first: u32,
    last: u32,
    length: usize,
}

impl List {
    const EMPTY: List = List { first: NONE, last: NONE, length: 0 };
}

#[derive(Debug)]
struct Slot<S> {
    key: Arc<[u8]>,
    state: S,
    before: u32,
    after: u32,
    /// Seen more than once.
    old: bool,
}

/// The groups of one correlation. Those seen once are kept apart from those seen again, so that a flood of new ones
/// pushes out its own kind.
#[derive(Debug)]
pub(super) struct Groups<S> {
    places: HashMap<Arc<[u8]>, u32>,
    slots: Vec<Option<Slot<S>>>,
    free: Vec<u32>,
    /// Seen once, and seen again.
    lists: [List; 2],
}

impl<S> Default for Groups<S> {
    fn default() -> Groups<S> {
        Groups { places: HashMap::new(), slots: Vec::new(), free: Vec::new(), lists: [List::EMPTY; 2] }
    }
}

impl<S> Groups<S> {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// The place of a group, made by `make` when it is new; it is the latest seen now. Says whether it is new.
    pub(super) fn enter(&mut self, key: &[u8], make: impl FnOnce() -> S) -> (u32, bool) {
        if let Some(place) = self.places.get(key).copied() {
            self.unlink(place);
            self.link(place, true);
            return (place, false);
        }
        let key: Arc<[u8]> = key.into();
        let slot = Slot { key: key.clone(), state: make(), before: NONE, after: NONE, old: false };
        let place = match self.free.pop() {
            Some(place) => {
                self.slots[place as usize] = Some(slot);
                place
            }
            None => {
                self.slots.push(Some(slot));
                self.slots.len() as u32 - 1
            }
        };
        self.places.insert(key, place);
        self.link(place, false);
        (place, true)
    }

    /// The key and state at a place.
    pub(super) fn at(&mut self, place: u32) -> Option<(&Arc<[u8]>, &mut S)> {
        self.slots.get_mut(place as usize)?.as_mut().map(|slot| (&slot.key, &mut slot.state))
    }

    /// The states of all groups, in no order.
    pub(super) fn states(&self) -> impl Iterator<Item = &S> {
        self.slots.iter().flatten().map(|slot| &slot.state)
    }

    /// The group to give up when one must go.
    pub(super) fn victim(&self) -> Option<u32> {
        let [young, old] = self.lists;
        let last = if young.length > self.len() / YOUNG || old.length == 0 { young.last } else { old.last };
        (last != NONE).then_some(last)
    }

    /// The least recently seen of each kind.
    pub(super) fn oldest(&self) -> [Option<u32>; 2] {
        self.lists.map(|list| (list.last != NONE).then_some(list.last))
    }

    /// Takes a group out.
    pub(super) fn remove(&mut self, place: u32) -> Option<(Arc<[u8]>, S)> {
        self.slots.get(place as usize)?.as_ref()?;
        self.unlink(place);
        let slot = self.slots.get_mut(place as usize)?.take()?;
        self.places.remove(&slot.key);
        self.free.push(place);
        Some((slot.key, slot.state))
    }

    fn slot(&mut self, place: u32) -> Option<&mut Slot<S>> {
        self.slots.get_mut(place as usize)?.as_mut()
    }

    fn link(&mut self, place: u32, old: bool) {
        let list = usize::from(old);
        let first = self.lists[list].first;
        if let Some(slot) = self.slot(place) {
            (slot.before, slot.after, slot.old) = (NONE, first, old);
        }
        match self.slot(first) {
            Some(slot) => slot.before = place,
            None => self.lists[list].last = place,
        }
        self.lists[list].first = place;
        self.lists[list].length += 1;
    }

    fn unlink(&mut self, place: u32) {
        let Some(slot) = self.slot(place) else { return };
        let (before, after, list) = (slot.before, slot.after, usize::from(slot.old));
        match self.slot(before) {
            Some(slot) => slot.after = after,
            None => self.lists[list].first = after,
        }
        match self.slot(after) {
            Some(slot) => slot.before = before,
            None => self.lists[list].last = before,
        }
        self.lists[list].length -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_read_back_and_stay_apart() {
        let hasher = RandomState::new();
        let mut key = Vec::new();
        append(&mut key, b"alice", &hasher);
        append(&mut key, b"", &hasher);
        append(&mut key, "é".repeat(400).as_bytes(), &hasher);
        let read: Vec<&[u8]> = values(&key).collect();
        assert_eq!((read[0], read[1], read.len()), (&b"alice"[..], &b""[..], 3));
        assert!(read[2].len() <= VALUE_BYTES && std::str::from_utf8(read[2]).is_ok());
        let long = |tail: &str| {
            let mut key = Vec::new();
            append(&mut key, format!("{}{tail}", "x".repeat(600)).as_bytes(), &hasher);
            key
        };
        assert_ne!(long("a"), long("b"));
    }

    #[test]
    fn a_flood_of_new_groups_leaves_those_that_are_being_counted() {
        let mut groups = Groups::<u32>::default();
        for key in [b"a", b"b"] {
            groups.enter(key, || 1);
            groups.enter(key, || 1);
        }
        for number in 0..1000_u32 {
            groups.enter(&number.to_le_bytes(), || 0);
            if groups.len() > 16 {
                let victim = groups.victim().unwrap();
                groups.remove(victim).unwrap();
            }
        }
        assert!(!groups.enter(b"a", || 0).1 && !groups.enter(b"b", || 0).1);
    }

    proptest! {
        #[test]
        fn the_lists_hold_every_group_once(deeds in prop::collection::vec((0_u8..3, 0_u8..12), 0..200)) {
            let mut groups = Groups::<u8>::default();
            let mut model: Vec<(u8, bool)> = Vec::new();
            for (deed, key) in deeds {
                let at = model.iter().position(|(known, _)| *known == key);
                if deed < 2 {
                    prop_assert_eq!(groups.enter(&[key], || key).1, at.is_none());
                    at.map(|at| model.remove(at));
                    model.insert(0, (key, at.is_some()));
                } else if let Some(victim) = groups.victim() {
                    let young = model.iter().filter(|(_, old)| !old).count();
                    let old = !(young > model.len() / YOUNG || young == model.len());
                    let expected = model.iter().rposition(|(_, is_old)| *is_old == old).unwrap();
                    prop_assert_eq!(groups.remove(victim).unwrap().1, model.remove(expected).0);
                }
                prop_assert_eq!(groups.len(), model.len());
            }
        }
    }
}

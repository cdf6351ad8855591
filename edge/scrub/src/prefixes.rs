//! The list of IPv4 prefixes as the program reads it: by the first 16 bits of a source, then by the next 8; the trie has
//! the last word where a prefix is longer than 24 bits, or where the blocks are used up.
//!
//! What changes costs what lies in one /16 at most, for a prefix of 16 bits or less what lies below it.

use crate::Filter;
use crate::layout::{Block as BlockEntry, Heads, Net4};
use crate::lists::{Verdict, verdict};
use base::Result;
use libbpf_rs::MapCore;
use std::collections::BTreeMap;

/// `enum says`.
const NOTHING: u8 = 0;
const DENY: u8 = 1;
const ALLOW: u8 = 2;
const ASK: u8 = 3;
/// The first number of a block.
const BLOCK: u16 = 4;

/// A block of a /16: its number, and what it says by the third byte.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Block {
    number: u16,
    says: [u8; 256],
}

/// The prefixes and the table made of them.
pub(crate) struct Prefixes {
    of: BTreeMap<(u32, u8), u8>,
    heads: Vec<u16>,
    blocks: BTreeMap<u16, Block>,
    free: Vec<u16>,
}

/// What has to be written to the kernel, in this order: blocks before the heads that lead to them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Changes {
    /// Number and content.
    pub(crate) blocks: Vec<(u16, [u8; 256])>,
    /// First bytes whose rows of heads are other ones now.
    pub(crate) rows: Vec<u8>,
}

fn says(verdict: Verdict) -> u8 {
    if verdict == Verdict::Allow { ALLOW } else { DENY }
}

fn mask(length: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0)
}

impl Prefixes {
    /// None, with room for so many blocks.
    pub(crate) fn new(blocks: u32) -> Prefixes {
        let free = u16::try_from(blocks).unwrap_or(u16::MAX).min(u16::MAX - BLOCK);
        Prefixes {
            of: BTreeMap::new(),
            heads: vec![u16::from(NOTHING); 65_536],
            blocks: BTreeMap::new(),
            free: (0..free).rev().collect(),
        }
    }

    /// Those of the trie, with the table that the kernel already has.
    pub(crate) fn adopted(
        prefixes: impl Iterator<Item = ((u32, u8), Verdict)>,
        heads: Vec<u16>,
        blocks: &[[u8; 256]],
    ) -> Prefixes {
        let mut adopted = Prefixes::new(blocks.len() as u32);
        adopted.of = prefixes.map(|(prefix, verdict)| (prefix, says(verdict))).collect();
        for (high, head) in heads.iter().enumerate() {
            let number = head.checked_sub(BLOCK);
            let block = number.and_then(|number| Some((number, *blocks.get(usize::from(number))?)));
            adopted.blocks.extend(block.map(|(number, says)| (high as u16, Block { number, says })));
        }
        let used: std::collections::BTreeSet<u16> = adopted.blocks.values().map(|block| block.number).collect();
        adopted.free.retain(|number| !used.contains(number));
        adopted.heads = heads;
        adopted
    }

    /// Heads of all sources with this first byte.
    pub(crate) fn row(&self, first: u8) -> &[u16] {
        &self.heads[usize::from(first) << 8..][..256]
    }

    /// Lists a prefix, or takes it off the list.
    pub(crate) fn set(&mut self, (address, length): (u32, u8), verdict: Option<Verdict>) -> Changes {
        let key = (address & mask(length), length.min(32));
        match verdict {
            Some(verdict) => self.of.insert(key, says(verdict)),
            None => self.of.remove(&key),
        };
        let (first, last) = ((key.0 >> 16) as u16, ((key.0 | !mask(length)) >> 16) as u16);
        let mut changes = Changes::default();
        for high in first..=last {
            self.change(high, key, &mut changes);
        }
        changes
    }

    /// Makes a /16 anew of which the prefix was changed.
    fn change(&mut self, high: u16, changed: (u32, u8), changes: &mut Changes) {
        let base = self.covering(u32::from(high) << 16, 16);
        let longer = self.inside(u32::from(high) << 16, 16).next().is_some();
        let held = self.blocks.remove(&high);
        let head = match (longer, held) {
            (false, held) => {
                self.free.extend(held.map(|block| block.number));
                u16::from(base)
            }
            (true, held) => match held.as_ref().map(|block| block.number).or_else(|| self.free.pop()) {
                None => u16::from(ASK),
                Some(number) => {
                    // Addresses come in thousands; only one byte of a block changes with each.
                    let says = match held.filter(|_| changed.1 > 24) {
                        Some(mut block) => {
                            block.says[(changed.0 >> 8 & 255) as usize] = self.says_of_24(changed.0);
                            block.says
                        }
                        None => self.all_of_16(high, base),
                    };
                    self.blocks.insert(high, Block { number, says });
                    changes.blocks.push((number, says));
                    number + BLOCK
                }
            },
        };
        let before = std::mem::replace(&mut self.heads[usize::from(high)], head);
        let first = (high >> 8) as u8;
        if before != head && changes.rows.last() != Some(&first) {
            changes.rows.push(first);
        }
    }

    /// What the longest prefix of at most so many bits says that holds an address.
    fn covering(&self, address: u32, most: u8) -> u8 {
        let mut lengths = (0..=most).rev();
        lengths.find_map(|length| self.of.get(&(address & mask(length), length)).copied()).unwrap_or(NOTHING)
    }

    /// Prefixes within one of this length that are longer.
    fn inside(&self, address: u32, length: u8) -> impl Iterator<Item = (&(u32, u8), &u8)> {
        let (first, last) = (address & mask(length), address | !mask(length));
        self.of.range((first, 0)..=(last, 32)).filter(move |((_, found), _)| *found > length)
    }

    fn says_of_24(&self, address: u32) -> u8 {
        if self.inside(address, 24).next().is_some() { ASK } else { self.covering(address, 24) }
    }

    fn all_of_16(&self, high: u16, base: u8) -> [u8; 256] {
        let (mut says, mut lengths) = ([base; 256], [16_u8; 256]);
        for (&(address, length), value) in self.inside(u32::from(high) << 16, 16) {
            let third = (address >> 8 & 255) as usize;
            let (value, span) = if length > 24 { (ASK, 1) } else { (*value, 1_usize << (24 - length)) };
            for (says, longest) in says.iter_mut().zip(&mut lengths).skip(third).take(span) {
                if length >= *longest {
                    (*says, *longest) = (value, length);
                }
            }
        }
        says
    }
}

impl Filter {
    /// Brings the table of IPv4 prefixes up to date.
    pub(crate) fn set_prefix(&mut self, net: Net4, verdict: Option<Verdict>) -> Result<()> {
        let changes = self.prefixes.set(table_key(net), verdict);
        for (number, says) in changes.blocks {
            self.maps.blocks.put(&u32::from(number), &BlockEntry { says })?;
        }
        for first in changes.rows {
            let mut heads = Heads { head: [0; 256] };
            heads.head.copy_from_slice(self.prefixes.row(first));
            self.maps.heads.put(&u32::from(first), &heads)?;
        }
        Ok(())
    }

    /// The table of IPv4 prefixes, as the maps say.
    pub(crate) fn read_prefixes(&self) -> Result<Prefixes> {
        let listed = self.maps.sources4.entries::<Net4, u32>()?.into_iter();
        let listed = listed.map(|(net, value)| (table_key(net), verdict(value)));
        let mut heads = vec![0; 65_536];
        for (first, row) in self.maps.heads.entries::<u32, Heads>()? {
            if let Some(place) = heads.get_mut((first as usize) << 8..).and_then(|rest| rest.get_mut(..256)) {
                place.copy_from_slice(&row.head);
            }
        }
        let mut blocks = vec![[0; 256]; self.maps.blocks.handle.max_entries() as usize];
        for (number, block) in self.maps.blocks.entries::<u32, BlockEntry>()? {
            if let Some(place) = blocks.get_mut(number as usize) {
                *place = block.says;
            }
        }
        Ok(Prefixes::adopted(listed, heads, &blocks))
    }
}

/// Address and length of a prefix.
fn table_key(net: Net4) -> (u32, u8) {
    (u32::from_be_bytes(net.address), u8::try_from(net.bits).unwrap_or(32))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What the program says of a source: in two steps, then by the trie.
    fn read(prefixes: &Prefixes, heads: &[u16], blocks: &[[u8; 256]], source: u32) -> u8 {
        let says = match heads[(source >> 16) as usize].checked_sub(BLOCK) {
            Some(number) => blocks[usize::from(number)][(source >> 8 & 255) as usize],
            None => heads[(source >> 16) as usize] as u8,
        };
        if says == ASK { prefixes.covering(source, 32) } else { says }
    }

    /// The kernel's side: nothing but what was written to it.
    struct Kernel {
        heads: Vec<u16>,
        blocks: Vec<[u8; 256]>,
    }

    impl Kernel {
        fn new(blocks: usize) -> Kernel {
            Kernel { heads: vec![0; 65_536], blocks: vec![[0; 256]; blocks] }
        }

        fn write(&mut self, prefixes: &Prefixes, changes: Changes) {
            for (number, says) in changes.blocks {
                self.blocks[usize::from(number)] = says;
            }
            for first in changes.rows {
                self.heads[usize::from(first) << 8..][..256].copy_from_slice(prefixes.row(first));
            }
        }
    }

    proptest! {
        #[test]
        fn the_table_says_what_the_longest_prefix_says(
            steps in prop::collection::vec((0..4_u32, 0..3_u32, any::<u8>(), any::<u8>(), 6..=32_u8, 0..3_u8), 1..60),
            room in 0..4_usize,
        ) {
            let (mut prefixes, mut kernel) = (Prefixes::new(room as u32), Kernel::new(room));
            let mut sources = vec![0, u32::MAX];
            for (a, b, c, d, length, what) in steps {
                let address = (10 + a) << 24 | b << 16 | u32::from(c) << 8 | u32::from(d);
                let verdict = [None, Some(Verdict::Deny), Some(Verdict::Allow)][usize::from(what)];
                let changes = prefixes.set((address & mask(length), length), verdict);
                kernel.write(&prefixes, changes);
                sources.extend([address, address ^ 1, address ^ 0x100, address ^ 0x1_0000, address | !mask(length)]);
                for source in &sources {
                    let wanted = prefixes.covering(*source, 32);
                    prop_assert_eq!(read(&prefixes, &kernel.heads, &kernel.blocks, *source), wanted, "{:x}", source);
                }
            }
            let all: Vec<_> = prefixes.of.iter().map(|(key, says)| (*key, if *says == ALLOW { Verdict::Allow } else { Verdict::Deny })).collect();
            let adopted = Prefixes::adopted(all.clone().into_iter(), kernel.heads.clone(), &kernel.blocks);
            prop_assert_eq!(&adopted.blocks, &prefixes.blocks);
            prop_assert_eq!(adopted.free.len(), prefixes.free.len());
            for (key, _) in all {
                let changes = prefixes.set(key, None);
                kernel.write(&prefixes, changes);
            }
            prop_assert!(kernel.heads.iter().all(|head| *head == 0) && prefixes.free.len() == room);
        }
    }

    #[test]
    fn a_source_more_changes_one_block() {
        let mut prefixes = Prefixes::new(8);
        for n in 0..65_536_u32 {
            let changes = prefixes.set((0x0a01_0000 | n, 32), Some(Verdict::Deny));
            assert!(changes.blocks.len() == 1 && changes.rows.len() <= 1);
        }
        assert_eq!(prefixes.free.len(), 7);
        assert_eq!(prefixes.set((0, 0), Some(Verdict::Deny)).rows.len(), 256);
    }
}
